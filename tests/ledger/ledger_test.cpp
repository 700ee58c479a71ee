#include "ledger/ledger.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "base/civil.hpp"
#include "ledger/backup.hpp"
#include "ledger/cursors.hpp"
#include "ledger/effects.hpp"
#include "ledger/restore.hpp"
#include "ledger/runs.hpp"
#include "support/temporary_folder.hpp"

using namespace jobrun;
using jobrun_test::TemporaryFolder;

namespace {

const Instant noon = *parse_instant("2026-04-12T12:00:00Z");

struct Fixture {
  TemporaryFolder folder;
  std::string path = folder.path() + "/state/ledger.db";

  Ledger open() {
    REQUIRE(Ledger::create(path));
    auto ledger = Ledger::open(path, Ledger::Purpose::run);
    REQUIRE(ledger);
    return std::move(*ledger);
  }
};

NewRun run_of(std::string job, std::string date, std::vector<std::string> units = {"-"}) {
  NewRun run;
  run.job = job;
  run.run_date = date;
  run.run_id = job + ":" + date;
  run.manifest_text = "{}";
  run.manifest_hash = "0";
  for (auto& unit : units) run.units.push_back({unit, ""});
  return run;
}

std::int64_t add(Ledger& ledger, const NewRun& run) {
  std::int64_t id = 0;
  REQUIRE(ledger.write([&]() -> Result<void> {
    auto added = add_run(ledger, run, noon);
    if (!added) return added.error();
    id = *added;
    return {};
  }));
  return id;
}

std::int64_t start(Ledger& ledger, Unit unit) {
  std::int64_t attempt = 0;
  REQUIRE(ledger.write([&]() -> Result<void> {
    auto call = add_call(ledger, {"r", "shell", "", "host", "boot", 1}, noon);
    if (!call) return call.error();
    auto started = start_attempt(ledger, unit, *call, noon);
    if (!started) return started.error();
    attempt = *started;
    return {};
  }));
  return attempt;
}

}  // namespace

TEST_CASE("a missing ledger is never made by opening it") {
  TemporaryFolder folder;
  auto ledger = Ledger::open(folder.path() + "/ledger.db", Ledger::Purpose::run);
  REQUIRE_FALSE(ledger);
  CHECK(ledger.error().fault() == Fault::setup);
  CHECK(ledger.error().next_step().find("jobrun init") != std::string::npos);
  CHECK(access((folder.path() + "/ledger.db").c_str(), F_OK) != 0);
}

TEST_CASE("making a ledger that is there leaves it as it is") {
  Fixture fixture;
  Ledger ledger = fixture.open();
  add(ledger, run_of("a", "2026-04-12"));
  auto again = Ledger::create(fixture.path);
  REQUIRE(again);
  CHECK_FALSE(*again);
  CHECK(find_run(ledger, "a", "2026-04-12")->has_value());
}

TEST_CASE("ledger, locks and ballast are for their owner only") {
  Fixture fixture;
  const mode_t before = umask(0);
  Ledger ledger = fixture.open();
  add(ledger, run_of("a", "2026-04-12"));
  umask(before);
  for (const char* suffix : {"", "-wal", ".lock", ".ballast"}) {
    struct stat info {};
    INFO(suffix);
    REQUIRE(stat((fixture.path + suffix).c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0600);
  }
}

TEST_CASE("a run's counters and state follow its units") {
  Fixture fixture;
  Ledger ledger = fixture.open();
  const auto id = add(ledger, run_of("a", "2026-04-12", {"x", "y"}));
  CHECK((*run_with_id(ledger, id))->counts.pending == 2);
  auto units = *units_of(ledger, id);
  const auto attempt = start(ledger, units[0]);
  CHECK((*run_with_id(ledger, id))->state == UnitState::running);
  Unit unit = **unit_with_id(ledger, units[0].id);
  unit.state = UnitState::done;
  AttemptEnd end;
  end.reason = "ok";
  REQUIRE(ledger.write([&]() -> Result<void> {
    if (auto ended = end_attempt(ledger, attempt, end, noon); !ended) return ended;
    return set_unit(ledger, unit, noon);
  }));
  const Run run = **run_with_id(ledger, id);
  CHECK(run.counts.done == 1);
  CHECK(run.counts.pending == 1);
  CHECK(run.counts.running == 0);
  CHECK(run.state == UnitState::pending);
}

TEST_CASE(
    "the schema refuses a unit that waits for nothing, is done without an attempt, or stands without a "
    "reason") {
  Fixture fixture;
  Ledger ledger = fixture.open();
  const auto id = add(ledger, run_of("a", "2026-04-12"));
  for (const UnitState state : {UnitState::retrying, UnitState::done, UnitState::stopped,
                                UnitState::exhausted, UnitState::in_doubt}) {
    Unit unit = (*units_of(ledger, id))[0];
    unit.state = state;
    CHECK_FALSE(ledger.write([&] { return set_unit(ledger, unit, noon); }));
  }
  CHECK((*units_of(ledger, id))[0].state == UnitState::pending);
}

TEST_CASE("a write that fails half-way leaves nothing behind") {
  Fixture fixture;
  Ledger ledger = fixture.open();
  auto written = ledger.write([&]() -> Result<void> {
    if (auto added = add_run(ledger, run_of("a", "2026-04-12"), noon); !added) return added.error();
    return Error(Fault::internal, "planted");
  });
  CHECK_FALSE(written);
  CHECK_FALSE(find_run(ledger, "a", "2026-04-12")->has_value());
}

TEST_CASE("the same generation of a run is made once") {
  Fixture fixture;
  Ledger ledger = fixture.open();
  add(ledger, run_of("a", "2026-04-12"));
  auto second = ledger.write([&]() -> Result<void> {
    auto added = add_run(ledger, run_of("a", "2026-04-12"), noon);
    return added ? Result<void>() : Result<void>(added.error());
  });
  REQUIRE_FALSE(second);
  CHECK(second.error().fault() == Fault::busy);
}

TEST_CASE("a lease is held by one, and by its children after it is gone") {
  Fixture fixture;
  Ledger ledger = fixture.open();
  int child = 0;
  int go[2];
  REQUIRE(pipe(go) == 0);
  {
    auto lease = ledger.lease("a", "x");
    REQUIRE(lease);
    REQUIRE(lease->has_value());
    CHECK(ledger.is_leased("a", "x"));
    CHECK_FALSE(ledger.is_leased("a", "y"));
    CHECK_FALSE(ledger.lease("a", "x")->has_value());
    child = fork();
    if (child == 0) {  // holds the inherited descriptor until the pipe is closed
      close(go[1]);
      char byte = 0;
      (void)!read(go[0], &byte, 1);
      _exit(0);
    }
  }
  CHECK(ledger.is_leased("a", "x"));
  CHECK_FALSE(ledger.lease("a", "x")->has_value());
  const auto holders = ledger.holders("a", "x");
  REQUIRE(holders.size() == 1);
  CHECK(holders[0] == child);
  CHECK(ledger.holds(child, "a", "x"));
  CHECK_FALSE(ledger.holds(child, "a", "y"));
  CHECK_FALSE(ledger.holds(getpid(), "a", "x"));
  close(go[1]);
  waitpid(child, nullptr, 0);
  CHECK(ledger.lease("a", "x")->has_value());
  close(go[0]);
}

TEST_CASE("a released lease is free even where a process left running still has it") {
  Fixture fixture;
  Ledger ledger = fixture.open();
  auto lease = ledger.lease("a", "x");
  REQUIRE(lease->has_value());
  Fd copy(dup((*lease)->descriptor()));
  (*lease)->release();
  CHECK(ledger.lease("a", "x")->has_value());
}

TEST_CASE("writers of several processes wait for each other") {
  Fixture fixture;
  Ledger ledger = fixture.open();
  constexpr int processes = 8, turns = 25;
  for (int process = 0; process < processes; ++process) {
    if (fork() != 0) continue;
    auto mine = Ledger::open(fixture.path, Ledger::Purpose::run);
    bool ok = static_cast<bool>(mine);
    for (int turn = 0; ok && turn < turns; ++turn) {
      ok = static_cast<bool>(mine->write([&]() -> Result<void> {
        auto added = add_run(*mine, run_of("p" + std::to_string(process), std::to_string(turn)), noon);
        return added ? Result<void>() : Result<void>(added.error());
      }));
    }
    _exit(ok ? 0 : 1);
  }
  int status = 0;
  while (wait(&status) > 0) CHECK(status == 0);
  CHECK(*ledger.database().integer("SELECT count(*) FROM runs") == processes * turns);
  CHECK(*ledger.database().text("PRAGMA integrity_check") == "ok");
}

TEST_CASE("the question for a known run is an index look-up") {
  Fixture fixture;
  Ledger ledger = fixture.open();
  auto plan = ledger.database().prepare(
      "EXPLAIN QUERY PLAN SELECT id FROM runs WHERE job = 'a' AND run_date = 'b' ORDER BY generation DESC "
      "LIMIT 1");
  REQUIRE(plan);
  REQUIRE(plan->step());
  CHECK(plan->text(3).find("SEARCH runs USING") == 0);
}

TEST_CASE("an effect is confirmed only by the attempt that intended it") {
  Fixture fixture;
  Ledger ledger = fixture.open();
  const auto id = add(ledger, run_of("a", "2026-04-12"));
  const auto attempt = start(ledger, (*units_of(ledger, id))[0]);
  Effect effect;
  effect.scope = "a";
  effect.key = "mail:1";
  effect.token = "t";
  effect.attempt = attempt;
  REQUIRE(ledger.write([&] { return add_intent(ledger, effect, noon); }));
  bool by_stray = true, by_owner = false;
  REQUIRE(ledger.write([&]() -> Result<void> {
    by_stray = *confirm_effect(ledger, "a", "mail:1", attempt + 1, "", noon);
    by_owner = *confirm_effect(ledger, "a", "mail:1", attempt, "sent", noon);
    return {};
  }));
  CHECK_FALSE(by_stray);
  CHECK(by_owner);
  CHECK((*find_effect(ledger, "a", "mail:1"))->result == "sent");
}

TEST_CASE(
    "an effect that its attempt left open is in doubt where its policy is to stop, and open where it is to "
    "resend") {
  Fixture fixture;
  Ledger ledger = fixture.open();
  const auto id = add(ledger, run_of("a", "2026-04-12"));
  const auto attempt = start(ledger, (*units_of(ledger, id))[0]);
  for (const IfInDoubt policy : {IfInDoubt::stop, IfInDoubt::resend}) {
    Effect effect;
    effect.scope = "a";
    effect.key = word_of(policy);
    effect.token = "t";
    effect.if_in_doubt = policy;
    effect.attempt = attempt;
    REQUIRE(ledger.write([&] { return add_intent(ledger, effect, noon); }));
  }
  std::vector<std::string> doubted;
  REQUIRE(ledger.write([&]() -> Result<void> {
    const auto open = doubt_open_effects(ledger, attempt);
    for (const LeftOpen& left : *open) doubted.push_back(left.key);
    return {};
  }));
  CHECK(doubted == std::vector<std::string>{"stop"});
  CHECK((*find_effect(ledger, "a", "stop"))->state == EffectState::in_doubt);
  CHECK((*find_effect(ledger, "a", "resend"))->state == EffectState::intended);
}

TEST_CASE("a cursor outlives runs, and its history keeps one row per attempt that moved it") {
  Fixture fixture;
  Ledger ledger = fixture.open();
  const auto id = add(ledger, run_of("a", "2026-04-12"));
  const Unit unit = (*units_of(ledger, id))[0];
  const auto attempt = start(ledger, unit);
  for (const char* value : {"1", "2", "3"})
    REQUIRE(ledger.write([&] { return set_cursor(ledger, unit, "-", value, attempt, noon); }));
  CHECK(*cursor_of(ledger, unit, "-") == "3");
  CHECK(cursor_of(ledger, unit, "other")->empty());
  CHECK(*ledger.database().integer("SELECT count(*) FROM cursor_history") == 1);
}

TEST_CASE("a pause keeps one unit or the whole job out until its time or a person ends it") {
  Fixture fixture;
  Ledger ledger = fixture.open();
  Pause pause;
  pause.job = "a";
  pause.unit = "x";
  pause.reason = "token expired";
  pause.until = "2026-04-12T13:00:00.000Z";
  REQUIRE(ledger.write([&] { return add_pause(ledger, pause, noon); }));
  CHECK(pause_of(ledger, "a", "x", noon)->has_value());
  CHECK_FALSE(pause_of(ledger, "a", "y", noon)->has_value());
  CHECK_FALSE(pause_of(ledger, "a", "x", noon + std::chrono::hours(2))->has_value());
  pause.unit.reset();
  pause.until.reset();
  REQUIRE(ledger.write([&] { return add_pause(ledger, pause, noon); }));
  CHECK(pause_of(ledger, "a", "y", noon)->has_value());
  std::int64_t ended = 0;
  REQUIRE(ledger.write([&]() -> Result<void> {
    ended = *end_pauses(ledger, "a", std::nullopt, noon);
    return {};
  }));
  CHECK(ended == 2);
  CHECK_FALSE(pause_of(ledger, "a", "x", noon)->has_value());
}

TEST_CASE("a ledger that a backup took the place of since it was opened is not written any more") {
  Fixture fixture;
  const std::string backup = fixture.folder.path() + "/backup.db";
  Ledger before = fixture.open();
  add(before, run_of("a", "2026-04-11"));
  REQUIRE(write_backup(before, backup, false, noon));
  auto restored = restore_ledger(fixture.path, backup, false, noon);
  REQUIRE(restored);
  bool asked = false;
  auto written = before.write([&]() -> Result<void> {
    asked = true;
    return {};
  });
  REQUIRE_FALSE(written);
  CHECK(written.error().fault() == Fault::ledger);
  CHECK(written.error().what().find("was replaced a moment ago") != std::string::npos);
  CHECK_FALSE(asked);
  Ledger after = fixture.open();
  add(after, run_of("a", "2026-04-12"));  // the new one is written
}

TEST_CASE("a backup is not put in place while a unit is held") {
  Fixture fixture;
  const std::string backup = fixture.folder.path() + "/backup.db";
  Ledger ledger = fixture.open();
  REQUIRE(write_backup(ledger, backup, false, noon));
  auto held = ledger.lease("a", "-");
  REQUIRE(held);
  auto refused = restore_ledger(fixture.path, backup, false, noon);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().fault() == Fault::busy);
}
