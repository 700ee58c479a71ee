#include "contract/http_spec.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace jobrun {

namespace {

constexpr std::size_t said_limit = 64 * 1024;  // a body that says a verdict is a short one

/// Percent-encoded where it could not stand in a header field (RFC 9110 5.5).
std::string field_value(std::string_view text) {
  static constexpr char hex[] = "0123456789ABCDEF";
  std::string value;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7f && c != '%') {
      value += c;
    } else {
      value += '%';
      value += hex[byte >> 4];
      value += hex[byte & 15];
    }
  }
  return value;
}

const OutcomeRule* rule_for(const std::vector<OutcomeRule>& rules, int status) {
  for (const auto& rule : rules)
    for (const auto& range : rule.statuses)
      if (status >= range.first && status <= range.last) return &rule;
  return nullptr;
}

/// {"result": "retry", "reason": ..., "message": ..., "retry_after": "10m", "pause": true}
std::optional<Verdict> said_in(const HttpReply& reply) {
  if (reply.body.empty() || reply.body.size() > said_limit) return std::nullopt;
  const auto body = Json::parse(reply.body);
  if (!body || !body->is_object()) return std::nullopt;
  const auto kind = verdict_kind(body->at("result").as_string());
  if (!kind) return std::nullopt;
  Verdict verdict;
  verdict.kind = *kind;
  verdict.reason = body->at("reason").as_string();
  if (!is_reason(verdict.reason)) verdict.reason = *kind == VerdictKind::done ? "ok" : "said_by_server";
  verdict.message = clip(printable(body->at("message").as_string()), 1000);
  verdict.pause = *kind == VerdictKind::stop && body->at("pause").as_bool();
  if (*kind == VerdictKind::retry)
    if (auto wait = parse_duration(body->at("retry_after").as_string())) verdict.retry_after = *wait;
  return verdict;
}

/// Answers after which the request may have been carried out all the same: an error in the middle of it, and
/// what a gateway says that had passed it on.
bool may_have_acted(int status) {
  return status == 500 || status == 502 || status == 504;
}

Act ended(Act::Outcome outcome, Verdict verdict) {
  return {outcome, {}, std::move(verdict)};
}

}  // namespace

bool is_token(std::string_view text) {  // RFC 9110 5.6.2
  constexpr std::string_view others = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return is_letter(c) || is_digit(c) || others.find(c) != std::string_view::npos;
  });
}

bool HttpSpec::repeatable() const {
  return idempotency || method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE";
}

std::optional<std::vector<std::string>> secrets_in(std::string_view value) {
  std::vector<std::string> names;
  for (auto at = value.find("${"); at != std::string_view::npos; at = value.find("${", at)) {
    const auto end = value.find('}', at);
    if (end == std::string_view::npos) return std::nullopt;
    names.emplace_back(value.substr(at + 2, end - at - 2));
    at = end;
  }
  return names;
}

Json HttpEnvelope::json() const {
  Json json = Json::object().set("schema_version", 1).set("job", job).set("run_id", run_id);
  json.set("run_date", run_date)
      .set("scheduled_at", scheduled_at.empty() ? Json() : Json(scheduled_at))
      .set("unit", unit)
      .set("attempt", attempt);
  json.set("max_attempts", max_attempts).set("now", now).set("deadline", deadline);
  return json.set("config", config).set("payload", payload);
}

std::string HttpEnvelope::effect_key() const {
  const std::string key =
      "http:" + run_date + "/" + unit + (generation > 1 ? "#" + std::to_string(generation) : "");
  return key.size() <= 255 ? key : "http:" + run_date + "/sha256:" + sha256_hex(key);
}

Result<HttpRequest> request_for(const HttpSpec& spec, const HttpEnvelope& envelope, const std::string& token,
                                const std::function<std::optional<std::string>(std::string_view)>& secret) {
  HttpRequest request;
  request.method = spec.method;
  request.url = spec.url;
  request.connect_timeout = spec.connect_timeout;
  request.body_limit = spec.max_body;
  request.ca_file = spec.ca_file;
  for (const auto& [name, written] : spec.headers) {
    std::string value;
    std::string_view rest = written;
    for (auto at = rest.find("${"); at != std::string_view::npos; at = rest.find("${")) {
      const auto end = rest.find('}', at);
      const auto held = secret(rest.substr(at + 2, end - at - 2));
      if (!held) return Error(Fault::setup, "the header " + name + " names a secret that is not there");
      value.append(rest.substr(0, at)).append(*held);
      rest.remove_prefix(end + 1);
    }
    request.headers.emplace_back(name, value.append(rest));
  }
  const auto add = [&](std::string name, std::string value) {
    request.headers.emplace_back(std::move(name), std::move(value));
  };
  const HttpSpec::Idempotency how = spec.idempotency.value_or(HttpSpec::Idempotency{});
  if (spec.has_body()) add(how.header, how.quoted ? '"' + token + '"' : token);
  add("traceparent", envelope.traceparent);
  if (field_value(envelope.tracestate) == envelope.tracestate && !envelope.tracestate.empty())
    add("tracestate", envelope.tracestate);
  add("User-Agent", "jobrun/" JOBRUN_VERSION);
  add("Jobrun-Run-Id", field_value(envelope.run_id));
  add("Jobrun-Run-Date", field_value(envelope.run_date));
  add("Jobrun-Unit", field_value(envelope.unit));
  add("Jobrun-Attempt", std::to_string(envelope.attempt));
  if (!spec.has_body()) return request;
  add("Content-Type", "application/json");
  request.body = envelope.json().dump();
  return request;
}

Act judge_http(const HttpSpec& spec, const std::vector<OutcomeRule>& rules, const HttpReply& reply,
               Instant now) {
  const std::string what = spec.method;
  if (reply.status == 0) {
    Verdict verdict = verdict_for_http(reply, what, now);
    if (!reply.request_sent) return ended(Act::Outcome::did_not_happen, std::move(verdict));
    return ended(Act::Outcome::unknown, std::move(verdict));
  }
  if (const OutcomeRule* rule = rule_for(rules, reply.status)) {
    Verdict verdict = rule->verdict;
    const std::string status = std::to_string(reply.status);
    if (verdict.reason.empty()) verdict.reason = verdict.kind == VerdictKind::done ? "ok" : "http_" + status;
    if (verdict.message.empty()) verdict.message = what + ": HTTP " + status;
    const bool done = verdict.kind == VerdictKind::done;
    return ended(done ? Act::Outcome::happened : Act::Outcome::did_not_happen, std::move(verdict));
  }
  const bool accepted = reply.status >= 200 && reply.status < 300;
  // It was carried out; only what it said of it is not known.
  if (accepted && reply.failure == HttpReply::Failure::too_large)
    return ended(Act::Outcome::happened, verdict_for_http(reply, what, now));
  Verdict verdict = accepted ? Verdict::done(what + ": HTTP " + std::to_string(reply.status))
                             : verdict_for_http(reply, what, now);
  if (const auto said = said_in(reply)) verdict = reconcile(*said, verdict);
  if (verdict.kind == VerdictKind::done) return ended(Act::Outcome::happened, std::move(verdict));
  if (may_have_acted(reply.status)) return ended(Act::Outcome::unknown, std::move(verdict));
  return ended(Act::Outcome::did_not_happen, std::move(verdict));
}

bool same_origin(std::string_view from, std::string_view to) {
  const auto origin = [](std::string_view url) {
    const auto host = url.find("://");
    return host == std::string_view::npos ? std::string_view()
                                          : url.substr(0, url.find_first_of("/?#", host + 3));
  };
  return !origin(from).empty() && origin(from) == origin(to);
}

}  // namespace jobrun
