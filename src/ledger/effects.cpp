#include "ledger/effects.hpp"

#include <algorithm>

#include "base/civil.hpp"
#include "ledger/rows.hpp"

namespace jobrun {

namespace {

/// 0 stands for no attempt: an effect that a person began by hand.
std::optional<std::int64_t> or_null(std::int64_t attempt) {
  return attempt == 0 ? std::nullopt : std::optional<std::int64_t>(attempt);
}

/// No job has an empty name, so these leases meet no unit's.
std::string lease_name(std::string_view scope, std::string_view key) {
  return std::string(scope).append("\n").append(key);
}

}  // namespace

Result<std::optional<Effect>> find_effect(Ledger& ledger, std::string_view scope, std::string_view key) {
  auto query = ledger.database().prepare(
      "SELECT scope, key, state, token, fingerprint, if_in_doubt, token_ttl_ms, intended_at, attempt, "
      "confirmed_at, result"
      " FROM effects WHERE scope = :scope AND key = :key");
  if (!query) return query.error();
  query->bind(":scope", scope).bind(":key", key);
  auto found = query->step();
  if (!found) return found.error();
  if (!*found) return std::optional<Effect>();
  Effect effect;
  effect.scope = query->text(0);
  effect.key = query->text(1);
  effect.state = effect_state(query->text(2)).value_or(EffectState::in_doubt);
  effect.token = query->text(3);
  effect.fingerprint = query->text(4);
  effect.if_in_doubt = if_in_doubt(query->text(5)).value_or(IfInDoubt::stop);
  effect.token_ttl = Span(query->integer(6));
  effect.intended_at = query->text(7);
  effect.attempt = query->integer(8);
  effect.confirmed_at = query->text(9);
  effect.result = query->text(10);
  return std::optional<Effect>(effect);
}

Result<void> add_intent(Ledger& ledger, const Effect& effect, Instant now) {
  auto insert = ledger.database().prepare(
      "INSERT INTO effects (scope, key, state, token, fingerprint, if_in_doubt, token_ttl_ms, intended_at,"
      "                     keep_until, attempt, tries)"
      " VALUES (:scope, :key, 'intended', :token, :fingerprint, :policy, :ttl, :begun, :keep_until, :attempt,"
      "         :tries)");
  if (!insert) return insert.error();
  insert->bind(":scope", effect.scope).bind(":key", effect.key).bind(":token", effect.token);
  insert->bind(":fingerprint", effect.fingerprint).bind(":policy", word_of(effect.if_in_doubt));
  insert->bind(":ttl", static_cast<std::int64_t>(effect.token_ttl.count()));
  insert->bind(":begun", effect.intended_at.empty() ? format_instant(now) : effect.intended_at);
  insert->bind(":keep_until", format_instant(now + std::max(effect.keep, effect.token_ttl)));
  insert->bind(":attempt", or_null(effect.attempt)).bind(":tries", effect.tries);
  return insert->run();
}

Result<void> renew_intent(Ledger& ledger, const Effect& effect, bool tries_again) {
  auto update = ledger.database().prepare(
      "UPDATE effects SET state = 'intended', attempt = :attempt, tries = max(1, tries + :more),"
      "  if_in_doubt = :policy"
      " WHERE scope = :scope AND key = :key AND state <> 'confirmed'");
  if (!update) return update.error();
  update->bind(":scope", effect.scope).bind(":key", effect.key).bind(":attempt", or_null(effect.attempt));
  update->bind(":policy", word_of(effect.if_in_doubt)).bind(":more", std::int64_t{tries_again ? 1 : 0});
  return update->run();
}

Result<bool> is_acted_on(Ledger& ledger, const Effect& effect) {
  if (effect.attempt == 0) return ledger.is_leased("", lease_name(effect.scope, effect.key));
  auto query = ledger.database().prepare(
      "SELECT u.job, u.unit FROM attempts a JOIN units u ON u.id = a.unit"
      " WHERE a.id = :attempt AND a.state = 'running'");
  if (!query) return query.error();
  query->bind(":attempt", effect.attempt);
  auto running = query->step();
  if (!running) return running.error();
  return *running && ledger.is_leased(query->text(0), query->text(1));
}

Result<std::optional<Lease>> lease_effect(Ledger& ledger, std::string_view scope, std::string_view key) {
  return ledger.lease("", lease_name(scope, key));
}

Result<bool> confirm_effect(Ledger& ledger, std::string_view scope, std::string_view key,
                            std::int64_t attempt, std::string_view result, Instant now) {
  auto update = ledger.database().prepare(
      "UPDATE effects SET state = 'confirmed', confirmed_at = :now, result = :result"
      " WHERE scope = :scope AND key = :key AND attempt IS :attempt AND state = 'intended'");
  if (!update) return update.error();
  update->bind(":scope", scope).bind(":key", key).bind(":attempt", or_null(attempt));
  update->bind(":result", result).bind(":now", format_instant(now));
  if (auto done = update->run(); !done) return done.error();
  return ledger.database().changes() == 1;
}

Result<bool> release_intent(Ledger& ledger, std::string_view scope, std::string_view key,
                            std::int64_t attempt) {
  // An earlier try may have happened: only this one did not, and the age of the first intent stays.
  for (const char* sql :
       {"UPDATE effects SET tries = tries - 1 WHERE scope = :scope AND key = :key AND attempt IS :attempt"
        " AND state = 'intended' AND tries > 1",
        "DELETE FROM effects WHERE scope = :scope AND key = :key AND attempt IS :attempt"
        " AND state = 'intended'"}) {
    auto change = ledger.database().prepare(sql);
    if (!change) return change.error();
    change->bind(":scope", scope).bind(":key", key).bind(":attempt", or_null(attempt));
    if (auto done = change->run(); !done) return done.error();
    if (ledger.database().changes() == 1) return true;
  }
  return false;
}

Result<void> mark_in_doubt(Ledger& ledger, std::string_view scope, std::string_view key,
                           std::int64_t attempt) {
  // From here on it is a person's, whatever the policy was when it was intended.
  auto update = ledger.database().prepare(
      "UPDATE effects SET state = 'in_doubt', if_in_doubt = 'stop', attempt = ifnull(:attempt, attempt)"
      " WHERE scope = :scope AND key = :key AND state <> 'confirmed'");
  if (!update) return update.error();
  update->bind(":scope", scope).bind(":key", key).bind(":attempt", or_null(attempt));
  return update->run();
}

Result<std::vector<LeftOpen>> doubt_open_effects(Ledger& ledger, std::int64_t attempt) {
  auto query = ledger.database().prepare(
      "UPDATE effects SET state = 'in_doubt'"
      " WHERE attempt = :attempt AND state <> 'confirmed' AND if_in_doubt = 'stop' RETURNING key, tries");
  if (!query) return query.error();
  query->bind(":attempt", attempt);
  return all_rows(query, [](const Statement& row) { return LeftOpen{row.text(0), row.integer(1)}; });
}

namespace {

Pause read_pause(const Statement& row) {
  Pause pause;
  pause.id = row.integer(0);
  pause.job = row.text(1);
  pause.unit = row.optional_text(2);
  pause.since = row.text(3);
  pause.until = row.optional_text(4);
  pause.reason = row.text(5);
  pause.attempt = row.optional_integer(6);
  return pause;
}

}  // namespace

Result<std::optional<Pause>> pause_of(Ledger& ledger, std::string_view job, std::string_view unit,
                                      Instant now) {
  auto query = ledger.database().prepare(
      "SELECT id, job, unit, since, until, reason, attempt FROM pauses"
      " WHERE job = :job AND ifnull(unit, '') IN ('', :unit) AND ended_at IS NULL"
      "   AND (until IS NULL OR until > :now) LIMIT 1");
  if (!query) return query.error();
  query->bind(":job", job).bind(":unit", unit).bind(":now", format_instant(now));
  auto found = query->step();
  if (!found) return found.error();
  if (!*found) return std::optional<Pause>();
  return std::optional<Pause>(read_pause(*query));
}

Result<std::vector<Pause>> pauses(Ledger& ledger, std::string_view job, Instant now) {
  auto query = ledger.database().prepare(
      "SELECT id, job, unit, since, until, reason, attempt FROM pauses"
      " WHERE (:job = '' OR job = :job) AND ended_at IS NULL AND (until IS NULL OR until > :now)"
      " ORDER BY job, unit");
  if (!query) return query.error();
  query->bind(":job", job).bind(":now", format_instant(now));
  return all_rows(query, read_pause);
}

Result<void> add_pause(Ledger& ledger, const Pause& pause, Instant now) {
  auto end = ledger.database().prepare(
      "UPDATE pauses SET ended_at = :now"
      " WHERE job = :job AND ifnull(unit, '') = ifnull(:unit, '') AND ended_at IS NULL");
  if (!end) return end.error();
  end->bind(":job", pause.job).bind(":unit", pause.unit).bind(":now", format_instant(now));
  if (auto done = end->run(); !done) return done;
  auto insert = ledger.database().prepare(
      "INSERT INTO pauses (job, unit, since, until, reason, attempt)"
      " VALUES (:job, :unit, :now, :until, :reason, :attempt)");
  if (!insert) return insert.error();
  insert->bind(":job", pause.job).bind(":unit", pause.unit).bind(":now", format_instant(now));
  insert->bind(":until", pause.until).bind(":reason", pause.reason).bind(":attempt", pause.attempt);
  return insert->run();
}

Result<Span> paused_time(Ledger& ledger, std::string_view job, std::string_view unit, Instant since,
                         Instant now) {
  auto query = ledger.database().prepare(
      "SELECT max(since, :since), min(ifnull(ended_at, :now), ifnull(until, :now), :now) FROM pauses"
      " WHERE job = :job AND (unit IS NULL OR unit = :unit) ORDER BY since");
  if (!query) return query.error();
  query->bind(":job", job).bind(":unit", unit);
  query->bind(":since", format_instant(since)).bind(":now", format_instant(now));
  Span sum{};
  Instant counted = since;
  while (true) {
    auto row = query->step();
    if (!row) return row.error();
    if (!*row) return sum;
    auto begin = parse_instant(query->text(0)), end = parse_instant(query->text(1));
    if (!begin || !end) continue;
    *begin = std::max(*begin, counted);
    if (*end <= *begin) continue;
    sum += *end - *begin;
    counted = *end;
  }
}

Result<std::int64_t> end_pauses(Ledger& ledger, std::string_view job, const std::optional<std::string>& unit,
                                Instant now) {
  auto end = ledger.database().prepare(
      "UPDATE pauses SET ended_at = :now"
      " WHERE job = :job AND (:unit IS NULL OR unit = :unit) AND ended_at IS NULL");
  if (!end) return end.error();
  end->bind(":job", job).bind(":unit", unit).bind(":now", format_instant(now));
  if (auto done = end->run(); !done) return done.error();
  return ledger.database().changes();
}

}  // namespace jobrun
