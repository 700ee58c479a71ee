#include "contract/schedule.hpp"

#include <catch2/catch.hpp>

using namespace jobrun;
using namespace std::chrono_literals;

namespace {

Instant at(std::string_view text) {
  return *parse_instant(text);
}
const Instant spring = at("2026-01-01T00:00:00Z");

TimesOfDay wall(std::string_view text) {
  return wall_times(*parse_schedule(text));
}
TimesOfDay shifted(std::string_view text, std::string_view zone, Instant from = spring) {
  return wall_times_and_shifted(*parse_schedule(text), *Zone::named(zone), from);
}

}  // namespace

TEST_CASE("a schedule is the word that names the run dates") {
  CHECK(read_schedule("daily@02:05")->span == 125min);
  CHECK(read_schedule("hourly@05")->span == 5min);
  CHECK(read_schedule("every@15m")->span == 15min);
  for (const char* text : {"daily@2:00", "daily@24:00", "daily@02:60", "daily@-1:00", "daily@02:0x", "daily@",
                           "hourly@60", "hourly@5", "hourly@-5", "every@7m", "every@0s", "every@25h",
                           "every@", "today", "02:00", "", "0 2 * * *"}) {
    CAPTURE(text);
    CHECK_FALSE(read_schedule(text));
    CHECK_FALSE(parse_schedule(text));
  }
}

TEST_CASE("a step with seconds is a run date but no schedule") {
  CHECK(read_schedule("every@90s"));
  CHECK_FALSE(parse_schedule("every@90s"));
}

TEST_CASE("times of day are written as a crontab and as OnCalendar= write them") {
  struct Row {
    const char *text, *cron, *calendar;
  };
  const Row rows[] = {
      {"daily@02:00", "0 2 * * *", "*-*-* 02:00:00"},   {"daily@23:59", "59 23 * * *", "*-*-* 23:59:00"},
      {"hourly@05", "5 * * * *", "*-*-* *:05:00"},      {"every@15m", "*/15 * * * *", "*-*-* *:0/15:00"},
      {"every@1m", "* * * * *", "*-*-* *:*:00"},        {"every@30m", "0,30 * * * *", "*-*-* *:00,30:00"},
      {"every@6h", "0 */6 * * *", "*-*-* 0/6:00:00"},   {"every@12h", "0 0,12 * * *", "*-*-* 00,12:00:00"},
      {"every@24h", "0 0 * * *", "*-*-* 00:00:00"},     {"every@1h", "0 * * * *", "*-*-* *:00:00"},
      {"every@45m", "*/15 * * * *", "*-*-* *:0/15:00"},  // asks too often, which is answered "done"
      {"every@8h", "0 */8 * * *", "*-*-* 0/8:00:00"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(cron_fields(wall(row.text)) == row.cron);
    CHECK(on_calendar(wall(row.text)) == row.calendar);
  }
}

TEST_CASE("a time that a change of clocks skips is asked for where it is moved to as well") {
  CHECK(shifted("daily@02:30", "Europe/Berlin") == TimesOfDay{150min, 210min});
  CHECK(shifted("daily@02:00", "Europe/Berlin") == TimesOfDay{120min, 180min});
  CHECK(shifted("daily@03:00", "Europe/Berlin") == TimesOfDay{180min});
  CHECK(shifted("daily@02:30", "UTC") == TimesOfDay{150min});
  CHECK(shifted("daily@02:30", "America/New_York") == TimesOfDay{150min, 210min});
  CHECK(shifted("daily@02:15", "Australia/Lord_Howe") == TimesOfDay{135min, 165min});
  CHECK(shifted("hourly@30", "Europe/Berlin") == wall("hourly@30"));
  CHECK(cron_fields(shifted("daily@02:30", "Europe/Berlin")) == "30 2,3 * * *");
}
