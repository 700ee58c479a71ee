#include "ledger/prune.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdint>

#include "base/civil.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "ledger/prune_rows.hpp"

namespace jobrun {

namespace {

constexpr std::int64_t most_units = 100;

// What may go, in SQL. `spent`: units whose attempts may. What needs a person or a retry stays, unless a
// later generation has taken its place; so do the last success and the latest error of its (job, unit), and
// what kept_units names.
constexpr const char* rules =
    "CREATE TEMP TABLE limits (attempts_before TEXT, keys_before TEXT, calls_before TEXT, now TEXT);"
    "CREATE TEMP TABLE kept_history (id INTEGER PRIMARY KEY);"
    "CREATE TEMP TABLE kept_units (unit INTEGER PRIMARY KEY);"
    "CREATE TEMP TABLE kept_runs (run INTEGER PRIMARY KEY);"
    "CREATE TEMP TABLE kept_calls (call INTEGER PRIMARY KEY);"
    "CREATE TEMP TABLE doomed_runs (run INTEGER PRIMARY KEY);"
    // Told, and not the last of its unit: the last says whether a recovery is one.
    "CREATE TEMP VIEW spent_alerts AS SELECT a.id FROM main.alerts a"
    " WHERE a.composed = 1 AND a.at < (SELECT attempts_before FROM temp.limits)"
    "   AND EXISTS (SELECT 1 FROM main.alerts l WHERE l.job = a.job AND l.unit = a.unit AND l.id > a.id);"
    "CREATE TEMP VIEW spent AS SELECT u.id AS unit FROM main.units u CROSS JOIN main.runs r ON r.id = u.run"
    " WHERE u.changed_at < (SELECT attempts_before FROM temp.limits)"
    "   AND (u.state = 'done' OR (u.state IN ('stopped', 'exhausted') AND EXISTS"
    "     (SELECT 1 FROM main.runs n WHERE n.job = r.job AND n.run_date = r.run_date AND n.generation > "
    "r.generation)))"
    "   AND NOT EXISTS (SELECT 1 FROM temp.kept_units k WHERE k.unit = u.id)"
    "   AND (u.state <> 'done' OR EXISTS (SELECT 1 FROM main.units d WHERE d.job = u.job AND d.unit = u.unit"
    "          AND d.state = 'done' AND d.changed_at > u.changed_at))"
    "   AND (NOT EXISTS (SELECT 1 FROM main.attempts f WHERE f.unit = u.id AND f.state NOT IN ('done', "
    "'running'))"
    "        OR EXISTS (SELECT 1 FROM main.units e WHERE e.job = u.job AND e.unit = u.unit AND e.state = "
    "'done'"
    "             AND e.changed_at > u.changed_at AND EXISTS (SELECT 1 FROM main.attempts g"
    "               WHERE g.unit = e.id AND g.state NOT IN ('done', 'running')))"
    "        OR EXISTS (SELECT 1 FROM main.units e WHERE e.state <> 'done' AND e.job = u.job AND e.unit = "
    "u.unit"
    "             AND e.attempts > 0 AND e.changed_at > u.changed_at));";

constexpr std::string_view table_names[] = {"attempts",    "items", "cursor_history", "pauses",  "alerts",
                                            "letters",     "runs",  "units",          "cursors", "effects",
                                            "settlements", "calls", "manifests"};

}  // namespace

void PrunedRows::add(std::string_view table, std::int64_t rows) {
  for (auto& one : tables)
    if (one.name == table) one.rows += rows;
}

std::int64_t PrunedRows::of(std::string_view table) const {
  for (const auto& one : tables)
    if (one.name == table) return one.rows;
  return 0;
}

Pruning::Pruning(Ledger& ledger, const PruneAges& ages, Instant now, Mode mode)
    : ledger_(&ledger), ages_(ages), mode_(mode), now_(now) {
  for (const std::string_view name : table_names) rows_.tables.push_back({name, 0});
}

Result<Pruning> Pruning::begin(Ledger& ledger, const PruneAges& ages, Instant now, Mode mode) {
  Pruning pruning(ledger, ages, now, mode);
  if (auto kept = pruning.keep_what_is_needed(); !kept) return kept.error().during("prune");
  return pruning;
}

/// What can only be found by going over a table is found once, in temporary tables; nothing that happens
/// later can point to something older than the limits.
Result<void> Pruning::keep_what_is_needed() {
  Database& database = ledger_->database();
  if (auto made = database.execute(rules); !made) return made;
  auto limits = database.prepare("INSERT INTO temp.limits VALUES (:attempts, :keys, :calls, :now)");
  if (!limits) return limits.error();
  limits->bind(":attempts", format_instant(ages_.attempts_before));
  limits->bind(":keys", format_instant(ages_.keys_before));
  limits->bind(":calls", format_instant(ages_.calls_before)).bind(":now", format_instant(now_));
  if (auto done = limits->run(); !done) return done;
  // Where each cursor stood when the kept history begins.
  auto history = database.execute(
      "INSERT INTO temp.kept_history SELECT max(id) FROM cursor_history"
      " WHERE scratch_run = 0 AND changed_at < (SELECT attempts_before FROM temp.limits)"
      " GROUP BY job, unit, stream");
  if (!history) return history;
  // Each job's latest run, the last that was done, and those that an alert stands for.
  auto runs = database.execute(
      "INSERT OR IGNORE INTO temp.kept_runs"
      " WITH RECURSIVE each(job) AS (SELECT min(job) FROM runs"
      "   UNION ALL SELECT (SELECT min(job) FROM runs WHERE job > each.job) FROM each WHERE each.job IS NOT "
      "NULL)"
      " SELECT id FROM (SELECT (SELECT id FROM runs l WHERE l.job = each.job"
      "                          ORDER BY run_date DESC, generation DESC LIMIT 1) AS id FROM each"
      "   UNION SELECT (SELECT id FROM runs l WHERE l.job = each.job AND l.state = 'done'"
      "                  ORDER BY run_date DESC, generation DESC LIMIT 1) FROM each"
      "   UNION SELECT run FROM alerts WHERE id NOT IN (SELECT id FROM temp.spent_alerts))"
      " WHERE id IS NOT NULL");
  if (!runs) return runs;
  // The newest attempt stays too: an id is never given out a second time.
  return database.execute(
      "INSERT OR IGNORE INTO temp.kept_units SELECT unit FROM attempts WHERE id IN"
      " (SELECT attempt FROM cursors WHERE scratch_run = 0"
      "  UNION SELECT h.attempt FROM cursor_history h JOIN temp.kept_history k ON k.id = h.id"
      "  UNION SELECT attempt FROM pauses WHERE ended_at IS NULL OR ended_at >= (SELECT attempts_before FROM "
      "temp.limits)"
      "  UNION SELECT attempt FROM effects WHERE state <> 'confirmed'"
      "  UNION SELECT max(id) FROM attempts)"
      " UNION SELECT u.id FROM temp.kept_runs k JOIN units u ON u.run = k.run");
}

Result<bool> Pruning::step() {
  using Walk = Result<bool> (Pruning::*)();
  // What refers comes before what it refers to.
  static constexpr Walk walks[] = {
      &Pruning::history, &Pruning::pauses,  &Pruning::alerts,      &Pruning::letters, &Pruning::attempts,
      &Pruning::runs,    &Pruning::effects, &Pruning::settlements, &Pruning::calls,   &Pruning::manifests};
  constexpr int count = static_cast<int>(std::size(walks));
  if (table_ == count) return false;
  auto more = (this->*walks[table_])();
  if (!more) return more.error().during("prune");
  if (!*more) {
    ++table_;
    behind_ = 0;
  }
  return table_ < count;
}

Result<void> Pruning::write(const std::function<Result<void>()>& body) {
  const PrunedRows before = rows_;
  auto written = ledger_->write([&]() -> Result<void> {
    rows_ = before;  // the body may run twice: Ledger::write()
    if (!noted_) {
      auto note = ledger_->database().prepare(
          "INSERT INTO prunings (pruned_at, attempts_before, keys_before)"
          " SELECT now, attempts_before, keys_before FROM temp.limits");
      if (!note) return note.error();
      if (auto done = note->run(); !done) return done;
    }
    return body();
  });
  if (written) noted_ = true;
  return written;
}

/// One batch of rows by id; `sql` deletes one, and looks once more whether it may. True while there were
/// some.
Result<bool> Pruning::remove(std::string_view table, const std::vector<std::int64_t>& ids, const char* sql) {
  if (ids.empty()) return false;
  behind_ = ids.back();
  if (mode_ == Mode::count) {
    rows_.add(table, static_cast<std::int64_t>(ids.size()));
    return true;
  }
  auto written = write([&]() -> Result<void> {
    auto one = ledger_->database().prepare(sql);
    if (!one) return one.error();
    for (const std::int64_t id : ids) {
      one->bind(":id", id);
      if (auto done = one->run(); !done) return done;
      rows_.add(table, ledger_->database().changes());
    }
    return {};
  });
  if (!written) return written.error();
  return true;
}

Result<bool> Pruning::history() {
  auto query = ledger_->database().prepare(
      "SELECT id FROM cursor_history"
      " WHERE id > :behind AND changed_at < (SELECT attempts_before FROM temp.limits)"
      " AND id NOT IN (SELECT id FROM temp.kept_history) ORDER BY id LIMIT :most");
  if (!query) return query.error();
  query->bind(":behind", behind_).bind(":most", most_rows);
  auto ids = all_rows(query, first_number);
  if (!ids) return ids.error();
  return remove("cursor_history", *ids, "DELETE FROM cursor_history WHERE id = :id");
}

Result<bool> Pruning::pauses() {
  auto query = ledger_->database().prepare(
      "SELECT id FROM pauses WHERE id > :behind AND ended_at < (SELECT attempts_before FROM temp.limits)"
      " ORDER BY id LIMIT :most");
  if (!query) return query.error();
  query->bind(":behind", behind_).bind(":most", most_rows);
  auto ids = all_rows(query, first_number);
  if (!ids) return ids.error();
  return remove("pauses", *ids, "DELETE FROM pauses WHERE id = :id AND ended_at IS NOT NULL");
}

Result<bool> Pruning::alerts() {
  auto query = ledger_->database().prepare(
      "SELECT id FROM temp.spent_alerts WHERE id > :behind ORDER BY id LIMIT :most");
  if (!query) return query.error();
  query->bind(":behind", behind_).bind(":most", most_rows);
  auto ids = all_rows(query, first_number);
  if (!ids) return ids.error();
  return remove("alerts", *ids, "DELETE FROM alerts WHERE id = :id AND composed = 1");
}

/// One that waits is never too old; one that was given up long ago will tell nobody any more.
Result<bool> Pruning::letters() {
  auto query = ledger_->database().prepare(
      "SELECT id FROM letters WHERE id > :behind AND state <> 'waiting'"
      " AND written_at < (SELECT attempts_before FROM temp.limits) ORDER BY id LIMIT :most");
  if (!query) return query.error();
  query->bind(":behind", behind_).bind(":most", most_rows);
  auto ids = all_rows(query, first_number);
  if (!ids) return ids.error();
  return remove("letters", *ids, "DELETE FROM letters WHERE id = :id AND state <> 'waiting'");
}

namespace {

struct OldUnit {
  std::int64_t first_attempt = 0, unit = 0;
  bool is_spent = false, is_young = false;
};

}  // namespace

/// Attempts have ids in the order they started, so the walk ends at the first that is young.
Result<bool> Pruning::attempts() {
  auto query = ledger_->database().prepare(
      "SELECT a.id, a.unit, EXISTS (SELECT 1 FROM temp.spent s WHERE s.unit = a.unit),"
      "       a.started_at >= (SELECT attempts_before FROM temp.limits) FROM attempts a"
      " WHERE a.id > :behind AND a.number = (SELECT min(number) FROM attempts f WHERE f.unit = a.unit) ORDER "
      "BY a.id LIMIT :most");
  if (!query) return query.error();
  query->bind(":behind", behind_).bind(":most", most_units);
  auto found = all_rows(query, [](const Statement& row) {
    return OldUnit{row.integer(0), row.integer(1), row.integer(2) != 0, row.integer(3) != 0};
  });
  if (!found) return found.error();
  const auto young =
      std::find_if(found->begin(), found->end(), [](const OldUnit& unit) { return unit.is_young; });
  const bool ends = young != found->end() || found->empty();
  found->erase(young, found->end());
  const auto reached = found->empty() ? behind_ : found->back().first_attempt;
  std::erase_if(*found, [](const OldUnit& unit) { return !unit.is_spent; });
  if (mode_ == Mode::count) {
    for (const OldUnit& unit : *found)
      for (const auto& [table, sql] :
           {std::pair{"items", "SELECT count(*) FROM items WHERE unit = :id"},
            std::pair{"attempts", "SELECT count(*) FROM attempts WHERE unit = :id"},
            std::pair{"cursors",
                      "SELECT count(*) FROM cursors c JOIN units u ON u.job = c.job AND u.unit = c.unit"
                      " WHERE u.id = :id AND c.scratch_run = u.run"}}) {
        auto rows = count_for(*ledger_, sql, unit.unit);
        if (!rows) return rows.error();
        rows_.add(table, *rows);
      }
    behind_ = reached;
    return !ends;
  }
  std::int64_t finished = reached;  // where the next batch goes on
  auto written = found->empty() ? Result<void>() : write([&]() -> Result<void> {
    std::int64_t left = most_rows;
    finished = reached;
    for (const OldUnit& unit : *found) {
      if (left <= 0) {
        finished = unit.first_attempt - 1;
        return {};
      }
      // A replay may have opened it since.
      auto still = count_for(*ledger_,
                             "SELECT changed_at < (SELECT attempts_before FROM temp.limits)"
                             " FROM units WHERE id = :id",
                             unit.unit);
      if (!still) return still.error();
      if (*still == 0) continue;
      auto items = delete_for(*ledger_,
                              "DELETE FROM items WHERE unit = :id AND item IN"
                              " (SELECT item FROM items WHERE unit = :id LIMIT :most)",
                              unit.unit, left);
      if (!items) return items.error();
      rows_.add("items", *items);
      if ((left -= *items) <= 0) {
        finished = unit.first_attempt - 1;  // its attempts go when all its items are gone
        return {};
      }
      auto cursors = delete_for(*ledger_,
                                "DELETE FROM cursors WHERE (job, unit, scratch_run) ="
                                " (SELECT job, unit, run FROM units WHERE id = :id)",
                                unit.unit);
      if (!cursors) return cursors.error();
      rows_.add("cursors", *cursors);
      auto went = delete_for(*ledger_, "DELETE FROM attempts WHERE unit = :id", unit.unit);
      if (!went) return went.error();
      rows_.add("attempts", *went);
      left -= *went + *cursors;
    }
    return {};
  });
  if (!written) return written.error();
  behind_ = finished;
  return !ends || finished != reached;
}

Result<std::int64_t> longest_token_life(Ledger& ledger) {
  return ledger.database().integer("SELECT ifnull(max(token_ttl_ms), 0) FROM effects");
}

Result<std::vector<std::pair<std::string, std::string>>> stored_manifests(Ledger& ledger) {
  auto query = ledger.database().prepare("SELECT job, text FROM manifests");
  if (!query) return query.error();
  return all_rows(query, [](const Statement& row) { return std::pair(row.text(0), row.text(1)); });
}

Result<std::int64_t> prune_output_files(Ledger& ledger, bool remove) {
  std::int64_t count = 0;
  const std::string folder = ledger.path() + ".output";
  for (const std::string& shelf : list_folder(folder, "")) {
    const std::string place = path_join(folder, shelf);
    for (const std::string& name : list_folder(place, "")) {
      const auto id = parse_integer(name, 1, INT64_MAX);
      if (!id) continue;  // not ours
      // Where attempts are only counted, those that would go are still there.
      auto there = count_for(ledger,
                             remove ? "SELECT count(*) FROM attempts WHERE id = :id"
                                    : "SELECT count(*) FROM attempts a WHERE id = :id"
                                      " AND NOT EXISTS (SELECT 1 FROM temp.spent s WHERE s.unit = a.unit)",
                             *id);
      if (!there) return there.error();
      if (*there > 0) continue;
      ++count;
      if (remove) ::unlink(path_join(place, name).c_str());
    }
    if (remove) ::rmdir(place.c_str());  // where it is empty now
  }
  return count;
}

}  // namespace jobrun
