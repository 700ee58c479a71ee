// The retry policy and its one decision: when may the next attempt start, or is the unit exhausted now?
// Pure: given the key, the history and the time, the answer is always the same. Sleeps never.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace jobrun {

/// Defaults are the contract's (2.6).
struct RetryPolicy {
  int max_attempts = 4;  ///< 1-100
  Span first_delay = std::chrono::seconds(30);
  double factor = 2;  ///< 1-100
  Span max_delay = std::chrono::hours(1);
  double jitter = 0.1;                  ///< 0-1: the delay is drawn from [d, d * (1 + jitter)]
  Span window = std::chrono::hours(6);  ///< from the start of the first attempt
};

struct RetryInput {
  std::string_view key;        ///< seeds the jitter: "job/unit/run date"
  int counted_attempts = 0;    ///< attempts that count against the cap, this one included
  int same_reason_streak = 1;  ///< attempts in a row, this one included, that failed for the same reason
  Instant window_start;        ///< when the first attempt of this budget started
  Instant now;
  std::optional<Span> retry_after;  ///< the other side's hint: raises the wait, never shortens it
  bool at_once = false;             ///< crashed or interrupted: no wait, only the caps hold
};

struct NextAttempt {
  bool exhausted = false;
  std::string why;  ///< "4 of 4 attempts used", "the next try (2026-..) falls outside the window of 6h";
                    ///< empty if not exhausted
  Instant at;       ///< meaningless if exhausted
};

NextAttempt next_attempt(const RetryPolicy& policy, const RetryInput& input);

/// A `Retry-After` field value (RFC 9110 10.2.3: delay-seconds or HTTP-date in its three forms) as a wait of
/// 0 to 366 days; nothing for garbage. Negative and past values are 0; overflow is 366 days.
std::optional<Span> parse_retry_after(std::string_view value, Instant now);

}  // namespace jobrun
