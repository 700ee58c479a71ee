#!/usr/bin/python3
"""A billing service on 127.0.0.1: a Stripe-shaped invoice list and a webhook receiver, for tests and demos.

What it promises
  * The same --seed, --accounts, --history and --first-night and the same nights give the same invoices, byte for
    byte, in whatever order the nights were added.
  * The list is newest first (created, then id, both descending). Errors are Stripe-shaped.
  * An accepted webhook delivery is counted when the complete, valid request has been read, before any answer is
    written: GET /admin/report is the truth about what arrived even where the sender saw no answer.
  * One fault is kept per account (per invoice for the receiver); setting another replaces it, and an own fault
    goes before the general one. `times` of account "*" counts for every account apart; `times` of a receiver
    fault without "invoice" counts all deliveries together. A request refused for its token uses up no fault.

Endpoints
  GET /v1/invoices               Authorization: Bearer TOKEN, Stripe-Account: customer_N; limit, starting_after,
                                 ending_before, created[gte], created[gt], created[lte], created[lt]
  POST /webhooks/invoices        Standard Webhooks; 204, or 401 (signature or timestamp), or 400 (no data.id)
  POST /admin/night              {"date": "2026-04-12", "per_account": 3}; a date is added once
  POST /admin/faults             {"account": "customer_3" or "*", "fault": KIND, "times": N, ...}
  DELETE /admin/faults           all, or one: ?account=customer_3
  POST /admin/webhook-faults     {"fault": KIND, "times": N, "invoice": "in_...", ...}
  DELETE /admin/webhook-faults   all, or one: ?invoice=in_...
  GET /admin/report, /admin/summary

What it does not do: TLS, chunked request bodies, keeping anything after its end, any other Stripe resource or
parameter, protecting /admin.
"""
import argparse
import base64
import collections
import datetime
import hashlib
import hmac
import http
import json
import os
import re
import signal
import socket
import string
import struct
import threading
import time
from bisect import bisect_left, bisect_right
from email.utils import formatdate
from urllib.parse import parse_qsl

DAY = 86400
TIMESTAMP_TOLERANCE = 300
LARGEST_BODY = 16 << 20
ALPHABET = string.digits + string.ascii_letters
REASONS = {status.value: status.phrase for status in http.HTTPStatus}

# Names that break a careless reader: quotes, backslashes, combining marks, right-to-left text, surrogate pairs.
CUSTOMERS = (
    ("Jane Doe", "jane.doe"), ("Anna Kovács", "anna.kovacs"), ("O'Brien & Sons", "obrien"), ("محمد علي", "m.ali"),
    ('Dwayne "Big D" Smith', "big.d"), ("株式会社さくら", "sakura"), ("Łukasz Żółć", "lukasz"),
    ("Zoë 🌸 Flowers", "zoe"), ("Back\\slash Ltd", "backslash"), ("👩‍👩‍👧 Family Bakery", "bakery"),
    ("<b>Bold</b>, Inc.", "bold"), ("Ame\u0301lie Noe\u0308l", "amelie"))
PRODUCTS = ("Team plan", "Seats", "API calls (1,000s)", "Storage, 100\u00a0GB", "Support – 24/7", "Setup\n(one time)")

# The fields each kind of fault takes, besides "fault", "times" and the account or invoice it is for.
LIST_FAULTS = {
    "status": {"status", "retry_after", "retry_after_date_in"}, "slow": {"seconds"}, "drip": {"seconds"},
    "cut": set(), "reset": set(), "malformed": set(), "wrong_shape": set(), "duplicate_rows": set(),
    "late_rows": set(), "empty_then": set()}
WEBHOOK_FAULTS = {
    "status": {"status", "retry_after", "retry_after_date_in"}, "slow": {"seconds"},
    "reset_after_accept": set(), "hang_after_accept": {"seconds"}}
FIELD_RULES = {
    "times": (lambda v: type(v) is int and v > 0, "must be a whole number above 0"),
    "status": (lambda v: type(v) is int and 200 <= v <= 599, "must be a number from 200 to 599"),
    "seconds": (lambda v: type(v) in (int, float) and 0 <= v <= 3600, "must be a number from 0 to 3600"),
    "retry_after": (lambda v: type(v) is int or isinstance(v, str) and re.fullmatch("[ -~]*", v),
                    "must be a whole number or printable ASCII text"),
    "retry_after_date_in": (lambda v: type(v) is int and abs(v) <= 10**9, "must be a whole number of seconds")}

Request = collections.namedtuple("Request", "query headers body")


class Answer:
    """What to send, and in what manner: whole, drip, cut, reset or hang."""

    def __init__(self, status, body=b"", headers=(), manner="whole", seconds=0):
        self.status, self.body, self.headers, self.manner, self.seconds = status, body, headers, manner, seconds


class ApiError(Exception):
    """Ends a request with a Stripe-shaped error."""

    def __init__(self, status, code, message, param=None, headers=()):
        kind = "api_error" if status >= 500 else "invalid_request_error"
        error = {"type": kind, "code": code, "message": message, "param": param}
        self.answer = Answer(status, encode({"error": error}), headers)


def encode(value, ascii_only=False):
    return json.dumps(value, ensure_ascii=ascii_only, separators=(",", ":")).encode()


def check(holds, param, message):
    if not holds:
        raise ApiError(400, "bad_admin_request", f"{param} {message}", param)


def only(given, known):
    for name in given:
        check(name in known, name, "is not known here; known: " + (", ".join(sorted(known)) or "nothing"))


def json_object(body):
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ApiError(400, "bad_json", f"The body is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise ApiError(400, "bad_json", "The body must be a JSON object.")
    return value


def midnight(text):
    """The first second of a UTC day; ValueError if the text is not a date like 2026-04-12."""
    if not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise ValueError(text)
    return (datetime.date.fromisoformat(text) - datetime.date(1970, 1, 1)).days * DAY


def account_units(count):
    return [{"id": f"customer_{n}", "config": {"account": f"customer_{n}"}} for n in range(1, count + 1)]


class Dice:
    """Repeatable draws from a text; the random module does not promise equal draws between Python releases."""

    def __init__(self, *text):
        self.left = int.from_bytes(hashlib.sha512("/".join(map(str, text)).encode()).digest(), "big")

    def below(self, count):
        self.left, drawn = divmod(self.left, count)
        return drawn

    def token(self, length):
        return "".join([ALPHABET[self.below(62)] for _ in range(length)])


class Invoice:
    """Its JSON waits until it is asked for, else a long history would make starting slow."""

    __slots__ = ("key", "account", "seed", "number", "json")

    def __init__(self, seed, account, number, created, dice):
        self.key = (created, "in_" + dice.token(24))
        self.account, self.seed, self.number, self.json = account, seed, number, None

    def rendered(self):
        if self.json is None:
            self.json = self.render()
        return self.json

    def render(self):
        created, name = self.key
        dice = Dice("invoice", self.seed, name)
        who, currency = dice.below(len(CUSTOMERS)), ("usd", "eur", "gbp", "jpy")[dice.below(4)]
        status, ascii_only = ("paid", "paid", "paid", "open", "void")[dice.below(5)], dice.below(2) == 0
        hour = created - created % 3600
        lines = []
        for place in range(1 + dice.below(3)):
            draw = Dice("line", self.seed, name, place)
            quantity, each = 1 + draw.below(20), 99 + draw.below(20000)
            lines.append({"id": "il_" + draw.token(24), "object": "line_item", "amount": quantity * each,
                          "currency": currency, "description": PRODUCTS[draw.below(len(PRODUCTS))],
                          "period": {"start": hour - 30 * DAY, "end": hour}, "quantity": quantity})
        total = sum(line["amount"] for line in lines)
        return encode({
            "id": name, "object": "invoice", "account_name": self.account, "amount_due": total,
            "amount_paid": total if status == "paid" else 0, "created": created, "currency": currency,
            "customer": "cus_" + Dice("customer", self.seed, self.account, who).token(14),
            "customer_email": f"{CUSTOMERS[who][1]}@{self.account.replace('_', '-')}.example.com",
            "customer_name": CUSTOMERS[who][0],
            "hosted_invoice_url": f"https://invoice.example.com/i/{name}?s=ap",
            "lines": {"object": "list", "data": lines, "has_more": False, "url": f"/v1/invoices/{name}/lines"},
            "metadata": {"order": dice.token(8)} if dice.below(3) else {}, "number": self.number,
            "period_start": hour - 30 * DAY, "period_end": hour, "status": status, "total": total,
        }, ascii_only)  # JSON spells a non-ASCII letter in two ways; a reader must know both.


class Faults:
    """The faults set now, by account or invoice; "*" is the general one. Each is the dict it was set by."""

    def __init__(self, kinds, name_field, known_names, count_apart):
        self.kinds, self.name_field, self.known_names, self.count_apart = kinds, name_field, known_names, count_apart
        self.lock, self.by_name = threading.Lock(), {}

    def check_name(self, name):
        check(isinstance(name, str) and (name == "*" or self.known_names is None or name in self.known_names),
              self.name_field, f'must be "*" or the name of an {self.name_field}')

    def set(self, request):
        fault = json_object(request.body)
        kind, name = fault.get("fault"), fault.get(self.name_field, "*" if self.known_names is None else None)
        self.check_name(name)
        check(isinstance(kind, str) and kind in self.kinds, "fault", "must be one of " + ", ".join(self.kinds))
        only(fault, {"fault", "times", self.name_field} | self.kinds[kind])
        for field, (rule, message) in FIELD_RULES.items():
            check(field not in fault or rule(fault[field]), field, message)
        needed = {"status": "status", "slow": "seconds"}.get(kind)
        check(needed is None or needed in fault, needed, "is needed")
        with self.lock:
            self.by_name[name] = {**fault, "used": collections.Counter(), "hidden": {}}
        return Answer(204)

    def clear(self, request):
        only(request.query, {self.name_field})
        name = request.query.get(self.name_field)
        if name is not None:
            self.check_name(name)
        with self.lock:
            self.by_name = {key: fault for key, fault in self.by_name.items() if name not in (None, key)}
        return Answer(204)

    def take(self, name):
        with self.lock:
            for key in (name, "*"):
                fault, counter = self.by_name.get(key), name if self.count_apart else key
                if fault and fault["used"][counter] < fault.get("times", float("inf")):
                    fault["used"][counter] += 1
                    return fault
        return {"fault": None}


def fault_error(fault):
    headers, status = [], fault["status"]
    if "retry_after" in fault:
        headers.append(("Retry-After", fault["retry_after"]))
    if "retry_after_date_in" in fault:
        headers.append(("Retry-After", formatdate(time.time() + fault["retry_after_date_in"], usegmt=True)))
    code = {401: "api_key_expired", 404: "resource_missing", 429: "rate_limit"}.get(status, "injected_fault")
    return ApiError(status, code, f"Injected fault: {status}.", headers=headers)


class Service:
    """The invoices, the deliveries and the endpoints. Knows nothing of sockets."""

    def __init__(self, options):
        self.seed, self.any_time, self.key = options.seed, options.any_time, options.secret
        self.authorization = "Bearer " + options.token
        self.lock = threading.Lock()
        self.accounts = {unit["id"]: [] for unit in account_units(options.accounts)}
        self.invoices, self.nights, self.deliveries = {}, set(), {}
        self.requests, self.bad_signatures = collections.Counter(), 0
        self.status_counts = {"/v1/invoices": collections.Counter(), "/webhooks/invoices": collections.Counter()}
        self.faults = Faults(LIST_FAULTS, "account", self.accounts, count_apart=True)
        self.webhook_faults = Faults(WEBHOOK_FAULTS, "invoice", None, count_apart=False)
        least, most = (options.history + 1) // 2, options.history * 3 // 2
        for account in self.accounts:
            count = least + Dice("history", self.seed, account).below(most - least + 1)
            self.add(account, "H", count, options.first_night - 90 * DAY, 90 * DAY)
        self.routes = {
            "GET /v1/invoices": self.list_invoices, "POST /webhooks/invoices": self.receive,
            "POST /admin/night": self.add_night, "GET /admin/report": self.report, "GET /admin/summary": self.summary,
            "POST /admin/faults": self.faults.set, "DELETE /admin/faults": self.faults.clear,
            "POST /admin/webhook-faults": self.webhook_faults.set,
            "DELETE /admin/webhook-faults": self.webhook_faults.clear}

    def add(self, account, batch, count, begin, seconds):
        """Adds `count` invoices of one account, created in the `seconds` from `begin`."""
        rows, prefix = [], Dice("account", self.seed, account).token(6).upper()
        for place in range(count):
            dice = Dice("batch", self.seed, account, batch, place)
            created = begin + dice.below(seconds)
            if rows and dice.below(5) == 0:
                created = rows[-1].key[0]  # Two invoices of one second: their order falls to the id.
            rows.append(Invoice(self.seed, account, f"{prefix}-{batch}-{place + 1:04}", created, dice))
        # The list is replaced, never changed, so that a reader needs no lock.
        self.accounts[account] = sorted(self.accounts[account] + rows, key=lambda row: row.key)
        self.invoices.update((row.key[1], row) for row in rows)

    def answer(self, method, target, headers, body):
        path, _, query = target.partition("?")
        try:
            endpoint = self.routes.get(f"{method} {path}")
            if endpoint is None:
                raise ApiError(404, "unknown_url", f"Unrecognized request URL ({method}: {path}).")
            answer = endpoint(Request(dict(parse_qsl(query, keep_blank_values=True)), headers, body))
        except ApiError as error:
            answer = error.answer
        if path in self.status_counts:
            with self.lock:
                lost = answer.manner in ("cut", "reset", "hang")
                self.status_counts[path]["lost" if lost else str(answer.status)] += 1
        return answer

    def list_invoices(self, request):
        account = request.headers.get("stripe-account")
        if account in self.accounts:
            with self.lock:
                self.requests[account] += 1
        if request.headers.get("authorization") != self.authorization:
            raise ApiError(401, "api_key_invalid", "Invalid API Key provided.")
        if account is None:
            raise ApiError(400, "parameter_missing", "The header Stripe-Account is missing.", "Stripe-Account")
        if account not in self.accounts:
            raise ApiError(404, "resource_missing", f"No such account: '{account}'", "Stripe-Account")
        fault = self.faults.take(account)
        kind = fault["fault"]
        if kind == "status":
            raise fault_error(fault)
        if kind == "reset":
            return Answer(0, manner="reset")
        page, has_more = self.page(account, request.query, fault)
        if kind == "empty_then":
            page, has_more = [], False
        if kind == "slow":
            time.sleep(fault["seconds"])
        body = b'{"object":"list","url":"/v1/invoices","has_more":%s,"data":[%s]}' % (
            b"true" if has_more else b"false", b",".join([row.rendered() for row in page]))
        if kind == "malformed":
            body = body[:len(body) * 2 // 3]
        if kind == "wrong_shape":
            body = b'{"object":"list","url":"/v1/invoices","has_more":"no","data":{"invoices":[]}}'
        return Answer(200, body, manner=kind if kind in ("cut", "drip") else "whole",
                      seconds=fault.get("seconds", 0.01))

    def page(self, account, query, fault):
        """The asked for rows, newest first, and whether more follow. Rows are kept oldest first."""
        def position(bisect, key):
            return bisect(rows, key, key=lambda row: row.key)

        rows, limit, cursors = self.accounts[account], 10, {}
        if fault["fault"] == "late_rows" and len(rows) > 1:
            # Chosen at the first request, not when the fault is set: a night may come between.
            late = fault["hidden"].setdefault(account, rows[-2])
            rows = [row for row in rows if row is not late]
        low, high = 0, len(rows)
        for name, text in query.items():
            if name in ("starting_after", "ending_before"):
                cursor = self.invoices.get(text)
                if cursor is None or cursor.account != account:
                    raise ApiError(404, "resource_missing", f"No such invoice: '{text}'", name)
                cursors[name] = cursor
            elif name not in ("limit", "created[gte]", "created[gt]", "created[lte]", "created[lt]"):
                raise ApiError(400, "parameter_unknown", f"Received unknown parameter: {name}", name)
            elif not re.fullmatch("[0-9]{1,12}", text) or name == "limit" and not 1 <= int(text) <= 100:
                raise ApiError(400, "parameter_invalid_integer", f"Invalid integer: {text}", name)
            elif name == "limit":
                limit = int(text)
            elif name.startswith("created[g"):
                low = max(low, position(bisect_left, (int(text) + (name == "created[gt]"), "")))
            else:
                high = min(high, position(bisect_left, (int(text) + (name == "created[lte]"), "")))
        if len(cursors) == 2:
            raise ApiError(400, "parameter_invalid", "ending_before excludes starting_after.", "ending_before")
        after, before = cursors.get("starting_after"), cursors.get("ending_before")
        repeat = fault["fault"] == "duplicate_rows"
        size = max(1, limit - 2) if repeat else limit  # Repeats take the place of new rows: a page keeps its limit.
        if before:
            low = max(low, position(bisect_right, before.key))
            page, more = rows[low:high][:size][::-1], low + size < high
        else:
            high = min(high, position(bisect_left, after.key)) if after else high
            page, more = rows[max(low, high - size):max(low, high)][::-1], high - size > low
        # The row that is to be the next cursor stays at its end of the page, so that reading on does end.
        if repeat and before:
            page = (page + page[-1:] + [before])[:limit]
        elif repeat:
            page = ([after] * bool(after) + page[:1] + page)[-limit:]
        return page, more

    def receive(self, request):
        token = request.headers.get("webhook-id", "")
        if not self.signed(token, request):
            with self.lock:
                self.bad_signatures += 1
            raise ApiError(401, "bad_signature", "The webhook signature or timestamp is not valid.")
        event = json_object(request.body)
        name = event["data"].get("id") if isinstance(event.get("data"), dict) else None
        if not isinstance(name, str):
            raise ApiError(400, "parameter_missing", "The body has no data.id.", "data.id")
        fault = self.webhook_faults.take(name)
        kind = fault["fault"]
        if kind == "status" and fault["status"] >= 300:
            raise fault_error(fault)  # Refused, so not recorded: the resend is the first delivery.
        with self.lock:
            account = self.invoices[name].account if name in self.invoices else None
            delivery = self.deliveries.setdefault(name, {"raw": 0, "tokens": [], "account": account})
            delivery["raw"] += 1
            delivery["type"] = event.get("type")
            if token not in delivery["tokens"]:
                delivery["tokens"].append(token)
        if kind == "slow":
            time.sleep(fault["seconds"])
        if kind in ("reset_after_accept", "hang_after_accept"):
            return Answer(0, manner=kind.partition("_")[0], seconds=fault.get("seconds"))
        return Answer(fault.get("status", 204))

    def signed(self, token, request):
        stamp = request.headers.get("webhook-timestamp", "")
        if not token or not re.fullmatch("[0-9]{1,12}", stamp):
            return False
        if not self.any_time and abs(time.time() - int(stamp)) > TIMESTAMP_TOLERANCE:
            return False
        mac = hmac.digest(self.key, f"{token}.{stamp}.".encode("latin-1") + request.body, "sha256")
        return any(hmac.compare_digest(b"v1," + base64.b64encode(mac), given.encode("latin-1"))
                   for given in request.headers.get("webhook-signature", "").split(" "))

    def add_night(self, request):
        night = json_object(request.body)
        only(night, {"date", "per_account"})
        date, per_account = night.get("date"), night.get("per_account", 3)
        try:
            begin = midnight(date)
        except (TypeError, ValueError):
            check(False, "date", "must be a date like 2026-04-12")
        check(type(per_account) is int and 0 <= per_account <= 1000, "per_account", "must be a number from 0 to 1000")
        with self.lock:
            before, new = len(self.invoices), date not in self.nights
            for account in self.accounts if new else ():
                count = Dice("night", self.seed, account, date).below(2 * per_account + 1)
                self.add(account, date.replace("-", ""), count, begin, DAY)
            self.nights.add(date)
            return Answer(200, encode({"date": date, "new": new, "added": len(self.invoices) - before}))

    def totals(self):
        all_of = self.deliveries.values()
        return {"accounts": len(self.accounts), "invoices": len(self.invoices), "delivered": len(all_of),
                "raw_deliveries": sum(one["raw"] for one in all_of),
                "distinct_tokens": len({token for one in all_of for token in one["tokens"]}),
                "duplicates": sum(len(one["tokens"]) > 1 for one in all_of),
                "resent": sum(one["raw"] > len(one["tokens"]) for one in all_of),
                "missing": len(self.invoices.keys() - self.deliveries.keys()),
                "unexpected": len(self.deliveries.keys() - self.invoices.keys()),
                "bad_signatures": self.bad_signatures, "requests": sum(self.requests.values()),
                "status_counts": self.status_counts}

    def summary(self, request):
        with self.lock:
            return Answer(200, encode(self.totals()))

    def report(self, request):
        with self.lock:
            newest_first = {name: [row.key[1] for row in reversed(rows)] for name, rows in self.accounts.items()}
            return Answer(200, encode({**self.totals(), "accounts": newest_first, "deliveries": self.deliveries,
                                       "requests": self.requests}))


def serve(sock, service):
    """HTTP/1.1 on one connection. The header parser of http.server would take most of a request's time."""
    try:
        with sock, sock.makefile("rb") as reader:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while serve_one(sock, reader, service):
                pass
    except OSError:
        pass  # The client went away, which is its right.


def serve_one(sock, reader, service):
    """False when the connection is to be closed."""
    first = reader.readline(65537).decode("latin-1").split()
    if not first:
        return False
    headers = {}
    while (line := reader.readline(65537)) not in (b"\r\n", b"\n", b""):
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    length = headers.get("content-length", "0")
    if len(first) != 3 or "transfer-encoding" in headers or not length.isdecimal() or int(length) > LARGEST_BODY:
        return write(sock, ApiError(400, "bad_request", "Not a request this server can read.").answer, False)
    if headers.get("expect"):
        sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = reader.read(int(length))
    if not line or len(body) < int(length):
        return False  # Cut short: it must not count.
    keep = first[2] == "HTTP/1.1" and headers.get("connection", "").lower() != "close"
    return write(sock, service.answer(first[0], first[1], headers, body), keep)


def write(sock, answer, keep):
    if answer.manner == "reset":
        # Linger 0 makes the close send RST instead of FIN.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False
    if answer.manner == "hang":
        sock.settimeout(answer.seconds)
        while sock.recv(65536):
            pass
        return False
    keep, bodiless = keep and answer.manner != "cut", answer.status in (204, 304)
    head = [f"HTTP/1.1 {answer.status} {REASONS.get(answer.status, 'Unknown')}", "Date: " + formatdate(usegmt=True)]
    if not bodiless:
        head += ["Content-Type: application/json", f"Content-Length: {len(answer.body)}"]
    head += [f"{name}: {value}" for name, value in answer.headers]
    head.append("Connection: " + ("keep-alive" if keep else "close"))
    body = b"" if bodiless else answer.body[:len(answer.body) // 2] if answer.manner == "cut" else answer.body
    message = "\r\n".join(head).encode() + b"\r\n\r\n" + body
    if answer.manner != "drip":
        sock.sendall(message)
        return keep
    for at in range(len(message)):
        sock.sendall(message[at:at + 1])
        time.sleep(answer.seconds)
    return keep


def accept_all(listener, service):
    while True:
        try:
            threading.Thread(target=serve, args=(listener.accept()[0], service), daemon=True).start()
        except OSError:
            time.sleep(0.01)  # Out of descriptors, or the client left already: neither ends the server.


def webhook_key(text):
    return base64.b64decode(text.removeprefix("whsec_"), validate=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--port-file", help="gets the port number once the server listens")
    parser.add_argument("--accounts", type=int, default=200)
    parser.add_argument("--history", type=int, default=0, help="invoices an account starts with, about")
    parser.add_argument("--first-night", type=midnight, default="2026-04-12", help="the history ends before it")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--secret", type=webhook_key, default="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    parser.add_argument("--token", default="sk_test_demo")
    parser.add_argument("--any-time", action="store_true", help="accept a webhook timestamp of any time")
    parser.add_argument("--print-accounts", type=int, metavar="N", help="print N accounts as units, and exit")
    options = parser.parse_args()
    if options.print_accounts is not None:
        print(json.dumps(account_units(options.print_accounts)))
        return
    # Waited for below: a handler of Python's would not run when the signal comes just before accept(2) blocks.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    service = Service(options)
    listener = socket.create_server(("127.0.0.1", options.port), backlog=512)
    port = listener.getsockname()[1]
    if options.port_file:
        with open(f"{options.port_file}.{os.getpid()}", "w", encoding="ascii") as file:
            file.write(f"{port}\n")
        os.replace(file.name, options.port_file)
    threading.Thread(target=accept_all, args=(listener, service), daemon=True).start()
    print(f"billing_api listens on http://127.0.0.1:{port}", flush=True)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    os._exit(0)  # Nothing is kept, so there is nothing to finish.


if __name__ == "__main__":
    main()
