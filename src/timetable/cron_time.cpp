// The five fields of crontab(5); see recurrence.hpp.
#include <array>

#include "base/format.hpp"
#include "base/text.hpp"
#include "timetable/recurrence.hpp"

namespace jobrun {

namespace {

struct Field {
  std::string_view name;
  int low, high;
  std::string_view names;  ///< of three letters each, from `low` on
};

constexpr std::array<Field, 5> cron_fields = {{{"minute", 0, 59, ""},
                                               {"hour", 0, 23, ""},
                                               {"day of the month", 1, 31, ""},
                                               {"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
                                               {"day of the week", 0, 7, "sunmontuewedthufrisat"}}};

Error bad(const Field& field, std::string_view text, std::string_view why) {
  return usage_error(fmt::format("{}: {} {}", field.name, printable(clip(text, 40)), why));
}

Result<int> number(const Field& field, std::string_view text) {
  if (text.size() == 3)
    if (const auto at = field.names.find(lower_case(text)); at != std::string_view::npos && at % 3 == 0)
      return field.low + static_cast<int>(at / 3);
  const auto value = parse_integer(text, 0, 999);
  if (!value) return bad(field, "\"" + std::string(text) + "\"", "is not a number");
  if (*value < field.low || *value > field.high)
    return bad(field, text, fmt::format("is not within {}-{}", field.low, field.high));
  return static_cast<int>(*value);
}

/// "*", "5", "1-5", each with "/2" behind it or not.
template <std::size_t size>
Result<void> read_part(const Field& field, std::string_view part, std::bitset<size>& set) {
  const auto slash = part.find('/');
  const std::string_view range = part.substr(0, slash);
  int low = field.low, high = field.high;
  if (range != "*" && range != "?") {
    const auto dash = range.find('-');
    const auto from = number(field, range.substr(0, dash));
    if (!from) return from.error();
    low = high = *from;
    if (dash != std::string_view::npos) {
      const auto to = number(field, range.substr(dash + 1));
      if (!to) return to.error();
      high = *to;
    } else if (slash != std::string_view::npos) {
      high = field.high;
    }
    if (low > high) return bad(field, range, "runs backwards");
  }
  std::int64_t step = 1;
  if (slash != std::string_view::npos) {
    const auto said = parse_integer(part.substr(slash + 1), 1, 999);
    if (!said) return bad(field, part, "has a step that is not a number");
    step = *said;
  }
  for (std::int64_t value = low; value <= high; value += step)
    set.set(field.high == 7 && value == 7 ? 0 : static_cast<std::size_t>(value));
  return {};
}

template <std::size_t size>
Result<void> read_field(const Field& field, std::string_view text, std::bitset<size>& set) {
  for (const auto part : split(text, ','))
    if (auto read = read_part(field, part, set); !read) return read;
  return {};
}

std::string_view five_fields(std::string_view word) {
  if (word == "@hourly") return "0 * * * *";
  if (word == "@daily" || word == "@midnight") return "0 0 * * *";
  if (word == "@weekly") return "0 0 * * 0";
  if (word == "@monthly") return "0 0 1 * *";
  if (word == "@yearly" || word == "@annually") return "0 0 1 1 *";
  return {};
}

}  // namespace

Result<Recurrence> parse_cron_time(std::string_view text) {
  const std::string_view whole = trim(text);
  if (whole.starts_with('@')) {
    const std::string word = lower_case(whole);
    if (const auto long_form = five_fields(word); !long_form.empty()) return parse_cron_time(long_form);
    return usage_error(in_quotes(whole) +
                       " is none of @hourly, @daily, @weekly, @monthly, @yearly and @reboot");
  }
  const auto words = words_in(whole);
  if (words.size() != cron_fields.size())
    return usage_error(fmt::format("a time of cron has 5 fields, this has {}", words.size()));
  Recurrence times;
  auto read = read_field(cron_fields[0], words[0], times.minutes);
  if (read) read = read_field(cron_fields[1], words[1], times.hours);
  if (read) read = read_field(cron_fields[2], words[2], times.days);
  if (read) read = read_field(cron_fields[3], words[3], times.months);
  if (read) read = read_field(cron_fields[4], words[4], times.weekdays);
  if (!read) return read.error();
  // A field that begins with * does not restrict, whatever follows (cron(8) of Debian, crontab(5)).
  const auto open = [](std::string_view word) { return word.starts_with('*') || word.starts_with('?'); };
  times.either_day = !open(words[2]) && !open(words[4]);
  return times;
}

}  // namespace jobrun
