#include "run/request.hpp"

#include <algorithm>

#include "base/civil.hpp"
#include "base/format.hpp"
#include "base/text.hpp"
#include "run/alerts.hpp"
#include "run/pings.hpp"
#include "run/plan.hpp"
#include "run/reopen.hpp"

namespace jobrun {

namespace {

constexpr int most_named = 1000;  // units that need a person, in one answer

/// `is_new`: the run would be made, under the id that is derived where none is given.
Result<void> check_run_id_free(World& world, const RunRequest& request, bool is_new) {
  if (request.run_id.empty() && !is_new) return {};
  const std::string wanted =
      request.run_id.empty() ? derived_run_id(request.job, request.run_date) : request.run_id;
  auto other = find_run_by_id(world.ledger, request.job, wanted);
  if (!other) return other.error();
  if (!*other || (*other)->run_date == request.run_date) return {};
  return Error(
      Fault::conflict,
      fmt::format("run id {} already names the run of {} for {}", wanted, request.job, (*other)->run_date),
      request.run_id.empty() ? "give this run a --run-id of its own"
                             : "use another --run-id, or leave it out");
}

Exit exit_of(const Run::Counts& counts) {
  std::vector<Exit> exits;
  if (counts.pending + counts.running + counts.retrying > 0) exits.push_back(Exit::retry);
  if (counts.in_doubt > 0) exits.push_back(Exit::in_doubt);
  if (counts.exhausted > 0) exits.push_back(Exit::exhausted);
  if (counts.stopped > 0) exits.push_back(Exit::stopped);
  if (counts.done > 0) exits.push_back(Exit::done);
  return combined_exit(exits);
}

std::string joined_note(const Run& run, const RunRequest& request) {
  if (request.run_id.empty() || request.run_id == run.run_id) return "";
  return fmt::format(" (asked for as {}, joins run {})", request.run_id, run.run_id);
}

}  // namespace

Exit exit_of(const std::vector<UnitOutcome>& outcomes) {
  std::vector<Exit> exits;
  exits.reserve(outcomes.size());
  for (const auto& outcome : outcomes) exits.push_back(outcome.exit);
  return combined_exit(exits);
}

Result<std::optional<Answer>> answer_from_ledger(World& world, const RunRequest& request) {
  auto found = find_run(world.ledger, request.job, request.run_date);
  if (!found) return found.error();
  if (auto free = check_run_id_free(world, request, !*found && !request.only_retry); !free)
    return free.error();
  if (!*found) {
    if (!request.only_retry) return std::optional<Answer>();
    Answer answer;
    answer.headline =
        fmt::format("{} for {} was never started: nothing to retry", request.job, request.run_date);
    return std::optional<Answer>(std::move(answer));
  }
  const Run& run = **found;
  if (auto same = check_same_input(run, request); !same) return same.error();
  if (request.again) {
    if (auto ended = check_ended(run); !ended) return ended.error();
    return std::optional<Answer>();
  }
  Answer answer;
  answer.run = run;
  if (run.is_final() && request.units.empty()) {
    answer.exit = exit_of(run.counts);
    answer.headline =
        run.state == UnitState::done
            ? fmt::format("{} for {} is done since {}, run {}{}", run.job, run.run_date, run.changed_at,
                          run.run_id, joined_note(run, request))
            : fmt::format("{} for {} needs a person since {}: {} of {} units {}, run {}{}", run.job,
                          run.run_date, run.changed_at, run.counts.total() - run.counts.done,
                          run.counts.total(), word_of(run.state), run.run_id, joined_note(run, request));
    if (run.state == UnitState::done) return std::optional<Answer>(std::move(answer));
    auto standing_units = units_that_stand(world.ledger, run.id, most_named);
    if (!standing_units) return standing_units.error();
    for (const Unit& unit : *standing_units) answer.outcomes.push_back(standing(unit));
    return std::optional<Answer>(std::move(answer));
  }
  const bool only_waits = run.counts.retrying > 0 && run.counts.pending + run.counts.running == 0;
  if (only_waits && !request.wait && request.units.empty()) {
    auto earliest = earliest_wait(world.ledger, run.id);
    if (!earliest) return earliest.error();
    if (*earliest > format_instant(world.clock.wall())) {
      answer.exit = Exit::retry;
      answer.headline = fmt::format("{} for {} is not due before {}, run {}{}", run.job, run.run_date,
                                    *earliest, run.run_id, joined_note(run, request));
      return std::optional<Answer>(std::move(answer));
    }
  }
  if (const std::string note = joined_note(run, request); !note.empty())
    world.observer.note(run.job + " for " + run.run_date + note);
  return std::optional<Answer>();
}

namespace {

std::string counted(const std::vector<UnitOutcome>& outcomes) {
  int counts[7] = {};
  int busy = 0, paused = 0;
  for (const auto& outcome : outcomes) {
    if (outcome.exit == Exit::busy)
      ++busy;
    else if (outcome.exit == Exit::paused)
      ++paused;
    else
      ++counts[static_cast<int>(outcome.unit.state)];
  }
  std::vector<std::string> parts;
  for (const UnitState state : {UnitState::done, UnitState::retrying, UnitState::pending, UnitState::running,
                                UnitState::stopped, UnitState::exhausted, UnitState::in_doubt})
    if (const int count = counts[static_cast<int>(state)]; count > 0)
      parts.push_back(fmt::format("{} {}", count, word_of(state)));
  if (busy > 0) parts.push_back(fmt::format("{} busy elsewhere", busy));
  if (paused > 0) parts.push_back(fmt::format("{} paused", paused));
  return join(parts, ", ");
}

/// Who holds a busy unit: the call that the ledger names, and only if that one is gone whoever it left
/// behind.
std::string holder_of(World& world, const Unit& unit) {
  auto last = last_attempt(world.ledger, unit.id);
  // Between a call's lock and its first write; searching all processes then would make simultaneous callers
  // slow each other.
  if (!last || !*last || (*last)->state != AttemptState::running) return "another call has just taken it";
  const std::string since = fmt::format(", attempt {} since {}", (*last)->number, (*last)->started_at);
  if (world.ledger.holds((*last)->pid, unit.job, unit.unit))
    return fmt::format("held by pid {}{}", (*last)->pid, since);
  std::vector<std::string> pids;
  for (const int pid : world.ledger.holders(unit.job, unit.unit)) pids.push_back(std::to_string(pid));
  return (pids.empty() ? "held by a process that can't be seen from here"
                       : "held by pid " + join(pids, ", ")) +
         since;
}

/// Says who holds the units that were busy; only the first few, for the message.
void name_holders(World& world, Answer& answer) {
  int named = 0;
  for (auto& outcome : answer.outcomes)
    if (outcome.exit == Exit::busy && outcome.note.empty() && ++named <= 3)
      outcome.note = holder_of(world, outcome.unit);
}

}  // namespace

Result<Answer> bring_on(World& world, const RunRequest& request, const std::string& jobs_folder) {
  auto stored = replayed_manifest(world, request, jobs_folder);
  if (!stored) return stored.error();
  auto manifest = *stored ? Result<Manifest>(std::move(**stored)) : load_manifest(jobs_folder, request.job);
  if (!manifest) return manifest.error();
  Work work{*manifest, {}, {}, {}, {}, {}, {}, 1, {}};
  auto secrets = resolve_secrets(*manifest, world.environment);
  if (!secrets) return secrets.error();
  work.secrets = std::move(*secrets);
  for (const auto& secret : work.secrets)
    for (auto& form : forms_of_secret(secret.value)) work.masked.push_back(std::move(form));
  work.parallel = request.parallel > 0 ? request.parallel : manifest->parallel;
  work.wait = request.wait;
  if (auto planned = plan(world, request, work); !planned) return planned.error();

  // What is final needs no loop: it is part of the answer as it stands.
  Answer answer;
  std::vector<UnitOutcome> final_ones;
  std::erase_if(work.units, [&](const Unit& unit) {
    if (!is_final(unit.state)) return false;
    final_ones.push_back(standing(unit));
    return true;
  });
  const std::string run_date = request.run_date;
  std::optional<Pings> pings;
  if (manifest->pings && tells_people(world))
    work.pings = &pings.emplace(world, *manifest->pings, manifest->folder, work.masked);
  Loop loop(world, std::move(work));
  auto finished = loop.run();
  if (!finished && finished.error().fault() == Fault::busy) {
    // Lost the race to make the run: it is there now, so the call joins it.
    RunRequest joining = request;
    joining.again = false;
    auto known = answer_from_ledger(world, joining);
    if (!known) return known.error();
    if (*known) return std::move(**known);
    return bring_on(world, joining, jobs_folder);
  }
  if (!finished) return finished.error().during(request.job + " for " + run_date);
  world.ledger.tidy();
  answer.run = finished->run;
  answer.outcomes = std::move(final_ones);
  for (auto& outcome : finished->outcomes) {
    answer.executed = answer.executed || outcome.executed;
    answer.news =
        answer.news || ((outcome.executed || outcome.found_out) && needs_person(outcome.unit.state));
    answer.outcomes.push_back(std::move(outcome));
  }
  name_holders(world, answer);
  answer.signal = finished->signal;
  answer.exit = finished->signal != 0 && exit_of(answer.outcomes) != Exit::done ? Exit::retry
                                                                                : exit_of(answer.outcomes);
  if (finished->breaker_open) answer.exit = Exit::retry;
  answer.headline = fmt::format("{} for {}: {}, run {}", request.job, run_date, counted(answer.outcomes),
                                answer.run->run_id);
  answer.brought_on = true;
  if (pings) pings->end(answer.exit, answer.headline);
  return answer;
}

}  // namespace jobrun
