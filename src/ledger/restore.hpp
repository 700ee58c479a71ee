// Restoring: a backup put in the place of the ledger.
// Promises that there is the old ledger, none yet, or the new one, never a mixture, whenever it is cut off;
// that nothing runs meanwhile; that the replaced ledger is kept; and that what was done since the backup is
// not forgotten silently: effects and pauses that the replaced ledger knows are carried over, and where it
// can't know them all the interval is lost (ledger/lost.hpp). Carries no runs and no cursors over: it counts
// them.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "ledger/ledger.hpp"

namespace jobrun {

struct Restoration {
  std::string since;         ///< when the backup was taken, or an earlier interval that is lost still
  std::string aside;         ///< where the replaced ledger is now; empty: there was none
  std::string unknown;       ///< why not all that was done since is known; empty: the replaced ledger knew it
  std::int64_t effects = 0;  ///< carried over, new or changed
  std::int64_t pauses = 0;   ///< carried over
  std::int64_t runs = 0;     ///< of the replaced ledger, that the backup does not have or not in that state
  std::int64_t cursors = 0;  ///< that stood elsewhere
};
/// `dry_run`: the same answer, and nothing is changed. Fault::busy while a unit runs, Fault::setup where
/// `backup` is no sound backup.
Result<Restoration> restore_ledger(const std::string& path, const std::string& backup, bool dry_run,
                                   Instant now);

}  // namespace jobrun
