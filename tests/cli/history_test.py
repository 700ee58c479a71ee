#!/usr/bin/python3
"""history: the runs there were, by what a person remembers of them, and the nights that never started; backfill --gaps."""
import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.jobrun_case import JobrunCase  # noqa: E402


class HistoryCase(JobrunCase):
    def nights(self, job, *days, month="2026-04"):
        for day in days:
            self.run_job(job, date=f"{month}-{day:02d}", now=f"{month}-{day:02d}T02:00:00Z")

    def history(self, *words, now="2026-04-20T08:00:00Z", code=0):
        return self.assert_code(code, self.run_jobrun("history", *words, now=now)).out

    def dates(self, *words, **how):
        """The first column, without the header."""
        return [line.split()[0] for line in self.history(*words, **how).splitlines()[1:] if line[:1] == "2"]


class Runs(HistoryCase):
    def test_the_latest_run_stands_first_with_state_count_time_and_error(self):
        self.shell_job("sync", "test $JOBRUN_RUN_DATE != 2026-04-11 || exit 80\n")
        self.nights("sync", 10, 11, 12)
        lines = self.history().splitlines()
        self.assertRegex(lines[0], r"^RUN DATE +JOB +STATE +DONE +TRIES +BEGAN \(UTC\) +TOOK +ERROR$")
        self.assertRegex(lines[1], r"^2026-04-12  sync +done +1/1 +1 +02:00:0\d +\d+ms$")
        self.assertRegex(lines[2], r"^2026-04-11  sync +stopped +0/1 +1 +02:00:0\d +\d+ms +exit_80: exited with 80$")
        self.assertEqual(len(lines), 4)

    def test_runs_are_found_by_job_state_reason_unit_and_date(self):
        self.shell_job("sync", 'test "$JOBRUN_UNIT $JOBRUN_RUN_DATE" != "a 2026-04-11" || exit 80\n', units=["a", "b"])
        self.shell_job("other", "true\n", units=["c"])
        self.nights("sync", 10, 11, 12)
        self.nights("other", 13)
        for words, dates in ((["other"], ["2026-04-13"]), (["sync"], ["2026-04-12", "2026-04-11", "2026-04-10"]), (["--state", "stopped"], ["2026-04-11"]),
                             (["--reason", "exit_80"], ["2026-04-11"]), (["--unit", "c"], ["2026-04-13"]), (["--unit", "b", "--reason", "exit_80"], []),
                             (["--from", "2026-04-12"], ["2026-04-13", "2026-04-12"]), (["sync", "--to", "2026-04-10"], ["2026-04-10"]),
                             (["--last", "9d"], ["2026-04-13", "2026-04-12"]), (["sync", "--last", "9d"], ["2026-04-12"]), (["--state", "done", "--last", "60d"], ["2026-04-13", "2026-04-12", "2026-04-10"])):
            with self.subTest(words):
                self.assertEqual(self.dates(*words), dates)
        self.assertRegex(self.history("--unit", "a", "--state", "stopped"), r"(?m)^2026-04-11  sync  stopped  1/2 +1 ")

    def test_an_old_date_that_was_run_yesterday_is_part_of_the_last_week(self):
        self.shell_job("sync", "true\n")
        self.run_job("sync", date="2025-01-01", now="2026-04-19T02:00:00Z")
        self.assertEqual(self.dates("--last", "7d"), ["2025-01-01"])

    def test_a_cut_is_told_and_may_be_widened(self):
        self.shell_job("sync", "true\n")
        self.nights("sync", *range(1, 6))
        out = self.history("--limit", "3")
        self.assertEqual(len(out.splitlines()), 5)
        self.assertIn("the latest 3 are shown; --limit 30 shows more", out)
        self.assertNotIn("shown", self.history())
        self.assertTrue(json.loads(self.history("--limit", "3", "--json"))["more"])

    def test_attempts_say_what_happened(self):
        self.shell_job("sync", 'test $JOBRUN_UNIT = b || test $JOBRUN_ATTEMPT -ge 3\n', units=["a", "b"], retry={"first_delay": "0s"})
        for _ in range(3):
            self.run_job("sync")
        out = self.history("--attempts")
        self.assertRegex(out, r"(?m)^    a#1  retry .* exit 1  exit_1: .*\n    a#2  retry .*\n    a#3  done .* exit 0  by \w+$")
        self.assertNotIn("b#1", out)
        run = json.loads(self.history("--attempts", "--json"))["runs"][0]
        self.assertEqual([(one["unit"], one["number"], one["state"]) for one in run["attempts"]], [("a", 1, "retry"), ("a", 2, "retry"), ("a", 3, "done")])

    def test_a_night_that_never_started_stands_between_the_runs_of_its_job(self):
        self.shell_job("sync", "true\n", period="24h")
        self.nights("sync", 10, 12, 16)
        self.assertEqual(self.dates("sync"), ["2026-04-16", "2026-04-13", "2026-04-12", "2026-04-11", "2026-04-10"])
        out = self.history("sync")
        self.assertRegex(out, r"(?m)^2026-04-11  sync +missing +no run$")
        self.assertRegex(out, r"(?m)^2026-04-13  sync +missing +no run for 3 dates to 2026-04-15$")
        self.assertNotIn("missing", self.history("sync", "--state", "done"))

    def test_words_that_are_none_are_refused(self):
        self.shell_job("sync", "true\n")
        for words, said in ((["snyc"], "did you mean sync?"), (["--state", "failed"], "failed is no state"), (["--last", "week"], "--last"), (["--limit", "0"], "--limit"),
                            (["--from", "2026-02-30"], "--from"), (["--gaps", "--state", "done"], "--state does not go with --gaps")):
            with self.subTest(words):
                self.assert_says(self.assert_code(64, self.run_jobrun("history", *words)), said)

    def test_no_runs_is_said(self):
        self.assertEqual(self.history(), "no runs\n")


class Gaps(HistoryCase):
    def test_missing_dates_are_told_with_the_command_that_runs_them(self):
        self.shell_job("sync", "true\n", period="24h")
        self.nights("sync", 10, 12, 16)
        self.assertEqual(self.history("--gaps").splitlines(), ["sync: 4 run dates are missing from 2026-04-10 to 2026-04-16 (a run every 1d)", "  2026-04-11", "  2026-04-13 to 2026-04-15 (3)",
                                                               "  next: `jobrun backfill sync --gaps` runs exactly these"])
        self.assertEqual(json.loads(self.history("sync", "--gaps", "--json"))["gaps"],
                         [{"job": "sync", "first": "2026-04-10", "last": "2026-04-16", "step": "1d", "inferred": False, "cut": False,
                           "missing": ["2026-04-11", "2026-04-13", "2026-04-14", "2026-04-15"]}])

    def test_nothing_missing_and_too_little_to_say_are_told_apart(self):
        self.shell_job("sync", "true\n")
        self.assertEqual(self.history("--gaps"), "sync: no runs yet\n")
        self.nights("sync", 10)
        self.assertEqual(self.history("--gaps"), "sync: too few runs to say what is missing (2026-04-10)\n")
        self.nights("sync", 11)
        self.assertIn("sync: no run date is missing from 2026-04-10 to 2026-04-11 (a run every 1d, as most were apart; the manifest names no period)", self.history("--gaps"))

    def test_instants_by_the_manifests_period(self):
        self.shell_job("sync", "true\n", period="15m")
        for time in ("02:00", "02:15", "03:00"):
            self.run_job("sync", date=f"2026-04-12T{time}:00Z")
        self.assertEqual(json.loads(self.history("--gaps", "--json"))["gaps"][0]["missing"], ["2026-04-12T02:30:00Z", "2026-04-12T02:45:00Z"])

    def test_backfill_runs_exactly_those_in_order_and_then_nothing(self):
        self.shell_job("sync", "echo $JOBRUN_RUN_DATE >> $T/ran\n", period="24h")
        self.nights("sync", 10, 12, 14, 16)
        self.write("ran", "")
        self.assert_says(self.assert_code(0, self.run_jobrun("backfill", "sync", "--gaps", "--dry-run")), "2026-04-11")
        self.assertEqual(self.read("ran"), "")
        self.assert_says(self.assert_code(0, self.run_jobrun("backfill", "sync", "--gaps", "--from", "2026-04-12")), "2 done of 2 dates")
        self.assert_says(self.assert_code(0, self.run_jobrun("backfill", "sync", "--gaps")), "1 done of 1 dates")
        self.assertEqual(self.read("ran").split(), ["2026-04-13", "2026-04-15", "2026-04-11"])
        self.assertEqual(self.assert_code(0, self.run_jobrun("backfill", "sync", "--gaps")).out, "backfill of sync: no run date is missing\n")

    def test_backfill_refuses_what_does_not_go_together(self):
        self.shell_job("sync", "true\n")
        self.assert_says(self.assert_code(64, self.run_jobrun("backfill", "sync", "--gaps", "--step", "1w")), "--step does not go with --gaps")
        self.assert_says(self.assert_code(64, self.run_jobrun("backfill", "nosuch", "--gaps")), "unknown job nosuch")
        for option, word in (("--from", "2026-02-30"), ("--to", "soon")):
            self.assert_says(self.assert_code(64, self.run_jobrun("backfill", "sync", "--gaps", option, word)), option, word)


if __name__ == "__main__":
    unittest.main()
