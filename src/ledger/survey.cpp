#include "ledger/survey.hpp"

#include <algorithm>

#include "base/civil.hpp"
#include "ledger/rows.hpp"
#include "ledger/run_rows.hpp"

namespace jobrun {

Result<std::vector<SeenRun>> latest_runs(Ledger& ledger, std::string_view job, std::string_view from,
                                         std::int64_t most) {
  auto query = ledger.database().prepare(
      "SELECT " LISTED_RUN_COLUMNS
      ", run_date >= :from AND EXISTS (SELECT 1 FROM units u WHERE u.run = r.id AND u.attempts > 1)"
      " FROM runs r WHERE job = :job AND generation ="
      "   (SELECT max(g.generation) FROM runs g WHERE g.job = r.job AND g.run_date = r.run_date)"
      " ORDER BY run_date DESC LIMIT :most");
  if (!query) return query.error();
  query->bind(":job", job).bind(":from", from).bind(":most", most);
  return all_rows(query, [](const Statement& row) {
    return SeenRun{read_run(row), row.integer(after_run_columns) != 0};
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
      "SELECT " ATTEMPT_COLUMNS
      ", u.unit"
      " FROM units u JOIN attempts a ON a.unit = u.id JOIN calls c ON c.id = a.call"
      " WHERE a.id IN (SELECT n.id FROM units m JOIN attempts n ON n.unit = m.id WHERE m.run = :run"
      "                ORDER BY :telling AND m.state <> 'done' DESC, :telling AND m.attempts > 1 DESC, n.id "
      "DESC"
      "                LIMIT :most)"
      " ORDER BY a.id DESC");
  if (!query) return query.error();
  query->bind(":run", run).bind(":telling", wanted == Wanted::telling ? 1 : 0).bind(":most", most);
  return all_rows(query, [](const Statement& row) {
    return RunAttempt{row.text(after_attempt_columns), read_attempt(row)};
  });
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
