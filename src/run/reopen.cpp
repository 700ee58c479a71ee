#include "run/reopen.hpp"

#include <algorithm>

#include "base/file.hpp"
#include "base/format.hpp"
#include "base/text.hpp"
#include "ledger/cursors.hpp"
#include "ledger/effects.hpp"
#include "run/next_step.hpp"

namespace jobrun {

namespace {

bool among(const std::vector<std::string>& names, const std::string& unit) {
  return names.empty() || std::find(names.begin(), names.end(), unit) != names.end();
}

Result<std::vector<Unit>> units_named(Ledger& ledger, const Run& run, const std::vector<std::string>& names) {
  auto units = units_of(ledger, run.id);
  if (!units) return units;
  for (const auto& name : names)
    if (std::none_of(units->begin(), units->end(), [&](const Unit& unit) { return unit.unit == name; }))
      return usage_error(fmt::format("run {} has no unit {}", run.run_id, printable(name)),
                         fmt::format("`jobrun show {}` lists them", run.run_id));
  std::erase_if(*units, [&](const Unit& unit) { return !among(names, unit.unit); });
  return units;
}

/// A crash that no call has met yet is recorded first: it belongs to the budget that is over.
Result<void> meet_crash(World& world, const Manifest& manifest, const Run& run, Unit& unit, Instant now) {
  if (unit.state != UnitState::running) return {};
  auto lease = world.ledger.lease(unit.job, unit.unit);
  if (!lease) return lease.error();
  if (!*lease) return {};
  auto recovered = recover(world, manifest, run, unit, now);
  if (!recovered) return recovered.error();
  unit = std::move(*recovered);
  return {};
}

void fresh_budget(Unit& unit) {
  unit.state = UnitState::pending;
  unit.counted = unit.interruptions = unit.streak = 0;
  unit.window_start.reset();
  unit.next_at.reset();
  unit.next_action = "try again at the next call";
}

}  // namespace

Result<int> reopen(World& world, const Manifest& manifest, const Run& run,
                   const std::vector<std::string>& names, Instant now, std::vector<std::string>& notes) {
  Ledger& ledger = world.ledger;
  int moved = 0;
  auto written = ledger.write([&]() -> Result<void> {
    moved = 0;
    notes.clear();
    auto units = units_named(ledger, run, names);
    if (!units) return units.error();
    for (Unit& unit : *units) {
      if (auto met = meet_crash(world, manifest, run, unit, now); !met) return met;
      if (!needs_person(unit.state) && unit.state != UnitState::retrying) {
        if (!names.empty())
          notes.push_back(
              fmt::format("{} is {}: nothing to retry", printable(unit.unit), word_of(unit.state)));
        continue;
      }
      fresh_budget(unit);
      if (auto set = set_unit(ledger, unit, now); !set) return set;
      ++moved;
    }
    return {};
  });
  if (!written) return written.error();
  return moved;
}

Result<std::vector<Unit>> units_to_replay(Ledger& ledger, const Run& run, const Replay& replay, Instant now,
                                          std::vector<std::string>& notes) {
  auto units = units_named(ledger, run, replay.units);
  if (!units) return units;
  for (const Unit& unit : *units)
    if (!is_final(unit.state))
      return usage_error(fmt::format("replay: {} for {} has not ended ({} is {})", run.job, run.run_date,
                                     unit.unit == "-" ? "it" : printable(unit.unit), word_of(unit.state)),
                         fmt::format("bring it on first: jobrun {} --run-date {}", run.job, run.run_date));
  std::erase_if(*units, [&](const Unit& unit) {
    return (replay.failed && !needs_person(unit.state)) ||
           (!replay.reason.empty() && unit.reason != replay.reason);
  });
  std::vector<Unit> free;
  for (Unit& unit : *units) {
    auto pause = pause_of(ledger, unit.job, unit.unit, now);
    if (!pause) return pause.error();
    if (*pause)
      notes.push_back(fmt::format("{} is paused ({}) and stays as it is; {}", printable(unit.unit),
                                  (*pause)->reason, next_step(**pause)));
    else
      free.push_back(std::move(unit));
  }
  return free;
}

Result<void> open_replay(Ledger& ledger, const std::vector<Unit>& units, const Replay& replay, Instant now) {
  return ledger.write([&]() -> Result<void> {
    for (const Unit& seen : units) {
      auto found = unit_with_id(ledger, seen.id);
      if (!found) return found.error();
      if (!*found || !is_final((*found)->state))
        return Error(Fault::busy, fmt::format("{} was moved by another call just now", printable(seen.unit)),
                     "look again: `jobrun status`");
      Unit unit = std::move(**found);
      fresh_budget(unit);
      unit.replay = true;
      unit.scratch = !replay.promote;
      if (auto set = set_unit(ledger, unit, now); !set) return set;
      if (auto removed = remove_items(ledger, unit.id); !removed) return removed;
      if (!unit.scratch) continue;
      auto known = can_rewind(ledger, unit);
      if (!known) return known.error();
      if (!*known)
        return usage_error(
            fmt::format("replay: where the cursor of {} stood then was pruned", printable(unit.unit)),
            "with --promote it goes on from where the shared cursor stands now");
      if (auto rewound = rewind_scratch_cursor(ledger, unit, now); !rewound) return rewound;
    }
    return {};
  });
}

Result<std::optional<Manifest>> replayed_manifest(World& world, const RunRequest& request,
                                                  const std::string& jobs_folder) {
  if (request.again) return std::optional<Manifest>();
  auto run = find_run(world.ledger, request.job, request.run_date);
  if (!run) return run.error();
  if (!*run) return std::optional<Manifest>();
  auto replays = is_replayed(world.ledger, (*run)->id);
  if (!replays) return replays.error();
  if (!*replays) return std::optional<Manifest>();
  auto text = manifest_text(world.ledger, (*run)->manifest);
  if (!text) return text.error();
  if (auto trusted = check_trusted_folder(jobs_folder); !trusted)
    return trusted.error().during("jobs directory");
  auto stored = check_manifest(request.job, path_join(jobs_folder, request.job + ".json"), *text);
  if (!stored) return stored.error().during("the manifest that is stored with the run");
  auto today = load_manifest(jobs_folder, request.job);
  if (!today || today->hash != stored->hash)
    world.observer.note(fmt::format(
        "replays with the manifest that is stored with run {}{}, which has changed since", (*run)->run_id,
        stored->version.empty() ? "" : " (version " + printable(stored->version) + ")"));
  return std::optional<Manifest>(std::move(*stored));
}

}  // namespace jobrun
