#!/usr/bin/python3
"""What a monitor is told: `check` in one line and a code, by the monitoring plugins' guidelines; and staleness, which makes
a job that never started as visible as one that failed."""
import datetime
import json
import os
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.jobrun_case import JOBRUN, JobrunCase  # noqa: E402

OK, WARNING, CRITICAL, UNKNOWN = range(4)
# 'label'=value[unit];[warn];[crit];[min];[max], as a monitor reads it
FIGURE = re.compile(r"[A-Za-z_]+=(U|[0-9]+s?);[0-9]*;[0-9]*;0")


class CheckCase(JobrunCase):
    def check(self, code, *words, now="2026-04-13T05:00:00Z", **how):
        outcome = self.assert_code(code, self.run_jobrun("check", *words, now=now, **how))
        self.assertEqual(outcome.err, "")
        first = outcome.out.splitlines()[0]
        self.assertTrue(first.startswith("JOBRUN " + ["OK", "WARNING", "CRITICAL", "UNKNOWN"][code] + " - "), first)
        if code != UNKNOWN:
            text, bar, figures = first.partition(" | ")
            self.assertTrue(bar, first)
            for figure in figures.split():
                self.assertRegex(figure, FIGURE)
        self.assertEqual(outcome.out.count("|"), 0 if code == UNKNOWN else 1, outcome.out)
        self.assertLess(len(outcome.out), 8192)
        return outcome.out

    def check_json(self, code, *words, **how):
        outcome = self.assert_code(code, self.run_jobrun("check", "--json", *words, **how))
        answer = json.loads(outcome.out)
        self.assertEqual((answer["schema_version"], answer["code"]), (1, code))
        return answer


class Freshness(CheckCase):
    def test_a_recent_success_is_ok_with_its_age_and_limit(self):
        self.job("billing_sync", {"command": ["true"], "fresh_within": "26h"})
        self.assert_code(0, self.run_job("billing_sync", now="2026-04-12T02:00:00Z"))
        out = self.check(OK, "billing_sync", now="2026-04-12T05:01:00Z")
        self.assertRegex(out, r"^JOBRUN OK - billing_sync last success 3h( \d+m)? ago \| age=108\d\ds;93600;;0\n$")

    def test_a_job_that_did_not_start_is_stale_when_its_limit_has_passed(self):
        self.job("sync", {"command": ["true"], "period": "24h"})  # and the window of 6h
        self.assert_code(0, self.run_job("sync", now="2026-04-12T02:00:00Z"))
        self.check(OK, "sync", now="2026-04-13T07:59:00Z")
        out = self.check(WARNING, "sync", now="2026-04-13T08:10:00Z")
        self.assertIn("- sync stale for ", out)
        self.assertRegex(out, r"\| age=108[56]\d\ds;108000;;0")
        self.assertIn("\nWARNING: sync stale", out)
        self.assertIn("next: did its scheduler call?", out)

    def test_a_job_that_never_ran_is_stale_a_limit_after_its_manifest_was_written(self):
        path = self.job("sync", {"command": ["true"], "fresh_within": "26h"})
        written = datetime.datetime(2026, 4, 12, tzinfo=datetime.timezone.utc).timestamp()
        os.utime(path, (written, written))
        self.assertIn("no success yet, the first is due in ", self.check(OK, "sync", now="2026-04-13T01:00:00Z"))
        out = self.check(WARNING, "sync", now="2026-04-13T03:00:00Z")
        self.assertIn("it never succeeded", out)
        self.assertIn("age=U;93600;;0", out)

    def test_max_age_stands_in_for_the_manifest(self):
        self.job("sync", {"command": ["true"]})
        self.assert_code(0, self.run_job("sync", now="2026-04-12T02:00:00Z"))
        self.check(OK, "sync", now="2026-05-12T02:00:00Z")
        self.check(WARNING, "sync", "--max-age", "26h", now="2026-05-12T02:00:00Z")
        self.check(OK, "sync", "--max-age", "40d", now="2026-05-12T02:00:00Z")

    def test_a_paused_job_is_not_stale_and_the_line_says_that_it_is_paused(self):
        self.job("sync", {"command": ["true"], "fresh_within": "26h"})
        self.assert_code(0, self.run_job("sync", now="2026-04-12T02:00:00Z"))
        self.assert_code(0, self.run_jobrun("pause", "sync", "--reason", "moving", now="2026-04-12T03:00:00Z"))
        self.assertIn("paused", self.check(OK, "sync", now="2026-04-20T02:00:00Z"))
        self.assertIn("(1 paused)", self.check(OK, now="2026-04-20T02:00:00Z"))
        self.assert_code(0, self.run_jobrun("resume", "sync", now="2026-04-20T03:00:00Z"))
        self.check(WARNING, "sync", now="2026-04-20T04:00:00Z")

    def test_a_paused_unit_does_not_make_its_job_stale(self):
        self.job("sync", {"command": ["true"], "fresh_within": "26h", "units": ["a", "b"]})
        self.assert_code(0, self.run_jobrun("pause", "sync", "--unit", "b", "--reason", "token", now="2026-04-12T01:00:00Z"))
        self.assert_code(0, self.run_job("sync", now="2026-04-12T02:00:00Z"))
        self.check(OK, "sync", now="2026-04-12T05:00:00Z")
        self.check(WARNING, "sync", now="2026-04-14T05:00:00Z")

    def test_an_old_date_that_is_backfilled_does_not_make_a_job_fresh(self):
        self.job("sync", {"command": ["true"], "fresh_within": "26h"})
        self.assert_code(0, self.run_job("sync", now="2026-04-12T02:00:00Z"))
        self.assert_code(0, self.run_job("sync", date="2026-01-01", now="2026-04-14T02:00:00Z"))
        self.check(WARNING, "sync", now="2026-04-14T02:01:00Z")


    def test_status_shows_it_with_what_to_look_at(self):
        self.job("sync", {"command": ["true"], "fresh_within": "26h"})
        self.assert_code(0, self.run_job("sync", now="2026-04-12T02:00:00Z"))
        self.assertNotIn("stale", self.assert_code(0, self.run_jobrun("status", now="2026-04-12T05:00:00Z")).out)
        out = self.assert_code(0, self.run_jobrun("status", now="2026-04-14T02:00:00Z")).out
        self.assertRegex(out, r"(?m)^1 job is stale:\n  sync  stale for .*: last success .* ago, one is due within 1d 2h\n    next: did its scheduler call\?")
        answer = json.loads(self.assert_code(0, self.run_jobrun("status", "--json", now="2026-04-14T02:00:00Z")).out)
        self.assertEqual(["sync"], [one["job"] for one in answer["stale"]])


class Standing(CheckCase):
    def test_a_run_that_needs_a_person_is_critical_with_the_words_to_type(self):
        self.shell_job("sync", "exit 80\n")
        self.assert_code(80, self.run_job("sync", now="2026-04-13T02:00:00Z"))
        out = self.check(CRITICAL, "sync")
        self.assertIn("JOBRUN CRITICAL - sync 2026-04-12 stopped (exit_80) | ", out)
        self.assertIn("`jobrun retry sync --run-date 2026-04-12`", out)

    def test_exhausted_and_doubtful_runs_are_critical(self):
        self.shell_job("spent", "exit 1\n", retry={"max_attempts": 1})
        self.assert_code(81, self.run_job("spent", now="2026-04-13T02:00:00Z"))
        self.assertIn("spent 2026-04-12 exhausted (exit_1)", self.check(CRITICAL, "spent"))
        self.shell_job("mail", f"{JOBRUN} once mail:1 -- sh -c 'kill -9 $$'\n")
        self.run_job("mail", now="2026-04-13T02:00:00Z")
        out = self.check(CRITICAL, "mail")
        self.assertIn("in doubt", out)
        self.assertIn("effects confirm/release 'mail:1'", out)   # a bar would begin the figures

    def test_one_unit_among_many_is_named(self):
        self.shell_job("sync", 'test $JOBRUN_UNIT != customer_37 || exit 77\n', units=["customer_%d" % n for n in range(30, 40)])
        self.assert_code(80, self.run_job("sync", now="2026-04-13T02:00:00Z"))
        self.assertIn("sync 2026-04-12 customer_37 stopped (exit_77)", self.check(CRITICAL))

    def test_a_run_that_later_ones_have_passed_is_a_warning(self):
        self.shell_job("sync", "test $JOBRUN_RUN_DATE != 2026-04-12 || exit 80\n")
        self.assert_code(80, self.run_job("sync", now="2026-04-13T02:00:00Z"))
        self.assert_code(0, self.run_job("sync", date="2026-04-13", now="2026-04-14T02:00:00Z"))
        self.assertIn("sync 2026-04-12 stopped", self.check(WARNING, now="2026-04-14T03:00:00Z"))

    def test_a_run_that_waits_for_its_retry_is_no_trouble(self):
        self.shell_job("sync", "exit 1\n", fresh_within="26h")
        self.assert_code(75, self.run_job("sync", now="2026-04-13T02:00:00Z"))
        self.check(OK, now="2026-04-13T02:01:00Z")

    def test_a_manifest_with_a_fault_is_critical(self):
        self.job("sync", {"command": ["true"], "fresh_wihtin": "26h"})
        self.assertIn("sync its manifest has a fault", self.check(CRITICAL))

    def test_the_worst_comes_first_and_many_are_cut(self):
        for number in range(40):
            self.job(f"late{number:02}", {"command": ["true"], "fresh_within": "1h"})
            self.assert_code(0, self.run_job(f"late{number:02}", now="2026-04-12T02:00:00Z"))
        self.shell_job("zz_stopped", "echo 'a | bar'; exit 80\n")
        self.assert_code(80, self.run_job("zz_stopped", now="2026-04-12T02:00:00Z"))
        out = self.check(CRITICAL, now="2026-04-13T02:00:00Z")
        lines = out.splitlines()
        self.assertTrue(lines[0].startswith("JOBRUN CRITICAL - zz_stopped 2026-04-12 stopped (exit_80); late00 stale"), lines[0])
        self.assertIn("and 38 more | ", lines[0])
        self.assertIn("jobs=41;;;0 stale=40;0;;0 faulty=0;;0;0 stopped=1;;0;0 exhausted=0;;0;0 in_doubt=0;;0;0", lines[0])
        self.assertEqual(len(lines), 22)
        self.assertEqual(lines[-1], "... and 21 more: jobrun check --json")
        self.assertEqual(len(self.check_json(CRITICAL, now="2026-04-13T02:00:00Z")["troubles"]), 41)


class Unknown(CheckCase):
    def test_whatever_hinders_the_check_is_unknown_on_standard_output(self):
        self.job("sync", {"command": ["true"]})
        for words, phrase, env in [(["synk"], "did you mean sync?", {}), (["--max-age", "6 hours"], "is not a duration", {}),
                                   (["--max-agee", "6h"], "unknown option", {}), (["a", "b"], "unexpected word", {}),
                                   (["--max-age"], "needs a value", {}),
                                   ([], "there is no ledger at", {"JOBRUN_LEDGER": self.path("none/ledger.db")}),
                                   ([], "no jobs", {"JOBRUN_JOBS": self.path("nowhere")})]:
            with self.subTest(words=words, env=env):
                self.assertIn(phrase, self.check(UNKNOWN, *words, env=env))

    def test_a_damaged_ledger_is_unknown(self):
        self.job("sync", {"command": ["true"]})
        self.write(self.ledger_path, b"not a database at all" * 100)
        self.check(UNKNOWN)

    def test_unknown_is_said_in_json_too(self):
        answer = self.check_json(UNKNOWN, "nobody")
        self.assertEqual(answer["status"], "UNKNOWN")
        self.assertIn("unknown job nobody", answer["headline"])


class Json(CheckCase):
    def test_one_job_comes_with_its_times(self):
        self.job("sync", {"command": ["true"], "fresh_within": "26h"})
        self.assert_code(0, self.run_job("sync", now="2026-04-12T02:00:00.000Z"))
        answer = self.check_json(WARNING, "sync", now="2026-04-13T05:00:00Z")
        self.assertEqual((answer["status"], answer["freshness"], answer["fresh_within_ms"]), ("WARNING", "stale", 26 * 3600 * 1000))
        self.assertTrue(answer["last_success_at"].startswith("2026-04-12T02:0"), answer)
        self.assertTrue(answer["success_due_at"].startswith("2026-04-13T04:0"), answer)
        self.assertEqual([(one["kind"], one["severity"]) for one in answer["troubles"]], [("stale", "WARNING")])


if __name__ == "__main__":
    unittest.main()
