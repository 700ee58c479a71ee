// What a person is told to type or to do next, as words of a shell.
// Promises that what is shown can be pasted, whatever a unit is called. Changes nothing.
#pragma once

#include <string>
#include <string_view>

#include "contract/manifest.hpp"
#include "ledger/effects.hpp"
#include "ledger/history.hpp"
#include "ledger/runs.hpp"

namespace jobrun {

/// As a POSIX shell reads it back: unchanged where it has only harmless characters, else in single quotes, or
/// by printf(1) where a terminal must not see it raw.
std::string shell_quoted(std::string_view word);
/// " --unit customer_37"; empty for the unit of a job that has none.
std::string unit_option(std::string_view unit);
/// "jobrun retry invoice_sync --run-date 2026-04-12 --unit customer_37": words to type, quoted for a shell.
/// "-": all of the job, or its only unit.
std::string retry_command(std::string_view job, std::string_view run_date, std::string_view unit = "-");
std::string resume_command(std::string_view job, std::string_view unit = "-");
/// What to do where units wait by a clock that was set back since.
std::string next_step(const AheadOfClock& ahead);
/// What ends a pause; without a person where it says until when.
std::string next_step(const Pause& pause);
/// For a unit that needs a person; `paused`: it has to be resumed as well.
std::string next_step(const Manifest& manifest, const Run& run, const Unit& unit, bool paused);

}  // namespace jobrun
