// How an effect is shown: as text for a person and as JSON.
// Reads nothing and prints nothing.
#pragma once

#include <string>

#include "base/json.hpp"
#include "ledger/history.hpp"
#include "ledger/lost.hpp"

namespace jobrun {

Json json_of(const EffectStory& story);
/// All that is known of it, several lines.
std::string text_of(const EffectStory& story);
/// "nightly/customer_37#2", or "by hand".
std::string speaker_of(const EffectStory& story);

/// What it means that an interval is lost, and what to type.
std::string text_of(const LostInterval& lost);

}  // namespace jobrun
