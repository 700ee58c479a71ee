// Telling people: the outbox's letters are delivered, or tried again at a later call.
// Promises to come after every verdict is durable, to change none, to take no longer than a stated limit,
// that one call delivers at a time, and that a try that failed is written down. Composes before it sends
// (run/alerts).
#pragma once

#include <string>

#include "base/clock.hpp"
#include "run/world.hpp"

namespace jobrun {

/// All that one call waits for deliveries.
inline constexpr Span telling_limit = std::chrono::seconds(10);

/// Composes what is open and delivers what is due. What went wrong is a note to the observer.
void tell_people(World& world, const std::string& jobs_folder);

}  // namespace jobrun
