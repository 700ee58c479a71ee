// What a report of the last weeks reads: the runs of a job, how long they were at work, their latest
// attempts, effects. Every question is bounded by its caller and answered from
// an index, so that it grows with what is shown; only effects are read through. Changes nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "ledger/history.hpp"
#include "ledger/ledger.hpp"
#include "ledger/past_runs.hpp"
#include "ledger/runs.hpp"

namespace jobrun {

struct SeenRun {
  Run run;               ///< without its payload
  bool retried = false;  ///< a unit took more than one attempt
};
/// The latest `most` runs, newest run date first, of each date only the last generation. Whether units were
/// retried is looked up for labels not before `from`.
Result<std::vector<SeenRun>> latest_runs(Ledger& ledger, std::string_view job, std::string_view from,
                                         std::int64_t most);

/// How a run was at work: reads every attempt of it.
struct RunWork {
  Span busy{};  ///< the time in which at least one attempt ran; waits do not count
  std::int64_t attempts = 0;
};
Result<RunWork> work_of(Ledger& ledger, std::int64_t run, Instant now);

enum class Wanted { latest, telling };
/// `most` attempts of a run, newest first: the latest, or first of all those of units that are not done or
/// took several.
Result<std::vector<RunAttempt>> attempts_in(Ledger& ledger, std::int64_t run, Wanted wanted,
                                            std::int64_t most);

/// How much there is, so that what a report leaves out can be counted.
struct Extent {
  std::int64_t runs = 0, attempts = 0, effects = 0, open_effects = 0;
};
Result<Extent> extent_of(Ledger& ledger);

}  // namespace jobrun
