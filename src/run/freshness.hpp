// Is a job stale? What its manifest promises, held against the ledger: the one place that check, status,
// alerts and reports ask. Reads only; the rule itself is contract/freshness.
#pragma once

#include "base/result.hpp"
#include "contract/freshness.hpp"
#include "ledger/ledger.hpp"

namespace jobrun {

/// A job that never ran is known since its manifest's file was last written.
Result<Freshness> freshness_of(Ledger& ledger, const Manifest& manifest, Instant now);

}  // namespace jobrun
