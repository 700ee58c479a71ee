// What has changed between two inventories: what came, what went, and what is now started otherwise.
// Compares what they say (`inventory --json`), not lines or the next start. Pure.
#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"

namespace jobrun {

struct ScheduleDrift {
  struct Change {
    Json before, after;                ///< entries
    std::vector<std::string> members;  ///< that differ: "when", "file", ...
  };
  std::vector<Json> added, removed;
  std::vector<Change> changed;

  bool any() const { return !added.empty() || !removed.empty() || !changed.empty(); }
};

/// Of two answers of `inventory --json`. Fault::usage where `before` is none.
Result<ScheduleDrift> schedule_drift(const Json& before, const Json& after);

}  // namespace jobrun
