#include "base/civil.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>

using namespace jobrun;
using namespace std::chrono_literals;
using std::chrono::seconds;

namespace {

Date day(const char* text) {
  const auto date = parse_date(text);
  INFO(text);
  REQUIRE(date);
  return *date;
}

Instant at(const char* text) {
  const auto instant = parse_instant(text);
  INFO(text);
  REQUIRE(instant);
  return *instant;
}

Zone zone(const char* name) {
  const auto found = Zone::named(name);
  INFO(name);
  REQUIRE(found);
  return *found;
}

std::string why_not_date(const char* text) {
  const auto date = parse_date(text);
  if (date) return "accepted";
  CHECK(date.error().fault() == Fault::usage);
  return date.error().what();
}

std::string why_not_instant(const char* text) {
  const auto instant = parse_instant(text);
  if (instant) return "accepted";
  CHECK(instant.error().fault() == Fault::usage);
  return instant.error().what();
}

/// When clocks of the zone show that local time, as UTC text.
std::string utc_of(const char* zone_name, const char* date, seconds time) {
  return format_instant_short(zone(zone_name).instant(day(date), time));
}

}  // namespace

TEST_CASE("a date is written as in RFC 3339 and comes back the same") {
  for (const char* text : {"1970-01-01", "2026-04-12", "2024-02-29", "2000-02-29", "9999-12-31"}) {
    CHECK(format_date(day(text)) == text);
  }
}

TEST_CASE("a date that the calendar does not have is refused, and the message says which") {
  CHECK(why_not_date("2026-02-29") == "\"2026-02-29\" is not a date of the calendar");
  CHECK(why_not_date("2100-02-29") == "\"2100-02-29\" is not a date of the calendar");
  CHECK(why_not_date("2026-04-31") == "\"2026-04-31\" is not a date of the calendar");
  CHECK(why_not_date("2026-13-01") == "\"2026-13-01\" is not a date of the calendar");
  CHECK(why_not_date("2026-00-10") == "\"2026-00-10\" is not a date of the calendar");
  CHECK(why_not_date("2026-04-00") == "\"2026-04-00\" is not a date of the calendar");
  CHECK(why_not_date("1969-12-31") == "\"1969-12-31\" is before 1970");
  CHECK(why_not_date("0000-01-01") == "\"0000-01-01\" is before 1970");
}

TEST_CASE("a date in any other form is refused with an example of the right one") {
  for (const char* text : {"", "2026", "2026-4-12", "26-04-12", "2026/04/12", "2026-04-12 ", " 2026-04-12",
                           "20260412", "+2026-04-12", "-026-04-12", "2026-04-1x", "12026-04-12",
                           "2026-04-12T00:00:00Z", "2026-W15-7", "today"}) {
    CHECK(why_not_date(text) == '"' + std::string(text) + "\" is not a date (write 2026-04-12)");
  }
  CHECK(why_not_date("2026-\x1b[31m") == "\"2026-\\x1b[31m\" is not a date (write 2026-04-12)");
}

TEST_CASE("an instant is read with Z or with an offset") {
  CHECK(format_instant(at("2026-04-12T02:00:00Z")) == "2026-04-12T02:00:00.000Z");
  CHECK(format_instant(at("2026-04-12t02:00:00z")) == "2026-04-12T02:00:00.000Z");
  CHECK(format_instant(at("2026-04-12T02:00:00+02:00")) == "2026-04-12T00:00:00.000Z");
  CHECK(format_instant(at("2026-04-12T02:00:00-05:30")) == "2026-04-12T07:30:00.000Z");
  CHECK(format_instant(at("2026-04-12T02:00:00-00:00")) == "2026-04-12T02:00:00.000Z");
  CHECK(format_instant(at("2026-01-01T00:00:00+23:59")) == "2025-12-31T00:01:00.000Z");
  CHECK(at("1970-01-01T00:00:00Z").time_since_epoch() == 0ms);
  CHECK(at("2026-04-12T02:00:00Z").time_since_epoch() == 1775959200s);
}

TEST_CASE("fractions of a second are cut to milliseconds, never rounded up") {
  CHECK(format_instant(at("2026-04-12T02:00:00.5Z")) == "2026-04-12T02:00:00.500Z");
  CHECK(format_instant(at("2026-04-12T02:00:00.007Z")) == "2026-04-12T02:00:00.007Z");
  CHECK(format_instant(at("2026-12-31T23:59:59.9999999999999999999999Z")) == "2026-12-31T23:59:59.999Z");
}

TEST_CASE("the short form of an instant has milliseconds only where there are some") {
  CHECK(format_instant_short(at("2026-04-12T02:00:00Z")) == "2026-04-12T02:00:00Z");
  CHECK(format_instant_short(at("2026-04-12T02:00:00.040Z")) == "2026-04-12T02:00:00.040Z");
}

TEST_CASE("stored instants sort as text in the order of time") {
  CHECK(format_instant(at("1970-01-01T00:00:00Z")) < format_instant(at("1970-01-01T00:00:00.001Z")));
  CHECK(format_instant(at("2026-04-12T02:00:00.999Z")) < format_instant(at("2026-04-12T02:00:01Z")));
  CHECK(format_instant(at("9999-12-31T23:59:59Z")).size() ==
        format_instant(at("1970-01-01T00:00:00Z")).size());
}

TEST_CASE("an instant before 1970 is still written as a date of the calendar") {
  CHECK(format_instant(Instant{-1ms}) == "1969-12-31T23:59:59.999Z");
}

TEST_CASE("an instant without a zone is refused, for the machine's own zone is never meant by accident") {
  CHECK(why_not_instant("2026-04-12T02:00:00") ==
        "\"2026-04-12T02:00:00\" has no zone (end it with Z or an offset such as +02:00)");
}

TEST_CASE("an instant in any other form is refused") {
  for (const char* text :
       {"", "2026-04-12", "2026-04-12 02:00:00Z", "2026-04-12T2:00:00Z", "2026-04-12T02:00Z",
        "2026-04-12T02:00:00.Z", "2026-04-12T24:00:00Z", "2026-04-12T23:60:00Z", "2026-04-12T23:59:61Z",
        "2026-04-12T02:00:00ZZ", "2026-04-12T02:00:00Z ", "2026-04-12T-2:00:00Z", "now"}) {
    CHECK(why_not_instant(text) == '"' + std::string(text) + "\" is not a time (write 2026-04-12T02:00:00Z)");
  }
  for (const char* text : {"2026-04-12T02:00:00+2", "2026-04-12T02:00:00+0200", "2026-04-12T02:00:00+24:00",
                           "2026-04-12T02:00:00+02:60", "2026-04-12T02:00:00 Europe/Berlin"}) {
    CHECK(why_not_instant(text).find("has no zone") != std::string::npos);
  }
}

TEST_CASE("a leap second and a date that does not exist are refused by name") {
  CHECK(why_not_instant("2016-12-31T23:59:60Z").find("is a leap second") != std::string::npos);
  CHECK(why_not_instant("2026-02-30T00:00:00Z").find("the calendar does not have") != std::string::npos);
}

TEST_CASE("instants outside of the years 1970 to 9999 are refused, after the offset is applied") {
  CHECK(format_instant(at("9999-12-31T23:59:59.999Z")) == "9999-12-31T23:59:59.999Z");
  CHECK(format_instant(at("1969-12-31T23:00:00-01:00")) == "1970-01-01T00:00:00.000Z");
  for (const char* text : {"1969-12-31T23:59:59Z", "1970-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01",
                           "0000-01-01T00:00:00Z"}) {
    CHECK(why_not_instant(text).find("outside of the years 1970 to 9999") != std::string::npos);
  }
}

TEST_CASE("a zone is found by its IANA name") {
  CHECK(zone("Europe/Berlin").name() == "Europe/Berlin");
  CHECK(zone("America/Argentina/Buenos_Aires").name() == "America/Argentina/Buenos_Aires");
  CHECK(zone("Etc/GMT+5").name() == "Etc/GMT+5");
  CHECK(zone("UTC").name() == "UTC");
  CHECK(Zone::utc().name() == "UTC");
}

TEST_CASE("a name that is no zone, or that leads out of the database, is refused") {
  for (const char* name : {"", "Europe", "Europe/", "/Europe/Berlin", "Europe//Berlin", "../etc/passwd",
                           "Europe/../Europe/Berlin", "./UTC", "Europe/Berln", "tzdata.zi", "zone.tab",
                           ":Europe/Berlin", "CET-1CEST", "localtime", "Europe/Berlin ",
                           "Europe/B\xc3\xa9rlin", "/usr/share/zoneinfo/Europe/Berlin"}) {
    INFO(name);
    const auto found = Zone::named(name);
    REQUIRE_FALSE(found);
    CHECK(found.error().fault() == Fault::usage);
    CHECK(found.error().what().find("is not a time zone") != std::string::npos);
    CHECK_FALSE(found.error().next_step().empty());
  }
  CHECK_FALSE(Zone::named(std::string(5000, 'A')));
  CHECK_FALSE(Zone::named(std::string_view("UTC\0", 4)));
}

TEST_CASE("a zone says which date and time its clocks show") {
  const Instant instant = at("2026-04-11T22:30:00.250Z");
  CHECK(format_date(Zone::utc().date(instant)) == "2026-04-11");
  CHECK(Zone::utc().time_of_day(instant) == 22h + 30min);
  CHECK(format_date(zone("Europe/Berlin").date(instant)) == "2026-04-12");
  CHECK(zone("Europe/Berlin").time_of_day(instant) == 30min);
  CHECK(format_date(zone("America/New_York").date(instant)) == "2026-04-11");
  CHECK(zone("America/New_York").time_of_day(instant) == 18h + 30min);
  CHECK(zone("Asia/Kathmandu").time_of_day(instant) == 4h + 15min);
}

TEST_CASE("zones can be asked in turns and each keeps to itself") {
  const Zone berlin = zone("Europe/Berlin");
  const Zone tokyo = zone("Asia/Tokyo");
  const Instant noon = at("2026-07-01T12:00:00Z");
  for (int turn = 0; turn < 3; ++turn) {
    CHECK(berlin.time_of_day(noon) == 14h);
    CHECK(tokyo.time_of_day(noon) == 21h);
    CHECK(Zone::utc().time_of_day(noon) == 12h);
  }
}

TEST_CASE("neither TZ nor TZDIR of the caller changes what a zone means") {
  ::setenv("TZ", "Asia/Tokyo", 1);
  ::setenv("TZDIR", "/nowhere", 1);
  CHECK(Zone::utc().time_of_day(at("2026-07-01T12:00:00Z")) == 12h);
  CHECK(zone("Australia/Perth").time_of_day(at("2026-07-01T12:00:00Z")) == 20h);
  CHECK(format_instant_short(at("2026-07-01T12:00:00Z")) == "2026-07-01T12:00:00Z");
  ::unsetenv("TZDIR");
}

TEST_CASE("an ordinary local time becomes the instant at which clocks show it") {
  CHECK(utc_of("UTC", "2026-04-12", 2h) == "2026-04-12T02:00:00Z");
  CHECK(utc_of("Europe/Berlin", "2026-01-15", 2h) == "2026-01-15T01:00:00Z");
  CHECK(utc_of("Europe/Berlin", "2026-07-15", 2h) == "2026-07-15T00:00:00Z");
  CHECK(utc_of("America/New_York", "2026-07-15", 22h) == "2026-07-16T02:00:00Z");
  CHECK(utc_of("Asia/Kathmandu", "2026-04-12", 0h) == "2026-04-11T18:15:00Z");
  CHECK(utc_of("Pacific/Kiritimati", "2026-04-12", 0h) == "2026-04-11T10:00:00Z");
  CHECK(utc_of("Europe/Berlin", "9999-07-15", 2h) == "9999-07-15T00:00:00Z");
}

TEST_CASE("a local time in a DST gap shifts forward") {
  CHECK(utc_of("Europe/Berlin", "2026-03-29", 1h + 59min + 59s) == "2026-03-29T00:59:59Z");
  CHECK(utc_of("Europe/Berlin", "2026-03-29", 2h) == "2026-03-29T01:00:00Z");
  CHECK(utc_of("Europe/Berlin", "2026-03-29", 2h + 30min) == "2026-03-29T01:30:00Z");
  CHECK(utc_of("Europe/Berlin", "2026-03-29", 3h) == "2026-03-29T01:00:00Z");
  CHECK(utc_of("America/New_York", "2026-03-08", 2h + 30min) == "2026-03-08T07:30:00Z");
  CHECK(zone("America/New_York").time_of_day(at("2026-03-08T07:30:00Z")) == 3h + 30min);
}

TEST_CASE("a local time in a DST fold takes the first of the two") {
  CHECK(utc_of("Europe/Berlin", "2026-10-25", 1h + 59min) == "2026-10-24T23:59:00Z");
  CHECK(utc_of("Europe/Berlin", "2026-10-25", 2h) == "2026-10-25T00:00:00Z");
  CHECK(utc_of("Europe/Berlin", "2026-10-25", 2h + 30min) == "2026-10-25T00:30:00Z");
  CHECK(utc_of("Europe/Berlin", "2026-10-25", 3h) == "2026-10-25T02:00:00Z");
  CHECK(utc_of("America/New_York", "2026-11-01", 1h + 30min) == "2026-11-01T05:30:00Z");
}

TEST_CASE("a zone whose DST is half an hour is computed, not assumed") {
  // Lord Howe: +10:30 in winter, +11 in summer; forward on 2026-10-04 at 02:00, back on 2026-04-05 at 02:00.
  CHECK(utc_of("Australia/Lord_Howe", "2026-10-04", 2h + 15min) == "2026-10-03T15:45:00Z");
  CHECK(zone("Australia/Lord_Howe").time_of_day(at("2026-10-03T15:45:00Z")) == 2h + 45min);
  CHECK(utc_of("Australia/Lord_Howe", "2026-04-05", 1h + 45min) == "2026-04-04T14:45:00Z");
  CHECK(utc_of("Australia/Lord_Howe", "2026-04-05", 2h) == "2026-04-04T15:30:00Z");
}

TEST_CASE("a day whose midnight is skipped begins at one o'clock and exists") {
  CHECK(utc_of("America/Sao_Paulo", "2018-11-04", 0h) == "2018-11-04T03:00:00Z");
  CHECK(zone("America/Sao_Paulo").time_of_day(at("2018-11-04T03:00:00Z")) == 1h);
  CHECK(zone("America/Sao_Paulo").has(day("2018-11-04")));
}

TEST_CASE("a date that a zone skipped is known to be missing") {
  const Zone apia = zone("Pacific/Apia");
  CHECK(apia.has(day("2011-12-29")));
  CHECK_FALSE(apia.has(day("2011-12-30")));
  CHECK(apia.has(day("2011-12-31")));
  CHECK_FALSE(zone("Pacific/Kwajalein").has(day("1993-08-21")));
  CHECK(zone("Europe/Berlin").has(day("2011-12-30")));
  CHECK(Zone::utc().has(day("2011-12-30")));
  CHECK_FALSE(Zone::utc().has(Date{std::chrono::year{2026} / 2 / 30}));
}

TEST_CASE("every hour of a year comes back from its local time, but for the second pass of a fold") {
  for (const char* name : {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"}) {
    const Zone here = zone(name);
    int elsewhere = 0;
    for (Instant hour = at("2026-01-01T00:00:00Z"); hour < at("2027-01-01T00:00:00Z"); hour += 30min) {
      const Instant back = here.instant(here.date(hour), here.time_of_day(hour));
      if (back == hour) continue;
      ++elsewhere;
      CHECK(back < hour);
      CHECK(hour - back <= 1h);
    }
    INFO(name);
    CHECK(elsewhere <= 2);
  }
}

TEST_CASE("a clock told when to begin starts there and goes on at the steady pace") {
  const Instant begin = at("2026-04-12T02:00:00Z");
  const RealClock clock(begin);
  const Span before = clock.steady();
  const Instant first = clock.wall();
  const Instant second = clock.wall();
  const Span passed = clock.steady() - before;
  CHECK(first >= begin);
  CHECK(second >= first);
  CHECK(second - begin <= passed + 1000ms);
}

TEST_CASE("a clock left alone shows the machine's time") {
  const RealClock clock;
  const auto machine = std::chrono::system_clock::now();
  CHECK(std::chrono::abs(clock.wall() - machine) < 5s);
}
