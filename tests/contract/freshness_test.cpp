#include "contract/freshness.hpp"

#include <catch2/catch.hpp>

using namespace jobrun;
using namespace std::chrono_literals;

namespace {

const Instant noon = Instant(std::chrono::sys_days(std::chrono::year(2026) / 4 / 12)) + 12h;

Manifest manifest_with(const std::string& members) {
  auto manifest = parse_manifest("sync", "/jobs/sync.json", "{\"command\": [\"true\"]" + members + "}");
  REQUIRE(manifest);
  return *manifest;
}

}  // namespace

TEST_CASE("a success is due within fresh_within, else within the period and its retry window") {
  CHECK(freshness_limit(manifest_with(R"(, "period": "24h", "fresh_within": "26h")")) == Span(26h));
  CHECK(freshness_limit(manifest_with(R"(, "period": "24h")")) == Span(30h));
  CHECK(freshness_limit(manifest_with(R"(, "period": "24h", "retry": {"window": "2h"})")) == Span(26h));
  CHECK(freshness_limit(manifest_with(R"(, "period": "15m")")) == Span(30min));
  CHECK(freshness_limit(manifest_with("")) == std::nullopt);
}

TEST_CASE("a job is stale from the instant after its limit, and not before") {
  const auto at = [](Span age) { return judge_freshness(26h, noon - age, std::nullopt, false, noon); };
  CHECK(at(0h).state == Freshness::State::fresh);
  CHECK(at(26h).state == Freshness::State::fresh);
  CHECK(at(26h + 1ms).state == Freshness::State::stale);
  CHECK(at(30h).due == noon - 4h);
  CHECK(phrase_of(at(3h), noon) == "last success 3h ago");
  CHECK(phrase_of(at(30h), noon) == "stale for 4h: last success 1d 6h ago, one is due within 1d 2h");
}

TEST_CASE("a job that never succeeded is awaited for one limit and then as stale as one that failed") {
  const auto known = [](Span since) { return judge_freshness(26h, std::nullopt, noon - since, false, noon); };
  CHECK(known(25h).state == Freshness::State::awaited);
  CHECK(phrase_of(known(25h), noon) == "no success yet, the first is due in 1h");
  CHECK(known(27h).state == Freshness::State::stale);
  CHECK(phrase_of(known(27h), noon) == "stale for 1h: it never succeeded, one is due within 1d 2h");
  CHECK_FALSE(judge_freshness(26h, std::nullopt, std::nullopt, false, noon).is_stale());
}

TEST_CASE("a paused job and one without a limit are never stale") {
  CHECK(judge_freshness(26h, noon - 100h, std::nullopt, true, noon).state == Freshness::State::paused);
  CHECK(judge_freshness(std::nullopt, noon - 100h, std::nullopt, false, noon).state ==
        Freshness::State::unwatched);
  CHECK(judge_freshness(std::nullopt, std::nullopt, noon, false, noon).state == Freshness::State::unwatched);
}

TEST_CASE("a success that lies in the future is fresh: the clock is doctor's matter") {
  CHECK(judge_freshness(26h, noon + 5h, std::nullopt, false, noon).state == Freshness::State::fresh);
}
