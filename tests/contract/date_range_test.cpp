// The run dates of a backfill.
#include "contract/date_range.hpp"

#include <catch2/catch.hpp>

using namespace jobrun;

namespace {

std::vector<std::string> dates(std::string_view from, std::string_view to, std::string_view step,
                               std::string_view zone = "UTC") {
  auto made = run_dates(from, to, step, *Zone::named(zone));
  return made ? *made : std::vector<std::string>{made.error().what()};
}

using List = std::vector<std::string>;

}  // namespace

TEST_CASE("days, weeks and months step on the calendar, both ends included") {
  CHECK(dates("2026-02-27", "2026-03-01", "1d") == List{"2026-02-27", "2026-02-28", "2026-03-01"});
  CHECK(dates("2026-04-12", "2026-04-12", "1d") == List{"2026-04-12"});
  CHECK(dates("2026-04-01", "2026-04-20", "1w") == List{"2026-04-01", "2026-04-08", "2026-04-15"});
  CHECK(dates("2028-01-31", "2028-05-31", "1mo") ==
        List{"2028-01-31", "2028-02-29", "2028-03-31", "2028-04-30", "2028-05-31"});
  CHECK(dates("2026-11-30", "2027-03-01", "3mo") == List{"2026-11-30", "2027-02-28"});
}

TEST_CASE("a day with a change of clocks has 23 or 25 hours") {
  CHECK(dates("2026-03-29", "2026-03-30", "1h", "Europe/Berlin").size() == 24);
  CHECK(dates("2026-10-25", "2026-10-26", "1h", "Europe/Berlin").size() == 26);
  CHECK(dates("2026-04-12T02:00:00Z", "2026-04-12T03:00:00Z", "30m") ==
        List{"2026-04-12T02:00:00Z", "2026-04-12T02:30:00Z", "2026-04-12T03:00:00Z"});
}

TEST_CASE("a date that the zone skipped is left out") {
  CHECK(dates("2011-12-29", "2011-12-31", "1d", "Pacific/Apia") == List{"2011-12-29", "2011-12-31"});
}

TEST_CASE("a range is bounded, and words that are none are refused") {
  CHECK(dates("2026-01-01", "2028-09-26", "1d").size() == 1000);
  CHECK(dates("2026-01-01", "2028-09-27", "1d").front().find("more than 1000") != std::string::npos);
  for (const char* step : {"", "d", "0d", "1y", "-1d", "1.5d", "99999999999999999999d"})
    CHECK(dates("2026-01-01", "2026-01-02", step).front().find("is no step") != std::string::npos);
  CHECK(dates("2026-01-02", "2026-01-01", "1d").front().find("is after") != std::string::npos);
  CHECK(dates("2026-02-30", "2026-03-01", "1d").front().find("--from") != std::string::npos);
  CHECK(dates("today", "2026-03-01", "1d").front().find("--from") != std::string::npos);
}
