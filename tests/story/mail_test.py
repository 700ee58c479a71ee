#!/usr/bin/python3
"""A shell job mails 100 customers with `jobrun once` and is killed 50 times: by a probe each mail once, by `stop` none twice and every unknown one listed.

The mail goes to a receiver on loopback that counts deliveries per key and takes its time between taking one and saying so, so that kills fall
in between. The kills hit jobrun alone, or jobrun and all processes of the job.
"""

import collections
import http.server
import json
import os
import pathlib
import random
import signal
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.jobrun_case import JOBRUN, JobrunCase  # noqa: E402

CUSTOMERS = 100
KILLS = 50
PROBE = 'case $(curl -s -o /dev/null -w "%{http_code}" $URL/$JOBRUN_EFFECT_KEY) in 200) exit 0;; 404) exit 1;; *) exit 2;; esac'
JOB = """set -e
for c in $(seq %d); do
  %s once mail:$c %s -- curl -sS --fail --max-time 10 -d "Dear customer $c" -H "Idempotency-Key: $JOBRUN_IDEMPOTENCY_KEY" $URL/mail:$c
done
"""


class Receiver:
    def __init__(self):
        self.deliveries = collections.Counter()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                outer.deliveries[self.path.lstrip("/")] += 1
                time.sleep(0.01)
                self.answer(200)

            def do_GET(self):
                self.answer(200 if self.path.lstrip("/") in outer.deliveries else 404)

            def answer(self, status):
                try:
                    self.send_response(status)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                except OSError:
                    pass  # the sender was killed

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Mail(JobrunCase):
    def setUp(self):
        super().setUp()
        self.receiver = Receiver()
        self.addCleanup(self.receiver.close)
        self.dice = random.Random(20260412)
        self.kills = self.settled = 0
        self.retry_was_cut_off = False

    def mail_job(self, policy):
        self.shell_job("mail", JOB % (CUSTOMERS, JOBRUN, policy), env={"URL": self.receiver.url}, retry={"max_attempts": 100, "first_delay": "0s", "window": "6h"})

    def call(self):
        """One call of an outer loop, killed at a random moment as long as there are kills left."""
        process = self.start_jobrun("mail", "--run-date", "2026-04-12", start_new_session=True)
        if self.kills < KILLS:
            self.wait_for_a_moment(process)
            if process.poll() is None:
                self.kills += 1
                if self.dice.random() < 0.5:
                    self.kill_all_of(process.pid)
                process.send_signal(signal.SIGKILL)
        return self.finish(process)

    def wait_for_a_moment(self, process):
        """Somewhere around the next one or two mails: some of these moments are between a delivery and its confirmation."""
        wanted = sum(self.receiver.deliveries.values()) + self.dice.choice((0, 1, 1, 2))
        while sum(self.receiver.deliveries.values()) < wanted and process.poll() is None:
            time.sleep(0.001)
        time.sleep(self.dice.uniform(0, 0.02))

    def kill_all_of(self, jobrun):
        """The processes of the job: they carry its folder in their environment."""
        for entry in os.listdir("/proc"):
            if not entry.isdigit() or int(entry) in (os.getpid(), jobrun):
                continue
            try:
                with open(f"/proc/{entry}/environ", "rb") as environ:
                    if b"JOBRUN_SOCKET=" + self.folder.encode() in environ.read():
                        os.kill(int(entry), signal.SIGKILL)
            except OSError:
                pass

    def run_to_its_end(self, settle):
        for _ in range(1000):
            outcome = self.call()
            if outcome.code == 82:
                settle()
            elif outcome.code == 0:
                return
            else:
                self.assertIn(outcome.code, (75, 83, -signal.SIGKILL), outcome.out + outcome.err)
                time.sleep(0.01)
        self.fail("the run does not end")

    def check(self):
        self.assertEqual(self.kills, KILLS)
        self.assertEqual(dict(self.receiver.deliveries), {f"mail:{number}": 1 for number in range(1, CUSTOMERS + 1)})
        self.assertEqual(self.value("SELECT count(*) FROM effects WHERE state = 'confirmed'"), CUSTOMERS)

    def test_with_a_probe_each_mail_is_sent_exactly_once(self):
        self.mail_job(f"--probe '{PROBE}'")
        self.run_to_its_end(lambda: self.fail("nothing is left to a person where a probe can tell"))
        self.check()
        print(f"figures: {CUSTOMERS} mails, {self.kills} kills, by a probe: {sum(self.receiver.deliveries.values())} deliveries, "
              f"{self.value('SELECT sum(tries) FROM effects')} tries, {self.value('SELECT max(attempts) FROM units')} attempts")

    def test_with_stop_no_mail_is_sent_twice_and_every_unknown_one_is_listed(self):
        self.mail_job("")

        def settle():
            """The person who is asked: finds out, and says so."""
            listed = json.loads(self.run_jobrun("effects", "--json").out)["effects"]
            self.assertTrue(listed or self.retry_was_cut_off, "82 without an effect in doubt")
            for effect in listed:
                word = "confirm" if effect["key"] in self.receiver.deliveries else "release"
                self.assert_code(0, self.run_jobrun("effects", word, effect["key"], "--job", "mail", "--reason", "looked at the receiver"))
                self.settled += 1
            process = self.start_jobrun("retry", "mail")
            self.retry_was_cut_off = False
            self.wait_for_a_moment(process)
            if self.kills < KILLS and process.poll() is None:
                self.kills += 1
                self.retry_was_cut_off = True  # perhaps before it opened the unit: then 82 stands, and nothing is left to settle
                process.kill()
            self.finish(process)

        self.run_to_its_end(settle)
        self.check()
        self.assertGreater(self.settled, 0, "no kill fell between intent and confirmation: nothing was shown")
        print(f"figures: {CUSTOMERS} mails, {self.kills} kills, left to a person: {sum(self.receiver.deliveries.values())} deliveries, {self.settled} were in doubt and listed")


if __name__ == "__main__":
    unittest.main()
