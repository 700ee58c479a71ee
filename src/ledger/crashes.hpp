// Crashes that no call has met yet: units whose row says that they run, and that no process holds.
// Promises that one which ended while it was looked at is no crash. Records nothing: the next call that wants
// such a unit does (run/unit).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "ledger/ledger.hpp"

namespace jobrun {

struct CrashedUnit {
  std::int64_t unit_id = 0, run_id = 0, attempt_id = 0;
  std::string job, unit, started_at;
};
Result<std::vector<CrashedUnit>> crashed_units(Ledger& ledger);

}  // namespace jobrun
