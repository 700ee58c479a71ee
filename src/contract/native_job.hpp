// What a native job sees: a function of a JobContext that answers with a Verdict.
// The context is the same channel that a shell script speaks; a lost channel means that jobrun is gone, and
// the worker ends at once. A job does no retries, reads no clock and prints nothing but its log.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/result.hpp"
#include "contract/effect_key.hpp"
#include "contract/verdict.hpp"

namespace jobrun {

/// One HTTP request, tried once (RFC 9110). http and https only, TLS verified, no redirects, no proxy.
struct HttpRequest {
  std::string method = "GET";
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  Span connect_timeout = std::chrono::seconds(10);
  Span timeout = std::chrono::seconds(30);
  std::size_t body_limit = 16 * 1024 * 1024;  ///< decoded bytes
  std::string ca_file;  ///< certificates to trust; empty: the system's, or SSL_CERT_FILE
};

struct HttpReply {
  int status = 0;  ///< 0: no answer came, see `failure`
  std::string body;
  std::string content_type;
  std::string retry_after;   ///< raw field value, empty if absent
  std::string should_retry;  ///< of Stripe-Should-Retry: "true", "false" or empty
  bool quota_used = false;   ///< X-RateLimit-Remaining is 0
  std::string redirect_url;  ///< where a 3xx points to, absolute
  bool key_sent = false;     ///< the request carried an idempotency token; set by the caller
  enum class Failure {
    none,
    not_sent,
    connection_lost,
    timed_out,
    too_large,
    refused_by_us
  } failure = Failure::none;
  bool request_sent = false;  ///< at least one byte may have arrived
  std::string message;  ///< for a person, names host and what went wrong; never the URL's query or a header
};

/// How the act of an effect ended.
struct Act {
  enum class Outcome {
    happened,        ///< confirm, with `result`
    did_not_happen,  ///< release the intent; `verdict` says why
    unknown,         ///< may have happened; stays intended and is in doubt for the next attempt
  };
  Outcome outcome = Outcome::happened;
  std::string result;
  Verdict verdict;
};

struct EffectOptions {
  std::string fingerprint;  ///< hash of the arguments; empty: not compared
  IfInDoubt if_in_doubt = IfInDoubt::stop;
  Span token_ttl = std::chrono::hours(24);
  std::string scope;  ///< empty: this job
  /// For the policy `probe`: did the act with this token happen? Nothing where that can't be found out.
  std::function<std::optional<bool>(const std::string& token)> probe = {};
};

class JobContext {
 public:
  virtual ~JobContext() = default;

  virtual const std::string& job() const = 0;
  virtual const std::string& run_id() const = 0;
  virtual const std::string& run_date() const = 0;
  virtual const std::string& unit() const = 0;
  virtual int attempt() const = 0;
  virtual Instant now() const = 0;         ///< handed in by jobrun; the job has no other clock
  virtual const Json& config() const = 0;  ///< the manifest's config, the unit's over it
  virtual const Json& payload() const = 0;
  virtual std::optional<std::string> secret(std::string_view name) const = 0;

  /// The saved cursor of a stream; empty at the very first time.
  virtual std::string cursor(std::string_view stream = "-") = 0;
  /// Durable when it returns.
  virtual void checkpoint(std::string_view cursor, std::string_view stream = "-") = 0;
  virtual bool item_is_done(std::string_view item) = 0;
  virtual void item_done(std::string_view item) = 0;
  /// Intent stored, then `act(token)`, then confirmation stored. With a confirmed key `act` is not called.
  /// Returns nothing where the effect is confirmed (now or earlier), else the verdict to end with.
  virtual std::optional<Verdict> effect(std::string_view key, const EffectOptions& options,
                                        const std::function<Act(const std::string& token)>& act) = 0;
  /// For a person who watches; `fraction` 0-1 where it is known.
  virtual void progress(std::string_view message, std::optional<double> fraction = {}) = 0;
  virtual HttpReply http(const HttpRequest& request) = 0;
};

using NativeJob = Verdict (*)(JobContext&);
struct NativeJobEntry {
  std::string_view name;
  NativeJob job;
};

/// The verdict for an HTTP answer that is not 2xx or did not come (6-world 5.2, 5.3): retry with the server's
/// hint, or stop. `what` leads the message: "list invoices of customer_37".
Verdict verdict_for_http(const HttpReply& reply, std::string_view what, Instant now);

}  // namespace jobrun
