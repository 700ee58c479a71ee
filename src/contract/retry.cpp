#include "contract/retry.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "base/civil.hpp"
#include "base/text.hpp"

namespace jobrun {
namespace {

using namespace std::chrono_literals;

constexpr Span longest_wait = std::chrono::hours(24 * 366);
// More doublings than any max_delay can follow; keeps a streak of 10^9 from costing anything.
constexpr int exponent_limit = 100;

// In [0, 1), the same for the same key and attempt on every host: the first 52 bits of SHA-256, which a
// double holds exactly.
double draw(std::string_view key, int counted_attempts) {
  const std::string hash = sha256_hex(std::string(key) + "#" + std::to_string(counted_attempts));
  double drawn = 0;
  for (std::size_t i = 13; i-- > 0;) {
    const char c = hash[i];
    drawn = (drawn + (c <= '9' ? c - '0' : c - 'a' + 10)) / 16;
  }
  return drawn;
}

Span delay(const RetryPolicy& policy, const RetryInput& input) {
  const double limit = static_cast<double>(policy.max_delay.count());
  double wait = static_cast<double>(policy.first_delay.count());
  const int exponent = std::clamp(input.same_reason_streak, 1, exponent_limit + 1) - 1;
  for (int i = 0; i < exponent && wait < limit; ++i) wait *= policy.factor;
  wait = std::min(wait, limit);
  wait = std::min(wait * (1 + policy.jitter * draw(input.key, input.counted_attempts)), limit);
  return Span(static_cast<Span::rep>(wait));
}

constexpr std::array<std::string_view, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> days = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                  "Thursday", "Friday", "Saturday"};

// Takes an HTTP-date apart from left to right; after the first mismatch every step fails.
class DateScanner {
 public:
  explicit DateScanner(std::string_view rest) : rest_(rest) {}

  bool word(std::string_view expected) {
    if (!good_ || rest_.substr(0, expected.size()) != expected) return good_ = false;
    rest_.remove_prefix(expected.size());
    return true;
  }
  /// Exactly `digits` digits; asctime writes days below ten with a blank.
  int number(std::size_t digits, bool blank_padded = false) {
    std::string_view text = rest_.substr(0, digits);
    if (blank_padded && text.substr(0, 1) == " ") text.remove_prefix(1);
    const auto value = parse_integer(text, 0, 9999);
    if (!good_ || rest_.size() < digits || text.front() == '-' || !value) {
      good_ = false;
      return 0;
    }
    rest_.remove_prefix(digits);
    return static_cast<int>(*value);
  }
  unsigned month() {
    for (std::size_t i = 0; good_ && i < months.size(); ++i) {
      if (rest_.substr(0, 3) == months[i]) {
        rest_.remove_prefix(3);
        return static_cast<unsigned>(i + 1);
      }
    }
    good_ = false;
    return 0;
  }
  bool complete() const { return good_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool good_ = true;
};

struct DateParts {
  int year = 0;
  unsigned month = 0;
  int day = 0, hour = 0, minute = 0, second = 0;
};

void scan_time(DateScanner& scan, DateParts& parts) {
  parts.hour = scan.number(2);
  scan.word(":");
  parts.minute = scan.number(2);
  scan.word(":");
  parts.second = scan.number(2);
}

std::optional<Instant> instant_of(const DateParts& parts) {
  const std::chrono::year_month_day date(std::chrono::year(parts.year), std::chrono::month(parts.month),
                                         std::chrono::day(static_cast<unsigned>(parts.day)));
  // :60 is in the grammar, for leap seconds.
  if (!date.ok() || parts.hour > 23 || parts.minute > 59 || parts.second > 60) return {};
  return std::chrono::sys_days(date) + std::chrono::hours(parts.hour) + std::chrono::minutes(parts.minute) +
         std::chrono::seconds(parts.second);
}

// RFC 9110 5.6.7. All three forms are to be accepted; the day's name is read but not held against the date.
std::optional<Instant> parse_http_date(std::string_view text, Instant now) {
  for (const std::string_view day : days) {
    DateParts parts;
    const std::string_view shorter = day.substr(0, 3);

    DateScanner imf(text);  // Sun, 06 Nov 1994 08:49:37 GMT
    imf.word(shorter);
    imf.word(", ");
    parts.day = imf.number(2);
    imf.word(" ");
    parts.month = imf.month();
    imf.word(" ");
    parts.year = imf.number(4);
    imf.word(" ");
    scan_time(imf, parts);
    imf.word(" GMT");
    if (imf.complete()) return instant_of(parts);

    DateScanner asctime(text);  // Sun Nov  6 08:49:37 1994
    asctime.word(shorter);
    asctime.word(" ");
    parts.month = asctime.month();
    asctime.word(" ");
    parts.day = asctime.number(2, true);
    asctime.word(" ");
    scan_time(asctime, parts);
    asctime.word(" ");
    parts.year = asctime.number(4);
    if (asctime.complete()) return instant_of(parts);

    DateScanner rfc850(text);  // Sunday, 06-Nov-94 08:49:37 GMT
    rfc850.word(day);
    rfc850.word(", ");
    parts.day = rfc850.number(2);
    rfc850.word("-");
    parts.month = rfc850.month();
    rfc850.word("-");
    parts.year = rfc850.number(2);
    rfc850.word(" ");
    scan_time(rfc850, parts);
    rfc850.word(" GMT");
    if (rfc850.complete()) {
      // A year that would be more than 50 years ahead is the latest past one with the same two digits.
      const int this_year =
          static_cast<int>(std::chrono::year_month_day(std::chrono::floor<std::chrono::days>(now)).year());
      parts.year += this_year - this_year % 100;
      if (parts.year > this_year + 50) parts.year -= 100;
      return instant_of(parts);
    }
  }
  return {};
}

}  // namespace

NextAttempt next_attempt(const RetryPolicy& policy, const RetryInput& input) {
  NextAttempt next;
  if (input.counted_attempts >= policy.max_attempts) {
    next.exhausted = true;
    next.why = std::to_string(input.counted_attempts) + " of " + std::to_string(policy.max_attempts) +
               " attempts used";
    return next;
  }
  Span wait = input.at_once ? 0ms : delay(policy, input);
  const Span asked = std::clamp(input.retry_after.value_or(0ms), Span(0), longest_wait);
  const bool raised = asked > wait;
  if (raised) wait = asked;
  next.at = input.now + wait;
  if (next.at > input.window_start + policy.window) {
    next.exhausted = true;
    next.why = "the next try (" + format_instant_short(next.at) +
               (raised ? ", as the other side asked for a wait of " + format_duration(asked) : "") +
               ") falls outside the window of " + format_duration(policy.window);
  }
  return next;
}

std::optional<Span> parse_retry_after(std::string_view value, Instant now) {
  value = trim(value);
  const bool negative = value.substr(0, 1) == "-";
  const std::string_view digits = value.substr(negative ? 1 : 0);
  if (!digits.empty() && digits.find_first_not_of("0123456789") == std::string_view::npos) {
    if (negative) return Span(0);
    constexpr std::int64_t most = std::chrono::duration_cast<std::chrono::seconds>(longest_wait).count();
    // Only a number that is too large is not parsed here, leading zeros aside.
    const std::size_t first = std::min(digits.find_first_not_of('0'), digits.size() - 1);
    return std::chrono::seconds(parse_integer(digits.substr(first), 0, most).value_or(most));
  }
  if (const auto date = parse_http_date(value, now))
    return std::clamp(Span(*date - now), Span(0), longest_wait);
  return {};
}

}  // namespace jobrun
