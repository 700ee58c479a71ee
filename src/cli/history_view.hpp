// How past runs are shown: a line for each, with its attempts where that is asked for, and as JSON.
// Formats what it is given; reads nothing and prints nothing.
#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"
#include "contract/gaps.hpp"
#include "ledger/past_runs.hpp"

namespace jobrun {

struct ToldRun {
  PastRun past;
  std::vector<RunAttempt> attempts;  ///< empty: not asked for
};

/// A table, newest first; `gaps` are shown between the runs of one job, as nights that never started.
std::string history_text(const std::vector<ToldRun>& runs, const Gaps& gaps, Instant now);
Json history_json(const ToldRun& told, bool with_attempts);

}  // namespace jobrun
