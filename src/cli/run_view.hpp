// How one run is shown: a unit with its attempts, as text and as JSON, and the counts of a run.
// Formats what it is given; reads nothing and prints nothing.
#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"
#include "ledger/runs.hpp"

namespace jobrun {

Json attempt_json(const Attempt& attempt);
/// A unit whose process is gone, and nobody has met it yet: its last attempt is told as the crash that it is.
void tell_crash(Unit& unit, std::vector<Attempt>& attempts);
/// The unit, a line per attempt, the next action; with the last attempt's output where it is asked for.
std::string unit_text(const Unit& unit, const std::vector<Attempt>& attempts, bool with_output);
/// In doubt, exhausted, stopped, then what goes on, then what is done; else as they were listed.
void most_urgent_first(std::vector<Unit>& units);
/// A line for each state and reason that units of the run are in: how many, and which for example.
std::string unit_groups_text(const std::vector<Unit>& units);
/// Each state with its count.
Json counts_json(const Run::Counts& counts);
/// "198 done, 1 retrying, 1 stopped"
std::string counts_text(const Run::Counts& counts);

}  // namespace jobrun
