// What both halves of pruning do with the rows of one unit or run: count them, delete them.
// `sql` has :id, and :most where that is given. Knows no table.
#pragma once

#include "ledger/ledger.hpp"
#include "ledger/rows.hpp"

namespace jobrun {

/// Rows of one transaction: a few milliseconds, whatever the disk. A unit with a million items takes many.
constexpr std::int64_t most_rows = 500;

inline std::int64_t first_number(const Statement& row) {
  return row.integer(0);
}

inline Result<std::int64_t> count_for(Ledger& ledger, const char* sql, std::int64_t id) {
  auto query = ledger.database().prepare(sql);
  if (!query) return query.error();
  query->bind(":id", id);
  if (auto found = query->step(); !found) return found.error();
  return query->integer(0);
}

/// Answers how many rows went.
inline Result<std::int64_t> delete_for(Ledger& ledger, const char* sql, std::int64_t id,
                                       std::int64_t most = 0) {
  auto remove = ledger.database().prepare(sql);
  if (!remove) return remove.error();
  remove->bind(":id", id);
  if (most > 0) remove->bind(":most", most);
  if (auto done = remove->run(); !done) return done.error();
  return ledger.database().changes();
}

}  // namespace jobrun
