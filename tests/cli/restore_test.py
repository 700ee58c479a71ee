"""jobrun ledger restore: a backup in the place of the ledger, without a second mail."""

import json
import os
import pathlib
import re
import shutil
import sqlite3
import stat
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.jobrun_case import JOBRUN, JobrunCase, wait_until

# A mail for each run date, done once; the cursor comes behind it. POLICY: what `intend` is told beside the key.
MAILS = '''
key = "mail:" + os.environ["JOBRUN_RUN_DATE"]
reply = ask("intend", key=key, **POLICY)
if reply.get("state") == "probe":
    if key in open(T + "/mails").read():
        assert ask("confirm", key=key)["ok"]
    else:
        reply["state"] = "intended"
if reply.get("state") == "intended":
    open(T + "/mails", "a").write(key + "\\n")
    assert ask("confirm", key=key)["ok"]
elif reply.get("state") == "in_doubt":
    print(reply["message"])
ask("checkpoint", cursor=os.environ["JOBRUN_RUN_DATE"])
'''
ACCEPT = "jobrun effects release lost-interval --reason TEXT"


class Restore(JobrunCase):
    def setUp(self):
        super().setUp()
        self.write("mails", "")
        self.mail_job()

    def mail_job(self, policy="{}"):
        self.channel_job("letters", f"POLICY = {policy}\n" + MAILS)

    def mails(self):
        """The days of which a mail went out, one for each time it did."""
        return [line.removeprefix("mail:2026-04-") for line in self.read("mails").split()]

    def send(self, day, code=0, **how):
        return self.assert_code(code, self.run_job("letters", date=f"2026-04-{day}", **how))

    def ledger_verb(self, *words, code=0, **how):
        return self.assert_code(code, self.run_jobrun("ledger", *words, **how))

    def back_up(self, name="backup.db", **how):
        self.ledger_verb("backup", self.path(name), "--force", **how)
        return self.path(name)

    def restore(self, backup, *words, **how):
        return self.ledger_verb("restore", backup, *words, **how)

    def effects(self, *words, code=0, **how):
        return self.assert_code(code, self.run_jobrun("effects", *words, **how))

    def retry(self, day, code=0):
        return self.assert_code(code, self.run_jobrun("retry", "letters", "--run-date", f"2026-04-{day}"))

    def remove_ledger(self):
        for suffix in "", "-wal", "-shm":
            pathlib.Path(self.ledger_path + suffix).unlink(missing_ok=True)

    def lose(self):
        """A mail that only the lost ledger knows of; then a backup from before it."""
        self.send("01")
        backup = self.back_up()
        self.send("02")
        self.remove_ledger()
        return backup


class AReadableLedger(Restore):
    def test_it_hands_its_effects_on_and_nothing_is_sent_twice_or_in_doubt(self):
        self.send("01")
        backup = self.back_up()
        self.send("02")
        answer = self.restore(backup)
        self.assert_says(answer, "carried over from it: 1 effect, 0 pauses", "not carried over: 1 run, 1 cursor",
                         "jobrun history --ledger", "knew every effect")
        self.assertEqual([("2026-04-01",)], self.ledger("SELECT run_date FROM runs"))
        self.send("02")
        self.send("03")
        self.assertEqual(["01", "02", "03"], self.mails())
        self.assert_says(self.run_jobrun("status"), "nothing needs a person")
        self.assert_says(self.ledger_verb("check"), "the ledger is sound")

    def test_what_it_had_begun_may_have_happened(self):
        self.send("01")
        backup = self.back_up()
        self.channel_job("half", 'ask("intend", key="half")\nos._exit(0)')
        self.assert_code(82, self.run_job("half", date="2026-04-02"))
        self.restore(backup)
        self.assert_code(82, self.run_job("half", date="2026-04-02"))
        self.assert_says(self.effects(), "half")

    def test_what_was_taken_back_since_the_backup_did_not_happen(self):
        self.channel_job("half", 'ask("intend", key="half")\nos._exit(0)')
        self.assert_code(82, self.run_job("half", date="2026-04-02"))
        backup = self.back_up()
        self.effects("release", "half", "--job", "half", "--reason", "the log says so")
        self.restore(backup)
        self.assertEqual([], self.ledger("SELECT key FROM effects"))

    def test_a_pause_in_force_stays_in_force(self):
        self.send("01")
        backup = self.back_up()
        self.assert_code(0, self.run_jobrun("pause", "letters", "--reason", "the mail server is down"))
        self.restore(backup)
        self.send("02", code=85)

    def test_it_is_kept_and_can_be_asked(self):
        self.send("01")
        backup = self.back_up()
        self.send("02")
        aside = json.loads(self.restore(backup, "--json").out)["kept_aside"]
        self.assertEqual(0o600, stat.S_IMODE(os.stat(aside).st_mode))
        self.assert_says(self.run_jobrun("show", "letters", "--ledger", aside), "2026-04-02")

    def test_a_process_that_has_it_open_writes_nothing_to_it_any_more(self):
        self.send("01")
        backup = self.back_up()
        self.shell_job("later", "exit 75", retry={"first_delay": "1h", "max_delay": "1h", "window": "6h"})
        waiting = self.start_jobrun("later", "--run-date", "2026-04-12", "--wait")
        wait_until(lambda: self.ledger("SELECT 1 FROM units WHERE state = 'retrying'"), "it to wait")
        # It holds no unit while it waits; its next attempt is due in an hour.
        self.restore(backup)
        waiting.terminate()
        self.finish(waiting)
        self.assertEqual([], self.ledger("SELECT 1 FROM runs WHERE job = 'later'"))
        self.ledger_verb("check")


class NoLedgerIsLeft(Restore):
    def test_an_unknown_effect_is_in_doubt_until_a_person_has_settled_the_interval(self):
        backup = self.lose()
        self.assert_says(self.restore(backup), "there was no ledger to learn from", ACCEPT)
        for day in "02", "03":
            self.send(day, code=82)
        self.send("01")  # known: done
        self.assertEqual(["01", "02"], self.mails())
        # The mail server's log says that the 2nd went out and the 3rd did not.
        self.effects("confirm", "mail:2026-04-02", "--job", "letters", "--reason", "log")
        self.effects("release", "lost-interval", code=64)
        self.effects("confirm", "lost-interval", "--reason", "log", code=64)
        self.assert_says(self.effects("release", "lost-interval", "--reason", "log read"), "1 of them released", "jobrun retry")
        self.retry("02")
        self.retry("03")
        self.send("04")
        self.assertEqual(["01", "02", "03", "04"], self.mails())
        self.assert_says(self.run_jobrun("status"), "nothing needs a person")
        self.assert_says(self.effects("release", "lost-interval", "--reason", "again", code=64), "no interval of this ledger is lost")
        self.assertEqual([(0, "log read")] * 2, self.ledger("SELECT happened, reason FROM settlements WHERE key <> 'mail:2026-04-02'"))

    def test_every_screen_says_so_with_the_words_to_type(self):
        self.restore(self.lose())
        self.send("02", code=82)
        self.assert_says(self.run_jobrun("status"), "the ledger  in_doubt", "lost-interval", "`jobrun effects` says what to do")
        self.assert_says(self.run_jobrun("status", "letters"), "lost-interval")
        self.assert_says(self.effects(), "lost-interval", "(all)", "mail:2026-04-02", ACCEPT, "jobrun effects confirm KEY --job JOB")
        self.assert_says(self.run_jobrun("show", "letters"), "mail:2026-04-02 may have happened in the interval that the ledger has lost")
        self.assert_says(self.run_jobrun("log", "letters"), "of which the restored ledger knows nothing")
        self.assert_says(self.assert_code(2, self.run_jobrun("check")), "lost-interval")
        self.assertIn("the ledger effect lost-interval in doubt", self.run_jobrun("check").out)
        self.assert_says(self.run_jobrun("report", "--markdown"), "## the ledger needs attention · 1 job needs attention", "- **in doubt** the ledger, ")
        self.assert_says(self.run_jobrun("report", "--html", "-"), "<h3>The ledger</h3>")
        self.assert_says(self.run_jobrun("report", "--markdown", "--redact"), "`jobrun status` has the whole story")
        self.assert_says(self.effects("show", "lost-interval"), "this ledger was restored and knows nothing", ACCEPT)
        self.assert_says(self.ledger_verb("check"), "lost-interval is open")
        told = {one["key"]: (one["scope"], one["state"], one["tries"]) for one in json.loads(self.effects("--json").out)["effects"]}
        self.assertEqual({"lost-interval": ("", "in_doubt", 0), "mail:2026-04-02": ("letters", "in_doubt", 0)}, told)

    def test_a_person_confirms_what_no_run_has_asked_for_yet(self):
        self.restore(self.lose())
        self.effects("confirm", "mail:2026-04-02", "--job", "letters", "--reason", "it is in the log")
        self.send("02")
        self.effects("release", "lost-interval", "--reason", "log read")
        self.send("03")
        self.assertEqual(["01", "02", "03"], self.mails())
        # Without a lost interval there is no such thing.
        self.effects("confirm", "mail:2026-04-09", "--job", "letters", "--reason", "no", code=64)

    def test_a_person_releases_one_key_and_the_rest_stays_in_doubt(self):
        self.restore(self.lose())
        self.send("03", code=82)
        self.effects("release", "mail:2026-04-03", "--job", "letters", "--reason", "log")
        self.retry("03")
        self.send("04", code=82)
        self.assertEqual(["01", "02", "03"], self.mails())

    def test_what_was_tried_since_is_not_released_with_the_interval(self):
        self.restore(self.lose())
        self.channel_job("letters", 'reply = ask("intend", key="k", if_in_doubt="probe")\nassert reply["state"] == "probe"\nos._exit(75)')
        self.send("05", code=75)
        self.channel_job("letters", 'assert ask("intend", key="k")["state"] == "in_doubt"\nos._exit(82)')
        self.assert_code(82, self.run_jobrun("retry", "letters", "--run-date", "2026-04-05"))
        self.effects("release", "lost-interval", "--reason", "log read")
        self.assertEqual([("in_doubt",)], self.ledger("SELECT state FROM effects WHERE key = 'k'"))

    def test_a_probe_decides_without_a_person(self):
        self.mail_job('{"if_in_doubt": "probe"}')
        self.restore(self.lose())
        self.send("02")
        self.send("03")
        self.assertEqual(["01", "02", "03"], self.mails())

    def test_a_token_that_the_other_side_still_knows_is_sent_again_and_an_older_one_is_not(self):
        self.mail_job('{"if_in_doubt": "resend", "token_ttl_ms": 86400000}')
        self.send("01", now="2026-04-01T02:00:00Z")
        backup = self.back_up(now="2026-04-01T12:00:00Z")
        self.remove_ledger()
        self.restore(backup, now="2026-04-02T00:00:00Z")
        self.send("02", now="2026-04-02T01:00:00Z")
        self.send("03", code=82, now="2026-04-02T13:00:00Z")  # a day after the backup

    def test_an_effect_by_a_persons_hand_is_in_doubt_too(self):
        self.restore(self.lose())
        asked = self.run_jobrun("once", "by-hand", "--job", "letters", "--", "/bin/true")
        self.assert_says(self.assert_code(82, asked), "may have happened", "jobrun effects confirm|release by-hand")

    def test_a_run_without_effects_is_brought_on_as_after_a_crash(self):
        self.shell_job("plain", "echo once >>$T/plain")
        backup = self.back_up()
        self.assert_code(0, self.run_job("plain"))
        self.remove_ledger()
        self.restore(backup)
        self.assert_code(0, self.run_job("plain"))
        self.assertEqual(["once"] * 2, self.read("plain").split())

    def test_a_folder_that_went_with_the_disk_is_made_anew(self):
        backup = self.lose()
        shutil.rmtree(self.state)
        self.restore(backup)
        self.assertEqual(0o700, stat.S_IMODE(os.stat(self.state).st_mode))
        self.assertEqual(0o600, stat.S_IMODE(os.stat(self.ledger_path).st_mode))
        self.send("01")

    def test_a_backup_put_in_place_by_hand_knows_that_it_is_one(self):
        backup = self.lose()
        shutil.copy(backup, self.ledger_path)
        self.send("02", code=82)
        self.assert_says(self.effects(), "lost-interval", "to its restore")

    def test_a_ledger_that_was_copied_by_other_means_lost_all_since_its_last_call(self):
        self.send("01")
        with sqlite3.connect(self.ledger_path) as database:
            database.execute("VACUUM INTO ?", [self.path("copy.db")])
        database.close()
        os.chmod(self.path("copy.db"), 0o600)
        called_at = self.value("SELECT called_at FROM calls")
        self.remove_ledger()
        self.assertEqual(called_at, json.loads(self.restore(self.path("copy.db"), "--json").out)["since"])
        self.send("02", code=82)

    def test_a_backup_of_a_ledger_that_lost_an_interval_goes_on_saying_so(self):
        first = self.lose()
        self.restore(first)
        since = self.value("SELECT intended_at FROM effects WHERE scope = ''")
        second = self.back_up("second.db")
        self.assertEqual(since, json.loads(self.restore(second, "--json").out)["since"])
        self.send("02", code=82)


class ADamagedLedger(Restore):
    def test_it_is_kept_as_it_was_with_its_log(self):
        self.send("01")
        backup = self.back_up()
        self.send("02")
        with open(self.ledger_path, "r+b") as file:
            file.write(b"not a database, not any more")
        before = {part: pathlib.Path(self.ledger_path + part).read_bytes() for part in ("", "-wal")}
        answer = json.loads(self.restore(backup, "--json").out)
        self.assertTrue(answer["lost"])
        self.assertEqual(before, {part: pathlib.Path(answer["kept_aside"] + part).read_bytes() for part in ("", "-wal")})
        self.send("02", code=82)
        self.assertEqual(["01", "02"], self.mails())

    def test_what_can_be_read_of_it_is_carried_over_and_the_rest_is_in_doubt(self):
        for day in range(1, 20):
            self.send(f"{day:02d}")
        backup = self.back_up()
        self.send("20")
        self.damage("units_done")
        self.assert_says(self.ledger_verb("check", code=78), "jobrun ledger restore")
        self.assert_says(self.restore(backup), "1 effect,", "the replaced ledger is damaged")
        self.send("20")
        self.send("21", code=82)
        self.assertEqual("20", self.mails()[-1])

    def test_a_new_one_that_was_made_in_haste_is_not_taken_for_one_that_knows(self):
        backup = self.lose()
        self.assert_code(0, self.run_jobrun("init"))
        self.assert_says(self.restore(backup), "not the one that the backup was taken of")
        self.send("02", code=82)


class Care(Restore):
    def test_a_dry_run_foretells_it_and_changes_nothing(self):
        self.send("01")
        backup = self.back_up()
        self.send("02")
        before = self.dump()
        self.assert_says(self.restore(backup, "--dry-run"), "nothing is changed", "1 effect", "would be kept")
        self.assertEqual(before, self.dump())
        self.assertEqual([], [name for name in os.listdir(self.state) if "restored" in name or "replaced" in name])

    def test_it_is_refused_while_a_unit_runs(self):
        backup = self.back_up()
        self.gate("gate")
        self.shell_job("slow", "read -r go <$T/gate")
        process = self.start_jobrun("slow", "--run-date", "2026-04-12")
        wait_until(lambda: self.ledger("SELECT 1 FROM attempts"), "the attempt to begin")
        self.assert_says(self.restore(backup, code=83), "something runs with the ledger")
        self.open_gate("gate")
        self.assert_code(0, self.finish(process))

    def test_what_is_no_sound_backup_is_refused_and_changes_nothing(self):
        self.send("01")
        before = self.dump()
        other = self.path("other.db")
        with sqlite3.connect(other) as database:
            database.execute("CREATE TABLE t (x)")
        database.close()
        os.chmod(other, 0o600)
        open_to_all = self.back_up("open.db")
        os.chmod(open_to_all, 0o666)
        broken = self.back_up("broken.db")
        with open(broken, "r+b") as file:
            file.seek(5 * 4096)
            file.write(b"\xff" * 4096)
        for name, code in ((other, 78), (self.write("text.db", "hello " * 1000), 78), (self.path("none.db"), 78), (open_to_all, 78),
                           (broken, 78), (self.ledger_path, 64), (self.write("empty.db", ""), 78)):
            with self.subTest(name=name):
                self.restore(name, code=code)
                self.assertEqual(before, self.dump())
        self.assertEqual([], [name for name in os.listdir(self.state) if "restored" in name or "replaced" in name])

    def test_a_backup_that_nothing_can_be_written_beside_is_read_all_the_same(self):
        self.send("01")
        shelf = self.make_folder("shelf")
        backup = self.back_up("shelf/backup.db")
        os.chmod(shelf, 0o500)
        self.addCleanup(os.chmod, shelf, 0o700)
        before = os.listdir(shelf)
        self.restore(backup)
        self.assertEqual(before, os.listdir(shelf))

    def test_between_the_two_a_call_is_told_to_come_again_and_init_makes_none(self):
        self.send("01")
        backup = self.back_up()
        self.remove_ledger()
        shutil.copy(backup, self.ledger_path + ".restored")
        self.assert_says(self.send("01", code=74), "a backup is being put in the place", "jobrun ledger restore FILE")
        self.assert_code(74, self.run_jobrun("init"))
        self.restore(backup)
        self.send("01")

    def test_killed_at_any_call_there_is_the_old_ledger_or_none_or_the_new_one_and_no_mail_goes_twice(self):
        tool = os.environ.get("SYSCALL_POINT")
        if not tool or subprocess.run([tool, "count", "--", "/bin/true"], capture_output=True, check=False).returncode:
            self.skipTest("SYSCALL_POINT names no tool that works here (ptrace)")
        self.send("01")
        backup = self.back_up()
        self.send("02")
        shutil.copytree(self.state, self.path("before"))
        counted = subprocess.run([tool, "count", "--", JOBRUN, "ledger", "restore", "--dry-run", backup], env=self.environment(),
                                 capture_output=True, text=True, check=True)
        last = int(re.search(r"stops (\d+)", counted.stdout + counted.stderr)[1]) + 60  # a dry run puts nothing in place
        seen = set()
        for point in [*range(100, last - 150, 47), *range(last - 150, last, 7)]:
            shutil.rmtree(self.state)
            shutil.copytree(self.path("before"), self.state)
            subprocess.run([tool, "kill", str(point), "--", JOBRUN, "ledger", "restore", backup],
                           env=self.environment(), capture_output=True, stdin=subprocess.DEVNULL, check=False)
            seen.add(self.value("SELECT count(*) FROM runs") if os.path.exists(self.ledger_path) else None)
            if os.path.exists(self.ledger_path):
                self.ledger_verb("check")
            self.restore(backup)
            self.run_job("letters", date="2026-04-02")
            self.assertEqual(["01", "02"], self.mails(), point)
        self.assertLessEqual({2, 1}, seen)
        self.assertLessEqual(seen, {2, 1, None})


if __name__ == "__main__":
    unittest.main()
