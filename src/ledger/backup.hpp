// Backups: a ledger, as it stands at one moment, written whole into one file.
// Promises that the file is consistent, durable and its owner's alone when it has its name, and that nobody
// is stopped meanwhile. A backup knows nothing of what is done after it and says so (ledger/lost.hpp);
// nothing here puts one in place (ledger/restore.hpp).
#pragma once

#include <string>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "ledger/ledger.hpp"

namespace jobrun {

/// Of the ledger as it stands now or a little later. Writes to a file beside `path` first, then gives it that
/// name. Fault::usage where `path` is there and `replace` is not given.
Result<void> write_backup(Ledger& ledger, const std::string& path, bool replace, Instant now);

}  // namespace jobrun
