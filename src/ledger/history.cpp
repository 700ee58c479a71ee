#include "ledger/history.hpp"

#include <algorithm>

#include "base/civil.hpp"
#include "ledger/rows.hpp"

namespace jobrun {

Result<std::vector<std::string>> jobs_that_ran(Ledger& ledger) {
  auto query = ledger.database().prepare(
      "WITH RECURSIVE each(job) AS (SELECT min(job) FROM runs"
      "  UNION ALL SELECT (SELECT min(job) FROM runs WHERE job > each.job) FROM each WHERE each.job IS NOT "
      "NULL)"
      " SELECT job FROM each WHERE job IS NOT NULL");
  if (!query) return query.error();
  return all_rows(query, only_text);
}

Result<std::optional<Success>> last_success(Ledger& ledger, std::string_view job) {
  auto query = ledger.database().prepare(
      "SELECT changed_at, run_date FROM runs WHERE job = :job AND state = 'done'"
      " ORDER BY run_date DESC, generation DESC LIMIT 1");
  if (!query) return query.error();
  query->bind(":job", job);
  auto found = query->step();
  if (!found) return found.error();
  if (!*found) return std::optional<Success>();
  return std::optional<Success>(Success{query->text(0), query->text(1)});
}

Result<std::string> last_unit_success(Ledger& ledger, std::string_view job, std::string_view unit) {
  auto query = ledger.database().prepare(
      "SELECT max(changed_at) FROM units WHERE job = :job AND unit = :unit AND state = 'done'");
  if (!query) return query.error();
  query->bind(":job", job).bind(":unit", unit);
  if (auto found = query->step(); !found) return found.error();
  return query->text(0);
}

Result<bool> has_had_unit(Ledger& ledger, std::string_view job, std::string_view unit) {
  auto query = ledger.database().prepare(
      "SELECT 1 FROM runs JOIN units ON units.run = runs.id AND units.unit = :unit WHERE runs.job = :job "
      "LIMIT 1");
  if (!query) return query.error();
  query->bind(":job", job).bind(":unit", unit);
  return query->step();
}

Result<std::optional<LatestError>> latest_error(Ledger& ledger, const Run& run) {
  auto query = ledger.database().prepare(
      "SELECT changed_at, unit, reason, message FROM units WHERE run = :run"
      " AND state IN ('retrying', 'stopped', 'exhausted', 'in_doubt') ORDER BY changed_at DESC LIMIT 1");
  if (!query) return query.error();
  query->bind(":run", run.id);
  auto found = query->step();
  if (!found) return found.error();
  if (!*found) return std::optional<LatestError>();
  return std::optional<LatestError>(
      LatestError{query->text(0), query->text(1), query->text(2), query->text(3)});
}

Result<std::vector<std::string>> run_dates_of(Ledger& ledger, std::string_view job, std::string_view from,
                                              std::string_view to, std::int64_t most) {
  // Behind every label of the last day stands no more than a time of day: '~' comes after it.
  auto query = ledger.database().prepare(
      "SELECT DISTINCT run_date FROM runs WHERE job = :job AND run_date >= :from"
      " AND run_date <= CASE :to WHEN '' THEN '~' ELSE :to || '~' END ORDER BY run_date DESC LIMIT :most");
  if (!query) return query.error();
  query->bind(":job", job).bind(":from", from).bind(":to", to).bind(":most", most);
  return all_rows(query, only_text);
}

Result<std::vector<Attention>> attention(Ledger& ledger, std::string_view job, Instant now) {
  auto query = ledger.database().prepare(
      "SELECT kind, job, unit, run_date, state, reason, message, next_action, since FROM v_attention"
      " WHERE (:job = '' OR job IN (:job, '')) AND (until IS NULL OR until > :now) ORDER BY since DESC");
  if (!query) return query.error();
  query->bind(":job", job).bind(":now", format_instant(now));
  return all_rows(query, [](const Statement& row) {
    return Attention{row.text(0), row.text(1), row.text(2), row.text(3), row.text(4),
                     row.text(5), row.text(6), row.text(7), row.text(8)};
  });
}

Result<std::vector<AheadOfClock>> ahead_of_clock(Ledger& ledger, Instant now) {
  // Clocks are put right by seconds all the time. Beside max(), the other columns are those of its row.
  auto query = ledger.database().prepare(
      "SELECT u.job, run_date, u.changed_at, max(next_at), count(*) FROM units u JOIN runs r ON r.id = run"
      " WHERE u.state = 'retrying' AND u.state <> 'done' AND next_at > :limit AND u.changed_at > :limit"
      " GROUP BY run ORDER BY next_at DESC LIMIT 20");
  if (!query) return query.error();
  query->bind(":limit", format_instant(now + std::chrono::minutes(5)));
  return all_rows(query, [](const Statement& row) {
    return AheadOfClock{row.text(0), row.text(1), row.text(2), row.text(3), row.integer(4)};
  });
}

namespace {

Result<std::vector<std::string>> words_of(Result<Statement> query, std::string_view job) {
  if (!query) return query.error();
  query->bind(":job", job);
  auto words = all_rows(query, only_text);
  if (words) std::sort(words->begin(), words->end());
  return words;
}

}  // namespace

Result<JobPicture> picture_of(Ledger& ledger, std::string_view job) {
  JobPicture picture;
  Database& database = ledger.database();
  auto cursors = words_of(database.prepare("SELECT unit || ' ' || stream || ' ' || value FROM cursors"
                                           " WHERE job = :job AND scratch_run = 0"),
                          job);
  if (!cursors) return cursors.error();
  auto effects =
      words_of(database.prepare("SELECT e.scope || ' ' || e.key || ' ' || e.state FROM effects e"
                                " LEFT JOIN attempts a ON a.id = e.attempt LEFT JOIN units u ON u.id = a.unit"
                                " WHERE e.scope = :job OR u.job = :job"),
               job);
  if (!effects) return effects.error();
  auto items =
      words_of(database.prepare("SELECT u.unit || ' ' || i.item FROM items i JOIN units u ON u.id = i.unit"
                                " WHERE u.run = (SELECT max(id) FROM runs WHERE job = :job)"),
               job);
  if (!items) return items.error();
  auto in_doubt =
      words_of(database.prepare("SELECT e.key FROM effects e LEFT JOIN attempts a ON a.id = e.attempt"
                                " LEFT JOIN units u ON u.id = a.unit"
                                " WHERE e.state = 'in_doubt' AND (e.scope = :job OR u.job = :job)"),
               job);
  if (!in_doubt) return in_doubt.error();
  picture.cursors = std::move(*cursors);
  picture.effects = std::move(*effects);
  picture.items = std::move(*items);
  picture.in_doubt = std::move(*in_doubt);
  return picture;
}

namespace {

#define STORY_COLUMNS                                                                                        \
  "e.scope, e.key, e.state, e.token, ifnull(u.job, e.scope), ifnull(u.unit, '-'), ifnull(r.run_id, ''), "    \
  "ifnull(r.run_date, ''), e.intended_at, ifnull(e.confirmed_at, ''), ifnull(e.result, ''), e.if_in_doubt, " \
  "iif(e.attempt IS NULL, 0, ifnull(a.number, -1)), e.tries"
#define STORY_JOINS                                                              \
  " LEFT JOIN attempts a ON a.id = e.attempt LEFT JOIN units u ON u.id = a.unit" \
  " LEFT JOIN runs r ON r.id = u.run"

EffectStory read_story(const Statement& row) {
  EffectStory story;
  int column = 0;
  for (std::string* text :
       {&story.scope, &story.key, &story.state, &story.token, &story.job, &story.unit, &story.run_id,
        &story.run_date, &story.intended_at, &story.confirmed_at, &story.result, &story.if_in_doubt})
    *text = row.text(column++);
  story.attempt = row.integer(column++);
  story.tries = row.integer(column);
  return story;
}

/// Reads `query` to its end, and what people said on each effect.
Result<std::vector<EffectStory>> stories_in(Ledger& ledger, Result<Statement>& query) {
  auto stories = all_rows(query, read_story);
  if (!stories) return stories;
  for (auto& story : *stories) {
    auto settled = ledger.database().prepare(
        "SELECT happened, reason, settled_at FROM settlements WHERE scope = :scope AND key = :key ORDER BY "
        "id");
    if (!settled) return settled.error();
    settled->bind(":scope", story.scope).bind(":key", story.key);
    auto settlements = all_rows(settled, [](const Statement& row) {
      return EffectStory::Settlement{row.integer(0) != 0, row.text(1), row.text(2)};
    });
    if (!settlements) return settlements.error();
    story.settlements = std::move(*settlements);
  }
  return stories;
}

}  // namespace

Result<std::vector<EffectStory>> effects_in_doubt(Ledger& ledger, std::string_view scope) {
  auto query = ledger.database().prepare(
      "SELECT " STORY_COLUMNS " FROM effects e" STORY_JOINS
      " WHERE e.state <> 'confirmed' AND (e.state = 'in_doubt' OR a.state IS NOT 'running')"
      "   AND (:scope = '' OR e.scope IN (:scope, ''))"
      " ORDER BY e.intended_at");
  if (!query) return query.error();
  query->bind(":scope", scope);
  return stories_in(ledger, query);
}

Result<std::vector<EffectStory>> effect_stories(Ledger& ledger, std::string_view scope, std::string_view key,
                                                std::int64_t most) {
  auto query = ledger.database().prepare(
      "SELECT " STORY_COLUMNS
      " FROM (SELECT * FROM effects WHERE (:scope = '' OR scope = :scope) AND (:key = '' OR key = :key)"
      "        ORDER BY intended_at DESC, key LIMIT :most) e" STORY_JOINS
      " ORDER BY e.intended_at DESC, e.key");
  if (!query) return query.error();
  query->bind(":scope", scope).bind(":key", key).bind(":most", most);
  return stories_in(ledger, query);
}

Result<bool> settle_effect(Ledger& ledger, std::string_view scope, std::string_view key, bool happened,
                           std::string_view reason, Instant now) {
  auto change = happened
                    ? ledger.database().prepare(
                          "UPDATE effects SET state = 'confirmed', confirmed_at = :now, result = ''"
                          " WHERE scope = :scope AND key = :key AND state <> 'confirmed'")
                    : ledger.database().prepare(
                          "DELETE FROM effects WHERE scope = :scope AND key = :key AND state <> 'confirmed'");
  if (!change) return change.error();
  change->bind(":scope", scope).bind(":key", key);
  if (happened) change->bind(":now", format_instant(now));
  if (auto done = change->run(); !done) return done.error();
  if (ledger.database().changes() != 1) return false;
  auto kept = ledger.database().prepare(
      "INSERT INTO settlements (scope, key, happened, reason, settled_at)"
      " VALUES (:scope, :key, :happened, :reason, :now)");
  if (!kept) return kept.error();
  kept->bind(":scope", scope).bind(":key", key).bind(":happened", std::int64_t{happened ? 1 : 0});
  kept->bind(":reason", reason).bind(":now", format_instant(now));
  if (auto done = kept->run(); !done) return done.error();
  return true;
}

}  // namespace jobrun
