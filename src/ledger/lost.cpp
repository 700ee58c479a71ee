#include "ledger/lost.hpp"

#include "base/civil.hpp"
#include "ledger/effects.hpp"

namespace jobrun {

Result<void> mark_lost_interval(Database& copy, const std::string& since) {
  auto mark = copy.prepare(
      "INSERT INTO effects (scope, key, state, token, if_in_doubt, token_ttl_ms, intended_at,"
      "  keep_until, tries) VALUES ('', :key, 'in_doubt', '', 'stop', 0, :since, :since, 0)"
      " ON CONFLICT DO UPDATE SET result = NULL");
  if (!mark) return mark.error();
  mark->bind(":key", lost_interval_key).bind(":since", since);
  return mark->run();
}

Result<std::optional<LostInterval>> lost_interval(Ledger& ledger) {
  auto found = find_effect(ledger, "", lost_interval_key);
  if (!found) return found.error();
  if (!*found) return std::optional<LostInterval>();
  return std::optional<LostInterval>(LostInterval{(*found)->intended_at, (*found)->result});
}

Result<std::optional<LostInterval>> lost_interval_for(Ledger& ledger, std::string_view scope,
                                                      std::string_view key) {
  auto lost = lost_interval(ledger);
  if (!lost || !*lost) return lost;
  auto settled = ledger.database().prepare(
      "SELECT 1 FROM settlements WHERE scope = :scope AND key = :key AND settled_at >= :since");
  if (!settled) return settled.error();
  settled->bind(":scope", scope).bind(":key", key).bind(":since", (*lost)->since);
  auto found = settled->step();
  if (!found) return found.error();
  if (*found) return std::optional<LostInterval>();
  return lost;
}

Result<std::int64_t> release_lost_interval(Ledger& ledger, std::string_view reason, Instant now) {
  // What the interval alone put in doubt was never tried by this ledger.
  auto words = ledger.database().prepare(
      "INSERT INTO settlements (scope, key, happened, reason, settled_at)"
      " SELECT scope, key, 0, :reason, :now FROM effects WHERE state <> 'confirmed' AND state = 'in_doubt' "
      "AND tries = 0");
  if (!words) return words.error();
  words->bind(":reason", reason).bind(":now", format_instant(now));
  if (auto done = words->run(); !done) return done.error();
  auto released = ledger.database().execute(
      "DELETE FROM effects WHERE state <> 'confirmed' AND state = 'in_doubt' AND tries = 0");
  if (!released) return released.error();
  return ledger.database().changes() - 1;  // without the interval itself
}

}  // namespace jobrun
