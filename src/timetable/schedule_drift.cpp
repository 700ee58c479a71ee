#include "timetable/schedule_drift.hpp"

#include <algorithm>
#include <array>

namespace jobrun {

namespace {

constexpr std::array<const char*, 8> members = {"scheduler", "file", "name",   "when",
                                                "zone",      "user", "active", "command"};

using Members = std::vector<std::string>;

/// By what an entry is taken for the same one, the surest first.
const std::array<Members, 4>& same_by() {
  static const std::array<Members, 4> ways = {{{members.begin(), members.end()},
                                               {"scheduler", "file", "name", "user", "command"},
                                               {"user", "command"},
                                               {"scheduler", "file", "name", "when", "user"}}};
  return ways;
}

bool same(const Json& one, const Json& other, const Members& by) {
  return std::all_of(by.begin(), by.end(),
                     [&](const std::string& name) { return one.at(name) == other.at(name); });
}

}  // namespace

Result<ScheduleDrift> schedule_drift(const Json& before, const Json& after) {
  if (before.at("schema_version").as_integer() != 1 || !before.at("entries").is_array())
    return usage_error("this is no answer of `jobrun inventory --json`",
                       "`jobrun inventory --json >FILE` writes one");
  std::vector<Json> old = before.at("entries").items(), now = after.at("entries").items();
  ScheduleDrift drift;
  for (const Members& by : same_by()) {
    std::vector<Json> left;
    for (auto& entry : now) {
      const auto match =
          std::find_if(old.begin(), old.end(), [&](const Json& one) { return same(one, entry, by); });
      if (match == old.end()) {
        left.push_back(std::move(entry));
        continue;
      }
      if (by.size() < members.size()) {
        ScheduleDrift::Change change{*match, entry, {}};
        for (const char* name : members)
          if (!(match->at(name) == entry.at(name))) change.members.emplace_back(name);
        drift.changed.push_back(std::move(change));
      }
      old.erase(match);
    }
    now = std::move(left);
  }
  drift.added = std::move(now);
  drift.removed = std::move(old);
  return drift;
}

}  // namespace jobrun
