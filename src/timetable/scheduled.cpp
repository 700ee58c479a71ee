#include "timetable/scheduled.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace jobrun {

namespace {

bool is_name(char c) {
  return is_letter(c) || is_digit(c) || c == '_' || c == '-';
}

bool names_secret(std::string_view name) {
  const std::string small = lower_case(name);
  for (const std::string_view word : {"passw", "secret", "token", "apikey", "api_key", "api-key", "pwd"})
    if (small.find(word) != std::string::npos) return true;
  return false;
}

/// "NAME=VALUE", where NAME is named like a secret.
std::string mask_values(std::string_view text) {
  std::string masked;
  std::size_t done = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '=') continue;
    std::size_t from = i;
    while (from > done && is_name(text[from - 1])) --from;
    if (!names_secret(text.substr(from, i - from))) continue;
    std::size_t end = i + 1;
    const char quote = end < text.size() && (text[end] == '"' || text[end] == '\'') ? text[end] : '\0';
    if (quote != '\0')
      end = std::min(text.find(quote, end + 1), text.size() - 1) + 1;
    else
      end = std::min(text.find_first_of(" \t;|&\"')", end), text.size());
    if (text.substr(i + 1, 1) == "$") continue;  // a reference shows nothing
    masked.append(text.substr(done, i + 1 - done)).append("***");
    done = end;
    i = end - 1;
  }
  return masked.append(text.substr(done));
}

/// "https://user:password@host"
std::string mask_addresses(std::string_view text) {
  std::string masked;
  std::size_t done = 0;
  for (std::size_t at = text.find("://"); at != std::string_view::npos; at = text.find("://", at + 3)) {
    const std::size_t end = std::min(text.find_first_of(" \t/\"'", at + 3), text.size());
    const std::size_t sign = text.substr(0, end).rfind('@');
    const std::size_t colon = text.substr(0, end).find(':', at + 3);
    if (sign == std::string_view::npos || sign < at || colon == std::string_view::npos || colon > sign)
      continue;
    masked.append(text.substr(done, colon + 1 - done)).append("***");
    done = sign;
  }
  return masked.append(text.substr(done));
}

Json optional_text(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}

Json json_of(const JobrunCall& call) {
  return Json::object()
      .set("verb", call.verb)
      .set("job", optional_text(call.job))
      .set("run_date", optional_text(call.run_date));
}

}  // namespace

std::string mask_secrets(std::string_view text) {
  return mask_addresses(mask_values(text));
}

std::optional<Instant> Scheduled::next(Instant now) const {
  std::optional<Instant> first;
  if (!active || zone.empty()) return first;
  const auto clocks = Zone::named(zone);
  if (!clocks) return first;
  for (const auto& each : times)
    if (const auto at = each.next(now, *clocks); at && (!first || *at < *first)) first = at;
  return first;
}

Json json_of(const Scheduled& entry, Instant now) {
  Json calls = Json::array();
  for (const auto& call : entry.calls) calls.push(json_of(call));
  const auto next = entry.next(now);
  return Json::object()
      .set("scheduler", entry.scheduler)
      .set("file", entry.where.file)
      .set("line", entry.where.line)
      .set("name", optional_text(entry.name))
      .set("when", entry.when)
      .set("zone", optional_text(entry.zone))
      .set("user", optional_text(entry.user))
      .set("active", entry.active)
      .set("next_at", next ? Json(format_instant(*next)) : Json())
      .set("command", mask_secrets(entry.command))
      .set("jobrun", std::move(calls));
}

}  // namespace jobrun
