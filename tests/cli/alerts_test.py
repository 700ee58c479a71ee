"""Telling people: one alert for a transition, once, to a command, a webhook, Slack or a mailbox; and again at the
next call where that failed. A verdict never changes for it."""
import email
import email.policy
import json
import os
import pathlib
import signal
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.jobrun_case import JobrunCase, wait_until
from support.receivers import MailServer, Receiver, signature

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class AlertCase(JobrunCase):
    def setUp(self):
        super().setUp()
        self.write("secret", SECRET + "\n")

    def receiver(self, *answers, **how):
        receiver = Receiver(*answers, **how)
        self.addCleanup(receiver.close)
        return receiver

    def webhook(self, receiver, **more):
        return {"webhook": {"url": receiver.url + "/hook", "secret": "file:" + self.path("secret")}, **more}

    def failing_job(self, name="broken", code=80, **manifest):
        """Ends with `code`, or with what stands in the file `code`."""
        self.write("code", str(code))
        return self.shell_job(name, "exit $(cat $T/code)", **manifest)

    def bodies(self, receiver):
        return [json.loads(body) for _, _, _, body in receiver.requests]


class Targets(AlertCase):
    def test_a_command_is_given_the_message_on_its_input_and_words_in_its_environment(self):
        self.script("tell.sh", "cat > $T/body; env | grep ^JOBRUN_ | sort > $T/env; pwd > $T/pwd")
        self.failing_job(alerts=[{"command": ["./tell.sh"]}], owner="finance@example.com", runbook="https://wiki/x")
        answer = self.assert_code(80, self.run_job("broken"))
        self.assertNotIn("alert", answer.err)
        body = json.loads(self.read("body"))
        self.assertEqual((1, "job.stopped", "stopped", "broken", "2026-04-12", "broken:2026-04-12", "-", 1, "exit_80"),
                         tuple(body[name] for name in ("schema_version", "type", "event", "job", "run_date", "run_id", "unit",
                                                       "attempt", "reason")))
        self.assertEqual(("finance@example.com", "https://wiki/x", "jobrun retry broken --run-date 2026-04-12"),
                         (body["owner"], body["runbook"], body["command"]))
        self.assertEqual([("-", "stopped", 1)], [(unit["unit"], unit["event"], unit["attempt"]) for unit in body["units"]])
        words = dict(line.split("=", 1) for line in self.read("env").splitlines())
        self.assertEqual((body["id"], "stopped", "broken", "broken:2026-04-12", "-", "1", "exit_80", body["command"]),
                         tuple(words["JOBRUN_" + name] for name in ("ALERT_ID", "ALERT_EVENT", "JOB", "RUN_ID", "UNIT", "ATTEMPT",
                                                                    "REASON", "COMMAND")))
        self.assertEqual("broken 2026-04-12: stopped (exit_80)", words["JOBRUN_ALERT_SUBJECT"])
        self.assertEqual(self.jobs, self.read("pwd").strip())

    def test_a_webhook_is_signed_as_standard_webhooks_asks(self):
        receiver = self.receiver()
        self.failing_job(alerts=[self.webhook(receiver)])
        self.run_job("broken")
        (_, path, headers, body), = receiver.requests
        self.assertEqual("/hook", path)
        self.assertEqual(headers["webhook-signature"], signature(SECRET, headers["webhook-id"], headers["webhook-timestamp"], body))
        self.assertEqual(headers["webhook-id"], json.loads(body)["id"])
        self.assertNotIn(".", headers["webhook-id"])
        self.assertEqual([("sent",)], self.ledger("SELECT state FROM letters"))

    def test_slack_gets_its_shape_and_nothing_unescaped(self):
        receiver = self.receiver()
        self.write("url", receiver.url + "/services/HIDDEN\n")
        self.shell_job("shop", "exit 3", outcomes=[{"exit": 3, "verdict": "stop", "reason": "refused", "message": "<b>&no"}],
                       alerts=[{"webhook": {"url": "file:" + self.path("url"), "format": "slack"}}])
        self.run_job("shop")
        (_, path, headers, body), = receiver.requests
        self.assertEqual("/services/HIDDEN", path)
        self.assertNotIn("webhook-signature", headers)
        body = json.loads(body)
        self.assertEqual("shop 2026-04-12: stopped (refused)", body["text"])
        text = body["blocks"][0]["text"]["text"]
        self.assertIn("&lt;b&gt;&amp;no", text)
        self.assertIn("jobrun retry shop --run-date 2026-04-12", text)

    def test_sendmail_is_handed_a_whole_message(self):
        sendmail = self.script("sendmail", 'printf "%s\\n" "$@" > $T/args; cat > $T/mail')
        self.failing_job(alerts=[{"mail": {"to": ["a@example.com", "b@example.com"], "from": "jobs@example.com", "sendmail": sendmail}}])
        self.run_job("broken")
        self.assertEqual("-t\n-oi\n", self.read("args"))
        mail = email.message_from_string(self.read("mail"), policy=email.policy.default)
        self.assertEqual(("a@example.com, b@example.com", "jobrun <jobs@example.com>", "broken 2026-04-12: stopped (exit_80)", "auto-generated"),
                         (mail["To"], mail["From"], mail["Subject"], mail["Auto-Submitted"]))
        self.assertTrue(mail["Date"] and mail["Message-ID"])
        self.assertIn("jobrun retry broken --run-date 2026-04-12", mail.get_content())
        self.assertFalse(mail.defects)

    def test_a_mail_server_is_spoken_to_directly(self):
        server = MailServer()
        self.addCleanup(server.close)
        self.shell_job("letters", "exit 80", units=["grün", "."], alerts=[{"mail": {"to": "a@example.com", "server": server.url, "from": "j@example.com"}}])
        self.run_job("letters")
        (sender, to, text), = server.mails
        self.assertEqual(("j@example.com", ["a@example.com"]), (sender, to))
        mail = email.message_from_bytes(text, policy=email.policy.default)
        self.assertEqual("letters 2026-04-12: 2 units need a person (2 stopped)", mail["Subject"])
        self.assertIn("grün: stopped exit_80", mail.get_content())
        self.assertNotIn(b"\n", text.replace(b"\r\n", b""))

    def test_a_subject_beyond_ascii_is_encoded(self):
        sendmail = self.script("sendmail", "cat > $T/mail")
        self.shell_job("letters", "exit 80", units=["grün" * 20], alerts=[{"mail": {"to": "a@example.com", "sendmail": sendmail}}])
        self.run_job("letters")
        text = self.read("mail")
        self.assertTrue(all(ord(c) < 128 for c in text.split("\n\n")[0]))
        self.assertIn("grün" * 20, email.message_from_string(text, policy=email.policy.default)["Subject"])


class Transitions(AlertCase):
    def test_retries_tell_nobody_and_their_end_tells_once(self):
        receiver = self.receiver()
        self.failing_job(code=75, retry={"max_attempts": 3, "first_delay": "1m", "jitter": 0}, alerts=[self.webhook(receiver)])
        for minute, code in (0, 75), (10, 75), (30, 81), (40, 81):
            self.assert_code(code, self.run_job("broken", now=f"2026-04-12T02:{minute:02d}:00Z"))
            self.assertEqual(0 if code == 75 else 1, len(receiver.requests))
        body, = self.bodies(receiver)
        self.assertEqual(("exhausted", 3), (body["event"], body["attempt"]))

    def test_a_recovery_is_told_once_and_only_after_an_alert(self):
        receiver = self.receiver()
        self.failing_job(code=80, alerts=[self.webhook(receiver)])
        self.run_job("broken")
        self.write("code", "0")
        self.assert_code(0, self.run_jobrun("retry", "broken"))
        self.assert_code(0, self.run_job("broken", date="2026-04-13"))
        stopped, recovered = self.bodies(receiver)
        self.assertEqual(("stopped", "recovered", "job.recovered"), (stopped["event"], recovered["event"], recovered["type"]))
        self.assertEqual(stopped["since"], recovered["since"])
        self.assertEqual((None, []), (recovered["command"], [] if recovered["units"] else None))

    def test_a_target_hears_only_what_it_asks_for(self):
        all_of_it, few = self.receiver(), self.receiver()
        self.failing_job(alerts=[self.webhook(all_of_it), self.webhook(few, on=["recovered"])])
        self.run_job("broken")
        self.assertEqual((1, 0), (len(all_of_it.requests), len(few.requests)))
        self.write("code", "0")
        self.run_jobrun("retry", "broken")
        self.assertEqual((2, 1), (len(all_of_it.requests), len(few.requests)))

    def test_many_units_that_fail_in_one_call_are_one_message(self):
        receiver = self.receiver()
        self.shell_job("many", "case $JOBRUN_UNIT in u1?) exit 0;; u2) kill -9 $$;; esac; exit 80", units=[f"u{n}" for n in range(150)], parallel=4,
                       retry={"max_attempts": 1}, alerts=[self.webhook(receiver)])
        self.run_job("many")
        body, = self.bodies(receiver)
        self.assertEqual((140, {"exhausted": 1, "stopped": 139}, "exhausted", None), (body["units_total"], body["counts"], body["event"], body["unit"]))
        self.assertEqual(100, len(body["units"]))
        self.assertEqual("jobrun retry many --run-date 2026-04-12", body["command"])

    def test_an_effect_in_doubt_is_told_and_a_crash_that_uses_up_the_attempts_too(self):
        receiver = self.receiver()
        self.channel_job("doubt", 'ask("intend", key="mail:1"); sys.exit(0)', alerts=[self.webhook(receiver)])
        self.assert_code(82, self.run_job("doubt"))
        self.assertEqual(["in_doubt"], [body["event"] for body in self.bodies(receiver)])
        self.shell_job("crash", "touch $T/on; exec sleep 600", retry={"max_attempts": 1}, alerts=[self.webhook(receiver)])
        process = self.start_jobrun("crash", "--run-date", "2026-04-12")
        wait_until(lambda: self.has("on"), "the job")
        process.kill()
        process.wait()
        self.assert_code(81, self.run_job("crash"))
        self.assertEqual(["in_doubt", "exhausted"], [body["event"] for body in self.bodies(receiver)])

    def test_a_stale_job_is_found_by_tick_told_once_and_its_recovery_too(self):
        receiver = self.receiver()
        self.shell_job("fresh", "exit 0", fresh_within="26h", alerts=[self.webhook(receiver)])
        self.run_job("fresh", now="2026-04-12T02:00:00Z")
        for now in "2026-04-13T03:00:00Z", "2026-04-13T05:00:00Z", "2026-04-13T06:00:00Z":
            self.assert_code(0, self.run_jobrun("tick", now=now))
        stale, = self.bodies(receiver)
        self.assertEqual(("stale", "fresh", None, None, 0), (stale["event"], stale["job"], stale["run_id"], stale["unit"], stale["units_total"]))
        self.assertIn("last success", stale["message"])
        self.run_job("fresh", date="2026-04-13", now="2026-04-13T07:00:00Z")
        self.run_jobrun("tick", now="2026-04-13T07:05:00Z")
        self.assertEqual(["stale", "recovered"], [body["event"] for body in self.bodies(receiver)])

    def test_a_preflight_tells_nobody(self):
        receiver = self.receiver()
        self.failing_job(alerts=[self.webhook(receiver)], pings={"url": receiver.url})
        self.run_jobrun("preflight", "broken", "--run-date", "2026-04-12")
        self.assertEqual([], receiver.requests)

    def test_the_configuration_tells_for_jobs_that_say_nothing_themselves(self):
        receiver = self.receiver()
        config = self.write("config.json", json.dumps({"alerts": [self.webhook(receiver)]}))
        self.failing_job("silent")
        self.failing_job("muted", alerts=[])
        for job in "silent", "muted":
            self.assert_code(80, self.run_job(job, env={"JOBRUN_CONFIG": config}))
        self.assertEqual(["silent"], [body["job"] for body in self.bodies(receiver)])


class Outbox(AlertCase):
    def test_what_could_not_be_delivered_is_told_at_a_later_call_of_any_job(self):
        receiver = self.receiver(503, 200)
        self.failing_job(alerts=[self.webhook(receiver)])
        answer = self.assert_code(80, self.run_job("broken", now="2026-04-12T02:00:00Z"))
        self.assertIn("HTTP 503", answer.err)
        self.assertIn("tried again from", answer.err)
        self.shell_job("other", "exit 0")
        self.run_job("other", date="2026-04-10", now="2026-04-12T02:00:10Z")
        self.assertEqual(1, len(receiver.requests))  # not due
        self.run_job("other", date="2026-04-11", now="2026-04-12T02:05:00Z")
        (_, _, first, body), (_, _, second, again) = receiver.requests
        self.assertEqual((first["webhook-id"], body), (second["webhook-id"], again))
        self.assertEqual([("sent", 2)], self.ledger("SELECT state, tries FROM letters"))

    def test_tick_delivers_too_and_a_call_for_a_finished_run_does_not(self):
        receiver = self.receiver(503, 200)
        self.failing_job(alerts=[self.webhook(receiver)])
        self.run_job("broken", now="2026-04-12T02:00:00Z")
        self.assert_code(80, self.run_job("broken", now="2026-04-12T03:00:00Z"))
        self.assertEqual(1, len(receiver.requests))
        self.assert_code(0, self.run_jobrun("tick", now="2026-04-12T03:01:00Z"))
        self.assertEqual(2, len(receiver.requests))

    def test_a_receiver_that_is_down_changes_no_verdict_and_what_is_given_up_is_seen(self):
        receiver = Receiver()
        receiver.close()
        self.failing_job(alerts=[self.webhook(receiver)])
        self.shell_job("fine", "exit 0", alerts=[self.webhook(receiver)])
        self.assert_code(80, self.run_job("broken", now="2026-04-12T02:00:00Z"))
        self.assert_code(0, self.run_job("fine", now="2026-04-12T02:00:00Z"))
        for hour in range(3, 24):
            self.run_jobrun("tick", now=f"2026-04-12T{hour:02d}:00:00Z")
        self.assertGreater(self.value("SELECT tries FROM letters"), 10)
        self.run_jobrun("tick", now="2026-04-15T02:00:00Z")
        self.assertEqual([("given_up",)], self.ledger("SELECT state FROM letters"))
        self.assert_says(self.run_jobrun("status"), "not_delivered", "given_up")

    def test_doctor_tells_which_target_can_not_be_reached_and_why(self):
        self.assert_says(self.run_jobrun("doctor"), "ok    alerts: none is undelivered")
        receiver = Receiver()
        receiver.close()
        self.failing_job(alerts=[self.webhook(receiver)])
        self.assert_code(80, self.run_job("broken", now="2026-04-12T02:00:00Z"))
        told = self.run_jobrun("doctor", now="2026-04-12T02:01:00Z")
        self.assert_says(told, "warn  alerts: 1 of broken not delivered to", receiver.url + "/hook",
                         "mend the target; a call of jobrun from 2026-04-12T02:")
        self.run_jobrun("tick", now="2026-04-15T02:00:00Z")
        self.assert_says(self.run_jobrun("doctor"), "given up: mend the target")

    def test_a_receiver_that_is_gone_for_good_is_given_up_at_once(self):
        receiver = self.receiver(410)
        self.failing_job(alerts=[self.webhook(receiver)])
        self.run_job("broken")
        self.assertEqual([("given_up", 1)], self.ledger("SELECT state, tries FROM letters"))
        self.assertIn("an alert was given up (", self.run_jobrun("check").out)

    def test_retry_after_is_heeded(self):
        receiver = self.receiver(429, 200, headers={"Retry-After": "7200"})
        self.failing_job(alerts=[self.webhook(receiver)])
        self.run_job("broken", now="2026-04-12T02:00:00Z")
        self.run_jobrun("tick", now="2026-04-12T03:30:00Z")
        self.assertEqual(1, len(receiver.requests))
        self.run_jobrun("tick", now="2026-04-12T04:30:00Z")
        self.assertEqual(2, len(receiver.requests))

    def test_a_missing_secret_is_told_and_stops_no_run(self):
        receiver = self.receiver()
        self.failing_job(alerts=[{"webhook": {"url": receiver.url, "secret": "env:NOT_SET"}}])
        answer = self.assert_code(80, self.run_job("broken", now="2026-04-12T02:00:00Z"))
        self.assertIn("NOT_SET", answer.err)
        self.run_jobrun("tick", now="2026-04-12T03:00:00Z", env={"NOT_SET": SECRET})
        self.assertEqual(1, len(receiver.requests))

    def test_nothing_secret_stands_in_the_ledger_in_a_message_or_in_a_command_line(self):
        hold = threading.Event()
        self.addCleanup(hold.set)
        receiver = self.receiver(500, hold=hold)
        self.write("url", receiver.url + "/services/HIDDEN-PATH?key=HIDDEN-KEY\n")
        self.failing_job(alerts=[self.webhook(receiver), {"webhook": {"url": "file:" + self.path("url"), "format": "slack"}}])
        process = self.start_jobrun("broken", "--run-date", "2026-04-12")
        wait_until(lambda: len(receiver.requests) == 2, "both requests")
        seen = b"".join(pathlib.Path(f"/proc/{pid}", name).read_bytes() for pid in os.listdir("/proc") if pid.isdigit()
                        for name in ("cmdline",) if os.path.exists(f"/proc/{pid}/cmdline"))
        hold.set()
        answer = self.finish(process)
        kept = b"".join(path.read_bytes() for path in pathlib.Path(self.state).iterdir() if path.is_file())
        for text in seen, kept, (answer.out + answer.err).encode():
            for secret in b"HIDDEN-PATH", b"HIDDEN-KEY", SECRET.encode():
                self.assertNotIn(secret, text)
        self.assert_code(80, answer)
        self.assertIn("HTTP 500", answer.err)

    def test_a_receiver_that_hangs_delays_the_answer_no_longer_than_said(self):
        hold = threading.Event()
        self.addCleanup(hold.set)
        receiver = self.receiver(200, hold=hold)
        self.failing_job(alerts=[self.webhook(receiver)])
        self.assert_code(80, self.run_job("broken"))  # within run_jobrun's limit of a minute
        self.assertEqual([("waiting", 1)], self.ledger("SELECT state, tries FROM letters"))

    def test_a_stop_while_it_waits_for_a_receiver_is_obeyed_and_the_letter_waits(self):
        hold = threading.Event()
        self.addCleanup(hold.set)
        receiver = self.receiver(200, hold=hold)
        self.failing_job(alerts=[self.webhook(receiver)])
        process = self.start_jobrun("broken", "--run-date", "2026-04-12")
        wait_until(lambda: receiver.requests, "the request")
        process.send_signal(signal.SIGTERM)
        self.assert_code(80, self.finish(process))
        self.assertEqual([("waiting", 0)], self.ledger("SELECT state, tries FROM letters"))

    def test_two_targets_of_one_kind_are_two_letters(self):
        receiver = self.receiver()
        self.failing_job(alerts=[self.webhook(receiver), self.webhook(receiver)])
        self.run_job("broken")
        self.assertEqual(2, len({headers["webhook-id"] for _, _, headers, _ in receiver.requests}))


class Kills(AlertCase):
    def test_over_twenty_kills_every_transition_is_told_and_every_try_says_the_same(self):
        receiver = self.receiver()
        self.failing_job(alerts=[self.webhook(receiver)])
        kills = 0
        for number in range(20):
            date = f"2026-05-{1 + number:02d}"
            process = self.start_jobrun("broken", "--run-date", date)
            # Killed at another place each time: as soon as the ledger, or the receiver, has come that far.
            marks = [lambda d=date: self.ledger("SELECT 1 FROM units u JOIN runs r ON r.id = u.run WHERE r.run_date = ? AND u.state = 'stopped'", d),
                     lambda: self.ledger("SELECT 1 FROM letters WHERE state = 'waiting'"),
                     lambda n=len(receiver.requests): len(receiver.requests) > n,
                     lambda d=date: self.ledger("SELECT 1 FROM attempts a JOIN units u ON u.id = a.unit JOIN runs r ON r.id = u.run WHERE r.run_date = ?", d)]
            wait_until(lambda m=marks[number % 4], p=process: m() or p.poll() is not None, "the place to kill at")
            kills += process.poll() is None
            process.kill()
            process.wait()
        self.assertGreater(kills, 5)
        for number in range(20):  # those that were killed while they ran
            self.run_job("broken", date=f"2026-05-{1 + number:02d}")
        self.run_jobrun("tick")
        by_id = {}
        for _, _, headers, body in receiver.requests:
            by_id.setdefault(headers["webhook-id"], set()).add(body)
        self.assertTrue(all(len(bodies) == 1 for bodies in by_id.values()))
        told = sorted((unit["attempt"], body["run_date"]) for bodies in by_id.values() for body in map(json.loads, bodies) for unit in body["units"])
        happened = sorted(self.ledger("SELECT u.attempts, r.run_date FROM units u JOIN runs r ON r.id = u.run WHERE u.state = 'stopped'"))
        self.assertEqual(20, len(happened))
        self.assertEqual(happened, told)
        self.assertEqual(20, self.value("SELECT count(*) FROM alerts"))
        self.assertEqual([(0,)], self.ledger("SELECT count(*) FROM letters WHERE state <> 'sent'"))


if __name__ == "__main__":
    unittest.main()
