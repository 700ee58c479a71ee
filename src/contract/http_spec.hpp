// What a manifest says about its HTTP call, and what an answer to it means. Contract 2.9, 6-world 5.1-5.3.
// Pure: reads, writes out and judges; sends nothing.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/result.hpp"
#include "contract/native_job.hpp"
#include "contract/verdict.hpp"

namespace jobrun {

/// Letters, digits and marks: what a method or the name of a header is (RFC 9110 5.6.2).
bool is_token(std::string_view text);

/// How the server is told that a request is the same one again.
struct HttpIdempotency {
  std::string header = "Idempotency-Key";
  bool quoted = false;                      ///< as a string of RFC 8941, with quotes
  Span token_ttl = std::chrono::hours(24);  ///< how long the server remembers it
};

struct HttpSpec {
  std::string url, method = "POST";
  std::vector<std::pair<std::string, std::string>> headers;  ///< values may name secrets: "Bearer ${TOKEN}"
  using Idempotency = HttpIdempotency;
  std::optional<Idempotency> idempotency;  ///< the server honours tokens
  std::string ca_file;                     ///< certificates to trust instead of the system's
  Span connect_timeout = std::chrono::seconds(10);
  std::size_t max_body = 1024 * 1024;  ///< decoded bytes of the answer

  /// Sending it twice does no harm: by its method (RFC 9110 9.2.2), or because the server knows the token.
  bool repeatable() const;
  bool has_body() const { return method != "GET" && method != "HEAD"; }
};

/// The names in `${NAME}` of a header's value; nothing for a `${` that is not closed.
std::optional<std::vector<std::string>> secrets_in(std::string_view value);

/// What is sent with a request, besides the manifest's own words.
struct HttpEnvelope {
  std::string job, run_id, run_date, scheduled_at, unit, now, deadline, traceparent, tracestate;
  int attempt = 1, max_attempts = 1, generation = 1;
  Json config, payload;

  Json json() const;
  /// Of the effect that the request is.
  std::string effect_key() const;
};
/// Fault::setup for a secret that is not there.
Result<HttpRequest> request_for(const HttpSpec& spec, const HttpEnvelope& envelope, const std::string& token,
                                const std::function<std::optional<std::string>(std::string_view)>& secret);

/// What became of the request: rules first, then the status, what the body says, or how the exchange failed.
Act judge_http(const HttpSpec& spec, const std::vector<OutcomeRule>& rules, const HttpReply& reply,
               Instant now);

/// True where `to` is on the same scheme, host and port as `from`.
bool same_origin(std::string_view from, std::string_view to);

}  // namespace jobrun
