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

std::string faults_text(const std::vector<ScheduleFault>& faults) {
  std::string text;
  std::size_t to_look_at = 0;
  for (const auto& fault : faults) {
    const bool mend = fault.weight == ScheduleFault::Weight::mend;
    if (!mend) ++to_look_at;
    text += fmt::format("{}: {}{}: {}\n    why:  {}\n    next: {}\n", printable(fault.where.text()),
                        mend ? "" : "look: ", fault.kind, printable(fault.what), printable(fault.why),
                        printable(fault.next));
  }
  if (faults.empty()) return "nothing to mend\n";
  return text + fmt::format("\n{} to mend, {} to look at\n", faults.size() - to_look_at, to_look_at);
}

Json faults_json(const std::vector<ScheduleFault>& faults) {
  Json list = Json::array();
  for (const auto& fault : faults)
    list.push(Json::object()
                  .set("kind", fault.kind)
                  .set("weight", fault.weight == ScheduleFault::Weight::mend ? "mend" : "look")
                  .set("file", fault.where.file)
                  .set("line", fault.where.line)
                  .set("what", fault.what)
                  .set("why", fault.why)
                  .set("next_action", json_or_null(fault.next)));
  return list;
}

namespace {

std::string value_text(const Json& value) {
  if (value.is_string()) return printable(value.as_string());
  return value.is_null() ? "-" : value.dump();
}

std::string entry_line(char sign, const Json& entry) {
  return fmt::format("{} {}:{}: {}, {}: {}\n", sign, printable(entry.at("file").as_string()),
                     entry.at("line").as_integer(), value_text(entry.at("when")),
                     value_text(entry.at("user")), value_text(entry.at("command")));
}

}  // namespace

std::string drift_text(const ScheduleDrift& drift) {
  if (!drift.any()) return "nothing has changed\n";
  std::string text;
  for (const auto& entry : drift.removed) text += entry_line('-', entry);
  for (const auto& entry : drift.added) text += entry_line('+', entry);
  for (const auto& change : drift.changed) {
    text += entry_line('~', change.after);
    for (const auto& member : change.members)
      text += fmt::format("    {}: {} -> {}\n", member, value_text(change.before.at(member)),
                          value_text(change.after.at(member)));
  }
  return text;
}

Json drift_json(const ScheduleDrift& drift) {
  Json added = Json::array(), removed = Json::array(), changed = Json::array();
  for (const auto& entry : drift.added) added.push(entry);
  for (const auto& entry : drift.removed) removed.push(entry);
  for (const auto& change : drift.changed) {
    Json members = Json::array();
    for (const auto& member : change.members) members.push(member);
    changed.push(Json::object()
                     .set("before", change.before)
                     .set("after", change.after)
                     .set("members", std::move(members)));
  }
  return Json::object()
      .set("added", std::move(added))
      .set("removed", std::move(removed))
      .set("changed", std::move(changed));
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
