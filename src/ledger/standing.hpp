// What the ledger knows of a job as a whole: its last success, whether it is paused, its counts. For
// staleness, check and metrics; grows with what is asked for, not with the ledger. Changes nothing and judges
// nothing (contract/freshness does).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "ledger/ledger.hpp"
#include "ledger/runs.hpp"

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

/// How the job's latest run that is not at work any more went.
struct LastRun {
  std::string run_date, ended_at;
  Run::Counts counts;
  Span busy{};  ///< the time in which at least one attempt ran; waits do not count
  std::map<std::string, std::int64_t> attempts;  ///< by their state
};
/// Reads every attempt of that run.
Result<std::optional<LastRun>> last_run(Ledger& ledger, std::string_view job);

/// How many runs of each job are in each state. Reads every run.
using RunsByState = std::map<std::string, std::map<std::string, std::int64_t>>;
Result<RunsByState> runs_by_state(Ledger& ledger);
/// When a cursor of each job was last moved.
Result<std::map<std::string, std::string>> cursor_moves(Ledger& ledger);
/// Attempts that were ever written down, those that were pruned included.
Result<std::int64_t> attempts_recorded(Ledger& ledger);

}  // namespace jobrun
