#include "contract/states.hpp"

#include <cstdlib>

namespace jobrun {
namespace {

constexpr std::array unit_states = {UnitState::pending, UnitState::running, UnitState::retrying,
                                    UnitState::done,    UnitState::stopped, UnitState::exhausted,
                                    UnitState::in_doubt};
constexpr std::array attempt_states = {AttemptState::running, AttemptState::done,
                                       AttemptState::retry,   AttemptState::stop,
                                       AttemptState::crashed, AttemptState::interrupted};
constexpr std::array effect_states = {EffectState::intended, EffectState::confirmed, EffectState::in_doubt};

template <class State, std::size_t count>
std::optional<State> with_word(const std::array<State, count>& all, std::string_view word) {
  for (const State state : all) {
    if (word_of(state) == word) return state;
  }
  return {};
}

}  // namespace

std::string_view word_of(UnitState state) {
  switch (state) {
    case UnitState::pending:
      return "pending";
    case UnitState::running:
      return "running";
    case UnitState::retrying:
      return "retrying";
    case UnitState::done:
      return "done";
    case UnitState::stopped:
      return "stopped";
    case UnitState::exhausted:
      return "exhausted";
    case UnitState::in_doubt:
      return "in_doubt";
  }
  std::abort();
}

std::optional<UnitState> unit_state(std::string_view word) {
  return with_word(unit_states, word);
}

bool needs_person(UnitState state) {
  switch (state) {
    case UnitState::stopped:
    case UnitState::exhausted:
    case UnitState::in_doubt:
      return true;
    case UnitState::pending:
    case UnitState::running:
    case UnitState::retrying:
    case UnitState::done:
      return false;
  }
  std::abort();
}

bool is_final(UnitState state) {
  return state == UnitState::done || needs_person(state);
}

Exit exit_for(UnitState state) {
  switch (state) {
    case UnitState::pending:
    case UnitState::running:
    case UnitState::retrying:
      return Exit::retry;
    case UnitState::done:
      return Exit::done;
    case UnitState::stopped:
      return Exit::stopped;
    case UnitState::exhausted:
      return Exit::exhausted;
    case UnitState::in_doubt:
      return Exit::in_doubt;
  }
  std::abort();
}

std::string_view word_of(AttemptState state) {
  switch (state) {
    case AttemptState::running:
      return "running";
    case AttemptState::done:
      return "done";
    case AttemptState::retry:
      return "retry";
    case AttemptState::stop:
      return "stop";
    case AttemptState::crashed:
      return "crashed";
    case AttemptState::interrupted:
      return "interrupted";
  }
  std::abort();
}

std::optional<AttemptState> attempt_state(std::string_view word) {
  return with_word(attempt_states, word);
}

std::string_view word_of(EffectState state) {
  switch (state) {
    case EffectState::intended:
      return "intended";
    case EffectState::confirmed:
      return "confirmed";
    case EffectState::in_doubt:
      return "in_doubt";
  }
  std::abort();
}

std::optional<EffectState> effect_state(std::string_view word) {
  return with_word(effect_states, word);
}

}  // namespace jobrun
