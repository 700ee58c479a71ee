#include "handler/http_call.hpp"

#include "base/civil.hpp"
#include "base/text.hpp"

namespace jobrun {

namespace {

constexpr int most_redirects = 5;
constexpr std::size_t logged_body = 2000;

/// Until the attempt's deadline, less what it takes to say so.
Span time_left(const HttpEnvelope& envelope, Instant now) {
  const auto deadline = parse_instant(envelope.deadline);
  if (!deadline) return std::chrono::minutes(1);
  return std::max<Span>(std::chrono::seconds(1), *deadline - now - std::chrono::milliseconds(500));
}

HttpReply exchange(JobContext& context, HttpRequest request) {
  for (int hop = 0;; ++hop) {
    HttpReply reply = context.http(request);
    const bool moved = reply.status >= 300 && reply.status < 400 && !reply.redirect_url.empty();
    const bool harmless = request.method == "GET" || request.method == "HEAD";
    if (!moved || !harmless || hop == most_redirects || !same_origin(request.url, reply.redirect_url))
      return reply;
    request.url = reply.redirect_url;
  }
}

std::string logged(const HttpReply& reply) {
  if (reply.status == 0) return printable(reply.message) + "\n";
  std::string log =
      "HTTP " + std::to_string(reply.status) + ", " + std::to_string(reply.body.size()) + " bytes";
  if (!reply.content_type.empty()) log += " of " + printable(reply.content_type);
  if (!reply.message.empty()) log += "; " + printable(reply.message);
  return log + "\n" + clip(reply.body, logged_body) +
         (reply.body.empty() || reply.body.ends_with('\n') ? "" : "\n");
}

}  // namespace

HttpCallEnd http_call(JobContext& context, const HttpCallSpec& spec, const HttpEnvelope& envelope) {
  HttpCallEnd end{Verdict::done(spec.http.method + ": it was answered in an earlier attempt"), {}};
  EffectOptions options;
  options.if_in_doubt = spec.http.repeatable() ? IfInDoubt::resend : IfInDoubt::stop;
  // Without a server that counts the token's life a repeatable method may be repeated for ever.
  options.token_ttl = spec.http.idempotency ? spec.http.idempotency->token_ttl : std::chrono::hours(24 * 365);
  const auto stopped = context.effect(envelope.effect_key(), options, [&](const std::string& token) -> Act {
    auto request =
        request_for(spec.http, envelope, token, [&](std::string_view name) { return context.secret(name); });
    if (!request)
      return {Act::Outcome::did_not_happen, {}, Verdict::stop("bad_request", request.error().what())};
    request->timeout = time_left(envelope, context.now());
    HttpReply reply = exchange(context, std::move(*request));
    reply.key_sent = spec.http.has_body();
    end.log = logged(reply);
    Act act = judge_http(spec.http, spec.outcomes, reply, context.now());
    if (act.outcome == Act::Outcome::happened) end.verdict = act.verdict;
    act.result = "HTTP " + std::to_string(reply.status);
    return act;
  });
  if (stopped) end.verdict = *stopped;
  return end;
}

}  // namespace jobrun
