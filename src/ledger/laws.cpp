#include "ledger/laws.hpp"

#include "base/format.hpp"
#include "base/text.hpp"
#include "ledger/crashes.hpp"
#include "ledger/rows.hpp"

namespace jobrun {

namespace {

struct Law {
  std::string_view name;
  bool is_fault;
  const char* breaches;  // one text each, 20 at most
};

// Faults first: a ledger that is not sound answers the other questions as it likes.
constexpr Law laws[] = {
    {"integrity", true, "SELECT * FROM pragma_integrity_check(20) WHERE integrity_check <> 'ok'"},
    {"references", true,
     "SELECT 'a row of ' || \"table\" || ifnull(' (' || rowid || ')', '') || ' refers to a row that is not "
     "in '"
     "  || parent FROM pragma_foreign_key_check LIMIT 20"},
    {"counters", true,
     "SELECT 'run ' || r.run_id || ' counts other units than it has' FROM runs r"
     " WHERE (r.pending, r.running, r.retrying, r.done, r.stopped, r.exhausted, r.in_doubt) IS NOT"
     "  (SELECT ifnull(sum(state = 'pending'), 0), ifnull(sum(state = 'running'), 0),"
     "          ifnull(sum(state = 'retrying'), 0), ifnull(sum(state = 'done'), 0),"
     "          ifnull(sum(state = 'stopped'), 0), ifnull(sum(state = 'exhausted'), 0),"
     "          ifnull(sum(state = 'in_doubt'), 0) FROM units u WHERE u.run = r.id) LIMIT 20"},
    {"attempts", true,
     // All of a unit's, or where prune took them those since.
     "SELECT job || ' ' || unit || ' (unit ' || id || ') counts ' || attempts || ' attempts and has ' || "
     "rows FROM"
     " (SELECT u.*, (SELECT count(*) FROM attempts a WHERE a.unit = u.id) AS rows,"
     "         (SELECT ifnull(max(number), 0) FROM attempts a WHERE a.unit = u.id) AS last FROM units u)"
     " WHERE (rows <> attempts OR last <> attempts)"
     "   AND NOT (rows < attempts AND (rows = 0 OR last = attempts) AND (SELECT created_at FROM runs r"
     "     WHERE r.id = run) < ifnull((SELECT max(attempts_before) FROM prunings), '')) LIMIT 20"},
    {"states", true,
     "SELECT u.job || ' ' || u.unit || ' (unit ' || u.id || ') is ' || u.state || ', its attempt ' || "
     "a.number ||"
     "       ' is ' || a.state"
     " FROM units u JOIN attempts a ON a.unit = u.id AND a.number = u.attempts"
     " WHERE (u.state = 'running') <> (a.state = 'running') LIMIT 20"},
    // No fault: a clock may be set back.
    {"clock", false,
     "SELECT 'effect ' || key || ' of ' || scope || ' is confirmed before it was intended' FROM effects"
     " WHERE confirmed_at < intended_at LIMIT 20"},
    {"effects", false,
     "SELECT e.key || iif(e.scope = '', '', ' of ' || e.scope) || ' is open and its attempt has ended:"
     " `jobrun effects`' FROM effects e"
     "  LEFT JOIN attempts a ON a.id = e.attempt"
     " WHERE e.state <> 'confirmed' AND (e.state = 'in_doubt' OR a.state IS NOT 'running') LIMIT 20"},
};

Result<void> find_crashes(Ledger& ledger, std::vector<Finding>& findings) {
  auto crashed = crashed_units(ledger);
  if (!crashed) return crashed.error();
  for (const auto& unit : *crashed) {
    findings.push_back({"crashed",
                        fmt::format("{} {} was begun at {} and nobody runs it: the next call brings it on",
                                    unit.job, unit.unit, unit.started_at),
                        false});
    if (findings.size() > 200) break;
  }
  return {};
}

}  // namespace

Result<std::vector<Finding>> check_laws(Ledger& ledger) {
  std::vector<Finding> findings;
  auto looked = ledger.read([&]() -> Result<void> {
    for (const Law& law : laws) {
      auto query = ledger.database().prepare(law.breaches);
      auto breaches = query ? all_rows(query, only_text) : Result<std::vector<std::string>>(query.error());
      if (!breaches) {
        if (breaches.error().fault() != Fault::setup) return breaches.error();
        findings.push_back({"integrity", breaches.error().what(), true});  // what is damaged can't be read
        return {};
      }
      for (auto& what : *breaches) findings.push_back({law.name, std::move(what), law.is_fault});
      if (law.name == "integrity" && !findings.empty()) return {};
    }
    return {};
  });
  if (!looked) return looked.error();
  if (!findings.empty() && findings.front().law == "integrity") return findings;
  if (auto found = find_crashes(ledger, findings); !found) return found.error();
  return findings;
}

}  // namespace jobrun
