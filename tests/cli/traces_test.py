#!/usr/bin/python3
"""Traces: a caller's is gone on with and handed on; spans reach a collector on loopback, and a bad one changes nothing."""
import http.server
import json
import pathlib
import socket
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.jobrun_case import JobrunCase  # noqa: E402

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Collector:
    """Takes OTLP/HTTP JSON and keeps it; answers with `status`."""

    def __init__(self, status=200):
        collector = self
        self.requests = []

        class Taker(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.requests.append((self.path, dict(self.headers), json.loads(body)))
                self.send_response(status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *words):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Taker)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def spans(self):
        return [span for _, _, body in self.requests for resource in body["resourceSpans"] for scope in resource["scopeSpans"] for span in scope["spans"]]


def attributes(span):
    return {one["key"]: next(iter(one["value"].values())) for one in span["attributes"]}


class TracesCase(JobrunCase):
    def collector(self, status=200):
        made = Collector(status)
        self.addCleanup(made.close)
        return made

    def to(self, collector, **more):
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, **more}


class Context(TracesCase):
    def given(self, date="2026-04-12", **env):
        self.shell_job("sync", 'printf "%s\\n%s\\n%s\\n" "$TRACEPARENT" "$TRACESTATE" "$BAGGAGE" > $T/given\n')
        self.assert_code(0, self.run_job("sync", date=date, env=env))
        return self.read("given").split("\n")[:3]

    def test_a_callers_trace_is_gone_on_with_and_what_stands_beside_it_too(self):
        given = self.given(TRACEPARENT=f"00-{TRACE}-{PARENT}-01", TRACESTATE="vendor=x", BAGGAGE="tenant=a")
        self.assertRegex(given[0], rf"^00-{TRACE}-(?!{PARENT})[0-9a-f]{{16}}-01$")
        self.assertEqual(given[1:], ["vendor=x", "tenant=a"])

    def test_a_caller_that_does_not_sample_is_respected(self):
        self.assertRegex(self.given(TRACEPARENT=f"00-{TRACE}-{PARENT}-00")[0], rf"^00-{TRACE}-[0-9a-f]{{16}}-00$")

    def test_without_one_or_with_a_broken_one_the_trace_follows_from_the_run(self):
        first = self.given()
        again = self.given(date="2026-04-13", TRACEPARENT=f"00-{'0' * 32}-{PARENT}-01", TRACESTATE="vendor=x")
        self.assertRegex(first[0], r"^00-[0-9a-f]{32}-[0-9a-f]{16}-01$")
        self.assertRegex(again[0], r"^00-(?!0{32})[0-9a-f]{32}-[0-9a-f]{16}-01$")
        self.assertNotEqual(first[0][:35], again[0][:35])
        self.assertEqual(again[1], "")  # it belongs to a trace that is none


class Spans(TracesCase):
    def two_tries(self, collector, **env):
        self.shell_job("sync", 'printf %s "$TRACEPARENT" > $T/given-$JOBRUN_UNIT-$JOBRUN_ATTEMPT; test $JOBRUN_UNIT = a || test $JOBRUN_ATTEMPT = 2\n',
                       units=["a", "b"], retry={"first_delay": "0s"})
        env = self.to(collector, **env)
        before = time.time_ns()
        self.assert_code(75, self.run_job("sync", "--run-id", "nightly", env=env))
        self.assert_code(0, self.run_job("sync", "--run-id", "nightly", env=env))
        return before, time.time_ns()

    def test_a_call_and_its_attempts_arrive_with_ids_parents_times_and_attributes(self):
        collector = self.collector()
        before, after = self.two_tries(collector, OTEL_SERVICE_NAME="billing", OTEL_EXPORTER_OTLP_HEADERS="x-key=k%20v")
        self.assertEqual([path for path, _, _ in collector.requests], ["/v1/traces", "/v1/traces"])
        headers = {name.lower(): value for name, value in collector.requests[0][1].items()}
        self.assertEqual((headers["content-type"], headers["x-key"]), ("application/json", "k v"))
        resource = attributes(collector.requests[0][2]["resourceSpans"][0]["resource"])
        self.assertEqual(resource["service.name"], "billing")

        spans = collector.spans()
        self.assertEqual(len({span["traceId"] for span in spans}), 1)
        self.assertEqual(len({span["spanId"] for span in spans}), 5)
        calls = [span for span in spans if "parentSpanId" not in span]
        self.assertEqual([(span["name"], attributes(span)["jobrun.outcome"]) for span in calls], [("sync", "retry"), ("sync", "done")])
        tries = {(attributes(span)["jobrun.unit"], attributes(span)["jobrun.attempt"]): span for span in spans if "parentSpanId" in span}
        self.assertEqual(set(tries), {("a", "1"), ("b", "1"), ("b", "2")})
        for (unit, number), span in tries.items():
            self.assertEqual(self.read(f"given-{unit}-{number}"), f"00-{span['traceId']}-{span['spanId']}-01")  # what the job works under
            self.assertEqual(span["parentSpanId"], calls[int(number) - 1]["spanId"])
            self.assertEqual((attributes(span)["jobrun.run.id"], attributes(span)["jobrun.run.date"], attributes(span)["jobrun.job.name"]), ("nightly", "2026-04-12", "sync"))
        for span in spans:
            start, end = int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])
            self.assertTrue(before - 10**9 <= start <= end <= after + 10**9, span)
        failed = tries["b", "1"]
        self.assertEqual((failed["status"]["code"], attributes(failed)["error.type"], attributes(failed)["process.exit.code"]), (2, "exit_1", "1"))
        self.assertNotIn("status", tries["b", "2"])
        self.assertEqual(tries["b", "2"]["links"], [{"traceId": failed["traceId"], "spanId": failed["spanId"]}])

    def test_they_hang_below_the_callers_span(self):
        collector = self.collector()
        self.shell_job("sync", "true\n")
        self.assert_code(0, self.run_job("sync", env=self.to(collector, TRACEPARENT=f"00-{TRACE}-{PARENT}-01")))
        call = next(span for span in collector.spans() if span["name"] == "sync")
        self.assertEqual((call["traceId"], call["parentSpanId"]), (TRACE, PARENT))

    def test_a_trace_that_is_not_sampled_sends_nothing_and_neither_does_a_call_with_nothing_to_do(self):
        collector = self.collector()
        self.shell_job("sync", "true\n")
        self.assert_code(0, self.run_job("sync", env=self.to(collector, TRACEPARENT=f"00-{TRACE}-{PARENT}-00")))
        self.assert_code(0, self.run_job("sync", env=self.to(collector)))
        self.assert_code(0, self.run_job("sync", date="2026-04-13", env=self.to(collector, OTEL_SDK_DISABLED="true")))
        self.assertEqual(collector.requests, [])

    def test_the_configuration_names_a_collector_too(self):
        collector = self.collector()
        config = self.write("config.json", json.dumps({"otlp": {"endpoint": collector.url}}))
        self.shell_job("sync", "true\n")
        self.assert_code(0, self.run_job("sync", env={"JOBRUN_CONFIG": config}))
        self.assertEqual(len(collector.spans()), 2)

    def test_a_collector_that_is_dead_refuses_or_never_answers_changes_no_verdict(self):
        silent = socket.create_server(("127.0.0.1", 0))  # takes connections and says nothing
        self.addCleanup(silent.close)
        closed = socket.create_server(("127.0.0.1", 0))
        dead = closed.getsockname()[1]
        closed.close()
        self.shell_job("sync", "test $JOBRUN_RUN_DATE != 2026-04-15\n")
        refusing = self.collector(503)
        for number, url in enumerate([f"http://127.0.0.1:{silent.getsockname()[1]}", f"http://127.0.0.1:{dead}", refusing.url, "no address"]):
            outcome = self.run_job("sync", date=f"2026-04-1{number + 2}", env={"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_EXPORTER_OTLP_TIMEOUT": "300"})
            self.assert_code(75 if number == 3 else 0, outcome)
            self.assert_says(outcome, "the spans were not taken")
        self.assertEqual(len(refusing.requests), 1)

    def test_quiet_says_nothing_of_it(self):
        self.shell_job("sync", "true\n")
        outcome = self.assert_code(0, self.run_job("sync", "--quiet", env={"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}))
        self.assertEqual(outcome.out + outcome.err, "")


if __name__ == "__main__":
    unittest.main()
