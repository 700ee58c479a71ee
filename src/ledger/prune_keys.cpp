// The second half of pruning: keys of runs and effects, and what only they held. See ledger/prune.hpp.
#include <tuple>

#include "ledger/prune.hpp"
#include "ledger/prune_rows.hpp"

namespace jobrun {

namespace {

constexpr std::int64_t most_runs = 20;  // of one transaction, each with all its units

// What a unit that is not done confirmed stays: it may still be brought on, and would ask.
#define FORGETTABLE                                                                                        \
  "state = 'confirmed' AND keep_until < (SELECT now FROM temp.limits)"                                     \
  " AND confirmed_at < (SELECT keys_before FROM temp.limits) AND NOT EXISTS (SELECT 1 FROM main.attempts"  \
  "   JOIN main.units ON units.id = attempts.unit WHERE attempts.id = effects.attempt AND units.state <> " \
  "'done')"

}  // namespace

/// Runs none of whose units has an attempt left (or, where this only counts, would have one).
Result<bool> Pruning::runs() {
  auto query = ledger_->database().prepare(
      "SELECT r.id FROM runs r WHERE r.id > :behind AND r.changed_at < (SELECT keys_before FROM temp.limits)"
      " AND r.pending + r.running + r.retrying + r.in_doubt = 0"
      " AND r.id NOT IN (SELECT run FROM temp.kept_runs)"
      " AND (r.stopped + r.exhausted = 0 OR EXISTS (SELECT 1 FROM runs n WHERE n.job = r.job"
      "        AND n.run_date = r.run_date AND n.generation > r.generation))"
      // Without its first generation a run that was done again would look as if it had not been: oldest
      // first.
      " AND NOT EXISTS (SELECT 1 FROM runs g WHERE g.job = r.job AND g.run_date = r.run_date"
      "        AND g.generation < r.generation AND g.id NOT IN (SELECT run FROM temp.doomed_runs))"
      " AND NOT EXISTS (SELECT 1 FROM units u WHERE u.run = r.id"
      "        AND EXISTS (SELECT 1 FROM attempts a WHERE a.unit = u.id)"
      "        AND NOT EXISTS (SELECT 1 FROM temp.spent s WHERE s.unit = u.id))"
      " ORDER BY r.id LIMIT :most");
  if (!query) return query.error();
  query->bind(":behind", behind_).bind(":most", most_runs);
  auto ids = all_rows(query, first_number);
  if (!ids) return ids.error();
  if (ids->empty()) return false;
  behind_ = ids->back();
  const auto remove_one = [&](std::int64_t id) -> Result<void> {
    auto units = mode_ == Mode::count
                     ? count_for(*ledger_, "SELECT count(*) FROM units WHERE run = :id", id)
                     : delete_for(*ledger_,
                                  "DELETE FROM units WHERE run = :id AND (SELECT changed_at <"
                                  " (SELECT keys_before FROM temp.limits) FROM runs WHERE id = :id)",
                                  id);
    if (!units) return units.error();
    auto run =
        mode_ == Mode::count
            ? Result<std::int64_t>(1)
            : delete_for(
                  *ledger_,
                  "DELETE FROM runs WHERE id = :id AND NOT EXISTS (SELECT 1 FROM units WHERE run = :id)", id);
    if (!run) return run.error();
    rows_.add("units", *units);
    rows_.add("runs", *run);
    auto doomed = ledger_->database().prepare("INSERT OR IGNORE INTO temp.doomed_runs VALUES (:id)");
    if (!doomed) return doomed.error();
    doomed->bind(":id", id);
    return doomed->run();
  };
  const auto remove_all = [&]() -> Result<void> {
    for (const std::int64_t id : *ids)
      if (auto done = remove_one(id); !done) return done;
    return {};
  };
  if (auto done = mode_ == Mode::count ? remove_all() : write(remove_all); !done) return done.error();
  return true;
}

Result<bool> Pruning::effects() {
  auto query = ledger_->database().prepare(
      "SELECT scope, key FROM effects WHERE (scope, key) > (:scope, :key) AND " FORGETTABLE
      " ORDER BY scope, key LIMIT :most");
  if (!query) return query.error();
  query->bind(":scope", scope_).bind(":key", key_).bind(":most", most_rows);
  auto names = all_rows(query, [](const Statement& row) { return std::pair(row.text(0), row.text(1)); });
  if (!names) return names.error();
  if (names->empty()) return false;
  std::tie(scope_, key_) = names->back();
  if (mode_ == Mode::count) {
    rows_.add("effects", static_cast<std::int64_t>(names->size()));
    return true;
  }
  auto written = write([&]() -> Result<void> {
    auto one = ledger_->database().prepare(
        "DELETE FROM effects WHERE scope = :scope AND key = :key AND " FORGETTABLE);
    if (!one) return one.error();
    for (const auto& [scope, key] : *names) {
      one->bind(":scope", scope).bind(":key", key);
      if (auto done = one->run(); !done) return done;
      rows_.add("effects", ledger_->database().changes());
    }
    return {};
  });
  if (!written) return written.error();
  return true;
}

/// A person's word goes after the effect it was about.
Result<bool> Pruning::settlements() {
  auto query = ledger_->database().prepare(
      "SELECT id FROM settlements s WHERE id > :behind AND settled_at < (SELECT keys_before FROM temp.limits)"
      " AND NOT EXISTS (SELECT 1 FROM effects WHERE effects.scope = s.scope AND effects.key = s.key"
      "        AND NOT (" FORGETTABLE
      "))"
      " ORDER BY id LIMIT :most");
  if (!query) return query.error();
  query->bind(":behind", behind_).bind(":most", most_rows);
  auto ids = all_rows(query, first_number);
  if (!ids) return ids.error();
  return remove("settlements", *ids, "DELETE FROM settlements WHERE id = :id");
}

/// Calls have no index by which their attempts are found. They go late, when only few attempts of that age
/// are left, and those are looked through once.
Result<bool> Pruning::calls() {
  if (behind_ == 0) {
    auto kept = ledger_->database().execute(
        "INSERT OR IGNORE INTO temp.kept_calls SELECT a.call FROM attempts a WHERE a.id <"
        "  ifnull((SELECT id FROM attempts WHERE started_at >= (SELECT attempts_before FROM temp.limits)"
        "           ORDER BY id LIMIT 1), 9223372036854775807)"
        " AND NOT EXISTS (SELECT 1 FROM temp.spent s WHERE s.unit = a.unit)");
    if (!kept) return kept.error();
  }
  auto query = ledger_->database().prepare(
      "SELECT id FROM calls WHERE id > :behind AND called_at < (SELECT calls_before FROM temp.limits)"
      " AND id NOT IN (SELECT call FROM temp.kept_calls) ORDER BY id LIMIT :most");
  if (!query) return query.error();
  query->bind(":behind", behind_).bind(":most", most_rows);
  auto ids = all_rows(query, first_number);
  if (!ids) return ids.error();
  return remove("calls", *ids, "DELETE FROM calls WHERE id = :id");
}

Result<bool> Pruning::manifests() {
  if (rows_.of("runs") == 0) return false;
  auto query = ledger_->database().prepare(
      "SELECT id FROM manifests m WHERE id > :behind AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.job = m.job"
      " AND r.manifest = m.id AND r.id NOT IN (SELECT run FROM temp.doomed_runs)) ORDER BY id LIMIT 1");
  if (!query) return query.error();
  query->bind(":behind", behind_);
  auto ids = all_rows(query, first_number);
  if (!ids) return ids.error();
  return remove("manifests", *ids,
                "DELETE FROM manifests WHERE id = :id AND NOT EXISTS"
                " (SELECT 1 FROM runs r WHERE r.job = manifests.job AND r.manifest = manifests.id)");
}

}  // namespace jobrun
