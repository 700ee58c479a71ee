#include "cli/job_view.hpp"

#include <algorithm>

#include "base/civil.hpp"
#include "base/format.hpp"
#include "base/text.hpp"
#include "cli/run_view.hpp"
#include "cli/screen.hpp"
#include "run/catalog.hpp"
#include "run/next_step.hpp"

namespace jobrun {

namespace {

constexpr std::size_t most_attention = 20, most_jobs = 40, most_named = 3;
constexpr int most_units = 20;

std::string whose(const Matter& matter) {
  if (matter.job.empty()) return "the ledger";  // restored: a matter of all jobs
  std::vector<std::string> words = {matter.job};
  if (matter.count == 1 && !matter.units.empty()) words.push_back(printable(matter.unit));
  if (matter.run_date.empty() && matter.kind == "effect") words.emplace_back("by hand");
  if (!matter.run_date.empty()) words.push_back(matter.run_date);
  return join(words, " ");
}

/// "a, b, c and 97 others"
std::string few_of(const Matter& matter) {
  std::vector<std::string> names;
  for (const auto& name : matter.units)
    if (names.size() < most_named) names.push_back(printable(name));
  const auto others = static_cast<std::size_t>(matter.count) - names.size();
  return join(names, ", ") +
         (others == 0 ? "" : fmt::format(" and {} other{}", others, others == 1 ? "" : "s"));
}

/// When a waiting unit is tried again: "in 20m (02:20Z)".
std::string next_try(const JobStanding& standing, Instant now) {
  if (standing.next_at.empty()) return "";
  const auto at = parse_instant(standing.next_at);
  if (!at || *at <= now) return "next call";
  return fmt::format("in {} ({}Z)", format_age(*at - now), moment(standing.next_at).substr(11, 5));
}

std::vector<std::string> row_of(const JobStanding& standing, Instant now) {
  if (!standing.run) return {standing.job, "-", "never ran", "", "never", "", ""};
  const Run& run = *standing.run;
  std::string error =
      standing.error ? standing.error->reason +
                           (standing.error->unit == "-" ? "" : " (" + printable(standing.error->unit) + ")")
                     : "";
  return {standing.job,
          run.run_date,
          std::string(word_of(run.state)),
          fmt::format("{}/{}", run.counts.done, run.counts.total()),
          standing.success ? ago(standing.success->at, now) : "never",
          std::move(error),
          next_try(standing, now)};
}

bool is_done(const JobStanding& standing) {
  return standing.run && standing.run->state == UnitState::done;
}

}  // namespace

std::string attention_text(const std::vector<Matter>& matters, Instant now) {
  if (matters.empty()) return "nothing needs a person\n\n";
  std::string text = fmt::format("{} need{} a person:\n", matters.size(), matters.size() == 1 ? "s" : "");
  for (std::size_t i = 0; i < matters.size() && i < most_attention; ++i) {
    const Matter& matter = matters[i];
    const bool alone = matter.count == 1;
    text +=
        fmt::format("  {}  {}, {}, {}{}{}\n", whose(matter),
                    alone ? matter.state : fmt::format("{} {}s {}", matter.count, matter.kind, matter.state),
                    matter.since.empty() ? "now" : ago(matter.since, now), printable(matter.reason),
                    matter.message.empty() ? "" : ": " + printable(matter.message),
                    alone || matter.units.empty() ? "" : " (" + few_of(matter) + ")");
    text += "    next: " + matter.next_action + "\n";
    if (matter.earlier > 0)
      text +=
          fmt::format("    the same on {} earlier run date{}, back to {}: `jobrun history {}{} --state {}`\n",
                      matter.earlier, matter.earlier == 1 ? "" : "s", matter.back_to, matter.job,
                      alone ? unit_option(matter.unit) : "", matter.state);
  }
  if (matters.size() > most_attention)
    text += fmt::format("  ... and {} more: `jobrun status --json`\n", matters.size() - most_attention);
  return text + "\n";
}

Json json_of(const Matter& matter) {
  Json names = Json::array();
  for (const auto& name : matter.units) names.push(name);
  Json json = Json::object().set("kind", matter.kind).set("job", json_or_null(matter.job));
  json.set("run_date", json_or_null(matter.run_date)).set("unit", json_or_null(matter.unit));
  json.set("unit_names", std::move(names)).set("state", matter.state).set("reason", matter.reason);
  json.set("message", json_or_null(matter.message)).set("next_action", matter.next_action);
  json.set("since", json_or_null(matter.since)).set("count", matter.count).set("earlier", matter.earlier);
  return json.set("back_to", json_or_null(matter.back_to));
}

std::string phrase_of(const AheadOfClock& ahead, Instant now) {
  const auto last = parse_instant(ahead.last_at);
  return fmt::format("{} {}: not due before {}, by a clock that was {} ahead of now when it was last tried{}",
                     ahead.job, ahead.run_date, moment(ahead.next_at),
                     last ? format_age(*last - now) : ahead.last_at,
                     ahead.units == 1 ? "" : fmt::format(" ({} units)", ahead.units));
}

std::string ahead_text(const std::vector<AheadOfClock>& rows, Instant now) {
  std::string text;
  for (const auto& row : rows) text += phrase_of(row, now) + "\n    next: " + next_step(row) + "\n";
  return text.empty() ? text : text + "\n";
}

Json ahead_json(const std::vector<AheadOfClock>& rows) {
  Json list = Json::array();
  for (const auto& row : rows)
    list.push(Json::object()
                  .set("job", row.job)
                  .set("run_date", row.run_date)
                  .set("units_total", row.units)
                  .set("last_at", row.last_at)
                  .set("next_at", row.next_at)
                  .set("next_action", next_step(row)));
  return list;
}

Result<std::vector<std::string>> known_jobs(Ledger& ledger, const std::string& jobs_folder,
                                            const std::string& job) {
  auto jobs = jobs_that_ran(ledger);
  if (!jobs) return jobs.error();
  for (auto& name : job_names(jobs_folder)) jobs->push_back(std::move(name));
  std::sort(jobs->begin(), jobs->end());
  jobs->erase(std::unique(jobs->begin(), jobs->end()), jobs->end());
  if (job.empty()) return jobs;
  if (std::binary_search(jobs->begin(), jobs->end(), job)) return std::vector<std::string>{job};
  const auto near = nearest(job, *jobs);
  return usage_error("unknown job " + printable(job),
                     near ? "did you mean " + *near + "?" : "`jobrun status` lists them all");
}

Result<JobStanding> standing_of(Ledger& ledger, const std::string& job) {
  JobStanding standing;
  standing.job = job;
  auto run = find_latest_run(ledger, job);
  if (!run) return run.error();
  standing.run = std::move(*run);
  auto success = last_success(ledger, job);
  if (!success) return success.error();
  standing.success = std::move(*success);
  if (!standing.run) return standing;
  auto error = latest_error(ledger, *standing.run);
  if (!error) return error.error();
  standing.error = std::move(*error);
  if (standing.run->counts.retrying == 0) return standing;
  auto next = earliest_wait(ledger, standing.run->id);
  if (!next) return next.error();
  standing.next_at = std::move(*next);
  return standing;
}

std::string standings_text(const std::vector<JobStanding>& standings, Instant now) {
  if (standings.empty()) return "no jobs yet\n";
  std::vector<std::vector<std::string>> rows = {
      {"JOB", "RUN DATE", "STATE", "DONE", "LAST SUCCESS", "LATEST ERROR", "NEXT TRY"}};
  for (const bool done : {false, true})
    for (const auto& standing : standings)
      if (is_done(standing) == done && rows.size() <= most_jobs) rows.push_back(row_of(standing, now));
  std::string text = table(rows, screen_width());
  if (standings.size() <= most_jobs) return text;
  const auto done = static_cast<std::size_t>(std::count_if(standings.begin(), standings.end(), is_done));
  return text + fmt::format("... of {} jobs, {} of them done; `jobrun status JOB` shows one\n",
                            standings.size(), done);
}

Result<std::string> standing_units_text(Ledger& ledger, const Run& run, Instant now) {
  auto units = most_urgent_units(ledger, run, most_units);
  if (!units) return units.error();
  std::vector<std::vector<std::string>> rows = {
      {"UNIT", "STATE", "ATTEMPTS", "LAST SUCCESS", "REASON", "NEXT"}};
  for (const Unit& unit : *units) {
    auto success = last_unit_success(ledger, unit.job, unit.unit);
    if (!success) return success.error();
    rows.push_back({printable(unit.unit), std::string(word_of(unit.state)), std::to_string(unit.attempts),
                    ago(*success, now), unit.state == UnitState::done ? "" : unit.reason, unit.next_action});
  }
  std::string text = "\n" + table(rows, screen_width());
  if (run.counts.total() > most_units)
    text +=
        fmt::format("... of {} units; `jobrun show {} --unit U` shows one\n", run.counts.total(), run.job);
  return text;
}

Json json_of(const JobStanding& standing) {
  Json json = Json::object().set("job", standing.job);
  const auto of_run = [&](const auto& told) { return standing.run ? Json(told(*standing.run)) : Json(); };
  json.set("run_date", of_run([](const Run& run) { return run.run_date; }))
      .set("run_id", of_run([](const Run& run) { return run.run_id; }))
      .set("state", of_run([](const Run& run) { return word_of(run.state); }))
      .set("changed_at", of_run([](const Run& run) { return run.changed_at; }))
      .set("counts", of_run([](const Run& run) { return counts_json(run.counts); }));
  json.set("next_at", json_or_null(standing.next_at));
  json.set("last_success_at", standing.success ? Json(standing.success->at) : Json());
  json.set("last_success_run_date", standing.success ? Json(standing.success->run_date) : Json());
  if (!standing.error) return json.set("latest_error", Json());
  return json.set("latest_error", Json::object()
                                      .set("at", standing.error->at)
                                      .set("unit", standing.error->unit)
                                      .set("reason", standing.error->reason)
                                      .set("message", json_or_null(standing.error->message)));
}

}  // namespace jobrun
