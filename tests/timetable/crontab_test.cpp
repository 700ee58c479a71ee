#include "timetable/crontab.hpp"

#include <catch2/catch.hpp>

#include "timetable/jobrun_call.hpp"
#include "timetable/shell_line.hpp"

using namespace jobrun;
using namespace std::chrono_literals;

namespace {

Recurrence times_of(std::string_view text) {
  CAPTURE(std::string(text));
  const auto times = parse_cron_time(text);
  REQUIRE(times);
  return *times;
}

std::string why_not(std::string_view text) {
  const auto times = parse_cron_time(text);
  return times ? "it is one" : times.error().what();
}

std::string next(std::string_view text, std::string_view now, std::string_view zone = "UTC") {
  const auto at = times_of(text).next(*parse_instant(now), *Zone::named(zone));
  return at ? format_instant_short(*at) : "never";
}

CrontabLine line_of(std::string_view text, CrontabForm form = CrontabForm::user) {
  auto lines = parse_crontab(text, form);
  REQUIRE(lines.size() == 1);
  return std::move(lines.front());
}

std::vector<int> set_of(const std::bitset<60>& minutes) {
  std::vector<int> set;
  for (int i = 0; i < 60; ++i)
    if (minutes[static_cast<std::size_t>(i)]) set.push_back(i);
  return set;
}

}  // namespace

TEST_CASE("a field is a number, a list, a range or a step of them") {
  CHECK(set_of(times_of("5 * * * *").minutes) == std::vector{5});
  CHECK(set_of(times_of("5,10,59 * * * *").minutes) == std::vector{5, 10, 59});
  CHECK(set_of(times_of("8-11 * * * *").minutes) == std::vector{8, 9, 10, 11});
  CHECK(set_of(times_of("*/20 * * * *").minutes) == std::vector{0, 20, 40});
  CHECK(set_of(times_of("10-59/25,3 * * * *").minutes) == std::vector{3, 10, 35});
  CHECK(times_of("* * * * *").minutes.all());
  CHECK(times_of("* * * * *").every_hour());
  CHECK_FALSE(times_of("* 0-22 * * *").every_hour());
}

TEST_CASE("months and days of the week have names, and Sunday is 0 and 7") {
  CHECK(times_of("0 0 * JAN,mar *").months.to_ulong() == 0b1010);
  CHECK(times_of("0 0 * * mon-Fri").weekdays.to_ulong() == 0b0111110);
  CHECK(times_of("0 0 * * 7").weekdays == times_of("0 0 * * sun").weekdays);
  CHECK(times_of("0 0 * * 5-7").weekdays.to_ulong() == 0b1100001);
}

TEST_CASE("what cron refuses is refused by the name of its field") {
  CHECK(why_not("60 * * * *") == "minute: 60 is not within 0-59");
  CHECK(why_not("0 24 * * *") == "hour: 24 is not within 0-23");
  CHECK(why_not("0 0 0 * *") == "day of the month: 0 is not within 1-31");
  CHECK(why_not("0 0 * 13 *") == "month: 13 is not within 1-12");
  CHECK(why_not("0 0 * * fry") == "day of the week: \"fry\" is not a number");
  CHECK(why_not("0 5-2 * * *") == "hour: 5-2 runs backwards");
  CHECK(why_not("*/0 * * * *") == "minute: */0 has a step that is not a number");
  CHECK(why_not("0 0 * *") == "a time of cron has 5 fields, this has 4");
  CHECK(why_not("@often").find("is none of @hourly") != std::string::npos);
  for (const char* text :
       {"", ",", "1, * * * *", "- * * * *", "-1 * * * *", "1--2 * * * *", "* * * * mon-", "a b c d e"})
    CHECK_FALSE(parse_cron_time(text));
}

TEST_CASE("the words of crontab(5) are their five fields") {
  CHECK(next("@daily", "2026-04-12T02:00:00Z") == "2026-04-13T00:00:00Z");
  CHECK(next("@weekly", "2026-04-12T00:00:00Z") == "2026-04-19T00:00:00Z");
  CHECK(next("@monthly", "2026-04-12T02:00:00Z") == "2026-05-01T00:00:00Z");
  CHECK(next("@yearly", "2026-04-12T02:00:00Z") == "2027-01-01T00:00:00Z");
  CHECK(next("@hourly", "2026-04-12T02:00:00Z") == "2026-04-12T03:00:00Z");
}

TEST_CASE("the next start is by the clocks of its zone") {
  CHECK(next("30 1 * * *", "2026-04-12T02:00:00Z", "Europe/Berlin") == "2026-04-12T23:30:00Z");
  CHECK(next("0 0 29 2 *", "2026-04-12T02:00:00Z") == "2028-02-29T00:00:00Z");
  CHECK(next("0 0 31 2 *", "2026-04-12T02:00:00Z") == "never");
}

TEST_CASE("where day of the month and of the week are both restricted, either will do") {
  CHECK(next("0 0 13 * fri", "2026-04-12T02:00:00Z") == "2026-04-13T00:00:00Z");
  CHECK(next("0 0 13 * fri", "2026-04-13T02:00:00Z") == "2026-04-17T00:00:00Z");
  // A field that begins with * does not restrict, also with a step: the 1st, 11th, ... if it is a Friday.
  CHECK(next("0 0 */10 * fri", "2026-04-12T02:00:00Z") == "2026-05-01T00:00:00Z");
}

TEST_CASE("the distance of two starts is the shortest there is") {
  CHECK(times_of("30 1 * * *").shortest_distance() == Span(24h));
  CHECK(times_of("*/15 * * * *").shortest_distance() == Span(15min));
  CHECK(times_of("0 6,18 * * *").shortest_distance() == Span(12h));
  CHECK(times_of("0 2,23 * * *").shortest_distance() == Span(3h));
  CHECK(times_of("0 2 * * mon-fri").shortest_distance() == Span(24h));
  CHECK(times_of("0 2 * * sun").shortest_distance() == Span(168h));
  CHECK(times_of("0 2 1 * *").shortest_distance() == Span(28 * 24h));
  CHECK_FALSE(times_of("0 2 30 2 *").shortest_distance());
  CHECK(share_a_day(times_of("0 2 * * mon-fri"), times_of("0 6 * * 3")));
  CHECK_FALSE(share_a_day(times_of("0 2 * * mon-fri"), times_of("0 6 * * sat,sun")));
}

TEST_CASE("a crontab's variables hold for the lines behind them") {
  const auto lines = parse_crontab(
      "# a comment\n\n  # another\nPATH=/usr/bin:/bin\n@daily first\nPATH = "
      "\"/opt/x/bin:/bin\"\n'MAILTO'=''\n"
      "0 2 * * * second\n",
      CrontabForm::user);
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].variable("PATH") == "/usr/bin:/bin");
  CHECK(lines[0].line == 5);
  CHECK(lines[0].when == "@daily");
  CHECK(lines[1].variable("PATH") == "/opt/x/bin:/bin");
  CHECK(lines[1].variable("MAILTO").empty());
  CHECK(lines[1].command == "second");
  CHECK(lines[1].line == 8);
  // a zone is a variable as any other: what it means is not this parser's to say
  CHECK(line_of("CRON_TZ=Asia/Tokyo\n0 2 * * * x").variable("CRON_TZ") == "Asia/Tokyo");
}

TEST_CASE("an assignment in a command is no variable of the crontab") {
  const CrontabLine line = line_of("0 2 * * *  A=1 /bin/x --date=2");
  CHECK(line.command == "A=1 /bin/x --date=2");
  CHECK(line.variables.empty());
}

TEST_CASE("the system's form has a user before the command") {
  const CrontabLine line =
      line_of("30\t1 * *  mon-fri\troot   cd / && run-parts /etc/cron.daily", CrontabForm::system);
  CHECK(line.when == "30 1 * * mon-fri");
  CHECK(line.user == "root");
  CHECK(line.command == "cd / && run-parts /etc/cron.daily");
  CHECK(line_of("@reboot root /x", CrontabForm::system).user == "root");
  CHECK(line_of("0 1 * * * root", CrontabForm::system).fault == "there is no command behind the user's name");
  CHECK(line_of("0 1 * * * /opt/x --all", CrontabForm::system).fault ==
        "there is no user's name before the command");
}

TEST_CASE("an unescaped % ends the command, an escaped one is a %") {
  const CrontabLine cut = line_of("0 2 * * * x --date $(date +%F)");
  CHECK(cut.percent);
  CHECK(cut.command == "x --date $(date +");
  const CrontabLine whole = line_of("0 2 * * * x --date \"$(date +\\%F)\"");
  CHECK_FALSE(whole.percent);
  CHECK(whole.command == "x --date \"$(date +%F)\"");
}

TEST_CASE("a line that cron refuses is there, with its fault") {
  CHECK(line_of("61 * * * * x").fault == "minute: 61 is not within 0-59");
  CHECK(line_of("0 0 30 2 * x").fault == "no such day ever comes");
  CHECK(line_of("0 2 * *").fault == "a time of cron has 5 fields, this has 4");
  CHECK(line_of("0 2 * * *").fault == "there is no command");
  CHECK(line_of("@reboot x").fault.empty());
  CHECK_FALSE(line_of("@reboot x").times);
}

TEST_CASE("a shell line is taken apart into commands, words and what joins them") {
  const auto commands = parse_shell_line(
      "cd /srv/x && A=1 B='2 3' ./run.sh --name \"a b\" c\\ d >/dev/null 2>&1; echo done # not this");
  REQUIRE(commands.size() == 3);
  CHECK(commands[0].words == std::vector<std::string>{"cd", "/srv/x"});
  CHECK(commands[1].before == "&&");
  CHECK(commands[1].assigned == std::vector<std::string>{"A=1", "B=2 3"});
  CHECK(commands[1].words == std::vector<std::string>{"./run.sh", "--name", "a b", "c d"});
  CHECK(commands[1].redirected == std::vector<std::string>{">/dev/null", "2>&1"});
  CHECK_FALSE(commands[1].expands);
  CHECK(commands[2].words == std::vector<std::string>{"echo", "done"});
  CHECK(parse_shell_line("x \"$(date +%F)\"").front().words.back() == "$(date +%F)");
  CHECK(parse_shell_line("x $HOME").front().expands);
  CHECK(parse_shell_line("x *.csv").front().expands);
  CHECK_FALSE(parse_shell_line("x '*.csv' '$HOME'").front().expands);
  CHECK(parse_shell_line("").empty());
  CHECK(parse_shell_line("'unended \"and this").size() == 1);
}

namespace {

std::string jobs_in(std::string_view line) {
  std::string found;
  for (const auto& call : jobrun_calls(line)) {
    if (!found.empty()) found += ' ';
    found += call.verb + ":" + call.job + (call.has_run_date ? "@" + call.run_date : "");
    if (call.looped) found += "(looped)";
  }
  return found;
}

}  // namespace

TEST_CASE("a call of jobrun is found behind what usually stands before it") {
  CHECK(jobs_in("jobrun backup --run-date today --quiet") == "run:backup@today");
  CHECK(jobs_in("/usr/local/bin/jobrun run backup --run-date=daily@02:00") == "run:backup@daily@02:00");
  CHECK(jobs_in("jobrun tick --quiet") == "tick:");
  CHECK(jobs_in("cd /srv && TZ=UTC jobrun a --run-date today; jobrun b") == "run:a@today run:b");
  CHECK(jobs_in("flock -n /run/x.lock jobrun backup --run-date today") == "run:backup@today");
  CHECK(jobs_in("timeout -k 30 30m /usr/bin/jobrun backup") == "run:backup");
  CHECK(jobs_in("sudo -u jobrun env A=1 jobrun backup") == "run:backup");
  CHECK(jobs_in("sh -c 'exec jobrun backup --run-date \"$(date +%F)\"'") == "run:backup@$(date +%F)");
  CHECK(jobs_in("/bin/bash -lc \"jobrun backup\"") == "run:backup");
  CHECK(jobs_in("su -c 'jobrun backup' jobrun") == "run:backup");
  CHECK(jobs_in("[ -x /usr/bin/jobrun ] && jobrun backup || true") == "run:backup");
  CHECK(jobs_in("for i in 1 2 3; do jobrun backup && break; sleep 60; done; jobrun tick") ==
        "run:backup(looped) tick:");
  CHECK(jobs_in("until jobrun backup; do sleep 9; done") == "run:backup(looped)");
  CHECK(jobs_in("tail -n 5 /var/log/jobrun") == "");
  CHECK(jobs_in("systemctl start jobrun") == "");
  CHECK(jobs_in("jobrun-old backup") == "");
}

TEST_CASE("the words of a call that matter to a schedule are read") {
  const auto calls =
      jobrun_calls("jobrun sync --unit a --unit=b --tz Europe/Berlin --wait=1h --only-retry --jobs /j");
  REQUIRE(calls.size() == 1);
  CHECK(calls[0].units == std::vector<std::string>{"a", "b"});
  CHECK(calls[0].tz == "Europe/Berlin");
  CHECK(calls[0].jobs == "/j");
  CHECK(calls[0].waits);
  CHECK(calls[0].only_retry);
  CHECK_FALSE(calls[0].has_run_date);
}
