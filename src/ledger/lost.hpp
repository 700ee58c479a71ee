// The lost interval: a backup knows nothing of what was done after it was taken, and says so itself. It
// stands in the ledger as an effect in doubt of no scope, which no job can have, dated when the backup was
// taken. While it stands, every effect whose key is not in the ledger may have happened in that interval; its
// policy decides as for any other. A person ends it by releasing it. Says nothing of runs and cursors: like
// those of a crash they are brought on again from where the ledger has them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/sqlite.hpp"
#include "ledger/ledger.hpp"

namespace jobrun {

/// The key that a person types.
inline constexpr std::string_view lost_interval_key = "lost-interval";

/// In a copy of a ledger: nothing is known from `since` on. One that is there already stays, it began
/// earlier.
Result<void> mark_lost_interval(Database& copy, const std::string& since);

struct LostInterval {
  std::string since, until;  ///< until: empty where a backup was put in place by hand
};
Result<std::optional<LostInterval>> lost_interval(Ledger& ledger);
/// The same, if it still counts for a key that is not in the ledger: a person's word on the key ends it for
/// that key.
Result<std::optional<LostInterval>> lost_interval_for(Ledger& ledger, std::string_view scope,
                                                      std::string_view key);
/// A person has looked: what is not in the ledger was not done. Effects that were in doubt for that reason
/// alone are released; answers how many. Inside write().
Result<std::int64_t> release_lost_interval(Ledger& ledger, std::string_view reason, Instant now);

}  // namespace jobrun
