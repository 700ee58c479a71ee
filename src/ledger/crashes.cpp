#include "ledger/crashes.hpp"

#include <algorithm>

#include "ledger/rows.hpp"

namespace jobrun {

namespace {

Result<std::vector<CrashedUnit>> running_units(Ledger& ledger) {
  auto query = ledger.database().prepare(
      "SELECT u.id, u.run, a.id, u.job, u.unit, a.started_at FROM units u JOIN attempts a ON a.unit = u.id"
      " AND a.number = u.attempts WHERE u.state = 'running' AND u.state <> 'done'");
  if (!query) return query.error();
  return all_rows(query, [](const Statement& row) {
    return CrashedUnit{row.integer(0), row.integer(1), row.integer(2), row.text(3), row.text(4), row.text(5)};
  });
}

}  // namespace

Result<std::vector<CrashedUnit>> crashed_units(Ledger& ledger) {
  auto units = running_units(ledger);
  if (!units) return units;
  std::erase_if(*units, [&](const CrashedUnit& one) { return ledger.is_leased(one.job, one.unit); });
  if (units->empty()) return units;
  // Asked for again, after the locks: what ended in between is neither running nor held.
  auto still = running_units(ledger);
  if (!still) return still;
  std::erase_if(*units, [&](const CrashedUnit& one) {
    return std::none_of(still->begin(), still->end(),
                        [&](const CrashedUnit& now) { return now.attempt_id == one.attempt_id; });
  });
  return units;
}

}  // namespace jobrun
