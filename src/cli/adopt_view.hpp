// The answer of `jobs adopt`: the manifest, the scheduler's new line and what to decide, as text and as JSON.
// Rules for exit codes come from where `emit` has them. Composes text only.
#pragma once

#include <string>

#include "base/json.hpp"
#include "timetable/adoption.hpp"

namespace jobrun {

/// The line of a crontab, or a drop-in for the service: what stands in place of `entry`.
std::string new_line(const Scheduled& entry, const Adoption& adoption);
/// `written`: the file that has the manifest already; empty where none was written.
std::string adoption_text(const Scheduled& entry, const Adoption& adoption, const std::string& written);
Json adoption_json(const Scheduled& entry, const Adoption& adoption, const std::string& written);

}  // namespace jobrun
