#include "ledger/run_rows.hpp"

#include "base/civil.hpp"

namespace jobrun {

namespace {

std::optional<Instant> instant_in(const Statement& row, int column) {
  const auto text = row.optional_text(column);
  if (!text) return std::nullopt;
  auto at = parse_instant(*text);
  return at ? std::optional<Instant>(*at) : std::nullopt;
}

}  // namespace

Run read_run(const Statement& row) {
  Run run;
  run.id = row.integer(0);
  run.job = row.text(1);
  run.run_date = row.text(2);
  run.generation = static_cast<int>(row.integer(3));
  run.run_id = row.text(4);
  run.manifest = row.integer(5);
  run.payload = row.optional_text(6);
  run.payload_hash = row.text(7);
  run.scheduled_at = row.optional_text(8);
  run.again_reason = row.optional_text(9);
  run.created_at = row.text(10);
  run.changed_at = row.text(11);
  int* const counts[] = {&run.counts.pending, &run.counts.running,   &run.counts.retrying, &run.counts.done,
                         &run.counts.stopped, &run.counts.exhausted, &run.counts.in_doubt};
  int column = 12;
  for (int* count : counts) *count = static_cast<int>(row.integer(column++));
  run.state = unit_state(row.text(19)).value_or(UnitState::pending);
  return run;
}

Unit read_unit(const Statement& row) {
  Unit unit;
  unit.id = row.integer(0);
  unit.run = row.integer(1);
  unit.job = row.text(2);
  unit.unit = row.text(3);
  unit.config = row.optional_text(4);
  unit.state = unit_state(row.text(5)).value_or(UnitState::pending);
  unit.attempts = static_cast<int>(row.integer(6));
  unit.counted = static_cast<int>(row.integer(7));
  unit.interruptions = static_cast<int>(row.integer(8));
  unit.streak = static_cast<int>(row.integer(9));
  unit.window_start = instant_in(row, 10);
  unit.next_at = instant_in(row, 11);
  unit.reason = row.text(12);
  unit.message = row.text(13);
  unit.next_action = row.text(14);
  unit.changed_at = row.text(15);
  unit.replay = row.integer(16) != 0;
  unit.scratch = row.integer(17) != 0;
  return unit;
}

Attempt read_attempt(const Statement& row) {
  Attempt attempt;
  attempt.id = row.integer(0);
  attempt.number = static_cast<int>(row.integer(1));
  attempt.state = attempt_state(row.text(2)).value_or(AttemptState::running);
  attempt.started_at = row.text(3);
  attempt.finished_at = row.text(4);
  attempt.reason = row.text(5);
  attempt.message = row.text(6);
  attempt.exit_code = row.optional_integer(7);
  attempt.signal = row.optional_integer(8);
  attempt.wall_ms = row.optional_integer(9);
  attempt.cpu_ms = row.optional_integer(10);
  attempt.peak_kib = row.optional_integer(11);
  attempt.next_action = row.text(12);
  attempt.next_at = row.text(13);
  attempt.output_head = row.text(14);
  attempt.output_tail = row.text(15);
  attempt.output_bytes = row.integer(16);
  attempt.output_cut = row.integer(17);
  attempt.run_id = row.text(18);
  attempt.caller = row.text(19);
  attempt.caller_id = row.text(20);
  attempt.host = row.text(21);
  attempt.pid = static_cast<int>(row.integer(22));
  attempt.version = row.text(23);
  return attempt;
}

}  // namespace jobrun
