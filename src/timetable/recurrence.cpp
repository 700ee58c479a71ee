#include "timetable/recurrence.hpp"

#include <algorithm>

namespace jobrun {

namespace {

using std::chrono::days;
using std::chrono::sys_days;

constexpr int eight_years = 8 * 366;  // the longest wait for a 29 February is that long

/// The days from 2000-01-01 on that it falls on: one whole leap cycle of weekdays is not needed for
/// distances.
std::vector<sys_days> days_of(const Recurrence& times) {
  std::vector<sys_days> found;
  const sys_days first = std::chrono::year(2000) / 1 / 1;
  for (int i = 0; i < eight_years; ++i)
    if (times.falls_on(first + days(i))) found.push_back(first + days(i));
  return found;
}

/// The shortest and the longest time from one start to the next.
std::optional<std::pair<Span, Span>> distances(const Recurrence& recurrence) {
  const auto times = recurrence.times_of_day();
  const auto dates = days_of(recurrence);
  if (times.empty() || dates.size() < 2) return std::nullopt;
  Span shortest = Span::max(), longest{};
  const auto consider = [&](Span span) {
    shortest = std::min(shortest, span);
    longest = std::max(longest, span);
  };
  for (std::size_t i = 1; i < times.size(); ++i) consider(times[i] - times[i - 1]);
  for (std::size_t i = 1; i < dates.size(); ++i)
    consider(dates[i] + times.front() - (dates[i - 1] + times.back()));
  return std::pair(shortest, longest);
}

}  // namespace

bool Recurrence::falls_on(Date date) const {
  if (!months[static_cast<unsigned>(date.month())]) return false;
  const bool of_month = days[static_cast<unsigned>(date.day())];
  const bool of_week = weekdays[std::chrono::weekday(sys_days(date)).c_encoding()];
  return either_day ? of_month || of_week : of_month && of_week;
}

std::vector<std::chrono::minutes> Recurrence::times_of_day() const {
  std::vector<std::chrono::minutes> times;
  for (std::size_t hour = 0; hour < hours.size(); ++hour)
    for (std::size_t minute = 0; hours[hour] && minute < minutes.size(); ++minute)
      if (minutes[minute]) times.emplace_back(hour * 60 + minute);
  return times;
}

std::optional<Span> Recurrence::shortest_distance() const {
  const auto both = distances(*this);
  return both ? std::optional(both->first) : std::nullopt;
}

std::optional<Span> Recurrence::longest_distance() const {
  const auto both = distances(*this);
  return both ? std::optional(both->second) : std::nullopt;
}

std::optional<Instant> Recurrence::next(Instant now, const Zone& zone) const {
  const auto times = times_of_day();
  const sys_days today = zone.date(now);
  for (int i = 0; i < eight_years; ++i) {
    if (!falls_on(today + std::chrono::days(i))) continue;
    for (const auto time : times)
      if (const Instant at = zone.instant(today + std::chrono::days(i), time); at > now) return at;
  }
  return std::nullopt;
}

bool share_a_day(const Recurrence& one, const Recurrence& other) {
  const auto dates = days_of(one);
  return std::any_of(dates.begin(), dates.end(), [&](sys_days date) { return other.falls_on(date); });
}

}  // namespace jobrun
