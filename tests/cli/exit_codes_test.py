#!/usr/bin/python3
"""Every exit code of contract 2.3, produced by the built binary, with the message a person sees."""
import os
import pathlib
import pty
import re
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.jobrun_case import JOBRUN, JobrunCase, wait_until  # noqa: E402

WORDS = {0: "done", 64: "usage", 70: "internal", 74: "ledger", 75: "retry", 78: "setup", 80: "stopped", 81: "exhausted",
         82: "in_doubt", 83: "busy", 85: "paused", 86: "conflict"}

# A job that begins an effect and dies of SIGKILL before it can confirm it, as long as T/die is there.
DYING_EFFECT = '''
reply = ask("intend", key="invoice:7:webhook", if_in_doubt="stop")
open(T + "/said", "a").write(reply["state"] + " " + reply.get("token", "") + "\\n")
if reply["state"] == "in_doubt":
    ask("result", verdict="stop", reason="effect_in_doubt", message=reply["message"])
    sys.exit(80)
if os.path.exists(T + "/die"):
    os.kill(os.getpid(), signal.SIGKILL)
if reply["state"] == "intended":
    open(T + "/sent", "a").write("sent\\n")
    assert ask("confirm", key="invoice:7:webhook", result="200")["ok"]
'''


class Codes(JobrunCase):
    def test_help_lists_every_code_with_its_word_and_no_other(self):
        rows = re.findall(r"^ +(\d+)  ([a-z_]+) ", self.run_jobrun("--help").out, re.MULTILINE)
        self.assertEqual({int(code): word for code, word in rows}, WORDS)

    # 70 says that jobrun has a bug: no input produces it, so it is only held against the table above.

    def test_0_done_is_a_run_that_finished_now_or_earlier(self):
        self.shell_job("ok", "true\n")
        self.assertEqual(self.assert_code(0, self.run_job("ok")).out, "ok for 2026-04-12: 1 done, run ok:2026-04-12\n")
        self.assertRegex(self.assert_code(0, self.run_job("ok")).out, r"^ok for 2026-04-12 is done since \S+, run ok:2026-04-12\n$")

    def test_64_usage_is_a_call_to_be_fixed(self):
        outcome = self.assert_code(64, self.run_jobrun("ok"))
        self.assertEqual(outcome.err, "jobrun: --run-date is missing\nhint: for example --run-date today, or --run-date 2026-04-12\n")
        self.assertEqual(outcome.out, "")

    def test_75_retry_is_to_be_called_again_and_says_when(self):
        self.shell_job("flaky", "echo no route; exit 1\n", retry={"first_delay": "10m", "jitter": 0})
        first = self.assert_code(75, self.run_job("flaky", now="2026-04-12T02:00:00Z"))
        self.assert_says(first, "retrying, exit_1: exited with 1", 'output="no route"')
        self.assertRegex(first.out, r"next: try again from 2026-04-12T02:10:\d\dZ on \(attempt 1 of 4 failed\)")

    def test_75_before_its_time_uses_no_attempt(self):
        self.shell_job("flaky", "exit 1\n", retry={"first_delay": "10m", "jitter": 0})
        self.assert_code(75, self.run_job("flaky", now="2026-04-12T02:00:00Z"))
        early = self.assert_code(75, self.run_job("flaky", now="2026-04-12T02:09:00Z"))
        self.assert_says(early, "is not due before 2026-04-12T02:10:00")
        self.assertEqual(len(self.attempts("flaky")), 1)
        self.assert_code(75, self.run_job("flaky", now="2026-04-12T02:10:01Z"))
        self.assertEqual(len(self.attempts("flaky")), 2)

    def test_78_setup_is_an_installation_that_needs_a_person(self):
        self.shell_job("invoice_sync", "true\n")
        outcome = self.assert_code(78, self.run_job("invoice_snyc"))
        self.assertEqual(outcome.err, f"jobrun: unknown job invoice_snyc (there is no {self.jobs}/invoice_snyc.json)\n"
                                      "hint: did you mean invoice_sync?\n")

    def test_80_stopped_names_the_cause_and_the_next_step_and_answers_again_at_once(self):
        self.shell_job("bad", "echo >>$T/ran; exit 80\n", runbook="https://wiki.example.com/bad")
        first = self.assert_code(80, self.run_job("bad"))
        self.assert_says(first, "stopped, exit_80", "mend the cause, then `jobrun retry bad --run-date 2026-04-12` (https://wiki.example.com/bad)")
        self.assertRegex(self.assert_code(80, self.run_job("bad")).out, "bad for 2026-04-12 needs a person since .*stopped")
        self.assertEqual(self.read("ran"), "\n")

    def test_81_exhausted_when_the_attempts_are_used_up(self):
        self.shell_job("bad", "exit 1\n", retry={"max_attempts": 2, "first_delay": "0s"})
        self.assert_code(75, self.run_job("bad"))
        self.assert_says(self.assert_code(81, self.run_job("bad")), "exhausted, exit_1", "2 of 2 attempts used", "jobrun retry bad")
        self.assert_says(self.assert_code(81, self.run_job("bad")), "needs a person", "exhausted")
        self.assertEqual(len(self.attempts("bad")), 2)

    def test_81_exhausted_now_when_the_next_time_falls_outside_the_window(self):
        self.shell_job("bad", "exit 1\n", retry={"first_delay": "1h", "window": "30m"})
        self.assert_says(self.assert_code(81, self.run_job("bad")), "outside the window of 30m")
        self.assertEqual(len(self.attempts("bad")), 1)

    def test_83_busy_names_the_process_that_runs_it(self):
        self.gate("gate")
        self.shell_job("long", "echo $$ >$T/pid; read x <$T/gate\n")
        first = self.start_jobrun("long", "--run-date", "2026-04-12")
        wait_until(lambda: self.said("pid"), "the job to start")
        busy = self.assert_code(83, self.run_job("long"))
        pids = re.search(r"held by pid ([\d, ]+), attempt 1 since ", busy.out + busy.err)
        self.assertTrue(pids, busy)
        self.assertIn(str(first.pid), pids[1].split(", "))
        self.open_gate("gate")
        self.assertEqual(self.finish(first).code, 0)

    def test_85_paused_when_every_selected_unit_is(self):
        self.shell_job("sync", "true\n", units=["a", "b"])
        self.assert_code(0, self.run_jobrun("pause", "sync", "--unit", "a", "--reason", "the bank is down"))
        self.assert_says(self.assert_code(85, self.run_job("sync", "--unit", "a")), "a: paused", "the bank is down",
                         "jobrun resume sync --unit a")

    def test_86_conflict_is_the_same_key_with_other_input(self):
        self.shell_job("ok", "true\n")
        self.run_job("ok", "--payload", "1")
        self.assert_says(self.assert_code(86, self.run_job("ok", "--payload", "2")), "another payload", "nothing was executed")

    def test_sigterm_ends_as_75_and_the_interruption_is_recorded(self):
        self.gate("gate")
        self.shell_job("long", "echo >$T/up; read x <$T/gate\n")
        process = self.start_jobrun("long", "--run-date", "2026-04-12")
        wait_until(lambda: self.has("up"), "the job to start")
        process.terminate()
        self.assert_says(self.assert_code(75, self.finish(process)), "interrupted")
        self.assertEqual(self.attempts("long"), [("interrupted", "interrupted")])

    def test_sigint_from_a_terminal_ends_as_130(self):
        self.need_terminals()
        self.gate("gate")
        self.shell_job("long", "echo >$T/up; read x <$T/gate\n")
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve(JOBRUN, [JOBRUN, "long", "--run-date", "2026-04-12"], self.environment())
        self.addCleanup(os.close, terminal)
        wait_until(lambda: self.has("up"), "the job to start")
        os.write(terminal, b"\x03")
        try:
            while os.read(terminal, 4096):
                pass
        except OSError:
            pass  # the other end is closed (EIO)
        _, status = os.waitpid(pid, 0)
        # A shell shows 130 for a process that died of SIGINT.
        self.assertEqual(os.waitstatus_to_exitcode(status), -signal.SIGINT)
        self.assertEqual(self.attempts("long"), [("interrupted", "interrupted")])

    def test_sigint_from_elsewhere_ends_as_75(self):
        self.gate("gate")
        self.shell_job("long", "echo >$T/up; read x <$T/gate\n")
        process = self.start_jobrun("long", "--run-date", "2026-04-12")
        wait_until(lambda: self.has("up"), "the job to start")
        process.send_signal(signal.SIGINT)
        self.assertEqual(self.finish(process).code, 75)


class LedgerTrouble(JobrunCase):
    def test_74_ledger_that_another_process_writes_for_longer_than_10_seconds(self):
        self.shell_job("ok", "echo >$T/ran\n")
        before = self.dump()
        with self.locked(self.ledger_path + ".lock"):
            outcome = self.assert_code(74, self.run_job("ok"))
        self.assert_says(outcome, f"the ledger {self.ledger_path} is being written by another process (waited 10 s)", "hint: call again later")
        self.assertFalse(self.has("ran"), "nothing is executed that is not written down")
        self.assertEqual(self.dump(), before)
        self.assert_code(0, self.run_job("ok"))

    def test_a_finished_run_is_answered_while_another_process_writes(self):
        self.shell_job("ok", "true\n")
        self.assert_code(0, self.run_job("ok"))
        with self.locked(self.ledger_path + ".lock"):
            self.assert_code(0, self.run_job("ok", timeout=9))
            self.assert_code(0, self.run_jobrun("status", timeout=9))


class LostAnswers(JobrunCase):
    def test_an_answer_that_could_not_be_written_is_no_success(self):
        self.shell_job("ok", "true\n")
        self.assert_code(0, self.run_job("ok"))
        with open("/dev/full", "wb") as full:
            for verb in (["status"], ["history"], ["jobs", "--json"], ["metrics"], ["emit", "cron"], ["inventory", "--json"]):
                with self.subTest(verb):
                    done = subprocess.run([JOBRUN, *verb], env=self.environment(), stdout=full, stderr=subprocess.PIPE, text=True, check=False)
                    self.assertEqual(done.returncode, 74, done.stderr)
                    self.assertEqual(done.stderr, "jobrun: write the answer to standard output: No space left on device\n"
                                                  "hint: what was written is not whole: make room, then call again\n")
            run = subprocess.run([JOBRUN, "ok", "--run-date", "2026-04-13"], env=self.environment(), stdout=full, stderr=subprocess.PIPE, check=False)
            self.assertEqual(run.returncode, 0, "of a run the exit code is the answer")

    def test_a_reader_that_has_seen_enough_is_no_failure(self):
        self.shell_job("ok", "true\n")
        self.assert_code(0, self.run_job("ok"))
        done = subprocess.run(["/bin/bash", "-c", f"set -o pipefail; {JOBRUN} help >/dev/null; {JOBRUN} status | true"], env=self.environment(), capture_output=True, check=False)
        self.assertNotIn(b"standard output", done.stderr)


class FullDisk(JobrunCase):
    def setUp(self):
        super().setUp()
        if os.geteuid() != 0:
            self.skipTest("a small disk of its own needs root")
        self.disk = self.make_folder("disk")
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m,mode=0700", "tmpfs", self.disk],
                                 stderr=subprocess.PIPE, check=False)
        if mounted.returncode != 0:
            self.skipTest("a small disk can't be mounted here: " + mounted.stderr.decode())
        self.addCleanup(subprocess.run, ["umount", "-l", self.disk], check=False)
        self.ledger_path = os.path.join(self.disk, "ledger.db")
        self.assert_code(0, self.run_jobrun("init"))

    FILL = "dd if=/dev/zero of=$T/disk/filler bs=4k 2>/dev/null; dd if=/dev/zero of=$T/disk/filler2 bs=1 2>/dev/null\n"

    def fill(self):
        with open(self.path("disk/filler"), "ab", buffering=0) as filler:
            for size in (65536, 4096, 1):
                try:
                    while filler.write(b"\0" * size) == size:
                        pass
                except OSError:
                    pass

    def test_a_run_whose_end_meets_a_full_disk_is_recorded_all_the_same(self):
        self.shell_job("big", self.FILL + "echo the end\n")
        self.assert_code(0, self.run_job("big"))
        self.assertEqual(self.attempts("big"), [("done", "ok")])
        self.assertEqual(self.states("big"), {"-": "done"})
        self.assert_code(0, self.run_job("big"))

    def test_the_output_of_a_run_that_met_a_full_disk_is_kept_too(self):
        self.shell_job("big", self.FILL + "yes 0123456789abcdef | head -c 200000\nexit 80\n")
        self.assert_code(80, self.run_job("big"))
        self.assertEqual(self.value("SELECT output_bytes FROM attempts"), 200000)

    def test_74_ledger_when_the_disk_is_full_before_the_start_and_nothing_is_executed(self):
        self.shell_job("ok", "echo >$T/ran\n")
        os.unlink(self.ledger_path + ".ballast")
        self.fill()
        outcome = self.assert_code(74, self.run_job("ok"))
        self.assert_says(outcome, "256 KiB in reserve", "No space left on device", "free some space")
        self.assertFalse(self.has("ran"))
        os.unlink(self.path("disk/filler"))
        self.assert_code(0, self.run_job("ok"))
        self.assertEqual(os.stat(self.ledger_path + ".ballast").st_size, 256 * 1024)

    def test_what_is_known_is_answered_on_a_full_disk(self):
        self.shell_job("ok", "true\n")
        self.assert_code(0, self.run_job("ok"))
        self.fill()
        self.assert_code(0, self.run_job("ok"))
        self.assert_code(0, self.run_jobrun("status"))


class InDoubt(JobrunCase):
    def setUp(self):
        super().setUp()
        self.channel_job("pay", DYING_EFFECT)
        self.write("die", "")

    def effect(self):
        return self.ledger("SELECT key, state FROM effects")

    def leave_in_doubt(self):
        outcome = self.assert_code(82, self.run_job("pay"))
        os.unlink(self.path("die"))
        return outcome

    def test_82_in_doubt_when_the_job_dies_between_intent_and_confirmation(self):
        self.assert_says(self.leave_in_doubt(), "in_doubt, effect_in_doubt", "invoice:7:webhook",
                         "find out whether it happened, then `jobrun effects confirm|release`")
        self.assertEqual(self.effect(), [("invoice:7:webhook", "in_doubt")])
        self.assertEqual(self.states("pay"), {"-": "in_doubt"})

    def test_82_is_answered_again_at_once_and_nothing_is_sent(self):
        self.leave_in_doubt()
        self.assert_says(self.assert_code(82, self.run_job("pay")), "needs a person", "in_doubt")
        self.assertEqual(len(self.attempts("pay")), 1)

    def test_retry_alone_does_not_settle_an_effect(self):
        self.leave_in_doubt()
        self.assert_code(82, self.run_jobrun("retry", "pay"))
        self.assertFalse(self.has("sent"))
        self.assertEqual(self.effect(), [("invoice:7:webhook", "in_doubt")])

    def test_effects_lists_what_is_in_doubt(self):
        self.assertEqual(self.assert_code(0, self.run_jobrun("effects")).out, "no effect is in doubt\n")
        self.leave_in_doubt()
        listed = self.assert_code(0, self.run_jobrun("effects"))
        self.assert_says(listed, "invoice:7:webhook", "pay", "2026-04-12", "in_doubt", "jobrun effects confirm|release KEY --job JOB --reason TEXT")

    def test_confirm_says_that_it_happened_and_retry_goes_on_without_sending(self):
        self.leave_in_doubt()
        said = self.assert_code(0, self.run_jobrun("effects", "confirm", "invoice:7:webhook", "--job", "pay", "--reason", "seen in their log"))
        self.assertEqual(said.out, "invoice:7:webhook is confirmed; `jobrun retry pay --run-date 2026-04-12` goes on\n")
        self.assert_code(82, self.run_job("pay"))
        self.assert_code(0, self.run_jobrun("retry", "pay"))
        self.assertFalse(self.has("sent"))
        self.assertEqual(self.effect(), [("invoice:7:webhook", "confirmed")])
        self.assert_code(0, self.run_job("pay"))

    def test_release_says_that_it_did_not_and_retry_sends_it_with_the_same_token(self):
        self.leave_in_doubt()
        self.assert_code(0, self.run_jobrun("effects", "release", "invoice:7:webhook", "--job", "pay", "--reason", "not in their log"))
        self.assert_code(0, self.run_jobrun("retry", "pay"))
        self.assertEqual(self.read("sent"), "sent\n")
        first, second = self.read("said").splitlines()
        self.assertEqual(first, second)
        self.assertEqual(self.effect(), [("invoice:7:webhook", "confirmed")])

    def test_an_effect_is_settled_only_with_a_reason_and_only_if_it_is_open(self):
        self.leave_in_doubt()
        before = self.dump()
        for words in (["confirm", "invoice:7:webhook", "--job", "pay"], ["confirm", "invoice:7:webhook", "--reason", "x"],
                      ["confirm", "invoice:8:webhook", "--job", "pay", "--reason", "x"], ["forget", "invoice:7:webhook"], ["confirm"]):
            with self.subTest(words):
                self.assert_code(64, self.run_jobrun("effects", *words))
        self.assertEqual(self.dump(), before)

    def test_82_when_jobrun_itself_was_killed_between_intent_and_confirmation(self):
        os.unlink(self.path("die"))
        self.gate("gate")
        self.channel_job("pay", 'if int(os.environ["JOBRUN_ATTEMPT"]) > 1: sys.exit(0)\n'
                                'ask("intend", key="k", if_in_doubt="stop")\nopen(T + "/up", "w").close()\nopen(T + "/gate").read()\n')
        process = self.start_jobrun("pay", "--run-date", "2026-04-12")
        wait_until(lambda: self.has("up"), "the intent")
        process.kill()
        process.wait()
        outcome = wait_until(lambda: (o := self.run_job("pay")).code != 83 and o, "the orphan to end")
        self.assert_code(82, outcome)
        self.assertEqual(self.effect(), [("k", "in_doubt")])
        self.assertEqual([state for state, _ in self.attempts("pay")], ["crashed"])

    def test_an_effect_to_be_resent_goes_again_with_the_same_token(self):
        self.channel_job("pay", DYING_EFFECT.replace('if_in_doubt="stop"', 'if_in_doubt="resend"'), retry={"first_delay": "0s"})
        self.assert_code(75, self.run_job("pay"))
        os.unlink(self.path("die"))
        self.assert_code(0, self.run_job("pay"))
        first, second = self.read("said").splitlines()
        self.assertEqual(first, second)

    def test_an_effect_is_not_resent_when_its_token_is_no_longer_alive(self):
        self.channel_job("pay", DYING_EFFECT.replace('if_in_doubt="stop"', 'if_in_doubt="resend", token_ttl="1h"'), retry={"first_delay": "0s", "window": "12h"})
        self.assert_code(75, self.run_job("pay", now="2026-04-12T02:00:00Z"))
        os.unlink(self.path("die"))
        self.assert_code(82, self.run_job("pay", now="2026-04-12T03:30:00Z"))
        self.assertFalse(self.has("sent"))


class Combined(JobrunCase):
    """One code for several units: 75 while any has budget, then 82, 81, 80; 83 and 85 only if all are so."""

    def run_of(self, *units):
        # One attempt is all a unit has, but where one is to be tried again.
        self.channel_job("mix", '''
unit = os.environ["JOBRUN_UNIT"].partition(" ")[0]
if unit == "in_doubt":
    ask("intend", key=os.environ["JOBRUN_UNIT"], if_in_doubt="stop")
sys.exit({"done": 0, "retry": 75, "exhausted": 7, "stopped": 80, "in_doubt": 1}[unit])
''', units=[f"{unit} {number}" for number, unit in enumerate(units)], retry={"max_attempts": 4 if "retry" in units else 1})
        return self.run_job("mix").code

    def check(self, expected, *units):
        with self.subTest(units):
            self.assertEqual(self.run_of(*units), expected)

    def test_one_unit_with_budget_makes_it_75(self):
        self.check(75, "stopped", "done", "in_doubt", "retry")

    def test_in_doubt_weighs_more_than_exhausted(self):
        self.check(82, "stopped", "exhausted", "in_doubt", "done")

    def test_exhausted_weighs_more_than_stopped(self):
        self.check(81, "done", "stopped", "exhausted")

    def test_stopped_weighs_more_than_done(self):
        self.check(80, "done", "stopped", "done")

    def test_a_later_call_answers_the_same(self):
        self.assertEqual(self.run_of("stopped", "exhausted", "in_doubt", "done"), 82)
        self.assert_code(82, self.run_job("mix"))

    def test_done_and_paused_is_0_with_a_visible_line(self):
        self.job("mix", {"command": ["true"]})
        self.run_jobrun("pause", "mix", "--unit", "done 1", "--reason", "x")
        self.assertEqual(self.run_of("done", "done"), 0)
        self.assert_says(self.run_job("mix"), "done 1: paused")

    def test_paused_and_stopped_is_80(self):
        self.job("mix", {"command": ["true"]})
        self.run_jobrun("pause", "mix", "--unit", "done 0", "--reason", "x")
        self.check(80, "done", "stopped")

    def test_a_unit_that_another_process_runs_makes_the_answer_83_and_never_0(self):
        self.gate("gate")
        self.shell_job("mix", 'test $JOBRUN_UNIT = quick && exit 0; echo >$T/up; read x <$T/gate\n', units=["quick", "slow"])
        first = self.start_jobrun("mix", "--run-date", "2026-04-12")
        wait_until(lambda: self.has("up"), "the slow unit")
        self.assert_says(self.assert_code(83, self.run_job("mix")), "slow: busy", "held by pid")
        self.assert_code(83, self.run_job("mix", "--unit", "slow"))
        self.open_gate("gate")
        self.assertEqual(self.finish(first).code, 0)


class ExitMap(JobrunCase):
    def test_a_mapped_code_is_answered_instead(self):
        self.shell_job("bad", "exit 80\n")
        self.assert_code(0, self.run_job("bad", "--exit-map", "80=0"))
        self.assert_code(9, self.run_job("bad", "--exit-map", "75=1,80=9"))
        self.assert_code(80, self.run_job("bad", "--exit-map", "81=0"))

    def test_refusals_are_mapped_too(self):
        self.shell_job("ok", "true\n")
        self.run_job("ok", "--payload", "1")
        self.assert_code(3, self.run_job("ok", "--payload", "2", "--exit-map", "86=3"))
        self.assert_code(4, self.run_job("unknown", "--exit-map", "78=4"))
        self.assert_code(5, self.run_job("ok", "--exit-map", "64=5", date="never"))

    def test_the_map_changes_the_answer_and_not_the_record(self):
        self.shell_job("bad", "exit 80\n")
        self.run_job("bad", "--exit-map", "80=0")
        self.assertEqual(self.states("bad"), {"-": "stopped"})


if __name__ == "__main__":
    unittest.main()
