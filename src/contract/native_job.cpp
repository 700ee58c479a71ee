#include "contract/native_job.hpp"

#include <array>
#include <cstdlib>

#include "base/text.hpp"
#include "contract/retry.hpp"

namespace jobrun {
namespace {

constexpr std::size_t told_limit = 200;           // bytes of the server's own words in a message
constexpr std::size_t parsed_limit = 256 * 1024;  // bytes of an error's body that are worth reading

// RFC 9110 15 and the registry; the ones that servers really send.
constexpr std::array<std::pair<int, std::string_view>, 37> phrases = {{
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Content"},
    {423, "Locked"},
    {424, "Failed Dependency"},
    {425, "Too Early"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {511, "Network Authentication Required"},
}};

std::string status_line(int status) {
  std::string line = "HTTP " + std::to_string(status);
  for (const auto& [number, phrase] : phrases) {
    if (number == status) line.append(" ").append(phrase);
  }
  return line;
}

// {"error": {"message": "..."}}, the shape of Stripe's errors and of many that follow it.
std::string told_by(const HttpReply& reply) {
  if (reply.body.empty() || reply.body.size() > parsed_limit) return {};
  const auto body = Json::parse(reply.body);
  if (!body) return {};
  const std::string& message = body->at("error").at("message").as_string();
  return message.empty() ? std::string() : ": " + clip(printable(message), told_limit);
}

std::string failure_text(std::string_view what, const HttpReply& reply, std::string_view otherwise) {
  return std::string(what) + ": " +
         (reply.message.empty() ? std::string(otherwise) : printable(reply.message));
}

Verdict verdict_for_status(const HttpReply& reply, std::string_view what, Instant now) {
  const int status = reply.status;
  const auto retry = [&](std::string reason) {
    const auto wait = parse_retry_after(reply.retry_after, now);
    std::string message = std::string(what) + ": " + status_line(status);
    if (wait) {
      const auto seconds = std::chrono::ceil<std::chrono::seconds>(*wait).count();
      message += ", asked to wait " + std::to_string(seconds) + " s";
    }
    return Verdict::retry(std::move(reason), message + told_by(reply), wait);
  };
  const auto stop = [&](std::string reason, bool pause = false) {
    return Verdict::stop(std::move(reason), std::string(what) + ": " + status_line(status) + told_by(reply),
                         pause);
  };
  // The server knows best what became of its own request.
  if (status >= 400 && reply.should_retry == "true")
    return retry(status == 429 ? "rate_limited" : "unavailable");
  if (status >= 400 && reply.should_retry == "false") return stop("request_refused");
  if (status == 409 && reply.key_sent) return retry("in_progress");
  if (status == 403 && (!reply.retry_after.empty() || reply.quota_used)) return retry("rate_limited");
  switch (status) {
    case 401:
    case 403:
    case 407:
      return stop("credentials_rejected", true);
    case 429:
      return retry("rate_limited");
    case 408:
    case 423:
    case 424:
    case 425:
      return retry("unavailable");
    case 501:
    case 505:
    case 511:
      return stop("not_supported");
  }
  if (status >= 200 && status < 300)
    return Verdict::done(std::string(what) + ": HTTP " + std::to_string(status));
  if (status >= 300 && status < 400) return stop("redirected");
  if (status >= 400 && status < 500) return stop("request_refused");
  // RFC 9110 15: an unknown 5xx is treated as 500, and so is a status that is none.
  return retry("unavailable");
}

}  // namespace

Verdict verdict_for_http(const HttpReply& reply, std::string_view what, Instant now) {
  using Failure = HttpReply::Failure;
  switch (reply.failure) {
    case Failure::none:
      break;
    case Failure::not_sent:
      return Verdict::retry("not_reachable", failure_text(what, reply, "the server can't be reached"));
    case Failure::connection_lost:
      return Verdict::retry("connection_lost", failure_text(what, reply, "the connection was lost"));
    case Failure::timed_out:
      return Verdict::retry("timed_out", failure_text(what, reply, "no answer in time"));
    case Failure::too_large:
      return Verdict::stop("answer_too_large", failure_text(what, reply, "the answer is too large"));
    case Failure::refused_by_us:
      return Verdict::stop("bad_request",
                           failure_text(what, reply, "the request was not sent: it is not allowed"));
  }
  if (reply.status == 0) {  // no answer and no word why: go by whether something was sent
    return reply.request_sent
               ? Verdict::retry("connection_lost", failure_text(what, reply, "the connection was lost"))
               : Verdict::retry("not_reachable", failure_text(what, reply, "the server can't be reached"));
  }
  return verdict_for_status(reply, what, now);
}

}  // namespace jobrun
