#include "cli/inventory_view.hpp"

#include <algorithm>

#include "base/format.hpp"
#include "base/text.hpp"
#include "cli/screen.hpp"

namespace jobrun {

namespace {

std::string what_of(const Scheduled& entry) {
  std::string what;
  for (const auto& call : entry.calls)
    what +=
        fmt::format("{}{}", what.empty() ? "" : ", ",
                    call.verb == "run" ? "job " + call.job
                                       : "jobrun " + call.verb + (call.job.empty() ? "" : " " + call.job));
  return printable(what.empty() ? mask_secrets(entry.command) : what);
}

/// "11-26 01:30", by the clocks that start it.
std::string next_of(const Scheduled& entry, Instant now) {
  if (!entry.active) return "nothing starts it";
  const auto next = entry.next(now);
  if (!next) return "-";
  const Zone zone = *Zone::named(entry.zone);
  const auto time = zone.time_of_day(*next);
  return fmt::format("{} {:02}:{:02}", format_date(zone.date(*next)), time.count() / 3600,
                     time.count() / 60 % 60);
}

}  // namespace

std::string inventory_text(const Inventory& inventory, Instant now, std::size_t width) {
  if (inventory.entries.empty()) return "nothing is scheduled in what could be read\n";
  std::vector<std::vector<std::string>> rows = {{"WHEN", "ZONE", "NEXT", "USER", "WHERE", "WHAT"}};
  for (const auto& entry : inventory.entries)
    rows.push_back({printable(clip(entry.when, 60)), entry.zone.empty() ? "-" : printable(entry.zone),
                    next_of(entry, now), entry.user.empty() ? "-" : printable(entry.user),
                    printable(entry.where.text()), what_of(entry)});
  return table(rows, width);
}

std::string unread_text(const Inventory& inventory) {
  std::string text;
  for (const auto& one : inventory.unread)
    text += fmt::format("jobrun: inventory: can't read {}: {}\n", printable(one.path), printable(one.why));
  return text;
}

Json inventory_json(const Inventory& inventory, Instant now) {
  Json entries = Json::array(), unread = Json::array();
  for (const auto& entry : inventory.entries) entries.push(json_of(entry, now));
  for (const auto& one : inventory.unread)
    unread.push(Json::object().set("path", one.path).set("why", one.why));
  return Json::object()
      .set("schema_version", 1)
      .set("zone", inventory.zone.empty() ? Json() : Json(inventory.zone))
      .set("entries", std::move(entries))
      .set("unread", std::move(unread));
}

}  // namespace jobrun
