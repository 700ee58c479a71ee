"""The ground that tests of the built binary stand on: a private folder with a ledger and a jobs directory
for each test, calls of jobrun with a clean environment, and questions to the ledger. Promises that nothing a
test started outlives it, also when the test fails. Decides nothing about what is right."""
import collections
import contextlib
import fcntl
import json
import os
import pathlib
import pty
import shutil
import signal
import sqlite3
import struct
import subprocess
import tempfile
import termios
import time
import unittest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
JOBRUN = os.path.join(REPOSITORY, os.environ.get("JOBRUN", "build/gcc/jobrun"))
DEADLINE = 60  # seconds: how long anything may take that takes no time when all is well

# What a scheduler hands over; a test adds what it is about.
CLEAN_ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}

_template = None  # a folder with a new ledger, made by the first test

Outcome = collections.namedtuple("Outcome", "code out err")

# Begins a job's script that speaks the channel (src/contract/channel.hpp).
CHANNEL = '''#!/usr/bin/python3 -I
import itertools, json, os, signal, socket, sys
numbers = itertools.count(1)
channel = socket.socket(socket.AF_UNIX)
channel.connect(os.environ["JOBRUN_SOCKET"])
lines = channel.makefile("r", encoding="utf-8")
def ask(op, **members):
    channel.sendall((json.dumps({"id": next(numbers), "op": op, **members}) + "\\n").encode())
    return json.loads(lines.readline())
def hello():
    return ask("hello", version=1, run_id=os.environ["JOBRUN_RUN_ID"], unit=os.environ["JOBRUN_UNIT"],
               attempt=int(os.environ["JOBRUN_ATTEMPT"]))
assert hello()["ok"]
'''


def wait_until(is_true, what, deadline=DEADLINE, nap=0.005):
    """The first true answer; looks every few milliseconds. A `what` that is a function is asked only when none comes."""
    end = time.monotonic() + deadline
    while True:
        answer = is_true()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"waited {deadline} s for {what() if callable(what) else what}")
        time.sleep(nap)


def is_alive(pid):
    """Neither gone nor a zombie (proc(5), field 3 of stat)."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
            return stat.read().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _text(raw):
    return raw.decode("utf-8", "surrogateescape")


class JobrunCase(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        # Short and not below $TMPDIR: the channel's socket has a path of 107 bytes at most (unix(7)).
        self.folder = tempfile.mkdtemp(prefix="jr-", dir="/tmp")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.addCleanup(self._end_strays)
        self.jobs = self.make_folder("jobs")
        self.state = self.path("state")
        self.ledger_path = os.path.join(self.state, "ledger.db")
        self.new_ledger()

    def new_ledger(self):
        """A copy of one that `init` made: the same file without its waits for the disk."""
        if _template is not None:
            shutil.copytree(_template.name, self.state)
            os.chmod(self.state, 0o700)
            return
        os.mkdir(self.state, 0o700)
        self.assertEqual(self.run_jobrun("init").code, 0)
        globals()["_template"] = tempfile.TemporaryDirectory(prefix="jr-template-")
        shutil.copytree(self.state, _template.name, dirs_exist_ok=True)

    # --- files

    def path(self, name):
        return os.path.join(self.folder, name)

    def make_folder(self, name):
        os.mkdir(self.path(name), 0o700)
        return self.path(name)

    def write(self, path, text, mode=0o600):
        path = os.path.join(self.folder, path)
        with open(path, "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape"))
        os.chmod(path, mode)
        return path

    def read(self, path):
        with open(os.path.join(self.folder, path), encoding="utf-8", errors="surrogateescape") as file:
            return file.read()

    def has(self, name):
        return os.path.exists(self.path(name))

    def said(self, name):
        """What a file says; nothing while it is not there, or there and not written yet."""
        return self.read(name) if self.has(name) else ""

    def job(self, name, manifest):
        """Writes a manifest: a dict, or its text word for word."""
        text = manifest if isinstance(manifest, (str, bytes)) else json.dumps(manifest, indent=1)
        return self.write(os.path.join(self.jobs, name + ".json"), text)

    def script(self, name, text):
        """A program in the jobs directory; without a #! line a shell script. $T is the test's folder."""
        if not text.startswith("#!"):
            text = f"#!/bin/sh\nT={self.folder}\n{text}"
        return self.write(os.path.join(self.jobs, name), text, 0o700)

    def shell_job(self, name, text, **manifest):
        """A job whose command is this shell text."""
        self.script(name + ".sh", text)
        return self.job(name, {"command": ["./" + name + ".sh"], **manifest})

    def channel_job(self, name, text, **manifest):
        """A job in Python that speaks the channel: ask(op, ...), and the test's folder as T."""
        self.script(name + ".py", f"{CHANNEL}T = {self.folder!r}\n{text}")
        return self.job(name, {"command": ["./" + name + ".py"], **manifest})

    def gate(self, name):
        """A named pipe: who reads it waits until open_gate()."""
        os.mkfifo(self.path(name), 0o600)
        return self.path(name)

    def open_gate(self, name):
        # Both ends, so that neither side waits for the other to open; what is written stays until it is read.
        end = os.open(self.path(name), os.O_RDWR | os.O_CLOEXEC)
        self.addCleanup(os.close, end)
        os.write(end, b"go\n" * 100)

    # --- calls

    def environment(self, env=None):
        clean = dict(CLEAN_ENVIRONMENT, HOME=self.folder, JOBRUN_LEDGER=self.ledger_path, JOBRUN_JOBS=self.jobs)
        clean.update(env or {})
        return {name: value for name, value in clean.items() if value is not None}

    def start_jobrun(self, *args, env=None, stdin=None, stdin_fd=None, now=None, **popen):
        """Starts jobrun and comes back; `env` adds variables, None takes one away. `stdin_fd`: closed at the end."""
        words = [JOBRUN, *args] + (["--now", now] if now else [])
        if stdin_fd is not None:
            popen["stdin"] = stdin_fd
            self.addCleanup(os.close, stdin_fd)
        popen.setdefault("stdin", subprocess.DEVNULL if stdin is None else subprocess.PIPE)
        popen.setdefault("stdout", subprocess.PIPE)
        popen.setdefault("stderr", subprocess.PIPE)
        popen.setdefault("env", self.environment(env))
        process = subprocess.Popen(words, **popen)
        self.addCleanup(self._end, process)
        return process

    def finish(self, process, stdin=None, timeout=60):
        stdin = stdin.encode() if isinstance(stdin, str) else stdin
        out, err = process.communicate(stdin, timeout=timeout)
        return Outcome(process.returncode, _text(out or b""), _text(err or b""))

    def run_jobrun(self, *args, env=None, stdin=None, now=None, timeout=60, **popen):
        return self.finish(self.start_jobrun(*args, env=env, stdin=stdin, now=now, **popen), stdin, timeout)

    def run_job(self, job, *args, date="2026-04-12", **how):
        return self.run_jobrun(job, "--run-date", date, *args, **how)

    def assert_code(self, code, outcome):
        self.assertEqual(code, outcome.code, outcome.out + outcome.err)
        return outcome

    def assert_says(self, outcome, *phrases):
        for phrase in phrases:
            self.assertIn(phrase, outcome.out + outcome.err)

    def need_terminals(self):
        """A chroot may have no /dev/pts."""
        try:
            for end in pty.openpty():
                os.close(end)
        except OSError as problem:
            self.skipTest(f"no pseudo-terminal can be had here: {problem}")

    def on_terminal(self, *words, columns=80, env=None):
        """What a person sees, standard output and error on one terminal."""
        self.need_terminals()
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        process = subprocess.Popen([JOBRUN, *words], stdin=slave, stdout=slave, stderr=slave, env=self.environment({"TERM": "xterm", **(env or {})}), start_new_session=True)
        os.close(slave)
        seen = b""
        while True:
            try:
                more = os.read(master, 65536)
            except OSError:  # EIO: the last writer is gone
                break
            if not more:
                break
            seen += more
        os.close(master)
        process.wait(timeout=20)
        return seen.decode("utf-8", "surrogateescape").replace("\r\n", "\n")

    # --- the ledger

    def ledger(self, sql, *params):
        with contextlib.closing(sqlite3.connect(f"file:{self.ledger_path}?mode=ro", uri=True)) as connection:
            connection.text_factory = _text
            return connection.execute(sql, params).fetchall()

    def value(self, sql, *params):
        rows = self.ledger(sql, *params)
        self.assertEqual(len(rows), 1, rows)
        return rows[0][0]

    def damage(self, name):
        """Half a page of the table or index of that name is overwritten in the file."""
        page = self.value("SELECT rootpage FROM sqlite_schema WHERE name = ?", name)
        with contextlib.closing(sqlite3.connect(self.ledger_path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with open(self.ledger_path, "r+b") as file:
            file.seek((page - 1) * 4096)
            file.write(b"\xff" * 2048)

    def states(self, job):
        """{unit: state} of the job's latest run."""
        return dict(self.ledger("SELECT unit, state FROM units WHERE run = (SELECT max(id) FROM runs WHERE job = ?)", job))

    def attempts(self, job, unit="-"):
        """The attempts' (state, reason), in order."""
        return self.ledger("SELECT a.state, a.reason FROM attempts a JOIN units u ON u.id = a.unit"
                           " WHERE u.job = ? AND u.unit = ? ORDER BY a.id", job, unit)

    def dump(self):
        """All that the ledger holds, for comparing."""
        tables = self.ledger("SELECT name, sql FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY name")
        rows = [(name, sorted(map(repr, self.ledger(f'SELECT * FROM "{name}"'))), sql) for name, sql in tables]
        return rows, self.ledger("PRAGMA user_version"), self.ledger("PRAGMA application_id")

    @contextlib.contextmanager
    def locked(self, path):
        """Held as another process would hold it: by a descriptor of its own (flock(2))."""
        with open(path, "a", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    # --- the end

    def _end(self, process):
        if process.poll() is None:
            process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired, ValueError):
            process.communicate(timeout=DEADLINE)

    def _end_strays(self):
        """What jobs left behind: processes that carry this test's folder in their environment or work in it."""
        mark = self.folder.encode()
        for entry in os.listdir("/proc"):
            if not entry.isdigit() or int(entry) == os.getpid():
                continue
            with contextlib.suppress(OSError):
                with open(f"/proc/{entry}/environ", "rb") as environ:
                    ours = mark + b"/" in environ.read()
                if ours or os.readlink(f"/proc/{entry}/cwd").startswith(self.folder):
                    os.kill(int(entry), signal.SIGKILL)
