// jobrun show RUN: one run with its units and attempts, on one screen.
#include <algorithm>
#include <set>

#include "base/civil.hpp"
#include "base/format.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/run_view.hpp"
#include "cli/run_words.hpp"
#include "cli/screen.hpp"
#include "ledger/crashes.hpp"
#include "ledger/runs.hpp"

namespace jobrun {

namespace {

constexpr std::size_t many = 10;  // units, from which on those alike are told together

}  // namespace

Result<Exit> cmd_show(const Session& session) {
  auto opened = session.open(Ledger::Purpose::look);
  if (!opened) return opened.error();
  Ledger& ledger = **opened;
  auto run = run_named(ledger, session.args.words().front());
  if (!run) return run.error();
  auto units = units_of(ledger, run->id);
  if (!units) return units.error();
  std::set<std::int64_t> gone;
  if (run->counts.running > 0) {
    auto crashed = crashed_units(ledger);
    if (!crashed) return crashed.error();
    for (const auto& one : *crashed)
      if (one.run_id == run->id) gone.insert(one.unit_id);
  }
  const bool all_gone = !gone.empty() && static_cast<int>(gone.size()) == run->counts.running;
  const auto wanted = session.args.values("--unit");
  for (const auto& name : wanted)
    if (std::none_of(units->begin(), units->end(), [&](const Unit& unit) { return unit.unit == name; }))
      return Error(Fault::usage, fmt::format("run {} has no unit {}", run->run_id, printable(name)),
                   "leave --unit out to see them all");

  Json list = Json::array();
  std::string text = fmt::format("{} for {}, run {}{}: {}\n", run->job, run->run_date, run->run_id,
                                 run->generation > 1 ? fmt::format(" (generation {})", run->generation) : "",
                                 all_gone ? word_of(AttemptState::crashed) : word_of(run->state));
  text += fmt::format("  {} unit{}: {}; made {}, last change {}\n", run->counts.total(),
                      run->counts.total() == 1 ? "" : "s", counts_text(run->counts), run->created_at,
                      run->changed_at);
  if (run->again_reason) text += "  again because: " + printable(*run->again_reason) + "\n";
  const bool grouped = wanted.empty() && units->size() > many;
  if (grouped) text += unit_groups_text(*units);
  if (!session.json()) most_urgent_first(*units);
  std::size_t shown = 0, quiet = 0;
  for (Unit& unit : *units) {
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), unit.unit) == wanted.end()) continue;
    // On the screen a unit that was done at the first attempt is only counted, where there are many.
    const bool dull =
        unit.state == UnitState::pending || (unit.state == UnitState::done && unit.attempts <= 1);
    if (!session.json() && grouped && (dull || shown >= many)) {
      ++quiet;
      continue;
    }
    auto attempts = attempts_of(ledger, unit.id);
    if (!attempts) return attempts.error();
    ++shown;
    if (gone.contains(unit.id)) tell_crash(unit, *attempts);
    if (!session.json()) {
      text += unit_text(unit, *attempts, !wanted.empty() || units->size() == 1);
      continue;
    }
    Json all = Json::array();
    for (const auto& attempt : *attempts) all.push(attempt_json(attempt));
    list.push(Json::object()
                  .set("unit", unit.unit)
                  .set("state", word_of(unit.state))
                  .set("reason", unit.reason)
                  .set("message", unit.message)
                  .set("next_action", unit.next_action)
                  .set("next_at", unit.next_at ? Json(format_instant(*unit.next_at)) : Json())
                  .set("attempts", std::move(all)));
  }
  if (quiet > 0)
    text += fmt::format("  {} other units are not shown; --unit U shows one, --json all\n", quiet);
  const int standing = run->counts.stopped + run->counts.exhausted + run->counts.in_doubt;
  if (wanted.empty() && standing > 1)
    text += fmt::format("  next: mended, `jobrun retry {} --run-date {}` brings all {} back\n", run->job,
                        run->run_date, standing);
  if (session.json()) {
    Json json = Json::object()
                    .set("schema_version", 1)
                    .set("job", run->job)
                    .set("run_date", run->run_date)
                    .set("run_id", run->run_id);
    json.set("generation", run->generation)
        .set("state", word_of(run->state))
        .set("created_at", run->created_at)
        .set("changed_at", run->changed_at)
        .set("counts", counts_json(run->counts));
    text = json.set("units", std::move(list)).dump() + "\n";
  }
  print_out(text);
  return Exit::done;
}

}  // namespace jobrun
