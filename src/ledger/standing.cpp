#include "ledger/standing.hpp"

#include "base/civil.hpp"
#include "ledger/rows.hpp"

namespace jobrun {

Result<std::optional<WholeSuccess>> whole_success(Ledger& ledger, std::string_view job, Instant now) {
  auto query = ledger.database().prepare(
      "SELECT changed_at, run_date FROM runs r WHERE job = :job"
      "   AND running = 0 AND retrying = 0 AND in_doubt = 0 AND exhausted = 0 AND stopped = 0"
      "   AND (pending = 0 OR (done > 0 AND NOT EXISTS ("
      "     SELECT 1 FROM units u WHERE u.run = r.id AND u.state = 'pending' AND NOT EXISTS ("
      "       SELECT 1 FROM pauses p WHERE p.job = u.job AND ifnull(p.unit, '') IN ('', u.unit)"
      "         AND p.ended_at IS NULL AND (p.until IS NULL OR p.until > :now)))))"
      " ORDER BY run_date DESC, generation DESC LIMIT 1");
  if (!query) return query.error();
  query->bind(":job", job).bind(":now", format_instant(now));
  return first_row(query, [](const Statement& row) { return WholeSuccess{row.text(0), row.text(1)}; });
}

Result<std::string> first_heard_of(Ledger& ledger, std::string_view job) {
  auto query = ledger.database().prepare(
      "SELECT created_at FROM runs WHERE job = :job ORDER BY run_date, generation LIMIT 1");
  if (!query) return query.error();
  query->bind(":job", job);
  auto found = first_row(query, only_text);
  if (!found) return found.error();
  return found->value_or("");
}

Result<bool> is_paused(Ledger& ledger, std::string_view job, Instant now) {
  auto query = ledger.database().prepare(
      "SELECT 1 FROM pauses WHERE job = :job AND ifnull(unit, '') IN ('', '-') AND ended_at IS NULL"
      "   AND (until IS NULL OR until > :now) LIMIT 1");
  if (!query) return query.error();
  query->bind(":job", job).bind(":now", format_instant(now));
  return query->step();
}

}  // namespace jobrun
