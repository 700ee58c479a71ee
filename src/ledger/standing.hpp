// What the ledger knows of a job as a whole: its last success, whether it is paused, its counts. For
// staleness, check and metrics; grows with what is asked for, not with the ledger. Changes nothing and judges
// nothing (contract/freshness does).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "ledger/ledger.hpp"

namespace jobrun {

/// The end of the done run with the greatest run date. A run is also done for this where all units are done
/// but those that are paused now: they do not fail it (contract 2.7).
struct WholeSuccess {
  std::string at, run_date;
};
Result<std::optional<WholeSuccess>> whole_success(Ledger& ledger, std::string_view job, Instant now);
/// When the run with the least run date was made; empty where the job never ran.
Result<std::string> first_heard_of(Ledger& ledger, std::string_view job);
/// True while the job, or its only unit, is kept out of runs.
Result<bool> is_paused(Ledger& ledger, std::string_view job, Instant now);

}  // namespace jobrun
