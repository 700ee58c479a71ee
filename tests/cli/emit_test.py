#!/usr/bin/python3
"""What emit writes: the files in examples/, and each scheduler's limits from the manifest."""
import pathlib
import re
import shutil
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.jobrun_case import REPOSITORY, JobrunCase  # noqa: E402

EXAMPLES = REPOSITORY / "examples"
NOW = "2026-01-01T00:00:00Z"  # changes of clocks are looked for in the year after it
NIGHTLY = ("invoice_sync", "--at", "daily@02:00")
# file in examples/: what is printed one after the other makes it
FILES = {
    "crontab": [("cron",), ("cron", *NIGHTLY), ("cron", "daily_report", "--at", "daily@03:00"), ("cron", "webhook_ping", "--at", "every@15m")],
    "kubernetes.yaml": [("kubernetes", *NIGHTLY)],
    "kubernetes-indexed.yaml": [("kubernetes-indexed", "newsletter_http", "--at", "daily@06:30")],
    "gitlab-ci.yml": [("gitlab", *NIGHTLY)],
    "github-workflow.yml": [("github", *NIGHTLY)],
    "Jenkinsfile": [("jenkins", *NIGHTLY)],
    "airflow_dag.py": [("airflow", *NIGHTLY)],
    "nomad.hcl": [("nomad", *NIGHTLY)],
    "slurm.conf": [("slurm",)],
    "slurm.sbatch": [("slurm", *NIGHTLY)],
}
TREES = [("systemd",), ("systemd", *NIGHTLY)]  # with --dir; systemd/ and sysusers.d/


class Emit(JobrunCase):
    def emit(self, *words, code=0):
        return self.assert_code(code, self.run_jobrun("emit", *words, now=NOW))

    def text(self, scheduler, at="daily@02:00", **manifest):
        self.job("sync", {"command": ["true"], **manifest})
        return self.emit(scheduler, "sync", "--at", at).out


class Examples(Emit):
    def setUp(self):
        super().setUp()
        for path in [REPOSITORY / "jobs/invoice_sync.json", *EXAMPLES.glob("jobs/*.json")]:
            self.job(path.stem, path.read_text(encoding="utf-8"))

    def test_the_files_in_examples_are_what_emit_prints(self):
        for name, calls in FILES.items():
            with self.subTest(name):
                self.assertEqual("".join(self.emit(*call).out for call in calls), (EXAMPLES / name).read_text(encoding="utf-8"))

    def test_the_units_in_examples_are_what_emit_writes_into_a_folder(self):
        made = pathlib.Path(self.make_folder("etc"))
        for call in TREES:
            said = self.emit(*call, "--dir", str(made))
            for line in said.out.splitlines():
                self.assertTrue(pathlib.Path(line).is_file(), line)
        written = {str(path.relative_to(made)): path.read_text(encoding="utf-8") for path in made.rglob("*") if path.is_file()}
        shown = {str(path.relative_to(EXAMPLES)): path.read_text(encoding="utf-8")
                 for folder in ("systemd", "sysusers.d") for path in (EXAMPLES / folder).rglob("*") if path.is_file()}
        self.assertEqual(written, shown)

    def test_each_says_whether_it_was_run_for_real(self):
        for name in FILES:
            with self.subTest(name):
                self.assertRegex((EXAMPLES / name).read_text(encoding="utf-8"), r"(?i)run\s+for real|held\s+against[^.]*documentation")


class Limits(Emit):
    def test_the_longest_call_of_one_unit_is_its_time_out_its_grace_and_a_minute(self):
        self.assertIn("TimeoutStartSec=400\n", self.text("systemd", timeout="5m", grace="40s"))

    def test_the_longest_call_of_several_units_goes_in_rounds(self):
        units = [f"u{number}" for number in range(5)]
        self.assertIn("TimeoutStartSec=1880\n", self.text("systemd", timeout="10m", grace="6s600ms", units=units, parallel=2))

    def test_units_that_a_command_lists_may_take_a_day(self):
        self.assertIn("TimeoutStartSec=86400\n", self.text("systemd", units={"command": ["true"]}))

    def test_a_stop_has_the_grace_and_twenty_seconds(self):
        self.assertIn("TimeoutStopSec=65\n", self.text("systemd", grace="45s"))
        self.assertIn("terminationGracePeriodSeconds: 65\n", self.text("kubernetes", grace="45s"))
        self.assertIn('kill_timeout = "65s"\n', self.text("nomad", grace="45s"))

    def test_a_restart_comes_when_the_first_retry_is_due_between_ten_seconds_and_ten_minutes(self):
        for delay, seconds in [("0s", 10), ("2m", 120), ("1h", 600)]:
            self.assertIn(f"RestartSec={seconds}\n", self.text("systemd", retry={"first_delay": delay, "max_delay": "2h"}))

    def test_ci_systems_wait_for_the_retry_window_and_are_given_the_time(self):
        for scheduler, limit in [("gitlab", "timeout: 180 minutes"), ("github", "timeout-minutes: 180"), ("jenkins", "timeout(time: 180,")]:
            text = self.text(scheduler, timeout="50m", grace="9m", retry={"window": "2h"})
            self.assertIn("--wait=2h", text)
            self.assertIn(limit, text)

    def test_secrets_of_the_credential_store_are_loaded(self):
        text = self.text("systemd", secrets={"TOKEN": "credential:billing", "OTHER": "env:OTHER"})
        self.assertIn("LoadCredential=billing:/etc/credstore/billing\n", text)
        self.assertNotIn("OTHER", text)

    def test_codes_for_a_person_are_never_among_those_that_are_called_again(self):
        person = [64, 70, 78, 80, 81, 82, 86]
        self.assertIn(f"values: {person}", self.text("kubernetes"))
        self.assertIn("exit_codes: [74, 75, 83]", self.text("gitlab"))
        once = self.emit("systemd").out
        self.assertIn(f"\nRestartPreventExitStatus={' '.join(map(str, person))} 203 217 243\n", once)
        self.assertIn("\nSuccessExitStatus=0 85\n", once)


class When(Emit):
    def test_the_word_that_says_when_is_the_run_date_of_each_call(self):
        for scheduler in ("cron", "kubernetes", "gitlab", "github", "jenkins", "nomad", "slurm"):
            for at in ("daily@23:50", "hourly@07", "every@20m"):
                with self.subTest(scheduler=scheduler, at=at):
                    self.assertIn(at, re.search(r'--run-date.*', self.text(scheduler, at)).group(0))

    def test_a_time_that_the_zone_skips_is_asked_for_again_an_hour_later(self):
        for scheduler, words in [("cron", "\n30 2,3 * * *  jobrun"), ("kubernetes", 'schedule: "30 2,3 * * *"'), ("github", 'cron: "30 2,3 * * *"'),
                                 ("systemd", "OnCalendar=*-*-* 02,03:30:00 Europe/Berlin\n"), ("jenkins", "\\n30 2,3 * * *"), ("nomad", '"30 2,3 * * *"')]:
            with self.subTest(scheduler):
                self.assertIn(words, self.text(scheduler, "daily@02:30", timezone="Europe/Berlin"))
                self.assertNotIn("2,3", self.text(scheduler, "daily@02:30", timezone="UTC").replace("02,03", "2,3"))

    def test_the_manifests_zone_is_written_where_a_scheduler_knows_zones(self):
        for scheduler, words in [("systemd", "05:00:00 Asia/Tokyo"), ("kubernetes", "timeZone: Asia/Tokyo"), ("github", 'timezone: "Asia/Tokyo"'),
                                 ("jenkins", "TZ=Asia/Tokyo"), ("nomad", 'time_zone        = "Asia/Tokyo"'), ("airflow", "in_timezone('Asia/Tokyo')")]:
            with self.subTest(scheduler):
                self.assertIn(words, self.text(scheduler, "daily@05:00", timezone="Asia/Tokyo"))

    def test_a_run_date_without_a_time_is_refused(self):
        self.job("sync", {"command": ["true"]})
        for at in ("today", "yesterday", "2026-04-12", "0 2 * * *", "every@90s"):
            with self.subTest(at):
                self.assert_says(self.emit("cron", "sync", "--at", at, code=64), "--at")


class Calls(Emit):
    def test_an_unknown_scheduler_is_told_with_the_nearest_one(self):
        self.assertEqual("jobrun: no configuration for \"sytemd\" can be written\nhint: did you mean systemd?\n",
                         self.emit("sytemd", code=64).err)

    def test_a_job_needs_a_time(self):
        self.job("sync", {"command": ["true"]})
        self.assert_says(self.emit("cron", "sync", code=64), "emit needs --at")

    def test_an_unknown_job_is_told(self):
        self.assert_says(self.emit("cron", "sync", "--at", "daily@02:00", code=78), "sync")

    def test_what_has_nothing_to_do_once_asks_for_a_job(self):
        self.assert_says(self.emit("gitlab", code=64), "name one: jobrun emit gitlab JOB")

    def test_pods_for_units_need_a_list_of_them(self):
        self.job("sync", {"command": ["true"]})
        self.assert_says(self.emit("kubernetes-indexed", "sync", "--at", "daily@02:00", code=64), "no list of units", "jobrun emit kubernetes")

    def test_an_empty_folder_name_is_not_the_root(self):
        self.assert_says(self.emit("systemd", "--dir", "", code=64), "--dir needs a folder")

    def test_units_from_standard_input_can_come_from_no_scheduler(self):
        self.job("sync", {"command": ["true"], "units": "-"})
        self.assert_says(self.emit("cron", "sync", "--at", "daily@02:00", code=64), "standard input")

    def test_units_with_awkward_names_stay_what_they_are(self):
        text = self.text("kubernetes-indexed", units=['a "quoted" one', "$(HOSTNAME)", "back\\slash"])
        self.assertIn('            - "a \\"quoted\\" one"\n            - "$$(HOSTNAME)"\n            - "back\\\\slash"\n', text)

    def test_files_that_were_changed_by_hand_are_left_alone(self):
        made = self.make_folder("etc")
        self.emit("systemd", "--dir", made)
        self.emit("systemd", "--dir", made)  # the same once more
        service = pathlib.Path(made, "systemd/system/jobrun-tick.service")
        service.write_text("mine\n", encoding="utf-8")
        shutil.rmtree(pathlib.Path(made, "sysusers.d"))
        self.assert_says(self.emit("systemd", "--dir", made, code=64), "jobrun-tick.service", "nothing was written")
        self.assertEqual("mine\n", service.read_text(encoding="utf-8"))
        self.assertFalse(pathlib.Path(made, "sysusers.d").exists())

    def test_several_files_on_standard_output_are_each_named(self):
        names = re.findall(r"(?m)^# file: (\S+)$", self.emit("systemd").out)
        self.assertIn("systemd/system/jobrun@.service", names)
        self.assertEqual(7, len(names))

    def test_no_ledger_is_needed(self):
        self.job("sync", {"command": ["true"]})
        self.assert_code(0, self.run_jobrun("emit", "cron", "sync", "--at", "daily@02:00", env={"JOBRUN_LEDGER": self.path("none")}))
        self.assertFalse(self.has("none"))


if __name__ == "__main__":
    unittest.main()
