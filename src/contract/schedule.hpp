// When a job is asked for, in the word that also names its run dates: daily@02:00, hourly@05, every@15m.
// Answers the times of day at which a scheduler has to ask, as a crontab and as OnCalendar= write them.
// May name more of them than are needed, never fewer: a call too many is answered "done". Reads no clock.
#pragma once

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/civil.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"

namespace jobrun {

struct Schedule {
  enum class Kind { daily, hourly, every };
  Kind kind = Kind::daily;
  Span span{};  ///< daily: since midnight; hourly: since the full hour; every: the step
};
/// Nothing where the text is none of the three words, or one with a number that can't be.
std::optional<Schedule> read_schedule(std::string_view text);
/// For schedulers, which count in minutes: Fault::usage for a step with seconds, and for run dates without a
/// time (`today`).
Result<Schedule> parse_schedule(std::string_view text);

/// Minutes since midnight.
using TimesOfDay = std::set<std::chrono::minutes>;

/// By the clocks of the job's own zone.
TimesOfDay wall_times(const Schedule& schedule);
/// The same, and where a change of clocks in the year after `from` skips the time, that which it is moved to.
/// A scheduler may leave a skipped time out, or ask as soon as the clocks are changed, which is before the
/// run date has come: so all of them have to ask at both.
TimesOfDay wall_times_and_shifted(const Schedule& schedule, const Zone& zone, Instant from);

/// crontab(5): "0 2 * * *".
std::string cron_fields(const TimesOfDay& times);
/// systemd.time(7): "*-*-* 02:00:00".
std::string on_calendar(const TimesOfDay& times);

}  // namespace jobrun
