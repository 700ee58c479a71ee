#include "contract/exit_codes.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

using namespace jobrun;

TEST_CASE("every exit code has one number, one word and one advice") {
  struct Row {
    int code;
    const char* word;
  };
  const std::vector<Row> expected = {{0, "done"},      {64, "usage"}, {70, "internal"}, {74, "ledger"},
                                     {75, "retry"},    {78, "setup"}, {80, "stopped"},  {81, "exhausted"},
                                     {82, "in_doubt"}, {83, "busy"},  {85, "paused"},   {86, "conflict"}};
  const auto& table = exit_table();
  REQUIRE(table.size() == expected.size());
  std::set<std::string_view> words;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CAPTURE(expected[i].code);
    CHECK(static_cast<int>(table[i].code) == expected[i].code);
    CHECK(table[i].word == expected[i].word);
    CHECK_FALSE(table[i].advice.empty());
    CHECK(exit_word(table[i].code) == table[i].word);
    CHECK(exit_advice(table[i].code) == table[i].advice);
    words.insert(table[i].word);
  }
  CHECK(words.size() == expected.size());
}

TEST_CASE("the table of exit codes ascends by number") {
  const auto& table = exit_table();
  CHECK(std::is_sorted(table.begin(), table.end(),
                       [](const ExitRow& a, const ExitRow& b) { return a.code < b.code; }));
}

TEST_CASE("no exit code is one that shells, timeout, parsers, systemd or signals have taken") {
  for (const ExitRow& row : exit_table()) {
    const int code = static_cast<int>(row.code);
    CAPTURE(code);
    CHECK((code == 0 || (code >= 64 && code < 99)));
  }
}

TEST_CASE("75 advises to call again with the same arguments and 80 to get a person") {
  CHECK(exit_advice(Exit::retry) == "call again with the same arguments");
  CHECK(exit_advice(Exit::stopped) == "a person must act; calling again answers 80 at once");
}

TEST_CASE("an error of jobrun's own ends with the code of who must act on it") {
  CHECK(exit_for(Fault::usage) == Exit::usage);
  CHECK(exit_for(Fault::setup) == Exit::setup);
  CHECK(exit_for(Fault::ledger) == Exit::ledger);
  CHECK(exit_for(Fault::conflict) == Exit::conflict);
  CHECK(exit_for(Fault::busy) == Exit::busy);
  CHECK(exit_for(Fault::internal) == Exit::internal);
}

TEST_CASE("several units answer with the strongest code") {
  struct Row {
    std::vector<Exit> units;
    Exit expected;
  };
  const std::vector<Row> rows = {
      {{}, Exit::done},
      {{Exit::done, Exit::done}, Exit::done},
      // 75 wins while any unit has budget, or one bad tenant would block the others
      {{Exit::stopped, Exit::retry, Exit::in_doubt, Exit::exhausted}, Exit::retry},
      {{Exit::stopped, Exit::in_doubt, Exit::exhausted, Exit::done}, Exit::in_doubt},
      {{Exit::stopped, Exit::exhausted, Exit::done}, Exit::exhausted},
      {{Exit::stopped, Exit::done}, Exit::stopped},
      {{Exit::stopped, Exit::paused, Exit::busy}, Exit::busy},
      {{Exit::done, Exit::done, Exit::paused}, Exit::done},
      {{Exit::done, Exit::busy}, Exit::busy},
      {{Exit::busy, Exit::busy}, Exit::busy},
      {{Exit::paused, Exit::paused}, Exit::paused},
      {{Exit::paused, Exit::busy}, Exit::busy},
      // codes of whole calls are never lost behind a done unit
      {{Exit::done, Exit::ledger}, Exit::ledger},
      {{Exit::stopped, Exit::ledger}, Exit::ledger},
      {{Exit::retry, Exit::ledger}, Exit::retry},
      {{Exit::done, Exit::conflict}, Exit::conflict},
      {{Exit::done, Exit::setup}, Exit::setup},
      {{Exit::done, Exit::internal}, Exit::internal},
  };
  for (std::size_t i = 0; i < rows.size(); ++i) {
    CAPTURE(i);
    CHECK(combined_exit(rows[i].units) == rows[i].expected);
    auto reversed = rows[i].units;
    std::reverse(reversed.begin(), reversed.end());
    CHECK(combined_exit(reversed) == rows[i].expected);
  }
}

TEST_CASE("--exit-map gives a scheduler that can't tell codes apart the ones it knows") {
  const auto map = ExitMap::parse("80=0,75=255");
  REQUIRE(map);
  CHECK(map->apply(Exit::stopped) == 0);
  CHECK(map->apply(Exit::retry) == 255);
  CHECK(map->apply(Exit::exhausted) == 81);
  CHECK(ExitMap().apply(Exit::busy) == 83);
}

TEST_CASE("--exit-map is refused when it names no code of jobrun or no number") {
  for (const char* text : {"", "80", "80=", "=0", "79=0", "80=256", "80=-1", "80=0,", "80=0,80=1",
                           "stopped=0", "80=0=1", " 80=0", "099999999999999999999=0"}) {
    CAPTURE(text);
    const auto map = ExitMap::parse(text);
    REQUIRE_FALSE(map);
    CHECK(map.error().fault() == Fault::usage);
    CHECK_FALSE(map.error().next_step().empty());
  }
  CHECK(ExitMap::parse("79=0").error().what().find("64 70 74 75 78 80 81 82 83 85 86") != std::string::npos);
}
