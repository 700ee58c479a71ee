// How one run is shown: a unit with its attempts, as text and as JSON, and the counts of a run.
// Formats what it is given; reads nothing and prints nothing.
#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"
#include "ledger/runs.hpp"
#include "ledger/wide_runs.hpp"

namespace jobrun {

/// What a timeline tells of an attempt: how it went, and when.
Json attempt_outline(const Attempt& attempt);
/// The outline, and who ran it where, what it used and what it wrote.
Json attempt_json(const Attempt& attempt);
/// A unit whose process is gone, and nobody has met it yet: its last attempt is told as the crash that it is.
void tell_crash(Unit& unit, std::vector<Attempt>& attempts);
/// The unit, a line per attempt, the next action; with the last attempt's output where it is asked for.
std::string unit_text(const Unit& unit, const std::vector<Attempt>& attempts, bool with_output);
/// A line for each state and reason that units of the run are in: how many, and which for example.
std::string plights_text(const Run::Counts& counts, const std::vector<Plight>& plights);
/// Which run it is, how it stands, its counts: what every answer tells of a run.
Json run_outline(const Run& run);
/// Each state with its count.
Json counts_json(const Run::Counts& counts);
/// "198 done, 1 retrying, 1 stopped"
std::string counts_text(const Run::Counts& counts);

}  // namespace jobrun
