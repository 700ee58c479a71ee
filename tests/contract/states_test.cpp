#include "contract/states.hpp"

#include <catch2/catch.hpp>

using namespace jobrun;

TEST_CASE("each state of a unit has its word, its answer and who moves it on") {
  struct Row {
    UnitState state;
    std::string_view word;
    bool person, final;
    Exit answer;
  };
  const Row rows[] = {
      {UnitState::pending, "pending", false, false, Exit::retry},
      {UnitState::running, "running", false, false, Exit::retry},
      {UnitState::retrying, "retrying", false, false, Exit::retry},
      {UnitState::done, "done", false, true, Exit::done},
      {UnitState::stopped, "stopped", true, true, Exit::stopped},
      {UnitState::exhausted, "exhausted", true, true, Exit::exhausted},
      {UnitState::in_doubt, "in_doubt", true, true, Exit::in_doubt},
  };
  for (const Row& row : rows) {
    CAPTURE(row.word);
    CHECK(word_of(row.state) == row.word);
    CHECK(unit_state(row.word) == row.state);
    CHECK(needs_person(row.state) == row.person);
    CHECK(is_final(row.state) == row.final);
    CHECK(exit_for(row.state) == row.answer);
  }
}

TEST_CASE("each state of an attempt has its word") {
  const std::pair<AttemptState, std::string_view> rows[] = {
      {AttemptState::running, "running"}, {AttemptState::done, "done"},
      {AttemptState::retry, "retry"},     {AttemptState::stop, "stop"},
      {AttemptState::crashed, "crashed"}, {AttemptState::interrupted, "interrupted"}};
  for (const auto& [state, word] : rows) {
    CHECK(word_of(state) == word);
    CHECK(attempt_state(word) == state);
  }
}

TEST_CASE("each state of an effect has its word") {
  const std::pair<EffectState, std::string_view> rows[] = {{EffectState::intended, "intended"},
                                                           {EffectState::confirmed, "confirmed"},
                                                           {EffectState::in_doubt, "in_doubt"}};
  for (const auto& [state, word] : rows) {
    CHECK(word_of(state) == word);
    CHECK(effect_state(word) == state);
  }
}

TEST_CASE("a word that is no state is none") {
  for (const std::string_view word : {"", "Done", "done ", "failed", "retryin"}) {
    CHECK_FALSE(unit_state(word));
    CHECK_FALSE(attempt_state(word));
    CHECK_FALSE(effect_state(word));
  }
}
