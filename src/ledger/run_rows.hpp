// Rows of runs, units and attempts read into values, for those files of the ledger that select some.
// The columns stand here once, beside the only functions that know their order (run_rows.cpp).
#pragma once

#include "base/sqlite.hpp"
#include "ledger/runs.hpp"

// SQL is whole beside each caller, so macros and not a builder.
#define RUN_COLUMNS_WITH(payload)                                                                          \
  "id, job, run_date, generation, run_id, manifest, " payload                                              \
  ", payload_hash, scheduled_at, again_reason, created_at, changed_at, pending, running, retrying, done, " \
  "stopped, exhausted, in_doubt, state"
#define RUN_COLUMNS RUN_COLUMNS_WITH("payload")
// For lists: a payload may be a MiB.
#define LISTED_RUN_COLUMNS RUN_COLUMNS_WITH("NULL")

#define UNIT_COLUMNS                                                                                     \
  "id, run, job, unit, config, state, attempts, counted, interruptions, streak, window_start, next_at, " \
  "reason, "                                                                                             \
  "message, next_action, changed_at, replay, scratch"

// Of attempts as a and calls as c.
#define ATTEMPT_COLUMNS                                                                                \
  "a.id, a.number, a.state, a.started_at, a.finished_at, a.reason, a.message, a.exit_code, a.signal, " \
  "a.wall_ms, "                                                                                        \
  "a.cpu_ms, a.peak_kib, a.next_action, a.next_at, a.output_head, a.output_tail, a.output_bytes, "     \
  "a.output_cut, "                                                                                     \
  "c.run_id, c.caller, c.caller_id, c.host, c.pid, c.version"

namespace jobrun {

/// `row` begins with RUN_COLUMNS, or LISTED_RUN_COLUMNS.
Run read_run(const Statement& row);
inline constexpr int after_run_columns = 20;
/// `row` begins with UNIT_COLUMNS.
Unit read_unit(const Statement& row);
inline constexpr int after_attempt_columns = 24;
/// `row` begins with ATTEMPT_COLUMNS.
Attempt read_attempt(const Statement& row);

}  // namespace jobrun
