#include "ledger/survey.hpp"

#include <algorithm>

#include "base/civil.hpp"
#include "ledger/rows.hpp"

namespace jobrun {

Result<std::vector<SeenRun>> latest_runs(Ledger& ledger, std::string_view job, std::string_view from,
                                         std::int64_t most) {
  auto query = ledger.database().prepare(
      "SELECT id, job, run_date, generation, run_id, manifest, created_at, changed_at, state,"
      "       pending, running, retrying, done, stopped, exhausted, in_doubt,"
      "       run_date >= :from AND EXISTS (SELECT 1 FROM units u WHERE u.run = r.id AND u.attempts > 1)"
      " FROM runs r WHERE job = :job AND generation ="
      "   (SELECT max(g.generation) FROM runs g WHERE g.job = r.job AND g.run_date = r.run_date)"
      " ORDER BY run_date DESC LIMIT :most");
  if (!query) return query.error();
  query->bind(":job", job).bind(":from", from).bind(":most", most);
  return all_rows(query, [](const Statement& row) {
    SeenRun seen;
    Run& run = seen.run;
    run.id = row.integer(0);
    run.job = row.text(1);
    run.run_date = row.text(2);
    run.generation = static_cast<int>(row.integer(3));
    run.run_id = row.text(4);
    run.manifest = row.integer(5);
    run.created_at = row.text(6);
    run.changed_at = row.text(7);
    run.state = unit_state(row.text(8)).value_or(UnitState::pending);
    int column = 9;
    for (int* count : {&run.counts.pending, &run.counts.running, &run.counts.retrying, &run.counts.done,
                       &run.counts.stopped, &run.counts.exhausted, &run.counts.in_doubt})
      *count = static_cast<int>(row.integer(column++));
    seen.retried = row.integer(column) != 0;
    return seen;
  });
}

Result<RunWork> work_of(Ledger& ledger, std::int64_t run, Instant now) {
  auto query = ledger.database().prepare(
      "SELECT a.started_at, a.finished_at FROM units u JOIN attempts a ON a.unit = u.id"
      " WHERE u.run = :run");
  if (!query) return query.error();
  query->bind(":run", run);
  RunWork work;
  std::vector<std::pair<std::string, std::string>> spans;
  while (true) {
    auto more = query->step();
    if (!more) return more.error();
    if (!*more) break;
    spans.emplace_back(query->text(0), query->is_null(1) ? format_instant(now) : query->text(1));
  }
  work.attempts = static_cast<std::int64_t>(spans.size());
  // Stamps sort as text: those that overlap become one, and only what is left is read as time.
  std::sort(spans.begin(), spans.end());
  for (std::size_t i = 0; i < spans.size();) {
    std::string end = spans[i].second;
    std::size_t next = i + 1;
    for (; next < spans.size() && spans[next].first <= end; ++next) end = std::max(end, spans[next].second);
    const auto from = parse_instant(spans[i].first), to = parse_instant(end);
    if (from && to && *to > *from) work.busy += *to - *from;
    i = next;
  }
  return work;
}

Result<std::vector<RunAttempt>> attempts_in(Ledger& ledger, std::int64_t run, Wanted wanted,
                                            std::int64_t most) {
  auto query = ledger.database().prepare(
      "SELECT u.unit, a.id, a.number, a.state, a.started_at, ifnull(a.finished_at, ''), ifnull(a.reason, ''),"
      "       ifnull(a.message, ''), a.exit_code, a.signal, a.wall_ms, ifnull(a.next_at, ''),"
      "       c.run_id, c.caller, c.caller_id,"
      "       ifnull(a.output_head, ''), ifnull(a.output_tail, ''), a.output_bytes, a.output_cut"
      " FROM units u JOIN attempts a ON a.unit = u.id JOIN calls c ON c.id = a.call"
      " WHERE a.id IN (SELECT n.id FROM units m JOIN attempts n ON n.unit = m.id WHERE m.run = :run"
      "                ORDER BY :telling AND m.state <> 'done' DESC, :telling AND m.attempts > 1 DESC, n.id "
      "DESC"
      "                LIMIT :most)"
      " ORDER BY a.id DESC");
  if (!query) return query.error();
  query->bind(":run", run).bind(":telling", wanted == Wanted::telling ? 1 : 0).bind(":most", most);
  return all_rows(query, [](const Statement& row) {
    RunAttempt one;
    one.unit = row.text(0);
    Attempt& attempt = one.attempt;
    attempt.id = row.integer(1);
    attempt.number = static_cast<int>(row.integer(2));
    attempt.state = attempt_state(row.text(3)).value_or(AttemptState::running);
    attempt.started_at = row.text(4);
    attempt.finished_at = row.text(5);
    attempt.reason = row.text(6);
    attempt.message = row.text(7);
    attempt.exit_code = row.optional_integer(8);
    attempt.signal = row.optional_integer(9);
    attempt.wall_ms = row.optional_integer(10);
    attempt.next_at = row.text(11);
    attempt.run_id = row.text(12);
    attempt.caller = row.text(13);
    attempt.caller_id = row.text(14);
    attempt.output_head = row.text(15);
    attempt.output_tail = row.text(16);
    attempt.output_bytes = row.integer(17);
    attempt.output_cut = row.integer(18);
    return one;
  });
}

Result<std::vector<Plight>> plights_of(Ledger& ledger, std::int64_t run, std::int64_t names) {
  // SQLite takes a bare column from the row that max() chose.
  auto query = ledger.database().prepare(
      "SELECT state, ifnull(reason, ''), ifnull(message, ''), count(*), max(changed_at) FROM units"
      " WHERE run = :run AND state <> 'done' GROUP BY state, reason ORDER BY count(*) DESC, state, reason");
  if (!query) return query.error();
  query->bind(":run", run);
  auto plights = all_rows(query, [](const Statement& row) {
    Plight plight;
    plight.state = unit_state(row.text(0)).value_or(UnitState::pending);
    plight.reason = row.text(1);
    plight.message = row.text(2);
    plight.units = row.integer(3);
    return plight;
  });
  if (!plights) return plights;
  for (auto& plight : *plights) {
    auto named = ledger.database().prepare(
        "SELECT unit FROM units WHERE run = :run AND state = :state AND ifnull(reason, '') = :reason"
        " ORDER BY id LIMIT :names");
    if (!named) return named.error();
    named->bind(":run", run)
        .bind(":state", word_of(plight.state))
        .bind(":reason", plight.reason)
        .bind(":names", names);
    auto list = all_rows(named, only_text);
    if (!list) return list.error();
    plight.names = std::move(*list);
  }
  return plights;
}

Result<Extent> extent_of(Ledger& ledger) {
  Database& database = ledger.database();
  Extent extent;
  const auto count = [&](const char* sql, std::int64_t& into) -> Result<void> {
    auto number = database.integer(sql);
    if (!number) return number.error();
    into = *number;
    return {};
  };
  if (auto ok = count("SELECT count(*) FROM runs", extent.runs); !ok) return ok.error();
  if (auto ok = count("SELECT count(*) FROM attempts", extent.attempts); !ok) return ok.error();
  if (auto ok = count("SELECT count(*) FROM effects", extent.effects); !ok) return ok.error();
  if (auto ok = count("SELECT count(*) FROM effects WHERE state <> 'confirmed'", extent.open_effects); !ok)
    return ok.error();
  return extent;
}

}  // namespace jobrun
