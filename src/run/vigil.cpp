#include "run/vigil.hpp"

#include <algorithm>
#include <map>
#include <tuple>

#include "base/file.hpp"
#include "base/format.hpp"
#include "base/text.hpp"
#include "ledger/history.hpp"
#include "ledger/runs.hpp"
#include "run/catalog.hpp"

namespace jobrun {

namespace {

/// What stands in one run for one kind of trouble.
struct Matter {
  std::size_t units = 0, effects = 0, letters = 0;
  std::string unit, effect, reason, next;
};
using Matters = std::map<std::tuple<std::string, std::string, Trouble::Kind>, Matter>;

Trouble::Kind kind_of(const Attention& row) {
  if (row.kind == "effect") return Trouble::Kind::in_doubt;
  if (row.kind == "alert") return Trouble::Kind::untold;
  switch (unit_state(row.state).value_or(UnitState::stopped)) {
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

Matters matters_of(const std::vector<Attention>& rows) {
  Matters matters;
  for (const Attention& row : rows) {
    if (row.kind == "pause") continue;
    Matter& matter = matters[{row.job, row.run_date, kind_of(row)}];
    if (row.kind == "effect") {
      ++matter.effects;
      matter.effect = row.message;
      matter.next = row.next_action;  // the effect's: settling it comes first
      continue;
    }
    if (row.kind == "alert") {
      ++matter.letters;
      matter.reason = row.message;
      matter.next = row.next_action;
      continue;
    }
    ++matter.units;
    matter.unit = row.unit;
    matter.reason = row.reason;
    if (matter.effects == 0) matter.next = row.next_action;
  }
  return matters;
}

std::string sentence_of(Trouble::Kind kind, const Matter& matter) {
  if (matter.letters > 0)
    return fmt::format("{} given up ({})",
                       matter.letters == 1 ? "an alert was" : fmt::format("{} alerts were", matter.letters),
                       matter.reason);
  if (matter.units == 0)
    return matter.effects == 1 ? fmt::format("effect {} in doubt", matter.effect)
                               : fmt::format("{} effects in doubt", matter.effects);
  const std::string state = fmt::format("{} ({})", word_of(kind), matter.reason);
  if (matter.units > 1) return fmt::format("{} units {}", matter.units, state);
  return matter.unit == "-" ? state : fmt::format("{} {}", matter.unit, state);
}

Result<void> add_standing(Ledger& ledger, const std::string& job, Instant now, Vigil& vigil) {
  auto rows = attention(ledger, job, now);
  if (!rows) return rows.error();
  for (const auto& [place, matter] : matters_of(*rows)) {
    const auto& [whose, run_date, kind] = place;
    auto latest = find_latest_run(ledger, whose);
    if (!latest) return latest.error();
    const bool passed = *latest && !run_date.empty() && (*latest)->run_date != run_date;
    const bool critical = kind != Trouble::Kind::untold && (!passed || matter.effects > 0);
    vigil.troubles.push_back({kind, critical, whose, run_date, sentence_of(kind, matter),
                              matter.units + matter.effects > 1 && matter.effects != 1
                                  ? fmt::format("`jobrun status {}`", whose)
                                  : matter.next});
  }
  return {};
}

}  // namespace

std::string_view word_of(Trouble::Kind kind) {
  switch (kind) {
    case Trouble::Kind::in_doubt:
      return "in doubt";
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
      if (!exists(path_join(jobs_folder, name + ".json"))) return manifest.error();
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
