// Dates and zones: RFC 3339 text to Instant and back, calendar dates, local times of a zone.
// Promises that a local time in a DST gap shifts forward and one in a fold takes the first.
// Does not read a clock and never uses the machine's own zone.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace jobrun {

using Date = std::chrono::year_month_day;

/// "2026-04-12" (RFC 3339 full-date); refuses dates that the calendar does not have (Fault::usage).
Result<Date> parse_date(std::string_view text);
std::string format_date(Date date);

/// RFC 3339 date-time with `Z` or a numeric offset; fractions are cut to milliseconds. Lower-case t and z
/// are accepted, a space for the T is not, a leap second (:60) is refused. Years 1970-9999.
Result<Instant> parse_instant(std::string_view text);
/// "2026-04-12T02:00:00.000Z", always with milliseconds: it sorts as text.
std::string format_instant(Instant at);
/// "2026-04-12T02:00:00Z", with milliseconds only where there are some: for people and labels.
std::string format_instant_short(Instant at);

/// A zone of the IANA database, or UTC. Values, cheap to copy.
class Zone {
 public:
  static Zone utc();
  /// Fault::usage for a name that /usr/share/zoneinfo does not have (paths with "..", leading "/" included).
  static Result<Zone> named(std::string_view name);

  const std::string& name() const { return name_; }
  /// The calendar date that clocks in this zone show at `at`.
  Date date(Instant at) const;
  /// Time since local midnight that clocks in this zone show at `at`.
  std::chrono::seconds time_of_day(Instant at) const;
  /// When clocks in this zone show `time_of_day` on `date`: gap shifts forward, fold takes the first (RFC
  /// 5545 3.3.5).
  Instant instant(Date date, std::chrono::seconds time_of_day) const;
  /// False for a date that the zone skipped (Pacific/Apia has no 2011-12-30).
  bool has(Date date) const;

 private:
  explicit Zone(std::string name) : name_(std::move(name)) {}
  std::chrono::seconds offset(Instant at) const;
  std::string name_;  // "UTC" or an IANA name
};

}  // namespace jobrun
