#include "contract/date_range.hpp"

#include <optional>

#include "base/text.hpp"

namespace jobrun {

namespace {

struct Step {
  int days = 0, months = 0;
  Span time{};
};

std::optional<Step> parse_step(std::string_view text) {
  std::size_t digits = 0;
  while (digits < text.size() && is_digit(text[digits])) ++digits;
  const auto count = parse_integer(text.substr(0, digits), 1, 10'000);
  if (!count) return std::nullopt;
  const int n = static_cast<int>(*count);
  const std::string_view word = text.substr(digits);
  if (word == "d") return Step{n, 0, {}};
  if (word == "w") return Step{7 * n, 0, {}};
  if (word == "mo") return Step{0, n, {}};
  if (word == "h") return Step{0, 0, std::chrono::hours(n)};
  if (word == "m") return Step{0, 0, std::chrono::minutes(n)};
  return std::nullopt;
}

/// Always counted from the first date: the 31st does not become the 28th for good after a February.
Date nth(Date first, const Step& step, int n) {
  if (step.months == 0) return Date(std::chrono::sys_days(first) + std::chrono::days(step.days * n));
  const auto month =
      std::chrono::year_month(first.year(), first.month()) + std::chrono::months(step.months * n);
  const Date wanted = month / first.day();
  return wanted.ok() ? wanted : Date(month / std::chrono::last);
}

Error too_many() {
  return usage_error("that is more than " + std::to_string(most_run_dates) + " run dates",
                     "take a part of them, one after the other");
}

/// A date stands for its beginning in the zone.
Result<Instant> moment(std::string_view text, const Zone& zone) {
  if (auto at = parse_instant(text)) return at;
  auto date = parse_date(text);
  if (!date) return date.error();
  return zone.instant(*date, std::chrono::seconds(0));
}

}  // namespace

Result<std::vector<std::string>> run_dates(std::string_view from, std::string_view to,
                                           std::string_view step_word, const Zone& zone) {
  const auto step = parse_step(step_word);
  if (!step)
    return usage_error("--step: " + in_quotes(step_word) + " is no step", "write 1d, 1w, 1mo, 1h or 15m");
  const auto backwards = [&] {
    return usage_error("--from " + std::string(from) + " is after --to " + std::string(to),
                       "name the earlier date first");
  };
  std::vector<std::string> labels;
  if (step->time.count() > 0) {
    auto first = moment(from, zone);
    if (!first) return first.error().during("--from");
    auto last = moment(to, zone);
    if (!last) return last.error().during("--to");
    if (*first > *last) return backwards();
    for (Instant at = *first; at <= *last; at += step->time) {
      if (labels.size() == most_run_dates) return too_many();
      labels.push_back(format_instant_short(at));
    }
    return labels;
  }
  auto first = parse_date(from);
  if (!first) return first.error().during("--from");
  auto last = parse_date(to);
  if (!last) return last.error().during("--to");
  if (*first > *last) return backwards();
  for (int n = 0; nth(*first, *step, n) <= *last; ++n) {
    if (labels.size() == most_run_dates) return too_many();
    if (const Date date = nth(*first, *step, n); zone.has(date)) labels.push_back(format_date(date));
  }
  return labels;
}

}  // namespace jobrun
