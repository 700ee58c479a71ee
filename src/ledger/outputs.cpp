#include "ledger/outputs.hpp"

#include "ledger/rows.hpp"

namespace jobrun {

namespace {

std::int64_t only_number(const Statement& row) {
  return row.integer(0);
}

WrittenAttempt read_written(const Statement& row) {
  WrittenAttempt attempt;
  attempt.id = row.integer(0);
  attempt.unit = row.text(1);
  attempt.number = static_cast<int>(row.integer(2));
  attempt.pid = static_cast<int>(row.integer(3));
  attempt.state = attempt_state(row.text(4)).value_or(AttemptState::running);
  attempt.started_at = row.text(5);
  attempt.reason = row.text(6);
  attempt.message = row.text(7);
  attempt.output_head = row.text(8);
  attempt.output_tail = row.text(9);
  attempt.exit_code = row.optional_integer(10);
  attempt.signal = row.optional_integer(11);
  attempt.wall_ms = row.optional_integer(12);
  attempt.output_bytes = row.integer(13);
  attempt.output_cut = row.integer(14);
  return attempt;
}

}  // namespace

Result<std::vector<std::int64_t>> attempt_ids_of(Ledger& ledger, std::int64_t run) {
  // CROSS JOIN keeps the order of the look-ups: the run's units first, whatever SQLite knows of the tables.
  auto query = ledger.database().prepare(
      "SELECT a.id FROM units u CROSS JOIN attempts a ON a.unit = u.id WHERE u.run = :run ORDER BY a.id");
  if (!query) return query.error();
  query->bind(":run", run);
  return all_rows(query, only_number);
}

Result<std::vector<std::int64_t>> attempt_ids_behind(Ledger& ledger, std::int64_t run, std::int64_t last) {
  auto query = ledger.database().prepare(
      "SELECT a.id FROM attempts a CROSS JOIN units u ON u.id = a.unit"
      " WHERE a.id > :last AND u.run = :run ORDER BY a.id");
  if (!query) return query.error();
  query->bind(":run", run).bind(":last", last);
  return all_rows(query, only_number);
}

Result<std::int64_t> newest_attempt_id(Ledger& ledger) {
  return ledger.database().integer("SELECT ifnull(max(id), 0) FROM attempts");
}

Result<std::optional<WrittenAttempt>> written_attempt(Ledger& ledger, std::int64_t id) {
  auto query = ledger.database().prepare(
      "SELECT a.id, u.unit, a.number, c.pid, a.state, a.started_at, a.reason, a.message, a.output_head,"
      "       a.output_tail, a.exit_code, a.signal, a.wall_ms, a.output_bytes, a.output_cut"
      " FROM attempts a JOIN units u ON u.id = a.unit JOIN calls c ON c.id = a.call WHERE a.id = :id");
  if (!query) return query.error();
  query->bind(":id", id);
  return first_row(query, read_written);
}

}  // namespace jobrun
