#include "contract/native_job.hpp"

#include <catch2/catch.hpp>

#include "contract/envelope.hpp"

using namespace jobrun;
using namespace std::chrono_literals;

namespace {

const Instant now = Instant(784'111'717s);  // 1994-11-06T08:48:37Z

HttpReply answer(int status, std::string body = {}, std::string retry_after = {}) {
  HttpReply reply;
  reply.status = status;
  reply.request_sent = true;
  reply.body = std::move(body);
  reply.retry_after = std::move(retry_after);
  return reply;
}

HttpReply failed(HttpReply::Failure failure, std::string message = {}) {
  HttpReply reply;
  reply.failure = failure;
  reply.message = std::move(message);
  return reply;
}

}  // namespace

TEST_CASE("every HTTP status has one verdict") {
  for (int status = 100; status <= 699; ++status) {
    CAPTURE(status);
    VerdictKind kind = VerdictKind::retry;  // RFC 9110 15: an unknown 5xx is 500, an invalid status too
    std::string reason = "unavailable";
    if (status >= 200 && status < 300) kind = VerdictKind::done, reason = "ok";
    if (status >= 300 && status < 400) kind = VerdictKind::stop, reason = "redirected";
    if (status >= 400 && status < 500) kind = VerdictKind::stop, reason = "request_refused";
    if (status == 401 || status == 403 || status == 407) reason = "credentials_rejected";
    if (status == 429) kind = VerdictKind::retry, reason = "rate_limited";
    if (status == 408 || status == 423 || status == 424 || status == 425)
      kind = VerdictKind::retry, reason = "unavailable";
    if (status == 501 || status == 505 || status == 511) kind = VerdictKind::stop, reason = "not_supported";
    const Verdict verdict = verdict_for_http(answer(status), "list invoices", now);
    CHECK(verdict.kind == kind);
    CHECK(verdict.reason == reason);
    CHECK(is_reason(verdict.reason));
    CHECK(verdict.pause == (reason == "credentials_rejected"));
    CHECK_FALSE(verdict.retry_after);
    CHECK(verdict.message.find("list invoices: HTTP " + std::to_string(status)) == 0);
  }
}

TEST_CASE("a request that got no answer has one verdict per cause") {
  using Failure = HttpReply::Failure;
  struct Row {
    Failure failure;
    VerdictKind kind;
    const char* reason;
  };
  const Row rows[] = {
      {Failure::not_sent, VerdictKind::retry, "not_reachable"},
      {Failure::connection_lost, VerdictKind::retry, "connection_lost"},
      {Failure::timed_out, VerdictKind::retry, "timed_out"},
      {Failure::too_large, VerdictKind::stop, "answer_too_large"},
      {Failure::refused_by_us, VerdictKind::stop, "bad_request"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.reason);
    Verdict verdict = verdict_for_http(failed(row.failure, "api.example.com: refused"), "list invoices", now);
    CHECK(verdict.kind == row.kind);
    CHECK(verdict.reason == row.reason);
    CHECK(verdict.message == "list invoices: api.example.com: refused");
    verdict = verdict_for_http(failed(row.failure), "list invoices", now);
    CHECK(verdict.message.size() > std::string("list invoices: ").size());
  }
}

TEST_CASE("no answer and no cause is told apart by whether a byte was sent") {
  HttpReply reply;
  CHECK(verdict_for_http(reply, "x", now).reason == "not_reachable");
  reply.request_sent = true;
  CHECK(verdict_for_http(reply, "x", now).reason == "connection_lost");
}

TEST_CASE("a failure counts more than the status that came before it") {
  HttpReply reply = answer(200);
  reply.failure = HttpReply::Failure::too_large;
  CHECK(verdict_for_http(reply, "x", now).reason == "answer_too_large");
}

TEST_CASE("Retry-After becomes the least wait of a retry and stands in the message") {
  Verdict verdict = verdict_for_http(answer(503, "", "120"), "list invoices of customer_37", now);
  CHECK(verdict.retry_after == Span(120s));
  CHECK(verdict.message == "list invoices of customer_37: HTTP 503 Service Unavailable, asked to wait 120 s");
  verdict = verdict_for_http(answer(429, "", "Sun, 06 Nov 1994 08:49:37 GMT"), "x", now);
  CHECK(verdict.retry_after == Span(60s));
  verdict = verdict_for_http(answer(429, "", "soon"), "x", now);
  CHECK_FALSE(verdict.retry_after);
  CHECK(verdict.message == "x: HTTP 429 Too Many Requests");
  verdict = verdict_for_http(answer(400, "", "120"), "x", now);
  CHECK_FALSE(verdict.retry_after);
}

TEST_CASE("the server's own words stand in the message, short and safe to show") {
  Verdict verdict = verdict_for_http(
      answer(401, R"({"error":{"type":"invalid_request_error","message":"Invalid API key"}})"),
      "list invoices", now);
  CHECK(verdict.message == "list invoices: HTTP 401 Unauthorized: Invalid API key");
  CHECK(verdict.pause);

  verdict = verdict_for_http(answer(400, R"({"error":{"message":"a\nb\u001b[31m"}})"), "x", now);
  CHECK(verdict.message == "x: HTTP 400 Bad Request: a\\nb\\x1b[31m");

  verdict = verdict_for_http(answer(429, R"({"error":{"message":"slow down"}})", "5"), "x", now);
  CHECK(verdict.message == "x: HTTP 429 Too Many Requests, asked to wait 5 s: slow down");

  verdict =
      verdict_for_http(answer(500, R"({"error":{"message":")" + std::string(5000, 'y') + R"("}})"), "x", now);
  CHECK(verdict.message.size() < 260);
}

TEST_CASE("a body that is no error object adds nothing to the message") {
  for (const char* body : {"", "<html>", "[]", "null", "{}", R"({"error":"no"})", R"({"error":{}})",
                           R"({"error":{"message":5}})", R"({"error":{"message":""}})"}) {
    CAPTURE(body);
    CHECK(verdict_for_http(answer(502, body), "x", now).message == "x: HTTP 502 Bad Gateway");
  }
  CHECK(verdict_for_http(answer(502, std::string(1'000'000, '[')), "x", now).message ==
        "x: HTTP 502 Bad Gateway");
}
