#!/usr/bin/python3
"""The lines of a call on stderr: logfmt, JSON, sentences, and the fields of a real journal."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.jobrun_case import JOBRUN, JobrunCase, REPOSITORY  # noqa: E402

# What jobrun(1) says that entries of the journal can be found by.
IDS = {what: number for number, what in re.findall(r"^\.It Dv ([0-9a-f]{32})\n([^:\n]*)", (REPOSITORY / "man/jobrun.1").read_text(), re.M)}

HOSTILE = "x\n<0>forged PRIORITY=0\nPRIORITY=0\x1b[2J"


class Lines(JobrunCase):
    def failing(self, *words, **how):
        self.shell_job("sync", "echo one; echo 'two \"quoted\"'; exit 3\n", units=["a b"])
        return self.run_job("sync", *words, **how)

    def test_logfmt_is_one_line_per_attempt_with_run_unit_attempt_and_caller(self):
        err = self.failing(env={"INVOCATION_ID": "0123456789abcdef0123456789abcdef"}).err
        self.assertEqual(len(err.splitlines()), 1, err)
        for part in ("level=warn", 'msg="attempt failed"', "job=sync", "run_id=sync:2026-04-12", "run_date=2026-04-12", "caller=systemd", 'unit="a b"', "attempt=1",
                     "verdict=retry", "reason=exit_3", 'output="one\\ntwo \\"quoted\\""'):
            self.assertIn(part, err)

    def test_json_has_the_same_names_and_every_line_is_an_object(self):
        err = self.failing("--run-id", "nightly", "--log-format", "json").err
        lines = [json.loads(line) for line in err.splitlines()]
        self.assertEqual(len(lines), 1, err)
        self.assertEqual({name: lines[0][name] for name in ("level", "msg", "job", "run_id", "run_date", "unit", "attempt", "reason", "output")},
                         {"level": "warn", "msg": "attempt failed", "job": "sync", "run_id": "nightly", "run_date": "2026-04-12", "unit": "a b", "attempt": 1,
                          "reason": "exit_3", "output": 'one\ntwo "quoted"'})
        self.assertRegex(lines[0]["ts"], r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")

    def test_json_holds_for_notes_and_errors_too(self):
        self.failing()
        err = self.assert_code(75, self.run_job("sync", "--run-id", "other", "--log-format", "json")).err
        for line in err.splitlines():
            json.loads(line)
        self.write("state/ledger.db", "no database")
        line = json.loads(self.run_job("sync", "--log-format", "json").err)
        self.assertEqual((line["level"], line["msg"][:7]), ("error", "ledger "))

    def test_a_token_says_what_it_became_in_the_same_form(self):
        self.shell_job("sync", "true\n")
        lines = [json.loads(line) for line in self.run_jobrun("sync", "--run-date", "today", "--log-format", "json").err.splitlines()]
        self.assertRegex(lines[0]["msg"], r"^--run-date today is 20")

    def test_text_is_sentences_that_name_the_attempt(self):
        err = self.failing("--log-format", "text").err
        self.assertTrue(err.startswith("sync:2026-04-12/a b#1: retry, exit_3: exited with 3; next: try again from "), err)
        self.assertTrue(err.endswith('\n  | one\n  | two "quoted"\n'), err)

    def test_quiet_stays_quiet_in_every_form(self):
        for form in ("text", "logfmt", "json", "auto"):
            self.assertEqual(self.failing("--quiet", "--log-format", form).err, "")

    def test_another_form_is_a_usage_error(self):
        self.assert_says(self.assert_code(64, self.failing("--log-format", "xml")), "is no form of log lines", "hint: write auto, text, logfmt or json")


class InTheJournal(JobrunCase):
    """stderr is the journal where $JOURNAL_STREAM says so; /run is a private one."""

    def in_private_run(self, script):
        unshare = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]
        ready = subprocess.run([*unshare, "sh", "-c", "mount --make-rprivate / && mount -t tmpfs tmpfs /run"], capture_output=True, text=True, check=False)
        if ready.returncode != 0:
            self.skipTest("no private /run can be made here: " + ready.stderr.strip())
        text = f"set -e\nmount --make-rprivate /\nmount -t tmpfs tmpfs /run\nmount -t tmpfs tmpfs /var/log\nmkdir -p /run/systemd/journal\n{script}"
        return subprocess.run([*unshare, "sh", "-c", text], env=self.environment({"JOBRUN": JOBRUN, "T": self.folder}), capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=120, check=False)

    # jobrun with its stderr in a file that JOURNAL_STREAM names
    CALL = 'call() { : > $T/stream; JOURNAL_STREAM=$(stat -c %d:%i $T/stream) $JOBRUN "$@" > $T/out 2>> $T/stream || echo "code $?"; }\n'

    def test_a_real_journal_finds_attempts_by_their_fields(self):
        journald = next((path for path in ("/lib/systemd/systemd-journald", "/usr/lib/systemd/systemd-journald") if os.path.exists(path)), None)
        if journald is None or shutil.which("journalctl") is None:
            self.skipTest("systemd-journald is not installed")
        self.shell_job("hopeless", "exit 78\n")
        self.shell_job("sync", f"printf '%s' '{HOSTILE}' | head -c 40; echo; test $JOBRUN_UNIT = a\n", units=["a", "b"])
        done = self.in_private_run(self.CALL + f"""
            {journald} & journald=$!
            for n in $(seq 200); do test -S /run/systemd/journal/socket && break; sleep 0.05; done
            call sync --run-date 2026-04-12 --run-id nightly
            journalctl --sync
            journalctl -o json JOBRUN_JOB=sync > $T/all
            journalctl -o json JOBRUN_RUN_ID=nightly JOBRUN_UNIT=b JOBRUN_ATTEMPT=1 > $T/b
            call sync --run-date 2026-04-13 --run-id second
            call hopeless --run-date 2026-04-13
            journalctl --sync
            journalctl -o json MESSAGE_ID={IDS["a unit is done"]} > $T/done
            journalctl -o json MESSAGE_ID={IDS["a unit needs a person"]} > $T/person
            kill $journald""")
        if not self.has("b") or not self.read("all"):
            self.skipTest("systemd-journald can't run here: " + (done.stderr.strip()[-300:] or "it took no entry"))
        entries = [json.loads(line) for line in self.read("all").splitlines()]
        self.assertEqual(sorted(entry["JOBRUN_UNIT"] for entry in entries), ["a", "b"])
        entry = json.loads(self.read("b"))
        self.assertEqual((entry["PRIORITY"], entry["SYSLOG_IDENTIFIER"], entry["JOBRUN_REASON"], entry["JOBRUN_RUN_DATE"]), ("4", "jobrun", "exit_1", "2026-04-12"))
        self.assertTrue(entry["MESSAGE"].startswith("nightly/b#1: retry, exit_1: exited with 1; next: try again"), entry["MESSAGE"])
        self.assertIn("\n  | <0>forged PRIORITY=0", entry["MESSAGE"])
        self.assertEqual(self.read("stream"), "")
        self.assertEqual([(json.loads(line)["JOBRUN_RUN_ID"], json.loads(line)["JOBRUN_UNIT"]) for line in self.read("done").splitlines()],
                         [("nightly", "a"), ("second", "a")])
        self.assertEqual([json.loads(line)["JOBRUN_JOB"] for line in self.read("person").splitlines()], ["hopeless"])

    def test_the_manual_has_the_message_ids_that_entries_carry(self):
        source = (REPOSITORY / "src/cli/log.hpp").read_text()
        self.assertEqual(sorted(IDS.values()), sorted(re.findall(r'_id = "([0-9a-f]{32})"', source)))

    def test_without_a_journal_lines_carry_their_priority(self):
        self.shell_job("sync", "echo one; exit 3\n")
        self.in_private_run(self.CALL + "call sync --run-date 2026-04-12\n")
        lines = self.read("stream").splitlines()
        self.assertTrue(lines[0].startswith("<4>sync:2026-04-12/-#1: retry, exit_3"), lines)
        self.assertEqual(lines[1:], ["<4>  | one"])

    def test_a_journal_that_takes_nothing_does_not_stop_the_run(self):
        self.shell_job("sync", "exit 3\n", units=[f"u{n}" for n in range(40)], parallel=4)
        self.write("full.py", """if True:
            import os, socket, subprocess, sys
            journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            journal.bind("/run/systemd/journal/socket")  # and never read
            with open(os.environ["T"] + "/stream", "w+b") as stream:
                status = os.fstat(stream.fileno())
                env = dict(os.environ, JOURNAL_STREAM=f"{status.st_dev}:{status.st_ino}")
                print(subprocess.call([os.environ["JOBRUN"], "sync", "--run-date", "2026-04-12"], stdout=subprocess.DEVNULL, stderr=stream, env=env, timeout=60))
            """)
        done = self.in_private_run("/usr/bin/python3 $T/full.py\n")
        self.assertEqual(done.stdout, "75\n", done.stderr)
        self.assertIn("<4>sync:2026-04-12/u39#1", self.read("stream"))

    def test_a_stderr_that_was_put_elsewhere_is_not_the_journal(self):
        self.shell_job("sync", "exit 3\n")
        err = self.run_job("sync", env={"JOURNAL_STREAM": "8:12345"}).err
        self.assertIn("level=warn", err)


if __name__ == "__main__":
    unittest.main()
