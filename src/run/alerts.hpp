// Whom to tell of what: transitions are written down with the attempt that made them, and composed into
// letters. Promises one alert for a transition, whatever is killed when, and one letter per target for all
// units of a run that one call brought there. A job without alerts costs nothing. Delivers nothing
// (run/notify).
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "contract/manifest.hpp"
#include "run/world.hpp"

namespace jobrun {

/// The manifest's, or those of the configuration.
const std::vector<AlertTarget>& targets_of(const World& world, const Manifest& manifest);
/// False in a preflight, which tries a job out and tells nobody.
bool tells_people(const World& world);

/// Inside Ledger::write(), after the unit was set: notes that it came to stand, or is well again.
Result<void> note_transition(World& world, const Manifest& manifest, const Unit& unit, Instant now);
/// For every job with alerts: notes that it became stale, or fresh again.
Result<void> note_stale_jobs(World& world, const std::string& jobs_folder);

/// Open alerts become letters. Those of a run that a living call still works on are left to that call.
Result<void> compose_letters(World& world, const std::string& jobs_folder);

}  // namespace jobrun
