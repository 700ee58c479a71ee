#!/usr/bin/python3
"""What people and programs read: status, show, jobs, effects, help, log lines; in a pipe, on a terminal, as JSON."""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.jobrun_case import JOBRUN, JobrunCase, wait_until  # noqa: E402

# A cursor move, a colour, a right-to-left override, a C1 control, a bell, a new line with a forged log line behind it.
HOSTILE = "\x1b[2J\x1b[31mred\u202etxt.exe\x9b2J\a\nlevel=error msg=forged"
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class ScreensCase(JobrunCase):
    def three_nights(self):
        """One good night, one with a stopped and a waiting unit."""
        self.shell_job("sync", 'test ! -e $T/fail-$JOBRUN_UNIT || { echo "cannot reach $JOBRUN_UNIT"; exit $(cat $T/fail-$JOBRUN_UNIT); }\n',
                       units=["a", "b", "c"], owner="finance@example.com", description="Pull invoices", period="24h", retry={"first_delay": "1h"})
        self.assert_code(0, self.run_job("sync", now="2026-04-12T02:00:00Z"))
        self.write("fail-a", "80")
        self.write("fail-b", "1")
        self.assert_code(75, self.run_job("sync", date="2026-04-13", now="2026-04-13T02:00:00Z"))

    def json_of(self, *words, code=0, **how):
        outcome = self.assert_code(code, self.run_jobrun(*words, "--json", **how))
        self.assertTrue(outcome.out.endswith("}\n"), outcome.out)
        answer = json.loads(outcome.out)
        self.assertEqual(answer["schema_version"], 1)
        return answer


class Status(ScreensCase):
    def test_status_has_a_faulty_manifest_among_what_needs_a_person(self):
        self.shell_job("ok", "true\n")
        self.assert_code(0, self.run_job("ok"))
        self.job("ok", {"comand": ["true"]})
        said = self.assert_code(0, self.run_jobrun("status"))
        self.assert_says(said, "1 needs a person:\n  ok  faulty, now, manifest: ", "ok.json:1: ", "next: mend it; `jobrun jobs` tells all faults")
        attention = json.loads(self.assert_code(0, self.run_jobrun("status", "--json")).out)["attention"]
        self.assertEqual([(one["kind"], one["job"], one["state"]) for one in attention], [("manifest", "ok", "faulty")])

    def test_what_needs_a_person_stands_first_with_the_command_to_type(self):
        self.three_nights()
        out = self.assert_code(0, self.run_jobrun("status", now="2026-04-13T08:00:00Z")).out
        lines = out.splitlines()
        self.assertEqual(lines[0], "1 needs a person:")
        self.assertRegex(lines[1], r"^  sync a 2026-04-13  stopped, \S+.* ago, exit_80: exited with 80$")
        self.assertIn("`jobrun retry sync --run-date 2026-04-13 --unit a`", lines[2])
        self.assertRegex(out, r"(?m)^sync +2026-04-13 +retrying +1/3 +\S+.* ago +exit_")

    def test_the_command_works_as_it_is_printed_whatever_the_unit_is_called(self):
        for number, unit in enumerate(["a\u202eb 100%", "a b", "it's", "$(touch evil)", "-x", 'q"q', "日本"]):
            with self.subTest(unit):
                self.shell_job(f"sync{number}", f"test -e $T/mended{number} || exit 80\n", units=[unit])
                self.run_job(f"sync{number}")
                command = re.search(r"`(jobrun retry sync%d .*)`" % number, self.run_jobrun("status").out).group(1)
                self.write(f"mended{number}", "")
                done = subprocess.run(["/bin/sh", "-c", command.replace("jobrun ", JOBRUN + " ", 1)], env=self.environment(), cwd=self.folder, capture_output=True, text=True)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertFalse(self.has("evil"))

    def test_nothing_to_do_is_said_in_so_many_words(self):
        self.shell_job("sync", "true\n")
        self.run_job("sync")
        self.assertIn("nothing needs a person", self.run_jobrun("status").out)

    def test_the_same_trouble_night_after_night_is_told_once(self):
        self.shell_job("nightly", "exit 64\n")
        for day in (9, 10, 11):
            self.assert_code(80, self.run_job("nightly", date=f"2026-04-{day:02}"))
        out = self.run_jobrun("status").out
        self.assertIn("the same on 2 earlier run dates, back to 2026-04-09: `jobrun history nightly --state stopped`", out)
        self.assertEqual(out.count("mend the cause"), 1, out)

    def test_a_job_that_never_ran_is_as_visible_as_one_that_failed(self):
        self.shell_job("never", "true\n")
        self.assertRegex(self.run_jobrun("status").out, r"(?m)^never +- +never ran +never$")
        self.assertIsNone(self.json_of("status")["jobs"][0]["last_success_at"])

    def test_one_job_is_shown_unit_by_unit(self):
        self.three_nights()
        out = self.run_jobrun("status", "sync", now="2026-04-13T08:00:00Z").out
        self.assertRegex(out, r"(?m)^b +retrying +1 +1d.* ago +exit_1 +try again from 2026-04-13T0")
        self.assertRegex(out, r"(?m)^c +done +1 +\d+h")

    def test_json_has_the_same(self):
        self.three_nights()
        answer = self.json_of("status", "sync")
        self.assertEqual([(row["kind"], row["job"], row["unit"], row["state"]) for row in answer["attention"]], [("unit", "sync", "a", "stopped")])
        job = answer["jobs"][0]
        self.assertEqual((job["job"], job["run_date"], job["state"], sum(job["counts"].values()), job["counts"]["done"]), ("sync", "2026-04-13", "retrying", 3, 1))
        self.assertEqual(job["last_success_run_date"], "2026-04-12")
        self.assertEqual({unit["unit"]: unit["state"] for unit in answer["units"]}, {"a": "stopped", "b": "retrying", "c": "done"})

    def test_an_unknown_job_is_a_typing_error_with_the_nearest_name(self):
        self.three_nights()
        self.assert_says(self.assert_code(64, self.run_jobrun("status", "snyc")), "unknown job snyc", "did you mean sync?")

    def test_two_thousand_units_fit_on_one_screen(self):
        self.job("wide", {"command": ["/bin/true"], "units": [f"u{n}" for n in range(2000)], "parallel": 2})
        self.assert_code(0, self.run_job("wide"))
        for words in (["status"], ["show", "wide"]):
            self.assertLess(len(self.run_jobrun(*words).out.splitlines()), 60)
        self.job("bad", {"command": ["/bin/false"], "units": [f"u{n}" for n in range(2000)], "parallel": 2, "retry": {"max_attempts": 1}})
        answer = self.assert_code(81, self.run_job("bad", "--quiet"))
        self.assertLess(len(answer.out.splitlines()), 60)
        for words in (["status"], ["show", "bad"]):
            self.assertLess(len(self.run_jobrun(*words).out.splitlines()), 210)

    def test_looking_changes_nothing(self):
        self.three_nights()
        before = self.dump()
        for words in (["status"], ["show", "sync"], ["jobs"], ["effects"]):
            self.assert_code(0, self.run_jobrun(*words))
        self.assertEqual(self.dump(), before)


class Show(ScreensCase):
    def test_three_partial_runs_or_one_that_failed_is_answered_on_one_screen(self):
        self.shell_job("sync", "test $JOBRUN_ATTEMPT -ge 3\n", retry={"first_delay": "0s"})
        for _ in range(3):
            self.run_job("sync", "--run-id", "nightly")
        out = self.assert_code(0, self.run_jobrun("show", "nightly")).out
        self.assertIn("sync for 2026-04-12, run nightly: done", out)
        self.assertRegex(out, r"(?m)^    #1  retry .* exit 1 .*\n    #2  retry .*\n    #3  done .* exit 0 ")

    def test_a_run_is_found_by_its_id_by_job_and_date_and_by_its_job(self):
        self.three_nights()
        for name, date in (("sync:2026-04-12", "2026-04-12"), ("sync", "2026-04-13")):
            self.assertIn(f"sync for {date}", self.assert_code(0, self.run_jobrun("show", name)).out)

    def test_a_run_whose_process_is_gone_is_told_as_the_crash_that_it_is(self):
        self.shell_job("dies", "kill -9 $PPID\n")
        self.run_job("dies")
        wait_until(lambda: "its process is gone" in self.run_jobrun("show", "dies").out, "the lock to be free")
        shown = self.run_jobrun("show", "dies")
        self.assert_says(shown, "run dies:2026-04-12: crashed\n", "  -  crashed: its process is gone\n", "#1  crashed", "`jobrun tick`, records the crash")
        self.assertEqual("crashed", json.loads(self.run_jobrun("show", "dies", "--json").out)["units"][0]["attempts"][0]["state"])
        report = json.loads(self.run_jobrun("report", "--json").out)
        self.assertEqual((0, 1), (report["jobs_by_standing"]["running"], report["jobs_by_standing"]["waiting"]))
        self.assertIn("its process is gone", json.dumps(report))
        self.assertEqual([("running",)], self.ledger("SELECT state FROM attempts"))  # looking changes nothing

    def test_a_run_that_goes_on_is_running(self):
        self.gate("gate")
        self.shell_job("slow", "read -r go <$T/gate\n")
        process = self.start_jobrun("slow", "--run-date", "2026-04-12")
        wait_until(lambda: self.ledger("SELECT 1 FROM attempts"), "the attempt to begin")
        self.assert_says(self.run_jobrun("show", "slow"), "run slow:2026-04-12: running\n", "#1  running")
        self.assertNotIn("its process is gone", self.run_jobrun("report", "--json").out)
        self.open_gate("gate")
        self.assert_code(0, self.finish(process))

    def test_a_wait_by_a_clock_that_was_set_back_is_told_with_the_way_out(self):
        self.shell_job("flaky", "exit 75\n")
        self.assert_code(75, self.run_job("flaky", now="2026-04-13T02:00:00Z"))
        now = "2026-04-12T02:00:00Z"
        for told in (self.run_jobrun("status", now=now), self.run_jobrun("status", "flaky", now=now), self.run_jobrun("tick", now=now)):
            self.assert_says(told, "flaky 2026-04-12: not due before 2026-04-13 02:00", "by a clock that was 1d ahead of now", "`jobrun retry flaky --run-date 2026-04-12`")
        self.assertEqual("flaky", json.loads(self.run_jobrun("status", "--json", now=now).out)["ahead_of_clock"][0]["job"])
        self.assert_code(75, self.run_jobrun("retry", "flaky", "--run-date", "2026-04-12", now=now))
        self.assertEqual(2, self.value("SELECT count(*) FROM attempts"))
        # A wait by a clock that is right is none.
        self.assertNotIn("ahead of now", self.run_jobrun("status", now=now).out)

    def test_a_unit_is_shown_with_what_it_printed(self):
        self.three_nights()
        out = self.run_jobrun("show", "sync", "--unit", "a").out
        self.assertIn("    | cannot reach a\n", out)
        self.assertNotIn("  c  done", out)

    def test_an_unknown_run_or_unit_says_what_to_do(self):
        self.three_nights()
        self.assert_says(self.assert_code(64, self.run_jobrun("show", "nightly-1999")), "no run is named nightly-1999", "hint: ")
        self.assert_says(self.assert_code(64, self.run_jobrun("show", "sync", "--unit", "zz")), "no unit zz", "hint: ")

    def test_json_has_every_attempt_with_its_facts(self):
        self.three_nights()
        answer = self.json_of("show", "sync")
        attempt = {unit["unit"]: unit for unit in answer["units"]}["a"]["attempts"][0]
        self.assertEqual((attempt["number"], attempt["state"], attempt["reason"], attempt["exit_code"], attempt["signal"]), (1, "stop", "exit_80", 80, None))
        self.assertEqual(attempt["output_head"], "cannot reach a\n")
        for name in ("run_id", "caller", "host", "pid", "started_at", "finished_at", "wall_ms", "cpu_ms", "peak_kib", "next_action", "version"):
            self.assertIn(name, attempt)


class Jobs(ScreensCase):
    def test_jobs_lists_what_there_is_and_where_a_manifest_is_wrong(self):
        self.three_nights()
        self.job("bad", '{\n "command": ["x"],\n "retry": {"window": "6 hours"}\n}')
        outcome = self.assert_code(78, self.run_jobrun("jobs"))
        self.assertRegex(outcome.out, r"(?m)^sync +finance@example.com +1d +command ./sync.sh +Pull invoices$")
        self.assert_says(outcome, "FAULTY, see below", 'bad.json:3: retry.window: "6 hours" is not a duration')
        answer = self.json_of("jobs", code=78)
        self.assertEqual({job["job"]: job["ok"] for job in answer["jobs"]}, {"bad": False, "sync": True})

    def test_no_jobs_is_said(self):
        self.assertIn("no jobs in " + self.jobs, self.assert_code(0, self.run_jobrun("jobs")).out)


class Effects(ScreensCase):
    def test_effects_in_doubt_are_listed_with_when_and_by_whom(self):
        self.assertIn("no effect is in doubt", self.run_jobrun("effects").out)
        self.channel_job("pay", 'ask("intend", key="invoice:7:webhook")\nos.kill(os.getpid(), 9)\n', units=["a"])
        self.assert_code(82, self.run_job("pay"))
        self.assertRegex(self.run_jobrun("effects").out, r"(?m)^invoice:7:webhook +pay +a +2026-04-12 +in_doubt +\S+Z +1$")
        self.assertEqual([(row["key"], row["job"], row["unit"], row["tries"]) for row in self.json_of("effects")["effects"]], [("invoice:7:webhook", "pay", "a", 1)])
        self.assert_says(self.assert_code(64, self.run_jobrun("effects", "confirm", "other", "--job", "pay", "--reason", "x")), "no open effect other")

    def test_a_unit_in_doubt_and_its_effect_are_one_matter_with_the_words_that_settle_it(self):
        self.channel_job("pay", 'ask("intend", key="invoice:7:webhook")\nos.kill(os.getpid(), 9)\n', units=["a"])
        self.assert_code(82, self.run_job("pay"))
        row, = self.json_of("status")["attention"]
        self.assertEqual((row["kind"], row["unit"], row["state"], row["count"]), ("unit", "a", "in_doubt", 1))
        self.assertRegex(row["next_action"], r"find out whether it happened, then `jobrun effects confirm\|release '?invoice:7:webhook'? --job pay --reason TEXT`, then `jobrun retry pay --run-date 2026-04-12 --unit a`")
        self.assert_says(self.run_jobrun("status"), "1 needs a person:", row["next_action"])


class Hostile(ScreensCase):
    def hostile_run(self):
        self.channel_job("evil", f'print({HOSTILE!r}); sys.stdout.buffer.write(b"\\xff\\xfe bad bytes\\n"); sys.stdout.flush()\n'
                                 f'ask("progress", message={HOSTILE!r})\nask("result", verdict="stop", reason="bad", message={HOSTILE!r})\nsys.exit(80)\n',
                         units=["a\u202eb"], owner="o\u202ewner", description="\u2066x")
        return self.run_job("evil")

    def assert_harmless(self, text, where):
        self.assertIsNone(UNSAFE.search(text), f"{where}: {text!r}")
        self.assertFalse([line for line in text.splitlines() if line.startswith("level=error")], where)

    def test_nothing_that_came_from_outside_reaches_the_terminal_raw(self):
        first = self.hostile_run()
        self.assertNotEqual(first.code, 0)
        self.run_jobrun("pause", "evil", "--unit", "a\u202eb", "--reason", HOSTILE)
        self.assert_harmless(first.out + first.err, "run")
        for words in (["status"], ["status", "evil"], ["show", "evil"], ["show", "evil", "--unit", "a\u202eb"], ["jobs"], ["effects"], ["show", HOSTILE], ["status", HOSTILE],
                      [HOSTILE], ["--" + HOSTILE], ["evil", "--run-date", HOSTILE], ["evil", "--run-date", "2026-04-12", "--unit", HOSTILE.replace("\n", " ")]):
            outcome = self.run_jobrun(*words)
            self.assert_harmless(outcome.out + outcome.err, words)

    def test_a_log_line_stays_one_line_and_names_run_unit_and_attempt(self):
        err = self.hostile_run().err
        lines = err.splitlines()
        self.assertEqual(len(lines), 1, err)
        for part in ("job=evil", "run_id=evil:2026-04-12", "unit=", "attempt=1", "verdict=stop", "reason=bad"):
            self.assertIn(part, lines[0])

    def test_json_stays_json(self):
        self.hostile_run()
        self.json_of("status", "evil")
        self.json_of("show", "evil")
        self.json_of("jobs")

    def test_on_a_terminal_too(self):
        self.hostile_run()
        for words in (["status", "evil"], ["show", "evil"], ["retry", "evil", "--unit", "a\u202eb"]):
            seen = self.on_terminal(*words).replace("\r\x1b[K", "")  # our own line that is drawn over
            self.assert_harmless(seen, words)


class Secrets(ScreensCase):
    def test_a_secret_that_a_job_prints_is_masked_wherever_it_would_be_read(self):
        secret = "s3cr3t/t+ken value=1"
        self.write("token", secret)
        self.shell_job("leak", 'echo "plain $TOKEN"; printf %s "$TOKEN" | base64 -w0; echo; echo "s3cr3t%2Ft%2Bken%20value%3D1"; exit 80\n', secrets={"TOKEN": "file:" + self.path("token")})
        outcome = self.run_job("leak")
        import base64
        forms = [secret, base64.b64encode(secret.encode()).decode(), "s3cr3t%2Ft%2Bken%20value%3D1"]
        everything = outcome.out + outcome.err + self.run_jobrun("show", "leak").out + self.run_jobrun("show", "leak", "--json").out + self.run_jobrun("status").out
        for name in os.listdir(self.state):
            path = os.path.join(self.state, name)
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    everything += file.read().decode("latin-1")
        for form in forms:
            self.assertNotIn(form, everything)


class Help(ScreensCase):
    VERBS = ("run", "tick", "retry", "pause", "resume", "effects", "status", "show", "jobs", "init", "once", "checkpoint", "cursor", "item", "result", "progress")

    def test_every_verb_has_help_on_standard_output(self):
        overview = self.assert_code(0, self.run_jobrun("--help")).out
        for verb in self.VERBS:
            for words in ([verb, "--help"], [verb, "-h"], ["help", verb]):
                outcome = self.assert_code(0, self.run_jobrun(*words))
                self.assertTrue(outcome.out.startswith("usage: jobrun"), outcome.out)
                self.assertEqual(outcome.err, "")
            self.assertRegex(overview, rf"(?m)^  {verb} ")

    def test_help_may_be_asked_for_anywhere(self):
        self.assertIn("--run-date D", self.assert_code(0, self.run_jobrun("sync", "--run-date", "2026-04-12", "-h")).out)

    def test_help_needs_no_ledger_and_no_home(self):
        for words in (["--help"], ["--version"], ["status", "-h"]):
            self.assert_code(0, self.run_jobrun(*words, env={"HOME": None, "JOBRUN_LEDGER": None, "JOBRUN_JOBS": None}))

    def test_help_fits_into_a_window_of_140_columns(self):
        for verb in self.VERBS:
            for line in self.run_jobrun(verb, "--help").out.splitlines():
                self.assertLessEqual(len(line), 140)

    def test_the_version_is_one_line(self):
        self.assertRegex(self.assert_code(0, self.run_jobrun("--version")).out, r"^jobrun \d+\.\d+\.\d+\n$")

    def test_a_wrong_word_prints_the_fault_one_hint_and_nothing_else(self):
        self.shell_job("sync", "true\n")
        for words in (["status", "--jason"], ["show"], ["shwo", "x"], ["sync", "--rundate", "today"], ["pause", "sync"], ["tick", "now"]):
            with self.subTest(words):
                outcome = self.assert_code(64, self.run_jobrun(*words))
                self.assertEqual(outcome.out, "")
                self.assertRegex(outcome.err, r"^jobrun: [^\n]+\nhint: [^\n]+\n$")


class Streams(ScreensCase):
    def test_the_answer_is_on_standard_output_and_the_commentary_on_standard_error(self):
        self.shell_job("sync", "echo noise\n")
        outcome = self.run_job("sync")
        self.assertEqual(outcome.out, "sync for 2026-04-12: 1 done, run sync:2026-04-12\n")
        self.assertRegex(outcome.err, r"^ts=\S+ level=info msg=\"attempt done\" job=sync .*\n$")

    def test_with_json_standard_output_holds_nothing_else(self):
        self.three_nights()
        for words, code in ((["sync", "--run-date", "2026-04-12"], 0), (["sync", "--run-date", "2026-04-13"], 75), (["sync", "--run-date", "2026-04-14", "--dry-run"], 0), (["tick"], 0)):
            answer = self.json_of(*words, code=code, now="2026-04-13T02:05:00Z")
            self.assertIsInstance(answer, dict)

    def test_a_finished_run_called_again_says_when_and_by_which_id_and_changes_no_row(self):
        self.shell_job("sync", "echo >>$T/out\n")
        self.run_job("sync", "--run-id", "nightly-7")
        before = self.dump()
        outcome = self.assert_code(0, self.run_job("sync"))
        self.assertRegex(outcome.out, r"^sync for 2026-04-12 is done since \S+Z, run nightly-7\n$")
        self.assertEqual(outcome.err, "")
        self.assertEqual(self.dump(), before)
        self.assertEqual(self.read("out"), "\n")

    def test_nothing_is_coloured_or_drawn_over_in_a_pipe(self):
        self.three_nights()
        for words in (["status"], ["show", "sync"], ["sync", "--run-date", "2026-04-14"]):
            outcome = self.run_jobrun(*words)
            self.assertNotIn("\x1b", outcome.out + outcome.err)
            self.assertNotIn("\r", outcome.out + outcome.err)

    def test_on_a_terminal_a_table_is_as_wide_as_the_window(self):
        self.three_nights()
        for columns in (60, 80, 200):
            for line in self.on_terminal("status", "sync", columns=columns).splitlines():
                if not line.startswith(("  ", "1 need")):  # what a person has to type is never cut
                    self.assertLessEqual(len(line), columns, line)

    def test_on_a_terminal_progress_is_drawn_and_wiped(self):
        self.channel_job("slow", 'ask("progress", message="page 3", fraction=0.5)\n')
        seen = self.on_terminal("slow", "--run-date", "2026-04-12")
        self.assertIn("50%: page 3", seen)
        self.assertTrue(seen.endswith("slow for 2026-04-12: 1 done, run slow:2026-04-12\n"), seen)
        self.assertNotIn("\x1b", self.on_terminal("slow", "--run-date", "2026-04-13", env={"TERM": "dumb"}))

    def test_an_answer_that_nobody_can_read_changes_no_exit_code_and_kills_nothing(self):
        self.shell_job("sync", "exit 80\n")
        with open("/dev/full", "w", encoding="ascii") as full:
            self.assertEqual(self.run_job("sync", stdout=full, stderr=full).code, 80)
        reader, writer = os.pipe()
        os.close(reader)
        try:
            outcome = self.run_jobrun("status", stdout=writer)
            self.assertIn(outcome.code, (0, -signal.SIGPIPE))  # `status | head -1` ends as any command does
            self.assertEqual(outcome.err, "")
            self.assertEqual(self.run_job("sync", stdout=writer).code, 80)
        finally:
            os.close(writer)


if __name__ == "__main__":
    unittest.main()
