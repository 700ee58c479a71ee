#include "run/plan.hpp"

#include <algorithm>
#include <set>

#include "base/civil.hpp"
#include "base/format.hpp"
#include "base/text.hpp"

namespace jobrun {

namespace {

Error unknown_unit(const std::string& unit, const std::vector<std::string>& known) {
  const auto near = nearest(unit, known);
  return usage_error(
      "unknown unit " + printable(unit),
      near ? "did you mean " + printable(*near) + "?" : fmt::format("the run has {} units", known.size()));
}

Result<void> check_selection(const RunRequest& request, const std::vector<std::string>& known) {
  const std::set<std::string_view> all(known.begin(), known.end());
  for (const auto& unit : request.units)
    if (!all.contains(unit)) return unknown_unit(unit, known);
  return {};
}

/// Units of the job's last run that the list has no more: reported, never deleted.
Result<void> report_vanished(World& world, const RunRequest& request,
                             const std::vector<std::string>& listed) {
  auto before = units_of_latest_run(world.ledger, request.job);
  if (!before) return before.error();
  const std::set<std::string_view> now(listed.begin(), listed.end());
  std::vector<std::string> gone;
  for (const auto& unit : *before)
    if (!now.contains(unit)) gone.push_back(printable(unit));
  if (gone.empty()) return {};
  auto last = find_latest_run(world.ledger, request.job);
  if (!last) return last.error();
  const std::size_t count = gone.size();
  if (count > 5) gone.resize(5);
  world.observer.note(fmt::format("{} of run {} {} not in the list any more: {}{}",
                                  count == 1 ? "1 unit" : fmt::format("{} units", count), (*last)->run_id,
                                  count == 1 ? "is" : "are", join(gone, ", "), count > 5 ? ", ..." : ""));
  return {};
}

Result<NewRun> new_run(World& world, const RunRequest& request, const Manifest& manifest, int generation) {
  auto zone = Zone::named(manifest.timezone);
  if (!zone) return zone.error();
  if (const auto date = parse_date(request.run_date); date && !zone->has(*date))
    return usage_error(fmt::format("--run-date: {} does not exist in {}", request.run_date, zone->name()),
                       "name the day before or after");
  NewRun run;
  run.job = request.job;
  run.run_date = request.run_date;
  run.generation = generation;
  run.run_id = request.run_id.empty() ? derived_run_id(request.job, request.run_date) : request.run_id;
  run.manifest_text = manifest.text;
  run.manifest_hash = manifest.hash;
  run.scheduled_at = request.scheduled_at;
  run.scratch = request.scratch;
  if (generation > 1) run.again_reason = request.reason;
  if (request.payload) {
    run.payload = request.payload->text;
    run.payload_hash = request.payload->hash;
  } else if (!manifest.payload.is_null()) {
    auto payload = make_payload(manifest.payload);
    if (!payload) return payload.error();
    run.payload = payload->text;
    run.payload_hash = payload->hash;
  }
  auto listed = list_units(manifest, world.environment);
  if (!listed) return listed.error();
  std::vector<std::string> names;
  for (auto& unit : *listed) {
    names.push_back(unit.id);
    run.units.push_back({unit.id, unit.config.is_null() ? "" : unit.config.canonical()});
  }
  if (auto known = check_selection(request, names); !known) return known.error();
  if (auto told = report_vanished(world, request, names); !told) return told.error();
  return run;
}

}  // namespace

Result<void> check_same_input(const Run& run, const RunRequest& request) {
  if (!request.payload || request.again || request.payload->hash == run.payload_hash) return {};
  return Error(
      Fault::conflict,
      fmt::format("{} for {} was asked for with another payload at {} (run {}); nothing was executed",
                  run.job, run.run_date, run.created_at, run.run_id),
      "call with the same payload, or start anew: --again --reason TEXT");
}

Result<void> check_ended(const Run& run) {
  if (run.is_final()) return {};
  return usage_error(
      fmt::format("--again: {} for {} has not ended ({})", run.job, run.run_date, word_of(run.state)),
      "call it without --again to bring it on");
}

Result<void> plan(World& world, const RunRequest& request, Work& work) {
  auto found = find_run(world.ledger, request.job, request.run_date);
  if (!found) return found.error();
  // Also here: another --again may have made the next one since the ledger was asked.
  if (*found && request.again) {
    if (auto ended = check_ended(**found); !ended) return ended;
  }
  if (!*found || request.again) {
    auto made = new_run(world, request, work.manifest, *found ? (*found)->generation + 1 : 1);
    if (!made) return made.error();
    work.create = std::move(*made);
    work.only = request.units;
    work.run.job = request.job;
    return {};
  }
  // Also here: it may have been made since the ledger was asked.
  if (auto same = check_same_input(**found, request); !same) return same;
  work.run = **found;
  auto units = units_of(world.ledger, work.run.id);
  if (!units) return units.error();
  std::vector<std::string> names;
  for (const auto& unit : *units) names.push_back(unit.unit);
  if (auto known = check_selection(request, names); !known) return known.error();
  const std::set<std::string_view> chosen(request.units.begin(), request.units.end());
  for (auto& unit : *units)
    if (chosen.empty() || chosen.contains(unit.unit)) work.units.push_back(std::move(unit));
  return {};
}

}  // namespace jobrun
