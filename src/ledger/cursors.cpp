#include "ledger/cursors.hpp"

#include "base/civil.hpp"
#include "ledger/rows.hpp"

namespace jobrun {

namespace {

std::int64_t scratch_of(const Unit& unit) {
  return unit.scratch ? unit.run : 0;
}

CursorRow read_cursor(const Statement& row) {
  return {row.text(0),          row.text(1),          row.text(2),
          row.optional_text(3), row.optional_text(4), row.optional_integer(5),
          row.optional_text(6)};
}

}  // namespace

Result<std::string> cursor_of(Ledger& ledger, const Unit& unit, std::string_view stream) {
  auto query = ledger.database().prepare(
      "SELECT value FROM cursors"
      " WHERE job = :job AND unit = :unit AND stream = :stream AND scratch_run = :scratch");
  if (!query) return query.error();
  query->bind(":job", unit.job).bind(":unit", unit.unit).bind(":stream", stream);
  query->bind(":scratch", scratch_of(unit));
  auto found = query->step();
  if (!found) return found.error();
  return *found ? query->text(0) : std::string();
}

Result<void> set_cursor(Ledger& ledger, const Unit& unit, std::string_view stream, std::string_view value,
                        std::int64_t attempt, Instant now) {
  auto update = ledger.database().prepare(
      "INSERT INTO cursors (job, unit, stream, scratch_run, value, changed_at, attempt)"
      " VALUES (:job, :unit, :stream, :scratch, :value, :now, :attempt)"
      " ON CONFLICT (job, unit, stream, scratch_run) DO UPDATE"
      " SET value = excluded.value, changed_at = excluded.changed_at, attempt = excluded.attempt");
  if (!update) return update.error();
  update->bind(":job", unit.job).bind(":unit", unit.unit).bind(":stream", stream).bind(":value", value);
  update->bind(":scratch", scratch_of(unit)).bind(":now", format_instant(now)).bind(":attempt", attempt);
  if (auto done = update->run(); !done) return done;
  auto history = ledger.database().prepare(
      "INSERT INTO cursor_history (job, unit, stream, scratch_run, value, changed_at, attempt)"
      " VALUES (:job, :unit, :stream, :scratch, :value, :now, :attempt)"
      " ON CONFLICT (job, unit, stream, scratch_run, attempt) DO UPDATE"
      " SET value = excluded.value, changed_at = excluded.changed_at");
  if (!history) return history.error();
  history->bind(":job", unit.job).bind(":unit", unit.unit).bind(":stream", stream).bind(":value", value);
  history->bind(":scratch", scratch_of(unit)).bind(":now", format_instant(now)).bind(":attempt", attempt);
  return history->run();
}

Result<void> change_cursor(Ledger& ledger, const CursorChange& change, Instant now) {
  auto write = change.value
                   ? ledger.database().prepare(
                         "INSERT INTO cursors (job, unit, stream, value, changed_at)"
                         " VALUES (:job, :unit, :stream, :value, :now)"
                         " ON CONFLICT (job, unit, stream, scratch_run) DO UPDATE"
                         " SET value = excluded.value, changed_at = excluded.changed_at, attempt = NULL")
                   : ledger.database().prepare(
                         "DELETE FROM cursors"
                         " WHERE job = :job AND unit = :unit AND stream = :stream AND scratch_run = 0");
  if (!write) return write.error();
  write->bind(":job", change.job).bind(":unit", change.unit).bind(":stream", change.stream);
  if (change.value) write->bind(":value", *change.value).bind(":now", format_instant(now));
  if (auto done = write->run(); !done) return done;
  auto history = ledger.database().prepare(
      "INSERT INTO cursor_history (job, unit, stream, value, changed_at, reason)"
      " VALUES (:job, :unit, :stream, :value, :now, :reason)");
  if (!history) return history.error();
  history->bind(":job", change.job).bind(":unit", change.unit).bind(":stream", change.stream);
  history->bind(":value", change.value).bind(":now", format_instant(now)).bind(":reason", change.reason);
  return history->run();
}

Result<std::vector<CursorRow>> cursors_of(Ledger& ledger, std::string_view job, std::string_view unit) {
  auto query = ledger.database().prepare(
      "SELECT c.unit, c.stream, c.changed_at, c.value, r.run_id, a.number,"
      "       CASE WHEN c.attempt IS NULL THEN"
      "         (SELECT h.reason FROM cursor_history h WHERE h.job = c.job AND h.unit = c.unit"
      "             AND h.stream = c.stream AND h.scratch_run = 0 AND h.attempt IS NULL"
      "           ORDER BY h.id DESC LIMIT 1) END"
      "  FROM cursors c LEFT JOIN attempts a ON a.id = c.attempt LEFT JOIN units u ON u.id = a.unit"
      "                 LEFT JOIN runs r ON r.id = u.run"
      " WHERE c.job = :job AND (:unit = '' OR c.unit = :unit) AND c.scratch_run = 0"
      " ORDER BY c.unit, c.stream");
  if (!query) return query.error();
  query->bind(":job", job).bind(":unit", unit);
  return all_rows(query, read_cursor);
}

Result<std::vector<CursorRow>> cursor_history(Ledger& ledger, std::string_view job, std::string_view unit,
                                              std::int64_t most) {
  auto query = ledger.database().prepare(
      "SELECT h.unit, h.stream, h.changed_at, h.value, r.run_id, a.number, h.reason"
      "  FROM cursor_history h LEFT JOIN attempts a ON a.id = h.attempt LEFT JOIN units u ON u.id = a.unit"
      "                        LEFT JOIN runs r ON r.id = u.run"
      " WHERE h.job = :job AND (:unit = '' OR h.unit = :unit) AND h.scratch_run = 0"
      " ORDER BY h.changed_at DESC, h.id DESC LIMIT :most");
  if (!query) return query.error();
  query->bind(":job", job).bind(":unit", unit).bind(":most", most);
  return all_rows(query, read_cursor);
}

Result<bool> can_rewind(Ledger& ledger, const Unit& unit) {
  auto query = ledger.database().prepare(
      "SELECT ifnull((SELECT started_at FROM attempts WHERE unit = :unit_row AND number = 1), '')"
      "         >= ifnull((SELECT max(attempts_before) FROM prunings), '')"
      "    OR NOT EXISTS (SELECT 1 FROM cursor_history"
      "                    WHERE job = :job AND unit = :unit AND scratch_run = 0)");
  if (!query) return query.error();
  query->bind(":unit_row", unit.id).bind(":job", unit.job).bind(":unit", unit.unit);
  if (auto found = query->step(); !found) return found.error();
  return query->integer(0) != 0;
}

Result<void> rewind_scratch_cursor(Ledger& ledger, const Unit& unit, Instant now) {
  auto clear = ledger.database().prepare(
      "DELETE FROM cursors WHERE job = :job AND unit = :unit AND scratch_run = :run");
  if (!clear) return clear.error();
  clear->bind(":job", unit.job).bind(":unit", unit.unit).bind(":run", unit.run);
  if (auto done = clear->run(); !done) return done;
  auto copy = ledger.database().prepare(
      "INSERT INTO cursors (job, unit, stream, scratch_run, value, changed_at)"
      " SELECT h.job, h.unit, h.stream, :run, h.value, :now FROM cursor_history h"
      "  WHERE h.id IN (SELECT max(b.id) FROM cursor_history b"
      "                  WHERE b.job = :job AND b.unit = :unit AND b.scratch_run = 0"
      "                    AND (b.attempt < (SELECT min(id) FROM attempts WHERE unit = :unit_row)"
      "                         OR (b.attempt IS NULL AND b.changed_at <"
      "                             (SELECT min(started_at) FROM attempts WHERE unit = :unit_row)))"
      "                  GROUP BY b.stream)"
      "    AND h.value IS NOT NULL");
  if (!copy) return copy.error();
  copy->bind(":job", unit.job).bind(":unit", unit.unit).bind(":run", unit.run);
  copy->bind(":unit_row", unit.id).bind(":now", format_instant(now));
  return copy->run();
}

Result<bool> item_is_done(Ledger& ledger, std::int64_t unit, std::string_view item) {
  auto query = ledger.database().prepare("SELECT 1 FROM items WHERE unit = :unit AND item = :item");
  if (!query) return query.error();
  query->bind(":unit", unit).bind(":item", item);
  return query->step();
}

Result<void> add_item(Ledger& ledger, std::int64_t unit, std::string_view item, std::int64_t attempt,
                      Instant now) {
  auto insert = ledger.database().prepare(
      "INSERT INTO items (unit, item, done_at, attempt) VALUES (:unit, :item, :now, :attempt)"
      " ON CONFLICT (unit, item) DO NOTHING");
  if (!insert) return insert.error();
  insert->bind(":unit", unit).bind(":item", item).bind(":attempt", attempt).bind(":now", format_instant(now));
  return insert->run();
}

Result<std::int64_t> count_items(Ledger& ledger, std::int64_t unit) {
  auto query = ledger.database().prepare("SELECT count(*) FROM items WHERE unit = :unit");
  if (!query) return query.error();
  query->bind(":unit", unit);
  if (auto found = query->step(); !found) return found.error();
  return query->integer(0);
}

Result<void> remove_items(Ledger& ledger, std::int64_t unit) {
  auto remove = ledger.database().prepare("DELETE FROM items WHERE unit = :unit");
  if (!remove) return remove.error();
  remove->bind(":unit", unit);
  return remove->run();
}

}  // namespace jobrun
