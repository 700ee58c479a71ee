"""jobrun prune: what is old goes, what is needed stays, and a run that was done is never done again."""

import datetime
import json
import os
import pathlib
import sqlite3
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.jobrun_case import JOBRUN, JobrunCase

LATER = "2026-12-01T00:00:00Z"       # attempts of April are old by then, keys are not
MUCH_LATER = "2029-06-01T00:00:00Z"  # keys are too


class Prune(JobrunCase):
    def done_on(self, job, *days):
        for day in days:
            self.assert_code(0, self.run_job(job, date=day, now=f"{day}T03:00:00Z"))

    def prune(self, *words, now=LATER):
        answer = self.assert_code(0, self.run_jobrun("prune", *words, "--json", now=now))
        return json.loads(answer.out)

    def sound(self):
        """The ledger keeps its laws, and nothing in it refers to what is gone."""
        self.assertEqual([], self.ledger("PRAGMA foreign_key_check"))
        self.assert_code(0, self.run_jobrun("ledger", "check"))

    def count(self, table):
        return self.value(f"SELECT count(*) FROM {table}")

    def test_old_attempts_go_and_the_run_asked_for_again_is_still_done(self):
        self.shell_job("a", "echo ran >>$T/log")
        self.done_on("a", "2026-04-01", "2026-04-02", "2026-04-03")
        report = self.prune()
        self.assertEqual(2, report["rows"]["attempts"])
        self.assertEqual(["2026-04-03"], [row[0] for row in self.ledger(
            "SELECT r.run_date FROM attempts a JOIN units u ON u.id = a.unit JOIN runs r ON r.id = u.run")])
        self.assertEqual(3, self.count("runs"))
        again = self.assert_code(0, self.run_job("a", date="2026-04-01", now=LATER))
        self.assert_says(again, "is done since")
        self.assertEqual("ran\n" * 3, self.read("log"))
        self.sound()

    def test_a_dry_run_tells_exactly_what_would_go_and_changes_nothing(self):
        self.shell_job("a", f'{JOBRUN} item done x y\n{JOBRUN} checkpoint "$JOBRUN_RUN_DATE"\n'
                            f'{JOBRUN} once "k:$JOBRUN_RUN_DATE" -- /bin/true')
        self.done_on("a", *(f"2026-04-{day:02d}" for day in range(1, 8)))
        for now in LATER, MUCH_LATER:
            before = self.dump()
            told = self.prune("--dry-run", now=now)
            self.assertEqual(before, self.dump())
            self.assertTrue(told["dry_run"])
            done = self.prune(now=now)
            self.assertEqual(told["rows"], done["rows"])
            self.assertGreater(sum(told["rows"].values()), 0)
            self.sound()

    def test_what_needs_a_person_or_a_retry_is_never_pruned(self):
        self.shell_job("stops", "exit 64")
        self.shell_job("waits", "exit 75")
        self.shell_job("good", "true")
        for job, code in ("stops", 80), ("waits", 75):
            self.assert_code(code, self.run_job(job, date="2026-04-01", now="2026-04-01T03:00:00Z"))
        self.done_on("good", "2026-04-01", "2026-04-02")
        self.assertEqual(1, self.prune(now=MUCH_LATER)["rows"]["attempts"])
        self.assertEqual([("good", "2026-04-02"), ("stops", "2026-04-01"), ("waits", "2026-04-01")],
                         self.ledger("SELECT job, run_date FROM runs ORDER BY job"))
        self.assertEqual(3, self.count("attempts"))
        self.sound()

    def test_each_unit_keeps_its_last_success_and_its_latest_error(self):
        self.shell_job("many", '[ ! -e "$T/bad-$JOBRUN_UNIT-$JOBRUN_RUN_DATE" ] || { rm "$T/bad-$JOBRUN_UNIT-$JOBRUN_RUN_DATE"; exit 1; }',
                       units=["x", "y"], retry={"first_delay": "1s"})
        for name in "bad-x-2026-04-01", "bad-x-2026-04-02":
            self.write(name, "")
        for day in "2026-04-01", "2026-04-02", "2026-04-03", "2026-04-04":
            self.run_job("many", date=day, now=f"{day}T03:00:00Z")
            self.assert_code(0, self.run_job("many", date=day, now=f"{day}T04:00:00Z"))
        self.prune()
        kept = self.ledger("SELECT r.run_date, u.unit, a.number, a.state FROM attempts a JOIN units u ON u.id = a.unit"
                           " JOIN runs r ON r.id = u.run ORDER BY r.run_date, u.unit, a.number")
        self.assertEqual([("2026-04-02", "x", 1, "retry"), ("2026-04-02", "x", 2, "done"),
                          ("2026-04-04", "x", 1, "done"), ("2026-04-04", "y", 1, "done")], kept)
        self.sound()

    def test_the_attempt_that_a_cursor_stands_on_stays_and_its_history_does_not(self):
        self.channel_job("c", 'if os.environ["JOBRUN_RUN_DATE"] < "2026-04-03":\n'
                              '    ask("checkpoint", cursor=os.environ["JOBRUN_RUN_DATE"])\n')
        self.done_on("c", "2026-04-01", "2026-04-02", "2026-04-03", "2026-04-04")
        report = self.prune()
        self.assertEqual(1, report["rows"]["cursor_history"])
        self.assertEqual([("2026-04-02",)], self.ledger("SELECT value FROM cursors"))
        shown = self.assert_code(0, self.run_jobrun("cursor", "show", "c"))
        self.assert_says(shown, "2026-04-02", "c:2026-04-02#1")
        self.assertEqual(2, report["rows"]["attempts"])  # of the 1st and the 3rd
        self.sound()

    def test_a_replay_whose_cursor_was_pruned_is_refused_not_begun_at_the_beginning(self):
        self.channel_job("c", 'ask("checkpoint", cursor=os.environ["JOBRUN_RUN_DATE"])')
        self.done_on("c", "2026-04-01", "2026-04-02", "2026-11-29", "2026-11-30")
        self.prune()
        self.assert_says(self.assert_code(64, self.run_jobrun("replay", "c:2026-04-01", now=LATER)), "was pruned", "--promote")
        self.assert_code(0, self.run_jobrun("replay", "c:2026-11-30", now=LATER))
        self.assert_code(0, self.run_jobrun("replay", "c:2026-04-01", "--promote", now=LATER))
        self.sound()

    def test_an_effect_is_remembered_as_long_as_its_job_says_and_as_its_token_lives(self):
        self.channel_job("e", 'key = "mail:" + os.environ["JOBRUN_RUN_DATE"]\nreply = ask("intend", key=key)\n'
                              'if reply["state"] == "intended":\n'
                              '    open(T + "/acts", "a").write(key + "\\n")\n    assert ask("confirm", key=key)["ok"]\n',
                         keep="1500d")
        self.done_on("e", "2026-04-01", "2026-04-02", "2026-04-03")
        report = self.prune("--keys", "800d", now=MUCH_LATER)
        self.assertEqual((0, 2), (report["rows"]["effects"], report["rows"]["runs"]))
        # The run is forgotten, its effect is not: asked for again, it acts no second time.
        self.assert_code(0, self.run_job("e", date="2026-04-01", now=MUCH_LATER))
        self.assertEqual(3, len(self.read("acts").splitlines()))
        story = self.assert_code(0, self.run_jobrun("effects", "show", "mail:2026-04-02"))
        self.assert_says(story, "confirmed", "by an attempt that was pruned")
        self.assertEqual(3, self.prune("--keys", "800d", now="2032-01-01T00:00:00Z")["rows"]["effects"])
        self.sound()

    def test_keys_are_never_kept_for_less_than_a_retry_window(self):
        self.shell_job("a", "true", retry={"window": "1000d"})
        self.done_on("a", "2026-04-01", "2026-04-02")
        self.assertEqual(0, self.prune("--attempts", "1d", "--keys", "2d")["rows"]["runs"])
        text = self.run_jobrun("prune", "--attempts", "1d", "--keys", "2d", now=LATER)
        self.assert_says(text, "keys are kept for 1000d, the longest retry window")

    def test_generations_of_a_run_go_oldest_first_and_together_with_nothing_in_between(self):
        self.shell_job("a", "true")
        self.done_on("a", "2026-04-01")
        self.assert_code(0, self.run_jobrun("a", "--run-date", "2026-04-01", "--again", "--reason", "figures", now="2026-04-02T00:00:00Z"))
        self.done_on("a", "2026-04-03")
        self.assertEqual(2, self.prune(now=MUCH_LATER)["rows"]["runs"])
        self.assertEqual([("2026-04-03",)], self.ledger("SELECT run_date FROM runs"))
        self.sound()

    def test_ages_come_from_the_configuration(self):
        self.shell_job("a", "true")
        self.done_on("a", "2026-04-01", "2026-04-02")
        config = self.write("config.json", '{"keep": {"attempts": "1000d", "keys": "1100d"}}')
        quiet = self.assert_code(0, self.run_jobrun("prune", now=LATER, env={"JOBRUN_CONFIG": config}))
        self.assert_says(quiet, "nothing is old enough")
        self.assertEqual(2, self.count("attempts"))
        bad = self.write("bad.json", '{"keep": {"attempts": "soon"}}')
        self.assert_says(self.assert_code(78, self.run_jobrun("prune", env={"JOBRUN_CONFIG": bad})), "keep.attempts")

    def test_output_files_without_an_attempt_go(self):
        self.shell_job("a", "true")
        self.done_on("a", "2026-04-01", "2026-04-02")
        shelf = self.ledger_path + ".output/0"
        os.makedirs(shelf, 0o700, exist_ok=True)
        for name in "1", "2", "999", "notes.txt":
            pathlib.Path(shelf, name).write_text("x")
        self.assertEqual(2, self.prune()["output_files"])
        self.assertEqual(["2", "notes.txt"], sorted(os.listdir(shelf)))

    def test_no_age_is_so_short_that_what_was_just_done_is_forgotten(self):
        self.shell_job("a", "true")
        self.done_on("a", "2026-04-01", "2026-04-02")
        for option in "--attempts", "--keys":
            self.assert_says(self.assert_code(64, self.run_jobrun("prune", option, "1h", now=LATER)), "too short", "24h")
        self.assertEqual(2, self.count("attempts"))

    def test_what_a_unit_that_stands_has_confirmed_is_known_when_it_is_brought_on(self):
        self.channel_job("e", 'reply = ask("intend", key="k")\n'
                              'if reply["state"] == "intended":\n'
                              '    open(T + "/acts", "a").write("k\\n")\n    assert ask("confirm", key="k")["ok"]\n'
                              'if not os.path.exists(T + "/mended"):\n    os._exit(64)\n', keep="30d")
        self.assert_code(80, self.run_job("e", date="2026-04-01", now="2026-04-01T03:00:00Z"))
        self.assertEqual(0, self.prune(now=MUCH_LATER)["rows"]["effects"])
        self.write("mended", "")
        self.assert_code(0, self.run_jobrun("retry", "e", "--run-date", "2026-04-01", now=MUCH_LATER))
        self.assertEqual("k\n", self.read("acts"))

    def test_letters_and_alerts_go_by_age_and_what_waits_stays(self):
        self.shell_job("a", '[ -e "$T/mended-$JOBRUN_RUN_DATE" ] || exit 64',
                       alerts=[{"command": ["/bin/true"]}])
        for day in "2026-04-01", "2026-04-02":
            self.assert_code(80, self.run_job("a", date=day, now=f"{day}T03:00:00Z"))
            self.write(f"mended-{day}", "")
            self.assert_code(0, self.run_jobrun("retry", "a", "--run-date", day, now=f"{day}T04:00:00Z"))
        self.assertEqual((4, 4), (self.count("alerts"), self.count("letters")))
        with sqlite3.connect(self.ledger_path) as database:
            database.execute("UPDATE letters SET state = 'waiting', next_at = '2099-01-01T00:00:00.000Z' WHERE id = 1")
        database.close()
        told = self.prune("--dry-run")["rows"]
        self.assertEqual((3, 3), (told["alerts"], told["letters"]))
        self.assertEqual(told, self.prune()["rows"])
        self.assertEqual([("recovered",)], self.ledger("SELECT event FROM alerts"))
        self.assertEqual([("waiting",)], self.ledger("SELECT state FROM letters"))
        self.sound()

    def fill(self, units):
        """Many old runs of one job, written as the ledger's own triggers see them."""
        self.shell_job("big", "true")
        self.done_on("big", "2019-12-31")
        database = sqlite3.connect(self.ledger_path)
        day = datetime.date(2020, 1, 1)
        for number in range(units // 100):
            at = f"{day + datetime.timedelta(days=number)}T00:00:00.000Z"
            run = database.execute("INSERT INTO runs (job, run_date, run_id, manifest, version, created_at, changed_at)"
                                   " SELECT 'big', ?, 'big:' || ?, id, '0', ?, ? FROM manifests", (at[:10], at[:10], at, at)).lastrowid
            for unit in range(100):
                row = database.execute("INSERT INTO units (run, job, unit, changed_at) VALUES (?, 'big', ?, ?)", (run, f"u{unit}", at)).lastrowid
                database.execute("INSERT INTO attempts (unit, number, call, state, started_at, finished_at, reason, output_tail)"
                                 " VALUES (?, 1, 1, 'done', ?, ?, 'ok', ?)", (row, at, at, "x" * 3000))
                database.execute("UPDATE units SET state = 'done', attempts = 1, changed_at = ? WHERE id = ?", (at, row))
        database.commit()
        database.close()
        self.done_on("big", "2026-11-30")

    def test_runs_go_on_while_it_prunes_and_it_may_be_killed_at_any_time(self):
        self.fill(4000)
        self.shell_job("other", "true")
        process = self.start_jobrun("prune", now=LATER)
        during = 0
        while process.poll() is None:
            self.assert_code(0, self.run_job("other", date=f"2026-{1 + during // 28 % 12:02d}-{1 + during % 28:02d}"))
            during += 1
        self.assert_code(0, self.finish(process))
        self.sound()
        self.assertEqual(100 + 1 + during, self.count("units"))  # of u0 to u99 the last success

    def test_killed_anywhere_it_leaves_a_sound_ledger_and_the_next_call_goes_on(self):
        tool = os.environ.get("SYSCALL_POINT")
        if not tool or subprocess.run([tool, "count", "--", "/bin/true"], capture_output=True, check=False).returncode:
            self.skipTest("SYSCALL_POINT names no tool that works here (ptrace)")
        self.fill(1000)
        killed = 0
        for point in range(150, 3000, 170):
            outcome = subprocess.run([tool, "kill", str(point), "--", JOBRUN, "prune", "--now", MUCH_LATER, "--quiet"],
                                     env=self.environment(), capture_output=True, stdin=subprocess.DEVNULL, check=False)
            killed += outcome.returncode == 137
            self.sound()
            if outcome.returncode == 0:
                break
        self.assertGreater(killed, 3)
        self.prune(now=MUCH_LATER)
        self.assertEqual(100 + 1, self.count("units"))
        self.sound()


if __name__ == "__main__":
    unittest.main()
