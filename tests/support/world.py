"""A private copy of this machine for tests that need a real scheduler: mounts, processes, /etc, /run and /var of its own, the Debian packages
that tests/run.sh put into build/tools/world laid over it, and jobrun in /usr/local/bin. Promises that nothing a test does there is seen outside,
and that no process outlives it. Needs root and overlayfs; where they can't be had, WHY_NOT says why. Starts no scheduler itself."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from support import jobrun_case

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
JOBRUN = os.path.join(REPOSITORY, os.environ.get("JOBRUN", "build/gcc/jobrun"))
PACKAGES = REPOSITORY / "build" / "tools" / "world"

WHY_NOT = os.environ.get("JOBRUN_WORLD", "it was not entered: run this file as a program")


def enter():
    """Called before anything else: this program once more, in the copy. Where that can't be, it goes on without."""
    if "JOBRUN_WORLD" in os.environ:
        return _settle() if WHY_NOT == "" else None
    words = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation"]
    # Below a chroot(2) the root is no mount that could be made private; there it has to be so already.
    for kind in ("private", "unchanged"):
        told = _try([*words, kind])
        if not told:
            break
    # What the schedulers in there inherit is a machine's environment: no CI system's, which would be taken for the caller.
    kept = {name: value for name, value in os.environ.items() if name in ("HOME", "LANG", "TMPDIR", "JOBRUN")}
    kept["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    kept["JOBRUN_WORLD"] = told and "no private mounts can be had here: " + told
    os.execvpe("env", ["env", *([] if told else [*words, kind]), sys.executable, os.path.abspath(sys.argv[0]), *sys.argv[1:]], kept)


def _try(words):
    """Empty, or why a mount can't be made that stays unseen out here."""
    folder = tempfile.mkdtemp(prefix="jr-world-")
    try:
        tried = subprocess.run([*words, "mount", "-t", "tmpfs", "tmpfs", folder], capture_output=True, text=True, check=False)
        if not os.path.ismount(folder):
            return "" if tried.returncode == 0 else tried.stderr.strip() or "unshare failed"
        subprocess.run(["umount", folder], check=True)
        return "they are seen outside"
    finally:
        os.rmdir(folder)


def _mount(*words):
    subprocess.run(["mount", *words], check=True, capture_output=True, text=True)


def _settle():
    """Mounts the copy and changes into it."""
    global WHY_NOT
    try:
        _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", "/mnt")
        for name in ("changes", "work", "machine", "packages"):
            os.mkdir("/mnt/" + name)
        if PACKAGES.is_dir():
            shutil.copytree(PACKAGES, "/mnt/packages", symlinks=True, dirs_exist_ok=True)
        _mount("-t", "overlay", "overlay", "-o", "lowerdir=/mnt/packages:/,upperdir=/mnt/changes,workdir=/mnt/work", "/mnt/machine")
        machine = pathlib.Path("/mnt/machine")
        for folder in ("/dev", "/sys", "/proc", "/tmp", str(REPOSITORY)):
            (machine / folder[1:]).mkdir(parents=True, exist_ok=True)
            _mount("--rbind", folder, str(machine / folder[1:]))
        _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", str(machine / "run"))
        _mount("-t", "tmpfs", "-o", "mode=1777", "tmpfs", str(machine / "dev/shm"))
        # Where it can be had a root of its own, which a service manager needs that makes namespaces for its services.
        if subprocess.run(["pivot_root", str(machine), str(machine / "mnt")], capture_output=True, check=False).returncode == 0:
            os.chdir("/")
            subprocess.run(["umount", "--lazy", "/mnt"], check=True, capture_output=True, text=True)
        else:
            os.chroot(machine)
    except (OSError, subprocess.CalledProcessError) as problem:
        WHY_NOT = f"this machine can't be laid over: {getattr(problem, 'stderr', None) or problem}".strip()
        return
    os.chdir(REPOSITORY)
    shutil.copy(JOBRUN, "/usr/local/bin/jobrun")
    os.chmod("/usr/local/bin/jobrun", 0o755)


def missing(*programs):
    """Empty, or why a test that needs these programs can't be run here."""
    absent = [name for name in programs if not shutil.which(name, path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")]
    return WHY_NOT or (f"{', '.join(absent)} is not here (tests/run.sh fetches it)" if absent else "")


def wait_until(is_true, what, deadline=120):
    """As everywhere, at the pace of schedulers: most looks start a process."""
    return jobrun_case.wait_until(is_true, what, deadline, nap=0.05)


def run(*words, check=True, **how):
    """What it printed, both streams."""
    done = subprocess.run([str(word) for word in words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, **how)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, words))}: {done.returncode}\n{done.stdout}")
    return done.stdout


_owner = "jobrun"
SUDO = """#!/bin/sh
[ "$1" != -u ] || { user=$2; shift 2; exec setpriv --reuid="$user" --regid="$user" --clear-groups env HOME=/var/lib/jobrun "$@"; }
exec "$@"
"""


def install():
    """jobrun as jobrun-schedulers(7) says, line by line: a user of its own, a ledger in /var/lib/jobrun; jobs in /etc/jobrun/jobs."""
    os.makedirs("/etc/jobrun/jobs", mode=0o755)
    sudo = pathlib.Path("/usr/local/bin/sudo")
    sudo.write_text(SUDO, encoding="utf-8")
    sudo.chmod(0o755)
    page = (REPOSITORY / "man/jobrun-schedulers.7").read_text(encoding="utf-8")
    lines = page.split(".Sh SYSTEMD\n")[1].split(".Bd -literal -offset indent\n")[1].split(".Ed\n")[0].splitlines()
    once = [line for line in lines if "systemctl" not in line and "backup" not in line]
    assert len(once) >= 4, lines
    for line in once:
        run("sh", "-c", line)


def install_for_root():
    global _owner
    _owner = "root"
    os.makedirs("/etc/jobrun/jobs", mode=0o755)
    jobrun("init")


def jobrun(*words, check=True):
    """As the user that owns the ledger."""
    return run("setpriv", f"--reuid={_owner}", f"--regid={_owner}", "--clear-groups", "env", "-i", "PATH=/usr/local/bin:/usr/bin:/bin",
               "HOME=/var/lib/jobrun", "jobrun", *words, check=check)


def job(name, script, **manifest):
    """A job whose command is this shell text; $T is a folder that it may write to."""
    text = json.dumps({"command": ["sh", "-c", "T=/var/lib/jobrun\n" + script], **manifest})
    pathlib.Path("/etc/jobrun/jobs", name + ".json").write_text(text, encoding="utf-8")


def runs_of(name):
    """The runs of a job, newest first, with their attempts, as `history --attempts --json` has them."""
    return json.loads(jobrun("history", name, "--attempts", "--json"))["runs"]
