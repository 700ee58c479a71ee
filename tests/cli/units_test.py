#!/usr/bin/python3
"""Units: where they come from, how they run side by side, who is kept out, what a later call touches (contract 2.7)."""
import json
import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.jobrun_case import JOBRUN, JobrunCase, wait_until  # noqa: E402


class UnitsCase(JobrunCase):
    # Fails as long as T/fail-UNIT is there, with the exit code it holds.
    STEERED = 'echo $JOBRUN_UNIT >>$T/ran\ntest ! -e $T/fail-$JOBRUN_UNIT || exit $(cat $T/fail-$JOBRUN_UNIT)\n'

    def steered(self, units, fail=None, **manifest):
        for unit, code in (fail or {}).items():
            self.write("fail-" + unit, str(code))
        manifest.setdefault("retry", {"first_delay": "0s"})
        self.shell_job("sync", self.STEERED, units=units, **manifest)

    def mend(self, unit):
        os.unlink(self.path("fail-" + unit))

    def ran(self):
        """What was executed since the last question, in order."""
        if not self.has("ran"):
            return []
        units = self.read("ran").split()
        os.unlink(self.path("ran"))
        return units


class WhereUnitsComeFrom(UnitsCase):
    def test_a_job_without_units_has_one(self):
        self.shell_job("sync", self.STEERED)
        self.assert_code(0, self.run_job("sync"))
        self.assertEqual(self.ran(), ["-"])

    def test_units_come_from_a_list_a_file_a_command_or_standard_input(self):
        units = ["a", {"id": "b", "config": {"depth": 2}}]
        self.write("jobs/units.json", json.dumps(units))
        self.script("print_units.sh", "cat $T/jobs/units.json\n")
        for name, source, stdin in (("list", units, None), ("file", {"file": "units.json"}, None), ("program", {"command": ["./print_units.sh"]}, None), ("stdin", "-", json.dumps(units))):
            with self.subTest(name):
                self.shell_job(name, 'echo $JOBRUN_UNIT $(cat $JOBRUN_CONFIG_FILE 2>/dev/null | tr -d " \\n") >>$T/ran\n', units=source)
                self.assert_code(0, self.run_job(name, stdin=stdin))
                self.assertEqual(self.read("ran"), 'a\nb {"depth":2}\n')
                self.ran()

    def test_a_units_command_that_says_more_on_stderr_is_understood(self):
        self.script("list.sh", "echo >&2 fetching the list; echo '[\"a\"]'\n")
        self.steered({"command": ["./list.sh"]})
        self.assert_code(0, self.run_job("sync"))
        self.assertEqual(self.ran(), ["a"])

    def test_a_call_that_is_asked_to_stop_while_it_waits_for_its_units_ends_and_makes_no_run(self):
        self.script("list.sh", "echo >$T/up; exec sleep 1000\n")
        self.steered({"command": ["./list.sh"]})
        process = self.start_jobrun("sync", "--run-date", "2026-04-12")
        wait_until(lambda: self.has("up"), "the list to be asked for")
        process.terminate()
        self.assert_says(self.assert_code(75, self.finish(process, timeout=20)), "asked to stop; nothing was recorded")
        self.assertEqual(self.ledger("SELECT * FROM runs"), [])

    def test_a_call_that_is_asked_to_stop_while_it_reads_standard_input_ends_too(self):
        self.steered("-")
        for words in ((), ("--payload", "-")):
            with self.subTest(words):
                reading, writing = os.pipe()
                process = self.start_jobrun("sync", "--run-date", "2026-04-12", *words, stdin_fd=reading)
                wait_until(lambda: self.holds_term_back(process.pid), "the call to begin")
                process.terminate()
                self.assert_code(75, self.finish(process, timeout=20))
                os.close(writing)
        self.assertEqual(self.ledger("SELECT * FROM runs"), [])

    @staticmethod
    def holds_term_back(pid):
        """SIGTERM is blocked (proc(5), SigBlk of status)."""
        status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        return int(status.partition("SigBlk:")[2].split()[0], 16) >> 14 & 1

    def test_a_units_command_that_fails_is_told_with_what_it_said(self):
        self.script("list.sh", "echo '[]'; echo >&2 the directory is down; exit 3\n")
        self.steered({"command": ["./list.sh"]})
        self.assert_says(self.assert_code(78, self.run_job("sync")), "./list.sh: exited with 3: the directory is down")
        self.assertEqual(self.ledger("SELECT * FROM runs"), [])

    def test_an_empty_list_is_a_run_that_is_done(self):
        self.write("jobs/units.json", "[]")
        self.steered({"file": "units.json"})
        self.assert_code(0, self.run_job("sync"))

    def test_ids_are_any_text_without_control_characters(self):
        units = ["a/../b", "ä ö", "$(touch evil)", "x" * 255, "[a,b]", "-x", "--unit", "日本", "a'b\"c", "%s%n", "NULL"]
        self.shell_job("sync", 'echo "$JOBRUN_UNIT" >>$T/ran\n', units=units)
        self.assert_code(0, self.run_job("sync"))
        self.assertEqual(self.read("ran").splitlines(), units)

    def test_such_ids_can_be_selected(self):
        units = ["a/../b", "ä ö", "[a,b]", "-x", "--unit", "日本", "a'b\"c", "b"]
        self.shell_job("sync", 'echo "$JOBRUN_UNIT" >>$T/ran\n', units=units)
        for unit in units[:-1]:
            self.assert_code(0, self.run_job("sync", "--unit=" + unit))
        self.assertEqual(self.read("ran").splitlines(), units[:-1])

    def test_the_next_step_of_such_ids_can_be_pasted(self):
        units = ["a/../b", "ä ö", "$(touch evil)", "-x", "--unit", "a'b\"c", "%s%n", "`id`", "a\u202eb"]
        self.shell_job("sync", 'test -e $T/calm || exit 80\n', units=units)
        steps = [row[0].split("`")[1:-1] for row in self.ledger_after(80, "SELECT next_action FROM units ORDER BY id")]
        self.write("calm", "")
        for step in steps:
            line = "`".join(step).replace("jobrun", JOBRUN, 1)
            said = subprocess.run(["/bin/sh", "-c", line], env=self.environment(), capture_output=True, text=True, timeout=60, check=False)
            self.assertNotIn(said.returncode, (64, 127), line + said.stderr)
        self.assertEqual(set(self.states("sync").values()), {"done"})

    def ledger_after(self, code, sql):
        self.assert_code(code, self.run_job("sync"))
        return self.ledger(sql)

    def test_duplicates_are_refused_in_every_source(self):
        self.write("jobs/units.json", '["a", "b", {"id": "a"}]')
        self.script("list.sh", "cat $T/jobs/units.json\n")
        for source, stdin in ((["a", "b", "a"], None), ({"file": "units.json"}, None), ({"command": ["./list.sh"]}, None), ("-", '["a", "b", "a"]')):
            with self.subTest(source):
                self.steered(source)
                self.assert_says(self.assert_code(78, self.run_job("sync", stdin=stdin)), '[2]: the unit "a" is listed twice')
        self.assertEqual(self.ran(), [])
        self.assertEqual(self.ledger("SELECT * FROM runs"), [])

    def test_the_list_is_frozen_in_the_run(self):
        self.write("jobs/units.json", '["a", "b"]')
        self.steered({"file": "units.json"}, fail={"b": 1})
        self.assert_code(75, self.run_job("sync"))
        self.write("jobs/units.json", '["a", "c"]')
        self.mend("b")
        self.ran()
        self.assert_code(0, self.run_job("sync"))
        self.assertEqual(self.ran(), ["b"])
        self.assert_code(0, self.run_job("sync", date="2026-04-13"))
        self.assertEqual(self.ran(), ["a", "c"])

    def test_a_second_call_does_not_ask_for_the_list_again(self):
        self.script("list.sh", "echo >>$T/asked; echo '[\"a\"]'\n")
        self.steered({"command": ["./list.sh"]}, fail={"a": 1})
        self.run_job("sync")
        self.run_job("sync")
        self.assertEqual(self.read("asked"), "\n")

    def test_a_unit_that_vanished_from_the_list_is_reported_and_not_deleted(self):
        self.steered(["a", "b", "c"])
        self.assert_code(0, self.run_job("sync"))
        self.steered(["a", "c"])
        self.assert_says(self.assert_code(0, self.run_job("sync", date="2026-04-13")), "not in the list any more: b")
        self.assertEqual(self.value("SELECT count(*) FROM units WHERE unit = 'b'"), 1)

    def test_the_last_unit_that_vanished_is_reported_too(self):
        self.steered(["a"])
        self.assert_code(0, self.run_job("sync"))
        self.steered(["b"])
        self.assert_says(self.assert_code(0, self.run_job("sync", date="2026-04-13")), "not in the list any more: a")


class Isolation(UnitsCase):
    def test_a_failing_unit_does_not_stop_the_rest(self):
        self.steered(["a", "b", "c", "d", "e"], fail={"b": 80})
        outcome = self.assert_code(80, self.run_job("sync"))
        self.assertEqual(self.ran(), ["a", "b", "c", "d", "e"])
        self.assert_says(outcome, "4 done, 1 stopped", "b: stopped", "jobrun retry sync --run-date 2026-04-12 --unit b")

    def test_a_second_call_touches_only_what_is_not_finished(self):
        self.steered(["a", "b", "c"], fail={"b": 1})
        self.assert_code(75, self.run_job("sync"))
        self.mend("b")
        self.ran()
        self.assert_code(0, self.run_job("sync"))
        self.assertEqual(self.ran(), ["b"])

    def test_units_that_were_never_started_are_included(self):
        self.steered(["a", "b", "c"])
        self.assert_code(0, self.run_job("sync", "--unit", "b"))
        self.assertEqual(self.ran(), ["b"])
        self.assertEqual(self.states("sync"), {"a": "pending", "b": "done", "c": "pending"})
        self.assert_code(0, self.run_job("sync"))
        self.assertEqual(self.ran(), ["a", "c"])

    def test_a_selection_answers_for_the_selected_units(self):
        self.steered(["a", "b"], fail={"a": 80})
        self.assert_code(80, self.run_job("sync"))
        self.assert_code(0, self.run_job("sync", "--unit", "b"))
        self.assert_code(80, self.run_job("sync", "--unit", "a"))
        self.assert_code(80, self.run_job("sync", "--unit", "a", "--unit", "b"))
        self.assertEqual(self.ran(), ["a", "b"])

    def test_a_selected_unit_is_run_once_however_often_it_is_named(self):
        self.steered(["a", "b"])
        self.assert_code(0, self.run_job("sync", "--unit", "a", "--unit", "a"))
        self.assertEqual(self.ran(), ["a"])

    def test_each_unit_has_its_own_window_and_attempts(self):
        self.steered(["a", "b"], fail={"a": 1, "b": 1}, retry={"max_attempts": 2, "first_delay": "0s"})
        self.assert_code(75, self.run_job("sync", "--unit", "a"))
        self.assert_code(75, self.run_job("sync"))
        self.assertEqual(self.states("sync"), {"a": "exhausted", "b": "retrying"})
        self.assert_code(81, self.run_job("sync"))


class SideBySide(UnitsCase):
    MEET = 'echo $JOBRUN_UNIT >>$T/up; read x <$T/gate; echo >>$T/down\n'

    def up(self):
        return len(self.read("up").splitlines()) if self.has("up") else 0

    def test_parallel_units_really_run_at_once_and_never_more_than_that(self):
        self.gate("gate")
        self.shell_job("meet", self.MEET, units=[f"u{n}" for n in range(7)], parallel=3)
        process = self.start_jobrun("meet", "--run-date", "2026-04-12")
        wait_until(lambda: self.up() == 3, "three units at once")
        # Nothing more starts until one ends: the ledger says what has been claimed.
        self.assertEqual(sorted(self.states("meet").values()).count("running"), 3)
        self.open_gate("gate")
        self.assert_code(0, self.finish(process))
        self.assertEqual(self.up(), 7)

    def test_at_no_moment_are_there_more_than_the_call_allows(self):
        self.shell_job("meet", 'd=$T/now/$JOBRUN_UNIT; mkdir -p $T/now; : >$d; ls $T/now | wc -l >>$T/counts; rm $d\n', units=[f"u{n}" for n in range(40)], parallel=8)
        self.assert_code(0, self.run_job("meet", "--parallel", "2"))
        counts = [int(line) for line in self.read("counts").split()]
        self.assertEqual(len(counts), 40)
        self.assertLessEqual(max(counts), 2)

    def test_a_call_may_ask_for_more_than_the_manifest(self):
        self.gate("gate")
        self.shell_job("meet", self.MEET, units=["a", "b", "c", "d"], parallel=1)
        process = self.start_jobrun("meet", "--run-date", "2026-04-12", "--parallel=4")
        wait_until(lambda: self.up() == 4, "four units at once")
        self.open_gate("gate")
        self.assert_code(0, self.finish(process))

    def test_without_parallel_units_run_one_after_the_other(self):
        self.steered(["a", "b", "c"])
        self.assert_code(0, self.run_job("sync"))
        self.assertEqual(self.ran(), ["a", "b", "c"])

    def test_a_waiting_unit_holds_no_slot(self):
        self.steered(["a", "b", "c"], fail={"a": 1}, retry={"first_delay": "1h", "jitter": 0}, parallel=1)
        self.assert_code(75, self.run_job("sync", "--unit", "a"))
        self.ran()
        self.assert_code(75, self.run_job("sync"))
        self.assertEqual(self.ran(), ["b", "c"])


class Breaker(UnitsCase):
    def test_after_so_many_units_with_one_temporary_reason_no_more_are_started(self):
        units = [f"u{n}" for n in range(10)]
        self.steered(units, fail=dict.fromkeys(units, 1), breaker=3)
        outcome = self.assert_code(75, self.run_job("sync"))
        self.assertEqual(self.ran(), units[:3])
        self.assert_says(outcome, "3 units in a row ended with exit_1: 7 others are not started now")

    def test_another_reason_or_a_success_between_starts_the_count_over(self):
        units = [f"u{n}" for n in range(6)]
        self.steered(units, fail={"u0": 1, "u1": 1, "u3": 1, "u4": 2, "u5": 1}, breaker=3)
        self.assert_code(75, self.run_job("sync"))
        self.assertEqual(self.ran(), units)

    def test_a_final_failure_does_not_open_it(self):
        units = [f"u{n}" for n in range(5)]
        self.steered(units, fail=dict.fromkeys(units, 80), breaker=2)
        self.assert_code(80, self.run_job("sync"))
        self.assertEqual(self.ran(), units)

    def test_the_next_call_tries_again(self):
        units = [f"u{n}" for n in range(4)]
        self.steered(units, fail=dict.fromkeys(units, 1), breaker=2)
        self.assert_code(75, self.run_job("sync"))
        for unit in units:
            self.mend(unit)
        self.ran()
        self.assert_code(0, self.run_job("sync"))
        self.assertEqual(sorted(self.ran()), units)


class Pauses(UnitsCase):
    def pause(self, *words, **how):
        return self.assert_code(0, self.run_jobrun("pause", "sync", "--reason", "the bank is down", *words, **how))

    def test_a_paused_unit_is_skipped_visible_and_does_not_fail_the_run(self):
        self.steered(["a", "b"])
        self.assert_says(self.pause("--unit", "a"), "sync a is paused; `jobrun resume sync` ends it")
        outcome = self.assert_code(0, self.run_job("sync"))
        self.assertEqual(self.ran(), ["b"])
        self.assert_says(outcome, "1 done, 1 paused", "a: paused (the bank is down)", "next: `jobrun resume sync --unit a`")
        self.assert_says(self.run_jobrun("status"), "the bank is down", "jobrun resume sync --unit a")

    def test_all_paused_is_85(self):
        self.steered(["a", "b"])
        self.pause()
        self.assert_code(85, self.run_job("sync"))
        self.assertEqual(self.ran(), [])
        self.assert_code(0, self.run_jobrun("resume", "sync"))
        self.assert_code(0, self.run_job("sync"))
        self.assertEqual(self.ran(), ["a", "b"])

    def test_resume_names_the_command_that_brings_back_what_had_stopped(self):
        self.steered(["a", "b"], fail={"a": 80})
        self.assert_code(80, self.run_job("sync"))
        self.pause("--unit", "a")
        said = self.assert_code(0, self.run_jobrun("resume", "sync", "--unit", "a"))
        self.assert_says(said, "sync a is resumed (1 pause ended)", "for 2026-04-12 it is stopped: mended, `jobrun retry sync --run-date 2026-04-12 --unit a` brings it back")

    def test_a_pause_of_a_unit_that_no_run_has_had_is_set_and_doubted(self):
        self.steered(["a"])
        self.assert_code(0, self.run_job("sync"))
        self.assert_says(self.pause("--unit", "aa"), "sync aa is paused", "no run of sync has had a unit aa so far")
        self.assertNotIn("no run", self.pause("--unit", "a").err)

    def test_resume_ends_the_pause_of_one_unit(self):
        self.steered(["a", "b", "c"])
        self.pause("--unit", "a", "--unit", "b")
        self.assert_code(0, self.run_jobrun("resume", "sync", "--unit", "a"))
        self.assert_code(0, self.run_job("sync"))
        self.assertEqual(self.ran(), ["a", "c"])

    def test_resuming_one_unit_does_not_claim_to_end_the_pause_of_the_job(self):
        self.steered(["a", "b"])
        self.pause()
        outcome = self.run_jobrun("resume", "sync", "--unit", "a")
        self.assert_code(85, self.run_job("sync", "--unit", "a"))
        self.assert_says(outcome, "was not paused")

    def test_a_pause_until_ends_by_itself(self):
        self.steered(["a"])
        self.assert_says(self.pause("--until", "2026-04-12T06:00:00Z", now="2026-04-12T02:00:00Z"), "until 2026-04-12T06:00:00")
        self.assert_code(85, self.run_job("sync", now="2026-04-12T05:59:00Z"))
        self.assert_code(0, self.run_job("sync", now="2026-04-12T06:00:01Z"))

    def test_a_pause_that_ended_by_itself_is_no_news_for_a_person(self):
        self.steered(["a"])
        self.pause("--until", "2026-04-12T06:00:00Z", now="2026-04-12T02:00:00Z")
        self.assertNotIn("the bank is down", self.run_jobrun("status", now="2026-04-12T07:00:00Z").out)
        self.assertIn("nothing needs a person", self.run_jobrun("status", now="2026-04-12T07:00:00Z").out)

    def test_a_stop_that_asks_for_it_pauses_the_unit(self):
        self.channel_job("sync", 'unit = os.environ["JOBRUN_UNIT"]\nopen(T + "/ran", "a").write(unit + "\\n")\n'
                                 'if unit == "b" and not os.path.exists(T + "/renewed"):\n'
                                 '    ask("result", verdict="stop", reason="credentials_rejected", message="401", pause=True)\n    sys.exit(80)\n', units=["a", "b"])
        outcome = self.assert_code(80, self.run_job("sync"))
        self.assert_says(outcome, "stopped, credentials_rejected: 401",
                         "mend the cause, then `jobrun resume sync --unit b` and `jobrun retry sync --run-date 2026-04-12 --unit b`")
        self.ran()
        # Tomorrow's run does not meet the same dead token.
        self.assert_says(self.assert_code(0, self.run_job("sync", date="2026-04-13")), "b: paused (credentials_rejected: 401)")
        self.assertEqual(self.ran(), ["a"])
        self.write("renewed", "")
        self.assert_code(0, self.run_jobrun("resume", "sync", "--unit", "b"))
        self.assert_code(0, self.run_jobrun("retry", "sync", "--run-date", "2026-04-12", "--unit", "b"))
        self.assert_code(0, self.run_job("sync", date="2026-04-13"))
        self.assertEqual(self.ran(), ["b", "b"])

    def test_retry_does_not_run_what_is_still_paused(self):
        self.steered(["a"], fail={"a": 80})
        self.run_job("sync")
        self.pause("--unit", "a")
        self.mend("a")
        self.ran()
        self.assert_code(85, self.run_jobrun("retry", "sync"))
        self.assertEqual(self.ran(), [])

    def test_a_pause_of_a_running_unit_lets_it_finish(self):
        self.gate("gate")
        self.shell_job("sync", "echo >$T/up; read x <$T/gate\n", units=["a"])
        process = self.start_jobrun("sync", "--run-date", "2026-04-12")
        wait_until(lambda: self.has("up"), "the unit")
        self.pause("--unit", "a")
        self.open_gate("gate")
        self.assert_code(0, self.finish(process))

    def test_a_unit_that_crashed_and_is_paused_is_recorded_as_crashed(self):
        self.gate("gate")
        self.shell_job("sync", "echo >$T/up; read x <$T/gate\n", units=["a"])
        process = self.start_jobrun("sync", "--run-date", "2026-04-12")
        wait_until(lambda: self.has("up"), "the unit")
        process.kill()
        process.wait()
        self.pause("--unit", "a")
        wait_until(lambda: self.run_job("sync").code == 85, "the lock to be free")
        self.assertEqual(self.attempts("sync", "a"), [("crashed", "crashed")])


class Retry(UnitsCase):
    def test_retry_opens_only_what_needs_it(self):
        self.steered(["done", "stopped", "waiting"], fail={"stopped": 80, "waiting": 1}, retry={"first_delay": "1h"})
        self.assert_code(75, self.run_job("sync"))
        self.mend("stopped")
        self.mend("waiting")
        self.ran()
        self.assert_code(0, self.run_jobrun("retry", "sync"))
        self.assertEqual(self.ran(), ["stopped", "waiting"])

    def test_retry_of_one_unit_leaves_the_others_as_they_stand(self):
        self.steered(["a", "b"], fail={"a": 80, "b": 80})
        self.run_job("sync")
        self.mend("a")
        self.ran()
        self.assert_code(0, self.run_jobrun("retry", "sync", "--unit", "a"))
        self.assertEqual(self.ran(), ["a"])
        self.assertEqual(self.states("sync"), {"a": "done", "b": "stopped"})

    def test_retry_gives_a_fresh_budget_and_a_fresh_window(self):
        self.steered(["a"], fail={"a": 1}, retry={"max_attempts": 2, "first_delay": "0s", "window": "1h"})
        self.run_job("sync", now="2026-04-12T02:00:00Z")
        self.assert_code(81, self.run_job("sync", now="2026-04-12T02:00:10Z"))
        self.assert_code(75, self.run_jobrun("retry", "sync", now="2026-04-12T12:00:00Z"))
        self.assertEqual(self.ledger("SELECT attempts, counted FROM units"), [(3, 1)])
        self.assert_code(81, self.run_job("sync", now="2026-04-12T12:00:10Z"))

    def test_retry_after_a_crash_that_used_up_the_attempts_gives_fresh_ones_too(self):
        self.gate("gate")
        self.shell_job("sync", "echo >$T/up; test -e $T/calm || read x <$T/gate\n", retry={"max_attempts": 1})
        process = self.start_jobrun("sync", "--run-date", "2026-04-12")
        wait_until(lambda: self.has("up"), "the job")
        process.kill()
        process.wait()
        self.write("calm", "")
        wait_until(lambda: "another process" not in self.run_job("sync", "--dry-run").out, "the lock to be free")
        self.assert_code(0, self.run_jobrun("retry", "sync"))
        self.assertEqual(self.attempts("sync"), [("crashed", "crashed"), ("done", "ok")])

    def test_retry_of_a_unit_that_is_done_says_so_and_runs_nothing(self):
        self.steered(["a", "b"], fail={"b": 80})
        self.run_job("sync")
        self.ran()
        self.assert_says(self.assert_code(0, self.run_jobrun("retry", "sync", "--unit", "a")), "a is done: nothing to retry")
        self.assertEqual(self.ran(), [])

    def test_retry_takes_the_latest_run_unless_a_date_is_named(self):
        self.steered(["a"], fail={"a": 80})
        self.run_job("sync", date="2026-04-11")
        self.run_job("sync", date="2026-04-12")
        self.mend("a")
        self.assert_code(0, self.run_jobrun("retry", "sync"))
        self.assertEqual(self.ledger("SELECT run_date, state FROM runs ORDER BY run_date"), [("2026-04-11", "stopped"), ("2026-04-12", "done")])
        self.assert_code(0, self.run_jobrun("retry", "sync", "--run-date", "2026-04-11"))

    def test_retry_with_a_broken_manifest_or_a_missing_secret_opens_nothing(self):
        self.steered(["a"], fail={"a": 80})
        self.run_job("sync")
        before = self.dump()
        self.job("sync", {"command": []})
        self.assert_code(78, self.run_jobrun("retry", "sync"))
        self.assertEqual(self.dump(), before)
        self.job("sync", {"command": ["./sync.sh"], "secrets": {"TOKEN": "env:NOWHERE"}})
        self.assert_code(78, self.run_jobrun("retry", "sync"))
        self.assertEqual(self.dump(), before)

    def test_a_unit_that_runs_elsewhere_is_not_opened(self):
        self.gate("gate")
        self.shell_job("sync", "echo >>$T/up; read x <$T/gate\n", units=["a"])
        process = self.start_jobrun("sync", "--run-date", "2026-04-12")
        wait_until(lambda: self.has("up"), "the unit")
        self.assert_code(83, self.run_jobrun("retry", "sync"))
        self.open_gate("gate")
        self.assert_code(0, self.finish(process))
        self.assertEqual(self.read("up"), "\n")


class Wait(UnitsCase):
    def test_wait_stays_until_a_retry_succeeds(self):
        self.shell_job("sync", 'echo $JOBRUN_UNIT $JOBRUN_ATTEMPT >>$T/ran; test $JOBRUN_ATTEMPT -ge 3\n', units=["a", "b"], parallel=2, retry={"first_delay": "50ms", "jitter": 0})
        self.assert_code(0, self.run_job("sync", "--wait"))
        self.assertEqual(sorted(self.read("ran").splitlines()), ["a 1", "a 2", "a 3", "b 1", "b 2", "b 3"])

    def test_wait_gives_up_at_once_when_the_next_time_is_beyond_it(self):
        self.steered(["a"], fail={"a": 1}, retry={"first_delay": "1h"})
        self.assert_code(75, self.run_job("sync", "--wait=1m", timeout=10))
        self.assertEqual(self.ran(), ["a"])

    def test_wait_ends_where_a_person_is_needed(self):
        self.steered(["a"], fail={"a": 1}, retry={"first_delay": "10ms", "max_attempts": 3})
        self.assert_code(81, self.run_job("sync", "--wait", timeout=20))
        self.assertEqual(self.ran(), ["a", "a", "a"])

    def test_wait_stays_for_units_that_others_run(self):
        self.gate("gate")
        self.shell_job("sync", "echo >>$T/up; read x <$T/gate\n", units=["a"])
        first = self.start_jobrun("sync", "--run-date", "2026-04-12")
        wait_until(lambda: self.has("up"), "the unit")
        second = self.start_jobrun("sync", "--run-date", "2026-04-12", "--wait=60s")
        wait_until(lambda: "busy" in self.run_job("sync").out, "the unit to be busy")
        self.open_gate("gate")
        self.assert_code(0, self.finish(first))
        self.assert_code(0, self.finish(second))
        self.assertEqual(self.read("up"), "\n")

    def test_a_signal_ends_the_waiting(self):
        self.steered(["a"], fail={"a": 1}, retry={"first_delay": "1h"})
        process = self.start_jobrun("sync", "--run-date", "2026-04-12", "--wait")
        wait_until(lambda: self.states("sync") == {"a": "retrying"}, "the first attempt to end")
        process.terminate()
        self.assert_code(75, self.finish(process, timeout=10))


class Tick(UnitsCase):
    def test_the_time_of_a_pause_is_not_taken_off_the_retry_window(self):
        self.shell_job("sync", "test $JOBRUN_ATTEMPT -ge 2\n", retry={"first_delay": "1h", "jitter": 0, "window": "6h"})
        self.assert_code(75, self.run_job("sync", now="2026-04-12T02:00:00Z"))
        self.assert_code(0, self.run_jobrun("pause", "sync", "--reason", "maintenance", now="2026-04-12T02:30:00Z"))
        self.assert_says(self.assert_code(85, self.run_job("sync", now="2026-04-12T03:40:00Z")), "maintenance", "next: `jobrun resume sync`")
        self.assert_code(0, self.run_jobrun("tick", now="2026-04-12T09:00:00Z"))
        self.assert_code(0, self.run_jobrun("resume", "sync", now="2026-04-12T09:30:00Z"))
        self.assert_code(0, self.run_jobrun("tick", now="2026-04-12T10:00:00Z"))
        self.assertEqual(self.states("sync"), {"-": "done"})

    def test_of_a_window_that_ended_beside_a_pause_nothing_is_left(self):
        self.shell_job("sync", "exit 1\n", retry={"first_delay": "1h", "jitter": 0, "window": "6h"})
        self.assert_code(75, self.run_job("sync", now="2026-04-12T02:00:00Z"))
        self.assert_code(0, self.run_jobrun("pause", "sync", "--reason", "x", now="2026-04-12T02:30:00Z"))
        self.assert_code(0, self.run_jobrun("resume", "sync", now="2026-04-12T03:30:00Z"))
        self.assert_code(81, self.run_jobrun("tick", now="2026-04-12T09:00:05Z"))

    def test_tick_brings_on_what_is_due_in_any_job(self):
        for job in ("one", "two"):
            self.shell_job(job, f'echo {job} >>$T/ran; test $JOBRUN_ATTEMPT -ge 2\n', retry={"first_delay": "10m", "jitter": 0})
            self.assert_code(75, self.run_job(job, now="2026-04-12T02:00:00Z"))
        self.ran()
        self.assert_says(self.assert_code(0, self.run_jobrun("tick", now="2026-04-12T02:05:00Z")), "nothing is due")
        self.assertEqual(self.ran(), [])
        self.assert_code(0, self.run_jobrun("tick", now="2026-04-12T02:10:05Z"))
        self.assertEqual(sorted(self.ran()), ["one", "two"])
        self.assertEqual({row[0] for row in self.ledger("SELECT state FROM runs")}, {"done"})
        self.assertEqual({row[0] for row in self.ledger("SELECT c.caller FROM attempts a JOIN calls c ON c.id = a.call WHERE a.number = 2")}, {"tick"})

    def test_tick_starts_no_run_and_touches_nothing_that_is_final(self):
        self.steered(["a", "b"], fail={"a": 80})
        self.assert_code(80, self.run_job("sync"))
        self.shell_job("never", "echo never >>$T/ran\n")
        self.ran()
        before = self.dump()
        self.assert_code(0, self.run_jobrun("tick"))
        self.assertEqual(self.ran(), [])
        self.assertEqual(self.dump(), before)

    def test_tick_brings_on_what_was_cut_off(self):
        self.gate("gate")
        self.shell_job("sync", "echo $JOBRUN_ATTEMPT >>$T/ran; test $JOBRUN_ATTEMPT = 2 || read x <$T/gate\n")
        process = self.start_jobrun("sync", "--run-date", "2026-04-12")
        wait_until(lambda: self.said("ran"), "the job")
        process.kill()
        process.wait()
        wait_until(lambda: self.assert_code(0, self.run_jobrun("tick")) and self.states("sync") == {"-": "done"}, "the lock to be free")
        self.assertEqual([state for state, _ in self.attempts("sync")], ["crashed", "done"])

    def test_tick_answers_for_what_it_ran(self):
        self.steered(["a"], fail={"a": 1}, retry={"first_delay": "0s", "max_attempts": 2})
        self.assert_code(75, self.run_job("sync"))
        self.assert_code(81, self.run_jobrun("tick"))
        self.assert_code(0, self.run_jobrun("tick"))

    def test_one_jobs_broken_manifest_does_not_keep_the_others_waiting(self):
        for job in ("a_bad", "b_good"):
            self.shell_job(job, f'echo {job} >>$T/ran; test $JOBRUN_ATTEMPT -ge 2\n', retry={"first_delay": "0s"})
            self.run_job(job)
        self.ran()
        self.job("a_bad", {"command": []})
        self.assert_says(self.assert_code(78, self.run_jobrun("tick")), "a_bad", "command")
        self.assertEqual(self.ran(), ["b_good"])

    def test_tick_is_quiet_about_what_is_paused_or_runs_elsewhere(self):
        self.steered(["a"], fail={"a": 1})
        self.run_job("sync")
        self.run_jobrun("pause", "sync", "--reason", "x")
        outcome = self.assert_code(0, self.run_jobrun("tick", "--quiet"))
        self.assertEqual((outcome.out, outcome.err), ("", ""))

    def test_a_wait_that_nobody_ended_within_the_window_is_exhausted_and_told_once(self):
        self.steered(["a", "b"], fail={"a": 1}, retry={"first_delay": "10m", "window": "6h"})
        self.assert_code(75, self.run_job("sync", now="2026-04-12T02:00:00Z"))
        self.mend("a")
        self.ran()
        self.assert_says(self.run_job("sync", "--dry-run", now="2026-04-12T08:00:01Z"), "would execute 0 of 2", "a: nothing: not called again within")
        outcome = self.assert_code(81, self.run_jobrun("tick", "--quiet", now="2026-04-12T08:00:01Z"))
        self.assertEqual(self.ran(), [])
        self.assert_says(outcome, "a: exhausted, exit_1", "not called again within the window of 6h", "jobrun retry sync --run-date 2026-04-12 --unit a")
        self.assertEqual(self.run_jobrun("tick", "--quiet", now="2026-04-12T08:05:00Z"), (0, "", ""))
        self.assert_code(0, self.run_jobrun("retry", "sync", now="2026-04-12T09:00:00Z"))
        self.assertEqual(self.ran(), ["a"])

    def test_a_job_whose_manifest_is_gone_can_be_paused_and_tick_leaves_it_alone(self):
        self.steered(["a"], fail={"a": 1})
        self.assert_code(75, self.run_job("sync"))
        os.unlink(os.path.join(self.jobs, "sync.json"))
        self.assert_says(self.assert_code(78, self.run_jobrun("tick", "--quiet")), "unknown job sync")
        self.assert_code(0, self.run_jobrun("pause", "sync", "--reason", "moved to another machine"))
        self.assertEqual(self.run_jobrun("tick", "--quiet"), (0, "", ""))
        self.assert_says(self.run_jobrun("status"), "moved to another machine")
        self.assert_code(0, self.run_jobrun("resume", "sync"))
        self.assert_code(78, self.run_jobrun("pause", "never_heard_of", "--reason", "x"))

    def test_tick_does_not_write_again_and_again_about_a_paused_unit(self):
        self.steered(["a"], fail={"a": 1})
        self.run_job("sync")
        self.run_jobrun("pause", "sync", "--reason", "x")
        before = self.dump()
        for _ in range(3):
            self.run_jobrun("tick")
        self.assertEqual(self.dump(), before)

    def test_a_tick_that_is_asked_to_stop_starts_no_other_job(self):
        self.gate("gate")
        for job in ("a_first", "b_second"):
            self.shell_job(job, f'echo {job} >>$T/ran; test $JOBRUN_ATTEMPT -ge 2 || exit 1; read x <$T/gate\n', retry={"first_delay": "0s"})
            self.run_job(job)
        self.ran()
        process = self.start_jobrun("tick")
        wait_until(lambda: self.said("ran"), "the first job")
        process.terminate()
        self.assertEqual(self.finish(process, timeout=10).code, 75)
        self.assertEqual(len(self.ran()), 1)


class OnlyRetryAndDryRun(UnitsCase):
    def test_only_retry_never_starts_a_run(self):
        self.steered(["a"])
        self.assert_says(self.assert_code(0, self.run_job("sync", "--only-retry")), "was never started: nothing to retry")
        self.assertEqual(self.ran(), [])
        self.assertEqual(self.ledger("SELECT * FROM runs"), [])

    def test_only_retry_brings_on_a_run_that_was_started(self):
        self.steered(["a"], fail={"a": 1})
        self.run_job("sync")
        self.mend("a")
        self.assert_code(0, self.run_job("sync", "--only-retry"))

    def test_dry_run_of_a_new_run_changes_nothing(self):
        self.steered(["a", "b"])
        before = self.dump(), sorted(os.listdir(self.state))
        outcome = self.assert_code(0, self.run_job("sync", "--dry-run"))
        self.assert_says(outcome, "would execute 2 of 2 units", "a: run attempt 1 of 4", "nothing was changed")
        self.assertEqual(self.ran(), [])
        self.assertEqual((self.dump(), sorted(os.listdir(self.state))), before)

    def test_dry_run_says_for_each_unit_what_would_happen_and_why(self):
        self.gate("gate")
        self.shell_job("sync", 'case $JOBRUN_UNIT in stopped) exit 80;; waiting) exit 1;; busy) echo >$T/up; read x <$T/gate;; esac\n',
                       units=["done", "stopped", "waiting", "fresh", "paused", "busy"], retry={"first_delay": "1h", "jitter": 0})
        self.run_jobrun("pause", "sync", "--unit", "paused", "--reason", "the bank is down")
        self.run_job("sync", *[word for unit in ("done", "stopped", "waiting", "paused") for word in ("--unit", unit)], now="2026-04-12T02:00:00Z")
        process = self.start_jobrun("sync", "--run-date", "2026-04-12", "--unit", "busy")
        wait_until(lambda: self.has("up"), "the busy unit")
        before = self.dump()
        outcome = self.assert_code(0, self.run_job("sync", "--dry-run", now="2026-04-12T02:01:00Z"))
        for line in (r"  done: nothing: it is done", r"  stopped: nothing: it is stopped \(exit_80\)", r"  waiting: wait: not due before 2026-04-12T03:00:0\S+ \(exit_1\)",
                     r"  fresh: run attempt 1 of 4", r"  paused: skip: paused since \S+ \(the bank is down\)", r"  busy: skip: another process runs it now"):
            self.assertRegex(outcome.out, "(?m)^" + line)
        self.assert_says(outcome, "would execute 1 of 6 units")
        self.assertEqual(self.dump(), before)
        self.open_gate("gate")
        self.assert_code(0, self.finish(process))

    def test_dry_run_of_a_finished_run_leaves_no_note_that_it_was_asked(self):
        self.steered(["a"])
        self.run_job("sync")
        self.assert_code(0, self.run_job("sync", "--dry-run"))
        self.assertFalse(os.path.exists(self.ledger_path + ".asked"))

    def test_dry_run_of_again_makes_no_generation(self):
        self.steered(["a"])
        self.run_job("sync")
        before = self.dump()
        self.assert_says(self.assert_code(0, self.run_job("sync", "--again", "--reason", "x", "--dry-run")), "would execute 1 of 1 units")
        self.assertEqual(self.dump(), before)


class Quiet(UnitsCase):
    def quiet(self, code, *args, **how):
        outcome = self.assert_code(code, self.run_job("sync", "--quiet", *args, **how))
        return outcome.out + outcome.err

    def test_quiet_says_nothing_when_all_is_well_or_will_be_tried_again(self):
        self.steered(["a", "b"], fail={"a": 1})
        self.assertEqual(self.quiet(75, date="yesterday"), "")
        self.mend("a")
        self.assertEqual(self.quiet(0, date="yesterday"), "")
        self.assertEqual(self.quiet(0, date="yesterday"), "")

    def test_quiet_tells_a_person_once_what_to_do(self):
        self.steered(["a", "b"], fail={"a": 80})
        said = self.quiet(80)
        self.assertIn("a: stopped, exit_80", said)
        self.assertIn("jobrun retry sync --run-date 2026-04-12 --unit a", said)
        self.assertEqual(self.quiet(80), "")
        self.assertEqual(self.quiet(80), "")

    def test_quiet_tells_of_a_stopped_unit_when_the_others_have_ended(self):
        self.steered(["a", "b"], fail={"a": 80, "b": 1})
        first = self.quiet(75)
        self.mend("b")
        self.assertIn("a: stopped", first + self.quiet(80))

    def test_quiet_tells_of_a_stopped_unit_at_once_and_once(self):
        self.steered(["a", "b"], fail={"a": 80, "b": 1})
        self.assertIn("a: stopped", self.quiet(75))
        self.mend("b")
        self.assertEqual(self.quiet(80), "")

    def test_quiet_tells_of_a_crash_that_used_up_the_attempts(self):
        self.gate("gate")
        self.shell_job("sync", "echo >$T/up; read x <$T/gate\n", retry={"max_attempts": 1})
        process = self.start_jobrun("sync", "--run-date", "2026-04-12")
        wait_until(lambda: self.has("up"), "the job")
        process.kill()
        process.wait()
        wait_until(lambda: self.run_job("sync", "--dry-run").out.find("another process") < 0, "the lock to be free")
        self.assertIn("exhausted, crashed", self.quiet(81))
        self.assertEqual(self.quiet(81), "")

    def test_quiet_tells_of_exhaustion_found_by_tick(self):
        self.steered(["a"], fail={"a": 1}, retry={"first_delay": "0s", "max_attempts": 2})
        self.quiet(75)
        self.assert_says(self.assert_code(81, self.run_jobrun("tick", "--quiet")), "exhausted", "jobrun retry sync")
        outcome = self.assert_code(0, self.run_jobrun("tick", "--quiet"))
        self.assertEqual(outcome.out + outcome.err, "")


class AtTheSameTime(UnitsCase):
    CALLS = 50

    def check_answers(self, outcomes):
        for outcome in outcomes:
            self.assertIn(outcome.code, (0, 83), outcome.out + outcome.err)
            self.assertNotRegex(outcome.out + outcome.err, "(?i)sqlite|database is|constraint|terminate called|internal|BEGIN|traceback")
        # Where there are several units every call may have met one that another call was executing: 83 for all of them.
        return [outcome.code for outcome in outcomes]

    def call_at_once(self, *words):
        processes = [self.start_jobrun(*words) for _ in range(self.CALLS)]
        return [self.finish(process) for process in processes]

    def test_50_calls_of_a_fresh_run_execute_each_unit_once(self):
        units = [f"u{n}" for n in range(6)]
        self.steered(units, parallel=2)
        self.check_answers(self.call_at_once("sync", "--run-date", "2026-04-12"))
        self.assertEqual(sorted(self.ran()), units)
        self.assertEqual(self.ledger("SELECT unit, state, attempts FROM units ORDER BY unit"), [(unit, "done", 1) for unit in units])
        self.assert_code(0, self.run_job("sync"))

    def test_50_calls_of_a_run_that_is_there_execute_each_unit_once(self):
        units = [f"u{n}" for n in range(6)]
        self.steered(units, parallel=2, fail={"u0": 1})
        self.assert_code(75, self.run_job("sync", "--unit", "u0"))
        self.mend("u0")
        self.ran()
        self.check_answers(self.call_at_once("sync", "--run-date", "2026-04-12"))
        self.assertEqual(sorted(self.ran()), units)
        self.assert_code(0, self.run_job("sync"))

    def test_50_calls_with_a_run_id_each_make_one_run(self):
        self.steered(["a"])
        processes = [self.start_jobrun("sync", "--run-date", "2026-04-12", "--run-id", f"call-{n}") for n in range(self.CALLS)]
        self.assertIn(0, self.check_answers([self.finish(process) for process in processes]), "the one that executed")
        self.assertEqual(self.ran(), ["a"])
        self.assertEqual(self.value("SELECT count(*) FROM runs"), 1)

    def test_calls_with_another_payload_lose_to_the_first_and_never_run(self):
        self.shell_job("sync", "cat >>$T/input; echo >>$T/input\n")
        processes = [self.start_jobrun("sync", "--run-date", "2026-04-12", "--payload", str(n)) for n in range(self.CALLS)]
        outcomes = [self.finish(process) for process in processes]
        self.assertLessEqual({outcome.code for outcome in outcomes}, {0, 83, 86}, outcomes)
        winners = [n for n, outcome in enumerate(outcomes) if outcome.code != 86]
        self.assertEqual(len(winners), 1, [outcomes[n] for n in winners[:3]])
        self.assertEqual(self.read("input"), f"{winners[0]}\n")

    def test_one_run_id_for_many_dates_at_once_names_one_run(self):
        self.steered(["a"])
        dates = [f"2026-04-{day:02}" for day in range(1, 31)]
        processes = [self.start_jobrun("sync", "--run-date", date, "--run-id", "nightly") for date in dates]
        codes = [self.finish(process).code for process in processes]
        self.assertEqual(sorted(codes), [0] + [86] * 29)
        self.assertEqual(self.value("SELECT count(*) FROM runs"), 1)

    def test_50_jobs_at_once_are_all_written_down(self):
        for n in range(self.CALLS):
            self.job(f"job{n}", {"command": ["/bin/true"]})
        processes = [self.start_jobrun(f"job{n}", "--run-date", "2026-04-12") for n in range(self.CALLS)]
        self.assertEqual({self.finish(process).code for process in processes}, {0})
        self.assertEqual(self.value("SELECT count(*) FROM runs WHERE state = 'done'"), self.CALLS)

    def test_50_first_starts_make_one_ledger(self):
        self.ledger_path = os.path.join(self.make_folder("fresh"), "ledger.db")
        outcomes = self.call_at_once("init")
        self.assertEqual({outcome.code for outcome in outcomes}, {0}, outcomes)
        self.assertEqual(sum(outcome.out.startswith("made the ledger") for outcome in outcomes), 1)
        self.assertEqual(self.value("PRAGMA journal_mode"), "wal")

    def test_two_agains_at_once_make_one_new_generation_or_say_why_not(self):
        self.steered(["a"])
        self.run_job("sync")
        self.ran()
        processes = [self.start_jobrun("sync", "--run-date", "2026-04-12", "--again", "--reason", f"r{n}") for n in range(2)]
        outcomes = [self.finish(process) for process in processes]
        self.assertLessEqual({outcome.code for outcome in outcomes}, {0, 64, 83}, outcomes)
        self.assertEqual(len(self.ran()), self.value("SELECT max(generation) FROM runs") - 1)


if __name__ == "__main__":
    unittest.main()
