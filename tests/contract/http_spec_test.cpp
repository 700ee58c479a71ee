// What an HTTP call sends and what its answer makes of the effect that it is.
#include "contract/http_spec.hpp"

#include <catch2/catch.hpp>

#include "base/civil.hpp"

using namespace jobrun;
using namespace std::chrono_literals;

namespace {

const Instant now = *parse_instant("2026-04-12T02:00:00Z");

HttpReply answered(int status, std::string body = {}) {
  HttpReply reply;
  reply.status = status;
  reply.body = std::move(body);
  reply.request_sent = true;
  return reply;
}

HttpReply failed(HttpReply::Failure failure, bool sent) {
  HttpReply reply;
  reply.failure = failure;
  reply.request_sent = sent;
  return reply;
}

HttpEnvelope envelope() {
  HttpEnvelope made;
  made.job = "ping";
  made.run_id = "nightly";
  made.run_date = "2026-04-12";
  made.unit = "k\xc3\xa4se & co";
  made.traceparent = "00-0-0-01";
  return made;
}

std::string header(const HttpRequest& request, std::string_view name) {
  for (const auto& [field, value] : request.headers)
    if (field == name) return value;
  return "(none)";
}

std::optional<std::string> no_secret(std::string_view) {
  return std::nullopt;
}

}  // namespace

TEST_CASE("every failure of an exchange is told apart by whether something was sent") {
  using Failure = HttpReply::Failure;
  for (const Failure failure :
       {Failure::not_sent, Failure::connection_lost, Failure::timed_out, Failure::refused_by_us}) {
    const Act never = judge_http({}, {}, failed(failure, false), now);
    CHECK(never.outcome == Act::Outcome::did_not_happen);
    CHECK(never.verdict.kind == (failure == Failure::refused_by_us ? VerdictKind::stop : VerdictKind::retry));
    CHECK(judge_http({}, {}, failed(failure, true), now).outcome == Act::Outcome::unknown);
  }
}

TEST_CASE("every status has an outcome for the effect") {
  for (int status = 100; status <= 599; ++status) {
    CAPTURE(status);
    const Act act = judge_http({}, {}, answered(status), now);
    const bool accepted = status >= 200 && status < 300;
    const bool open = status == 500 || status == 502 || status == 504;
    CHECK(act.outcome == (accepted ? Act::Outcome::happened
                          : open   ? Act::Outcome::unknown
                                   : Act::Outcome::did_not_happen));
    CHECK((act.verdict.kind == VerdictKind::done) == accepted);
    CHECK(is_reason(act.verdict.reason));
  }
}

TEST_CASE("an accepted request whose answer is too long was carried out") {
  HttpReply reply = answered(200);
  reply.failure = HttpReply::Failure::too_large;
  const Act act = judge_http({}, {}, reply, now);
  CHECK(act.outcome == Act::Outcome::happened);
  CHECK(act.verdict.reason == "answer_too_large");
}

TEST_CASE("a rule on the status comes before everything else") {
  OutcomeRule rule;
  rule.statuses = {{404, 404}, {500, 599}};
  rule.verdict = Verdict::done();
  rule.verdict.reason.clear();
  CHECK(judge_http({}, {rule}, answered(503), now).outcome == Act::Outcome::happened);
  CHECK(judge_http({}, {rule}, answered(499), now).outcome == Act::Outcome::did_not_happen);
  rule.verdict = Verdict::retry("", "");
  const Act act = judge_http({}, {rule}, answered(500), now);
  CHECK(act.outcome == Act::Outcome::did_not_happen);
  CHECK(act.verdict.reason == "http_500");
}

TEST_CASE("the body may say the verdict, and the worse of it and the status counts") {
  const Act stop =
      judge_http({}, {}, answered(200, R"({"result": "stop", "reason": "gone", "pause": true})"), now);
  CHECK(stop.outcome == Act::Outcome::did_not_happen);
  CHECK(stop.verdict.pause);
  CHECK(judge_http({}, {}, answered(404, R"({"result": "done"})"), now).verdict.kind == VerdictKind::stop);
  const Act wait =
      judge_http({}, {}, answered(200, R"({"result": "retry", "reason": "x", "retry_after": "5m"})"), now);
  CHECK(wait.verdict.retry_after == Span(5min));
  for (const char* body : {"", "[]", "{}", "{\"result\": 1}", "{\"result\": \"stopp\"}", "not json"})
    CHECK(judge_http({}, {}, answered(200, body), now).verdict.kind == VerdictKind::done);
}

TEST_CASE("what may be sent twice is known by its method, or by a server that knows tokens") {
  HttpSpec spec;
  for (const auto& [method, repeatable] : std::vector<std::pair<std::string, bool>>{{"GET", true},
                                                                                    {"HEAD", true},
                                                                                    {"PUT", true},
                                                                                    {"DELETE", true},
                                                                                    {"POST", false},
                                                                                    {"PATCH", false}}) {
    spec.method = method;
    CHECK(spec.repeatable() == repeatable);
  }
  spec.idempotency.emplace();
  CHECK(spec.repeatable());
}

TEST_CASE("secrets are put into headers where they are named, and only there") {
  HttpSpec spec;
  spec.url = "https://a";
  spec.headers = {{"Authorization", "Bearer ${TOKEN}, ${TOKEN}"}, {"X-Plain", "$TOKEN {TOKEN}"}};
  const auto request = request_for(spec, envelope(), "jr_1", [](std::string_view name) {
    return name == "TOKEN" ? std::optional<std::string>("s3") : std::nullopt;
  });
  REQUIRE(request);
  CHECK(header(*request, "Authorization") == "Bearer s3, s3");
  CHECK(header(*request, "X-Plain") == "$TOKEN {TOKEN}");
  CHECK(request->body.find("s3") == std::string::npos);
  CHECK_FALSE(request_for(spec, envelope(), "jr_1", no_secret));
  CHECK_FALSE(secrets_in("${OPEN"));
  CHECK(secrets_in("a ${B} ${C}") == std::vector<std::string>{"B", "C"});
}

TEST_CASE("run, unit and attempt are in the headers, in characters that a header may have") {
  HttpSpec spec;
  spec.url = "https://a";
  const auto request = request_for(spec, envelope(), "jr_1", no_secret);
  REQUIRE(request);
  CHECK(header(*request, "Jobrun-Unit") == "k%C3%A4se%20&%20co");
  CHECK(header(*request, "Idempotency-Key") == "jr_1");
  CHECK(Json::parse(request->body)->at("unit").as_string() == "k\xc3\xa4se & co");
  spec.idempotency = HttpIdempotency{"X-Token", true, 1h};
  CHECK(header(*request_for(spec, envelope(), "jr_1", no_secret), "X-Token") == "\"jr_1\"");
  spec.method = "GET";
  const auto get = request_for(spec, envelope(), "jr_1", no_secret);
  CHECK(get->body.empty());
  CHECK(header(*get, "X-Token") == "(none)");
}

TEST_CASE("a redirect stays on its origin or is none") {
  CHECK(same_origin("https://a.example/x", "https://a.example/y?z"));
  CHECK(same_origin("https://a.example", "https://a.example/"));
  CHECK_FALSE(same_origin("https://a.example/x", "http://a.example/x"));
  CHECK_FALSE(same_origin("https://a.example/x", "https://a.example:8443/x"));
  CHECK_FALSE(same_origin("https://a.example/x", "https://a.example.evil/x"));
  CHECK_FALSE(same_origin("", ""));
}

TEST_CASE("the key of the effect is the run's unit, and a new generation is a new request") {
  HttpEnvelope made = envelope();
  CHECK(made.effect_key() == "http:2026-04-12/k\xc3\xa4se & co");
  made.generation = 2;
  CHECK(made.effect_key() == "http:2026-04-12/k\xc3\xa4se & co#2");
  made.unit = std::string(255, 'x');
  CHECK(made.effect_key().size() <= 255);
}
