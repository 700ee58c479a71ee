#include "contract/retry.hpp"

#include <catch2/catch.hpp>
#include <set>

#include "base/civil.hpp"

using namespace jobrun;
using namespace std::chrono_literals;

namespace {

Instant at(std::string_view text) {
  const auto instant = parse_instant(text);
  REQUIRE(instant);
  return *instant;
}

const Instant start = Instant(1'775'952'000s);  // 2026-04-12T00:00:00Z

RetryPolicy plain() {
  RetryPolicy policy;
  policy.jitter = 0;
  return policy;
}

RetryInput after(int attempts, int streak) {
  RetryInput input;
  input.key = "invoice_sync/-/2026-04-12";
  input.counted_attempts = attempts;
  input.same_reason_streak = streak;
  input.window_start = start;
  input.now = start;
  return input;
}

}  // namespace

TEST_CASE("the wait doubles while the same reason repeats, up to max_delay") {
  RetryPolicy policy = plain();
  policy.max_attempts = 100;
  const Span expected[] = {30s, 60s, 120s, 240s, 480s, 960s, 1920s, 3600s, 3600s};
  for (int streak = 1; streak <= 9; ++streak) {
    CAPTURE(streak);
    const NextAttempt next = next_attempt(policy, after(streak, streak));
    REQUIRE_FALSE(next.exhausted);
    CHECK(next.why.empty());
    CHECK(next.at - start == expected[streak - 1]);
  }
}

TEST_CASE("the wait starts over when another error comes") {
  CHECK(next_attempt(plain(), after(3, 1)).at - start == 30s);
  CHECK(next_attempt(plain(), after(3, 0)).at - start == 30s);
}

TEST_CASE("a streak of a thousand million costs nothing and overflows nothing") {
  RetryPolicy policy = plain();
  for (const double factor : {1.0, 1.0001, 2.0, 100.0}) {
    policy.factor = factor;
    const NextAttempt next = next_attempt(policy, after(1, 1'000'000'000));
    REQUIRE_FALSE(next.exhausted);
    CHECK(next.at - start >= 30s);
    CHECK(next.at - start <= 1h);
  }
}

TEST_CASE("a first_delay of zero never grows") {
  RetryPolicy policy = plain();
  policy.first_delay = 0s;
  CHECK(next_attempt(policy, after(2, 2)).at == start);
}

TEST_CASE("jitter lengthens a wait, never shortens it, and never passes max_delay") {
  RetryPolicy policy;
  policy.jitter = 0.5;
  std::set<Span> drawn;
  for (int i = 0; i < 200; ++i) {
    RetryInput input = after(1, 1);
    const std::string key = "job/unit_" + std::to_string(i) + "/2026-04-12";
    input.key = key;
    const Span wait = next_attempt(policy, input).at - start;
    CHECK(wait >= 30s);
    CHECK(wait <= 45s);
    drawn.insert(wait);
    input.same_reason_streak = 50;
    CHECK(next_attempt(policy, input).at - start == 1h);
  }
  CHECK(drawn.size() > 150);
  CHECK(*drawn.begin() < 32s);
  CHECK(*drawn.rbegin() > 43s);
}

TEST_CASE("jitter is the same for the same key and attempt, on every host") {
  RetryPolicy policy;
  RetryInput input = after(1, 1);
  const Instant first = next_attempt(policy, input).at;
  CHECK(next_attempt(policy, input).at == first);
  input.counted_attempts = 2;
  CHECK(next_attempt(policy, input).at != first);
}

TEST_CASE("a unit is exhausted when its attempts are used up") {
  const NextAttempt next = next_attempt(plain(), after(4, 1));
  CHECK(next.exhausted);
  CHECK(next.why == "4 of 4 attempts used");
  CHECK_FALSE(next_attempt(plain(), after(3, 1)).exhausted);
  CHECK(next_attempt(plain(), after(5, 1)).exhausted);
}

TEST_CASE("a unit is exhausted now when its next try would fall outside the window") {
  RetryInput input = after(1, 1);
  input.now = start + 6h - 30s;
  CHECK_FALSE(next_attempt(plain(), input).exhausted);
  input.now += 1ms;
  const NextAttempt next = next_attempt(plain(), input);
  CHECK(next.exhausted);
  CHECK(next.why == "the next try (2026-04-12T06:00:00.001Z) falls outside the window of 6h");
}

TEST_CASE("Retry-After raises the wait and never shortens it") {
  RetryInput input = after(1, 1);
  input.retry_after = 2min;
  CHECK(next_attempt(plain(), input).at - start == 2min);
  input.retry_after = 1s;
  CHECK(next_attempt(plain(), input).at - start == 30s);
  input.retry_after = -5s;
  CHECK(next_attempt(plain(), input).at - start == 30s);
  input.retry_after = 2h;  // above max_delay, too
  CHECK(next_attempt(plain(), input).at - start == 2h);
}

TEST_CASE("a Retry-After beyond the window exhausts the unit now, and the reason says who asked") {
  RetryInput input = after(1, 1);
  input.retry_after = Span::max();
  const NextAttempt next = next_attempt(plain(), input);
  CHECK(next.exhausted);
  CHECK(next.why.find("the other side asked for a wait of 366d") != std::string::npos);
}

TEST_CASE("a crashed or interrupted attempt is followed at once, but the caps hold") {
  RetryInput input = after(1, 3);
  input.at_once = true;
  input.now = start + 1h;
  CHECK(next_attempt(plain(), input).at == input.now);
  input.counted_attempts = 4;
  CHECK(next_attempt(plain(), input).exhausted);
  input.counted_attempts = 1;
  input.now = start + 6h + 1ms;
  CHECK(next_attempt(plain(), input).exhausted);
}

TEST_CASE("Retry-After is read as seconds or as a date in any of the three forms") {
  const Instant now = at("1994-11-06T08:48:37Z");
  struct Row {
    const char* value;
    std::optional<Span> expected;
  };
  const Span most = std::chrono::hours(24 * 366);
  const Row rows[] = {
      {"5", 5s},
      {"0", 0s},
      {"00120", 120s},
      {" 120 ", 120s},
      {"-5", 0s},
      {"-99999999999999999999", 0s},
      {"31622400", most},
      {"31622401", most},
      {"99999999999", most},
      {"99999999999999999999999999999999", most},
      {"1.5", {}},
      {"2abc", {}},
      {"soon", {}},
      {"", {}},
      {"-", {}},
      {"+5", {}},
      {"0x10", {}},
      {"1e3", {}},
      {"5, 6", {}},
      // RFC 9110 5.6.7
      {"Sun, 06 Nov 1994 08:49:37 GMT", 60s},
      {"Sunday, 06-Nov-94 08:49:37 GMT", 60s},
      {"Sun Nov  6 08:49:37 1994", 60s},
      {"Sun Nov 16 08:48:37 1994", std::chrono::hours(240)},
      {"Sun, 06 Nov 1994 08:48:37 GMT", 0s},
      {"Sun, 06 Nov 1994 08:47:37 GMT", 0s},
      {"Sun, 06 Nov 1994 08:48:60 GMT", 23s},
      {"Fri, 31 Dec 9999 23:59:59 GMT", most},
      {"Mon, 06 Nov 1994 08:49:37 GMT", 60s},  // a wrong day's name does not make the date unreadable
      {"Sun, 06 Nov 1994 08:49:37", {}},
      {"Sun, 06 Nov 1994 08:49:37 UTC", {}},
      {"Sun, 06 Nov 1994 08:49:37 GMT ;", {}},
      {"Sun, 6 Nov 1994 08:49:37 GMT", {}},
      {"Sun, 31 Nov 1994 08:49:37 GMT", {}},
      {"Sun, 00 Nov 1994 08:49:37 GMT", {}},
      {"Sun, 06 Foo 1994 08:49:37 GMT", {}},
      {"Sun, 06 Nov 1994 24:00:00 GMT", {}},
      {"Sun, 06 Nov 1994 08:60:00 GMT", {}},
      {"Sun, 06 Nov 1994 08:49:61 GMT", {}},
      {"Sun, -6 Nov 1994 08:49:37 GMT", {}},
      {"Xxx, 06 Nov 1994 08:49:37 GMT", {}},
      {"Sun, 06 Nov", {}},
      {"1994-11-06T08:49:37Z", {}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.value);
    CHECK(parse_retry_after(row.value, now) == row.expected);
  }
}

TEST_CASE("a two-digit year more than 50 years ahead is the past one") {
  const Instant now = at("2026-04-12T00:00:00Z");
  CHECK(parse_retry_after("Sunday, 12-Apr-26 00:01:00 GMT", now) == Span(60s));
  CHECK(parse_retry_after("Sunday, 12-Apr-76 00:01:00 GMT", now) == Span(std::chrono::hours(24 * 366)));
  CHECK(parse_retry_after("Sunday, 12-Apr-77 00:01:00 GMT", now) == Span(0s));
}
