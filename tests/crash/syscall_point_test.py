#!/usr/bin/python3
"""Tests of syscall_point, whose path is in the environment variable SYSCALL_POINT.

They promise that the tool acts at the stop it names and that the program notices nothing else. They compile
nothing; the traced programs are those of the system (true, sh, cat, python3).
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

TOOL = os.environ.get("SYSCALL_POINT", "")
TRUE = "/bin/true"
PYTHON = "/usr/bin/python3"
NOT_REACHED = 99
USAGE = 64


def run(*words, **options):
    """Runs the command; a hang is a failure, not a wait."""
    options.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False, **options)


def tool(*words, **options):
    return run(TOOL, *words, **options)


def count(*command, **options):
    result = tool("count", "--", *command, **options)
    return int(re.fullmatch(r"stops (\d+)", result.stderr.splitlines()[-1])[1])


def points(pattern, *command, **options):
    """The numbers of the stops whose line in the list matches."""
    lines = tool("count", "--list", "--", *command, **options).stderr.splitlines()
    return [int(line.split()[0]) for line in lines if re.search(pattern, line)]


def python(text):
    # -I -S: the same few system calls whatever the environment holds.
    return (PYTHON, "-I", "-S", "-c", text)


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until(condition):
    deadline = time.monotonic() + 20
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


class InDirectory(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name

    def path(self, name):
        return os.path.join(self.directory, name)

    def content(self, name):
        """None if there is no such file."""
        try:
            with open(self.path(name), encoding="ascii") as file:
                return file.read()
        except FileNotFoundError:
            return None


class Count(unittest.TestCase):
    def test_two_runs_of_true_have_the_same_number_of_stops(self):
        self.assertEqual(count(TRUE), count(TRUE))
        self.assertGreater(count(TRUE), 20)

    def test_the_list_has_every_stop_once_and_begins_after_the_exec(self):
        lines = tool("count", "--list", "--", TRUE).stderr.splitlines()
        self.assertEqual([int(line.split()[0]) for line in lines[:-1]], list(range(1, len(lines))))
        self.assertEqual(lines[-1], f"stops {len(lines) - 1}")
        self.assertRegex(lines[0], r"^1 brk entry$")
        self.assertRegex(lines[1], r"^2 brk exit = \d+$")
        self.assertRegex(lines[-2], r" exit_group entry$")

    def test_the_exit_code_and_the_death_by_signal_of_the_program_are_passed_on(self):
        self.assertEqual(tool("count", "--", "sh", "-c", "exit 7").returncode, 7)
        self.assertEqual(tool("count", "--", "sh", "-c", "kill -TERM $$").returncode, 128 + signal.SIGTERM)

    def test_a_program_that_execs_another_is_counted_on(self):
        names = tool("count", "--list", "--", "sh", "-c", "exec /bin/true").stderr
        self.assertIn(" execve entry", names)
        self.assertIn(" execve exit = 0", names)
        self.assertIn(" exit_group entry", names)


class Kill(InDirectory):
    def write_points(self):
        command = python(f"import os; os.write(os.open('{self.path('f')}', 0o1101), b'bytes')")
        opened = points(r" openat exit", *command)[-1]
        entry = next(n for n in points(r" write entry", *command) if n > opened)
        os.unlink(self.path("f"))
        return command, entry

    def test_at_the_entry_of_a_write_the_file_is_without_the_bytes(self):
        command, entry = self.write_points()
        result = tool("kill", str(entry), "--", *command)
        self.assertEqual((result.returncode, result.stderr), (137, f"point {entry}: killed at entry of write\n"))
        self.assertEqual(self.content("f"), "")

    def test_at_the_exit_of_a_write_the_file_has_the_bytes(self):
        command, entry = self.write_points()
        result = tool("kill", str(entry + 1), "--", *command)
        self.assertEqual((result.returncode, result.stderr), (137, f"point {entry + 1}: killed at exit of write\n"))
        self.assertEqual(self.content("f"), "bytes")

    def test_every_point_of_a_shell_that_writes_a_file_is_reached_in_order(self):
        command = ("sh", "-c", f"echo a > {self.path('f')}")
        states = []
        last = count(*command)
        for point in range(1, last + 1):
            if self.content("f") is not None:
                os.unlink(self.path("f"))
            result = tool("kill", str(point), "--", *command)
            self.assertEqual(result.returncode, 137, point)
            self.assertRegex(result.stderr, rf"^point {point}: killed at (entry|exit) of \w+\n$")
            states.append(self.content("f"))
        order = [None, "", "a\n"]
        self.assertEqual(states, sorted(states, key=order.index))
        self.assertEqual(set(states), set(order))
        beyond = tool("kill", str(last + 1), "--", *command)
        self.assertEqual(beyond.returncode, NOT_REACHED)
        self.assertEqual(beyond.stderr, f"ended before {last + 1} ({last} stops)\n")

    def test_the_process_is_gone_and_its_child_lives_on(self):
        command = ("sh", "-c", f"sleep 30 >/dev/null 2>&1 & echo $$ $! > {self.path('pids')}; :")
        entry = points(r" exit_group entry", *command)[0]
        self.kill_child()
        self.assertEqual(tool("kill", str(entry), "--", *command).returncode, 137)
        parent, child = map(int, self.content("pids").split())
        self.assertFalse(os.path.exists(f"/proc/{parent}"))
        self.assertTrue(is_running(child))
        self.kill_child()

    def kill_child(self):
        os.kill(int(self.content("pids").split()[1]), signal.SIGKILL)

    def test_a_child_with_a_parent_death_signal_gets_it(self):
        # The child says that its PR_SET_PDEATHSIG (1) is in place; then the parent makes its one getpgid call.
        command = python(
            "import ctypes, os\n"
            "ready, done = os.pipe()\n"
            "pid = os.fork()\n"
            "if pid == 0:\n"
            "    ctypes.CDLL(None).prctl(1, 15)\n"
            "    os.write(done, b'x')\n"
            "    import time; time.sleep(30)\n"
            f"open('{self.path('child')}', 'w').write(str(pid))\n"
            "os.read(ready, 1)\n"
            "os.getpgid(0)\n"
            "os.kill(pid, 9)\n"
        )
        point = points(r" getpgid exit", *command)[0]
        result = tool("kill", str(point), "--", *command)
        self.assertEqual(result.stderr, f"point {point}: killed at exit of getpgid\n")
        self.assertTrue(wait_until(lambda: not is_running(int(self.content("child")))))


class Fail(InDirectory):
    def test_the_chosen_openat_fails_with_the_errno_and_only_that_one(self):
        text = (
            "import os\n"
            f"for n in 'abc':\n"
            f"    try: os.close(os.open('{self.directory}/' + n, 0o101)); print(n, 'made')\n"
            f"    except OSError as e: print(n, e.strerror)\n"
        )
        opens = points(r" openat entry", *python(text))
        # The last three openat calls are those of the loop.
        for name in "abc":
            os.unlink(self.path(name))
        result = tool("fail", str(len(opens) - 1), "ENOSPC", "--only", "openat", "--", *python(text))
        self.assertEqual(result.stdout, "a made\nb No space left on device\nc made\n")
        self.assertEqual(result.returncode, 0)
        self.assertEqual(sorted(os.listdir(self.directory)), ["a", "c"])
        result = tool("fail", str(len(opens) - 1), "28", "--from-then-on", "--only", "openat,creat", "--", *python(text))
        self.assertEqual(result.stdout, "a made\nb No space left on device\nc No space left on device\n")

    def test_a_failed_write_writes_nothing(self):
        result = tool("fail", "1", "EIO", "--only", "write", "--", "sh", "-c", f"echo a > {self.path('f')}; exit 4")
        self.assertEqual(result.returncode, 4)
        self.assertEqual(self.content("f"), "")
        self.assertIn("point 1: failed at entry of write\n", result.stderr)
        self.assertIn("I/O error", result.stderr)

    def test_a_call_that_never_comes_is_reported(self):
        result = tool("fail", "1", "EIO", "--only", "fdatasync", "--", TRUE)
        self.assertEqual((result.returncode, result.stderr), (NOT_REACHED, "ended before 1 (0 entries)\n"))


class SignalAndStop(InDirectory):
    def test_a_signal_at_a_point_reaches_the_handler_of_the_program(self):
        command = ("sh", "-c", "trap 'echo caught; exit 3' TERM; echo before; echo after")
        point = points(r" write exit", *command)[0]
        result = tool("signal", str(point), "TERM", "--", *command)
        self.assertEqual((result.returncode, result.stdout), (3, "before\ncaught\n"))
        self.assertEqual(result.stderr, f"point {point}: signalled at exit of write\n")

    def test_a_signal_without_a_handler_ends_the_program(self):
        for name in ("TERM", "SIGTERM", "15"):
            self.assertEqual(tool("signal", "5", name, "--", TRUE).returncode, 128 + signal.SIGTERM)
        self.assertEqual(tool("signal", "5000", "TERM", "--", TRUE).returncode, NOT_REACHED)

    def test_the_exit_code_after_a_signal_is_known_even_when_sigchld_is_ignored(self):
        def ignore():
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)

        command = ("sh", "-c", "trap 'exit 3' TERM; echo before; echo after")
        point = points(r" write exit", *command)[0]
        self.assertEqual(tool("signal", str(point), "TERM", "--", *command, preexec_fn=ignore).returncode, 3)

    def test_a_stop_holds_the_program_for_the_time_and_then_lets_it_go_on(self):
        start = time.monotonic()
        result = tool("stop", "5", "--hold", "0.4", "--", "sh", "-c", "echo out; exit 6")
        self.assertGreaterEqual(time.monotonic() - start, 0.4)
        self.assertEqual((result.returncode, result.stdout), (6, "out\n"))

    def test_a_program_killed_while_it_is_held_ends_the_hold(self):
        start = time.monotonic()
        with subprocess.Popen([TOOL, "stop", "5", "--hold", "50", "--", TRUE], stderr=subprocess.PIPE) as process:
            self.assertIn(b"held", process.stderr.readline())
            child = run("pgrep", "-P", str(process.pid)).stdout
            os.kill(int(child), signal.SIGKILL)
            self.assertEqual(process.wait(20), 137)
        self.assertLess(time.monotonic() - start, 20)


class TheProgramSeesNoDifference(InDirectory):
    def assert_same(self, *command, keep=lambda text: text, **options):
        plain = run(*command, **options)
        traced = tool("count", "--", *command, **options)
        self.assertEqual(keep(traced.stdout), keep(plain.stdout))
        self.assertEqual(traced.returncode, plain.returncode)
        return traced

    @staticmethod
    def signal_lines(text):
        return re.findall(r"^(?:SigPnd|ShdPnd|SigBlk|SigIgn|SigCgt):.*$", text, re.M)

    def test_in_its_signal_mask_and_dispositions(self):
        def prepare():
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1, signal.SIGTERM])

        status = ("cat", "/proc/self/status")
        self.assertEqual(len(self.signal_lines(run(*status).stdout)), 5)
        self.assert_same(*status, keep=self.signal_lines)
        traced = self.assert_same(*status, keep=self.signal_lines, preexec_fn=prepare)
        self.assertIn("SigBlk:\t0000000000004200", traced.stdout)

    def test_in_its_open_files(self):
        with tempfile.TemporaryFile() as file:
            self.assert_same("ls", "/proc/self/fd", pass_fds=[file.fileno()])
        self.assert_same("ls", "/proc/self/fd")
        self.assert_same("sh", "-c", "exec ls /proc/self/fd <&-")
        # The tool itself started without a stdin.
        plain = run("sh", "-c", "exec ls /proc/self/fd <&-")
        traced = run("sh", "-c", f"exec {TOOL} count -- ls /proc/self/fd <&-")
        self.assertEqual(traced.stdout, plain.stdout)

    def test_in_its_process_group_and_session(self):
        text = "import os; print(os.getpgrp(), os.getsid(0))"
        self.assert_same(*python(text))
        self.assertEqual(tool("count", "--", *python(text)).stdout, f"{os.getpgrp()} {os.getsid(0)}\n")

    def test_in_its_standard_input(self):
        result = subprocess.run([TOOL, "count", "--", "cat"], input=b"in", capture_output=True, timeout=60, check=True)
        self.assertEqual(result.stdout, b"in")

    def test_in_children_made_with_vfork_and_in_waiting_for_them(self):
        script = "for i in 1 2 3 4 5; do /bin/echo $i; done; /bin/false || echo no; echo $(/bin/echo sub)"
        self.assertTrue(points(r" vfork entry", "sh", "-c", script))
        traced = self.assert_same("sh", "-c", script)
        self.assertEqual(traced.stdout, "1\n2\n3\n4\n5\nno\nsub\n")

    def test_in_children_and_orphans_of_a_subreaper(self):
        # 36: PR_SET_CHILD_SUBREAPER. The grandchild outlives its parent and must come to the program.
        self.assert_same(*python(
            "import ctypes, os, signal, subprocess\n"
            "seen = []\n"
            "signal.signal(signal.SIGCHLD, lambda *_: seen.append(1))\n"
            "ctypes.CDLL(None).prctl(36, 1)\n"
            "subprocess.run(['/bin/sh', '-c', '(sleep 0.2; exit 5) >/dev/null & exit 4'])\n"
            "print(os.waitstatus_to_exitcode(os.wait()[1]), bool(seen))\n"
        ))

    def test_in_being_stopped_and_continued(self):
        # The shell stops itself; a helper waits for the T (or t: traced) state and then continues it.
        script = (
            "(until grep -q '^State:.[Tt]' /proc/$$/status || ! kill -0 $$; do sleep 0.02; done; sleep 0.1;"
            " echo still >&1; kill -CONT $$) & trap 'echo continued' CONT; kill -STOP $$; echo after; wait"
        )
        self.assert_same("sh", "-c", script)

    def test_when_a_signal_is_sent_to_the_process_group(self):
        script = "trap 'echo caught; exit 3' TERM; echo ready; for i in $(seq 200); do sleep 0.05; done"
        command = [TOOL, "count", "--", "sh", "-c", script]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        with subprocess.Popen(command, start_new_session=True, **pipes) as process:
            self.assertEqual(process.stdout.readline(), b"ready\n")
            os.killpg(process.pid, signal.SIGTERM)
            self.assertEqual(process.stdout.readline(), b"caught\n")
            self.assertEqual(process.wait(20), 3)


class TheToolItself(unittest.TestCase):
    def test_takes_the_program_with_it_when_it_is_killed(self):
        command = [TOOL, "count", "--", "sleep", "30"]
        with subprocess.Popen(command) as process:
            self.assertTrue(wait_until(lambda: run("pgrep", "-P", str(process.pid), "-x", "sleep").stdout))
            child = int(run("pgrep", "-P", str(process.pid)).stdout)
            process.kill()
        self.assertTrue(wait_until(lambda: not is_running(child)))

    def test_says_what_is_wrong_with_its_arguments(self):
        for words in ([], ["kill"], ["kill", "0", "--", TRUE], ["kill", "-1", "--", TRUE], ["boil", "--", TRUE],
                      ["kill", "3", "--"], ["count", TRUE], ["signal", "3", "FOO", "--", TRUE],
                      ["fail", "3", "EFOO", "--", TRUE], ["fail", "3", "EIO", "--only", "foo", "--", TRUE],
                      ["stop", "3", "--", TRUE], ["stop", "3", "--hold", "x", "--", TRUE],
                      ["kill", "3", "--list", "--", TRUE], ["kill", "3", "--only", "read", "--", TRUE]):
            with self.subTest(words):
                result = tool(*words)
                self.assertEqual(result.returncode, USAGE)
                self.assertRegex(result.stderr, r"^syscall_point: [^\n]+\n$")
        self.assertIn("usage:", tool("--help").stdout)

    def test_says_that_a_program_cannot_be_run(self):
        self.assertEqual(tool("kill", "3", "--", "/no/such/program").returncode, 127)
        self.assertEqual(tool("kill", "3", "--", "/etc/passwd").returncode, 126)

    def test_follows_a_child_when_told_to(self):
        script = "/bin/echo first; /bin/echo second; echo end $?"
        result = tool("kill", "9", "--follow", "second", "--", "sh", "-c", script)
        self.assertEqual(result.returncode, 137)
        self.assertEqual(result.stdout, "first\nend 137\n")
        result = tool("fail", "1", "EIO", "--only", "write", "--follow", "/echo", "--", "sh", "-c", script)
        self.assertEqual(result.stdout, "second\nend 0\n")
        self.assertEqual(tool("kill", "9", "--follow", "third", "--", "sh", "-c", script).returncode, NOT_REACHED)

    def test_kills_true_at_each_of_its_points_fast_enough(self):
        start = time.monotonic()
        last = count(TRUE)
        rounds = 4
        for _ in range(rounds):
            for point in range(1, last + 1):
                code = subprocess.call([TOOL, "kill", str(point), "--", TRUE], stderr=subprocess.DEVNULL)
                self.assertEqual(code, 137)
        rate = rounds * last / (time.monotonic() - start)
        print(f"kill: {rate:.0f} points per second", file=sys.stderr)
        self.assertGreater(rate, 20)


if __name__ == "__main__":
    if not os.access(TOOL, os.X_OK):
        sys.exit("SYSCALL_POINT must name the built tool")
    unittest.main()
