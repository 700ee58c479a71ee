#include "contract/gaps.hpp"

#include <algorithm>
#include <array>
#include <map>

#include "base/text.hpp"

namespace jobrun {

namespace {

using std::chrono::days;
using std::chrono::months;
using std::chrono::sys_days;

constexpr std::int64_t millis_of_day = 86'400'000;

/// The middle one: the usual distance even where some nights are missing.
std::int64_t usual_distance(const std::vector<std::int64_t>& places) {
  std::vector<std::int64_t> distances;
  for (std::size_t i = 1; i < places.size(); ++i) distances.push_back(places[i] - places[i - 1]);
  const auto middle = distances.begin() + static_cast<std::ptrdiff_t>(distances.size() / 2);
  std::nth_element(distances.begin(), middle, distances.end());
  return *middle;
}

/// Places that are empty between neighbours that lie more than one and a half steps apart; newest first. They
/// are counted from the neighbour that stands where most do, so that a run off the beat does not move it.
std::vector<std::int64_t> empty_places(const std::vector<std::int64_t>& places, std::int64_t step,
                                       std::size_t most, bool& cut) {
  std::map<std::int64_t, int> beats;
  for (const auto place : places) ++beats[place % step];
  std::vector<std::int64_t> empty;
  for (std::size_t i = places.size(); i-- > 1;) {
    const std::int64_t before = places[i - 1], after = places[i];
    const std::int64_t steps = (after - before + (step - 1) / 2) / step;
    const bool from_before = beats[before % step] >= beats[after % step];
    for (std::int64_t n = 1; n < steps; ++n) {
      if (empty.size() == most) {
        cut = true;
        return empty;
      }
      empty.push_back(from_before ? before + (steps - n) * step : after - n * step);
    }
  }
  return empty;
}

std::string step_word(std::int64_t n, std::int64_t days_each, std::string_view word) {
  return n % days_each == 0 ? std::to_string(n / days_each).append(word) : "";
}

/// Most stand on the same day of the month, or on its last.
bool is_monthly(const std::vector<Date>& dates) {
  std::map<unsigned, std::size_t> on_day;
  std::size_t on_last = 0, on_same = 0;
  for (const Date date : dates) {
    on_same = std::max(on_same, ++on_day[static_cast<unsigned>(date.day())]);
    if (date == date.year() / date.month() / std::chrono::last) ++on_last;
  }
  return 2 * std::max(on_same, on_last) > dates.size();
}

std::int64_t month_of(Date date) {
  return static_cast<int>(date.year()) * 12 + static_cast<int>(static_cast<unsigned>(date.month())) - 1;
}

/// On the day of the month that most have; the last where the month has none such.
Date date_in(std::int64_t month, std::chrono::day day) {
  const auto in = std::chrono::year(static_cast<int>(month / 12)) /
                  std::chrono::month(static_cast<unsigned>(month % 12 + 1));
  const Date date = in / day;
  return date.ok() ? date : Date(in / std::chrono::last);
}

void months_missing(const std::vector<Date>& dates, int step, std::size_t most, Gaps& gaps) {
  std::map<unsigned, int> on_day;
  std::vector<std::int64_t> places;
  for (const Date date : dates) {
    ++on_day[static_cast<unsigned>(date.day())];
    if (places.empty() || places.back() != month_of(date)) places.push_back(month_of(date));
  }
  const auto usual =
      std::max_element(on_day.begin(), on_day.end(), [](auto& a, auto& b) { return a.second < b.second; });
  gaps.step = std::to_string(step) + "mo";
  for (const auto month : empty_places(places, step, most, gaps.cut))
    gaps.missing.push_back(format_date(date_in(month, std::chrono::day(usual->first))));
}

/// The days of the week that are expected: all, unless three weeks show that some are never meant.
std::array<bool, 7> expected_weekdays(const std::vector<Date>& dates) {
  std::array<bool, 7> expected{};
  if (sys_days(dates.back()) - sys_days(dates.front()) >= days(21))
    for (const Date date : dates) expected.at(std::chrono::weekday(sys_days(date)).c_encoding()) = true;
  else
    expected.fill(true);
  return expected;
}

void days_missing(const std::vector<Date>& dates, std::int64_t step, const Zone& zone, std::size_t most,
                  Gaps& gaps) {
  std::vector<std::int64_t> places;
  for (const Date date : dates) places.push_back(sys_days(date).time_since_epoch().count());
  gaps.step = step % 7 == 0 ? step_word(step, 7, "w") : step_word(step, 1, "d");
  const auto expected = gaps.inferred && step == 1 ? expected_weekdays(dates) : std::array<bool, 7>{};
  gaps.weekdays =
      gaps.inferred && step == 1 && std::find(expected.begin(), expected.end(), false) != expected.end();
  for (const auto place : empty_places(places, step, gaps.weekdays ? 4 * most : most, gaps.cut)) {
    const sys_days day{days(place)};
    if (!zone.has(Date(day))) continue;
    if (gaps.weekdays && !expected.at(std::chrono::weekday(day).c_encoding())) continue;
    gaps.cut = gaps.cut || gaps.missing.size() == most;
    if (gaps.missing.size() == most) break;
    gaps.missing.push_back(format_date(Date(day)));
  }
}

void dates_missing(const std::vector<Date>& dates, std::optional<Span> period, const Zone& zone,
                   std::size_t most, Gaps& gaps) {
  std::vector<std::int64_t> places;
  for (const Date date : dates) places.push_back(sys_days(date).time_since_epoch().count());
  const std::int64_t step =
      period              ? std::max<std::int64_t>(1, (period->count() + millis_of_day / 2) / millis_of_day)
      : dates.size() >= 3 ? usual_distance(places)
                          : 1;
  // A month has 28 to 31 days, a quarter 90 to 92, a year 365 or 366.
  const int in_months = static_cast<int>((step * 12 + 182) / 365);
  const std::int64_t beside = step - std::int64_t{in_months} * 365 / 12;
  if (in_months >= 1 && beside >= -2 && beside <= 2 && is_monthly(dates))
    months_missing(dates, in_months, most, gaps);
  else
    days_missing(dates, step, zone, most, gaps);
}

void instants_missing(const std::vector<std::int64_t>& places, std::optional<Span> period, std::size_t most,
                      Gaps& gaps) {
  const std::int64_t minute = 60'000;
  const std::int64_t usual = period ? period->count() : usual_distance(places);
  const std::int64_t step = std::max(minute, (usual + minute / 2) / minute * minute);
  gaps.step = step % (60 * minute) == 0 ? std::to_string(step / (60 * minute)) + "h"
                                        : std::to_string(step / minute) + "m";
  for (const auto place : empty_places(places, step, most, gaps.cut))
    gaps.missing.push_back(format_instant_short(Instant(Span(place))));
}

/// Two that are missing belong together where nothing that was run lies between them.
std::vector<Gaps::Stretch> stretches_of(const std::vector<std::string>& missing,
                                        std::vector<std::string> seen) {
  std::sort(seen.begin(), seen.end());
  std::vector<Gaps::Stretch> stretches;
  for (const auto& label : missing) {
    if (stretches.empty() || std::lower_bound(seen.begin(), seen.end(), stretches.back().last) !=
                                 std::lower_bound(seen.begin(), seen.end(), label))
      stretches.push_back({label, label, 0});
    stretches.back().last = label;
    ++stretches.back().count;
  }
  return stretches;
}

template <class T>
void sort_unique(std::vector<T>& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

}  // namespace

Gaps gaps_between(const std::vector<std::string>& seen, std::optional<Span> period, const Zone& zone,
                  std::size_t most) {
  std::vector<Date> dates;
  std::vector<std::int64_t> instants;
  for (const auto& label : seen) {
    if (const auto date = parse_date(label); date)
      dates.push_back(*date);
    else if (const auto at = parse_instant(label); at)
      instants.push_back(at->time_since_epoch().count());
  }
  sort_unique(dates);
  sort_unique(instants);
  Gaps gaps;
  gaps.inferred = !period;
  const bool by_date = dates.size() >= instants.size();
  if ((by_date ? dates.size() : instants.size()) < 2) return gaps;
  if (!by_date && !period && instants.size() < 3) return gaps;
  by_date ? dates_missing(dates, period, zone, most, gaps) : instants_missing(instants, period, most, gaps);
  std::reverse(gaps.missing.begin(), gaps.missing.end());
  gaps.stretches = stretches_of(gaps.missing, seen);
  return gaps;
}

}  // namespace jobrun
