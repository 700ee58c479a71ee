#include "run/vigil.hpp"

#include <algorithm>
#include <tuple>

#include "base/format.hpp"
#include "base/text.hpp"
#include "ledger/runs.hpp"
#include "run/catalog.hpp"
#include "run/matters.hpp"

namespace jobrun {

namespace {

Trouble::Kind kind_of(const Matter& matter) {
  if (matter.kind == "effect") return Trouble::Kind::in_doubt;
  if (matter.kind == "alert") return Trouble::Kind::untold;
  switch (unit_state(matter.state).value_or(UnitState::stopped)) {
    case UnitState::in_doubt:
      return Trouble::Kind::in_doubt;
    case UnitState::exhausted:
      return Trouble::Kind::exhausted;
    case UnitState::pending:
    case UnitState::running:
    case UnitState::retrying:
    case UnitState::done:
    case UnitState::stopped:
      break;
  }
  return Trouble::Kind::stopped;
}

std::string sentence_of(Trouble::Kind kind, const Matter& matter) {
  if (kind == Trouble::Kind::untold)
    return fmt::format("{} given up ({})",
                       matter.count == 1 ? "an alert was" : fmt::format("{} alerts were", matter.count),
                       matter.message);
  if (matter.kind == "effect")
    return matter.count == 1 ? fmt::format("effect {} in doubt", matter.message)
                             : fmt::format("{} effects in doubt", matter.count);
  const std::string state =
      fmt::format("{} ({})", kind == Trouble::Kind::in_doubt ? "in doubt" : word_of(kind), matter.reason);
  if (matter.count > 1) return fmt::format("{} units {}", matter.count, state);
  return matter.unit == "-" ? state : fmt::format("{} {}", matter.unit, state);
}

Result<void> add_standing(Ledger& ledger, const std::string& job, Instant now, Vigil& vigil) {
  auto matters = matters_of(ledger, job, now);
  if (!matters) return matters.error();
  for (const Matter& matter : *matters) {
    if (matter.kind == "pause") continue;
    const Trouble::Kind kind = kind_of(matter);
    auto latest = find_latest_run(ledger, matter.job);
    if (!latest) return latest.error();
    const bool passed = *latest && !matter.run_date.empty() && (*latest)->run_date != matter.run_date;
    const bool critical = kind != Trouble::Kind::untold && (!passed || matter.effects > 0);
    vigil.troubles.push_back(
        {kind, critical, matter.job, matter.run_date, sentence_of(kind, matter), matter.next_action});
  }
  return {};
}

}  // namespace

std::string_view word_of(Trouble::Kind kind) {
  switch (kind) {
    case Trouble::Kind::in_doubt:
      return "in_doubt";
    case Trouble::Kind::exhausted:
      return "exhausted";
    case Trouble::Kind::stopped:
      return "stopped";
    case Trouble::Kind::faulty:
      return "faulty";
    case Trouble::Kind::stale:
      return "stale";
    case Trouble::Kind::untold:
      return "untold";
  }
  return "";
}

Result<Vigil> watch(Ledger& ledger, const std::string& jobs_folder, const std::string& job,
                    std::optional<Span> max_age, Instant now) {
  Vigil vigil;
  const auto names = job.empty() ? job_names(jobs_folder) : std::vector<std::string>{job};
  if (names.empty())
    return Error(Fault::setup, "there are no jobs in " + jobs_folder, "name their directory with --jobs");
  for (const auto& name : names) {
    auto manifest = load_manifest(jobs_folder, name);
    if (!manifest) {
      if (!has_manifest(jobs_folder, name)) return manifest.error();
      const std::string& faults = manifest.error().what();
      vigil.troubles.push_back({Trouble::Kind::faulty, true, name, "",
                                "its manifest has a fault: " + faults.substr(0, faults.find('\n')),
                                "mend it; `jobrun jobs` tells all faults"});
      continue;
    }
    if (max_age) manifest->fresh_within = max_age;
    auto freshness = freshness_of(ledger, *manifest, now);
    if (!freshness) return freshness.error();
    if (freshness->state == Freshness::State::paused) ++vigil.paused;
    if (freshness->is_stale())
      vigil.troubles.push_back({Trouble::Kind::stale, false, name, "", phrase_of(*freshness, now),
                                "did its scheduler call? `jobrun doctor` tells who does"});
    if (!job.empty()) vigil.freshness = *freshness;
  }
  vigil.jobs = names.size();
  if (auto added = add_standing(ledger, job, now, vigil); !added) return added.error();
  std::stable_sort(vigil.troubles.begin(), vigil.troubles.end(), [](const Trouble& a, const Trouble& b) {
    return std::tuple(!a.critical, a.kind) < std::tuple(!b.critical, b.kind);
  });
  return vigil;
}

}  // namespace jobrun
