// The report's data for programs: the same lists with the same limits as the page.
#include "cli/report_view.hpp"
#include "cli/run_view.hpp"

namespace jobrun {

namespace {

Json text_or_null(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}

Json list_of(const std::vector<std::string>& names) {
  Json list = Json::array();
  for (const auto& name : names) list.push(name);
  return list;
}

Json span_or_null(const std::optional<Span>& span) {
  return span ? Json(static_cast<std::int64_t>(span->count())) : Json();
}

Json json_of(const ReportMatter& matter) {
  Json json = Json::object()
                  .set("kind", matter.kind)
                  .set("job", matter.job)
                  .set("run_date", text_or_null(matter.run_date));
  json.set("state", matter.state).set("reason", matter.reason).set("message", matter.message);
  json.set("count", matter.count)
      .set("earlier", matter.earlier)
      .set("units", list_of(matter.units))
      .set("since", text_or_null(matter.since));
  return json.set("next_action", matter.next_action);
}

Json json_of(const Run& run) {
  Json json = Json::object()
                  .set("run_date", run.run_date)
                  .set("run_id", run.run_id)
                  .set("generation", run.generation);
  json.set("state", word_of(run.state)).set("units", counts_json(run.counts));
  return json.set("created_at", run.created_at).set("changed_at", run.changed_at);
}

Json json_of(const std::vector<Plight>& plights) {
  Json list = Json::array();
  for (const auto& plight : plights)
    list.push(Json::object()
                  .set("state", word_of(plight.state))
                  .set("reason", text_or_null(plight.reason))
                  .set("message", plight.message)
                  .set("count", plight.units)
                  .set("units", list_of(plight.names)));
  return list;
}

Json json_of(const RunAttempt& one) {
  const Attempt& attempt = one.attempt;
  const auto number = [](const std::optional<std::int64_t>& value) { return value ? Json(*value) : Json(); };
  Json json =
      Json::object().set("unit", one.unit).set("number", attempt.number).set("state", word_of(attempt.state));
  json.set("run_id", attempt.run_id).set("caller", attempt.caller);
  json.set("started_at", attempt.started_at).set("finished_at", text_or_null(attempt.finished_at));
  json.set("reason", text_or_null(attempt.reason)).set("message", attempt.message);
  json.set("exit_code", number(attempt.exit_code)).set("signal", number(attempt.signal));
  return json.set("wall_ms", number(attempt.wall_ms)).set("next_at", text_or_null(attempt.next_at));
}

Json json_of(const EffectStory& effect) {
  Json json = Json::object().set("scope", effect.scope).set("key", effect.key).set("state", effect.state);
  json.set("run_id", text_or_null(effect.run_id)).set("unit", effect.unit).set("tries", effect.tries);
  return json.set("intended_at", effect.intended_at).set("confirmed_at", text_or_null(effect.confirmed_at));
}

Json json_of(const ReportJob& job) {
  Json json = Json::object().set("job", job.job).set("standing", word_of(job.standing));
  json.set("description", job.description).set("owner", job.owner).set("runbook", job.runbook);
  json.set("stale", text_or_null(job.stale)).set("latest", job.latest ? json_of(*job.latest) : Json());
  json.set("not_done", json_of(job.plights));
  json.set("last_success_at", job.success ? Json(job.success->at) : Json());
  json.set("last_success_run_date", job.success ? Json(job.success->run_date) : Json());
  json.set("next_at", text_or_null(job.next_at));
  Json bars = Json::array(), days = Json::array();
  for (const auto& bar : job.bars)
    bars.push(Json::object()
                  .set("run_date", bar.run_date)
                  .set("state", word_of(bar.state))
                  .set("busy_ms", static_cast<std::int64_t>(bar.busy.count())));
  for (const auto& day : job.days)
    days.push(Json::object()
                  .set("date", format_date(day.date))
                  .set("outcome", word_of(day.kind))
                  .set("runs", day.runs)
                  .set("done", day.done)
                  .set("missing", day.missing));
  json.set("p50_ms", span_or_null(job.p50)).set("p95_ms", span_or_null(job.p95));
  return json.set("last_runs", std::move(bars)).set("days", std::move(days));
}

Json json_of(const ReportRun& story) {
  Json attempts = Json::array(), effects = Json::array();
  for (const auto& one : story.attempts) attempts.push(json_of(one));
  for (const auto& effect : story.effects) effects.push(json_of(effect));
  Json json = json_of(story.run).set("job", story.run.job);
  json.set("busy_ms", static_cast<std::int64_t>(story.work.busy.count()))
      .set("attempts_in_all", story.work.attempts);
  json.set("not_done", json_of(story.plights))
      .set("attempts", std::move(attempts))
      .set("effects", std::move(effects));
  return json.set("output", story.output).set("output_of", text_or_null(story.output_of));
}

}  // namespace

Json report_json(const Report& report) {
  using Standing = ReportJob::Standing;
  Json json = Json::object().set("schema_version", 1).set("headline", headline_of(report));
  json.set("generated_at", format_instant(report.at)).set("stale_at", format_instant(report.stale_at));
  json.set("ledger", report.ledger)
      .set("zone", report.request.zone.name())
      .set("redacted", report.request.redact);
  json.set("jobs_by_standing", Json::object()
                                   .set("attention", report.count(Standing::attention))
                                   .set("running", report.count(Standing::running))
                                   .set("waiting", report.count(Standing::waiting))
                                   .set("fine", report.count(Standing::fine))
                                   .set("never_ran", report.count(Standing::never_ran)));
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
  json.set("left_out",
           Json::object().set("jobs", report.jobs_left_out).set("attention", report.matters_left_out));
  return json.set("in_ledger", Json::object()
                                   .set("runs", report.extent.runs)
                                   .set("attempts", report.extent.attempts)
                                   .set("effects", report.extent.effects)
                                   .set("open_effects", report.extent.open_effects));
}

}  // namespace jobrun
