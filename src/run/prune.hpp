// Keeping the ledger small: how old what may go has to be, and the pace at which it goes.
// Promises that keys outlive every token, retry window and `keep` that might still ask for them, and that a
// run that starts meanwhile waits for one short batch. Safe to end at any moment. Removes nothing by itself:
// ledger/prune does.
#pragma once

#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "ledger/prune.hpp"

namespace jobrun {

/// What was asked for, and where nothing was the configuration or these.
struct PruneRequest {
  Span attempts = default_attempts;
  Span keys = default_keys;
  bool dry_run = false;
  static constexpr Span default_attempts = std::chrono::hours(24 * 90);
  static constexpr Span default_keys = std::chrono::hours(24 * 800);
};

struct PruneReport {
  PrunedRows rows;
  std::int64_t output_files = 0;  ///< without an attempt
  Instant attempts_before, keys_before;
  std::string raised;  ///< why keys stay longer than was asked for; empty: they don't
};

Result<PruneReport> prune(Ledger& ledger, const PruneRequest& request, const Clock& clock);

}  // namespace jobrun
