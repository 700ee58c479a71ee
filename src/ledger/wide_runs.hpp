// A run of thousands of units, read as a person looks at it: those that need somebody first, what is wrong by
// reason, the rest counted. Promises to read what it answers and what is failing, never all units of a run
// that went well. Changes nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "ledger/ledger.hpp"
#include "ledger/runs.hpp"

namespace jobrun {

/// At most `most` units: in doubt, exhausted, stopped, retrying (those first that came to it first), then
/// running, pending, done.
Result<std::vector<Unit>> most_urgent_units(Ledger& ledger, const Run& run, std::int64_t most);

/// `most` units behind `after` in the order of their names: for reading a run in parts, beginning with "".
Result<std::vector<Unit>> units_behind(Ledger& ledger, std::int64_t run, std::string_view after,
                                       std::int64_t most);

/// Units of a run that are in the same state for the same reason.
struct Plight {
  UnitState state = UnitState::pending;
  std::string reason,
      message;  ///< message: of the unit that moved last; both empty for those that run or are to come
  std::int64_t units = 0;
  std::vector<std::string> names;  ///< the first few of them
};
/// All that is not done, the most units first, `names` names of each.
Result<std::vector<Plight>> plights_of(Ledger& ledger, const Run& run, std::int64_t names);

}  // namespace jobrun
