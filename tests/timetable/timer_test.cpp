#include "timetable/timer.hpp"

#include <catch2/catch.hpp>

#include "timetable/shell_line.hpp"

using namespace jobrun;
using namespace std::chrono_literals;

namespace {

UnitText unit_of(std::string_view text) {
  UnitText unit;
  unit.add(text, "/etc/x.timer");
  return unit;
}

std::string next(std::string_view expression, std::string_view now, std::string_view zone = "UTC") {
  const auto calendar = parse_calendar_time(expression);
  if (!calendar) return "is none";
  const auto at =
      calendar->times.next(*parse_instant(now), *Zone::named(calendar->zone.empty() ? zone : calendar->zone));
  return at ? format_instant_short(*at) : "never";
}

}  // namespace

TEST_CASE("a calendar expression has weekdays, a date and a time, each or none") {
  CHECK(next("daily", "2026-04-12T02:00:00Z") == "2026-04-13T00:00:00Z");
  CHECK(next("Mon..Fri 08:30", "2026-04-10T09:00:00Z") == "2026-04-13T08:30:00Z");
  CHECK(next("*-*-1 04:00", "2026-04-12T02:00:00Z") == "2026-05-01T04:00:00Z");
  CHECK(next("*:0/20", "2026-04-12T02:05:00Z") == "2026-04-12T02:20:00Z");
  CHECK(next("Wed, 17:48", "2026-04-12T02:05:00Z") == "2026-04-15T17:48:00Z");
  CHECK(next("02:00 Europe/Berlin", "2026-04-12T02:05:00Z") == "2026-04-13T00:00:00Z");
}

TEST_CASE("what can't be held by days and minutes is not guessed at") {
  for (const char* text : {"", "2026-04-12 02:00", "*-02~03", "Fri..Mon 03:15", "25:00", "*-13-01", "soon",
                           "02:00 Nowhere/Land"})
    CHECK(next(text, "2026-04-12T02:00:00Z") == "is none");
}

TEST_CASE("a time span of systemd is a sum of counts with units") {
  CHECK(parse_systemd_span("90") == Span(90s));
  CHECK(parse_systemd_span("1h 30min") == Span(90min));
  CHECK(parse_systemd_span("2d12h") == Span(60h));
  CHECK(parse_systemd_span("500ms") == Span(500ms));
  for (const char* text : {"", "h", "1 parsec", "-1h", "99999999999999y"})
    CHECK_FALSE(parse_systemd_span(text));
}

TEST_CASE("settings are read by section, a later one over an earlier, and an empty one takes all away") {
  UnitText unit = unit_of(
      "[Timer]\n# no\n; no\nOnCalendar=daily\nOnCalendar = weekly \\\n  UTC\n[Install]\nWantedBy=x\n");
  CHECK(unit.values("Timer", "OnCalendar").size() == 2);
  CHECK(unit.value("Timer", "OnCalendar") == "weekly UTC");
  CHECK(unit.values("Timer", "OnCalendar")[1].where.text() == "/etc/x.timer:5");
  CHECK(unit.value("Timer", "WantedBy").empty());
  unit.add("[Timer]\nOnCalendar=\nOnCalendar=hourly\n", "/etc/x.timer.d/a.conf");
  REQUIRE(unit.values("Timer", "OnCalendar").size() == 1);
  CHECK(unit.values("Timer", "OnCalendar")[0].where.text() == "/etc/x.timer.d/a.conf:3");
}

TEST_CASE("words of a command lose quotes and prefixes, and specifiers are put in") {
  CHECK(exec_words("-@/bin/x 'a b' \"c\\\"d\" %i %% %n $$HOME", "jobrun@sync.service") ==
        std::vector<std::string>{"/bin/x", "a b", "c\"d", "sync", "%", "jobrun@sync.service", "$HOME"});
  CHECK(shell_line({"/bin/x", "a b", "it's", "$X", ""}) == "/bin/x 'a b' 'it'\\''s' $X ''");
  CHECK(template_of("jobrun@sync.timer") == "jobrun@.timer");
  CHECK(instance_of("jobrun.timer").empty());
}

TEST_CASE("a restart is by code only where all codes for a person prevent it") {
  const UnitText timer = unit_of("[Timer]\nOnCalendar=daily\n");
  const auto entry = [&](std::string_view service) {
    return scheduled_timer(timer, unit_of(service), "x.timer", "UTC", "root");
  };
  CHECK(entry("[Service]\nExecStart=/x\n").retried_by.empty());
  CHECK(entry("[Service]\nRestart=on-failure\n").retried_by == "Restart=on-failure");
  CHECK_FALSE(entry("[Service]\nRestart=on-failure\nRestartPreventExitStatus=80 81\n").retried_by_code);
  CHECK(entry("[Service]\nRestart=on-failure\nRestartPreventExitStatus=USAGE SOFTWARE CONFIG 80 81\n"
              "RestartPreventExitStatus=82 86\n")
            .retried_by_code);
  CHECK(entry("[Service]\nRestartForceExitStatus=TEMPFAIL\n").retried_by_code);
  CHECK(entry("[Service]\nRestart=on-abort\n").retried_by.empty());
}
