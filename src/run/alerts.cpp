#include "run/alerts.hpp"

#include <algorithm>

#include "base/civil.hpp"
#include "base/text.hpp"
#include "ledger/alerts.hpp"
#include "run/catalog.hpp"
#include "run/freshness.hpp"
#include "run/next_step.hpp"

namespace jobrun {

namespace {

std::optional<AlertEvent> failure_in(UnitState state) {
  switch (state) {
    case UnitState::stopped:
      return AlertEvent::stopped;
    case UnitState::exhausted:
      return AlertEvent::exhausted;
    case UnitState::in_doubt:
      return AlertEvent::in_doubt;
    case UnitState::pending:
    case UnitState::running:
    case UnitState::retrying:
    case UnitState::done:
      return {};
  }
  return {};
}

bool is_open(const std::optional<LastAlert>& last) {
  return last && last->event != AlertEvent::recovered;
}

/// Its letters would go nowhere where no target asks for it, but the next transition has to know.
Result<void> note(Ledger& ledger, const std::vector<AlertTarget>& targets, std::string_view job,
                  std::int64_t run, const AlertFact& fact) {
  return add_alert(ledger, job, run, fact, !wants(targets, fact.event));
}

Result<void> note_freshness(World& world, const Manifest& manifest, Instant now) {
  auto last = last_alert(world.ledger, manifest.job, "");
  if (!last) return last.error();
  auto freshness = freshness_of(world.ledger, manifest, now);
  if (!freshness) return freshness.error();
  const bool open = is_open(*last);
  const bool fresh = freshness->state == Freshness::State::fresh;
  if (freshness->is_stale() == open || (open && !fresh)) return {};
  AlertFact fact;
  fact.event = open ? AlertEvent::recovered : AlertEvent::stale;
  fact.reason = open ? "fresh" : "stale";
  fact.message = phrase_of(*freshness, now);
  if (!open)
    fact.next_action =
        "see why with `jobrun status " + manifest.job + "`, and whether its scheduler calls it";
  fact.at = format_instant(now);
  fact.since = open ? (*last)->since : format_instant(freshness->due.value_or(now));
  return note(world.ledger, targets_of(world, manifest), manifest.job, 0, fact);
}

}  // namespace

const std::vector<AlertTarget>& targets_of(const World& world, const Manifest& manifest) {
  return manifest.alerts ? *manifest.alerts : world.alerts_by_default;
}

bool tells_people(const World& world) {
  return value_of(world.environment, "JOBRUN_PREFLIGHT") != "1";
}

Result<void> note_transition(World& world, const Manifest& manifest, const Unit& unit, Instant now) {
  const auto& targets = targets_of(world, manifest);
  const auto failure = failure_in(unit.state);
  const bool done = unit.state == UnitState::done;
  if (targets.empty() || (!failure && !done) || (failure && !wants(targets, *failure)) ||
      !tells_people(world))
    return {};
  auto last = last_alert(world.ledger, unit.job, unit.unit);
  if (!last) return last.error();
  AlertFact fact;
  fact.unit = unit.unit;
  fact.attempt = unit.attempts;
  fact.reason = unit.reason;
  fact.message = unit.message;
  fact.at = format_instant(now);
  fact.since = is_open(*last) ? (*last)->since : fact.at;
  if (failure) {
    fact.event = *failure;
    fact.next_action = unit.next_action;
    return note(world.ledger, targets, unit.job, unit.run, fact);
  }
  if (is_open(*last)) {
    fact.event = AlertEvent::recovered;
    if (auto noted = note(world.ledger, targets, unit.job, unit.run, fact); !noted) return noted;
  }
  return wants(targets, AlertEvent::stale) ? note_freshness(world, manifest, now) : Result<void>();
}

Result<void> note_stale_jobs(World& world, const std::string& jobs_folder) {
  if (!tells_people(world)) return {};
  const Instant now = world.clock.wall();
  for (const auto& job : job_names(jobs_folder)) {
    auto manifest = load_manifest(jobs_folder, job);
    if (!manifest || !freshness_limit(*manifest)) continue;  // `jobrun jobs` tells of broken ones
    if (!wants(targets_of(world, *manifest), AlertEvent::stale)) continue;
    auto last = last_alert(world.ledger, job, "");
    if (!last) return last.error();
    auto freshness = freshness_of(world.ledger, *manifest, now);
    if (!freshness) return freshness.error();
    if (freshness->is_stale() == is_open(*last)) continue;  // looked at once more under the lock
    auto noted = world.ledger.write([&] { return note_freshness(world, *manifest, now); });
    if (!noted) return noted;
  }
  return {};
}

namespace {

/// A unit of it is executed now, so that more may come: whoever does that will tell.
Result<bool> is_worked_on(World& world, const Run& run) {
  if (run.counts.running == 0) return false;
  auto units = units_of(world.ledger, run.id);
  if (!units) return units.error();
  return std::any_of(units->begin(), units->end(), [&](const Unit& unit) {
    return unit.state == UnitState::running && world.ledger.is_leased(unit.job, unit.unit);
  });
}

/// Today's manifest, else the one that is stored with the run.
Result<Manifest> manifest_for(World& world, const std::string& jobs_folder, const OpenAlerts& of,
                              const std::optional<Run>& run) {
  auto today = load_manifest(jobs_folder, of.job);
  if (today || !run) return today;
  auto text = manifest_text(world.ledger, run->manifest);
  if (!text) return text.error();
  return check_manifest(of.job, jobs_folder + "/" + of.job + ".json", *text);
}

std::string command_to_type(const AlertMessage& message, const std::optional<Run>& run) {
  switch (message.gravest().event) {
    case AlertEvent::in_doubt:
      return "jobrun effects";
    case AlertEvent::stale:
      return "jobrun status " + message.job;
    case AlertEvent::recovered:
      return "";
    case AlertEvent::stopped:
    case AlertEvent::exhausted:
      break;
  }
  if (!run) return "";
  return retry_command(run->job, run->run_date, message.facts.size() == 1 ? message.facts.front().unit : "-");
}

/// What one target is told of one run, if anything; `well`: that it recovered, else that it did not.
Result<void> write_letter(World& world, AlertMessage message, const AlertTarget& target, std::size_t index,
                          const std::optional<Run>& run, const std::vector<AlertFact>& facts, bool well) {
  for (const AlertFact& fact : facts)
    if ((fact.event == AlertEvent::recovered) == well && target.wants(fact.event))
      message.facts.push_back(fact);
  if (message.facts.empty()) return {};
  const std::string kept = target.json().dump();
  const AlertFact& first = message.facts.front();
  const std::string seed = join({message.job, run ? run->created_at : "", run ? run->run_date : "",
                                 first.unit, std::string(word_of(first.event)), first.at,
                                 std::to_string(first.attempt), message.host, std::to_string(index), kept},
                                std::string_view("\0", 1));
  message.id = idempotency_token("alert", seed);
  message.command = command_to_type(message, run);
  return add_letter(world.ledger, message.job, kept, message.json(), world.clock.wall());
}

Result<void> compose(World& world, const OpenAlerts& of, const std::optional<Run>& run,
                     const Result<Manifest>& manifest) {
  AlertMessage message;
  message.at = format_instant(world.clock.wall());
  message.job = of.job;
  message.host = world.call.host;
  if (run) {
    message.run_id = run->run_id;
    message.run_date = run->run_date;
  }
  if (manifest) {
    message.owner = manifest->owner;
    message.runbook = manifest->runbook;
  }
  auto facts = open_facts(world.ledger, of);
  if (!facts) return facts.error();
  const auto& targets = manifest ? targets_of(world, *manifest) : world.alerts_by_default;
  for (std::size_t i = 0; i < targets.size(); ++i)
    for (const bool well : {false, true})
      if (auto kept = write_letter(world, message, targets[i], i, run, *facts, well); !kept) return kept;
  return compose_alerts(world.ledger, of);
}

}  // namespace

Result<void> compose_letters(World& world, const std::string& jobs_folder) {
  auto open = open_alerts(world.ledger);
  if (!open) return open.error();
  for (const OpenAlerts& of : *open) {
    auto run =
        of.run == 0 ? Result<std::optional<Run>>(std::optional<Run>()) : run_with_id(world.ledger, of.run);
    if (!run) return run.error();
    if (*run) {
      auto busy = is_worked_on(world, **run);
      if (!busy) return busy.error();
      if (*busy) continue;
    }
    const auto manifest = manifest_for(world, jobs_folder, of, *run);
    if (auto done = world.ledger.write([&] { return compose(world, of, *run, manifest); }); !done)
      return done;
  }
  return {};
}

}  // namespace jobrun
