#include "ledger/runs.hpp"

#include <cstdlib>

#include "base/civil.hpp"
#include "ledger/rows.hpp"
#include "ledger/run_rows.hpp"

namespace jobrun {

namespace {

std::optional<std::string> text_of(const std::optional<Instant>& at) {
  return at ? std::optional<std::string>(format_instant(*at)) : std::nullopt;
}

std::optional<std::string> text_or_null(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional<std::string>(text);
}

}  // namespace

Result<std::optional<Run>> find_run(Ledger& ledger, std::string_view job, std::string_view run_date) {
  auto query = ledger.database().prepare("SELECT " RUN_COLUMNS
                                         " FROM runs WHERE job = :job AND run_date = :run_date"
                                         " ORDER BY generation DESC LIMIT 1");
  if (!query) return query.error();
  query->bind(":job", job).bind(":run_date", run_date);
  return first_row(query, read_run);
}

Result<std::optional<Run>> find_run_by_id(Ledger& ledger, std::string_view job, std::string_view run_id) {
  auto query = ledger.database().prepare("SELECT " RUN_COLUMNS
                                         " FROM runs WHERE job = :job AND run_id = :run_id"
                                         " ORDER BY run_date DESC, generation DESC LIMIT 1");
  if (!query) return query.error();
  query->bind(":job", job).bind(":run_id", run_id);
  return first_row(query, read_run);
}

Result<std::optional<Run>> find_latest_run(Ledger& ledger, std::string_view job) {
  auto query = ledger.database().prepare(
      "SELECT " RUN_COLUMNS " FROM runs WHERE job = :job ORDER BY run_date DESC, generation DESC LIMIT 1");
  if (!query) return query.error();
  query->bind(":job", job);
  return first_row(query, read_run);
}

Result<std::vector<Run>> find_runs_named(Ledger& ledger, std::string_view name) {
  auto by_id = ledger.database().prepare(
      "SELECT " RUN_COLUMNS
      " FROM runs WHERE run_id = :name ORDER BY run_date DESC, generation DESC LIMIT 100");
  if (!by_id) return by_id.error();
  by_id->bind(":name", name);
  auto rows = all_rows(by_id, read_run);
  if (!rows || !rows->empty()) return rows;
  const auto colon = name.find(':');
  if (colon != std::string_view::npos) {
    auto run = find_run(ledger, name.substr(0, colon), name.substr(colon + 1));
    if (!run) return run.error();
    if (*run) rows->push_back(**run);
    return rows;
  }
  auto latest = find_latest_run(ledger, name);
  if (!latest) return latest.error();
  if (*latest) rows->push_back(**latest);
  return rows;
}

Result<std::vector<std::string>> units_of_latest_run(Ledger& ledger, std::string_view job) {
  auto query = ledger.database().prepare(
      "SELECT unit FROM units WHERE run ="
      " (SELECT id FROM runs WHERE job = :job ORDER BY run_date DESC, generation DESC LIMIT 1) ORDER BY id");
  if (!query) return query.error();
  query->bind(":job", job);
  return all_rows(query, only_text);
}

Result<std::optional<Run>> run_with_id(Ledger& ledger, std::int64_t id) {
  auto query = ledger.database().prepare("SELECT " RUN_COLUMNS " FROM runs WHERE id = :id");
  if (!query) return query.error();
  query->bind(":id", id);
  return first_row(query, read_run);
}

Result<std::vector<Run>> runs_with_work(Ledger& ledger, Instant now) {
  // A job that is paused as a whole has none; units that are paused alone are met, and left out, by the run
  // itself.
  auto query = ledger.database().prepare(
      "SELECT " RUN_COLUMNS
      " FROM runs WHERE id IN (SELECT run FROM units WHERE state <> 'done' AND ((state = 'retrying' AND "
      "next_at <= :now)"
      "                           OR state IN ('pending', 'running')))"
      "   AND generation = (SELECT max(g.generation) FROM runs g WHERE g.job = runs.job AND g.run_date = "
      "runs.run_date)"
      "   AND NOT EXISTS (SELECT 1 FROM pauses p WHERE p.job = runs.job AND p.unit IS NULL AND p.ended_at IS "
      "NULL"
      "                     AND (p.until IS NULL OR p.until > :now))"
      " ORDER BY created_at");
  if (!query) return query.error();
  query->bind(":now", format_instant(now));
  return all_rows(query, read_run);
}

Result<std::string> earliest_wait(Ledger& ledger, std::int64_t run) {
  auto query = ledger.database().prepare(
      "SELECT min(next_at) FROM units INDEXED BY units_failing WHERE run = :run"
      " AND state IN ('retrying', 'stopped', 'exhausted', 'in_doubt') AND state = 'retrying'");
  if (!query) return query.error();
  query->bind(":run", run);
  if (auto row = query->step(); !row) return row.error();
  return query->text(0);
}

Result<std::vector<Unit>> units_of(Ledger& ledger, std::int64_t run) {
  auto query = ledger.database().prepare("SELECT " UNIT_COLUMNS " FROM units WHERE run = :run ORDER BY id");
  if (!query) return query.error();
  query->bind(":run", run);
  return all_rows(query, read_unit);
}

Result<std::optional<Unit>> unit_of_run(Ledger& ledger, std::int64_t run, std::string_view unit) {
  auto query = ledger.database().prepare(
      "SELECT " UNIT_COLUMNS " FROM units WHERE run = :run AND unit >= :unit ORDER BY unit LIMIT 1");
  if (!query) return query.error();
  query->bind(":run", run).bind(":unit", unit);
  auto found = first_row(query, read_unit);
  if (found && *found && !unit.empty() && (*found)->unit != unit) return std::optional<Unit>();
  return found;
}

Result<std::vector<Unit>> units_that_stand(Ledger& ledger, std::int64_t run, int most) {
  auto query = ledger.database().prepare("SELECT " UNIT_COLUMNS
                                         " FROM units WHERE run = :run AND state IN ('stopped', 'exhausted', "
                                         "'in_doubt') ORDER BY id LIMIT :most");
  if (!query) return query.error();
  query->bind(":run", run).bind(":most", most);
  return all_rows(query, read_unit);
}

Result<std::optional<Unit>> unit_with_id(Ledger& ledger, std::int64_t id) {
  auto query = ledger.database().prepare("SELECT " UNIT_COLUMNS " FROM units WHERE id = :id");
  if (!query) return query.error();
  query->bind(":id", id);
  return first_row(query, read_unit);
}

Result<std::vector<Attempt>> attempts_of(Ledger& ledger, std::int64_t unit) {
  auto query = ledger.database().prepare("SELECT " ATTEMPT_COLUMNS
                                         " FROM attempts a JOIN calls c ON c.id = a.call"
                                         " WHERE a.unit = :unit ORDER BY a.number");
  if (!query) return query.error();
  query->bind(":unit", unit);
  return all_rows(query, read_attempt);
}

Result<std::optional<Attempt>> last_attempt(Ledger& ledger, std::int64_t unit) {
  auto query = ledger.database().prepare("SELECT " ATTEMPT_COLUMNS
                                         " FROM attempts a JOIN calls c ON c.id = a.call"
                                         " WHERE a.unit = :unit ORDER BY a.number DESC LIMIT 1");
  if (!query) return query.error();
  query->bind(":unit", unit);
  return first_row(query, read_attempt);
}

Result<bool> is_replayed(Ledger& ledger, std::int64_t run) {
  auto query = ledger.database().prepare(
      "SELECT ifnull(min(replay), 0) FROM units"
      " WHERE run = :run AND state IN ('pending', 'running', 'retrying')");
  if (!query) return query.error();
  query->bind(":run", run);
  auto found = query->step();
  if (!found) return found.error();
  return query->integer(0) != 0;
}

Result<std::string> manifest_text(Ledger& ledger, std::int64_t manifest) {
  auto query = ledger.database().prepare("SELECT text FROM manifests WHERE id = :id");
  if (!query) return query.error();
  query->bind(":id", manifest);
  auto found = query->step();
  if (!found) return found.error();
  return query->text(0);
}

Result<std::int64_t> add_call(Ledger& ledger, const Call& call, Instant now) {
  auto insert = ledger.database().prepare(
      "INSERT INTO calls (called_at, run_id, caller, caller_id, host, pid, boot_id, version)"
      " VALUES (:called_at, :run_id, :caller, :caller_id, :host, :pid, :boot_id, :version)");
  if (!insert) return insert.error();
  insert->bind(":called_at", format_instant(now)).bind(":run_id", call.run_id).bind(":caller", call.caller);
  insert->bind(":caller_id", call.caller_id).bind(":host", call.host).bind(":pid", call.pid);
  insert->bind(":boot_id", call.boot_id).bind(":version", JOBRUN_VERSION);
  if (auto done = insert->run(); !done) return done.error();
  return ledger.database().last_insert_id();
}

namespace {

Result<std::int64_t> add_manifest(Ledger& ledger, const NewRun& run) {
  auto insert = ledger.database().prepare(
      "INSERT INTO manifests (job, hash, text) VALUES (:job, :hash, :text) ON CONFLICT (job, hash) DO "
      "NOTHING");
  if (!insert) return insert.error();
  insert->bind(":job", run.job).bind(":hash", run.manifest_hash).bind(":text", run.manifest_text);
  if (auto done = insert->run(); !done) return done.error();
  auto query = ledger.database().prepare("SELECT id FROM manifests WHERE job = :job AND hash = :hash");
  if (!query) return query.error();
  query->bind(":job", run.job).bind(":hash", run.manifest_hash);
  if (auto found = query->step(); !found) return found.error();
  return query->integer(0);
}

}  // namespace

Result<std::int64_t> add_run(Ledger& ledger, const NewRun& run, Instant now) {
  auto manifest = add_manifest(ledger, run);
  if (!manifest) return manifest.error();
  auto insert = ledger.database().prepare(
      "INSERT INTO runs (job, run_date, generation, run_id, manifest, payload, payload_hash, scheduled_at,"
      "                  again_reason, version, created_at, changed_at)"
      " SELECT :job, :run_date, :generation, :run_id, :manifest, :payload, :payload_hash, :scheduled_at,"
      "        :again_reason, :version, :now, :now"
      "  WHERE NOT EXISTS (SELECT 1 FROM runs WHERE run_id = :run_id AND job = :job AND run_date <> "
      ":run_date)"
      " ON CONFLICT (job, run_date, generation) DO NOTHING");
  if (!insert) return insert.error();
  insert->bind(":job", run.job).bind(":run_date", run.run_date).bind(":generation", run.generation);
  insert->bind(":run_id", run.run_id)
      .bind(":manifest", *manifest)
      .bind(":payload", text_or_null(run.payload));
  insert->bind(":payload_hash", run.payload_hash).bind(":scheduled_at", text_of(run.scheduled_at));
  insert->bind(":again_reason", text_or_null(run.again_reason)).bind(":version", JOBRUN_VERSION);
  insert->bind(":now", format_instant(now));
  if (auto done = insert->run(); !done) return done.error();
  if (ledger.database().changes() == 0)
    return Error(Fault::busy, "another call took this run or its run id just now");
  const std::int64_t id = ledger.database().last_insert_id();
  auto list = ledger.database().prepare(
      "INSERT INTO units (run, job, unit, config, scratch, changed_at)"
      " VALUES (:run, :job, :unit, :config, :scratch, :now)");
  if (!list) return list.error();
  list->bind(":run", id).bind(":job", run.job).bind(":now", format_instant(now));
  list->bind(":scratch", std::int64_t{run.scratch ? 1 : 0});
  for (const auto& unit : run.units) {
    list->bind(":unit", unit.id).bind(":config", text_or_null(unit.config));
    if (auto done = list->run(); !done) return done.error();
  }
  return id;
}

Result<std::int64_t> start_attempt(Ledger& ledger, Unit& unit, std::int64_t call, Instant now) {
  auto insert = ledger.database().prepare(
      "INSERT INTO attempts (unit, number, call, started_at) VALUES (:unit, :number, :call, :now)");
  if (!insert) return insert.error();
  insert->bind(":unit", unit.id).bind(":number", unit.attempts + 1).bind(":call", call);
  insert->bind(":now", format_instant(now));
  if (auto done = insert->run(); !done) return done.error();
  const std::int64_t attempt = ledger.database().last_insert_id();
  unit.state = UnitState::running;
  unit.attempts += 1;
  unit.next_at.reset();
  if (!unit.window_start) unit.window_start = now;
  // The statement that ends the attempt too: to compile one that moves a unit is the dearest of a run.
  if (auto moved = set_unit(ledger, unit, now); !moved) return moved.error();
  return attempt;
}

Result<void> end_attempt(Ledger& ledger, std::int64_t attempt, const AttemptEnd& end, Instant now) {
  auto update = ledger.database().prepare(
      "UPDATE attempts SET state = :state, finished_at = :now, reason = :reason, message = :message,"
      "  exit_code = :exit_code, signal = :signal, wall_ms = :wall_ms, cpu_ms = :cpu_ms, peak_kib = "
      ":peak_kib,"
      "  next_action = :next_action, next_at = :next_at, output_head = :head, output_tail = :tail,"
      "  output_bytes = :bytes, output_cut = :cut WHERE id = :id");
  if (!update) return update.error();
  update->bind(":id", attempt).bind(":state", word_of(end.state)).bind(":now", format_instant(now));
  update->bind(":reason", end.reason).bind(":message", text_or_null(end.message));
  update->bind(":exit_code", end.exit_code).bind(":signal", end.signal).bind(":wall_ms", end.wall_ms);
  update->bind(":cpu_ms", end.cpu_ms).bind(":peak_kib", end.peak_kib);
  update->bind(":next_action", text_or_null(end.next_action)).bind(":next_at", text_of(end.next_at));
  update->bind(":head", text_or_null(end.output_head)).bind(":tail", text_or_null(end.output_tail));
  update->bind(":bytes", end.output_bytes).bind(":cut", end.output_cut);
  return update->run();
}

Result<void> set_unit(Ledger& ledger, const Unit& unit, Instant now) {
  auto update = ledger.database().prepare(
      "UPDATE units SET state = :state, attempts = :attempts, counted = :counted, interruptions = "
      ":interruptions, streak = :streak,"
      "  window_start = :window_start, next_at = :next_at, reason = :reason, message = :message,"
      "  next_action = :next_action, replay = :replay, scratch = :scratch, changed_at = :now WHERE id = :id");
  if (!update) return update.error();
  update->bind(":id", unit.id).bind(":state", word_of(unit.state)).bind(":counted", unit.counted);
  update->bind(":attempts", unit.attempts)
      .bind(":interruptions", unit.interruptions)
      .bind(":streak", unit.streak);
  update->bind(":window_start", text_of(unit.window_start)).bind(":next_at", text_of(unit.next_at));
  update->bind(":reason", text_or_null(unit.reason)).bind(":message", text_or_null(unit.message));
  update->bind(":next_action", text_or_null(unit.next_action)).bind(":now", format_instant(now));
  update->bind(":replay", std::int64_t{unit.replay ? 1 : 0});
  update->bind(":scratch", std::int64_t{unit.scratch ? 1 : 0});
  return update->run();
}

}  // namespace jobrun
