#!/usr/bin/python3
"""Two in the morning: three nights with failures, and every question of the person who wakes up answered by one command."""
import json
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.jobrun_case import JobrunCase  # noqa: E402

MORNING = "2026-04-12T02:30:00Z"


class Night(JobrunCase):
    def setUp(self):
        super().setUp()
        # From the second night on: a's token is rejected, b's server is down, c's connection drops once.
        self.shell_job("invoices", 'test $JOBRUN_RUN_DATE != 2026-04-10 || exit 0\n'
                                   'case $JOBRUN_UNIT in\n'
                                   'a) echo "token expired"; exit 3;;\n'
                                   'b) echo "connection refused"; exit 1;;\n'
                                   'c) test $JOBRUN_ATTEMPT -ge 2 || { echo "reset by peer"; exit 1; };;\n'
                                   'esac\n',
                       units=["a", "b", "c", "d"], owner="finance@example.com", runbook="https://wiki.example.com/invoices", period="24h",
                       retry={"max_attempts": 2, "first_delay": "5m", "jitter": 0},
                       outcomes=[{"exit": 3, "verdict": "stop", "reason": "token_rejected", "pause": True}])
        # Every night one webhook; on the third the machine goes down between the act and its confirmation.
        self.channel_job("webhook", 'date = os.environ["JOBRUN_RUN_DATE"]\nask("intend", key=f"hook:{date}")\nopen(T + "/sent", "a").write(date + "\\n")\n'
                                    'if date == "2026-04-12": os.kill(os.getpid(), 9)\nask("confirm", key=f"hook:{date}", result="sent")\nask("result", verdict="done")\n', period="24h")
        self.shell_job("figures", "true\n", period="24h", fresh_within="26h")
        for day, jobs in ((10, ("invoices", "webhook", "figures")), (11, ("invoices", "webhook")), (12, ("invoices", "webhook", "figures"))):
            for job in jobs:  # nobody called for the report of the 11th
                self.run_job(job, date=f"2026-04-{day}", now=f"2026-04-{day}T02:00:00Z")
            self.run_jobrun("tick", now=f"2026-04-{day}T02:10:00Z")

    def ask(self, *words):
        """One command, and what it answers."""
        return self.assert_code(0, self.run_jobrun(*words, now=MORNING)).out

    def test_which_job_for_whom_since_when_what_error_and_what_now(self):
        out = self.ask("status")
        first, _, rest = out.partition("\n\n")
        self.assertRegex(first, r"^\d+ need a person:\n")
        # the newest first: which job, for whom, for which night; what; since when; why; the command to type
        for what in (r"webhook 2026-04-12  in_doubt, (29|30)m .*ago, ", r"invoices a 2026-04-11  stopped, 1d.* ago, token_rejected", r"invoices b 2026-04-12  exhausted, \d+m .*ago, exit_1: exited with 1",
                     r"  the same on 1 earlier run date, back to 2026-04-11: `jobrun history invoices --unit b --state exhausted`"):
            self.assertRegex(first, r"(?m)^  " + what)
        for command in ("`jobrun retry invoices --run-date 2026-04-12 --unit b`", "jobrun effects confirm|release 'hook:2026-04-12' --job webhook", "jobrun retry invoices --run-date 2026-04-11 --unit a"):
            self.assertIn(command, first)
        self.assertIn("https://wiki.example.com/invoices", first)
        # then every job: how it stands and when it last went well
        self.assertRegex(rest, r"(?m)^webhook +2026-04-12  in_doubt +0/1 +1d.* ago ")
        self.assertRegex(rest, r"(?m)^figures +2026-04-12  done +1/1 +\d+m.* ago")

    def test_one_account_with_a_dead_token_was_asked_once_and_left_out_of_the_next_night(self):
        out = self.ask("history", "invoices", "--unit", "a", "--attempts")
        self.assertRegex(out, r"(?m)^2026-04-12  invoices  pending +2/4 +0 ")
        self.assertRegex(out, r"(?m)^2026-04-11  invoices  stopped +2/4 +1 .*token_rejected")
        self.assertEqual(len(re.findall(r"#\d", out)), 2)  # the good night's and the one that stopped it

    def test_three_partial_runs_or_one_that_failed(self):
        out = self.ask("show", "invoices:2026-04-11")
        self.assertIn("invoices for 2026-04-11, run invoices:2026-04-11: exhausted", out)
        self.assertIn("4 units: 2 done, 1 stopped, 1 exhausted", out)
        self.assertRegex(out, r"(?m)^  b  exhausted.*\n    #1  retry .*\n    #2  retry ")
        self.assertLess(out.index("  b  exhausted"), out.index("  d  done"))  # what needs a person stands first

    def test_what_was_the_error_word_for_word(self):
        self.assertIn("    | token expired\n", self.ask("show", "invoices:2026-04-11", "--unit", "a"))

    def test_which_ones_recovered_by_themselves(self):
        self.assertRegex(self.ask("history", "invoices", "--unit", "c", "--attempts"), r"c#1  retry .*exit 1.*\n    c#2  done ")

    def test_did_anything_happen_twice(self):
        effects = json.loads(self.ask("effects", "--all", "--json"))["effects"]
        self.assertEqual({effect["key"]: (effect["state"], effect["tries"]) for effect in effects},
                         {"hook:2026-04-10": ("confirmed", 1), "hook:2026-04-11": ("confirmed", 1), "hook:2026-04-12": ("in_doubt", 1)})
        self.assertEqual(self.read("sent").split(), ["2026-04-10", "2026-04-11", "2026-04-12"])
        self.assertRegex(self.ask("effects"), r"(?m)^hook:2026-04-12 +webhook ")

    def test_did_it_fail_or_did_it_never_start(self):
        self.assertRegex(self.ask("history", "figures"), r"(?m)^2026-04-12  figures +done .*\n2026-04-11  figures +missing .*no run$")
        gaps = {one["job"]: one["missing"] for one in json.loads(self.ask("history", "--gaps", "--json"))["gaps"]}
        self.assertEqual(gaps, {"invoices": [], "figures": ["2026-04-11"], "webhook": []})

    def test_what_is_typed_in_the_morning_mends_it(self):
        self.shell_job("invoices", "true\n", units=["a", "b", "c", "d"], period="24h")
        self.assert_code(0, self.run_jobrun("backfill", "figures", "--gaps", now=MORNING))
        self.assert_code(0, self.run_jobrun("resume", "invoices", now=MORNING))
        for date in ("2026-04-11", "2026-04-12"):
            self.assert_code(0, self.run_jobrun("retry", "invoices", "--run-date", date, now=MORNING))
        self.assert_code(0, self.run_jobrun("effects", "confirm", "hook:2026-04-12", "--job", "webhook", "--reason", "receiver log", now=MORNING))
        self.channel_job("webhook", 'ask("result", verdict="done")\n')
        self.assert_code(0, self.run_jobrun("retry", "webhook", now=MORNING))
        self.assertTrue(self.ask("status").startswith("nothing needs a person\n"))
        self.assertNotIn("missing\n", self.ask("history", "--gaps").replace("no run date is missing", ""))


if __name__ == "__main__":
    unittest.main()
