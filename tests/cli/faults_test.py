#!/usr/bin/python3
"""Every fault of the command line, of a manifest and of the installation: its own message, its code, and nothing written."""
import contextlib
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.jobrun_case import JOBRUN, JobrunCase  # noqa: E402

DAY = ("--run-date", "2026-04-13")


class Faults(JobrunCase):
    def setUp(self):
        super().setUp()
        self.shell_job("invoice_sync", "echo $JOBRUN_UNIT >>$T/ran\n", units=["customer_1", "customer_2"])
        self.assert_code(0, self.run_job("invoice_sync"))
        os.unlink(self.path("ran"))
        self.before = self.dump()

    def assert_refused(self, code, outcome, *phrases, most_lines=3):
        """The fault first, then one hint, and nothing else: no answer, no row, nothing run."""
        self.assert_code(code, outcome)
        self.assertEqual(outcome.out, "")
        lines = outcome.err.splitlines()
        self.assertTrue(outcome.err.startswith("jobrun: "), outcome.err)
        self.assertLessEqual(len(lines), most_lines, outcome.err)
        self.assertEqual([line for line in lines[1:-1] if not line.startswith("jobrun: ")], [], outcome.err)
        self.assertTrue(lines[-1].startswith(("hint: ", "jobrun: ")), outcome.err)
        for phrase in phrases:
            self.assertIn(phrase, outcome.err)
        self.assertFalse(self.has("ran"), "something was executed")

    def assert_unchanged(self):
        self.assertEqual(self.dump(), self.before)


class CommandLine(Faults):
    def check(self, rows, code=64):
        for words, *phrases in rows:
            with self.subTest(" ".join(map(repr, words))):
                self.assert_refused(code, self.run_jobrun(*words), *phrases)
                self.assert_unchanged()

    def test_a_call_needs_a_job_or_a_verb(self):
        self.check([
            ((), "no job and no verb", "jobrun --help"),
            (("run",), "JOB is missing"),
            (("pause", "--reason", "x"), "JOB is missing"),
            (("show",), "RUN is missing"),
            (("invoice_sync", *DAY, "extra"), "unexpected word extra"),
            (("status", "invoice_sync", "extra"), "unexpected word extra"),
            (("invoice_sync", *DAY, "--wait", "5m"), "unexpected word 5m", "its value is written --wait=5m"),
            (("--json", "status"), "the verb status comes first", "jobrun status ..."),
            (("once", "k", "--job", "invoice_sync", "sh", "-c", "true"), "once: no command", "jobrun once KEY -- COMMAND"),
            (("effects", "show", "k", "--job", "invoice_sync"), "invoice_sync has no effect k"),
            (("init", "extra"), "unexpected word extra"),
        ])

    def test_a_verb_that_is_not_one_is_met_with_the_nearest(self):
        self.check([(("statsu",), "statsu", "did you mean status?"), (("retyr", "invoice_sync"), "did you mean retry?")])

    def test_an_option_that_is_not_one_is_met_with_the_nearest(self):
        self.check([
            (("invoice_sync", "--run-dat", "2026-04-13"), "unknown option --run-dat", "did you mean --run-date?"),
            (("invoice_sync", *DAY, "--paralel=2"), "unknown option --paralel", "did you mean --parallel?"),
            (("invoice_sync", *DAY, "--xyzzy"), "unknown option --xyzzy", "jobrun --help"),
            (("invoice_sync", *DAY, "-x"), "unknown option -x"),
            (("invoice_sync", *DAY, "--until", "2026-05-01T00:00:00Z"), "unknown option --until"),
            (("status", "--unit", "a"), "unknown option --unit"),
        ])

    def test_an_option_is_given_once_and_with_its_value(self):
        self.check([
            (("invoice_sync", "--run-date", "2026-04-13", "--run-date", "2026-04-14"), "--run-date"),
            (("invoice_sync", *DAY, "--run-id", "a", "--run-id", "b"), "--run-id"),
            (("invoice_sync", "--run-date"), "--run-date"),
            (("invoice_sync", *DAY, "--unit"), "--unit"),
            (("invoice_sync",), "--run-date is missing"),
            (("retry", "invoice_sync", "--run-date"), "--run-date"),
        ])

    def test_what_is_wrong_with_an_option_is_said_in_plain_words(self):
        for words in (["--run-date", "2026-04-13", "--run-date", "2026-04-14"], ["--run-date"]):
            with self.subTest(words):
                error = self.run_jobrun("invoice_sync", *words).err
                self.assertNotRegex(error, r"At Most|TEXT|required but received")
                self.assertRegex(error, r"twice|once|needs a value|has no value|is missing")

    def test_an_option_without_a_value_takes_none(self):
        self.check([
            (("invoice_sync", *DAY, "--dry-run=false"), "--dry-run"),
            (("invoice_sync", *DAY, "--quiet=banana"), "--quiet"),
            (("invoice_sync", "--run-date", "2026-04-12", "--again=false", "--reason", "x"), "--again"),
        ])

    def test_a_run_date_that_is_none_is_refused(self):
        for date in ("2026-02-30", "2026-13-01", "2026-00-10", "2026-4-12", "20260412", "12.04.2026", "", " 2026-04-12", "2026-04-12 ",
                     "tomorrow", "TODAY", "2026-04-12T02:00:00", "2026-04-12 02:00:00Z", "2026-04-12T25:00:00Z", "2026-02-30T02:00:00Z",
                     "daily@", "daily@2:00", "daily@24:00", "daily@02:60", "hourly@", "hourly@60", "hourly@5", "every@", "every@7m", "every@0m",
                     "every@25h", "every@15", "0000-01-01", "1969-12-31", "99999-01-01", "\x1b[31m2026-04-12"):
            self.check([(("invoice_sync", "--run-date=" + date), "--run-date: ")])

    def test_a_run_date_that_the_zone_left_out_is_refused(self):
        self.check([(("invoice_sync", "--run-date", "2011-12-30", "--tz", "Pacific/Apia"), "--run-date: ", "2011-12-30 does not exist in Pacific/Apia")])
        self.assert_code(0, self.run_jobrun("invoice_sync", "--run-date", "2011-12-30", "--tz", "Pacific/Auckland", "--dry-run"))

    def test_a_run_date_that_the_manifests_zone_left_out_is_refused(self):
        self.shell_job("samoa", "echo >$T/ran\n", timezone="Pacific/Apia")
        self.check([(("samoa", "--run-date", "2011-12-30"), "2011-12-30 does not exist in Pacific/Apia")])

    def test_a_zone_is_one_of_the_iana_names(self):
        for zone in ("Mars/Olympus", "", "CEST-2", "../../../etc/passwd", "/etc/localtime", "localtime", "europe/berlin ", "Europe/Berlin\n"):
            self.check([(("invoice_sync", *DAY, "--tz", zone), "--tz: ")])

    def test_other_times_are_rfc_3339(self):
        self.check([
            (("invoice_sync", *DAY, "--scheduled-at", "02:00"), "--scheduled-at: "),
            (("invoice_sync", *DAY, "--scheduled-at", "2026-04-12T02:00:00"), "--scheduled-at: ", "no zone"),
            (("invoice_sync", *DAY, "--now", "yesterday"), "--now: "),
            (("pause", "invoice_sync", "--reason", "x", "--until", "friday"), "--until: "),
            (("pause", "invoice_sync", "--reason", "x", "--until", "2020-01-01T00:00:00Z"), "--until: ", "has passed"),
        ])

    def test_a_payload_is_json_and_a_fault_in_it_has_a_position(self):
        self.check([
            (("invoice_sync", *DAY, "--payload", '{"a": }'), "--payload: ", "line 1, column 7"),
            (("invoice_sync", *DAY, "--payload", '{\n "a": 1,\n}'), "--payload: ", "line 3"),
            (("invoice_sync", *DAY, "--payload", "month=4"), "--payload: ", "is not JSON"),
            (("invoice_sync", *DAY, "--payload", ""), "--payload: ", "is not JSON"),
            (("invoice_sync", *DAY, "--payload", '{"a": 1, "a": 2}'), "--payload: ", '"a"'),
            (("invoice_sync", *DAY, "--payload", '{} // no comments here'), "--payload: ", "line 1"),
            (("invoice_sync", *DAY, "--payload", b'"\xff"'), "--payload: "),
            (("invoice_sync", *DAY, "--payload", "NaN"), "--payload: "),
            (("invoice_sync", *DAY, "--payload", "[" * 100000), "--payload: "),
            (("invoice_sync", *DAY, "--payload", "@/nowhere/payload.json"), "--payload: ", "/nowhere/payload.json"),
            (("invoice_sync", *DAY, "--payload", "@" + self.folder), "--payload: ", "not a regular file"),
            (("invoice_sync", *DAY, "--payload", "@" + self.write("bad.json", "{")), "--payload: ", "bad.json", "line 1"),
        ])

    def test_a_payload_has_1_mib_at_most(self):
        self.check([(("invoice_sync", *DAY, "--payload", "@" + self.write("big.json", '"' + "x" * 1024 * 1024 + '"')), "--payload: ")])

    def test_a_payload_from_standard_input_is_json_too(self):
        self.assert_refused(64, self.run_jobrun("invoice_sync", *DAY, "--payload", "-", stdin="not json"), "--payload: ")
        self.assert_unchanged()

    def test_numbers_durations_and_maps_are_checked(self):
        self.check([
            *((("invoice_sync", *DAY, "--parallel", bad), "--parallel: ", "1 to 256") for bad in ("0", "-1", "257", "x", "", "1.5", "4x", "99999999999999999999")),
            *((("invoice_sync", *DAY, "--wait=" + bad), "--wait: ") for bad in ("x", "5", "-1m", "1y", "10 m", "99999999999999999999h")),
            *((("invoice_sync", *DAY, "--exit-map", bad), "exit map: ") for bad in ("junk", "80", "80=", "=0", "80=256", "80=-1", "79=0", "80=0,80=1",
                                                                                  "80=0,", "80=0;75=0", "", "1=0")),
        ])

    def test_units_are_named_as_the_run_has_them(self):
        self.check([
            (("invoice_sync", *DAY, "--unit", "customer_3"), "unknown unit customer_3", "did you mean customer_"),
            (("invoice_sync", *DAY, "--unit", "customer_1", "--unit", "xyzzy"), "unknown unit xyzzy", "2 units"),
            (("invoice_sync", *DAY, "--unit", ""), "--unit: ", "1 to 255 bytes"),
            (("invoice_sync", *DAY, "--unit", "x" * 256), "--unit: ", "256"),
            (("invoice_sync", *DAY, "--unit", "a\nb"), "--unit: "),
            (("invoice_sync", *DAY, "--unit", "a\x1b[31m"), "--unit: "),
            (("invoice_sync", *DAY, "--unit", b"\xff\xfe"), "--unit: "),
            (("invoice_sync", *DAY, "--unit", "\u009b31m"), "--unit: "),
            (("retry", "invoice_sync", "--unit", "customer_3"), "no unit customer_3"),
            (("show", "invoice_sync", "--unit", "customer_3"), "no unit customer_3"),
        ])

    def test_options_that_belong_together_or_exclude_each_other(self):
        self.check([
            (("invoice_sync", *DAY, "--reason", "x"), "--reason goes with --again"),
            (("invoice_sync", *DAY, "--again"), "--again needs --reason TEXT"),
            (("invoice_sync", *DAY, "--again", "--reason", "  "), "--again needs --reason TEXT"),
            (("invoice_sync", *DAY, "--again", "--reason", "x", "--only-retry"), "exclude each other"),
            (("pause", "invoice_sync"), "pause needs --reason TEXT"),
            (("pause", "invoice_sync", "--reason", " "), "pause needs --reason TEXT"),
            (("effects", "confirm", "k"), "needs --job JOB and --reason TEXT"),
            (("effects", "confirm"), "effects takes nothing"),
            (("effects", "burn", "k"), "effects takes nothing"),
        ])

    def test_names_are_checked_before_anything_is_looked_up(self):
        self.check([
            *(((name, *DAY), "is not a job name") for name in ("Invoice", "a b", "../invoice_sync", "a/b", ".hidden", "x" * 65, "é", "a\nb", "\x1b[31m")),
            (("run", "status", *DAY), "is a word of jobrun's own"),
            (("invoice_sync", *DAY, "--run-id", "a b"), "is not a run id"),
        ])

    def test_what_is_not_there_is_named(self):
        self.check([
            (("show", "nightly-1"), "no run is named nightly-1"),
            (("status", "invoice_snyc"), "unknown job invoice_snyc", "did you mean invoice_sync?"),
            (("retry", "invoice_sync", "--run-date", "2026-05-05"), "has no run for 2026-05-05"),
            (("effects", "confirm", "k", "--job", "invoice_sync", "--reason", "x"), "no open effect k"),
        ])
        self.check([
            (("invoice_snyc", *DAY), "unknown job invoice_snyc", "did you mean invoice_sync?"),
            (("xyzzy", *DAY), "unknown job xyzzy", "jobrun jobs"),
            (("pause", "invoice_snyc", "--reason", "x"), "unknown job", "did you mean invoice_sync?"),
            (("resume", "invoice_snyc"), "unknown job"),
            (("retry", "invoice_snyc"), "unknown job"),
        ], code=78)

    def test_quiet_does_not_hide_a_fault_that_a_person_must_mend(self):
        self.check([(("invoice_sync", "--run-date", "2026-02-30", "--quiet"), "2026-02-30")])
        self.check([(("invoice_snyc", *DAY, "--quiet"), "unknown job")], code=78)


class Manifests(Faults):
    def refused(self, text, *phrases, most_lines=3):
        path = self.job("bad", text)
        outcome = self.run_jobrun("bad", *DAY)
        self.assert_refused(78, outcome, *phrases, most_lines=most_lines)
        self.assert_unchanged()
        self.assertTrue(outcome.err.startswith(f"jobrun: {path}"), outcome.err)
        return outcome

    def test_each_fault_has_its_own_message_with_the_path_in_the_manifest(self):
        command = {"command": ["/bin/true"]}
        rows = [
            ({}, "no handler"),
            ({**command, "native": "invoice_sync"}, "more than one handler"),
            ({"command": "make all"}, "command: "),
            ({"command": []}, "command: "),
            ({"command": [""]}, "command[0]: "),
            ({"command": ["a", 1]}, "command[1]: "),
            ({**command, "comand": []}, "comand: ", "command"),
            ({**command, "retry": {"window": "6 hours"}}, 'retry.window: "6 hours" is not a duration'),
            ({**command, "retry": {"windw": "6h"}}, "retry.windw: "),
            ({**command, "retry": {"max_attempts": 0}}, "retry.max_attempts: "),
            ({**command, "retry": {"max_attempts": 101}}, "retry.max_attempts: "),
            ({**command, "retry": {"max_attempts": "4"}}, "retry.max_attempts: "),
            ({**command, "retry": {"factor": 0.5}}, "retry.factor: "),
            ({**command, "retry": {"jitter": 2}}, "retry.jitter: "),
            ({**command, "retry": {"first_delay": "2h", "max_delay": "1h"}}, "retry.first_delay: "),
            ({**command, "retry": {"window": "25h"}, "period": "24h"}, "retry.window: is longer than the period"),
            ({**command, "retry": []}, "retry: "),
            ({**command, "timeout": 60}, "timeout: "),
            ({**command, "timeout": "0s"}, "timeout: "),
            ({**command, "timeout": "5 min"}, "timeout: "),
            ({**command, "grace": "-1s"}, "grace: "),
            ({**command, "timezone": "Mars/Olympus"}, "timezone: "),
            ({**command, "parallel": 0}, "parallel: "),
            ({**command, "parallel": 1.5}, "parallel: "),
            ({**command, "breaker": -1}, "breaker: "),
            ({**command, "leftovers": "keep"}, "leftovers: "),
            ({**command, "runbook": "wiki"}, "runbook: "),
            ({**command, "owner": ""}, "owner: "),
            ({**command, "description": "a\x1b[31mb"}, "description: "),
            ({**command, "units": "customers.json"}, "units: "),
            ({**command, "units": []}, "units: "),
            ({**command, "units": ["a", "a"]}, "units[1]: ", "listed twice"),
            ({**command, "units": ["a", 7]}, "units[1]: "),
            ({**command, "units": [{"config": {}}]}, "units[0]: has no id"),
            ({**command, "units": [{"id": "a", "name": "b"}]}, "units[0].name: "),
            ({**command, "units": ["a\nb"]}, "units[0]: "),
            ({**command, "units": {"file": "a", "command": ["b"]}}, "units: "),
            ({**command, "outcomes": [{"exit": 256, "verdict": "stop"}]}, "outcomes[0].exit: "),
            ({**command, "outcomes": [{"exit": "29-20", "verdict": "stop"}]}, "outcomes[0].exit: "),
            ({**command, "outcomes": [{"signal": "TERM", "verdict": "stop"}]}, "outcomes[0].signal: "),
            ({**command, "outcomes": [{"exit": 1}]}, "outcomes[0]: has no verdict"),
            ({**command, "outcomes": [{"verdict": "stop"}]}, "outcomes[0]: matches nothing"),
            ({**command, "outcomes": [{"exit": 1, "verdict": "maybe"}]}, "outcomes[0].verdict: "),
            ({**command, "outcomes": [{"exit": 1, "verdict": "retry", "pause": True}]}, "outcomes[0]: pause goes with"),
            ({**command, "outcomes": [{"exit": 1, "verdict": "retry", "reason": "Not OK"}]}, "outcomes[0].reason: "),
            ({**command, "env": {"LD_PRELOAD": "x"}}, "env.LD_PRELOAD: "),
            ({**command, "env": {"JOBRUN_UNIT": "x"}}, "env.JOBRUN_UNIT: "),
            ({**command, "env": {"1A": "x"}}, "env.1A: "),
            ({**command, "env": {"A": 1}}, "env.A: "),
            ({**command, "pass_env": ["https_proxy"]}, "pass_env[0]: "),
            ({**command, "pass_env": ["A", "A"]}, "pass_env[1]: "),
            ({**command, "secrets": {"TOKEN": "sk_live_0815"}}, "secrets.TOKEN: is not a reference"),
            ({**command, "secrets": {"A": "env:B"}, "env": {"A": "1"}}, "secrets.A: "),
            ({**command, "output": {"limit": -1}}, "output.limit: "),
            ({**command, "output": {"limits": 1}}, "output.limits: "),
            ({**command, "alerts": [{"on": ["stopped"]}]}, "alerts[0]: tells nobody"),
            ({**command, "alerts": [{"webhook": {"url": "https://a", "secret": "whsec_AAAA"}}]}, "alerts[0].webhook.secret: is not a reference"),
            ({**command, "pings": {"url": "hc-ping.com"}}, "pings.url: is not a web address"),
            ({**command, "user": "nobody"}, "user: is not supported"),
            ({"http": {"url": "example.com"}}, "http.url: ", "is not a web address"),
            ({"native": "no such job"}, "native: "),
        ]
        messages = {}
        for manifest, *phrases in rows:
            with self.subTest(manifest):
                outcome = self.refused(manifest, *phrases)
                self.assertNotIn("sk_live_0815", outcome.err)
                self.assertRegex(outcome.err, r"bad\.json:\d+: ")
                messages.setdefault(re.sub(r"^.*bad\.json:\d+: ", "", outcome.err), []).append(manifest)
        self.assertEqual([same for same in messages.values() if len(same) > 1], [], "two faults with one message")

    def test_a_native_job_that_this_jobrun_does_not_have_is_a_fault_of_the_manifest(self):
        self.refused({"native": "invoice_snyc"}, "native: ", "invoice_snyc", "invoice_sync")

    def test_a_secret_can_not_be_taken_from_outside_the_credentials(self):
        for reference in ("credential:../x", "credential:/etc/shadow", "credential:..", "vault:x", "env:", "file:", "env:A B"):
            with self.subTest(reference):
                self.refused({"command": ["/bin/true"], "secrets": {"TOKEN": reference}}, "secrets.TOKEN: is not a reference")

    def test_text_that_is_not_a_manifest_is_refused_with_its_line(self):
        for text, *phrases in (
            ("", "bad.json"), ("{", "bad.json:1: "), ('{\n"command": ["a"],\n}', "bad.json:3: "), ("[]", "bad.json:1: "), ("null", "bad.json"),
            ('{"command": ["a"]} x', "bad.json:1: "), ('{"command": ["a"],\n "command": ["b"]}', "bad.json:2: ", "command"),
            ('{"command": ["a"], "retry": {"window": "1h",\n"window": "2h"}}', "bad.json:2: ", "window"),
            (b'{"command": ["\xff"]}', "bad.json:1: "), ("[" * 100000, "bad.json"), ('{"command": ["a\\u0000b"]}', "command[0]: "),
        ):
            with self.subTest(text[:40]):
                self.refused(text, *phrases)

    def test_all_faults_are_told_at_once_in_the_order_of_the_file(self):
        outcome = self.refused('{\n "command": [],\n "timeout": "5 min",\n "retry": {\n  "window": "6 hours",\n  "max_attempts": 0\n },\n "colour": 1\n}\n',
                               most_lines=5)
        self.assertEqual(re.findall(r"bad\.json:(\d+): ([a-z._]+): ", outcome.err),
                         [("2", "command"), ("3", "timeout"), ("5", "retry.window"), ("6", "retry.max_attempts"), ("8", "colour")])

    def test_comments_are_welcome(self):
        self.job("ok", '{\n// why\n"command": ["/bin/true"] /* all of it */\n}\n')
        self.assert_code(0, self.run_job("ok"))

    def test_a_manifest_named_like_a_verb_is_refused(self):
        self.job("status", {"command": ["/bin/true"]})
        listed = self.assert_code(78, self.run_jobrun("jobs"))
        self.assert_says(listed, '"status" is a word of jobrun\'s own')

    def test_jobs_lists_the_good_and_the_faulty(self):
        self.refused({"command": [], "timeout": "x"}, most_lines=3)
        listed = self.assert_code(78, self.run_jobrun("jobs"))
        self.assertRegex(listed.out, r"(?m)^bad +.*FAULTY")
        self.assertRegex(listed.out, r"(?m)^invoice_sync ")
        self.assert_says(listed, "bad.json:2: command: ", "bad.json:3: timeout: ")

    def test_units_from_a_file_a_command_or_standard_input_are_checked_like_listed_ones(self):
        self.script("list.sh", f"cat {self.path('units.json')}\n")
        sources = {"file": ({"file": self.path("units.json")}, None), "command": ({"command": ["./list.sh"]}, None), "stdin": ("-", True)}
        for name, (units, on_stdin) in sources.items():
            self.job("bad", {"command": ["/bin/true"], "units": units})
            for text, phrase in (('["a", "a"]', "listed twice"), ("{}", "must be"), ("[1]", "[0]"), ("", ""), ('["a",]', "line 1"), ('[{"id": ""}]', "[0]")):
                with self.subTest(source=name, text=text):
                    self.write("units.json", text)
                    outcome = self.run_jobrun("bad", *DAY, stdin=text if on_stdin else None)
                    self.assert_refused(78, outcome, "units" if name != "file" else "units.json", phrase)
                    self.assert_unchanged()

    def test_a_units_command_that_fails_makes_no_run(self):
        for text, phrase in (("echo '[]'; exit 3\n", "exited with 3"), ("kill -9 $$\n", "SIGKILL")):
            with self.subTest(phrase):
                self.script("list.sh", text)
                self.job("bad", {"command": ["/bin/true"], "units": {"command": ["./list.sh"]}})
                self.assert_refused(78, self.run_jobrun("bad", *DAY), "units: ", "./list.sh", phrase)
                self.assert_unchanged()
        self.job("bad", {"command": ["/bin/true"], "units": {"command": ["./nowhere.sh"]}})
        self.assert_refused(78, self.run_jobrun("bad", *DAY), "units: ", "./nowhere.sh", "not found")
        self.job("bad", {"command": ["/bin/true"], "units": {"file": "nowhere.json"}})
        self.assert_refused(78, self.run_jobrun("bad", *DAY), "units: ", "nowhere.json")
        self.assert_unchanged()


class Secrets(Faults):
    def check(self, reference, *phrases, env=None):
        with self.subTest(reference):
            self.job("bad", {"command": ["./invoice_sync.sh"], "secrets": {"OTHER": "env:KNOWN", "TOKEN": reference}})
            outcome = self.run_jobrun("bad", *DAY, env={"KNOWN": "the-known-secret", **(env or {})})
            self.assert_refused(78, outcome, "secret TOKEN (" + reference + ")", *phrases)
            self.assertNotIn("the-known-secret", outcome.err)
            self.assert_unchanged()

    def test_a_missing_secret_names_the_reference_and_never_a_value(self):
        self.check("env:NOWHERE", "NOWHERE is not set")
        self.check("file:nowhere", "nowhere")
        self.check("credential:nowhere", "nowhere", env={"CREDENTIALS_DIRECTORY": self.folder})
        self.check("credential:nowhere", "nowhere")

    def test_a_secret_that_is_empty_or_no_line_of_text_is_refused(self):
        self.check("env:EMPTY", "is empty", env={"EMPTY": ""})
        self.write("jobs/empty", "\n")
        self.check("file:empty", "is empty")
        self.write("jobs/nul", "the-known-secret\0x")
        self.check("file:nul", "NUL")

    def test_a_secret_that_others_can_write_is_refused(self):
        self.write("jobs/open", "x", 0o666)
        self.check("file:open", "can be written by others")
        os.symlink(self.write("elsewhere", "x"), os.path.join(self.jobs, "link"))
        self.check("file:link", "symbolic links are not followed")

    def test_a_dry_run_misses_it_too(self):
        self.job("bad", {"command": ["/bin/true"], "secrets": {"TOKEN": "env:NOWHERE"}})
        self.assert_refused(78, self.run_jobrun("bad", *DAY, "--dry-run"), "secret TOKEN (env:NOWHERE)")


class Places(Faults):
    def test_a_jobs_directory_that_others_can_write_is_not_trusted(self):
        for mode, hint in ((0o770, f"chmod go-w {self.jobs}"), (0o707, f"chmod go-w {self.jobs}"), (0o1777, "make a folder of your own inside of it")):
            with self.subTest(oct(mode)):
                os.chmod(self.jobs, mode)
                self.assert_refused(78, self.run_jobrun("invoice_sync", *DAY), f"jobs directory: {self.jobs} can be written by others",
                                    "hint: " + hint)
                self.assert_unchanged()

    def test_a_folder_above_it_that_others_can_write_is_not_trusted_either(self):
        os.chmod(self.folder, 0o777)
        self.addCleanup(os.chmod, self.folder, 0o700)
        self.assert_refused(78, self.run_jobrun("invoice_sync", *DAY), f"{self.folder} can be written by others")

    def test_a_manifest_that_others_can_write_is_not_trusted(self):
        for mode in (0o660, 0o606):
            with self.subTest(oct(mode)):
                os.chmod(os.path.join(self.jobs, "invoice_sync.json"), mode)
                self.assert_refused(78, self.run_jobrun("invoice_sync", *DAY), "manifest: ", "invoice_sync.json can be written by others", "chmod go-w")
                self.assert_unchanged()

    def test_a_symlinked_manifest_is_not_followed(self):
        os.symlink(os.path.join(self.jobs, "invoice_sync.json"), os.path.join(self.jobs, "link.json"))
        self.assert_refused(78, self.run_jobrun("link", *DAY), "symbolic links are not followed")

    @unittest.skipUnless(os.geteuid() == 0, "giving files away needs root")
    def test_a_manifest_or_directory_of_another_user_is_not_trusted(self):
        os.chown(os.path.join(self.jobs, "invoice_sync.json"), 65534, 65534)
        self.assert_refused(78, self.run_jobrun("invoice_sync", *DAY), "belongs to uid 65534")
        os.chown(os.path.join(self.jobs, "invoice_sync.json"), 0, 0)
        os.chown(self.jobs, 65534, 65534)
        self.assert_refused(78, self.run_jobrun("invoice_sync", *DAY), "belongs to uid 65534")
        self.assert_unchanged()

    def config(self, text):
        return {"JOBRUN_CONFIG": self.write("config.json", text)}

    def test_the_configuration_names_the_ledger_and_the_jobs_directory(self):
        environment = self.config('{"ledger": "%s", // where it is\n "jobs": "%s"}' % (self.ledger_path, self.jobs))
        bare = {"JOBRUN_LEDGER": None, "JOBRUN_JOBS": None}
        self.assert_code(0, self.run_jobrun("invoice_sync", "--run-date", "2026-04-13", env={**environment, **bare}))
        self.assertEqual([("2026-04-13", "done")], self.ledger("SELECT run_date, state FROM runs ORDER BY id DESC LIMIT 1"))

    def test_a_persons_own_configuration_stands_below_the_xdg_folder(self):
        os.makedirs(self.path("xdg/jobrun"), 0o700)
        self.write("xdg/jobrun/config.json", '{"ledger": "%s", "jobs": "%s"}' % (self.ledger_path, self.jobs))
        bare = {"JOBRUN_LEDGER": None, "JOBRUN_JOBS": None}
        self.assert_code(0, self.run_jobrun("invoice_sync", "--run-date", "2026-04-13", env={"XDG_CONFIG_HOME": self.path("xdg"), **bare}))
        self.assertTrue(self.has("ran"))

    def test_a_fault_of_the_configuration_is_told_with_file_and_line(self):
        environment = {**self.config('{\n "ledgr": "/x"}'), "JOBRUN_LEDGER": None}
        self.assert_refused(78, self.run_jobrun("invoice_sync", *DAY, env=environment), "config.json:2: ledgr: unknown key; did you mean \"ledger\"?")
        self.assert_unchanged()

    def test_with_a_faulty_configuration_nothing_is_executed_because_nobody_could_be_told(self):
        environment = self.config('{"alerts": "mail"}')
        self.assert_refused(78, self.run_jobrun("invoice_sync", "--run-date", "2026-04-13", env=environment), "config.json:1: alerts: must be an array")
        self.assert_unchanged()
        self.assert_code(0, self.run_job("invoice_sync", env=environment))  # done: it needs none

    def test_a_configuration_that_others_can_write_is_not_trusted(self):
        environment = {**self.config("{}"), "JOBRUN_LEDGER": None}
        os.chmod(self.path("config.json"), 0o666)
        self.assert_refused(78, self.run_jobrun("invoice_sync", *DAY, env=environment), "configuration", "config.json can be written by others")
        self.assert_unchanged()

    def test_a_named_configuration_has_to_be_there(self):
        environment = {"JOBRUN_CONFIG": self.path("nowhere.json"), "JOBRUN_LEDGER": None}
        self.assert_refused(78, self.run_jobrun("invoice_sync", *DAY, env=environment), "$JOBRUN_CONFIG", "nowhere.json")

    def test_a_missing_jobs_directory_is_named(self):
        for words in (("invoice_sync", *DAY), ("jobs",)):
            self.assert_refused(78, self.run_jobrun(*words, "--jobs", self.path("nowhere")), "there is no jobs directory " + self.path("nowhere"))

    def test_a_missing_ledger_is_never_made_anew_by_a_run(self):
        nowhere = self.path("nowhere/ledger.db")
        for words in (("invoice_sync", *DAY), ("status",), ("tick",), ("show", "invoice_sync"), ("effects",), ("retry", "invoice_sync"),
                      ("pause", "invoice_sync", "--reason", "x"), ("resume", "invoice_sync")):
            with self.subTest(words):
                self.assert_refused(78, self.run_jobrun(*words, "--ledger", nowhere), "there is no ledger at " + nowhere, "jobrun init", "jobrun ledger restore FILE")
        self.assertFalse(self.has("nowhere"))

    def test_a_symlinked_ledger_is_not_followed(self):
        os.symlink(self.ledger_path, self.path("state/link.db"))
        for words in (("invoice_sync", *DAY), ("status",), ("init",)):
            with self.subTest(words):
                self.assert_refused(78, self.run_jobrun(*words, "--ledger", self.path("state/link.db")), "symbolic link")
        self.assert_unchanged()

    def test_a_ledger_or_its_folder_that_others_can_write_is_not_trusted(self):
        os.chmod(self.ledger_path, 0o666)
        self.assert_refused(78, self.run_jobrun("invoice_sync", *DAY), f"{self.ledger_path} can be written by others")
        os.chmod(self.ledger_path, 0o600)
        os.chmod(self.state, 0o777)
        self.assert_refused(78, self.run_jobrun("invoice_sync", *DAY), f"{self.state} can be written by others")
        os.chmod(self.state, 0o700)
        self.assert_unchanged()

    @unittest.skipUnless(os.geteuid() == 0, "giving files away needs root")
    def test_a_ledger_of_another_user_is_refused(self):
        os.chown(self.ledger_path, 65534, 65534)
        for words in (("invoice_sync", *DAY), ("status",), ("retry", "invoice_sync")):
            with self.subTest(words):
                # Not "chown": that would take it away from its owner.
                self.assert_refused(78, self.run_jobrun(*words), "uid 65534, not to you", "hint: run as its owner: sudo -u nobody jobrun ...")
        os.chown(self.ledger_path, 0, 0)
        self.assert_unchanged()

    @unittest.skipUnless(os.geteuid() == 0, "becoming somebody else needs root")
    def test_whoever_may_not_even_look_at_a_ledger_is_told_whose_it_is(self):
        if not all(os.stat(folder).st_mode & 0o001 for folder in pathlib.Path(JOBRUN).resolve().parents):
            self.skipTest(f"others have no way to {JOBRUN}")
        os.chmod(self.folder, 0o755)
        outcome = self.run_jobrun("status", user=65534, group=65534, extra_groups=[])
        self.assert_refused(78, outcome, f"ledger {self.ledger_path}: Permission denied", "hint: run as its owner: sudo -u root jobrun ...")
        self.assert_unchanged()

    @unittest.skipUnless(os.geteuid() == 0, "mounting needs root")
    def test_a_ledger_on_a_read_only_file_system_is_shown_and_not_written(self):
        for name in ("-wal", "-shm"):  # as a person's sqlite3, or a copy, leaves it
            with contextlib.closing(sqlite3.connect(self.ledger_path)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.ledger_path + name)
        script = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && "$@"'
        def on_read_only(*words):
            return subprocess.run(["unshare", "--mount", "sh", "-c", script, "sh", self.state, JOBRUN, *words], env=self.environment(),
                                  capture_output=True, text=True, timeout=60, check=False)
        status = on_read_only("status")
        # The last: below a chroot(2) the root is no mount, so none can be kept from being seen outside.
        if re.search("permission denied|not permitted|cannot change root filesystem", status.stderr, re.IGNORECASE):
            self.skipTest("nothing can be mounted here: " + status.stderr)
        self.assertEqual((status.returncode, "invoice_sync" in status.stdout), (0, True), status)
        for words in (("invoice_sync", *DAY), ("tick",), ("pause", "invoice_sync", "--reason", "x")):
            said = on_read_only(*words)
            self.assertEqual((said.returncode, "read-only" in said.stderr.lower()), (74, True), said)
        self.assert_unchanged()

    def test_files_are_private_whatever_the_umask(self):
        ledger = self.path("fresh/ledger.db")
        self.make_folder("fresh")
        old = os.umask(0)
        try:
            self.assert_code(0, self.run_jobrun("init", "--ledger", ledger))
            self.assert_code(0, self.run_jobrun("invoice_sync", *DAY, "--ledger", ledger))
        finally:
            os.umask(old)
        for root, folders, files in os.walk(self.path("fresh")):
            for name in folders + files:
                mode = os.stat(os.path.join(root, name)).st_mode & 0o777
                self.assertEqual(mode & 0o077, 0, f"{name}: {mode:o}")


class StrangeLedgers(Faults):
    def refused(self, *phrases):
        with open(self.ledger_path, "rb") as file:
            before = file.read()
        for words in (("invoice_sync", *DAY), ("status",), ("tick",), ("init",), ("show", "invoice_sync")):
            with self.subTest(words):
                outcome = self.run_jobrun(*words)
                self.assert_refused(78, outcome, self.ledger_path, *phrases)
                self.assertNotRegex(outcome.err, "(?i)sqlite")
        with open(self.ledger_path, "rb") as file:
            self.assertEqual(file.read(), before, "the file was written")

    def replace(self, make):
        for name in os.listdir(self.state):
            path = os.path.join(self.state, name)
            if os.path.isfile(path):
                os.unlink(path)
        make(self.ledger_path)
        os.chmod(self.ledger_path, 0o600)

    def with_database(self, sql):
        def make(path):
            with contextlib.closing(sqlite3.connect(path)) as database:
                database.executescript(sql)
        return make

    def test_a_database_that_is_not_a_ledger_is_left_alone(self):
        self.replace(self.with_database("CREATE TABLE customers (id); INSERT INTO customers VALUES (1);"))
        self.refused("is a database, but not jobrun's ledger")
        self.assertEqual(os.listdir(self.state).count("ledger.db-wal"), 0)

    def test_an_empty_file_is_not_a_ledger(self):
        self.replace(lambda path: open(path, "wb").close())
        self.refused("not jobrun's ledger")

    def test_a_ledger_of_a_newer_jobrun_is_refused(self):
        with contextlib.closing(sqlite3.connect(self.ledger_path)) as database:
            database.execute("PRAGMA user_version = 99")
        self.refused("was written by a newer jobrun (schema 99", "hint: install that version here")

    def test_a_file_that_is_no_database_is_refused(self):
        self.replace(lambda path: self.write(path, b"not a database at all\n" * 1000))
        self.refused("the file is damaged", "restore the last backup")

    def test_a_cut_ledger_is_refused(self):
        with contextlib.closing(sqlite3.connect(self.ledger_path)) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        os.truncate(self.ledger_path, os.path.getsize(self.ledger_path) // 2)
        outcome = self.run_jobrun("invoice_sync", *DAY)
        self.assert_refused(78, outcome, "the file is damaged", "restore the last backup")

    def test_a_ledger_with_a_damaged_page_is_refused_where_it_is_met(self):
        with contextlib.closing(sqlite3.connect(self.ledger_path)) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            page = database.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'runs'").fetchone()[0]
        with open(self.ledger_path, "r+b") as file:
            file.seek((page - 1) * 4096)
            file.write(b"\xa5" * 4096)
        self.assert_refused(78, self.run_jobrun("invoice_sync", *DAY), "the file is damaged", "restore the last backup")

    def test_a_ledger_without_its_tables_is_not_taken_for_a_bug(self):
        self.replace(self.with_database("PRAGMA application_id = 1785688690; PRAGMA user_version = 1; CREATE TABLE x (y);"))
        outcome = self.run_jobrun("invoice_sync", *DAY)
        self.assert_refused(78, outcome, self.ledger_path)

    def test_a_folder_in_the_ledgers_place_is_refused(self):
        self.replace(os.mkdir)
        os.chmod(self.ledger_path, 0o700)
        self.addCleanup(shutil.rmtree, self.ledger_path, ignore_errors=True)
        self.assert_refused(78, self.run_jobrun("invoice_sync", *DAY), self.ledger_path)

    def test_init_leaves_a_ledger_that_is_there_as_it_is(self):
        outcome = self.assert_code(0, self.run_jobrun("init"))
        self.assert_says(outcome, "the ledger is there already: " + self.ledger_path)
        self.assert_unchanged()


if __name__ == "__main__":
    unittest.main()
