#!/usr/bin/python3
"""What attempts wrote: kept in files beside the ledger, read and followed with `jobrun log`."""
import glob
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.jobrun_case import JOBRUN, JobrunCase, is_alive, wait_until  # noqa: E402


class LogCase(JobrunCase):
    def files(self):
        return sorted(glob.glob(self.ledger_path + ".output/*/*"))

    def follow(self, *words, **how):
        """`jobrun log -f`, writing into files that the test can look at while it goes on."""
        out, err = open(self.path("seen"), "wb"), open(self.path("said"), "wb")  # noqa: SIM115
        self.addCleanup(out.close)
        self.addCleanup(err.close)
        return self.start_jobrun("log", *words, "-f", stdout=out, stderr=err, **how)

    def sees(self, text, name="seen"):
        wait_until(lambda: text in self.read(name), f"{text!r} in what is followed")

    def end_of(self, process):
        process.wait(timeout=20)
        self.assertEqual(process.returncode, 0, self.read("said"))
        return self.read("seen")

    def log(self, *words):
        return self.assert_code(0, self.run_jobrun("log", *words)).out

    def first_attempt(self):
        return self.value("SELECT min(id) FROM attempts")


class Reading(LogCase):
    def test_each_attempt_is_headed_by_its_name(self):
        self.shell_job("sync", 'echo "$JOBRUN_UNIT at $JOBRUN_ATTEMPT"; test $JOBRUN_UNIT = a || test $JOBRUN_ATTEMPT = 2\n', units=["a", "b"], retry={"first_delay": "0s"})
        self.run_job("sync")
        self.assert_code(0, self.run_job("sync"))
        out = self.log("sync")
        self.assertEqual([re.sub(r"  .*", "", line) for line in out.splitlines()],
                         ["==> sync:2026-04-12/a#1", "a at 1", "==> sync:2026-04-12/b#1", "b at 1", "==> sync:2026-04-12/b#2", "b at 2"])
        self.assertRegex(out, r"(?m)^==> sync:2026-04-12/b#1  retry, exit_1, took \S+, started 20\S+Z <==$")

    def test_units_and_attempts_can_be_chosen(self):
        self.test_each_attempt_is_headed_by_its_name()
        self.assertNotIn("a at 1", self.log("sync", "--unit", "b"))
        self.assertEqual(self.log("sync", "--unit", "b", "--attempt", "2", "--raw"), "b at 2\n")
        self.assert_says(self.assert_code(64, self.run_jobrun("log", "sync", "--unit", "c")), "has no unit c")
        self.assert_says(self.assert_code(64, self.run_jobrun("log", "sync", "--attempt", "first")), "is not an attempt's number")
        self.assert_says(self.assert_code(0, self.run_jobrun("log", "sync", "--attempt", "7")), "no such attempt")

    def test_a_long_output_is_there_whole_though_the_row_has_only_its_ends(self):
        self.shell_job("sync", "seq 1 20000\n")
        self.assert_code(0, self.run_job("sync"))
        self.assertGreater(self.value("SELECT output_cut FROM attempts"), 0)
        self.assertEqual(self.log("sync", "--raw"), "".join(f"{n}\n" for n in range(1, 20001)))

    def test_what_the_row_holds_whole_needs_no_file(self):
        self.shell_job("sync", "echo one; echo two\n")
        self.assert_code(0, self.run_job("sync"))
        self.assertEqual(self.files(), [])
        self.assertEqual(self.log("sync", "--raw"), "one\ntwo\n")

    def test_bytes_that_a_row_cannot_hold_are_kept_as_they_are(self):
        self.shell_job("sync", r"printf 'a\000b\377c\n'" + "\n")
        self.assert_code(0, self.run_job("sync"))
        done = subprocess.run([JOBRUN, "log", "sync", "--raw"], env=self.environment(), capture_output=True, check=True)
        self.assertEqual(done.stdout, b"a\0b\xffc\n")

    def test_a_silent_job_costs_no_file_and_no_folder(self):
        self.shell_job("sync", "true\n")
        self.assert_code(0, self.run_job("sync"))
        self.assertFalse(os.path.exists(self.ledger_path + ".output"))
        self.assertIn("wrote nothing", self.log("sync"))

    def test_files_are_named_by_numbers_and_for_our_eyes_only(self):
        self.shell_job("sync", "umask 000; seq 1 20000\n", units=["../../evil", "x/y"])
        self.assert_code(0, self.run_job("sync", umask=0))
        self.assertEqual([os.path.relpath(path, self.state) for path in self.files()], ["ledger.db.output/0/1", "ledger.db.output/0/2"])
        for path in self.files():
            self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
            self.assertEqual(os.stat(os.path.dirname(path)).st_mode & 0o777, 0o700)
            self.assertEqual(os.stat(os.path.dirname(os.path.dirname(path))).st_mode & 0o777, 0o700)

    def test_the_file_is_bounded_and_the_cut_is_told(self):
        self.shell_job("sync", "seq 1 100000; echo the end\n", output={"limit": 100, "file_limit": 1000})
        self.assert_code(0, self.run_job("sync"))
        out = self.log("sync", "--raw")
        self.assertLess(len(out), 1300)
        self.assertTrue(out.startswith("1\n2\n3\n"))
        self.assertTrue(out.endswith("99999\n100000\nthe end\n"), out[-100:])
        left_out = int(re.search(r"\n\[jobrun: (\d+) bytes are left out here\]\n", out).group(1))
        self.assertEqual(left_out, self.value("SELECT output_bytes FROM attempts") - 1000 - 50)

    def test_without_its_file_head_and_tail_of_the_row_are_shown_with_the_count_between_them(self):
        self.shell_job("sync", "seq 1 20000\n")
        self.assert_code(0, self.run_job("sync"))
        os.unlink(self.files()[0])
        cut = self.value("SELECT output_cut FROM attempts")
        out = self.log("sync", "--raw")
        self.assertTrue(out.startswith("1\n2\n") and out.endswith("\n20000\n"))
        self.assertIn(f"[jobrun: {cut} bytes are not kept here]", out)

    def test_a_job_may_want_no_file_or_nothing_kept_at_all(self):
        for number, output in enumerate([{"file_limit": 0}, {"limit": 0}]):
            self.shell_job(f"sync{number}", "seq 1 20000\n", output=output)
            self.assert_code(0, self.run_job(f"sync{number}"))
        self.assertEqual(self.files(), [])
        self.assertIn("108894 bytes are not kept here", self.log("sync1"))

    def test_a_file_that_cannot_be_written_never_hurts_the_run(self):
        self.shell_job("sync", "seq 1 200000\n")
        self.write(self.ledger_path + ".output", "in the way")
        self.assert_code(0, self.run_job("sync"))
        self.assertIn("\n200000\n", self.log("sync"))
        self.assertEqual(self.read(self.ledger_path + ".output"), "in the way")

    def test_a_limit_on_file_sizes_is_not_the_end_of_the_run(self):
        self.shell_job("sync", "ulimit -f unlimited 2>/dev/null; seq 1 500000\n")
        words = ["/bin/sh", "-c", f"ulimit -f 2000; exec {JOBRUN} sync --run-date 2026-04-12"]
        done = subprocess.run(words, env=self.environment(), capture_output=True, stdin=subprocess.DEVNULL, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.files(), [])
        self.assertIn("bytes are not kept here", self.log("sync"))

    def test_secrets_are_masked_in_the_file_as_they_stream_by(self):
        self.write("token", "s3cr3t-t0ken-of-some-length")
        self.shell_job("sync", 'seq 1 20000; printf "a s3cr3t-t0k"; sleep 0.1; echo "en-of-some-length b s3cr3t-t0kex"; echo $TOKEN | base64\n',
                       secrets={"TOKEN": f"file:{self.path('token')}"})
        self.assert_code(0, self.run_job("sync"))
        with open(self.files()[0], encoding="utf-8") as file:
            kept = file.read()
        self.assertIn("\na [masked] b s3cr3t-t0kex\n", kept)
        self.assertNotIn("s3cr3t-t0ken", kept)
        self.assertNotIn("czNjcjN0", kept)

    def test_control_characters_are_shown_as_text_and_raw_gives_the_bytes(self):
        self.shell_job("sync", r"printf 'a\033[31mb\tc\r\n\033]0;evil\007 \342\200\256x\n'" + "\n")
        self.assert_code(0, self.run_job("sync"))
        self.assertEqual(self.log("sync").splitlines()[1:], ["a\\x1b[31mb\tc", "\\x1b]0;evil\\x07 <U+202E>x"])
        self.assertIn("\x1b[31m", self.log("sync", "--raw"))

    def test_json_is_one_object_per_line(self):
        self.shell_job("sync", "echo one; printf two; exit 3\n", units=["a"])
        self.run_job("sync")
        lines = [json.loads(line) for line in self.log("sync", "--json").splitlines()]
        self.assertEqual([(line["schema_version"], line["event"], line["unit"], line["attempt"]) for line in lines],
                         [(1, "begins", "a", 1), (1, "line", "a", 1), (1, "line", "a", 1), (1, "ends", "a", 1)])
        self.assertEqual([line.get("text") for line in lines], [None, "one", "two", None])
        self.assertEqual((lines[3]["state"], lines[3]["reason"], lines[3]["output_bytes"]), ("retry", "exit_3", 7))

    def test_a_read_only_look_needs_no_right_to_write(self):
        self.shell_job("sync", "seq 1 20000\n")
        self.assert_code(0, self.run_job("sync"))
        before = self.dump()
        self.log("sync")
        self.assertEqual(self.dump(), before)

    def test_a_reader_that_has_seen_enough_is_no_error(self):
        self.shell_job("sync", "seq 1 200000\n")
        self.assert_code(0, self.run_job("sync"))
        done = subprocess.run(["/bin/sh", "-c", f"{JOBRUN} log sync | head -2"], env=self.environment(), capture_output=True, text=True, check=False)
        self.assertEqual((done.stdout.splitlines()[1:], done.stderr), (["1"], ""))


class Following(LogCase):
    def test_what_a_running_job_writes_is_there_at_once_and_the_end_of_the_run_ends_it(self):
        gate = self.gate("gate")
        self.shell_job("sync", f'echo first; printf "no newline yet"; read go < {gate}; echo; echo last\n')
        run = self.start_jobrun("sync", "--run-date", "2026-04-12")
        wait_until(lambda: self.files(), "output")
        follower = self.follow("sync")
        self.sees("running, started")
        self.sees("first\nno newline yet")
        self.assertIn("first\n", self.log("sync"))  # without -f: what is there so far
        self.open_gate("gate")
        self.assert_code(0, self.finish(run))
        self.assertRegex(self.end_of(follower), r"first\nno newline yet\nlast\n==> sync:2026-04-12/-#1  done, took \S+, started \S+ <==\n$")
        self.assertEqual(self.files(), [])

    def test_a_word_that_may_be_a_secrets_beginning_is_all_that_is_held_back(self):
        self.write("token", "supersecrettoken")
        gate = self.gate("gate")
        self.shell_job("sync", f"printf 'working: su'; read go < {gate}; echo ch\n", secrets={"TOKEN": f"file:{self.path('token')}"})
        run = self.start_jobrun("sync", "--run-date", "2026-04-12")
        wait_until(lambda: self.files() and self.read(self.files()[0]) == "working: ", "the words before")
        self.open_gate("gate")
        self.assert_code(0, self.finish(run))
        self.assertEqual(self.log("sync", "--raw"), "working: such\n")

    def test_units_in_parallel_lead_their_lines_and_new_ones_join(self):
        gate = self.gate("gate")
        self.shell_job("sync", f'echo "hello from $JOBRUN_UNIT"; read go < {gate}; echo "bye from $JOBRUN_UNIT"\n', units=["a", "b", "c", "d"], parallel=2)
        run = self.start_jobrun("sync", "--run-date", "2026-04-12")
        wait_until(lambda: len(self.files()) == 2, "two units")
        follower = self.follow("sync")
        self.sees("a| hello from a")
        self.sees("b| hello from b")
        self.open_gate("gate")
        self.assert_code(0, self.finish(run))
        seen = self.end_of(follower)
        for unit in "abcd":
            self.assertEqual(len(re.findall(rf"(?m)^{unit}\| hello from {unit}$", seen)), 1, seen)
            self.assertEqual(len(re.findall(rf"(?m)^{unit}\| bye from {unit}$", seen)), 1, seen)

    def test_it_stays_for_the_next_attempt(self):
        gate = self.gate("gate")
        self.shell_job("sync", f'echo "try $JOBRUN_ATTEMPT"; test $JOBRUN_ATTEMPT = 2 || exit 1; read go < {gate}\n', retry={"first_delay": "0s"})
        self.assert_code(75, self.run_job("sync"))
        follower = self.follow("sync")
        self.sees("no attempt runs; next: from 20", "said")
        run = self.start_jobrun("sync", "--run-date", "2026-04-12")
        self.sees("try 2")
        self.open_gate("gate")
        self.assert_code(0, self.finish(run))
        self.assertEqual(re.findall(r"(?m)^try \d$", self.end_of(follower)), ["try 1", "try 2"])

    def test_a_killed_jobrun_ends_it_with_what_there_was_and_the_next_step(self):
        self.shell_job("sync", "echo begun; echo $$ > $T/pid; exec sleep 600\n")
        run = self.start_jobrun("sync", "--run-date", "2026-04-12")
        wait_until(lambda: self.files() and self.has("pid"), "output")
        follower = self.follow("sync")
        self.sees("begun\n")
        run.send_signal(signal.SIGKILL)
        run.wait()
        wait_until(lambda: not is_alive(int(self.read("pid"))), "the job's end")
        self.end_of(follower)
        self.assertIn("cut off: its jobrun", self.read("seen") + self.read("said"))
        self.assertIn("`jobrun tick`", self.read("said"))
        out = self.assert_code(0, self.run_jobrun("log", "sync"))
        self.assertRegex(out.out, r"^==> sync:2026-04-12/-#1  cut off: its jobrun \(pid \d+\) is gone, started \S+ <==\nbegun\n$")

    def test_what_a_crashed_attempt_wrote_outlives_it(self):
        self.test_a_killed_jobrun_ends_it_with_what_there_was_and_the_next_step()
        self.shell_job("sync", "echo again\n")
        self.assert_code(0, self.run_job("sync"))
        self.assertRegex(self.log("sync"), r"^==> \S+#1  crashed, crashed, started \S+ <==\nbegun\n==> \S+#2  done, took \S+, started \S+ <==\nagain\n$")

    def test_it_ends_with_the_unit_or_the_attempt_that_was_asked_for(self):
        gate = self.gate("gate")
        self.shell_job("sync", f"test $JOBRUN_UNIT = a && exit 0; echo $JOBRUN_UNIT; read go < {gate}\n", units=["a", "b"])
        run = self.start_jobrun("sync", "--run-date", "2026-04-12")
        wait_until(lambda: self.files(), "b's output")
        self.end_of(self.follow("sync", "--unit", "a"))
        self.open_gate("gate")
        self.assert_code(0, self.finish(run))

    def test_nothing_of_it_is_left_when_its_reader_goes(self):
        gate = self.gate("gate")
        self.shell_job("sync", f"echo first; read go < {gate}\n")
        run = self.start_jobrun("sync", "--run-date", "2026-04-12")
        wait_until(lambda: self.files(), "output")
        follower = self.start_jobrun("log", "sync", "-f", preexec_fn=lambda: signal.signal(signal.SIGPIPE, signal.SIG_IGN))
        wait_until(lambda: follower.stdout.read(1), "a byte")
        follower.stdout.close()
        self.assertEqual(follower.wait(timeout=20), 0)
        follower.stdout = None
        self.open_gate("gate")
        self.assert_code(0, self.finish(run))

    def test_a_hundred_thousand_lines_from_eight_units_come_through_whole(self):
        self.shell_job("sync", "seq -f \"$JOBRUN_UNIT-%.0f\" 1 12500\n", units=list("abcdefgh"), parallel=8)
        run = self.start_jobrun("sync", "--run-date", "2026-04-12")
        wait_until(lambda: self.ledger("SELECT 1 FROM runs"), "the run")
        seen = self.end_of(self.follow("sync"))
        self.assert_code(0, self.finish(run))
        for unit in "abcdefgh":
            lines = re.findall(rf"(?m)^{unit}\| (.*)$", seen)
            self.assertEqual(lines, [f"{unit}-{n}" for n in range(1, 12501)])


if __name__ == "__main__":
    unittest.main()
