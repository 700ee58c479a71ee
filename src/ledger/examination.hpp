// A ledger looked at from outside and in: files, owners, the writer's lock, whether SQLite finds it whole,
// who wrote last. For `doctor`; works as far as the ledger can be opened, changes nothing and mends nothing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "ledger/ledger.hpp"

namespace jobrun {

/// A file of the ledger's that its owner can't rely on.
struct OddFile {
  std::string what, next;
};
/// The ledger and what stands beside it: another owner than the folder's, readable or writable by others.
std::vector<OddFile> odd_files(const std::string& path);
/// Bytes of the ledger, of its write-ahead log and of the reserve; 0 where the file is not there.
struct LedgerSizes {
  std::int64_t ledger = 0, log = 0, reserve = 0;
};
LedgerSizes sizes_of(const std::string& path);
/// False while some process writes.
bool is_writer_free(const std::string& path);

/// Empty, or the first things that SQLite finds wrong; reads the whole file.
Result<std::string> damage_of(Ledger& ledger);
/// The newest stamp in the ledger; empty where nothing was ever run.
Result<std::string> newest_stamp(Ledger& ledger);
struct CallerSeen {
  std::string caller, latest;
  std::int64_t calls = 0;
};
/// Who executed something since then, of the last 10000 calls; the latest first.
Result<std::vector<CallerSeen>> callers_since(Ledger& ledger, Instant since);

}  // namespace jobrun
