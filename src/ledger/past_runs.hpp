// Runs that were, newest first, by what a person remembers of them: job, unit, state, reason, dates.
// Promises to read what it answers and, for a filter, what it had to look through: never all units or all
// attempts. Changes nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "ledger/ledger.hpp"
#include "ledger/runs.hpp"

namespace jobrun {

/// Empty members ask for nothing.
struct RunFilter {
  std::string job;
  std::string unit;
  std::string state;             ///< of the run, or one that a unit of it is in now; `done`: all of them
  std::string reason;            ///< of any attempt of it
  std::string from, to;          ///< run dates, both included
  std::optional<Instant> since;  ///< made since then
  std::int64_t most = 20;
};

struct PastRun {
  Run run;  ///< without its payload
  /// The one that was asked for, or the only one that the run has.
  std::optional<Unit> unit;
  /// Of a run that is not done: the newest failure of a unit that is not.
  std::optional<std::string> reason, failed_unit, message;
};
struct PastRuns {
  std::vector<PastRun> runs;
  bool more = false;  ///< there are older ones
  bool bounded =
      false;  ///< a filter without a job or a time: only the latest `most_looked_through` were seen
};

inline constexpr std::int64_t most_looked_through = 10'000;

/// Of one job by run date (and generation), else by when they were made.
Result<PastRuns> past_runs(Ledger& ledger, const RunFilter& filter);

struct RunAttempt {
  std::string unit;
  Attempt attempt;
};
/// The attempts of a run that tell a story: of units that are not done or needed more than one attempt, or of
/// its only unit; in the order they began, without their output. At most `most` units' worth.
Result<std::vector<RunAttempt>> telling_attempts(Ledger& ledger, const Run& run, std::string_view unit,
                                                 int most);

}  // namespace jobrun
