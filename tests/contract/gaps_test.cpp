// Run dates that are missing between the first and the last.
#include "contract/gaps.hpp"

#include <catch2/catch.hpp>

#include "contract/date_range.hpp"

using namespace jobrun;

namespace {

using List = std::vector<std::string>;

Gaps gaps(const List& seen, std::optional<Span> period = {}, std::size_t most = 100) {
  return gaps_between(seen, period, Zone::utc(), most);
}

/// All labels of a range but those at `holes`.
List with_holes(std::string_view from, std::string_view to, std::string_view step,
                const std::vector<std::size_t>& holes) {
  List all = *run_dates(from, to, step, Zone::utc());
  for (auto hole = holes.rbegin(); hole != holes.rend(); ++hole)
    all.erase(all.begin() + static_cast<std::ptrdiff_t>(*hole));
  return all;
}

constexpr Span day = std::chrono::hours(24);

}  // namespace

TEST_CASE("nights that never started are named, oldest first") {
  const Gaps found = gaps({"2026-04-15", "2026-04-10", "2026-04-12", "2026-04-12"}, day);
  CHECK(found.missing == List{"2026-04-11", "2026-04-13", "2026-04-14"});
  CHECK(found.step == "1d");
  CHECK_FALSE(found.inferred);
}

TEST_CASE("nothing is missing from a job that ran once, never, or every day") {
  CHECK(gaps({}).missing.empty());
  CHECK(gaps({"2026-04-12"}).step.empty());
  CHECK(gaps(with_holes("2026-01-01", "2026-03-01", "1d", {})).missing.empty());
  CHECK(gaps({"2026-04-12T02:00:00Z", "2026-04-14T02:00:00Z"}).step.empty());
}

TEST_CASE("without a period two dates are taken for daily, and more say how far they are apart") {
  CHECK(gaps({"2026-04-10", "2026-04-13"}).missing == List{"2026-04-11", "2026-04-12"});
  const Gaps weekly = gaps(with_holes("2026-01-05", "2026-04-27", "1w", {3, 7, 8}));
  CHECK(weekly.step == "1w");
  CHECK(weekly.inferred);
  CHECK(weekly.missing == List{"2026-01-26", "2026-02-23", "2026-03-02"});
}

TEST_CASE("a weekly run that came a day late leaves no gap") {
  CHECK(gaps({"2026-04-06", "2026-04-14", "2026-04-20"}, 7 * day).missing.empty());
}

TEST_CASE("months are missing by month, on the day that the others have") {
  const Gaps first = gaps(with_holes("2025-11-01", "2026-06-01", "1mo", {3}));
  CHECK(first.step == "1mo");
  CHECK(first.missing == List{"2026-02-01"});
  CHECK(gaps(with_holes("2026-01-31", "2026-06-30", "1mo", {1})).missing == List{"2026-02-28"});
  CHECK(gaps({"2026-02-28", "2026-03-31", "2026-05-31"}, 30 * day).missing == List{"2026-04-30"});
  CHECK(gaps(with_holes("2025-01-15", "2026-10-15", "3mo", {2})).missing == List{"2025-07-15"});
  CHECK(gaps(with_holes("2026-01-05", "2026-08-01", "4w", {2})).missing == List{"2026-03-02"});
}

TEST_CASE("a job that runs from Monday to Friday is not missed at the weekend") {
  List seen;
  const List all = with_holes("2026-03-02", "2026-04-10", "1d", {});
  for (const auto& label : all) {
    const std::chrono::weekday weekday{std::chrono::sys_days(*parse_date(label))};
    if (weekday != std::chrono::Saturday && weekday != std::chrono::Sunday && label != "2026-03-18")
      seen.push_back(label);
  }
  const Gaps found = gaps(seen);
  CHECK(found.missing == List{"2026-03-18"});
  CHECK(found.weekdays);
  CHECK(gaps(seen, day).missing.size() == 11);  // a period of 24h means every day
}

TEST_CASE("instants are missing by their own step") {
  const auto seen = with_holes("2026-04-12T00:00:00Z", "2026-04-12T03:00:00Z", "15m", {4, 5, 9});
  CHECK(gaps(seen).step == "15m");
  CHECK(gaps(seen).missing == List{"2026-04-12T01:00:00Z", "2026-04-12T01:15:00Z", "2026-04-12T02:15:00Z"});
  CHECK(gaps(seen, std::chrono::minutes(30)).missing.empty());
}

TEST_CASE("a run off the beat does not move it, and one that came late fills its place") {
  CHECK(gaps({"2026-04-12T02:00:00Z", "2026-04-12T02:07:00Z", "2026-04-12T02:30:00Z", "2026-04-12T02:45:00Z",
              "2026-04-12T03:00:00Z"},
             std::chrono::minutes(15))
            .missing == List{"2026-04-12T02:15:00Z"});
  CHECK(gaps({"2026-04-12T02:00:09Z", "2026-04-12T03:01:40Z", "2026-04-12T04:00:02Z"}).missing.empty());
}

TEST_CASE("a daily instant does not miss a night when the clocks change") {
  CHECK(gaps({"2026-03-27T01:00:00Z", "2026-03-28T01:00:00Z", "2026-03-29T00:00:00Z", "2026-03-30T00:00:00Z"},
             day)
            .missing.empty());
}

TEST_CASE("a date that the zone skipped was not missed") {
  CHECK(gaps_between({"2011-12-29", "2011-12-31"}, day, *Zone::named("Pacific/Apia"), 100).missing.empty());
}

TEST_CASE("the latest are named where there are too many, and the cut is told") {
  const Gaps found = gaps({"1970-01-01", "9999-12-31"}, day, 3);
  CHECK(found.missing == List{"9999-12-28", "9999-12-29", "9999-12-30"});
  CHECK(found.cut);
  CHECK(gaps({"1970-01-01T00:00:00Z", "9999-12-31T00:00:00Z"}, std::chrono::minutes(1), 5).missing.size() ==
        5);
  CHECK_FALSE(gaps({"2026-04-10", "2026-04-14"}, day, 3).cut);
}

TEST_CASE("nights in a row are told as one stretch") {
  const auto stretches = gaps({"2026-04-10", "2026-04-14", "2026-04-16"}, day).stretches;
  REQUIRE(stretches.size() == 2);
  CHECK(stretches[0].first == "2026-04-11");
  CHECK(stretches[0].last == "2026-04-13");
  CHECK(stretches[0].count == 3);
  CHECK(stretches[1].count == 1);
}

TEST_CASE("words that are no run dates are passed over") {
  CHECK(gaps({"", "zz", "2026-04-10", "2026-02-30", "2026-04-12"}, day).missing == List{"2026-04-11"});
}
