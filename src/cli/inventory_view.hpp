// How an inventory is shown: a table, its faults, and as JSON. Composes text only; cmd_inventory prints it.
// Secrets in commands are masked in both.
#pragma once

#include <string>

#include "base/json.hpp"
#include "contract/scheduled.hpp"

namespace jobrun {

std::string inventory_text(const Inventory& inventory, Instant now, std::size_t width);
Json inventory_json(const Inventory& inventory, Instant now);
/// What could not be read, a line each, for stderr.
std::string unread_text(const Inventory& inventory);

}  // namespace jobrun
