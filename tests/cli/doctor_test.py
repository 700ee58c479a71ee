#!/usr/bin/python3
"""`doctor` on installations that are in order and on broken ones, which is when it is called: each fault has its line and its
next step, and what can't be looked at hinders nothing else."""
import json
import os
import pathlib
import sqlite3
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.jobrun_case import JobrunCase  # noqa: E402

CANARY = "s3cr3t-canary"


class DoctorCase(JobrunCase):
    def doctor(self, code, *words, **how):
        """{part: (state, found, next)} of the answer; parts with several lines are joined."""
        answer = json.loads(self.assert_code(code, self.run_jobrun("doctor", "--json", *words, **how)).out)
        self.assertEqual((answer["schema_version"], answer["ok"]), (1, code == 0))
        self.answer, self.lines = answer, answer["checks"]
        for line in self.lines:
            self.assertIn(line["state"], ("ok", "warn", "fail"))
            self.assertEqual(bool(line["next_action"]), line["state"] != "ok", line)
        return {line["part"]: (line["state"], line["found"], line["next_action"]) for line in self.lines}

    def assert_fails(self, part, phrase, next_step="", **how):
        parts = self.doctor(78, **how)
        failed = [line for line in self.lines if line["state"] == "fail"]
        self.assertTrue([line for line in failed if line["part"] == part and phrase in line["found"] and next_step in line["next_action"]], failed)
        return parts


class Sound(DoctorCase):
    def test_an_installation_that_is_in_order_is_0_and_says_where_things_are(self):
        self.shell_job("backup", "exit 0\n")
        self.assert_code(0, self.run_job("backup"))
        out = self.assert_code(0, self.run_jobrun("doctor")).out
        self.assertIn(f"ledger {self.ledger_path} ($JOBRUN_LEDGER)\njobs   {self.jobs} ($JOBRUN_JOBS)\n", out)
        for line in ("ok    integrity: whole", "ok    files: owners and modes are right", "ok    lock: nobody writes",
                     "ok    jobs: 1 of 1 manifests are sound"):
            self.assertIn("\n" + line, out)
        self.assertNotIn("FAIL", out)

    def test_it_says_whose_word_a_place_is(self):
        parts = self.doctor(0, "--ledger", self.ledger_path, env={"JOBRUN_LEDGER": "/nowhere/ledger.db"})
        self.assertEqual((self.answer["ledger"], self.answer["ledger_by"]), (self.ledger_path, "--ledger"))
        self.assertEqual(parts["ledger"][0], "ok")
        config = self.write("config.json", json.dumps({"ledger": self.ledger_path, "jobs": self.jobs}))
        self.doctor(0, env={"JOBRUN_LEDGER": None, "JOBRUN_JOBS": None, "JOBRUN_CONFIG": config})
        self.assertEqual((self.answer["ledger"], self.answer["ledger_by"]), (self.ledger_path, config))
        self.assertEqual((self.answer["jobs_directory"], self.answer["jobs_directory_by"]), (self.jobs, config))

    def test_it_tells_who_called_in_the_last_days(self):
        self.shell_job("backup", "exit 0\n")
        self.assertEqual(self.doctor(0)["callers"][0], "warn")
        self.assert_code(0, self.run_job("backup", env={"GITHUB_RUN_ID": "17"}))
        self.assertIn("github 1 (latest", self.doctor(0)["callers"][1])

    def test_it_changes_nothing(self):
        self.shell_job("backup", "exit 0\n")
        self.assert_code(0, self.run_job("backup"))
        before = {name: os.stat(os.path.join(self.state, name)).st_mtime_ns for name in os.listdir(self.state) if "shm" not in name}
        self.doctor(0)
        after = {name: os.stat(os.path.join(self.state, name)).st_mtime_ns for name in os.listdir(self.state) if "shm" not in name}
        self.assertEqual(before, after)


class Broken(DoctorCase):
    def test_no_ledger(self):
        parts = self.assert_fails("ledger", "there is no ledger at", "jobrun init", env={"JOBRUN_LEDGER": self.path("gone/ledger.db")})
        self.assertIn("jobs", parts)   # and the rest is looked at

    def test_a_damaged_ledger(self):
        self.write(self.ledger_path, b"\0" * 40960)
        self.doctor(78)
        with open(self.ledger_path, "wb") as file:
            file.write(b"not a database" * 1000)
        self.assert_fails("ledger", "damaged", "restore the last backup")

    def test_damage_inside_of_a_ledger_that_opens(self):
        for number in range(40):
            self.shell_job(f"job{number}", "exit 0\n")
            self.assert_code(0, self.run_job(f"job{number}"))
        self.ledger_checkpoint()
        with open(self.ledger_path, "r+b") as file:
            size = os.fstat(file.fileno()).st_size
            for page in range(12, size // 4096, 2):
                file.seek(page * 4096)
                file.write(b"\xff" * 64)
        self.doctor(78)
        self.assertTrue([line for line in self.lines if line["part"] in ("integrity", "ledger") and line["state"] == "fail"], self.lines)

    def ledger_checkpoint(self):
        connection = sqlite3.connect(self.ledger_path)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()

    def test_a_configuration_that_can_not_be_read(self):
        config = self.write("config.json", '{"ledger": ')
        parts = self.assert_fails("configuration", "config.json", env={"JOBRUN_CONFIG": config})
        self.assertEqual(parts["ledger"][0], "ok")   # named by the environment, so it is known all the same
        self.assert_fails("configuration", "config.json", env={"JOBRUN_CONFIG": config, "JOBRUN_LEDGER": None})
        self.assertEqual((self.answer["ledger"], self.answer["jobs_directory"]), (None, self.jobs))
        self.assertTrue([line for line in self.lines if line["part"] == "places" and line["state"] == "warn"])

    def test_a_manifest_with_faults_and_no_jobs_directory(self):
        self.job("backup", {"command": ["true"], "timeout": "soon"})
        self.job("fine", {"command": ["true"]})
        parts = self.assert_fails("job backup", "timeout")
        self.assertEqual(parts["jobs"][1], "1 of 2 manifests are sound")
        self.assert_fails("jobs", "nowhere", env={"JOBRUN_JOBS": self.path("nowhere")})

    def test_files_that_others_may_read(self):
        os.chmod(self.ledger_path, 0o644)
        self.assert_fails("files", "is open to others (mode 644)", "chmod 600 " + self.ledger_path)

    @unittest.skipUnless(os.geteuid() == 0, "only root can give files away")
    def test_a_file_that_one_call_as_another_user_left_behind(self):
        self.write(self.ledger_path + ".asked", "")
        os.chown(self.ledger_path + ".asked", 12345, 12345)
        self.assert_fails("files", "belongs to uid 12345", f"chown 0 {self.ledger_path}.asked")

    def test_a_clock_that_stands_behind_the_ledger(self):
        self.shell_job("backup", "exit 0\n")
        self.assert_code(0, self.run_job("backup", now="2026-04-12T02:00:00Z"))
        self.assert_fails("clock", "newest entry is 2h", "set the clock", now="2026-04-11T23:30:00Z")
        self.assert_fails("clock", "1970-01-01", "set the clock", now="1970-01-01T00:00:09Z")

    def test_a_writer_that_does_not_let_go(self):
        with self.locked(self.ledger_path + ".lock"):
            self.assertEqual(self.doctor(0)["lock"][0], "warn")
        self.assertEqual(self.doctor(0)["lock"][0], "ok")

    def test_secrets_are_resolved_and_never_shown(self):
        self.write("jobs/token", CANARY + "\n")
        self.job("mail", {"command": ["true"], "secrets": {"A": "file:token", "B": "env:MAIL_TOKEN"}})
        parts = self.doctor(0)
        self.assertEqual(parts["job mail"][0], "warn")   # a variable may be there when the scheduler calls
        self.assertIn("MAIL_TOKEN", parts["job mail"][1])
        self.assertNotIn("job mail", self.doctor(0, env={"MAIL_TOKEN": CANARY}))
        self.assertNotIn(CANARY, json.dumps(self.answer))
        os.unlink(self.path("jobs/token"))
        self.assert_fails("job mail", "secret A (file:token)", env={"MAIL_TOKEN": CANARY})
        self.assertNotIn(CANARY, self.run_jobrun("doctor", env={"MAIL_TOKEN": CANARY}).out)

    def test_hostile_names_do_nothing_to_a_terminal(self):
        self.job("bad\x1b[2J", {"command": ["true"]})
        self.assertNotIn("\x1b", self.assert_code(78, self.run_jobrun("doctor")).out)


if __name__ == "__main__":
    unittest.main()
