// What needs a person, as few matters as there are causes: the one fold of the ledger's v_attention, for
// screens, reports and monitors. Knows the words to type for several at once. Judges nothing (run/vigil
// does), shows nothing, changes nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "ledger/ledger.hpp"

namespace jobrun {

/// Units of one run in the same state for the same reason, effects in doubt of one run, pauses, or alerts
/// that were given up. Effects that hold units in doubt are part of the units' matter.
struct Matter {
  std::string kind;  ///< unit, effect, pause, alert, manifest
  std::string job, run_date, state, reason, message, next_action, since;  ///< of the newest of them
  std::string unit;                ///< of the newest; empty: the whole job, or an alert
  std::vector<std::string> units;  ///< the first few by name; none of a job without units
  std::int64_t count = 0;          ///< so many units, effects, pauses or alerts
  std::int64_t effects = 0;        ///< in doubt among them, or that hold the units
  std::int64_t earlier = 0;        ///< run dates before this one with the same
  std::string back_to;             ///< the first of those
};

/// What is wrong with a job itself. Since when nobody knows; whoever does sets it.
Matter matter_without_run(std::string kind, const std::string& job, std::string state, std::string message,
                          std::string next_action);
/// Newest first. Of one job, or of all with an empty name.
Result<std::vector<Matter>> matters_of(Ledger& ledger, std::string_view job, Instant now);
/// The same trouble of the same units night after night becomes one matter, that of the latest: a credential
/// that is dead for a week is one thing to mend.
std::vector<Matter> night_after_night(std::vector<Matter> matters);

}  // namespace jobrun
