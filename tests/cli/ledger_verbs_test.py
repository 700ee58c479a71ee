"""jobrun ledger backup and check: a copy that can be trusted, and laws that are held."""

import json
import os
import pathlib
import shutil
import sqlite3
import stat
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.jobrun_case import JobrunCase, wait_until

# A mail for each run date, done once; the cursor comes behind it.
MAILS = '''
key = "mail:" + os.environ["JOBRUN_RUN_DATE"]
reply = ask("intend", key=key)
if reply.get("state") == "intended":
    open(T + "/mails", "a").write(key + "\\n")
    assert ask("confirm", key=key)["ok"]
ask("checkpoint", cursor=os.environ["JOBRUN_RUN_DATE"])
'''


class LedgerVerbs(JobrunCase):
    def setUp(self):
        super().setUp()
        self.write("mails", "")
        self.channel_job("letters", MAILS)

    def mails(self):
        return self.read("mails").split()

    def ledger_verb(self, *words, code=0, **how):
        return self.assert_code(code, self.run_jobrun("ledger", *words, **how))

    def back_up(self, name="backup.db", **how):
        self.ledger_verb("backup", self.path(name), **how)
        return self.path(name)

    def remove_ledger(self):
        for suffix in "", "-wal", "-shm":
            pathlib.Path(self.ledger_path + suffix).unlink(missing_ok=True)

    def send(self, day, code=0, **how):
        return self.assert_code(code, self.run_job("letters", date=day, **how))


class Backup(LedgerVerbs):
    def test_a_backup_is_a_whole_ledger_that_only_its_owner_reads(self):
        self.send("2026-04-01")
        backup = self.back_up(umask=0)
        self.assertEqual(0o600, stat.S_IMODE(os.stat(backup).st_mode))
        with sqlite3.connect(f"file:{backup}?mode=ro", uri=True) as copy:
            self.assertEqual([("wal",)], copy.execute("PRAGMA journal_mode").fetchall())
            self.assertEqual([("ok",)], copy.execute("PRAGMA integrity_check").fetchall())
            self.assertEqual([("lost-interval", "in_doubt"), ("mail:2026-04-01", "confirmed")], copy.execute("SELECT key, state FROM effects").fetchall())
        copy.close()
        shown = self.assert_code(0, self.run_jobrun("show", "letters", env={"JOBRUN_LEDGER": backup}))
        self.assert_says(shown, "2026-04-01")

    def test_a_file_that_is_there_is_not_replaced_without_a_word(self):
        backup = self.write("backup.db", "mine")
        refused = self.ledger_verb("backup", backup, code=64)
        self.assert_says(refused, "is there already", "--force")
        self.assertEqual("mine", self.read("backup.db"))
        self.ledger_verb("backup", backup, "--force")
        self.ledger_verb("backup", self.ledger_path, "--force", code=64)
        self.assertEqual(["backup.db"], [name for name in os.listdir(self.folder) if name.startswith("backup")])

    def test_a_log_that_another_ledger_left_is_not_played_into_it(self):
        self.write("backup.db-wal", "of another ledger")
        self.assert_says(self.ledger_verb("backup", self.path("backup.db"), "--force", code=64), "a log of its own")
        self.assertFalse(os.path.exists(self.path("backup.db")))

    def test_put_in_place_by_hand_it_is_the_ledger_of_that_moment(self):
        self.send("2026-04-01")
        backup = self.back_up()
        self.send("2026-04-02")
        self.remove_ledger()
        shutil.copy(backup, self.ledger_path)
        self.assert_says(self.ledger_verb("check"), "the ledger is sound")
        self.assertEqual([("2026-04-01",)], self.ledger("SELECT run_date FROM runs"))
        self.send("2026-04-01")  # known: done
        self.send("2026-04-02", code=82)  # it may have been sent since
        self.assertEqual(["mail:2026-04-01", "mail:2026-04-02"], self.mails())

    def test_in_a_folder_it_is_named_by_its_time(self):
        folder = self.make_folder("backups")
        answer = self.ledger_verb("backup", folder, "--json", now="2026-04-12T02:00:00Z")
        taken_at = json.loads(answer.out)["taken_at"]
        self.assertRegex(taken_at, r"^2026-04-12T02:00:\d\d\.\d{3}Z$")
        self.assertEqual([f"ledger-{taken_at}.db"], os.listdir(folder))

    def test_it_is_taken_while_a_unit_runs_and_while_others_write(self):
        self.gate("gate")
        self.shell_job("slow", "read -r go <$T/gate")
        process = self.start_jobrun("slow", "--run-date", "2026-04-12")
        wait_until(lambda: self.ledger("SELECT 1 FROM attempts"), "the attempt to begin")
        backup = self.back_up()
        self.open_gate("gate")
        self.assert_code(0, self.finish(process))
        with sqlite3.connect(backup) as copy:
            self.assertEqual([("running",)], copy.execute("SELECT state FROM attempts").fetchall())
        copy.close()


class Check(LedgerVerbs):
    def findings(self, code=0):
        return json.loads(self.ledger_verb("check", "--json", code=code).out)["findings"]

    def break_it(self, sql):
        with sqlite3.connect(self.ledger_path) as database:
            database.execute(sql)
        database.close()

    def test_a_ledger_in_use_is_sound(self):
        self.send("2026-04-01")
        self.assert_says(self.ledger_verb("check"), "the ledger is sound")
        self.assertEqual("", self.ledger_verb("check", "--quiet").out)

    def test_each_broken_law_is_told_and_the_answer_is_78(self):
        self.send("2026-04-01")
        whole = self.back_up()
        for law, sql in (("counters", "UPDATE runs SET done = 2"), ("attempts", "UPDATE units SET attempts = 2"),
                         ("references", "DELETE FROM calls"),
                         ("states", "UPDATE attempts SET state = 'running', finished_at = NULL")):
            with self.subTest(law=law):
                self.remove_ledger()
                shutil.copy(whole, self.ledger_path)
                self.break_it(sql)
                self.assertIn((law, True), [(one["law"], one["is_fault"]) for one in self.findings(78)])
        self.assert_says(self.ledger_verb("check", code=78), "jobrun ledger restore FILE")

    def test_damage_is_told_not_met(self):
        for day in range(1, 29):
            self.send(f"2026-04-{day:02d}")
        self.damage("units")
        self.assertIn("integrity", [one["law"] for one in self.findings(78)])

    def test_a_crash_that_nobody_has_met_is_a_note(self):
        self.shell_job("dies", "kill -9 $PPID")
        self.run_job("dies")
        wait_until(lambda: any(one["law"] == "crashed" for one in self.findings()), "the lock to be free")
        self.assertFalse(any(one["is_fault"] for one in self.findings()))


if __name__ == "__main__":
    unittest.main()
