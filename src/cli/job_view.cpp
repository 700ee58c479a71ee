#include "cli/job_view.hpp"

#include "base/format.hpp"
#include "base/text.hpp"
#include "cli/screen.hpp"
#include "run/next_step.hpp"

namespace jobrun {

namespace {

constexpr std::size_t most_attention = 20;

}  // namespace

std::string attention_text(const std::vector<Attention>& rows, Instant now) {
  if (rows.empty()) return "nothing needs a person\n\n";
  std::string text = fmt::format("{} need{} a person:\n", rows.size(), rows.size() == 1 ? "s" : "");
  for (std::size_t i = 0; i < rows.size() && i < most_attention; ++i) {
    const Attention& row = rows[i];
    const std::string when = row.run_date.empty() && row.kind == "effect" ? "by hand" : row.run_date;
    std::vector<std::string> whose = {row.job};
    if (row.unit != "-") whose.push_back(printable(row.unit));
    if (!when.empty()) whose.push_back(when);
    text += fmt::format("  {}  {}, {}, {}{}\n", join(whose, " "), row.state, ago(row.since, now), row.reason,
                        row.message.empty() ? "" : ": " + printable(row.message));
    text += "    next: " +
            (row.kind == "pause" ? fmt::format("`jobrun resume {}{}`", row.job,
                                               row.unit == "(all)" ? "" : unit_option(row.unit))
                                 : row.next_action) +
            "\n";
  }
  if (rows.size() > most_attention)
    text += fmt::format("  ... and {} more: `jobrun status --json`\n", rows.size() - most_attention);
  return text + "\n";
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
  return standing;
}

std::vector<std::string> row_of(const JobStanding& standing, Instant now) {
  if (!standing.run) return {standing.job, "-", "never ran", "", "never", ""};
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
          error};
}

Json json_of(const JobStanding& standing) {
  Json json = Json::object().set("job", standing.job);
  if (standing.run) {
    const Run& run = *standing.run;
    json.set("run_date", run.run_date)
        .set("run_id", run.run_id)
        .set("state", word_of(run.state))
        .set("changed_at", run.changed_at);
    json.set("units", run.counts.total()).set("done", run.counts.done);
  }
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
