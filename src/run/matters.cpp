#include "run/matters.hpp"

#include <algorithm>
#include <map>
#include <tuple>

#include "base/format.hpp"
#include "ledger/history.hpp"
#include "run/next_step.hpp"

namespace jobrun {

namespace {

constexpr std::size_t most_names = 5;
constexpr std::string_view settle = "`jobrun effects confirm|release`";  // as run/next_step has it

bool is_in_doubt(const Matter& matter) {
  return matter.state == word_of(UnitState::in_doubt);
}

Matter first_of(const Attention& row) {
  Matter matter;
  matter.kind = row.kind;
  matter.job = row.job;
  matter.run_date = row.run_date;
  matter.state = row.state;
  matter.reason = row.reason;
  matter.message = row.message;
  matter.next_action = row.next_action;
  matter.since = row.since;
  const bool of_a_unit = row.kind != "alert" && !(row.kind == "pause" && row.unit == "(all)");
  if (of_a_unit) matter.unit = row.unit;
  return matter;
}

std::vector<Matter> gathered(const std::vector<Attention>& rows) {
  std::vector<Matter> matters;
  std::map<std::tuple<std::string, std::string, std::string, std::string, std::string>, std::size_t> places;
  for (const Attention& row : rows) {
    const auto [place, is_new] =
        places.try_emplace({row.kind, row.job, row.run_date, row.state, row.reason}, matters.size());
    if (is_new) matters.push_back(first_of(row));
    Matter& matter = matters[place->second];
    ++matter.count;
    if (row.kind == "effect") ++matter.effects;
    const bool named = !matter.unit.empty() && row.unit != "-" && row.unit != "(all)";
    if (named && matter.units.size() < most_names) matter.units.push_back(row.unit);
  }
  for (auto& matter : matters) std::sort(matter.units.begin(), matter.units.end());
  return matters;
}

/// Effects go to the units that they hold. The effect knows the words that settle it, the unit what comes
/// after.
void join_effects(std::vector<Matter>& matters) {
  std::map<std::pair<std::string, std::string>, Matter*> held;
  for (Matter& matter : matters)
    if (matter.kind == "unit" && is_in_doubt(matter))
      held.try_emplace({matter.job, matter.run_date}, &matter);
  for (Matter& effect : matters) {
    const auto place = effect.kind == "effect" ? held.find({effect.job, effect.run_date}) : held.end();
    if (place == held.end()) continue;
    Matter& unit = *place->second;
    const auto at = unit.next_action.find(settle);
    if (unit.count == 1 && unit.effects == 0 && effect.count == 1 && at != std::string::npos)
      unit.next_action = effect.next_action + unit.next_action.substr(at + settle.size());
    unit.effects += effect.count;
  }
  std::erase_if(matters, [&](const Matter& matter) {
    return matter.kind == "effect" && held.contains({matter.job, matter.run_date});
  });
}

std::string step_of(const Matter& matter) {
  if (matter.kind == "pause")
    return "`" + resume_command(matter.job, matter.unit.empty() ? "-" : matter.unit) + "`" +
           (matter.count > 1 ? fmt::format("; without --unit all {}", matter.count) : "");
  if (matter.count == 1 || matter.kind == "alert") return matter.next_action;
  if (matter.kind == "effect") return fmt::format("`jobrun effects --job {}` lists them", matter.job);
  const std::string retry = "`" + retry_command(matter.job, matter.run_date) + "`";
  if (is_in_doubt(matter))
    return fmt::format("`jobrun effects --job {}` lists what is in doubt; settled, {}", matter.job, retry);
  return fmt::format("`jobrun show {}:{}` has them all; mended, {}", matter.job, matter.run_date, retry);
}

}  // namespace

Matter matter_without_run(std::string kind, const std::string& job, std::string state, std::string message,
                          std::string next_action) {
  Matter matter;
  matter.kind = std::move(kind);
  matter.count = 1;
  matter.job = job;
  matter.reason = matter.kind;
  matter.state = std::move(state);
  matter.message = std::move(message);
  matter.next_action = std::move(next_action);
  return matter;
}

Result<std::vector<Matter>> matters_of(Ledger& ledger, std::string_view job, Instant now) {
  auto rows = attention(ledger, job, now);
  if (!rows) return rows.error();
  auto matters = gathered(*rows);
  join_effects(matters);
  for (auto& matter : matters) matter.next_action = step_of(matter);
  return matters;
}

std::vector<Matter> night_after_night(std::vector<Matter> matters) {
  using Units = std::vector<std::string>;
  std::map<std::tuple<std::string, std::string, std::string, Units, std::int64_t>, std::size_t> places;
  std::vector<Matter> told;
  for (auto& matter : matters) {
    const auto [place, is_new] = places.try_emplace(
        {matter.job, matter.state, matter.reason, matter.units, matter.count}, told.size());
    if (is_new || matter.kind != "unit") {
      told.push_back(std::move(matter));
      continue;
    }
    Matter& latest = told[place->second];
    latest.back_to = latest.earlier++ == 0 ? matter.run_date : std::min(latest.back_to, matter.run_date);
  }
  return told;
}

}  // namespace jobrun
