#!/usr/bin/python3
"""The channel as any program sees it: many clients, pipelining, limits, and peers that misbehave (jobrun-channel(7))."""
import json
import os
import pathlib
import random
import shutil
import socket
import stat
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.jobrun_case import JOBRUN, JobrunCase, wait_until  # noqa: E402


class Client:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(path)
        self.lines = self.socket.makefile("rb")

    def send(self, *requests):
        self.socket.sendall(b"".join(request if isinstance(request, bytes) else json.dumps(request).encode() + b"\n" for request in requests))

    def receive(self):
        line = self.lines.readline()
        return json.loads(line) if line else None

    def ask(self, **request):
        self.send({"id": 1, **request})
        return self.receive()

    def hello(self, **other):
        return self.ask(op="hello", **{"version": 1, "run_id": "sync:2026-04-12", "unit": "-", "attempt": 1, **other})

    def close(self):
        self.lines.close()
        self.socket.close()


class Channel(JobrunCase):
    def setUp(self):
        super().setUp()
        self.gate("gate")
        self.shell_job("sync", "echo $JOBRUN_SOCKET >$T/socket.new; mv $T/socket.new $T/socket; read x <$T/gate\n", config={"depth": 2})
        self.process = self.start_jobrun("sync", "--run-date", "2026-04-12", "--payload", '{"n": 1}')
        wait_until(lambda: self.has("socket"), "the job")
        self.socket_path = self.read("socket").strip()

    def client(self, hello=True):
        client = Client(self.socket_path)
        self.addCleanup(client.close)
        if hello:
            self.assertTrue(client.hello()["ok"])
        return client

    def end(self, code=0):
        self.open_gate("gate")
        return self.assert_code(code, self.finish(self.process))

    def assert_small(self):
        """Of jobrun itself; a sanitizer's shadow memory is not its own."""
        if "JOBRUN_SANITIZED" not in os.environ:
            self.assertLess(self.memory(), 64 * 1024, "KiB")

    def memory(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return int(next(line for line in status if line.startswith("VmRSS")).split()[1])

    def assert_refused(self, reply, code, phrase=""):
        self.assertFalse(reply["ok"], reply)
        self.assertEqual(reply["error"]["code"], code)
        self.assertIn(phrase, reply["error"]["message"])

    def test_hello_says_the_version_config_and_payload(self):
        reply = self.client(hello=False).hello()
        self.assertEqual((reply["version"], reply["config"], reply["payload"]), (1, {"depth": 2}, {"n": 1}))
        self.end()

    def test_nothing_is_heard_before_hello_and_no_other_attempt_can_be_named(self):
        client = self.client(hello=False)
        self.assert_refused(client.ask(op="checkpoint", cursor="x"), "no_attempt")
        for other in ({"attempt": 2}, {"unit": "b"}, {"run_id": "other"}):
            self.assert_refused(client.hello(**other), "no_such_attempt")
        self.assert_refused(client.ask(op="checkpoint", cursor="x"), "no_attempt")
        self.end()
        self.assertEqual(self.ledger("SELECT * FROM cursors"), [])

    def test_another_version_is_refused_with_both_numbers(self):
        self.assert_refused(self.client(hello=False).hello(version=2), "bad_request", "jobrun speaks version 1 of the channel, the peer version 2")
        self.end()

    def test_a_bad_line_is_answered_and_the_connection_goes_on(self):
        client = self.client()
        for line, phrase in ((b"not json\n", "is not JSON"), (b"[]\n", "is an object"), (b'{"id": 5, "op": "dance"}\n', "is none of"), (b'{"id": -1, "op": "cursor"}\n', "id: must be"),
                             (b'{"id": 6, "op": "checkpoint"}\n', "cursor: is missing"), (b'{"id": 7, "op": "item_done", "item": "a\\u0000b"}\n', "control characters")):
            client.send(line)
            self.assert_refused(client.receive(), "bad_request", phrase)
        self.assertTrue(client.ask(op="checkpoint", cursor="3", stream=None, unknown_member=[1])["ok"])
        self.end()
        self.assertEqual(self.value("SELECT value FROM cursors"), "3")

    def test_requests_may_be_pipelined_and_are_answered_in_their_order(self):
        client = self.client()
        count = 20_000
        for first in range(0, count, 1000):
            client.send(*[{"id": number, "op": "item_done", "item": f"i{number}"} for number in range(first, first + 1000)])
            self.assertEqual([client.receive()["id"] for _ in range(1000)], list(range(first, first + 1000)))
        self.end()
        self.assertEqual(self.value("SELECT count(*) FROM items"), count)

    def test_two_hundred_clients_at_once_are_all_served(self):
        clients = [self.client() for _ in range(200)]
        for number, client in enumerate(clients):
            client.send({"id": number, "op": "checkpoint", "stream": f"s{number}", "cursor": str(number)})
        self.assertEqual([client.receive() for client in clients], [{"id": number, "ok": True} for number in range(200)])
        self.end()
        self.assertEqual(dict(self.ledger("SELECT stream, value FROM cursors")), {f"s{number}": str(number) for number in range(200)})

    def test_a_line_that_never_ends_is_cut_off_and_nobody_else_notices(self):
        greedy, other = self.client(), self.client()
        try:
            for _ in range(64):
                greedy.send(b"x" * 65536)
        except OSError:
            pass  # it hung up
        try:
            reply = greedy.receive()
        except OSError:
            reply = None
        if reply is not None:
            self.assert_refused(reply, "line_too_long")
        self.assertTrue(other.ask(op="checkpoint", cursor="1")["ok"])
        self.assert_small()
        self.end()

    def test_a_peer_that_does_not_read_its_replies_is_not_read_from_and_nobody_else_waits(self):
        silent, other = self.client(), self.client()
        self.assertTrue(other.ask(op="checkpoint", cursor="c" * 60_000)["ok"])
        silent.socket.settimeout(1)
        asked = 0
        try:
            while asked < 400_000:  # each asks for 60 KB
                silent.send(*[{"id": asked, "op": "cursor"}] * 100)
                asked += 100
        except TimeoutError:
            pass
        self.assertLess(asked, 400_000, "it was read from without end")
        self.assertTrue(other.ask(op="item_done", item="x")["ok"])
        self.assert_small()
        self.end()

    def test_noise_breaks_nothing(self):
        dice = random.Random(7)
        noisy, other = self.client(), self.client()
        for _ in range(200):
            noisy.send(dice.randbytes(dice.randrange(1, 300)).replace(b"\n", b" ") + b"\n")
            self.assertFalse(noisy.receive()["ok"])
        self.assertTrue(other.ask(op="checkpoint", cursor="1")["ok"])
        self.end()

    def test_a_client_that_goes_away_in_the_middle_of_a_line_leaves_no_trace(self):
        client = self.client()
        client.send(b'{"id": 1, "op": "checkpoint", "curs')
        client.close()
        self.assertTrue(self.client().ask(op="item_done", item="x")["ok"])
        self.end()
        self.assertEqual(self.ledger("SELECT * FROM cursors"), [])

    def test_the_socket_is_its_users_alone_and_goes_with_the_run(self):
        folder = os.path.dirname(self.socket_path)
        self.assertEqual(stat.S_IMODE(os.stat(folder).st_mode), 0o700)
        client = self.client()
        self.end()
        self.assertIsNone(client.receive())
        self.assertFalse(os.path.exists(folder))

    def test_the_last_result_counts(self):
        client = self.client()
        self.assertTrue(client.ask(op="result", verdict="done", message="first")["ok"])
        self.assertTrue(client.ask(op="result", verdict="stop", reason="second", message="second")["ok"])
        self.end(80)
        self.assertEqual(self.attempts("sync"), [("stop", "second")])


class Starting(JobrunCase):
    @unittest.skipUnless(shutil.which("strace"), "strace is not installed")
    def test_a_tick_does_not_take_the_channel_of_a_call_that_is_just_starting_away(self):
        self.shell_job("sync", JOBRUN + " checkpoint 7\n", retry={"max_attempts": 1})
        slow = ["strace", "-o", "/dev/null", "-e", "trace=listen", "-e", "inject=listen:delay_enter=1500000"]
        call = subprocess.Popen([*slow, JOBRUN, "sync", "--run-date", "2026-04-12"], env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        folder = self.ledger_path + ".run"
        wait_until(lambda: any(os.listdir(os.path.join(folder, name)) for name in os.listdir(folder)), "the socket")
        self.assert_code(0, self.run_jobrun("tick"))
        out, err = call.communicate(timeout=60)
        self.assertEqual(call.returncode, 0, out + err)


if __name__ == "__main__":
    unittest.main()
