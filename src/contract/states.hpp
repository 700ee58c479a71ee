// The states of a unit and of an effect, their words, and what each asks of a person.
// The same words stand in schema.sql's CHECKs; a test holds the two together.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "contract/exit_codes.hpp"

namespace jobrun {

enum class UnitState { pending, running, retrying, done, stopped, exhausted, in_doubt };
std::string_view word_of(UnitState state);
std::optional<UnitState> unit_state(std::string_view word);
/// Moves again only by a person.
bool needs_person(UnitState state);
/// Nothing more happens by itself: done, or a person is needed.
bool is_final(UnitState state);
/// What a call answers for a unit left in this state: pending and running and retrying -> retry.
Exit exit_for(UnitState state);

/// How one attempt ended; `crashed`: jobrun or the machine died; `interrupted`: asked to stop.
enum class AttemptState { running, done, retry, stop, crashed, interrupted };
std::string_view word_of(AttemptState state);
std::optional<AttemptState> attempt_state(std::string_view word);

enum class EffectState { intended, confirmed, in_doubt };
std::string_view word_of(EffectState state);
std::optional<EffectState> effect_state(std::string_view word);

}  // namespace jobrun
