// A person's word that units may move again: `retry` for those that stand or wait, `replay` for any of a run
// that has ended. Opens their budget and executes nothing.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "run/request.hpp"

namespace jobrun {

/// Gives stopped, exhausted, in-doubt, waiting or crashed units a fresh budget (`retry`): how many were
/// moved; units that need no retry are named in `notes`. Fault::usage for a unit the run does not have.
Result<int> reopen(World& world, const Manifest& manifest, const Run& run,
                   const std::vector<std::string>& units, Instant now, std::vector<std::string>& notes);

struct Replay {
  std::vector<std::string> units;  ///< empty: all
  bool failed = false;             ///< only those that need a person
  std::string reason;              ///< only those that ended with it; empty: any
  bool promote = false;            ///< the shared cursors move, not scratch ones
};
/// The units that a replay is about; those that are paused stay as they are, each with a note. Fault::usage
/// while one of them has not ended, or for one there is not.
Result<std::vector<Unit>> units_to_replay(Ledger& ledger, const Run& run, const Replay& replay, Instant now,
                                          std::vector<std::string>& notes);
/// They are to be executed once more, by the manifest that is stored with the run: a fresh budget, their
/// items forgotten, and unless promoted a scratch cursor that stands where theirs stood before their first
/// attempt.
Result<void> open_replay(Ledger& ledger, const std::vector<Unit>& units, const Replay& replay, Instant now);

/// The stored manifest, where all units of the run that may still start are replayed; else nothing, and
/// today's counts. `jobs_folder` is where its relative paths stand.
Result<std::optional<Manifest>> replayed_manifest(World& world, const RunRequest& request,
                                                  const std::string& jobs_folder);

}  // namespace jobrun
