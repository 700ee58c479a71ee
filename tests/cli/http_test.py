#!/usr/bin/python3
"""The http handler: one request for one attempt, what its answer means, and what is never sent twice (contract 2.9, 6-world 5)."""
import contextlib
import datetime
import email.utils
import http.server
import json
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
import unittest
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.jobrun_case import JobrunCase, wait_until  # noqa: E402


class Server:
    """Answers as `script(request)` says: (status, headers, body), or a function of the raw socket that takes over."""

    def __init__(self, script, tls=None):
        self.requests = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                request = {"method": self.command, "path": self.path, "headers": {k.lower(): v for k, v in self.headers.items()}, "body": body}
                outer.requests.append(request)
                reply = script(request)
                self.close_connection = True
                if callable(reply):
                    with contextlib.suppress(OSError):
                        reply(self.connection)
                    return
                status, headers, content = reply
                with contextlib.suppress(OSError):
                    self.send_response(status)
                    for name, value in {"Content-Length": str(len(content)), **headers}.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(content)

            do_POST = do_GET = do_PUT = do_HEAD = do_DELETE = do_PATCH = answer

            def log_message(self, *_):
                pass

        class Quiet(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass

        self.server = Quiet(("127.0.0.1", 0), Handler)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"{'https' if tls else 'http'}://{'localhost' if tls else '127.0.0.1'}:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def keys(self):
        return [request["headers"].get("idempotency-key") for request in self.requests]


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()


class HttpCase(JobrunCase):
    def serve(self, script, **how):
        server = Server(script, **how)
        self.addCleanup(server.close)
        return server

    def call_job(self, url, name="call", http=None, **manifest):
        manifest.setdefault("retry", {"first_delay": "0s", "jitter": 0})
        self.job(name, {"http": {"url": url, **(http or {})}, **manifest})

    def answered(self, reply, code, http=None, **manifest):
        """One attempt at a server that always answers so."""
        server = self.serve(lambda _: reply)
        self.call_job(server.url, http=http, **manifest)
        outcome = self.assert_code(code, self.run_job("call"))
        self.assertEqual(len(server.requests), 1)
        return outcome

    def last(self):
        return self.ledger("SELECT state, reason FROM attempts ORDER BY id DESC LIMIT 1")[0]


class Request(HttpCase):
    def test_the_envelope_is_the_body_and_run_unit_and_attempt_are_headers(self):
        server = self.serve(lambda _: (200, {}, b"ok"))
        self.call_job(server.url, units=[{"id": "ä 7", "config": {"depth": 2}}], config={"api": "x"}, http={"headers": {"X-Team": "billing"}})
        self.assert_code(0, self.run_job("call", "--run-id", "nightly", "--payload", '{"n": 1}', "--scheduled-at", "2026-04-12T02:00:00Z", now="2026-04-12T02:00:01Z"))
        request = server.requests[0]
        body = json.loads(request["body"])
        self.assertEqual({name: body[name] for name in ("schema_version", "job", "run_id", "run_date", "unit", "attempt", "max_attempts", "config", "payload")},
                         {"schema_version": 1, "job": "call", "run_id": "nightly", "run_date": "2026-04-12", "unit": "ä 7", "attempt": 1, "max_attempts": 4,
                          "config": {"api": "x", "depth": 2}, "payload": {"n": 1}})
        self.assertTrue(body["scheduled_at"].startswith("2026-04-12T02:00:00"))
        headers = request["headers"]
        self.assertEqual((request["method"], headers["content-type"], headers["jobrun-run-id"], headers["jobrun-run-date"], headers["jobrun-unit"], headers["jobrun-attempt"], headers["x-team"]),
                         ("POST", "application/json", "nightly", "2026-04-12", "%C3%A4%207", "1", "billing"))
        self.assertRegex(headers["traceparent"], "^00-[0-9a-f]{32}-[0-9a-f]{16}-01$")
        self.assertRegex(headers["idempotency-key"], "^jr_[0-9a-f]{32}$")
        self.assertIn("HTTP 200, 2 bytes", self.value("SELECT output_head FROM attempts"))

    def test_a_get_has_no_body(self):
        server = self.serve(lambda _: (200, {}, b""))
        self.call_job(server.url, http={"method": "GET"})
        self.assert_code(0, self.run_job("call"))
        self.assertEqual((server.requests[0]["method"], server.requests[0]["body"]), ("GET", b""))

    def test_a_run_that_is_done_sends_nothing_again(self):
        server = self.serve(lambda _: (204, {}, b""))
        self.call_job(server.url)
        for _ in range(3):
            self.assert_code(0, self.run_job("call"))
        self.assertEqual(len(server.requests), 1)
        self.assert_code(0, self.run_job("call", "--again", "--reason", "the receiver lost it"))
        self.assertEqual(len(set(server.keys())), 2)  # asked for once more: another token

    def test_the_token_may_be_quoted_and_have_a_header_of_its_own(self):
        server = self.serve(lambda _: (200, {}, b""))
        self.call_job(server.url, http={"idempotency": {"header": "X-Request-Token", "quoted": True}})
        self.assert_code(0, self.run_job("call"))
        self.assertRegex(server.requests[0]["headers"]["x-request-token"], '^"jr_[0-9a-f]{32}"$')

    def test_a_secret_is_sent_and_stands_nowhere(self):
        server = self.serve(lambda _: (500, {}, b"you sent canary-7d1f"))
        self.call_job(server.url, http={"headers": {"Authorization": "Bearer ${TOKEN}"}}, secrets={"TOKEN": "env:TOKEN_HERE"})
        outcome = self.run_job("call", env={"TOKEN_HERE": "canary-7d1f"})
        self.assertEqual(server.requests[0]["headers"]["authorization"], "Bearer canary-7d1f")
        text = outcome.out + outcome.err + self.run_jobrun("show", "call", "--json").out
        for name in os.listdir(self.state):
            with contextlib.suppress(IsADirectoryError), open(os.path.join(self.state, name), "rb") as file:
                text += file.read().decode("latin-1")
        self.assertNotIn("canary-7d1f", text)

    def test_no_proxy_is_taken_from_the_environment(self):
        server = self.serve(lambda _: (200, {}, b""))
        self.call_job(server.url)
        self.assert_code(0, self.run_job("call", env={"http_proxy": "http://127.0.0.1:1", "ALL_PROXY": "http://127.0.0.1:1"}))

    def test_a_redirect_is_followed_by_a_get_to_the_same_origin_only(self):
        other = self.serve(lambda _: (200, {}, b"other"))
        there = {}
        server = self.serve(lambda request: (200, {}, b"here") if request["path"] == "/there" else (302, {"Location": there["to"]}, b""))
        for to, method, code, reason, hops in (("/there", "GET", 0, "ok", 2), (other.url, "GET", 80, "redirected", 1), ("/there", "POST", 80, "redirected", 1), ("/hook", "GET", 80, "redirected", 6)):
            with self.subTest(to=to, method=method):
                there["to"] = to
                server.requests.clear()
                name = f"job{hops}{method.lower()}{len(to)}"
                self.call_job(server.url, name=name, http={"method": method})
                self.assert_code(code, self.run_job(name))
                self.assertEqual((self.last()[1], len(server.requests)), (reason, hops))
        self.assertEqual(other.requests, [])


class Answers(HttpCase):
    def test_every_class_of_status_has_its_verdict(self):
        current = {}
        server = self.serve(lambda _: (current["status"], {}, b""))
        cases = {(200, 201, 202, 204, 299): (0, "done", "ok"), (301, 302, 307, 308, 304): (80, "stop", "redirected"), (401, 407, 403): (80, "stop", "credentials_rejected"),
                 (400, 402, 404, 405, 410, 413, 415, 418, 422): (80, "stop", "request_refused"), (408, 425, 423, 424): (75, "retry", "unavailable"), (429,): (75, "retry", "rate_limited"),
                 (409,): (75, "retry", "in_progress"), (503,): (75, "retry", "unavailable"), (501, 505, 511): (80, "stop", "not_supported")}
        for statuses, (code, state, reason) in cases.items():
            for status in statuses:
                with self.subTest(status):
                    current["status"] = status
                    self.call_job(server.url, name=f"s{status}")
                    self.assert_code(code, self.run_job(f"s{status}"))
                    self.assertEqual(self.last(), (state, reason))
        self.assertEqual({row[0] for row in self.ledger("SELECT unit FROM pauses JOIN runs USING (job) WHERE job IN ('s401', 's403', 's407')")}, {"-"})
        self.assertEqual(self.value("SELECT count(*) FROM pauses"), 3)

    def test_an_error_in_the_middle_of_it_may_have_acted_a_token_makes_it_repeatable(self):
        for status in (500, 502, 504):
            with self.subTest(status):
                server = self.serve(lambda _, status=status: (status, {}, b""))
                self.call_job(server.url, name=f"plain{status}")
                self.assert_code(82, self.run_job(f"plain{status}"))
                self.call_job(server.url, name=f"token{status}", http={"idempotency": {}})
                for code in (75, 75, 75, 81):
                    self.assert_code(code, self.run_job(f"token{status}"))
                self.assertEqual(len(server.requests), 5)
                self.assertEqual(len(set(server.keys()[1:])), 1)

    def test_retry_after_in_all_its_forms(self):
        def stamp(seconds):
            return email.utils.format_datetime(datetime.datetime(2026, 4, 12, 2, 0, tzinfo=datetime.timezone.utc) + datetime.timedelta(seconds=seconds), usegmt=True)
        current = {}
        server = self.serve(lambda _: (503, {"Retry-After": current["value"]}, b""))
        retry = {"first_delay": "10s", "jitter": 0, "window": "6h"}
        for number, (value, wait) in enumerate((("300", 300), ("5", 10), ("0", 10), ("-5", 10), ("1.5", 10), ("2abc", 10), ("soon", 10), (stamp(600), 600), (stamp(-600), 10))):
            with self.subTest(value):
                current["value"] = value
                self.call_job(server.url, name=f"ra{number}", retry=retry)
                self.assert_code(75, self.run_job(f"ra{number}", now="2026-04-12T02:00:00Z"))
                at = self.value("SELECT next_at FROM units WHERE job = ?", f"ra{number}")
                waited = (datetime.datetime.fromisoformat(at.replace("Z", "+00:00")) - datetime.datetime(2026, 4, 12, 2, 0, tzinfo=datetime.timezone.utc)).total_seconds()
                self.assertTrue(wait <= waited < wait + 3, f"{value}: {waited}")
        current["value"] = "99999999999"
        self.call_job(server.url, name="beyond", retry=retry)
        self.assert_code(81, self.run_job("beyond"))

    def test_headers_that_say_more_than_the_status(self):
        for status, headers, code, reason in ((403, {"X-RateLimit-Remaining": "0"}, 75, "rate_limited"), (403, {"Retry-After": "1"}, 75, "rate_limited"),
                                              (400, {"Stripe-Should-Retry": "true"}, 75, "unavailable"), (503, {"Stripe-Should-Retry": "false"}, 80, "request_refused")):
            with self.subTest(headers):
                name = f"h{status}{reason}{len(str(headers))}"
                server = self.serve(lambda _, status=status, headers=headers: (status, headers, b""))
                self.call_job(server.url, name=name)
                self.assert_code(code, self.run_job(name))
                self.assertEqual(self.last()[1], reason)

    def test_the_body_may_say_the_verdict_and_against_the_status_the_worse_wins(self):
        for number, (status, body, code, reason) in enumerate(((200, {"result": "stop", "reason": "no_such_account", "message": "gone"}, 80, "no_such_account"),
                                                               (200, {"result": "retry", "reason": "not_yet", "retry_after": "10m"}, 75, "not_yet"), (200, {"result": "done"}, 0, "ok"),
                                                               (404, {"result": "done"}, 80, "request_refused"), (200, {"result": "perhaps"}, 0, "ok"))):
            with self.subTest(body):
                server = self.serve(lambda _, status=status, body=body: (status, {"Content-Type": "application/json"}, json.dumps(body).encode()))
                self.call_job(server.url, name=f"b{number}")
                self.assert_code(code, self.run_job(f"b{number}"))
                self.assertEqual(self.last()[1], reason)

    def test_rules_on_statuses_come_first(self):
        outcomes = [{"status": 404, "verdict": "done"}, {"status": ["500-599", 418], "verdict": "stop", "reason": "broken", "pause": True}]
        self.answered((404, {}, b""), 0, outcomes=outcomes)
        for status in (418, 503, 500):
            server = self.serve(lambda _, status=status: (status, {}, b""))
            self.call_job(server.url, name=f"r{status}", outcomes=outcomes)
            self.assert_code(80, self.run_job(f"r{status}"))
            self.assertEqual(self.last(), ("stop", "broken"))


class BadPeers(HttpCase):
    # Long enough for a worker to start on a busy machine; only a peer that is silent takes all of it.
    def one(self, name, script, http=None, timeout="30s", **how):
        server = self.serve(script, **how)
        self.call_job(server.url, name=name, http=http, timeout=timeout)
        return server

    def test_what_was_never_sent_is_tried_again_without_a_token(self):
        self.call_job("http://127.0.0.1:1/")
        self.assert_code(75, self.run_job("call"))
        self.assertEqual(self.last(), ("retry", "not_reachable"))
        self.call_job("http://no-such-host.invalid/", name="host")
        self.assert_code(75, self.run_job("host"))
        server = self.one("tls", lambda _: (200, {}, b""))
        self.call_job(server.url.replace("http:", "https:"), name="tls")
        self.assert_code(75, self.run_job("tls"))
        self.assertEqual(self.ledger("SELECT * FROM effects"), [])

    def test_what_may_have_arrived_is_in_doubt_and_never_blindly_repeated(self):
        peers = {"reset": reset, "silent": lambda connection: connection.recv(1 << 20), "nothing": lambda connection: connection.close(),
                 "cut": lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"), "junk": lambda connection: connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")}
        for name, peer in peers.items():
            with self.subTest(name):
                server = self.one(name, lambda _, peer=peer: peer, timeout="6s" if name == "silent" else "30s")
                self.assert_code(82, self.run_job(name))
                self.assert_code(82, self.run_job(name))
                self.assertEqual(len(server.requests), 1)

    def test_with_a_token_that_the_server_knows_it_is_sent_again_and_is_one_effect(self):
        for name, peer in (("reset", reset), ("nothing", lambda connection: connection.close()), ("after", None)):
            with self.subTest(name):
                done = {}

                def commit_then_fail(request, peer=peer, done=done):
                    key = request["headers"]["idempotency-key"]
                    seen = key in done
                    done.setdefault(key, 0)
                    done[key] += 1
                    if seen:
                        return 200, {}, b""
                    return peer if peer else (500, {}, b"")

                self.one(name, commit_then_fail, http={"idempotency": {"token_ttl": "24h"}})
                self.assert_code(75, self.run_job(name))
                self.assert_code(0, self.run_job(name))
                self.assertEqual(list(done.values()), [2])

    def test_a_token_that_is_older_than_its_life_is_not_sent_again(self):
        server = self.one("old", lambda _: reset, http={"idempotency": {"token_ttl": "1h"}})
        self.assert_code(75, self.run_job("old", now="2026-04-12T02:00:00Z"))
        self.assert_code(82, self.run_job("old", now="2026-04-12T03:00:01Z"))
        self.assertEqual(len(server.requests), 1)

    def test_a_kill_of_jobrun_while_the_request_is_out_is_not_guessed_away(self):
        for name, http, code, sent in (("plain", {}, 82, 1), ("token", {"idempotency": {}}, 0, 2)):
            with self.subTest(name):
                out = threading.Event()

                def hang_once(_, out=out):
                    if out.is_set():
                        return 200, {}, b""
                    out.set()
                    return lambda connection: time.sleep(1)

                server = self.one(name, hang_once, http=http, timeout="30s")
                process = self.start_jobrun(name, "--run-date", "2026-04-12")
                self.assertTrue(out.wait(10))
                process.kill()
                process.wait()
                answer = wait_until(lambda: (lambda outcome: outcome if outcome.code != 83 else None)(self.run_job(name)), "the lock to be free")
                self.assert_code(code, answer)
                self.assertEqual(len(server.requests), sent)
                self.assertEqual(len(set(server.keys())), 1)

    def test_an_answer_that_is_too_long_or_a_bomb_stays_within_its_limits(self):
        bomb = zlib.compressobj(9, zlib.DEFLATED, 31)
        packed = b"".join(bomb.compress(b"\0" * (1 << 20)) for _ in range(200)) + bomb.flush()
        server = self.serve(lambda _: (200, {"Content-Encoding": "gzip"}, packed))
        self.call_job(server.url, http={"method": "GET"})
        self.assert_code(80, self.run_job("call"))
        self.assertEqual(self.last(), ("stop", "answer_too_large"))
        if "JOBRUN_SANITIZED" not in os.environ:  # whose shadow memory is not ours
            self.assertLess(self.value("SELECT peak_kib FROM attempts"), 64 * 1024)
        self.call_job(self.serve(lambda _: (200, {"X-Long": "x" * 400_000}, b"")).url, name="header", http={"method": "GET"})
        self.assertIn(self.run_job("header").code, (75, 80))

    def test_a_drip_ends_by_the_deadline(self):
        def drip(connection):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            for _ in range(600):
                connection.sendall(b"x")
                time.sleep(0.1)
        self.one("drip", lambda _: drip, http={"method": "GET"}, timeout="4s")
        began = time.monotonic()
        self.assert_code(75, self.run_job("drip"))
        self.assertLess(time.monotonic() - began, 40)  # the drip takes 60 s

    @unittest.skipUnless(shutil.which("openssl"), "openssl is not installed")
    def test_a_certificate_that_nobody_vouches_for_is_refused_and_one_of_ca_file_is_not(self):
        key, certificate = self.path("key.pem"), self.path("cert.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", certificate, "-days", "2",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
        server = self.serve(lambda _: (200, {}, b""), tls=(certificate, key))
        self.call_job(server.url, name="unknown")
        self.assert_code(80, self.run_job("unknown"))
        self.assertEqual(server.requests, [])
        self.call_job(server.url, name="known", http={"ca_file": certificate})
        self.assert_code(0, self.run_job("known"))


class Success(HttpCase):
    def test_a_done_that_is_suspiciously_short_is_a_stop(self):
        self.shell_job("quick", "true\n", success={"min_duration": "10s"})
        outcome = self.assert_code(80, self.run_job("quick"))
        self.assert_says(outcome, "suspiciously_short", "a good run takes at least 10s")

    def test_a_done_with_too_few_items_is_a_stop(self):
        self.channel_job("few", 'ask("item_done", item="a")\n', success={"min_items": 2})
        self.assert_says(self.assert_code(80, self.run_job("few")), "too_few_items", "done with 1 completed items, a good run has at least 2")
        self.channel_job("enough", 'ask("item_done", item="a"); ask("item_done", item="b")\n', success={"min_items": 2})
        self.assert_code(0, self.run_job("enough"))


class Faults(HttpCase):
    def test_every_fault_of_the_manifest_has_its_own_message(self):
        url = "https://api.example.com/x"
        for manifest, said in (({"http": {}}, "http: has no url"), ({"http": {"url": "ftp://x"}}, "is not a web address"), ({"http": {"url": "https://u:p@x/"}}, "has a user name or password"),
                               ({"http": {"url": url, "method": "post"}}, 'http.method: must be "POST"'), ({"http": {"url": url, "headers": {"a b": "x"}}}, "is not the name of a header"),
                               ({"http": {"url": url, "headers": {"Host": "x"}}}, "is set by jobrun itself"), ({"http": {"url": url, "headers": {"A": "${T}"}}}, '"T" is none of the secrets'),
                               ({"http": {"url": url, "headers": {"A": "${T"}}}, "is not closed"), ({"http": {"url": url, "headers": {"A": "x\ny"}}}, "control characters"),
                               ({"http": {"url": url, "body": 1}}, "unknown key"), ({"http": {"url": url}, "command": ["x"]}, "more than one handler"),
                               ({"http": {"url": url}, "outcomes": [{"exit": 1, "verdict": "stop"}]}, "has no exit code"), ({"command": ["x"], "outcomes": [{"status": 404, "verdict": "stop"}]}, "goes with the http handler only"),
                               ({"http": {"url": url}, "outcomes": [{"status": 600, "verdict": "stop"}]}, "is not an HTTP status"), ({"http": {"url": url, "idempotency": {"token_ttl": "x"}}}, "http.idempotency.token_ttl"),
                               ({"command": ["x"], "success": {"min_items": 0}}, "success.min_items")):
            with self.subTest(manifest):
                self.job("call", manifest)
                self.assert_says(self.assert_code(78, self.run_job("call")), "call.json:", said)
        self.assertEqual(self.ledger("SELECT * FROM runs"), [])


if __name__ == "__main__":
    unittest.main()
