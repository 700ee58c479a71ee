// The report's data for programs: the same lists with the same limits as the page.
#include <array>

#include "cli/job_view.hpp"
#include "cli/report_view.hpp"
#include "cli/run_view.hpp"

namespace jobrun {

namespace {

constexpr std::array<const char*, 5> standing_words = {"needs_person", "running", "waiting", "fine",
                                                       "never_ran"};
constexpr std::array<const char*, 7> outcome_words = {"none",    "done",    "retried", "waiting",
                                                      "running", "missing", "failed"};

Json list_of(const std::vector<std::string>& names) {
  Json list = Json::array();
  for (const auto& name : names) list.push(name);
  return list;
}

Json span_or_null(const std::optional<Span>& span) {
  return span ? Json(static_cast<std::int64_t>(span->count())) : Json();
}

Json json_of(const std::vector<Plight>& plights) {
  Json list = Json::array();
  for (const auto& plight : plights)
    list.push(Json::object()
                  .set("state", word_of(plight.state))
                  .set("reason", json_or_null(plight.reason))
                  .set("message", json_or_null(plight.message))
                  .set("count", plight.units)
                  .set("unit_names", list_of(plight.names)));
  return list;
}

Json json_of(const RunAttempt& one) {
  return attempt_outline(one.attempt).set("unit", one.unit);
}

Json json_of(const EffectStory& effect) {
  Json json = Json::object().set("scope", effect.scope).set("key", effect.key).set("state", effect.state);
  json.set("run_id", json_or_null(effect.run_id)).set("unit", effect.unit).set("tries", effect.tries);
  return json.set("intended_at", effect.intended_at).set("confirmed_at", json_or_null(effect.confirmed_at));
}

Json json_of(const ReportJob& job) {
  Json json = Json::object()
                  .set("job", job.job)
                  .set("standing", standing_words[static_cast<std::size_t>(job.standing)]);
  json.set("description", json_or_null(job.description))
      .set("owner", json_or_null(job.owner))
      .set("runbook", json_or_null(job.runbook));
  json.set("staleness", json_or_null(job.stale))
      .set("latest", job.latest ? run_outline(*job.latest) : Json());
  json.set("not_done", json_of(job.plights));
  json.set("last_success_at", job.success ? Json(job.success->at) : Json());
  json.set("last_success_run_date", job.success ? Json(job.success->run_date) : Json());
  json.set("next_at", json_or_null(job.next_at));
  Json bars = Json::array(), days = Json::array();
  for (const auto& bar : job.bars)
    bars.push(Json::object()
                  .set("run_date", bar.run_date)
                  .set("state", word_of(bar.state))
                  .set("busy_ms", static_cast<std::int64_t>(bar.busy.count())));
  for (const auto& day : job.days)
    days.push(Json::object()
                  .set("date", format_date(day.date))
                  .set("outcome", outcome_words[static_cast<std::size_t>(day.kind)])
                  .set("runs_total", day.runs)
                  .set("runs_done", day.done)
                  .set("runs_missing", day.missing));
  json.set("p50_ms", span_or_null(job.p50)).set("p95_ms", span_or_null(job.p95));
  return json.set("last_runs", std::move(bars)).set("days", std::move(days));
}

Json json_of(const ReportRun& story) {
  Json attempts = Json::array(), effects = Json::array();
  for (const auto& one : story.attempts) attempts.push(json_of(one));
  for (const auto& effect : story.effects) effects.push(json_of(effect));
  Json json = run_outline(story.run);
  json.set("busy_ms", static_cast<std::int64_t>(story.work.busy.count()))
      .set("attempts_made", story.work.attempts);
  json.set("not_done", json_of(story.plights))
      .set("attempts", std::move(attempts))
      .set("effects", std::move(effects));
  return json.set("output", json_or_null(story.output)).set("output_of", json_or_null(story.output_of));
}

}  // namespace

Json report_json(const Report& report) {
  Json json = Json::object().set("schema_version", 1).set("headline", headline_of(report));
  json.set("generated_at", format_instant(report.at)).set("stale_at", format_instant(report.stale_at));
  json.set("ledger", report.ledger)
      .set("zone", report.request.zone.name())
      .set("redacted", report.request.redact);
  Json standings = Json::object();
  for (std::size_t i = 0; i < standing_words.size(); ++i)
    standings.set(standing_words[i], report.standing[i]);
  json.set("jobs_by_standing", std::move(standings));
  Json matters = Json::array(), jobs = Json::array(), recent = Json::array(), runs = Json::array(),
       effects = Json::array();
  for (const auto& matter : report.matters) matters.push(json_of(matter));
  for (const auto& job : report.jobs) jobs.push(json_of(job));
  for (const auto& one : report.recent)
    recent.push(json_of(one.what).set("job", one.job).set("run_date", one.run_date));
  for (const auto& story : report.runs) runs.push(json_of(story));
  for (const auto& effect : report.effects) effects.push(json_of(effect));
  json.set("attention", std::move(matters))
      .set("jobs", std::move(jobs))
      .set("recent_attempts", std::move(recent));
  json.set("runs", std::move(runs)).set("effects", std::move(effects));
  json.set("jobs_left_out", report.jobs_left_out).set("attention_left_out", report.matters_left_out);
  return json.set("ledger_rows", Json::object()
                                     .set("runs_total", report.extent.runs)
                                     .set("attempts_total", report.extent.attempts)
                                     .set("effects_total", report.extent.effects)
                                     .set("effects_open", report.extent.open_effects));
}

}  // namespace jobrun
