// A request for a run, from the question "what is already known?" to the answer. Contract 2.1-2.4.
// The ledger answers first: a call for a finished, stopped or not-yet-due run reads one row, executes nothing
// and takes no lock.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "contract/envelope.hpp"
#include "contract/manifest.hpp"
#include "run/loop.hpp"
#include "run/world.hpp"

namespace jobrun {

struct RunRequest {
  std::string job;
  std::string run_date;  ///< a label, resolved
  std::string run_id;    ///< empty: derived
  std::optional<Instant> scheduled_at;
  std::optional<Payload> payload;
  std::vector<std::string> units;  ///< empty: all
  int parallel = 0;                ///< 0: the manifest's
  std::optional<Span> wait;
  bool again = false;
  std::string reason;  ///< of --again
  bool only_retry = false;
  bool scratch = false;  ///< a new run's units keep cursors of their own (backfill)
};

struct Answer {
  Exit exit = Exit::done;
  std::string headline;  ///< one sentence: "done: 200 units", "already done at ... as run nightly-..."
  std::optional<Run> run;
  std::vector<UnitOutcome> outcomes;  ///< empty where the run's own row was enough
  bool executed = false;
  bool news = false;  ///< that a unit needs a person, found out by this call
  bool brought_on = false;  ///< not answered by the ledger alone: something may be told
  int signal = 0;
};

/// What the ledger says at once; nothing where units have to be looked at. Errors: Fault::conflict for
/// another payload or a run id of another date, Fault::usage for --again on a run that has not ended.
Result<std::optional<Answer>> answer_from_ledger(World& world, const RunRequest& request);

/// Brings the run as far as it goes now.
Result<Answer> bring_on(World& world, const RunRequest& request, const std::string& jobs_folder);

/// What bring_on would do with each unit, and why; changes nothing.
Result<Answer> foresee(World& world, const RunRequest& request, const std::string& jobs_folder);

/// The answer for units as they stand.
Exit exit_of(const std::vector<UnitOutcome>& outcomes);

}  // namespace jobrun
