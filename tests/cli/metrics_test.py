#!/usr/bin/python3
"""Figures for Prometheus: the text format as promtool reads it, times as values, and a file that is never met half."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.jobrun_case import REPOSITORY, JobrunCase  # noqa: E402

PROMTOOL = shutil.which("promtool") or shutil.which("promtool", path=str(REPOSITORY / "build" / "tools"))


class MetricsCase(JobrunCase):
    def metrics(self, *words, now="2026-04-13T05:00:00Z", **how):
        return self.assert_code(0, self.run_jobrun("metrics", *words, now=now, **how)).out

    def nights(self):
        self.shell_job("billing_sync", "test $JOBRUN_UNIT != b || test $JOBRUN_RUN_DATE = 2026-04-11 || exit 80\n",
                       units=["a", "b"], fresh_within="26h")
        self.assert_code(0, self.run_job("billing_sync", date="2026-04-11", now="2026-04-12T02:00:00Z"))
        self.assert_code(80, self.run_job("billing_sync", date="2026-04-12", now="2026-04-13T02:00:00Z"))
        self.job("never", {"command": ["true"], "period": "24h"})
        self.job("faulty", {"command": ["true"], "perod": "24h"})
        self.job("off", {"command": ["true"], "period": "24h"})
        self.assert_code(0, self.run_jobrun("pause", "off", "--reason", "moving"))

    def values(self, text):
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in text.splitlines() if line[0] != "#"}


class Text(MetricsCase):
    def test_it_tells_how_each_job_stands(self):
        self.nights()
        values = self.values(self.metrics())
        instant = 1775959200  # 2026-04-12T02:00:00Z
        self.assertAlmostEqual(values['jobrun_last_success_timestamp_seconds{job_name="billing_sync"}'], instant, delta=60)
        self.assertAlmostEqual(values['jobrun_success_due_timestamp_seconds{job_name="billing_sync"}'], instant + 26 * 3600, delta=60)
        self.assertAlmostEqual(values['jobrun_last_completion_timestamp_seconds{job_name="billing_sync"}'], instant + 86400, delta=60)
        for series, value in {'jobrun_job_stale{job_name="billing_sync"}': 1, 'jobrun_last_exit_code{job_name="billing_sync"}': 80,
                              'jobrun_last_run_units{job_name="billing_sync",state="done"}': 1,
                              'jobrun_last_run_units{job_name="billing_sync",state="stopped"}': 1,
                              'jobrun_last_run_attempts{job_name="billing_sync",outcome="stop"}': 1,
                              'jobrun_runs{job_name="billing_sync",state="done"}': 1,
                              'jobrun_runs{job_name="billing_sync",state="stopped"}': 1,
                              'jobrun_job_faulty{job_name="faulty"}': 1, 'jobrun_job_faulty{job_name="never"}': 0,
                              'jobrun_job_paused{job_name="off"}': 1, 'jobrun_job_stale{job_name="off"}': 0,
                              "jobrun_jobs": 4, "jobrun_attempts_total": 4, "jobrun_effects_in_doubt": 0}.items():
            with self.subTest(series):
                self.assertEqual(values.get(series), value)
        self.assertLess(values['jobrun_last_run_duration_seconds{job_name="billing_sync"}'], 60)
        self.assertNotIn('jobrun_last_success_timestamp_seconds{job_name="never"}', values)
        self.assertNotIn('jobrun_success_due_timestamp_seconds{job_name="off"}', values)

    def test_no_line_has_a_stamp_and_no_label_grows_with_runs_or_units(self):
        self.nights()
        text = self.metrics()
        self.assertTrue(text.endswith("\n"))
        for line in text.splitlines():
            self.assertRegex(line, r"^(# (HELP|TYPE) jobrun_\w+ .+|jobrun_\w+(\{[^}]*\})? [0-9.]+)$")
        self.assertEqual({"job_name", "state", "outcome", "version"}, set(re.findall(r'(\w+)="', text)))
        names = re.findall(r"^# HELP (\w+)", text, re.M)
        self.assertEqual(names, re.findall(r"^# TYPE (\w+)", text, re.M))
        self.assertEqual(len(names), len(set(names)))

    @unittest.skipUnless(PROMTOOL, "promtool is not installed")
    def test_promtool_finds_nothing_to_say(self):
        self.nights()
        lint = lambda text: subprocess.run([PROMTOOL, "check", "metrics"], input=text, text=True, capture_output=True, check=False)  # noqa: E731
        for text in self.metrics(), self.metrics(env={"JOBRUN_JOBS": self.make_folder("none")}):
            found = lint(text)
            self.assertEqual((0, "", ""), (found.returncode, found.stdout, found.stderr))
        self.assertNotEqual(0, lint(self.metrics().replace("_seconds", "_ms")).returncode)  # it can say no
        self.assertNotEqual(0, lint(self.metrics() + "jobrun_half").returncode)


class File(MetricsCase):
    def test_a_textfile_can_be_read_by_its_collector_whatever_the_umask(self):
        self.nights()
        file = self.path("jobrun.prom")
        self.assertEqual(self.metrics("--textfile", file, umask=0o077), "")
        self.assertEqual(os.stat(file).st_mode & 0o777, 0o644)
        self.assertIn("jobrun_last_success_timestamp_seconds", self.read(file))
        self.assertEqual([name for name in os.listdir(self.folder) if name.startswith("jobrun.prom")], ["jobrun.prom"])

    def test_a_reader_sees_the_old_file_or_the_new_one_and_never_half_of_one(self):
        self.nights()
        file = self.path("jobrun.prom")
        self.metrics("--textfile", file)
        seen, stop = [], threading.Event()

        def read():
            while not stop.is_set():
                with open(file, encoding="utf-8") as opened:  # never missing either
                    seen.append(opened.read())

        reader = threading.Thread(target=read)
        reader.start()
        try:
            for hour in range(10, 20):
                self.metrics("--textfile", file, now=f"2026-04-13T{hour}:00:00Z")
        finally:
            stop.set()
            reader.join()
        self.assertGreater(len(seen), 10)
        self.assertEqual(1, len({text.splitlines()[0] for text in seen}))
        self.assertEqual({"jobrun_attempts_total 4"}, {text.splitlines()[-1] for text in seen})
        self.assertTrue(all(text.endswith("\n") for text in seen))

    def test_what_can_not_be_written_leaves_the_old_file(self):
        self.nights()
        file = self.path("jobrun.prom")
        self.metrics("--textfile", file)
        before = self.read(file)
        self.assert_code(78, self.run_jobrun("metrics", "--textfile", file, env={"JOBRUN_LEDGER": self.path("none.db")}))
        self.assertEqual(self.read(file), before)
        self.assert_code(78, self.run_jobrun("metrics", "--textfile", self.path("missing/jobrun.prom")))

    def test_a_name_that_the_collector_passes_over_is_refused(self):
        self.assert_says(self.assert_code(64, self.run_jobrun("metrics", "--textfile", self.path("jobrun.txt"))), ".prom")


if __name__ == "__main__":
    unittest.main()
