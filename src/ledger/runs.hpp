// Runs, their units and attempts: what was asked for, what is claimed, how it ended.
// Theory: a row is written before anything is executed and moved when it ended; which move is right is
// decided by run/ and contract/retry, and the schema's CHECKs refuse a wrong one. Functions named `add_`,
// `start_`, `end_` and `set_` run inside Ledger::write().
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "contract/states.hpp"
#include "ledger/ledger.hpp"

namespace jobrun {

/// This process, as attempts remember it.
struct Call {
  std::string run_id, caller, caller_id, host, boot_id;
  int pid = 0;
};

struct Run {
  std::int64_t id = 0;
  std::string job, run_date, run_id, payload_hash, created_at, changed_at;
  std::optional<std::string> payload, scheduled_at, again_reason;
  std::int64_t manifest = 0;
  int generation = 1;
  struct Counts {
    int pending = 0, running = 0, retrying = 0, done = 0, stopped = 0, exhausted = 0, in_doubt = 0;
    int total() const { return pending + running + retrying + done + stopped + exhausted + in_doubt; }
  } counts;
  UnitState state = UnitState::pending;  ///< derived from the units by the schema

  /// Nothing will happen by itself any more.
  bool is_final() const { return counts.pending + counts.running + counts.retrying == 0; }
};

struct Unit {
  std::int64_t id = 0;
  std::int64_t run = 0;
  std::string job, unit;
  std::optional<std::string> config;
  UnitState state = UnitState::pending;
  int attempts = 0, counted = 0, interruptions = 0, streak = 0;
  bool replay = false;   ///< its attempts use the manifest that is stored with the run, until one is done
  bool scratch = false;  ///< its cursors are its run's own (ledger/cursors)
  std::optional<Instant> window_start, next_at;
  std::string reason, message, next_action, changed_at;
};

struct Attempt {
  std::int64_t id = 0;
  int number = 0;
  AttemptState state = AttemptState::running;
  std::string started_at, finished_at, reason, message, next_action, next_at, run_id, caller, caller_id, host,
      version;
  int pid = 0;
  std::optional<std::int64_t> exit_code, signal, wall_ms, cpu_ms, peak_kib;
  std::string output_head, output_tail;
  std::int64_t output_bytes = 0, output_cut = 0;
};

/// How an attempt ended, as it is written down.
struct AttemptEnd {
  AttemptState state = AttemptState::done;
  std::string reason, message, next_action;
  std::optional<Instant> next_at;
  std::optional<std::int64_t> exit_code, signal, wall_ms, cpu_ms, peak_kib;
  std::string output_head, output_tail;
  std::int64_t output_bytes = 0, output_cut = 0;
};

struct NewRun {
  std::string job, run_date, run_id, manifest_text, manifest_hash, payload, payload_hash, again_reason;
  std::optional<Instant> scheduled_at;
  int generation = 1;
  bool scratch = false;  ///< of all its units
  struct ListedUnit {
    std::string id, config;  ///< config: a JSON object or empty
  };
  std::vector<ListedUnit> units;
};

/// The latest generation of (job, run date); an indexed look-up.
Result<std::optional<Run>> find_run(Ledger& ledger, std::string_view job, std::string_view run_date);
/// By its label; the latest where several dates carry it.
Result<std::optional<Run>> find_run_by_id(Ledger& ledger, std::string_view job, std::string_view run_id);
/// The latest run of a job: greatest run date, then generation.
Result<std::optional<Run>> find_latest_run(Ledger& ledger, std::string_view job);
/// The names of that run's units.
Result<std::vector<std::string>> units_of_latest_run(Ledger& ledger, std::string_view job);
/// For `show`: a label, JOB:DATE, or a job's name; all matches.
Result<std::vector<Run>> find_runs_named(Ledger& ledger, std::string_view name);
Result<std::optional<Run>> run_with_id(Ledger& ledger, std::int64_t id);
/// Runs with something due at `now`: a wait that is over, a unit never started, an attempt that has no end.
Result<std::vector<Run>> runs_with_work(Ledger& ledger, Instant now);
/// When the first of a run's waiting units may start again, as stored; empty where none waits.
Result<std::string> earliest_wait(Ledger& ledger, std::int64_t run);
/// In the order they were listed.
Result<std::vector<Unit>> units_of(Ledger& ledger, std::int64_t run);
/// By its name; with an empty one the first by name, which is the only one of a run that has one.
Result<std::optional<Unit>> unit_of_run(Ledger& ledger, std::int64_t run, std::string_view unit);
/// Those that need a person, in that order, `most` of them.
Result<std::vector<Unit>> units_that_stand(Ledger& ledger, std::int64_t run, int most);
Result<std::optional<Unit>> unit_with_id(Ledger& ledger, std::int64_t id);
Result<std::vector<Attempt>> attempts_of(Ledger& ledger, std::int64_t unit);
Result<std::optional<Attempt>> last_attempt(Ledger& ledger, std::int64_t unit);
/// True where units of the run may still start, and all of those are replayed.
Result<bool> is_replayed(Ledger& ledger, std::int64_t run);
/// The manifest that a run was made from.
Result<std::string> manifest_text(Ledger& ledger, std::int64_t manifest);

Result<std::int64_t> add_call(Ledger& ledger, const Call& call, Instant now);
/// Refuses (Fault::busy) where somebody made the same generation meanwhile.
Result<std::int64_t> add_run(Ledger& ledger, const NewRun& run, Instant now);
/// `unit`, as it stands in the ledger, becomes `running` there and here, with attempt number attempts + 1;
/// answers the attempt's id.
Result<std::int64_t> start_attempt(Ledger& ledger, Unit& unit, std::int64_t call, Instant now);
Result<void> end_attempt(Ledger& ledger, std::int64_t attempt, const AttemptEnd& end, Instant now);
/// Writes state, counters, next time and reason of `unit` as they stand in it.
Result<void> set_unit(Ledger& ledger, const Unit& unit, Instant now);

}  // namespace jobrun
