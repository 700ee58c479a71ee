#include "base/civil.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <optional>

#include "base/text.hpp"

namespace jobrun {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;
using std::chrono::seconds;
using std::chrono::sys_days;

constexpr std::string_view kZoneFolder = "/usr/share/zoneinfo/";
constexpr Instant kFirst = sys_days{std::chrono::year{1970} / 1 / 1};
constexpr Instant kEnd = sys_days{std::chrono::year{10000} / 1 / 1};

Error fault(std::string_view text, std::string_view why) {
  return usage_error(in_quotes(text) + " " + std::string(why));
}

/// Takes exactly `width` digits off the front of `text`.
std::optional<int> take_digits(std::string_view& text, std::size_t width) {
  if (text.size() < width) return std::nullopt;
  int value = 0;
  for (char c : text.substr(0, width)) {
    if (!is_digit(c)) return std::nullopt;
    value = value * 10 + (c - '0');
  }
  text.remove_prefix(width);
  return value;
}

bool take(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

/// The form of a full-date (RFC 3339 5.6); whether the calendar has it is the caller's question.
std::optional<Date> take_date(std::string_view& text) {
  const auto year = take_digits(text, 4);
  if (!year || !take(text, "-")) return std::nullopt;
  const auto month = take_digits(text, 2);
  if (!month || !take(text, "-")) return std::nullopt;
  const auto day = take_digits(text, 2);
  if (!day) return std::nullopt;
  return Date{std::chrono::year{*year}, std::chrono::month{static_cast<unsigned>(*month)},
              std::chrono::day{static_cast<unsigned>(*day)}};
}

struct TimeOfDay {
  int hour = 0, minute = 0, second = 0;
  Span fraction{};
};

/// partial-time of RFC 3339 5.6; digits beyond milliseconds are cut, as nothing here is more exact.
std::optional<TimeOfDay> take_time(std::string_view& text) {
  const auto hour = take_digits(text, 2);
  if (!hour || !take(text, ":")) return std::nullopt;
  const auto minute = take_digits(text, 2);
  if (!minute || !take(text, ":")) return std::nullopt;
  const auto second = take_digits(text, 2);
  if (!second || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  TimeOfDay time{*hour, *minute, *second, Span{0}};
  if (!take(text, ".")) return time;
  if (text.empty() || !is_digit(text.front())) return std::nullopt;
  for (int worth = 100; !text.empty() && is_digit(text.front()); worth /= 10) {
    time.fraction += Span{worth * (text.front() - '0')};
    text.remove_prefix(1);
  }
  return time;
}

/// time-offset of RFC 3339 5.6: `Z`, `+02:00`, and `-00:00` (4.3: UTC, the writer's own offset unknown).
std::optional<seconds> take_offset(std::string_view& text) {
  if (take(text, "Zz")) return 0s;
  const bool west = !text.empty() && text.front() == '-';
  if (!take(text, "+-")) return std::nullopt;
  const auto hour = take_digits(text, 2);
  if (!hour || !take(text, ":")) return std::nullopt;
  const auto minute = take_digits(text, 2);
  if (!minute || *hour > 23 || *minute > 59) return std::nullopt;
  const seconds offset = std::chrono::hours{*hour} + std::chrono::minutes{*minute};
  return west ? -offset : offset;
}

void append_padded(std::string& out, long long value, std::size_t width) {
  const std::string digits = std::to_string(value);
  if (digits.size() < width) out.append(width - digits.size(), '0');
  out += digits;
}

std::string format_to_seconds(Instant at) {
  const auto day = std::chrono::floor<days>(at);
  const std::chrono::hh_mm_ss<Span> time{at - day};
  std::string out = format_date(Date{day});
  out += 'T';
  append_padded(out, time.hours().count(), 2);
  out += ':';
  append_padded(out, time.minutes().count(), 2);
  out += ':';
  append_padded(out, time.seconds().count(), 2);
  return out;
}

int millisecond_of(Instant at) {
  return static_cast<int>((at - std::chrono::floor<seconds>(at)).count());
}

/// Names as the IANA database spells them; without a dot no segment can lead out of the folder.
bool is_zone_name(std::string_view name) {
  if (name.empty() || name.size() > 100) return false;
  for (std::string_view segment : split(name, '/')) {
    if (segment.empty()) return false;
    for (char c : segment) {
      if (!is_letter(c) && !is_digit(c) && c != '_' && c != '+' && c != '-') return false;
    }
  }
  return name != "localtime";  // the machine's own zone under another name
}

/// RFC 8536 3.1: a zone file begins with "TZif".
bool is_zone_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (fd < 0) return false;
  char magic[4] = {};
  const auto got = ::read(fd, magic, sizeof magic);
  ::close(fd);
  return got == 4 && std::string_view(magic, 4) == "TZif";
}

/// Makes localtime_r(3) speak `zone`. The TZ of this process is left changed: nothing else here reads local
/// time, and children get an environment that is built from a copy which main took before any zone was asked.
/// The full path keeps $TZDIR out of it.
void enter_zone(const std::string& zone) {
  static std::string entered;
  if (zone == entered) return;
  const std::string value = ":" + std::string(kZoneFolder) + zone;
  ::setenv("TZ", value.c_str(), 1);
  ::tzset();
  entered = zone;
}

}  // namespace

Result<Date> parse_date(std::string_view text) {
  std::string_view rest = text;
  const auto date = take_date(rest);
  if (!date || !rest.empty()) return fault(text, "is not a date (write 2026-04-12)");
  if (!date->ok()) return fault(text, "is not a date of the calendar");
  if (sys_days{*date} < kFirst) return fault(text, "is before 1970");
  return *date;
}

std::string format_date(Date date) {
  std::string out;
  append_padded(out, static_cast<int>(date.year()), 4);
  out += '-';
  append_padded(out, static_cast<unsigned>(date.month()), 2);
  out += '-';
  append_padded(out, static_cast<unsigned>(date.day()), 2);
  return out;
}

Result<Instant> parse_instant(std::string_view text) {
  constexpr std::string_view form = "is not a time (write 2026-04-12T02:00:00Z)";
  std::string_view rest = text;
  const auto date = take_date(rest);
  if (!date || !take(rest, "Tt")) return fault(text, form);
  const auto time = take_time(rest);
  if (!time) return fault(text, form);
  const auto offset = take_offset(rest);
  if (!offset) return fault(text, "has no zone (end it with Z or an offset such as +02:00)");
  if (!rest.empty()) return fault(text, form);
  if (!date->ok()) return fault(text, "is on a date that the calendar does not have");
  if (time->second == 60) return fault(text, "is a leap second, which has no place in this count of time");
  const Instant at = sys_days{*date} + std::chrono::hours{time->hour} + std::chrono::minutes{time->minute} +
                     seconds{time->second} + time->fraction - *offset;
  if (at < kFirst || at >= kEnd) return fault(text, "is outside of the years 1970 to 9999");
  return at;
}

std::string format_instant(Instant at) {
  std::string out = format_to_seconds(at);
  out += '.';
  append_padded(out, millisecond_of(at), 3);
  out += 'Z';
  return out;
}

std::string format_instant_short(Instant at) {
  if (millisecond_of(at) != 0) return format_instant(at);
  return format_to_seconds(at) + 'Z';
}

Zone Zone::utc() {
  return Zone("UTC");
}

Result<Zone> Zone::named(std::string_view name) {
  if (name == "UTC") return utc();
  if (!is_zone_name(name) || !is_zone_file(std::string(kZoneFolder) + std::string(name))) {
    return usage_error(in_quotes(name) + " is not a time zone of this machine",
                       "write UTC, or a name that `timedatectl list-timezones` shows, such as Europe/Berlin; "
                       "they come with the package tzdata");
  }
  return Zone(std::string(name));
}

seconds Zone::offset(Instant at) const {
  if (name_ == "UTC") return 0s;
  enter_zone(name_);
  const std::time_t when = std::chrono::floor<seconds>(at).time_since_epoch().count();
  std::tm local{};
  if (::localtime_r(&when, &local) == nullptr) return 0s;  // only for years that an int can't hold
  return seconds{local.tm_gmtoff};
}

Date Zone::date(Instant at) const {
  return Date{std::chrono::floor<days>(at + offset(at))};
}

seconds Zone::time_of_day(Instant at) const {
  const auto local = std::chrono::floor<seconds>(at + offset(at));
  return local - std::chrono::floor<days>(local);
}

Instant Zone::instant(Date date, seconds time_of_day) const {
  const Instant local = sys_days{date} + time_of_day;  // as if it were UTC: within a day of the answer
  const seconds before = offset(local - 24h);
  const seconds after = offset(local + 24h);
  const Instant by_before = local - before;
  const Instant by_after = local - after;
  const bool before_holds = offset(by_before) == before;
  const bool after_holds = offset(by_after) == after;
  if (before_holds && after_holds) return std::min(by_before, by_after);  // in a fold: the first
  if (after_holds) return by_after;
  return by_before;  // also in a gap: RFC 5545 3.3.5 reads it with the offset before the gap
}

bool Zone::has(Date date) const {
  // Noon: a skipped midnight (zones that change then) does not make a date vanish, a skipped noon does.
  return date.ok() && this->date(instant(date, 12h)) == date;
}

}  // namespace jobrun
