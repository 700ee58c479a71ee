"""The main job's story on the built binary: 200 accounts, three nights, killed again and again, and every invoice still once.

Promises exact keys, not counts: which invoices are in the team's database, which tokens the receiver saw for each. The billing API and the
receiver are real HTTP servers on loopback in another process. Does not look into jobrun's memory: it asks the ledger.
"""

import json
import os
import pathlib
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
JOBRUN = os.environ.get("JOBRUN", str(ROOT / "build" / "gcc" / "jobrun"))
API = ROOT / "tests" / "support" / "billing_api.py"
ACCOUNTS = 200
NIGHTS = ("2026-04-12", "2026-04-13", "2026-04-14")
KILLS = int(os.environ.get("JOBRUN_STORY_KILLS", "20"))
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Story(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        (self.folder / "jobs").mkdir(mode=0o700)
        port_file = self.folder / "port"
        self.server = subprocess.Popen(
            ["/usr/bin/python3", str(API), "--port-file", str(port_file), "--accounts", str(ACCOUNTS), "--history", "5", "--any-time"],
            stdout=subprocess.DEVNULL)
        self.addCleanup(self.server.wait)
        self.addCleanup(self.server.terminate)
        deadline = time.monotonic() + 20
        while not port_file.exists():
            self.assertLess(time.monotonic(), deadline, "the billing API did not start")
            time.sleep(0.01)
        self.url = f"http://127.0.0.1:{port_file.read_text().strip()}"
        accounts = subprocess.run(["/usr/bin/python3", str(API), "--print-accounts", str(ACCOUNTS)], capture_output=True, check=True).stdout
        (self.folder / "jobs" / "accounts.json").write_bytes(accounts)
        manifest = {
            "native": "invoice_sync", "owner": "finance@example.com",
            "config": {"api": self.url, "store": str(self.folder / "invoices.db"), "webhook": self.url + "/webhooks/invoices",
                       "page_size": 4, "lookback": "24h", "timeout": "2s"},
            "secrets": {"BILLING_TOKEN": "env:BILLING_TOKEN", "WEBHOOK_SECRET": "env:WEBHOOK_SECRET"},
            "units": {"file": "accounts.json"}, "parallel": 4, "timeout": "1m",
            "retry": {"max_attempts": 60, "first_delay": "1s", "factor": 1, "max_delay": "1s", "window": "6h"},
        }
        (self.folder / "jobs" / "invoice_sync.json").write_text(json.dumps(manifest))
        self.environment = {"PATH": "/usr/bin:/bin", "HOME": str(self.folder), "BILLING_TOKEN": "sk_test_demo", "WEBHOOK_SECRET": SECRET,
                            "JOBRUN_LEDGER": str(self.folder / "state" / "ledger.db"), "JOBRUN_JOBS": str(self.folder / "jobs")}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                self.environment[name] = os.environ[name]
        self.assertEqual(self.call("init")[0], 0)

    def call(self, *words):
        done = subprocess.run([JOBRUN, *words], env=self.environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=300)
        return done.returncode, done.stdout, done.stderr

    def admin(self, path, body=None, method=None):
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.url + path, data=data, method=method or ("POST" if body is not None else "GET"))
        with urllib.request.urlopen(request, timeout=30) as reply:
            text = reply.read()
        return json.loads(text) if text else None

    def ledger(self, sql, *values):
        with sqlite3.connect(f"file:{self.folder}/state/ledger.db?mode=ro", uri=True) as database:
            return database.execute(sql, values).fetchall()

    def stored(self):
        with sqlite3.connect(f"file:{self.folder}/invoices.db?mode=ro", uri=True) as database:
            return [row[0] for row in database.execute("SELECT id FROM invoices")]

    def run_killed(self, night, kills, rng):
        """Calls until the code is not 75 any more, as an outer loop would; the first `kills` calls are killed at a random moment."""
        code = None
        for round_number in range(kills + 60):
            call = subprocess.Popen([JOBRUN, "invoice_sync", "--run-date", night, "--run-id", "nightly-" + night], env=self.environment,
                                    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, text=True)
            if round_number < kills:
                try:
                    call.wait(rng.uniform(0.01, 0.35))
                except subprocess.TimeoutExpired:
                    call.send_signal(signal.SIGKILL)
            output, _ = call.communicate(timeout=300)
            code = call.returncode
            if code in (75, 83):
                time.sleep(0.2)
            elif code >= 0 and round_number >= kills:
                return code, output
        self.fail(f"the run of {night} does not end: last code {code}")

    def history_of(self, unit):
        return self.ledger("SELECT r.run_date, a.number, a.state, a.reason, a.message FROM attempts a JOIN units u ON u.id = a.unit"
                           " JOIN runs r ON r.id = u.run WHERE u.unit = ? ORDER BY a.id", unit) + self.ledger(
                               "SELECT value, attempt FROM cursor_history WHERE unit = ? ORDER BY id", unit)

    def check_outside(self, without):
        report = self.admin("/admin/report")
        expected = {invoice for account, invoices in report["accounts"].items() if account not in without for invoice in invoices}
        stored = self.stored()
        self.assertEqual(len(stored), len(set(stored)), "an invoice stands twice in the team's database")
        owner = {invoice: account for account, invoices in report["accounts"].items() for invoice in invoices}
        lost = {invoice: self.history_of(owner[invoice]) for invoice in expected - set(stored)}
        self.assertEqual(lost, {}, "every invoice is in the team's database")
        self.assertEqual(set(stored) - expected, set(), "and nothing else is")
        self.assertEqual(set(report["deliveries"]), expected, "every invoice reached the receiver, and nothing else did")
        two_tokens = {key: seen for key, seen in report["deliveries"].items() if len(set(seen["tokens"])) != 1}
        self.assertEqual(two_tokens, {}, "a resend carries the same token")
        self.assertEqual(report["bad_signatures"], 0)
        return report

    def test_three_nights_of_200_accounts_end_with_every_invoice_once_whatever_is_killed(self):
        rng = random.Random(int(os.environ.get("JOBRUN_SEED", "20260412")))
        began = time.monotonic()
        for night in NIGHTS:
            self.admin("/admin/night", {"date": night, "per_account": 2})
            if night == NIGHTS[0]:
                self.admin("/admin/faults", {"account": "customer_37", "fault": "status", "status": 401})
                self.admin("/admin/faults", {"account": "customer_12", "fault": "status", "status": 503, "retry_after": 1, "times": 2})
                self.admin("/admin/faults", {"account": "customer_77", "fault": "status", "status": 429, "retry_after_date_in": 1, "times": 1})
                self.admin("/admin/faults", {"account": "customer_101", "fault": "slow", "seconds": 1, "times": 2})
                self.admin("/admin/faults", {"account": "customer_150", "fault": "cut", "times": 2})
            code, output = self.run_killed(night, KILLS, rng)
            if night == NIGHTS[0]:
                self.assertEqual(code, 80, output)
                self.assertIn("customer_37: stopped, credentials_rejected", output)
                self.assertIn("jobrun resume invoice_sync --unit customer_37", output)
                self.assertEqual(self.ledger("SELECT unit FROM pauses WHERE ended_at IS NULL"), [("customer_37",)])
            else:
                # Tomorrow's run does not meet the same dead token: the unit is left out, and said to be.
                self.assertEqual(code, 0, output)
                self.assertIn("customer_37: paused", output)
            self.check_outside(without={"customer_37"})

        # The token is renewed; two commands finish the night.
        self.admin("/admin/faults?account=customer_37", method="DELETE")
        self.assertEqual(self.call("resume", "invoice_sync", "--unit", "customer_37")[0], 0)
        code, output, _ = self.call("retry", "invoice_sync", "--run-date", NIGHTS[0], "--unit", "customer_37")
        self.assertEqual(code, 0, output)
        for night in NIGHTS:
            code, output, _ = self.call("invoice_sync", "--run-date", night)
            self.assertEqual(code, 0, output)
        report = self.check_outside(without=set())

        self.assertEqual(self.ledger("SELECT state, count(*) FROM units GROUP BY state"), [("done", ACCOUNTS * len(NIGHTS))])
        self.assertEqual(self.ledger("SELECT count(*) FROM attempts WHERE state = 'running'"), [(0,)])
        self.assertEqual(self.ledger("SELECT count(*) FROM effects WHERE state <> 'confirmed'"), [(0,)])
        crashed = self.ledger("SELECT count(*) FROM attempts WHERE state = 'crashed'")[0][0]
        resent = sum(1 for seen in report["deliveries"].values() if seen["raw"] > 1)
        print(f"figures: {KILLS * len(NIGHTS)} kills, {report['invoices']} invoices, {crashed} crashed attempts, {resent} webhooks resent with "
              f"the same token, 0 lost, 0 duplicated, {time.monotonic() - began:.0f} s")

    def test_a_finished_night_called_again_executes_nothing_and_changes_no_row(self):
        self.admin("/admin/night", {"date": NIGHTS[0], "per_account": 1})
        self.assertEqual(self.call("invoice_sync", "--run-date", NIGHTS[0])[0], 0)
        before = list(sqlite3.connect(f"file:{self.folder}/state/ledger.db?mode=ro", uri=True).iterdump())
        requests = self.admin("/admin/report")["requests"]
        code, output, errors = self.call("invoice_sync", "--run-date", NIGHTS[0], "--run-id", "again-tonight")
        self.assertEqual((code, errors), (0, ""))
        self.assertIn("is done since", output)
        self.assertIn("asked for as again-tonight", output)
        self.assertEqual(list(sqlite3.connect(f"file:{self.folder}/state/ledger.db?mode=ro", uri=True).iterdump()), before)
        self.assertEqual(self.admin("/admin/report")["requests"], requests)
        self.assertIn("invoice_sync 2026-04-12 again-tonight done", (self.folder / "state" / "ledger.db.asked").read_text())

    def test_the_control_a_job_without_an_effect_log_sends_twice_under_the_same_kills(self):
        """The oracle must be able to go red: a plain script that sends and then notes it down, killed between the two."""
        self.admin("/admin/night", {"date": NIGHTS[0], "per_account": 1})
        script = self.folder / "plain.py"
        script.write_text(PLAIN_SENDER)
        for _ in range(3):  # dies after its first send, before it is noted
            subprocess.run([sys.executable, str(script), self.url, str(self.folder / "sent.txt"), SECRET], check=False)
        report = self.admin("/admin/report")
        self.assertTrue(any(len(set(seen["tokens"])) > 1 for seen in report["deliveries"].values()), "the control stayed green")


PLAIN_SENDER = r'''
import base64, hashlib, hmac, json, os, pathlib, sys, time, urllib.request, uuid
url, sent_file, secret = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
sent = set(sent_file.read_text().split()) if sent_file.exists() else set()
request = urllib.request.Request(url + "/v1/invoices?limit=1", headers={"Authorization": "Bearer sk_test_demo", "Stripe-Account": "customer_1"})
for invoice in json.load(urllib.request.urlopen(request))["data"]:
    if invoice["id"] in sent:
        continue
    body = json.dumps({"type": "invoice.synced", "data": {"id": invoice["id"]}}).encode()
    token, stamp = str(uuid.uuid4()).replace("-", ""), str(int(time.time()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signature = base64.b64encode(hmac.new(key, f"{token}.{stamp}.".encode() + body, hashlib.sha256).digest()).decode()
    urllib.request.urlopen(urllib.request.Request(url + "/webhooks/invoices", data=body, headers={
        "webhook-id": token, "webhook-timestamp": stamp, "webhook-signature": "v1," + signature}))
    os._exit(9)
'''

if __name__ == "__main__":
    unittest.main()
