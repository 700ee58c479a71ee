// How one run is shown: a unit with its attempts, as text and as JSON, and the counts of a run.
// Formats what it is given; reads nothing and prints nothing.
#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"
#include "ledger/runs.hpp"

namespace jobrun {

Json attempt_json(const Attempt& attempt);
/// The unit, a line per attempt, the next action; with the last attempt's output where it is asked for.
std::string unit_text(const Unit& unit, const std::vector<Attempt>& attempts, bool with_output);
/// "198 done, 1 retrying, 1 stopped"
std::string counts_text(const Run::Counts& counts);

}  // namespace jobrun
