#!/usr/bin/python3
"""Tests of billing_api.py, from outside: each starts the server as its users do and talks HTTP to it."""
import base64
import email.utils
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

SERVER = str(pathlib.Path(__file__).with_name("billing_api.py"))
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
FIRST_NIGHT = 1775952000  # 2026-04-12, the default


def signature(token, stamp, body, secret=SECRET):
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.new(key, f"{token}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(mac).decode()


class Server:
    def __init__(self, *arguments):
        self.folder = tempfile.TemporaryDirectory()
        self.port_file = os.path.join(self.folder.name, "port")
        self.process = subprocess.Popen([sys.executable, SERVER, "--port-file", self.port_file, *arguments],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.greeting = self.process.stdout.readline()
        self.port = int(pathlib.Path(self.port_file).read_text())

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        output = self.process.communicate(timeout=10)
        self.folder.cleanup()
        return self.process.returncode, output


class BillingApiTest(unittest.TestCase):
    def start(self, *arguments):
        self.stop()
        self.server = Server("--accounts", "5", *arguments)

    def stop(self):
        if self.server:
            server, self.server = self.server, None
            self.assertEqual(server.stop(), (0, ("", "")), "the server ended with words or a status")

    def setUp(self):
        self.server = Server("--accounts", "5", "--history", "40")
        self.addCleanup(self.stop)

    def ask(self, method, path, body=None, headers=None, timeout=10):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=timeout)
        try:
            if body is not None and not isinstance(body, bytes):
                body = json.dumps(body).encode()
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.headers
        finally:
            connection.close()

    def list(self, query="", account="customer_1", token="sk_test_demo", timeout=10):
        headers = {"Authorization": "Bearer " + token, "Stripe-Account": account}
        return self.ask("GET", "/v1/invoices" + query, headers=headers, timeout=timeout)

    def page(self, query="", account="customer_1"):
        status, body, _ = self.list(query, account)
        self.assertEqual(status, 200, body)
        return json.loads(body)

    def ids(self, query="", account="customer_1"):
        return [row["id"] for row in self.page(query, account)["data"]]

    def walk(self, limit=7, account="customer_1"):
        rows, page = [], self.page(f"?limit={limit}", account)
        while True:
            rows += page["data"]
            if not page["has_more"]:
                return rows
            page = self.page(f"?limit={limit}&starting_after={rows[-1]['id']}", account)

    def admin(self, method, path, body=None, want=None):
        status, answer, _ = self.ask(method, path, body)
        self.assertIn(status, (want,) if want else (200, 204), answer)
        return json.loads(answer) if answer else None

    def fault(self, want=None, **fields):
        return self.admin("POST", "/admin/faults", {"account": "customer_1", **fields}, want)

    def webhook_fault(self, **fields):
        self.admin("POST", "/admin/webhook-faults", fields)

    def report(self):
        return self.admin("GET", "/admin/report")

    def summary(self):
        return self.admin("GET", "/admin/summary")

    def deliver(self, invoice, token="msg_1", stamp=None, given=None, body=None, timeout=10):
        body = body or json.dumps({"type": "invoice.created", "data": {"id": invoice}}).encode()
        stamp = int(time.time()) if stamp is None else stamp
        headers = {"webhook-id": token, "webhook-timestamp": str(stamp),
                   "webhook-signature": given or signature(token, stamp, body)}
        return self.ask("POST", "/webhooks/invoices", body, headers, timeout)

    def give_up_on(self, invoice, count):
        """Gives up on the answer, and waits until the delivery has come in as the `count`-th: the client does not wait for that."""
        with self.assertRaises(TimeoutError):
            self.deliver(invoice, timeout=0.3)
        deadline = time.monotonic() + 30
        while self.summary()["raw_deliveries"] < count and time.monotonic() < deadline:
            time.sleep(0.02)

    def assert_error(self, answer, status, code, param=None):
        self.assertEqual(answer[0], status, answer[1])
        error = json.loads(answer[1])["error"]
        self.assertEqual(sorted(error), ["code", "message", "param", "type"])
        self.assertEqual((error["code"], error["param"]), (code, param))
        self.assertEqual(error["type"], "api_error" if status >= 500 else "invalid_request_error")
        self.assertTrue(error["message"])


class StartingAndEnding(BillingApiTest):
    def test_it_says_one_line_and_writes_its_port_with_nothing_else_left_beside(self):
        self.assertEqual(self.server.greeting, f"billing_api listens on http://127.0.0.1:{self.server.port}\n")
        self.assertEqual(os.listdir(self.server.folder.name), ["port"])

    def test_it_ends_silently_on_sigterm_while_connections_are_open_and_an_answer_is_due(self):
        self.fault(fault="slow", seconds=60)
        with socket.create_connection(("127.0.0.1", self.server.port)) as sock:
            sock.sendall(b"GET /v1/invoices HTTP/1.1\r\nAuthorization: Bearer sk_test_demo\r\n"
                         b"Stripe-Account: customer_1\r\n\r\n")
            time.sleep(0.1)
            self.stop()

    def test_it_does_not_listen_on_other_addresses(self):
        with self.assertRaises(OSError):
            socket.create_connection(("127.0.0.2", self.server.port), timeout=2).close()

    def test_it_prints_accounts_as_units(self):
        printed = subprocess.run([sys.executable, SERVER, "--print-accounts", "2"], capture_output=True, check=True)
        self.assertEqual(json.loads(printed.stdout), [{"id": "customer_1", "config": {"account": "customer_1"}},
                                                      {"id": "customer_2", "config": {"account": "customer_2"}}])

    def test_a_connection_serves_many_requests_even_sent_at_once(self):
        request = b"GET /admin/summary HTTP/1.1\r\nHost: x\r\n\r\n"
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=5) as sock:
            sock.sendall(request * 2 + request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            everything = b""
            while data := sock.recv(65536):
                everything += data
        self.assertEqual(everything.count(b"HTTP/1.1 200 OK"), 3)

    def test_an_unreadable_request_and_an_unknown_url_get_errors(self):
        self.assert_error(self.ask("GET", "/v1/charges"), 404, "unknown_url")
        self.assert_error(self.ask("PUT", "/v1/invoices"), 404, "unknown_url")
        self.assert_error(self.ask("POST", "/admin/night", b"", {"Transfer-Encoding": "chunked"}), 400, "bad_request")


class ListApi(BillingApiTest):
    def test_a_page_is_newest_first_and_says_whether_more_follow(self):
        page = self.page("?limit=5")
        self.assertEqual((page["object"], page["url"], page["has_more"]), ("list", "/v1/invoices", True))
        keys = [(row["created"], row["id"]) for row in page["data"]]
        self.assertEqual(keys, sorted(keys, reverse=True))
        self.assertEqual(len(keys), 5)
        self.assertEqual(len(self.page()["data"]), 10)
        self.assertFalse(self.page("?limit=100")["has_more"])

    def test_walking_by_starting_after_meets_every_invoice_once_at_every_page_size(self):
        everything = self.report()["accounts"]["customer_1"]
        for limit in (1, 2, 7, 100, len(everything)):
            self.assertEqual([row["id"] for row in self.walk(limit)], everything)

    def test_ending_before_gives_the_rows_just_newer_still_newest_first(self):
        everything = self.report()["accounts"]["customer_1"]
        page = self.page(f"?limit=3&ending_before={everything[5]}")
        self.assertEqual([row["id"] for row in page["data"]], everything[2:5])
        self.assertTrue(page["has_more"])
        page = self.page(f"?limit=3&ending_before={everything[3]}")
        self.assertEqual([row["id"] for row in page["data"]], everything[:3])
        self.assertFalse(page["has_more"])
        self.assertEqual(self.ids(f"?ending_before={everything[0]}"), [])

    def test_created_bounds_hold_with_plain_and_percent_encoded_brackets(self):
        rows = self.walk()
        low, high = rows[20]["created"], rows[4]["created"]
        compare = {"gte": lambda row: row["created"] >= low, "gt": lambda row: row["created"] > low,
                   "lte": lambda row: row["created"] <= high, "lt": lambda row: row["created"] < high}
        for lower in ("gte", "gt"):
            for upper in ("lte", "lt"):
                wanted = [row["id"] for row in rows if compare[lower](row) and compare[upper](row)]
                query = f"limit=100&created[{lower}]={low}&created[{upper}]={high}"
                self.assertEqual(self.ids("?" + query), wanted)
                self.assertEqual(self.ids("?" + urllib.parse.quote(query, safe="=&")), wanted)

    def test_bounds_and_cursor_together_say_more_only_if_more_is_inside(self):
        rows = self.walk()
        low = rows[9]["created"]
        inside = [row["id"] for row in rows if row["created"] >= low]
        page = self.page(f"?limit=4&created[gte]={low}&starting_after={inside[-5]}")
        self.assertEqual([row["id"] for row in page["data"]], inside[-4:])
        self.assertFalse(page["has_more"])
        older = f"?created[gt]={rows[3]['created']}&starting_after={rows[12]['id']}"
        self.assertEqual((self.ids(older), self.page(older)["has_more"]), ([], False))

    def test_a_wrong_token_is_401_and_an_account_unknown_or_missing_is_refused(self):
        self.assert_error(self.list(token="other"), 401, "api_key_invalid")
        self.assert_error(self.list(account="customer_6"), 404, "resource_missing", "Stripe-Account")
        answer = self.ask("GET", "/v1/invoices", headers={"Authorization": "Bearer sk_test_demo"})
        self.assert_error(answer, 400, "parameter_missing", "Stripe-Account")

    def test_an_unknown_cursor_is_a_missing_resource_also_if_it_is_another_accounts(self):
        others = self.report()["accounts"]["customer_2"][0]
        for name in ("starting_after", "ending_before"):
            for text in ("in_unknown", others, ""):
                self.assert_error(self.list(f"?{name}={text}"), 404, "resource_missing", name)

    def test_bad_parameters_are_named(self):
        for query, code, param in (("limit=0", "parameter_invalid_integer", "limit"),
                                   ("limit=101", "parameter_invalid_integer", "limit"),
                                   ("limit=x", "parameter_invalid_integer", "limit"),
                                   ("created[gte]=today", "parameter_invalid_integer", "created[gte]"),
                                   ("colour=red", "parameter_unknown", "colour")):
            self.assert_error(self.list("?" + query), 400, code, param)
        one, two = self.report()["accounts"]["customer_1"][:2]
        self.assert_error(self.list(f"?starting_after={one}&ending_before={two}"), 400, "parameter_invalid",
                          "ending_before")


class Invoices(BillingApiTest):
    def test_an_invoice_has_every_field_and_its_sums_agree(self):
        for row in self.walk(100):
            self.assertRegex(row["id"], "^in_[0-9A-Za-z]{24}$")
            self.assertEqual((row["object"], row["account_name"]), ("invoice", "customer_1"))
            self.assertEqual(row["total"], sum(line["amount"] for line in row["lines"]["data"]))
            self.assertEqual(row["amount_due"], row["total"])
            self.assertEqual(row["amount_paid"], row["total"] if row["status"] == "paid" else 0)
            self.assertIn(row["status"], ("paid", "open", "void"))
            self.assertIn(len(row["lines"]["data"]), (1, 2, 3))
            self.assertIs(row["lines"]["has_more"], False)
            self.assertLess(row["period_start"], row["period_end"])
            self.assertLessEqual(row["period_end"], row["created"])
            self.assertIn("example.com/", row["hosted_invoice_url"])
            self.assertIsInstance(row["metadata"], dict)
            for name in ("currency", "customer", "customer_email", "customer_name", "number"):
                self.assertTrue(row[name])

    def test_names_hold_quotes_and_emoji_spelled_both_as_utf8_and_escaped(self):
        bodies = b"".join(self.list("?limit=100", f"customer_{n}")[1] for n in range(1, 6))
        for part in ("🌸".encode(), b"\\ud83c\\udf38", b'\\"Big D\\"', b"Back\\\\slash"):
            self.assertIn(part, bodies)

    def test_some_invoices_share_their_second_and_numbers_and_ids_never_repeat(self):
        rows = self.walk(100)
        self.assertLess(len({row["created"] for row in rows}), len(rows))
        self.assertEqual(len({row["id"] for row in rows}), len(rows))
        self.assertEqual(len({row["number"] for row in rows}), len(rows))

    def test_history_is_between_half_and_three_halves_and_ends_before_the_first_night(self):
        sizes = {len(names) for names in self.report()["accounts"].values()}
        self.assertTrue(all(20 <= size <= 60 for size in sizes), sizes)
        self.assertGreater(len(sizes), 1)
        rows = self.walk(100)
        self.assertLess(rows[0]["created"], FIRST_NIGHT)
        self.assertGreaterEqual(rows[-1]["created"], FIRST_NIGHT - 90 * 86400)
        self.start("--history", "0")
        self.assertEqual(self.report()["invoices"], 0)
        self.assertEqual(self.page(), {"object": "list", "url": "/v1/invoices", "has_more": False, "data": []})

    def test_the_seed_and_the_nights_fix_every_byte_in_any_order_of_nights(self):
        def everything(seed, nights):
            self.start("--history", "9", "--seed", seed)
            for night in nights:
                self.admin("POST", "/admin/night", {"date": night, "per_account": 3})
            return [self.list("?limit=100", f"customer_{n}")[1] for n in range(1, 6)]

        nights = ["2026-04-12", "2026-04-13"]
        first = everything("1", nights)
        self.assertEqual(everything("1", nights[::-1]), first)
        self.assertNotEqual(everything("2", nights), first)

    def test_a_night_adds_invoices_of_its_day_once(self):
        before = self.report()["accounts"]
        added = self.admin("POST", "/admin/night", {"date": "2026-04-12", "per_account": 3})
        self.assertEqual(added["new"], True)
        again = self.admin("POST", "/admin/night", {"date": "2026-04-12", "per_account": 9})
        self.assertEqual((again["new"], again["added"]), (False, 0))
        after = self.report()["accounts"]
        self.assertEqual(sum(map(len, after.values())) - sum(map(len, before.values())), added["added"])
        for name, old in before.items():
            fresh = len(after[name]) - len(old)
            self.assertEqual(after[name][fresh:], old)
            self.assertLessEqual(fresh, 6)
            for row in self.page("?limit=100", name)["data"][:fresh]:
                self.assertTrue(FIRST_NIGHT <= row["created"] < FIRST_NIGHT + 86400)

    def test_most_accounts_get_an_invoice_in_a_night(self):
        self.start("--accounts", "200")
        self.admin("POST", "/admin/night", {"date": "2026-04-12", "per_account": 3})
        sizes = [len(names) for names in self.report()["accounts"].values()]
        self.assertGreater(sum(size > 0 for size in sizes), 150)
        self.assertEqual((min(sizes), max(sizes)), (0, 6))
        self.assertTrue(500 < sum(sizes) < 700, sum(sizes))


class ListFaults(BillingApiTest):
    def test_a_status_fault_lasts_its_times_for_its_account_only(self):
        self.fault(fault="status", status=401, times=2)
        self.assertEqual(self.list(account="customer_2")[0], 200)
        self.assert_error(self.list(), 401, "api_key_expired")
        self.assert_error(self.list(token="other"), 401, "api_key_invalid")
        self.assert_error(self.list(), 401, "api_key_expired")
        self.assertEqual(self.list()[0], 200)

    def test_a_fault_for_all_counts_for_each_account_and_an_own_fault_goes_before_it(self):
        self.fault(account="*", fault="status", status=503, times=1)
        self.fault(account="customer_2", fault="status", status=429, times=1)
        self.assertEqual([self.list(account="customer_1")[0] for _ in range(2)], [503, 200])
        self.assertEqual([self.list(account="customer_2")[0] for _ in range(3)], [429, 503, 200])

    def test_faults_without_times_last_until_cleared_one_or_all(self):
        for name in ("customer_1", "customer_2", "customer_3"):
            self.fault(account=name, fault="status", status=500)
        self.assertEqual([self.list()[0] for _ in range(4)], [500] * 4)
        self.admin("DELETE", "/admin/faults?account=customer_1")
        self.assertEqual([self.list(account=f"customer_{n}")[0] for n in (1, 2, 3)], [200, 500, 500])
        self.admin("DELETE", "/admin/faults")
        self.assertEqual([self.list(account=f"customer_{n}")[0] for n in (1, 2, 3)], [200, 200, 200])

    def test_retry_after_is_sent_verbatim_or_as_a_date(self):
        for value in (7, "7", "soon; 1.5"):
            self.fault(fault="status", status=429, retry_after=value)
            self.assertEqual(self.list()[2]["Retry-After"], str(value))
        self.fault(fault="status", status=503, retry_after_date_in=120)
        text = self.list()[2]["Retry-After"]
        self.assertRegex(text, "^[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT$")
        self.assertAlmostEqual(email.utils.parsedate_to_datetime(text).timestamp(), time.time() + 120, delta=3)

    def test_slow_answers_late_and_drip_answers_whole_in_the_end(self):
        wanted = self.list("?limit=1")[1]
        self.fault(fault="slow", seconds=0.3)
        begin = time.monotonic()
        self.assertEqual(self.list("?limit=1")[1], wanted)
        self.assertGreaterEqual(time.monotonic() - begin, 0.3)
        self.fault(fault="drip", seconds=0.0002)
        begin = time.monotonic()
        self.assertEqual(self.list("?limit=1")[1], wanted)
        self.assertGreaterEqual(time.monotonic() - begin, 0.0002 * len(wanted))

    def test_a_slow_account_does_not_hold_up_another(self):
        self.fault(fault="slow", seconds=60)
        with self.assertRaises(TimeoutError):
            self.list(timeout=0.2)
        self.assertEqual(self.list(account="customer_2")[0], 200)  # in less than the 60 s

    def test_cut_declares_the_whole_length_and_sends_half(self):
        wanted = self.list()[1]
        self.fault(fault="cut")
        with self.assertRaises(http.client.IncompleteRead) as caught:
            self.list()
        self.assertEqual(caught.exception.partial, wanted[:len(wanted) // 2])
        self.assertEqual(caught.exception.expected, len(wanted) - len(wanted) // 2)

    def test_reset_resets_the_connection(self):
        self.fault(fault="reset", times=1)
        with self.assertRaises(ConnectionResetError):
            self.list()
        self.assertEqual(self.list()[0], 200)
        self.assertEqual(self.report()["status_counts"]["/v1/invoices"], {"lost": 1, "200": 1})

    def test_malformed_is_not_json_and_wrong_shape_is_json_but_not_a_list(self):
        self.fault(fault="malformed")
        status, body, headers = self.list()
        self.assertEqual((status, int(headers["Content-Length"])), (200, len(body)))
        with self.assertRaises(ValueError):
            json.loads(body)
        self.fault(fault="wrong_shape")
        self.assertNotIsInstance(json.loads(self.list()[1])["data"], list)

    def test_duplicate_rows_repeat_within_and_between_pages_and_reading_on_still_meets_every_row(self):
        everything = self.report()["accounts"]["customer_1"]
        self.fault(fault="duplicate_rows")
        for limit in (1, 2, 3, 10, 100):
            walked = [row["id"] for row in self.walk(limit)]
            self.assertEqual(list(dict.fromkeys(walked)), everything)
            self.assertEqual(len(walked) > len(everything), limit > 1)
        first = self.ids("?limit=10")
        second = self.ids(f"?limit=10&starting_after={first[-1]}")
        self.assertEqual((len(first), len(second)), (9, 10))
        self.assertEqual(first[0], first[1])
        self.assertEqual(second[0], first[-1])
        newer = self.ids(f"?limit=10&ending_before={everything[12]}")
        self.assertEqual(newer[-1], everything[12])
        self.assertEqual(newer[:8], everything[4:12])

    def test_a_late_row_is_hidden_and_then_shows_up_behind_rows_already_seen(self):
        everything = self.report()["accounts"]["customer_1"]
        self.fault(fault="late_rows", times=2)
        for _ in range(2):
            self.assertEqual(self.ids("?limit=3"), [everything[0], *everything[2:4]])
        self.assertEqual(self.ids("?limit=3"), everything[:3])

    def test_a_late_row_is_chosen_at_the_first_request_and_stays_the_same(self):
        self.fault(fault="late_rows")
        self.admin("POST", "/admin/night", {"date": "2026-04-12", "per_account": 20})
        everything = self.report()["accounts"]["customer_1"]
        self.assertEqual(self.ids("?limit=2"), [everything[0], everything[2]])
        self.admin("POST", "/admin/night", {"date": "2026-04-13", "per_account": 20})
        now = self.report()["accounts"]["customer_1"]
        self.assertEqual([row["id"] for row in self.walk()], [name for name in now if name != everything[1]])

    def test_empty_then_answers_no_rows_and_later_all(self):
        self.fault(fault="empty_then", times=1)
        page = self.page()
        self.assertEqual((page["data"], page["has_more"]), ([], False))
        self.assertEqual(len(self.page()["data"]), 10)


class Webhooks(BillingApiTest):
    def test_the_public_standard_webhooks_vector_is_accepted_at_any_time_only_if_asked(self):
        vector = dict(token="msg_p5jXN8AQM9LWM0D4loKWxJek", stamp=1614265330, body=b'{"test": 2432232314}',
                      given="v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", invoice=None)
        self.assertEqual(signature(vector["token"], vector["stamp"], vector["body"]), vector["given"])
        self.assert_error(self.deliver(**vector), 401, "bad_signature")
        self.start("--any-time")
        self.assert_error(self.deliver(**vector), 400, "parameter_missing", "data.id")  # Past the signature.
        self.assertEqual(self.summary()["bad_signatures"], 0)

    def test_a_delivery_is_recorded_and_a_resend_is_told_from_a_duplicate(self):
        one, two, three = self.report()["accounts"]["customer_2"][:3]
        for invoice, token in ((one, "a"), (two, "b"), (two, "b"), (three, "c"), (three, "d"), ("in_other", "e")):
            self.assertEqual(self.deliver(invoice, token)[0], 204)
        report, kind = self.report(), "invoice.created"
        self.assertEqual(report["deliveries"], {
            one: {"raw": 1, "tokens": ["a"], "account": "customer_2", "type": kind},
            two: {"raw": 2, "tokens": ["b"], "account": "customer_2", "type": kind},
            three: {"raw": 2, "tokens": ["c", "d"], "account": "customer_2", "type": kind},
            "in_other": {"raw": 1, "tokens": ["e"], "account": None, "type": kind}})
        summary = self.summary()
        wanted = {"raw_deliveries": 6, "distinct_tokens": 5, "duplicates": 1, "resent": 1, "unexpected": 1,
                  "delivered": 4, "missing": report["invoices"] - 3, "bad_signatures": 0, "accounts": 5}
        self.assertEqual({name: summary[name] for name in wanted}, wanted)
        self.assertEqual(summary["status_counts"]["/webhooks/invoices"], {"204": 6})

    def test_a_bad_signature_or_stale_timestamp_is_refused_and_counted(self):
        now, body = int(time.time()), b'{"data":{"id":"in_x"}}'
        good = signature("t", now, body)
        for token, stamp, given, sent in (
                ("t", now, signature("t", now, body, "whsec_AAAA"), body), ("t", now, good, body + b" "),
                ("u", now, good, body), ("t", now + 1, good, body), ("t", now, good[3:], body),
                ("t", now, "v2" + good[2:], body), ("t", now, "v1,\u00e9", body),
                ("t", now - 400, signature("t", now - 400, body), body),
                ("t", now + 400, signature("t", now + 400, body), body), ("", now, signature("", now, body), body)):
            self.assert_error(self.deliver(None, token, stamp, given, sent), 401, "bad_signature")
        self.assert_error(self.ask("POST", "/webhooks/invoices", body), 401, "bad_signature")
        self.assertEqual((self.summary()["bad_signatures"], self.summary()["raw_deliveries"]), (11, 0))

    def test_one_good_signature_among_several_is_enough(self):
        now, body = int(time.time()), b'{"data":{"id":"in_x"}}'
        given = "v1,AAAA v2,BBBB " + signature("t", now, body)
        self.assertEqual(self.deliver(None, "t", now, given, body)[0], 204)

    def test_a_request_cut_short_is_not_counted(self):
        body = b'{"data":{"id":"in_x"}}'
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=5) as sock:
            now = int(time.time())
            sock.sendall(f"POST /webhooks/invoices HTTP/1.1\r\nwebhook-id: t\r\nwebhook-timestamp: {now}\r\n"
                         f"webhook-signature: {signature('t', now, body)}\r\nContent-Length: {len(body) + 1}\r\n\r\n"
                         .encode() + body)
            sock.shutdown(socket.SHUT_WR)
            self.assertEqual(sock.recv(100), b"")
        self.assertEqual(self.summary()["raw_deliveries"], 0)

    def test_a_refused_delivery_is_not_recorded_and_the_resend_is_the_first(self):
        self.webhook_fault(fault="status", status=503, retry_after=2, times=2)
        answer = self.deliver("in_x")
        self.assertEqual((answer[0], answer[2]["Retry-After"]), (503, "2"))
        self.assertEqual(self.deliver("in_y")[0], 503)
        self.assertEqual(self.summary()["raw_deliveries"], 0)
        self.assertEqual(self.deliver("in_x")[0], 204)
        self.assertEqual((self.summary()["raw_deliveries"], self.summary()["resent"]), (1, 0))

    def test_an_accepted_delivery_counts_though_its_answer_is_lost(self):
        self.webhook_fault(fault="reset_after_accept", times=1)
        with self.assertRaises(ConnectionResetError):
            self.deliver("in_x")
        self.webhook_fault(fault="hang_after_accept", times=1)
        self.give_up_on("in_x", 2)
        self.webhook_fault(fault="slow", seconds=60, times=1)
        self.give_up_on("in_x", 3)
        self.assertEqual(self.deliver("in_x")[0], 204)
        self.assertEqual(self.report()["deliveries"]["in_x"]["raw"], 4)

    def test_a_receiver_fault_can_be_for_one_invoice_and_all_are_cleared_together(self):
        self.webhook_fault(fault="status", status=500, invoice="in_x")
        self.assertEqual([self.deliver("in_x")[0], self.deliver("in_y")[0]], [500, 204])
        self.admin("DELETE", "/admin/webhook-faults")
        self.assertEqual(self.deliver("in_x")[0], 204)


class Administration(BillingApiTest):
    def test_requests_are_counted_by_account_and_status(self):
        self.list(), self.list(token="no"), self.list(account="customer_3"), self.list(account="nobody")
        report = self.report()
        self.assertEqual(report["requests"], {"customer_1": 2, "customer_3": 1})
        self.assertEqual(report["status_counts"]["/v1/invoices"], {"200": 2, "401": 1, "404": 1})

    def test_bad_admin_input_gets_400_and_names_what_is_wrong(self):
        for path, body, param in (
                ("/admin/night", {"per_account": 3}, "date"), ("/admin/night", {"date": "20260412"}, "date"),
                ("/admin/night", {"date": "2026-02-30"}, "date"), ("/admin/night", {"date": 5}, "date"),
                ("/admin/night", {"date": "2026-04-12", "per_account": -1}, "per_account"),
                ("/admin/night", {"date": "2026-04-12", "per_account": True}, "per_account"),
                ("/admin/night", {"date": "2026-04-12", "accounts": 1}, "accounts"),
                ("/admin/faults", {"fault": "cut"}, "account"),
                ("/admin/faults", {"account": "customer_6", "fault": "cut"}, "account"),
                ("/admin/faults", {"account": ["*"], "fault": "cut"}, "account"),
                ("/admin/faults", {"account": "*", "fault": "odd"}, "fault"),
                ("/admin/faults", {"account": "*", "fault": "cut", "seconds": 1}, "seconds"),
                ("/admin/faults", {"account": "*", "fault": "cut", "times": 0}, "times"),
                ("/admin/faults", {"account": "*", "fault": "slow"}, "seconds"),
                ("/admin/faults", {"account": "*", "fault": "slow", "seconds": float("nan")}, "seconds"),
                ("/admin/faults", {"account": "*", "fault": "status"}, "status"),
                ("/admin/faults", {"account": "*", "fault": "status", "status": 100}, "status"),
                ("/admin/faults", {"account": "*", "fault": "status", "status": 503, "retry_after": "1\r\nA: b"},
                 "retry_after"),
                ("/admin/webhook-faults", {"fault": "cut"}, "fault"),
                ("/admin/webhook-faults", {"fault": "slow", "seconds": 1, "invoice": 4}, "invoice")):
            with self.subTest(path=path, body=body):
                self.assert_error(self.ask("POST", path, body), 400, "bad_admin_request", param)
        for body in (b"", b"[]", b"{", b"\xff", b"[" * 100000):
            self.assert_error(self.ask("POST", "/admin/night", body), 400, "bad_json")
        self.assert_error(self.ask("DELETE", "/admin/faults?account=x"), 400, "bad_admin_request", "account")
        self.assert_error(self.ask("DELETE", "/admin/faults?acount=*"), 400, "bad_admin_request", "acount")
        self.assertEqual(self.list()[0], 200)


if __name__ == "__main__":
    unittest.main()
