// Calendar expressions and time spans of systemd.time(7); see recurrence.hpp.
#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "timetable/recurrence.hpp"

namespace jobrun {

namespace {

/// "*", "5", "1..5", each with "/2" behind it or not, separated by commas.
template <std::size_t size>
bool read_set(std::string_view text, std::int64_t low, std::int64_t high, std::bitset<size>& set) {
  for (const auto part : split(text, ',')) {
    const auto slash = part.find('/');
    const std::string_view range = part.substr(0, slash);
    std::int64_t from = low, to = high, step = 1;
    if (range != "*") {
      const auto dots = range.find("..");
      const auto first = parse_integer(range.substr(0, dots), low, high);
      if (!first) return false;
      from = to = *first;
      if (dots != std::string_view::npos) {
        const auto last = parse_integer(range.substr(dots + 2), low, high);
        if (!last) return false;
        to = *last;
      } else if (slash != std::string_view::npos) {
        to = high;
      }
    }
    if (slash != std::string_view::npos) {
      const auto said = parse_integer(part.substr(slash + 1), 1, 999);
      if (!said) return false;
      step = *said;
    }
    for (; from <= to; from += step) set.set(static_cast<std::size_t>(from));
  }
  return set.any();
}

std::optional<std::size_t> weekday(std::string_view name) {
  constexpr std::array<std::string_view, 7> names = {"sunday",   "monday", "tuesday", "wednesday",
                                                     "thursday", "friday", "saturday"};
  const std::string small = lower_case(name);
  for (std::size_t i = 0; i < names.size(); ++i)
    if (small == names[i] || small == names[i].substr(0, 3)) return i;
  return std::nullopt;
}

/// "Mon..Fri", "Sat,Sun"; a range ends with Sunday at the latest.
bool read_weekdays(std::string_view text, std::bitset<7>& set) {
  while (text.ends_with(',')) text.remove_suffix(1);
  for (const auto part : split(text, ',')) {
    const auto dots = part.find("..");
    const auto first = weekday(part.substr(0, dots));
    const auto last = dots == std::string_view::npos ? first : weekday(part.substr(dots + 2));
    if (!first || !last || (*first + 6) % 7 > (*last + 6) % 7) return false;
    for (std::size_t day = *first;; day = (day + 1) % 7) {
      set.set(day);
      if (day == *last) break;
    }
  }
  return true;
}

/// "*-*-*", "10-15", "*-1/2-1,3".
bool read_date(std::string_view text, Recurrence& times) {
  auto parts = split(text, '-');
  if (parts.size() == 3) {
    if (parts.front() != "*") return false;  // a single year: over once and for all
    parts.erase(parts.begin());
  }
  return parts.size() == 2 && read_set(parts[0], 1, 12, times.months) &&
         read_set(parts[1], 1, 31, times.days);
}

/// "02:00", "*:0/15:00"; seconds are read past.
bool read_time(std::string_view text, Recurrence& times) {
  const auto parts = split(text, ':');
  return (parts.size() == 2 || parts.size() == 3) && read_set(parts[0], 0, 23, times.hours) &&
         read_set(parts[1], 0, 59, times.minutes);
}

std::string_view long_form(std::string_view word) {
  if (word == "minutely") return "*-*-* *:*:00";
  if (word == "hourly") return "*-*-* *:00:00";
  if (word == "daily") return "*-*-* 00:00:00";
  if (word == "weekly") return "Mon *-*-* 00:00:00";
  if (word == "monthly") return "*-*-01 00:00:00";
  if (word == "yearly" || word == "annually") return "*-01-01 00:00:00";
  if (word == "quarterly") return "*-01,04,07,10-01 00:00:00";
  if (word == "semiannually") return "*-01,07-01 00:00:00";
  return {};
}

std::optional<std::int64_t> unit_in_ms(std::string_view unit) {
  constexpr std::int64_t second = 1000, minute = 60 * second, hour = 60 * minute, day = 24 * hour;
  if (unit.empty() || unit == "s" || unit == "sec" || unit == "second" || unit == "seconds") return second;
  if (unit == "ms" || unit == "msec") return 1;
  if (unit == "us" || unit == "usec") return 0;
  if (unit == "m" || unit == "min" || unit == "minute" || unit == "minutes") return minute;
  if (unit == "h" || unit == "hr" || unit == "hour" || unit == "hours") return hour;
  if (unit == "d" || unit == "day" || unit == "days") return day;
  if (unit == "w" || unit == "week" || unit == "weeks") return 7 * day;
  if (unit == "M" || unit == "month" || unit == "months") return 3044 * day / 100;
  if (unit == "y" || unit == "year" || unit == "years") return 36525 * day / 100;
  return std::nullopt;
}

}  // namespace

std::optional<CalendarTime> parse_calendar_time(std::string_view text) {
  auto words = words_in(text);
  CalendarTime calendar;
  const auto names_zone = [](std::string_view word) {
    return word == "UTC" || (word.find('/') != std::string_view::npos && word.front() >= 'A' &&
                             word.front() <= 'Z' && Zone::named(word));
  };
  if (words.size() > 1 && names_zone(words.back())) {
    calendar.zone = words.back();
    words.pop_back();
  }
  if (words.empty()) return std::nullopt;
  if (words.size() == 1)
    if (const auto whole = long_form(lower_case(words.front())); !whole.empty()) {
      auto read = parse_calendar_time(whole);
      read->zone = calendar.zone;
      return read;
    }
  Recurrence& times = calendar.times;
  const bool on_weekdays = weekday(words.front().substr(0, words.front().find_first_of(",."))).has_value();
  if (on_weekdays) {
    if (!read_weekdays(words.front(), times.weekdays)) return std::nullopt;
    words.erase(words.begin());
  }
  if (!on_weekdays) times.weekdays.set();
  const auto is_time = [](std::string_view word) { return word.find(':') != std::string_view::npos; };
  if (!words.empty() && !is_time(words.front())) {
    if (!read_date(words.front(), times)) return std::nullopt;
    words.erase(words.begin());
  } else {
    times.months.set().reset(0);
    times.days.set().reset(0);
  }
  if (words.empty()) {
    times.hours.set(0);
    times.minutes.set(0);
    return calendar;
  }
  if (words.size() != 1 || !read_time(words.front(), times)) return std::nullopt;
  return calendar;
}

std::optional<Span> parse_systemd_span(std::string_view text) {
  constexpr std::int64_t century = 36525LL * 24 * 3600 * 1000;
  std::string_view rest = trim(text);
  if (rest.empty()) return std::nullopt;
  std::int64_t sum = 0;
  while (!rest.empty()) {
    const auto digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
    const auto count = parse_integer(rest.substr(0, digits), 0, century);
    if (!count) return std::nullopt;
    rest = trim(rest.substr(digits));
    const auto letters = std::min(rest.find_first_of("0123456789 \t"), rest.size());
    const auto each = unit_in_ms(rest.substr(0, letters));
    if (!each || (*each != 0 && *count > century / *each)) return std::nullopt;
    rest = trim(rest.substr(letters));
    if ((sum += *count * *each) > century) return std::nullopt;
  }
  return Span(sum);
}

}  // namespace jobrun
