#include "cli/job_view.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "base/civil.hpp"
#include "base/format.hpp"
#include "base/text.hpp"
#include "cli/run_view.hpp"
#include "cli/screen.hpp"
#include "run/catalog.hpp"
#include "run/next_step.hpp"

namespace jobrun {

namespace {

constexpr std::size_t most_attention = 20, most_jobs = 40, most_units = 20;

std::string whose(const Attention& row) {
  if (row.job.empty()) return "the ledger";  // restored: a matter of all jobs
  std::vector<std::string> words = {row.job};
  if (row.count == 1 && row.unit != "-") words.push_back(printable(row.unit));
  if (row.run_date.empty() && row.kind == "effect") words.emplace_back("by hand");
  if (!row.run_date.empty()) words.push_back(row.run_date);
  return join(words, " ");
}

std::string next_of(const Attention& row) {
  if (row.kind == "pause")
    return fmt::format("`jobrun resume {}{}`", row.job, row.unit == "(all)" ? "" : unit_option(row.unit)) +
           (row.count > 1 ? fmt::format("; without --unit all {}", row.count) : "");
  if (row.count == 1 || row.kind == "alert") return row.next_action;
  if (row.kind == "effect") return fmt::format("`jobrun effects --job {}` lists them", row.job);
  if (row.state == word_of(UnitState::in_doubt))
    return fmt::format(
        "`jobrun effects --job {0}` lists what is in doubt; settled, `jobrun retry {0} --run-date {1}`",
        row.job, row.run_date);
  return fmt::format("`jobrun show {0}:{1}` has them all; mended, `jobrun retry {0} --run-date {1}`", row.job,
                     row.run_date);
}

/// "2 a.m., in 20m", or that it is due.
std::string next_text(const JobStanding& standing, Instant now) {
  if (standing.next_at.empty()) return "";
  const auto at = parse_instant(standing.next_at);
  if (!at || *at <= now) return "tried again at the next call";
  return fmt::format("tried again from {}, in {}", moment(standing.next_at).substr(11, 5),
                     format_age(*at - now));
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
          next_text(standing, now)};
}

/// A row, and how many run dates before it have the same trouble: one credential that is dead for a week is
/// one thing to mend.
struct Told {
  const Attention* row;
  std::size_t earlier = 0;
  std::string back_to = {};
};
std::vector<Told> night_after_night(const std::vector<Attention>& rows) {
  std::vector<Told> told;
  std::map<std::tuple<std::string, std::string, std::string, std::string>, std::size_t> places;
  for (const Attention& row : rows) {
    const bool alone = row.kind == "unit" && row.count == 1;
    const auto [place, is_new] =
        alone ? places.try_emplace({row.job, row.unit, row.state, row.reason}, told.size())
              : std::pair(places.end(), true);
    if (is_new) {
      told.push_back({&row});
      continue;
    }
    Told& latest = told[place->second];
    ++latest.earlier;
    latest.back_to = std::min(latest.earlier == 1 ? row.run_date : latest.back_to, row.run_date);
  }
  return told;
}

bool is_done(const JobStanding& standing) {
  return standing.run && standing.run->state == UnitState::done;
}

}  // namespace

std::vector<Attention> one_matter_each(std::vector<Attention> rows) {
  static constexpr std::string_view settle = "`jobrun effects confirm|release`";
  std::set<std::pair<std::string, std::string>> told;
  for (Attention& unit : rows) {
    if (unit.kind != "unit" || unit.state != word_of(UnitState::in_doubt)) continue;
    told.emplace(unit.job, unit.run_date);
    std::vector<const Attention*> effects;
    for (const Attention& row : rows)
      if (row.kind == "effect" && row.job == unit.job && row.run_date == unit.run_date)
        effects.push_back(&row);
    // The effect knows the words that settle it, the unit what comes after.
    const auto at = unit.next_action.find(settle);
    if (unit.count == 1 && effects.size() == 1 && effects[0]->count == 1 && at != std::string::npos)
      unit.next_action = effects[0]->next_action + unit.next_action.substr(at + settle.size());
  }
  std::erase_if(rows, [&](const Attention& row) {
    return row.kind == "effect" && told.contains({row.job, row.run_date});
  });
  return rows;
}

std::string attention_text(const std::vector<Attention>& rows, Instant now) {
  if (rows.empty()) return "nothing needs a person\n\n";
  std::int64_t total = 0;
  for (const auto& row : rows) total += row.count;
  std::string text = fmt::format("{} need{} a person:\n", total, total == 1 ? "s" : "");
  const auto told = night_after_night(rows);
  for (std::size_t i = 0; i < told.size() && i < most_attention; ++i) {
    const Attention& row = *told[i].row;
    const std::string state =
        row.count == 1 ? row.state : fmt::format("{} {}s {}", row.count, row.kind, row.state);
    text += fmt::format("  {}  {}, {}, {}{}{}\n", whose(row), state, ago(row.since, now),
                        printable(row.reason), row.message.empty() ? "" : ": " + printable(row.message),
                        row.count == 1 ? "" : fmt::format(" ({} and others)", printable(row.unit)));
    text += "    next: " + next_of(row) + "\n";
    if (told[i].earlier > 0)
      text +=
          fmt::format("    the same on {} earlier run date{}, back to {}: `jobrun history {}{} --state {}`\n",
                      told[i].earlier, told[i].earlier == 1 ? "" : "s", told[i].back_to, row.job,
                      row.unit == "-" ? "" : unit_option(row.unit), row.state);
  }
  if (told.size() > most_attention)
    text += fmt::format("  ... and {} more: `jobrun status --json`\n", told.size() - most_attention);
  return text + "\n";
}

Json attention_json(const std::vector<Attention>& rows) {
  Json list = Json::array();
  for (const auto& row : rows)
    list.push(Json::object()
                  .set("kind", row.kind)
                  .set("job", row.job)
                  .set("unit", row.unit)
                  .set("run_date", row.run_date)
                  .set("state", row.state)
                  .set("reason", row.reason)
                  .set("message", row.message)
                  .set("next_action", next_of(row))
                  .set("since", row.since)
                  .set("count", row.count));
  return list;
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
                  .set("units", row.units)
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
  return Error(Fault::usage, "unknown job " + printable(job),
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
      {"JOB", "RUN DATE", "STATE", "DONE", "LAST SUCCESS", "LATEST ERROR", "NEXT"}};
  for (const bool done : {false, true})
    for (const auto& standing : standings)
      if (is_done(standing) == done && rows.size() <= most_jobs) rows.push_back(row_of(standing, now));
  std::string text = table(rows, screen_width());
  if (standings.size() <= most_jobs) return text;
  const auto done = static_cast<std::size_t>(std::count_if(standings.begin(), standings.end(), is_done));
  return text + fmt::format("... of {} jobs, {} of them done; `jobrun status JOB` shows one\n",
                            standings.size(), done);
}

Result<std::string> standing_units_text(Ledger& ledger, std::vector<Unit> units, Instant now) {
  most_urgent_first(units);
  std::vector<std::vector<std::string>> rows = {
      {"UNIT", "STATE", "ATTEMPTS", "LAST SUCCESS", "REASON", "NEXT"}};
  for (const Unit& unit : units) {
    if (rows.size() > most_units) break;
    auto success = last_unit_success(ledger, unit.job, unit.unit);
    if (!success) return success.error();
    rows.push_back({printable(unit.unit), std::string(word_of(unit.state)), std::to_string(unit.attempts),
                    ago(*success, now), unit.state == UnitState::done ? "" : unit.reason, unit.next_action});
  }
  std::string text = "\n" + table(rows, screen_width());
  if (units.size() > most_units)
    text += fmt::format("... of {} units; `jobrun show {} --unit U` shows one\n", units.size(), units[0].job);
  return text;
}

Json json_of(const JobStanding& standing) {
  Json json = Json::object().set("job", standing.job);
  if (standing.run) {
    const Run& run = *standing.run;
    json.set("run_date", run.run_date)
        .set("run_id", run.run_id)
        .set("state", word_of(run.state))
        .set("changed_at", run.changed_at);
    json.set("units", run.counts.total()).set("done", run.counts.done).set("counts", counts_json(run.counts));
  }
  json.set("next_at", standing.next_at.empty() ? Json() : Json(standing.next_at));
  json.set("last_success_at", standing.success ? Json(standing.success->at) : Json());
  json.set("last_success_run_date", standing.success ? Json(standing.success->run_date) : Json());
  if (!standing.error) return json.set("latest_error", Json());
  return json.set("latest_error", Json::object()
                                      .set("at", standing.error->at)
                                      .set("unit", standing.error->unit)
                                      .set("reason", standing.error->reason)
                                      .set("message", standing.error->message));
}

}  // namespace jobrun
