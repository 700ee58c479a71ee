#!/usr/bin/python3
"""replay: units of a run once more, as they were asked for; backfill: a job for many dates (contract 2.1, 2.8)."""
import json
import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.jobrun_case import JOBRUN, JobrunCase, wait_until  # noqa: E402


class ReplayCase(JobrunCase):
    # Says what it was given, moves its cursor on, and fails as long as T/fail-UNIT is there.
    STEERED = ('echo "$JOBRUN_UNIT $JOBRUN_RUN_DATE cursor=$JOBRUN_CURSOR note=$NOTE payload=$(cat)" >>$T/ran\n'
               + JOBRUN + ' checkpoint "at-$JOBRUN_RUN_DATE"\ntest ! -e $T/fail-$JOBRUN_UNIT || exit $(cat $T/fail-$JOBRUN_UNIT)\n')

    def steered(self, note="1", fail=None, **manifest):
        for unit, code in (fail or {}).items():
            self.write("fail-" + unit, str(code))
        manifest.setdefault("retry", {"first_delay": "0s"})
        self.shell_job("sync", self.STEERED, env={"NOTE": note}, version=note, **manifest)

    def mend(self, unit):
        os.unlink(self.path("fail-" + unit))

    def ran(self):
        lines = self.read("ran").splitlines() if self.has("ran") else []
        if lines:
            os.unlink(self.path("ran"))
        return lines

    def replay(self, *words, code=0, **how):
        return self.assert_code(code, self.run_jobrun("replay", *words, **how))

    def cursor(self, unit="-"):
        rows = self.ledger("SELECT value FROM cursors WHERE unit = ? AND scratch_run = 0", unit)
        return rows[0][0] if rows else None


class Replay(ReplayCase):
    def test_it_executes_what_was_done_once_more_with_the_stored_payload_units_and_manifest(self):
        self.steered(note="old", units=[{"id": "a", "config": {"depth": 1}}, "b"])
        self.assert_code(0, self.run_job("sync", "--payload", '{"x": 1}'))
        self.ran()
        self.steered(note="new", units=["c"], payload={"x": 2})
        outcome = self.replay("sync:2026-04-12")
        self.assertEqual(self.ran(), ['a 2026-04-12 cursor= note=old payload={"x":1}', 'b 2026-04-12 cursor= note=old payload={"x":1}'])
        self.assert_says(outcome, "replays with the manifest that is stored with run sync:2026-04-12 (version old), which has changed since")
        self.assertEqual(self.states("sync"), {"a": "done", "b": "done"})
        self.assertEqual([row for row in self.attempts("sync", "a")], [("done", "ok"), ("done", "ok")])

    def test_what_is_paused_stays_as_it_is(self):
        self.steered(units=["a", "b"])
        self.assert_code(0, self.run_job("sync"))
        self.ran()
        self.assert_code(0, self.run_jobrun("pause", "sync", "--unit", "a", "--reason", "look first"))
        self.assert_says(self.replay("sync:2026-04-12"), "a is paused (look first) and stays as it is; `jobrun resume sync --unit a`")
        self.assertEqual([line.split()[0] for line in self.ran()], ["b"])
        self.assertEqual(self.states("sync"), {"a": "done", "b": "done"})
        self.assert_code(0, self.run_jobrun("pause", "sync", "--reason", "all"))
        self.assert_says(self.replay("sync:2026-04-12", code=85), "what is meant of run sync:2026-04-12 is paused: nothing was replayed")
        self.assertEqual(self.states("sync"), {"a": "done", "b": "done"})

    def test_todays_manifest_may_be_broken_or_gone(self):
        self.steered()
        self.run_job("sync")
        self.job("sync", {"command": []})
        self.replay("sync:2026-04-12")
        os.unlink(os.path.join(self.jobs, "sync.json"))
        self.replay("sync:2026-04-12")
        self.assertEqual(len(self.ran()), 3)

    def test_an_unchanged_manifest_is_not_worth_a_word(self):
        self.steered()
        self.run_job("sync")
        self.assertNotIn("has changed since", self.replay("sync:2026-04-12").err)

    def test_failed_means_those_that_need_a_person(self):
        self.steered(units=["a", "b", "c"], fail={"b": 80})
        self.run_job("sync")
        self.mend("b")
        self.ran()
        self.replay("sync", "--failed")
        self.assertEqual([line.split()[0] for line in self.ran()], ["b"])

    def test_a_reason_means_those_that_ended_with_it(self):
        self.steered(units=["a", "b", "c"], fail={"a": 80, "b": 70})
        self.run_job("sync")
        self.mend("a")
        self.mend("b")
        self.ran()
        self.replay("sync", "--reason", "exit_70")
        self.assertEqual([line.split()[0] for line in self.ran()], ["b"])
        self.assertEqual(self.states("sync"), {"a": "stopped", "b": "done", "c": "done"})

    def test_a_unit_alone(self):
        self.steered(units=["a", "b"])
        self.run_job("sync")
        self.ran()
        self.replay("sync", "--unit", "b")
        self.assertEqual([line.split()[0] for line in self.ran()], ["b"])
        self.assert_says(self.replay("sync", "--unit", "z", code=64), "no unit z")

    def test_nothing_that_is_meant_is_no_fault(self):
        self.steered()
        self.run_job("sync")
        self.ran()
        self.assert_says(self.replay("sync", "--failed"), "nothing to replay")
        self.assertEqual(self.ran(), [])

    def test_its_cursor_is_its_own_and_stands_where_the_run_began(self):
        self.steered()
        for date in ("2026-04-12", "2026-04-13", "2026-04-14"):
            self.run_job("sync", date=date)
        self.ran()
        self.replay("sync:2026-04-13")
        self.assertEqual(self.ran(), ["- 2026-04-13 cursor=at-2026-04-12 note=1 payload="])
        self.assertEqual(self.cursor(), "at-2026-04-14")

    def test_promote_lets_the_shared_cursor_move(self):
        self.steered()
        for date in ("2026-04-12", "2026-04-13"):
            self.run_job("sync", date=date)
        self.ran()
        self.replay("sync:2026-04-12", "--promote")
        self.assertEqual(self.ran(), ["- 2026-04-12 cursor=at-2026-04-13 note=1 payload="])
        self.assertEqual(self.cursor(), "at-2026-04-12")

    def test_items_are_done_again_and_effects_are_not(self):
        self.shell_job("sync", f"jobrun() {{ {JOBRUN} \"$@\"; }}\njobrun item is-done x && exit 9\necho item >>$T/ran\njobrun item done x\njobrun once mail -- sh -c 'echo effect >>$0' $T/ran\n")
        self.assert_code(0, self.run_job("sync"))
        self.replay("sync")
        self.assertEqual(self.ran(), ["item", "effect", "item"])

    def test_an_effect_in_doubt_stays_in_doubt(self):
        self.shell_job("sync", f"{JOBRUN} once mail -- sh -c 'echo acted >>$0; kill -9 $$' $T/ran\n")
        self.assert_code(82, self.run_job("sync"))
        self.replay("sync", "--failed", code=82)
        self.assertEqual(self.ran(), ["acted"])

    def test_a_replay_that_was_cut_off_or_has_to_wait_goes_on_with_the_stored_manifest(self):
        self.steered(note="old")
        self.run_job("sync")
        self.steered(note="new", fail={"-": 1})
        self.replay("sync", code=75)
        self.mend("-")
        self.ran()
        self.assert_code(0, self.run_jobrun("tick"))
        self.assertEqual(self.ran(), ["- 2026-04-12 cursor=at-2026-04-12 note=old payload="])

    def test_a_kill_of_jobrun_does_not_lose_it(self):
        self.gate("gate")
        self.shell_job("sync", "echo $NOTE >>$T/ran; test ! -e $T/wait || { echo >$T/up; read x <$T/gate; }\n", env={"NOTE": "old"})
        self.run_job("sync")
        self.ran()
        self.write("wait", "")
        process = self.start_jobrun("replay", "sync")
        wait_until(lambda: self.has("up"), "the job")
        process.kill()
        process.wait()
        os.unlink(self.path("wait"))
        self.job("sync", {"command": ["./sync.sh"], "env": {"NOTE": "new"}})
        wait_until(lambda: self.run_jobrun("tick").code == 0 and self.states("sync") == {"-": "done"}, "the lock to be free")
        self.assertEqual(self.ran(), ["old", "old"])

    def test_the_next_run_uses_todays_manifest_again(self):
        self.steered(note="old")
        self.run_job("sync")
        self.steered(note="new")
        self.replay("sync")
        self.ran()
        self.run_job("sync", date="2026-04-13")
        self.assertIn("note=new", self.ran()[0])

    def test_a_run_that_has_not_ended_is_refused(self):
        self.steered(fail={"-": 1}, retry={"first_delay": "1h"})
        self.run_job("sync")
        self.ran()
        before = self.dump()
        self.assert_says(self.replay("sync", code=64), "has not ended (it is retrying)", "jobrun sync --run-date 2026-04-12")
        self.assertEqual((self.ran(), self.dump()), ([], before))

    def test_a_run_that_was_done_again_is_replayed_in_its_last_generation(self):
        self.steered()
        self.run_job("sync", "--run-id", "first")
        self.run_job("sync", "--run-id", "second", "--again", "--reason", "x")
        self.assert_says(self.replay("first", code=64), "was done again since, as run second")
        self.replay("second")

    def test_dry_run_changes_nothing(self):
        self.steered(units=["a", "b"], fail={"b": 80})
        self.run_job("sync")
        self.ran()
        before = self.dump()
        self.assert_says(self.replay("sync", "--dry-run"), "would replay 2 of 2 units", "a: done now, attempt 2", "b: stopped now")
        self.assertEqual((self.ran(), self.dump()), ([], before))

    def test_json_is_the_answer_of_the_run(self):
        self.steered()
        self.run_job("sync")
        self.assertEqual(json.loads(self.replay("sync", "--json").out)["word"], "done")
        self.assertIn("nothing to replay", json.loads(self.replay("sync", "--failed", "--json").out)["headline"])
        self.assertIn("would replay 1 of 1", json.loads(self.replay("sync", "--dry-run", "--json").out)["headline"])


class Backfill(ReplayCase):
    def backfill(self, *words, code=0, job="sync", **how):
        return self.assert_code(code, self.run_jobrun("backfill", job, *words, **how))

    def dates(self):
        return [line.split()[1] for line in self.ran()]

    def test_it_runs_every_date_in_order(self):
        self.steered()
        outcome = self.backfill("--from", "2026-02-27", "--to", "2026-03-02")
        self.assertEqual(self.dates(), ["2026-02-27", "2026-02-28", "2026-03-01", "2026-03-02"])
        self.assert_says(outcome, "backfill of sync: 4 done of 4 dates")

    def test_called_again_it_passes_over_what_is_done(self):
        self.steered()
        self.run_job("sync", date="2026-04-12")
        self.ran()
        self.backfill("--from", "2026-04-11", "--to", "2026-04-13")
        self.assertEqual(self.dates(), ["2026-04-11", "2026-04-13"])
        self.backfill("--from", "2026-04-11", "--to", "2026-04-13")
        self.assertEqual(self.dates(), [])

    def test_killed_it_goes_on_at_the_next_call(self):
        self.gate("gate")
        self.shell_job("sync", "echo - $JOBRUN_RUN_DATE >>$T/ran; test $JOBRUN_RUN_DATE != 2026-04-12 || test -e $T/mended || { echo >$T/up; read x <$T/gate; }\n")
        process = self.start_jobrun("backfill", "sync", "--from", "2026-04-11", "--to", "2026-04-13")
        wait_until(lambda: self.has("up"), "the second date")
        process.kill()
        process.wait()
        self.write("mended", "")
        self.ran()
        wait_until(lambda: self.run_jobrun("backfill", "sync", "--from", "2026-04-11", "--to", "2026-04-13").code == 0, "the lock to be free")
        self.assertEqual(self.dates()[-2:], ["2026-04-12", "2026-04-13"])

    def test_it_stops_at_the_first_date_that_needs_a_person_unless_told_otherwise(self):
        self.shell_job("sync", "echo - $JOBRUN_RUN_DATE >>$T/ran; test $JOBRUN_RUN_DATE != 2026-04-12 || exit 80\n")
        self.assert_says(self.backfill("--from", "2026-04-11", "--to", "2026-04-14", code=80), "1 done, 1 stopped of 4 dates", "jobrun show sync:2026-04-12")
        self.assertEqual(self.dates(), ["2026-04-11", "2026-04-12"])
        self.backfill("--from", "2026-04-11", "--to", "2026-04-14", "--keep-going", code=80)
        self.assertEqual(self.dates(), ["2026-04-13", "2026-04-14"])

    def test_a_date_that_waits_does_not_stop_it(self):
        self.shell_job("sync", "echo - $JOBRUN_RUN_DATE >>$T/ran; test $JOBRUN_RUN_DATE != 2026-04-11 || test $JOBRUN_ATTEMPT = 2\n", retry={"first_delay": "0s"})
        self.backfill("--from", "2026-04-11", "--to", "2026-04-12", code=75)
        self.assertEqual(self.dates(), ["2026-04-11", "2026-04-12"])
        self.backfill("--from", "2026-04-11", "--to", "2026-04-12")
        self.assertEqual(self.dates(), ["2026-04-11"])

    def test_a_signal_ends_it(self):
        self.gate("gate")
        self.shell_job("sync", "echo - $JOBRUN_RUN_DATE >>$T/ran; read x <$T/gate\n")
        process = self.start_jobrun("backfill", "sync", "--from", "2026-04-11", "--to", "2026-04-13")
        wait_until(lambda: self.said("ran"), "the first date")
        process.terminate()
        self.assert_code(75, self.finish(process, timeout=10))
        self.assertEqual(self.dates(), ["2026-04-11"])

    def test_its_cursors_are_each_dates_own_unless_promoted(self):
        self.steered()
        self.run_job("sync", date="2026-05-01")
        self.ran()
        self.backfill("--from", "2026-04-11", "--to", "2026-04-12")
        self.assertEqual([line.split()[2] for line in self.ran()], ["cursor=", "cursor="])
        self.assertEqual(self.cursor(), "at-2026-05-01")
        self.backfill("--from", "2026-04-13", "--to", "2026-04-13", "--promote")
        self.assertEqual([line.split()[2] for line in self.ran()], ["cursor=at-2026-05-01"])
        self.assertEqual(self.cursor(), "at-2026-04-13")

    def test_steps_are_on_the_calendar(self):
        self.steered()
        for step, first, last, expected in (("1mo", "2026-01-31", "2026-04-30", ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]),
                                            ("1w", "2026-03-20", "2026-04-04", ["2026-03-20", "2026-03-27", "2026-04-03"]),
                                            ("2d", "2028-02-28", "2028-03-03", ["2028-02-28", "2028-03-01", "2028-03-03"])):
            self.backfill("--from", first, "--to", last, "--step", step)
            self.assertEqual(self.dates(), expected)

    def test_hours_are_instants_from_local_midnight_and_a_day_of_clock_change_has_23(self):
        self.steered(timezone="Europe/Berlin")
        self.backfill("--from", "2026-03-29", "--to", "2026-03-30", "--step", "1h")
        dates = self.dates()
        self.assertEqual((dates[0], dates[-1], len(dates)), ("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", 24))

    def test_a_date_that_the_zone_skipped_is_left_out(self):
        self.steered(timezone="Pacific/Apia")
        self.backfill("--from", "2011-12-29", "--to", "2011-12-31")
        self.assertEqual(self.dates(), ["2011-12-29", "2011-12-31"])

    def test_wrong_words_start_nothing(self):
        self.steered()
        for words, said in ((["--from", "2026-04-12"], "--to is missing"), (["--from", "2026-04-12", "--to", "2026-04-11"], "is after --to"),
                            (["--from", "2026-02-30", "--to", "2026-03-01"], "2026-02-30"), (["--from", "2020-01-01", "--to", "2026-01-01"], "more than 1000 run dates"),
                            (["--from", "2026-04-11", "--to", "2026-04-12", "--step", "1y"], "is no step")):
            with self.subTest(words):
                self.assert_says(self.backfill(*words, code=64), said)
        self.assert_says(self.backfill("--from", "2026-04-11", "--to", "2026-04-12", job="snyc", code=78), "did you mean sync?")
        self.assertEqual(self.ran(), [])
        self.assertEqual(self.ledger("SELECT * FROM runs"), [])

    def test_dry_run_lists_every_date_and_changes_nothing(self):
        self.steered()
        self.run_job("sync", date="2026-04-12")
        self.ran()
        before = self.dump()
        outcome = self.backfill("--from", "2026-04-12", "--to", "2026-04-13", "--dry-run")
        self.assert_says(outcome, "sync for 2026-04-12 is done since", "sync for 2026-04-13 would execute 1 of 1 units")
        self.assertEqual((self.ran(), self.dump()), ([], before))

    def test_json_has_a_run_for_each_date(self):
        self.steered()
        answer = json.loads(self.backfill("--from", "2026-04-11", "--to", "2026-04-12", "--json").out)
        self.assertEqual((answer["schema_version"], answer["dates_total"], [run["run_date"] for run in answer["runs"]]), (1, 2, ["2026-04-11", "2026-04-12"]))


if __name__ == "__main__":
    unittest.main()
