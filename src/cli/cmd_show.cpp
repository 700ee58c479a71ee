// jobrun show RUN: one run with its units and attempts, on one screen.
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
#include "ledger/wide_runs.hpp"
#include "run/next_step.hpp"

namespace jobrun {

namespace {

constexpr int many = 10;            // units, from which on those alike are told together
constexpr std::int64_t part = 500;  // units that are read and written at a time

Result<std::vector<Unit>> named_units(Ledger& ledger, const Run& run, const std::vector<std::string>& names) {
  std::vector<Unit> units;
  for (const auto& name : names) {
    auto unit = unit_named(ledger, run, name);
    if (!unit) return unit.error();
    units.push_back(std::move(*unit));
  }
  return units;
}

/// Units that no process holds any more, though their row says that they run.
Result<std::set<std::int64_t>> crashed_in(Ledger& ledger, const Run& run) {
  std::set<std::int64_t> gone;
  if (run.counts.running == 0) return gone;
  auto crashed = crashed_units(ledger);
  if (!crashed) return crashed.error();
  for (const auto& one : *crashed)
    if (one.run_id == run.id) gone.insert(one.unit_id);
  return gone;
}

std::string headline(const Run& run, std::size_t gone) {
  const bool all_gone = gone > 0 && static_cast<int>(gone) == run.counts.running;
  std::string text = fmt::format("{} for {}, run {}{}: {}\n", run.job, run.run_date, run.run_id,
                                 run.generation > 1 ? fmt::format(" (generation {})", run.generation) : "",
                                 all_gone ? word_of(AttemptState::crashed) : word_of(run.state));
  text += fmt::format("  {} unit{}: {}; made {}, last change {} UTC\n", run.counts.total(),
                      run.counts.total() == 1 ? "" : "s", counts_text(run.counts), moment(run.created_at),
                      moment(run.changed_at));
  if (run.again_reason) text += "  again because: " + printable(*run.again_reason) + "\n";
  return text;
}

/// On the screen a unit of many that was done, or is still to come, is only counted.
bool is_dull(const Unit& unit) {
  return unit.state == UnitState::pending || unit.state == UnitState::done;
}

Result<Exit> show_text(Ledger& ledger, const Run& run, const std::vector<std::string>& names) {
  auto gone = crashed_in(ledger, run);
  if (!gone) return gone.error();
  std::string text = headline(run, gone->size());
  const bool grouped = names.empty() && run.counts.total() > many;
  if (grouped) {
    auto plights = plights_of(ledger, run, 3);
    if (!plights) return plights.error();
    text += plights_text(run.counts, *plights);
  }
  auto units = names.empty() ? most_urgent_units(ledger, run, many) : named_units(ledger, run, names);
  if (!units) return units.error();
  if (grouped) std::erase_if(*units, is_dull);
  for (Unit& unit : *units) {
    auto attempts = attempts_of(ledger, unit.id);
    if (!attempts) return attempts.error();
    if (gone->contains(unit.id)) tell_crash(unit, *attempts);
    text += unit_text(unit, *attempts, !names.empty() || run.counts.total() == 1);
  }
  if (grouped)
    text += fmt::format("  {} other units are not shown; --unit U shows one, --json all\n",
                        run.counts.total() - static_cast<int>(units->size()));
  const int standing = run.counts.stopped + run.counts.exhausted + run.counts.in_doubt;
  if (names.empty() && standing > 1)
    text += fmt::format("  next: mended, `{}` brings all {} back\n", retry_command(run.job, run.run_date),
                        standing);
  print_out(text);
  return Exit::done;
}

Result<std::string> unit_json(Ledger& ledger, Unit& unit, bool gone) {
  auto attempts = attempts_of(ledger, unit.id);
  if (!attempts) return attempts.error();
  if (gone) tell_crash(unit, *attempts);
  Json all = Json::array();
  for (const auto& attempt : *attempts) all.push(attempt_json(attempt));
  return Json::object()
      .set("unit", unit.unit)
      .set("state", word_of(unit.state))
      .set("reason", json_or_null(unit.reason))
      .set("message", json_or_null(unit.message))
      .set("next_action", json_or_null(unit.next_action))
      .set("next_at", unit.next_at ? Json(format_instant(*unit.next_at)) : Json())
      .set("attempts", std::move(all))
      .dump();
}

/// Written while it is read, so that a run of any width takes no more memory than a part of it.
Result<Exit> show_json(Ledger& ledger, const Run& run, const std::vector<std::string>& names) {
  Json json = run_outline(run);
  json.set("schema_version", 1).set("scheduled_at", json_or_null(run.scheduled_at));
  json.set("again_reason", json_or_null(run.again_reason));
  std::string text = json.dump();
  text.replace(text.size() - 1, 1, ",\"units\":[");
  auto gone = crashed_in(ledger, run);
  if (!gone) return gone.error();
  auto units = names.empty() ? units_behind(ledger, run.id, "", part) : named_units(ledger, run, names);
  while (true) {
    if (!units) return units.error();
    for (Unit& unit : *units) {
      auto told = unit_json(ledger, unit, gone->contains(unit.id));
      if (!told) return told.error();
      text += (text.ends_with('[') ? "" : ",") + *told;
    }
    if (!names.empty() || units->empty()) break;
    if (!write_out(text)) return Exit::done;  // the reader has seen enough
    text.clear();
    units = units_behind(ledger, run.id, units->back().unit, part);
  }
  print_out(text + "]}\n");
  return Exit::done;
}

}  // namespace

Result<Exit> cmd_show(const Session& session) {
  auto opened = session.open(Ledger::Purpose::look);
  if (!opened) return opened.error();
  Ledger& ledger = **opened;
  auto run = run_named(ledger, session.args.words().front());
  if (!run) return run.error();
  const auto names = session.args.values("--unit");
  return session.json() ? show_json(ledger, *run, names) : show_text(ledger, *run, names);
}

}  // namespace jobrun
