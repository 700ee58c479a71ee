// Reading a query to its end: every row, or the first, turned into a value.
// For the ledger's own files; binds nothing and knows no table.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/sqlite.hpp"

namespace jobrun {

/// `query` is prepared and bound; `read` makes a value of one row.
template <class Read>
auto all_rows(Result<Statement>& query, Read read) -> Result<std::vector<decltype(read(*query))>> {
  std::vector<decltype(read(*query))> rows;
  while (true) {
    auto more = query->step();
    if (!more) return more.error();
    if (!*more) return rows;
    rows.push_back(read(*query));
  }
}

template <class Read>
auto first_row(Result<Statement>& query, Read read) -> Result<std::optional<decltype(read(*query))>> {
  auto found = query->step();
  if (!found) return found.error();
  if (!*found) return std::optional<decltype(read(*query))>();
  return std::optional<decltype(read(*query))>(read(*query));
}

/// The row's only column.
inline std::string only_text(const Statement& row) {
  return row.text(0);
}

}  // namespace jobrun
