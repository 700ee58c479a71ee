// A row of runs read into a Run, for those files of the ledger that select one.
// The columns stand here once, beside the only function that knows their order (runs.cpp).
#pragma once

#include "base/sqlite.hpp"
#include "ledger/runs.hpp"

// SQL is whole beside each caller, so a macro and not a builder.
#define RUN_COLUMNS                                                                                      \
  "id, job, run_date, generation, run_id, manifest, payload, payload_hash, scheduled_at, again_reason, " \
  "created_at, changed_at, pending, running, retrying, done, stopped, exhausted, in_doubt, state"

namespace jobrun {

/// `row` begins with RUN_COLUMNS.
Run read_run(const Statement& row);

}  // namespace jobrun
