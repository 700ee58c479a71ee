#include "ledger/past_runs.hpp"

#include <algorithm>

#include "base/civil.hpp"
#include "ledger/history.hpp"
#include "ledger/rows.hpp"
#include "ledger/run_rows.hpp"

namespace jobrun {

namespace {

// What both ways of looking ask of a run. A state is that of the run, or one that a unit of it is in.
#define RUN_MATCHES                                                                                         \
  " AND (:state = '' OR state = :state OR (:state = 'pending' AND pending > 0)"                             \
  "      OR (:state = 'running' AND running > 0) OR (:state = 'retrying' AND retrying > 0)"                 \
  "      OR (:state = 'stopped' AND stopped > 0) OR (:state = 'exhausted' AND exhausted > 0)"               \
  "      OR (:state = 'in_doubt' AND in_doubt > 0))"                                                        \
  " AND (:unit = '' OR EXISTS (SELECT 1 FROM units u WHERE u.run = runs.id AND u.unit = :unit))"            \
  " AND (:reason = '' OR EXISTS (SELECT 1 FROM units u JOIN attempts a ON a.unit = u.id"                    \
  "                               WHERE u.run = runs.id AND (:unit = '' OR u.unit = :unit) AND a.reason = " \
  ":reason))"

void bind_filter(Result<Statement>& query, const RunFilter& filter) {
  query->bind(":job", filter.job).bind(":state", filter.state).bind(":unit", filter.unit);
  query->bind(":reason", filter.reason).bind(":most", filter.most + 1);
}

/// By run date: the calendar of one job.
Result<std::vector<Run>> runs_of_job(Ledger& ledger, const RunFilter& filter) {
  auto query = ledger.database().prepare("SELECT " LISTED_RUN_COLUMNS
                                         " FROM runs WHERE job = :job AND run_date >= :from AND run_date <= "
                                         "CASE :to WHEN '' THEN '~' ELSE :to || '~' END" RUN_MATCHES
                                         " ORDER BY run_date DESC, generation DESC LIMIT :most");
  if (!query) return query.error();
  bind_filter(query, filter);
  query->bind(":from", filter.from).bind(":to", filter.to);
  return all_rows(query, read_run);
}

/// By when they were made, from the run with the id `first` on.
Result<std::vector<Run>> runs_made_since(Ledger& ledger, const RunFilter& filter, std::int64_t first) {
  auto query = ledger.database().prepare(
      "SELECT " LISTED_RUN_COLUMNS
      " FROM runs WHERE id >= :first AND (:job = '' OR +job = :job) AND run_date >= :from"
      " AND run_date <= CASE :to WHEN '' THEN '~' ELSE :to || '~' END" RUN_MATCHES
      " ORDER BY id DESC LIMIT :most");
  if (!query) return query.error();
  bind_filter(query, filter);
  query->bind(":first", first).bind(":from", filter.from).bind(":to", filter.to);
  return all_rows(query, read_run);
}

/// Ids grow with time, so the first run of the last week is found in twenty looks and needs no index that
/// every run would pay for.
Result<std::int64_t> first_run_since(Ledger& ledger, Instant since) {
  auto newest = ledger.database().integer("SELECT ifnull(max(id), 0) FROM runs");
  if (!newest) return newest.error();
  const std::string stamp = format_instant(since);
  std::int64_t low = 1, high = *newest + 1;
  while (low < high) {
    const std::int64_t middle = low + (high - low) / 2;
    auto query = ledger.database().prepare(
        "SELECT id, created_at >= :since FROM runs WHERE id >= :middle ORDER BY id LIMIT 1");
    if (!query) return query.error();
    query->bind(":since", stamp).bind(":middle", middle);
    auto found = query->step();
    if (!found) return found.error();
    if (!*found || query->integer(1) != 0)
      high = middle;
    else
      low = query->integer(0) + 1;
  }
  return low;
}

Result<std::vector<Run>> find_past(Ledger& ledger, const RunFilter& filter, bool& bounded) {
  if (filter.since) {
    auto first = first_run_since(ledger, *filter.since);
    if (!first) return first.error();
    return runs_made_since(ledger, filter, *first);
  }
  if (!filter.job.empty()) return runs_of_job(ledger, filter);
  if (filter.from.empty() && filter.to.empty()) {
    auto newest = ledger.database().integer("SELECT ifnull(max(id), 0) FROM runs");
    if (!newest) return newest.error();
    const std::int64_t first = *newest - most_looked_through + 1;
    bounded = first > 1 && (!filter.state.empty() || !filter.unit.empty() || !filter.reason.empty());
    return runs_made_since(ledger, filter, first);
  }
  auto jobs = jobs_that_ran(ledger);
  if (!jobs) return jobs.error();
  std::vector<Run> all;
  for (auto& job : *jobs) {
    RunFilter of_job = filter;
    of_job.job = std::move(job);
    auto runs = runs_of_job(ledger, of_job);
    if (!runs) return runs.error();
    std::move(runs->begin(), runs->end(), std::back_inserter(all));
  }
  std::sort(all.begin(), all.end(), [](const Run& a, const Run& b) { return a.id > b.id; });
  return all;
}

Result<PastRun> told(Ledger& ledger, Run run, const std::string& wanted) {
  PastRun past;
  past.run = std::move(run);
  if (!wanted.empty() || past.run.counts.total() == 1) {
    auto unit = unit_of_run(ledger, past.run.id, wanted);
    if (!unit) return unit.error();
    past.unit = std::move(*unit);
  }
  if (past.unit && past.unit->state != UnitState::done && !past.unit->reason.empty()) {
    past.reason = past.unit->reason;
    past.failed_unit = past.unit->unit;
    past.message = past.unit->message;
  } else if (!past.unit && past.run.state != UnitState::done) {
    auto error = latest_error(ledger, past.run);
    if (!error) return error.error();
    if (*error) {
      past.reason = (*error)->reason;
      past.failed_unit = (*error)->unit;
      past.message = (*error)->message;
    }
  }
  return past;
}

}  // namespace

Result<PastRuns> past_runs(Ledger& ledger, const RunFilter& filter) {
  PastRuns past;
  auto runs = find_past(ledger, filter, past.bounded);
  if (!runs) return runs.error();
  const auto most = static_cast<std::size_t>(filter.most);
  past.more = runs->size() > most;
  past.bounded = past.bounded && !past.more;
  if (past.more) runs->resize(most);
  for (auto& run : *runs) {
    auto one = told(ledger, std::move(run), filter.unit);
    if (!one) return one.error();
    past.runs.push_back(std::move(*one));
  }
  return past;
}

Result<std::vector<RunAttempt>> telling_attempts(Ledger& ledger, const Run& run, std::string_view unit,
                                                 int most) {
  auto query = ledger.database().prepare(
      "SELECT id, unit FROM units WHERE run = :run AND CASE :unit WHEN '' THEN :alone OR attempts > 1 OR"
      " (attempts > 0 AND state <> 'done') ELSE unit = :unit END LIMIT :most");
  if (!query) return query.error();
  query->bind(":run", run.id).bind(":unit", unit).bind(":most", most);
  query->bind(":alone", run.counts.total() == 1 ? 1 : 0);
  auto units =
      all_rows(query, [](const Statement& row) { return std::make_pair(row.integer(0), row.text(1)); });
  if (!units) return units.error();
  std::vector<RunAttempt> telling;
  for (const auto& [id, name] : *units) {
    auto attempts = attempts_of(ledger, id);
    if (!attempts) return attempts.error();
    for (auto& attempt : *attempts) {
      attempt.output_head.clear();
      attempt.output_tail.clear();
      telling.push_back({name, std::move(attempt)});
    }
  }
  std::sort(telling.begin(), telling.end(),
            [](const RunAttempt& a, const RunAttempt& b) { return a.attempt.id < b.attempt.id; });
  return telling;
}

}  // namespace jobrun
