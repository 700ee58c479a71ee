// When something is started again and again by the clock: the minutes, hours and days that a line of cron or
// a systemd calendar expression names, and what can be asked of them. Promises nothing below the minute, and
// reads no clock. jobrun decides about no start by it: only `inventory` and `jobs adopt` ask.
#pragma once

#include <bitset>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/civil.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"

namespace jobrun {

struct Recurrence {
  std::bitset<60> minutes;
  std::bitset<24> hours;
  std::bitset<32> days;     ///< of the month, 1-31
  std::bitset<13> months;   ///< 1-12
  std::bitset<7> weekdays;  ///< 0 is Sunday
  bool either_day = false;  ///< cron's rule: where both are restricted, a day of the month or of the week

  bool falls_on(Date date) const;
  /// Since local midnight, ascending.
  std::vector<std::chrono::minutes> times_of_day() const;
  bool every_hour() const { return hours.all(); }
  /// Between two starts that follow each other; nothing where no day ever comes, or only one in many years.
  std::optional<Span> shortest_distance() const;
  /// And the longest.
  std::optional<Span> longest_distance() const;
  /// The first start after `now`, by the clocks of `zone`; nothing within the next eight years.
  std::optional<Instant> next(Instant now, const Zone& zone) const;
};

/// True where both start something on one day of the years that come.
bool share_a_day(const Recurrence& one, const Recurrence& other);

/// Five fields of crontab(5) (numbers, names, ranges, lists, steps), or @hourly, @daily, @midnight, @weekly,
/// @monthly, @yearly and @annually. Fault::usage that names the field: "hour: 25 is not within 0-23".
Result<Recurrence> parse_cron_time(std::string_view text);

/// A calendar expression of systemd.time(7), and the zone it ends with (empty: the machine's).
struct CalendarTime {
  Recurrence times;
  std::string zone;
};
/// Nothing for what is no such expression, or one that a Recurrence can't hold (single years, `~`).
std::optional<CalendarTime> parse_calendar_time(std::string_view text);
/// A time span of systemd.time(7): "1h 30min", "90", "1d". Nothing where it is none, or longer than a
/// century.
std::optional<Span> parse_systemd_span(std::string_view text);

}  // namespace jobrun
