"""Pings: a check in Healthchecks' manner is told of start, success and failure; a retry is a log entry. Best effort."""
import pathlib
import sys
import threading
import unittest
import urllib.parse
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.jobrun_case import JobrunCase
from support.receivers import Receiver


class Pings(JobrunCase):
    def receiver(self, *answers, **how):
        receiver = Receiver(*answers, **how)
        self.addCleanup(receiver.close)
        return receiver

    def ways(self, receiver):
        return [urllib.parse.urlsplit(path).path for _, path, _, _ in receiver.requests]

    def rids(self, receiver):
        return [urllib.parse.parse_qs(urllib.parse.urlsplit(path).query)["rid"][0] for _, path, _, _ in receiver.requests]

    def test_start_and_success_carry_the_same_uuid_of_run_and_attempt(self):
        receiver = self.receiver()
        self.shell_job("well", "exit 0", pings={"url": receiver.url + "/check"})
        self.assert_code(0, self.run_job("well"))
        self.assertEqual(["/check/start", "/check"], self.ways(receiver))
        first, last = self.rids(receiver)
        self.assertEqual(first, last)
        self.assertEqual(5, uuid.UUID(first).version)

    def test_a_call_for_a_finished_run_pings_nobody(self):
        receiver = self.receiver()
        self.shell_job("well", "exit 0", pings={"url": receiver.url})
        self.run_job("well")
        self.assert_code(0, self.run_job("well"))
        self.assertEqual(2, len(receiver.requests))

    def test_a_retry_is_a_log_entry_and_only_the_end_a_failure(self):
        receiver = self.receiver()
        self.shell_job("flaky", "echo no route; exit 75", retry={"max_attempts": 2, "first_delay": "1m"}, pings={"url": receiver.url + "/c"})
        self.assert_code(75, self.run_job("flaky", now="2026-04-12T02:00:00Z"))
        self.assertEqual(["/c/start", "/c/log"], self.ways(receiver))
        self.assert_code(81, self.run_job("flaky", now="2026-04-12T02:30:00Z"))
        self.assertEqual(["/c/start", "/c/log", "/c/start", "/c/fail"], self.ways(receiver))
        self.assertEqual(2, len(set(self.rids(receiver))))
        body = receiver.requests[-1][3].decode()
        self.assertIn("exit_75", body)
        self.assertIn("no route", body)

    def test_many_units_are_one_start_and_one_end(self):
        receiver = self.receiver()
        self.shell_job("many", "test $JOBRUN_UNIT != c || exit 80", units=["a", "b", "c"], parallel=3, pings={"url": receiver.url + "/m?create=1"})
        self.assert_code(80, self.run_job("many"))
        self.assertEqual(["/m/start", "/m/fail"], self.ways(receiver))
        self.assertIn("create=1&rid=", receiver.requests[0][1])
        self.assertIn("c: exit_80", receiver.requests[1][3].decode())

    def test_secrets_are_masked_and_the_address_may_be_one(self):
        receiver = self.receiver()
        self.write("check", receiver.url + "/HIDDEN-CHECK\n")
        self.write("token", "sk_live_0815\n")
        self.shell_job("leaky", 'echo "token $TOKEN"; exit 80', secrets={"TOKEN": "file:" + self.path("token")}, pings={"url": "file:" + self.path("check")})
        self.run_job("leaky")
        self.assertEqual(["/HIDDEN-CHECK/start", "/HIDDEN-CHECK/fail"], self.ways(receiver))
        self.assertIn(b"[masked]", receiver.requests[1][3])
        self.assertNotIn(b"sk_live", receiver.requests[1][3])
        kept = b"".join(path.read_bytes() for path in pathlib.Path(self.state).iterdir() if path.is_file())
        self.assertNotIn(b"HIDDEN-CHECK", kept)

    def test_a_check_that_is_down_or_hangs_changes_nothing(self):
        down = Receiver()
        down.close()
        self.shell_job("well", "exit 0", pings={"url": down.url})
        answer = self.assert_code(0, self.run_job("well"))
        self.assertIn("ping", answer.err)
        hold = threading.Event()
        self.addCleanup(hold.set)
        hanging = self.receiver(hold=hold)
        self.shell_job("slow", "exit 0", pings={"url": hanging.url})
        self.assert_code(0, self.run_job("slow"))  # within run_jobrun's limit of a minute

    def test_a_missing_secret_is_noted_and_the_job_runs(self):
        self.shell_job("well", "touch $T/ran", pings={"url": "env:NOT_SET"})
        answer = self.assert_code(0, self.run_job("well"))
        self.assertTrue(self.has("ran"))
        self.assertIn("NOT_SET", answer.err)

    def test_what_a_job_leaves_behind_is_swept_while_a_ping_is_on_its_way(self):
        hold = threading.Event()
        self.addCleanup(hold.set)
        receiver = self.receiver(hold=hold)
        self.shell_job("litter", "setsid env -i sleep 600 >/dev/null 2>&1 & echo $! > $T/pid; exit 0", pings={"url": receiver.url})
        self.assert_code(0, self.run_job("litter"))
        self.assertFalse(pathlib.Path("/proc", self.read("pid").strip(), "cmdline").exists())
        self.assertEqual(1, len([way for way in self.ways(receiver) if way == "/start"]))


if __name__ == "__main__":
    unittest.main()
