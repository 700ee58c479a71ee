#include "contract/schedule.hpp"

#include <vector>

#include "base/format.hpp"
#include "base/text.hpp"

namespace jobrun {
namespace {

using namespace std::chrono_literals;
using std::chrono::minutes;

constexpr Span day = 24h;

std::optional<std::string_view> after(std::string_view text, std::string_view prefix) {
  if (text.substr(0, prefix.size()) != prefix) return {};
  return text.substr(prefix.size());
}

// Two digits, 00 to `high`.
std::optional<std::int64_t> two_digits(std::string_view text, std::int64_t high) {
  if (text.size() != 2 || text[0] == '-') return {};
  return parse_integer(text, 0, high);
}

minutes within_day(Span span) {
  return std::chrono::floor<minutes>((span % day + day) % day);
}

// The numbers of one field; `all` of them are a star, evenly spaced ones from 0 on a step.
std::string field(const std::set<int>& numbers, int all, int digits, std::string_view step_from) {
  const int count = static_cast<int>(numbers.size());
  if (count == all) return "*";
  const int step = all / count;
  bool even = count > 2 && step * count == all;
  std::vector<std::string> words;
  for (const int number : numbers) {
    even = even && number == step * static_cast<int>(words.size());
    words.push_back(fmt::format("{:0{}}", number, digits));
  }
  return even ? fmt::format("{}/{}", step_from, step) : join(words, ",");
}

struct Fields {
  std::set<int> hours, minutes;
};
// Every hour with every minute: with several of both there may be times among them that nobody asked for.
Fields fields_of(const TimesOfDay& times) {
  Fields fields;
  for (const minutes time : times) {
    fields.hours.insert(static_cast<int>(time / 1h));
    fields.minutes.insert(static_cast<int>((time % 1h).count()));
  }
  return fields;
}

}  // namespace

std::optional<Schedule> read_schedule(std::string_view text) {
  if (const auto time = after(text, "daily@")) {
    if (time->size() != 5 || (*time)[2] != ':') return {};
    const auto hour = two_digits(time->substr(0, 2), 23);
    const auto minute = two_digits(time->substr(3), 59);
    if (!hour || !minute) return {};
    return Schedule{Schedule::Kind::daily, std::chrono::hours(*hour) + minutes(*minute)};
  }
  if (const auto past = after(text, "hourly@")) {
    const auto minute = two_digits(*past, 59);
    if (!minute) return {};
    return Schedule{Schedule::Kind::hourly, minutes(*minute)};
  }
  if (const auto step_text = after(text, "every@")) {
    const auto step = parse_duration(*step_text);
    if (!step || *step < 1min || *step > day || day % *step != 0ms) return {};
    return Schedule{Schedule::Kind::every, *step};
  }
  return {};
}

Result<Schedule> parse_schedule(std::string_view text) {
  const auto schedule = read_schedule(text);
  if (!schedule)
    return usage_error(in_quotes(text) + " does not say when",
                       "write daily@02:00, hourly@05 or every@15m (a step of 1m to 24h that divides a day)");
  if (schedule->span % 1min != 0ms)
    return usage_error(in_quotes(text) + ": schedulers count in minutes, the step has seconds");
  return *schedule;
}

TimesOfDay wall_times(const Schedule& schedule) {
  const Span step = schedule.kind == Schedule::Kind::daily    ? day
                    : schedule.kind == Schedule::Kind::hourly ? Span(1h)
                                                              : schedule.span;
  const Span first = schedule.kind == Schedule::Kind::every ? Span(0) : schedule.span;
  TimesOfDay times;
  for (Span at = first; at < day; at += step) times.insert(within_day(at));
  return times;
}

TimesOfDay wall_times_and_shifted(const Schedule& schedule, const Zone& zone, Instant from) {
  TimesOfDay times = wall_times(schedule);
  if (schedule.kind != Schedule::Kind::daily) return times;
  const auto first = std::chrono::sys_days(zone.date(from));
  for (int i = 0; i <= 366; ++i) {
    const Instant at = zone.instant(first + std::chrono::days(i),
                                    std::chrono::duration_cast<std::chrono::seconds>(schedule.span));
    times.insert(within_day(zone.time_of_day(at)));
  }
  return times;
}

std::string cron_fields(const TimesOfDay& times) {
  const Fields fields = fields_of(times);
  return field(fields.minutes, 60, 1, "*") + " " + field(fields.hours, 24, 1, "*") + " * * *";
}

std::string on_calendar(const TimesOfDay& times) {
  const Fields fields = fields_of(times);
  return "*-*-* " + field(fields.hours, 24, 2, "0") + ":" + field(fields.minutes, 60, 2, "0") + ":00";
}

}  // namespace jobrun
