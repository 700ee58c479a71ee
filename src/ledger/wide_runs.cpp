#include "ledger/wide_runs.hpp"

#include <algorithm>

#include "ledger/rows.hpp"
#include "ledger/run_rows.hpp"

namespace jobrun {

namespace {

// The words of the partial indexes, or SQLite passes over them.
#define FAILING \
  " INDEXED BY units_failing WHERE run = :run AND state IN ('retrying', 'stopped', 'exhausted', 'in_doubt')"
#define GOING_ON \
  " INDEXED BY units_unfinished WHERE state <> 'done' AND state = :state AND next_at IS NULL AND run = :run"

/// From the most urgent on, with the question that finds units in that state without reading the others.
struct Rank {
  UnitState state;
  int Run::Counts::*count;
  const char* units;
};
constexpr const char* failing_units =
    "SELECT " UNIT_COLUMNS " FROM units" FAILING " AND state = :state ORDER BY changed_at, id LIMIT :most";
constexpr const char* units_that_go_on =
    "SELECT " UNIT_COLUMNS " FROM units" GOING_ON " ORDER BY id LIMIT :most";
constexpr const char* finished_units =
    "SELECT " UNIT_COLUMNS " FROM units WHERE run = :run AND state = :state ORDER BY unit LIMIT :most";
constexpr Rank ranks[] = {{UnitState::in_doubt, &Run::Counts::in_doubt, failing_units},
                          {UnitState::exhausted, &Run::Counts::exhausted, failing_units},
                          {UnitState::stopped, &Run::Counts::stopped, failing_units},
                          {UnitState::retrying, &Run::Counts::retrying, failing_units},
                          {UnitState::running, &Run::Counts::running, units_that_go_on},
                          {UnitState::pending, &Run::Counts::pending, units_that_go_on},
                          {UnitState::done, &Run::Counts::done, finished_units}};

bool has_failures(const Run::Counts& counts) {
  return counts.retrying + counts.stopped + counts.exhausted + counts.in_doubt > 0;
}

Plight read_plight(const Statement& row) {
  Plight plight;
  plight.state = unit_state(row.text(0)).value_or(UnitState::pending);
  plight.reason = row.text(1);
  plight.message = row.text(2);
  plight.units = row.integer(3);
  return plight;
}

Result<std::vector<Plight>> failing_plights(Ledger& ledger, const Run& run, std::int64_t names) {
  // SQLite takes a bare column from the row that max() chose.
  auto query = ledger.database().prepare(
      "SELECT state, ifnull(reason, ''), ifnull(message, ''), count(*), max(changed_at)"
      " FROM units" FAILING " GROUP BY state, reason");
  if (!query) return query.error();
  query->bind(":run", run.id);
  auto plights = all_rows(query, read_plight);
  if (!plights) return plights;
  for (auto& plight : *plights) {
    auto named = ledger.database().prepare(
        "SELECT unit FROM units" FAILING
        " AND state = :state AND ifnull(reason, '') = :reason ORDER BY changed_at, id LIMIT :names");
    if (!named) return named.error();
    named->bind(":run", run.id).bind(":state", word_of(plight.state));
    named->bind(":reason", plight.reason).bind(":names", names);
    auto list = all_rows(named, only_text);
    if (!list) return list.error();
    plight.names = std::move(*list);
  }
  return plights;
}

}  // namespace

Result<std::vector<Unit>> most_urgent_units(Ledger& ledger, const Run& run, std::int64_t most) {
  std::vector<Unit> units;
  for (const Rank& rank : ranks) {
    const std::int64_t room = most - static_cast<std::int64_t>(units.size());
    if (room <= 0 || run.counts.*rank.count == 0) continue;
    auto query = ledger.database().prepare(rank.units);
    if (!query) return query.error();
    query->bind(":run", run.id).bind(":state", word_of(rank.state)).bind(":most", room);
    auto some = all_rows(query, read_unit);
    if (!some) return some;
    std::move(some->begin(), some->end(), std::back_inserter(units));
  }
  return units;
}

Result<std::vector<Unit>> units_behind(Ledger& ledger, std::int64_t run, std::string_view after,
                                       std::int64_t most) {
  auto query = ledger.database().prepare(
      "SELECT " UNIT_COLUMNS " FROM units WHERE run = :run AND unit > :after ORDER BY unit LIMIT :most");
  if (!query) return query.error();
  query->bind(":run", run).bind(":after", after).bind(":most", most);
  return all_rows(query, read_unit);
}

Result<std::vector<Plight>> plights_of(Ledger& ledger, const Run& run, std::int64_t names) {
  std::vector<Plight> plights;
  if (has_failures(run.counts)) {
    auto failing = failing_plights(ledger, run, names);
    if (!failing) return failing;
    plights = std::move(*failing);
  }
  for (const auto& [state, count] : {std::pair(UnitState::running, run.counts.running),
                                     std::pair(UnitState::pending, run.counts.pending)}) {
    if (count == 0) continue;
    Plight plight;
    plight.state = state;
    plight.units = count;
    auto named = ledger.database().prepare("SELECT unit FROM units" GOING_ON " ORDER BY id LIMIT :names");
    if (!named) return named.error();
    named->bind(":run", run.id).bind(":state", word_of(state)).bind(":names", names);
    auto list = all_rows(named, only_text);
    if (!list) return list.error();
    plight.names = std::move(*list);
    plights.push_back(std::move(plight));
  }
  std::stable_sort(plights.begin(), plights.end(),
                   [](const Plight& a, const Plight& b) { return a.units > b.units; });
  return plights;
}

}  // namespace jobrun
