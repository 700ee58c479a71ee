#include "ledger/standing.hpp"

#include <algorithm>

#include "base/civil.hpp"
#include "ledger/rows.hpp"

namespace jobrun {

Result<std::optional<WholeSuccess>> whole_success(Ledger& ledger, std::string_view job, Instant now) {
  auto query = ledger.database().prepare(
      "SELECT changed_at, run_date FROM runs r WHERE job = :job"
      "   AND running = 0 AND retrying = 0 AND in_doubt = 0 AND exhausted = 0 AND stopped = 0"
      "   AND (pending = 0 OR (done > 0 AND NOT EXISTS ("
      "     SELECT 1 FROM units u WHERE u.run = r.id AND u.state = 'pending' AND NOT EXISTS ("
      "       SELECT 1 FROM pauses p WHERE p.job = u.job AND ifnull(p.unit, '') IN ('', u.unit)"
      "         AND p.ended_at IS NULL AND (p.until IS NULL OR p.until > :now)))))"
      " ORDER BY run_date DESC, generation DESC LIMIT 1");
  if (!query) return query.error();
  query->bind(":job", job).bind(":now", format_instant(now));
  return first_row(query, [](const Statement& row) { return WholeSuccess{row.text(0), row.text(1)}; });
}

Result<std::string> first_heard_of(Ledger& ledger, std::string_view job) {
  auto query = ledger.database().prepare(
      "SELECT created_at FROM runs WHERE job = :job ORDER BY run_date, generation LIMIT 1");
  if (!query) return query.error();
  query->bind(":job", job);
  auto found = first_row(query, only_text);
  if (!found) return found.error();
  return found->value_or("");
}

Result<bool> is_paused(Ledger& ledger, std::string_view job, Instant now) {
  auto query = ledger.database().prepare(
      "SELECT 1 FROM pauses WHERE job = :job AND ifnull(unit, '') IN ('', '-') AND ended_at IS NULL"
      "   AND (until IS NULL OR until > :now) LIMIT 1");
  if (!query) return query.error();
  query->bind(":job", job).bind(":now", format_instant(now));
  return query->step();
}

namespace {

/// The time that is covered by spans which come in the order of their beginnings.
class Cover {
 public:
  void add(Instant from, Instant to) {
    if (to <= end_) return;
    total_ += to - std::max(from, end_);
    end_ = to;
  }
  Span total() const { return total_; }

 private:
  Instant end_{};
  Span total_{};
};

Result<void> add_attempts(Ledger& ledger, std::int64_t run, LastRun& last) {
  auto query = ledger.database().prepare(
      "SELECT a.state, a.started_at, a.finished_at FROM units u JOIN attempts a ON a.unit = u.id"
      " WHERE u.run = :run ORDER BY a.started_at");
  if (!query) return query.error();
  query->bind(":run", run);
  Cover cover;
  while (true) {
    auto more = query->step();
    if (!more) return more.error();
    if (!*more) break;
    ++last.attempts[query->text(0)];
    const auto from = parse_instant(query->text(1)), to = parse_instant(query->text(2));
    if (from && to) cover.add(*from, *to);
  }
  last.busy = cover.total();
  return {};
}

}  // namespace

Result<std::optional<LastRun>> last_run(Ledger& ledger, std::string_view job) {
  auto query = ledger.database().prepare(
      "SELECT id, run_date, changed_at, pending, done, stopped, exhausted, in_doubt FROM runs"
      " WHERE job = :job AND running = 0 AND retrying = 0 AND pending < pending + done + stopped + exhausted "
      "+ "
      "in_doubt"
      " ORDER BY run_date DESC, generation DESC LIMIT 1");
  if (!query) return query.error();
  query->bind(":job", job);
  auto found = query->step();
  if (!found) return found.error();
  if (!*found) return std::optional<LastRun>();
  LastRun last;
  const std::int64_t run = query->integer(0);
  last.run_date = query->text(1);
  last.ended_at = query->text(2);
  int column = 3;
  for (int* count : {&last.counts.pending, &last.counts.done, &last.counts.stopped, &last.counts.exhausted,
                     &last.counts.in_doubt})
    *count = static_cast<int>(query->integer(column++));
  if (auto added = add_attempts(ledger, run, last); !added) return added.error();
  return std::optional<LastRun>(std::move(last));
}

Result<RunsByState> runs_by_state(Ledger& ledger) {
  auto query = ledger.database().prepare("SELECT job, state, count(*) FROM runs GROUP BY job, state");
  if (!query) return query.error();
  RunsByState runs;
  while (true) {
    auto more = query->step();
    if (!more) return more.error();
    if (!*more) return runs;
    runs[query->text(0)][query->text(1)] = query->integer(2);
  }
}

Result<std::map<std::string, std::string>> cursor_moves(Ledger& ledger) {
  auto query = ledger.database().prepare(
      "SELECT job, max(changed_at) FROM cursors WHERE scratch_run = 0 GROUP BY job");
  if (!query) return query.error();
  std::map<std::string, std::string> moves;
  while (true) {
    auto more = query->step();
    if (!more) return more.error();
    if (!*more) return moves;
    moves[query->text(0)] = query->text(1);
  }
}

Result<std::int64_t> attempts_recorded(Ledger& ledger) {
  return ledger.database().integer("SELECT ifnull(max(id), 0) FROM attempts");
}

}  // namespace jobrun
