#!/usr/bin/python3
"""The Debian package that CPack makes of the first build: what is in it, that two builds of it are the same bytes, what lintian says, and
its life in a bare Debian made by debootstrap: installed, used, upgraded, removed, purged."""
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("JOBRUN", ROOT / "build" / "gcc" / "jobrun")).resolve().parent
BACKUP = '{"command": ["/bin/sh", "-c", "echo saved >> /var/tmp/saved"], "timeout": "45m"}\n'


def said(*words, **how):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, errors="replace", **how)
    if done.returncode != 0:
        raise AssertionError(f"{words} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def pack(folder, *settings):
    said("cpack", "--config", BUILD / "CPackConfig.cmake", "-B", folder, *settings, env=dict(os.environ, SOURCE_DATE_EPOCH="1775952000"))
    (deb,) = pathlib.Path(folder).glob("*.deb")
    return deb


@unittest.skipUnless((BUILD / "CPackConfig.cmake").exists(), f"{BUILD} has no CPackConfig.cmake")
class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="jobrun-package-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.deb = pack(cls.folder / "first")
        cls.tree = cls.folder / "tree"
        said("dpkg-deb", "-x", cls.deb, cls.tree)

    def test_it_has_the_program_its_manuals_completions_schemas_examples_and_the_configuration(self):
        listed = said("dpkg-deb", "-c", self.deb)
        for path in ("usr/bin/jobrun", "usr/share/man/man1/jobrun.1.gz", "usr/share/man/man7/jobrun-channel.7.gz", "usr/share/man/man5/jobrun-manifest.5.gz",
                     "usr/share/man/man5/jobrun-ledger.5.gz", "usr/share/bash-completion/completions/jobrun", "usr/share/zsh/vendor-completions/_jobrun",
                     "usr/share/fish/vendor_completions.d/jobrun.fish", "usr/share/jobrun/schema/job.schema.json", "usr/lib/sysusers.d/jobrun.conf",
                     "usr/lib/systemd/system/jobrun@.service", "usr/lib/systemd/system/jobrun-tick.timer",
                     "usr/share/doc/jobrun/examples/crontab", "usr/share/doc/jobrun/copyright", "etc/jobrun/config.json"):
            self.assertIn(" ./" + path + "\n", listed)
        self.assertNotRegex(listed, r"usr/local|demo\.sh|\.hpp\n|\.a\n")
        self.assertNotRegex(listed, r"(?m)^-rw.w|^.{8}w")
        self.assertEqual(said("dpkg-deb", "-I", self.deb, "conffiles"), "/etc/jobrun/config.json\n")
        for manual in self.tree.glob("usr/share/man/man*/*.gz"):
            self.assertIn(b".Dd", subprocess.run(["gzip", "-dc", manual], capture_output=True, check=True).stdout)

    def test_the_same_source_gives_the_same_bytes(self):
        again = pack(self.folder / "second")
        self.assertEqual(hashlib.sha256(again.read_bytes()).hexdigest(), hashlib.sha256(self.deb.read_bytes()).hexdigest())

    def test_lintian_has_no_error(self):
        if shutil.which("lintian") is None:
            self.skipTest("lintian is not installed")
        done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error", "--no-tag-display-limit", str(self.deb)], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        print("figures: lintian: 0 errors, warnings:", ", ".join(re.findall(r"^W: jobrun: (\S+)", done.stdout, re.MULTILINE)) or "none")

    def test_the_program_is_hardened(self):
        program = self.tree / "usr/bin/jobrun"
        headers = said("readelf", "-hlW", program)
        self.assertRegex(headers, r"Type:\s+DYN \(Position-Independent")
        self.assertRegex(headers, r"GNU_STACK\s.*\sRW\s")
        self.assertIn("GNU_RELRO", headers)
        self.assertRegex(said("readelf", "-dW", program), r"FLAGS.*NOW")
        symbols = said("readelf", "--dyn-syms", "-W", program)
        for name in ("__stack_chk_fail", r"__\w+_chk"):
            self.assertRegex(symbols, name)
        self.assertNotIn(str(ROOT), program.read_bytes().decode("latin-1"))


@unittest.skipUnless((BUILD / "CPackConfig.cmake").exists(), f"{BUILD} has no CPackConfig.cmake")
class PackageInABareDebian(unittest.TestCase):
    """One life, one test: each step stands on the one before."""

    @classmethod
    def setUpClass(cls):
        if os.geteuid() != 0:
            raise unittest.SkipTest("a chroot needs root")
        if shutil.which("debootstrap") is None:
            raise unittest.SkipTest("debootstrap is not installed")
        private = subprocess.run(["unshare", "--mount", "true"], capture_output=True, text=True)
        if private.returncode != 0:
            raise unittest.SkipTest("no private mounts can be had here: " + private.stderr.strip())
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="jobrun-chroot-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.root = cls.folder / "root"
        sites = subprocess.run(["apt-get", "indextargets", "--format", "$(SITE)", "Codename: bookworm", "Identifier: Packages"],
                               capture_output=True, text=True).stdout.split()
        if not sites:
            raise unittest.SkipTest("apt knows no mirror of bookworm")
        made = subprocess.run(["debootstrap", "--variant=minbase", "--include=adduser,tzdata", "bookworm", str(cls.root), sites[0]], capture_output=True, text=True)
        if made.returncode != 0:
            raise unittest.SkipTest("debootstrap: " + (made.stdout + made.stderr)[-300:])

    def inside(self, script, code=0):
        done = subprocess.run(["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc=" + str(self.root / "proc"), "chroot", str(self.root),
                               "/usr/bin/env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "/bin/sh", "-c", script],
                              capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, code, f"{script}\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def put(self, path, text):
        (self.root / path.lstrip("/")).write_text(text, encoding="utf-8")

    def test_it_installs_runs_a_job_upgrades_keeping_ledger_and_configuration_and_is_purged(self):
        shutil.copy(pack(self.folder / "first"), self.root / "first.deb")
        shutil.copy(pack(self.folder / "second", "-D", "CPACK_DEBIAN_PACKAGE_RELEASE=2"), self.root / "second.deb")

        self.inside("dpkg -i /first.deb")
        self.assertEqual(self.inside("stat -c '%U %a' /var/lib/jobrun"), "jobrun 700\n")
        self.assertIn("jobrun init", self.inside("jobrun status", 78))
        as_jobrun = "su -s /bin/sh jobrun -c "
        self.inside(as_jobrun + "'jobrun init'")
        self.put("/etc/jobrun/jobs/backup.json", BACKUP)
        call = as_jobrun + "'jobrun backup --run-date 2026-04-12'"
        self.assertIn("1 done", self.inside(call))
        self.inside(call)
        self.assertEqual(self.inside("cat /var/tmp/saved"), "saved\n")
        self.inside(as_jobrun + "'jobrun doctor'")

        self.put("/etc/jobrun/config.json", '{"ledger": "/var/lib/jobrun/ledger.db", "log": {"format": "json"}}\n')
        self.inside("dpkg -i /second.deb")
        self.assertIn("0.1.0-2", self.inside("dpkg-query -W jobrun"))
        self.assertIn('"format": "json"', self.inside("cat /etc/jobrun/config.json"))
        self.inside(call)
        self.assertEqual(self.inside("cat /var/tmp/saved"), "saved\n")

        self.inside("dpkg -r jobrun")
        self.assertIn("ledger.db", self.inside("ls /var/lib/jobrun /etc/jobrun/config.json"))
        self.assertIn("with the ledger", self.inside("dpkg -P jobrun"))
        self.assertEqual(self.inside("ls /etc/jobrun/config.json /usr/bin/jobrun /usr/share/doc/jobrun 2>/dev/null || :"), "")
        self.assertIn("ledger.db", self.inside("ls /var/lib/jobrun"))


if __name__ == "__main__":
    unittest.main()
