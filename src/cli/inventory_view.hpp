// How an inventory is shown: a table, its faults, what changed, and as JSON. Composes text only;
// cmd_inventory prints it. Secrets in commands are masked in both.
#pragma once

#include <string>

#include "base/json.hpp"
#include "timetable/schedule_drift.hpp"
#include "timetable/scheduled.hpp"

namespace jobrun {

std::string inventory_text(const Inventory& inventory, Instant now, std::size_t width);
Json inventory_json(const Inventory& inventory, Instant now);
/// Each fault with where, what, why and what to type; a last line with their count.
std::string faults_text(const std::vector<ScheduleFault>& faults);
Json faults_json(const std::vector<ScheduleFault>& faults);
std::string drift_text(const ScheduleDrift& drift);
Json drift_json(const ScheduleDrift& drift);
/// What could not be read, a line each, for stderr.
std::string unread_text(const Inventory& inventory);

}  // namespace jobrun
