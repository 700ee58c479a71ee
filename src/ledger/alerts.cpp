#include "ledger/alerts.hpp"

#include "base/civil.hpp"
#include "ledger/rows.hpp"

namespace jobrun {

namespace {

std::optional<std::string> text_or_null(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional<std::string>(text);
}

#define LETTER_COLUMNS "id, token, job, target, body, state, error, written_at, next_at, tries"

Letter read_letter(const Statement& row) {
  Letter letter;
  letter.id = row.integer(0);
  int column = 1;
  for (std::string* text : {&letter.token, &letter.job, &letter.target, &letter.body, &letter.state,
                            &letter.error, &letter.written_at, &letter.next_at})
    *text = row.text(column++);
  letter.tries = static_cast<int>(row.integer(column));
  return letter;
}

}  // namespace

Result<void> add_alert(Ledger& ledger, std::string_view job, std::int64_t run, const AlertFact& fact,
                       bool composed) {
  auto insert = ledger.database().prepare(
      "INSERT INTO alerts (job, unit, event, run, attempt, reason, message, next_action, at, since, composed)"
      " VALUES (:job, :unit, :event, :run, :attempt, :reason, :message, :next_action, :at, :since, "
      ":composed)");
  if (!insert) return insert.error();
  insert->bind(":job", job).bind(":unit", fact.unit).bind(":event", word_of(fact.event));
  insert->bind(":run", run == 0 ? std::nullopt : std::optional<std::int64_t>(run));
  insert->bind(":attempt", fact.attempt).bind(":reason", text_or_null(fact.reason));
  insert->bind(":message", text_or_null(fact.message));
  insert->bind(":next_action", text_or_null(fact.next_action));
  insert->bind(":at", fact.at).bind(":since", fact.since).bind(":composed", composed ? 1 : 0);
  return insert->run();
}

Result<std::optional<LastAlert>> last_alert(Ledger& ledger, std::string_view job, std::string_view unit) {
  auto query = ledger.database().prepare(
      "SELECT event, since FROM alerts WHERE job = :job AND unit = :unit ORDER BY id DESC LIMIT 1");
  if (!query) return query.error();
  query->bind(":job", job).bind(":unit", unit);
  return first_row(query, [](const Statement& row) {
    return LastAlert{alert_event(row.text(0)).value_or(AlertEvent::recovered), row.text(1)};
  });
}

Result<bool> has_mail(Ledger& ledger, Instant now) {
  auto query = ledger.database().prepare(
      "SELECT EXISTS (SELECT 1 FROM alerts WHERE composed = 0)"
      "    OR EXISTS (SELECT 1 FROM letters WHERE state IN ('waiting', 'given_up') AND next_at <= :now)");
  if (!query) return query.error();
  query->bind(":now", format_instant(now));
  if (auto row = query->step(); !row) return row.error();
  return query->integer(0) != 0;
}

Result<std::vector<OpenAlerts>> open_alerts(Ledger& ledger) {
  auto query = ledger.database().prepare(
      "SELECT DISTINCT job, ifnull(run, 0) FROM alerts WHERE composed = 0 ORDER BY job, run");
  if (!query) return query.error();
  return all_rows(query, [](const Statement& row) { return OpenAlerts{row.text(0), row.integer(1)}; });
}

Result<std::vector<AlertFact>> open_facts(Ledger& ledger, const OpenAlerts& of) {
  auto query = ledger.database().prepare(
      "SELECT event, unit, attempt, reason, message, next_action, at, since FROM alerts"
      " WHERE composed = 0 AND job = :job AND ifnull(run, 0) = :run ORDER BY id");
  if (!query) return query.error();
  query->bind(":job", of.job).bind(":run", of.run);
  return all_rows(query, [](const Statement& row) {
    return AlertFact{alert_event(row.text(0)).value_or(AlertEvent::stopped),
                     row.text(1),
                     static_cast<int>(row.integer(2)),
                     row.text(3),
                     row.text(4),
                     row.text(5),
                     row.text(6),
                     row.text(7)};
  });
}

Result<void> compose_alerts(Ledger& ledger, const OpenAlerts& of) {
  auto update = ledger.database().prepare(
      "UPDATE alerts SET composed = 1 WHERE composed = 0 AND job = :job AND ifnull(run, 0) = :run");
  if (!update) return update.error();
  update->bind(":job", of.job).bind(":run", of.run);
  return update->run();
}

Result<void> add_letter(Ledger& ledger, std::string_view job, std::string_view target, const Json& body,
                        Instant now) {
  auto insert = ledger.database().prepare(
      "INSERT INTO letters (token, job, target, body, state, next_at, written_at)"
      " VALUES (:token, :job, :target, :body, 'waiting', :now, :now)");
  if (!insert) return insert.error();
  insert->bind(":token", body.at("id").as_string()).bind(":job", job).bind(":target", target);
  insert->bind(":body", body.dump()).bind(":now", format_instant(now));
  return insert->run();
}

Result<std::vector<Letter>> due_letters(Ledger& ledger, Instant now, int most) {
  auto query =
      ledger.database().prepare("SELECT " LETTER_COLUMNS
                                " FROM letters WHERE state IN ('waiting', 'given_up') AND next_at <= :now"
                                " ORDER BY next_at, id LIMIT :most");
  if (!query) return query.error();
  query->bind(":now", format_instant(now)).bind(":most", most);
  return all_rows(query, read_letter);
}

Result<std::vector<Letter>> undelivered_letters(Ledger& ledger, int most) {
  auto query =
      ledger.database().prepare("SELECT " LETTER_COLUMNS
                                " FROM letters WHERE state IN ('waiting', 'given_up') AND error IS NOT NULL"
                                " ORDER BY +id DESC LIMIT :most");
  if (!query) return query.error();
  query->bind(":most", most);
  return all_rows(query, read_letter);
}

Result<void> end_letter(Ledger& ledger, const Letter& letter, std::string_view state,
                        std::optional<Instant> again, std::string_view error) {
  auto update = ledger.database().prepare(
      "UPDATE letters SET state = :state, tries = tries + 1, next_at = :next_at,"
      "  error = :error WHERE id = :id AND state = 'waiting'");
  if (!update) return update.error();
  update->bind(":id", letter.id).bind(":state", state);
  update->bind(":next_at", again ? std::optional<std::string>(format_instant(*again)) : std::nullopt);
  update->bind(":error", text_or_null(std::string(error)));
  if (auto done = update->run(); !done || state != "sent") return done;
  auto lapse = ledger.database().prepare(
      "UPDATE letters SET state = 'lapsed'"
      " WHERE state IN ('waiting', 'given_up') AND next_at IS NULL AND job = :job AND target = :target");
  if (!lapse) return lapse.error();
  lapse->bind(":job", letter.job).bind(":target", letter.target);
  return lapse->run();
}

}  // namespace jobrun
