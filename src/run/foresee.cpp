// --dry-run: what a call would do with each unit, and why. See run/request.hpp.
#include <algorithm>

#include "base/civil.hpp"
#include "base/format.hpp"
#include "base/text.hpp"
#include "ledger/effects.hpp"
#include "run/plan.hpp"
#include "run/request.hpp"

namespace jobrun {

namespace {

std::string forecast(World& world, const Manifest& manifest, const Unit& unit, UnitOutcome& outcome) {
  const Instant now = world.clock.wall();
  if (is_final(unit.state))
    return "nothing: it is " + std::string(word_of(unit.state)) +
           (unit.reason.empty() ? "" : " (" + unit.reason + ")");
  if (auto pause = pause_of(world.ledger, unit.job, unit.unit, now); pause && *pause) {
    outcome.exit = Exit::paused;
    return "skip: paused since " + (*pause)->since + " (" + (*pause)->reason + ")";
  }
  if (world.ledger.is_leased(unit.job, unit.unit)) {
    outcome.exit = Exit::busy;
    return "skip: another process runs it now";
  }
  if (unit.state == UnitState::retrying && unit.next_at && *unit.next_at > now)
    return "wait: not due before " + format_instant_short(*unit.next_at) + " (" + unit.reason + ")";
  if (const auto late = is_too_late(world.ledger, manifest, unit, now); late && *late)
    return "nothing: not called again within the window of " + format_duration(manifest.retry.window) + " (" +
           unit.reason + ")";
  const std::string number = fmt::format("attempt {} of {}", unit.counted + 1, manifest.retry.max_attempts);
  if (unit.state == UnitState::running)
    return fmt::format("run {}: attempt {} crashed", number, unit.attempts);
  return fmt::format("run {}{}", number, unit.reason.empty() ? "" : ", after " + unit.reason);
}

}  // namespace

Result<Answer> foresee(World& world, const RunRequest& request, const std::string& jobs_folder) {
  auto manifest = load_manifest(jobs_folder, request.job);
  if (!manifest) return manifest.error();
  if (auto secrets = resolve_secrets(*manifest, world.environment); !secrets) return secrets.error();
  Work work{*manifest, {}, {}, {}, {}, {}, {}, 1, {}};
  if (auto planned = plan(world, request, work); !planned) return planned.error();
  if (work.create) {
    for (const auto& listed : work.create->units) {
      if (!work.only.empty() && std::find(work.only.begin(), work.only.end(), listed.id) == work.only.end())
        continue;
      Unit unit;
      unit.job = request.job;
      unit.unit = listed.id;
      work.units.push_back(std::move(unit));
    }
  }
  Answer answer;
  if (!work.create) answer.run = work.run;
  int would_run = 0;
  for (const auto& unit : work.units) {
    UnitOutcome outcome = standing(unit);
    outcome.note = forecast(world, *manifest, unit, outcome);
    would_run += outcome.note.starts_with("run ") ? 1 : 0;
    answer.outcomes.push_back(std::move(outcome));
  }
  answer.headline =
      fmt::format("dry run: {} for {} would execute {} of {} units, {} at a time; nothing was changed",
                  request.job, request.run_date, would_run, answer.outcomes.size(),
                  request.parallel > 0 ? request.parallel : manifest->parallel);
  return answer;
}

}  // namespace jobrun
