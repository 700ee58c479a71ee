#include "cli/metrics_view.hpp"

#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "base/civil.hpp"
#include "base/format.hpp"
#include "base/text.hpp"
#include "ledger/history.hpp"
#include "ledger/standing.hpp"
#include "run/catalog.hpp"
#include "run/freshness.hpp"

namespace jobrun {

namespace {

constexpr std::size_t most_jobs = 1000;

using Labels = std::vector<std::pair<std::string_view, std::string>>;

struct Family {
  std::string_view name, type, help;
};
constexpr Family families[] = {
    {"jobrun_build_info", "gauge", "Always 1; the version of jobrun that wrote this."},
    {"jobrun_jobs", "gauge", "Jobs that have a manifest."},
    {"jobrun_jobs_left_out", "gauge", "Jobs beyond the first 1000, of which nothing else is told."},
    {"jobrun_job_faulty", "gauge", "1 where the manifest has a fault, so that the job can not run."},
    {"jobrun_job_paused", "gauge", "1 while the job is kept out of runs."},
    {"jobrun_job_stale", "gauge", "1 where the next success is overdue."},
    {"jobrun_success_due_timestamp_seconds", "gauge",
     "Unix time by which the job has to succeed, or it is stale."},
    {"jobrun_last_success_timestamp_seconds", "gauge", "Unix time the job last ended in state done."},
    {"jobrun_last_completion_timestamp_seconds", "gauge",
     "Unix time the job's latest run ended, in whatever state."},
    {"jobrun_last_run_duration_seconds", "gauge",
     "How long attempts of the latest run that ended were at work."},
    {"jobrun_last_run_attempts", "gauge", "Attempts of the latest run that ended, by their outcome."},
    {"jobrun_last_run_units", "gauge", "Units of the latest run that ended, by their state."},
    {"jobrun_last_exit_code", "gauge", "What a call for the latest run that ended is answered."},
    {"jobrun_runs", "gauge", "Runs in the ledger by their state."},
    {"jobrun_cursor_timestamp_seconds", "gauge", "Unix time a cursor of the job was last moved."},
    {"jobrun_effects_in_doubt", "gauge", "Side effects that may or may not have happened."},
    {"jobrun_attempts_total", "counter", "Attempts that the ledger ever recorded."},
};

class Exposition {
 public:
  void add(std::string_view family, const Labels& labels, const std::string& value) {
    std::string line(family);
    std::string_view separator = "{";
    for (const auto& [name, text] : labels) {
      line += fmt::format("{}{}=\"{}\"", separator, name, escaped(text));
      separator = ",";
    }
    lines_[family] += line + (labels.empty() ? " " : "} ") + value + "\n";
  }
  void add(std::string_view family, const Labels& labels, std::int64_t value) {
    add(family, labels, std::to_string(value));
  }
  void add_seconds(std::string_view family, const Labels& labels, Span span) {
    add(family, labels, fmt::format("{}.{:03}", span.count() / 1000, span.count() % 1000));
  }
  void add_time(std::string_view family, const Labels& labels, std::optional<Instant> at) {
    if (at) add_seconds(family, labels, at->time_since_epoch());
  }
  void add_time(std::string_view family, const Labels& labels, const std::string& stamp) {
    if (const auto at = parse_instant(stamp); at) add_time(family, labels, *at);
  }

  /// In the order of the table: a family's lines stand together.
  std::string text() const {
    std::string all;
    for (const Family& family : families) {
      const auto lines = lines_.find(family.name);
      if (lines == lines_.end()) continue;
      all += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", family.name, family.help, family.type);
      all += lines->second;
    }
    return all;
  }

 private:
  static std::string escaped(const std::string& text) {
    std::string safe;
    for (const char c : to_utf8(text)) {
      if (c == '\\' || c == '"') safe += '\\';
      safe += c == '\n' ? std::string("\\n") : std::string(1, c);
    }
    return safe;
  }
  std::map<std::string_view, std::string> lines_;
};

Exit exit_of(const LastRun& last, bool is_success) {
  if (last.counts.in_doubt > 0) return Exit::in_doubt;
  if (last.counts.exhausted > 0) return Exit::exhausted;
  if (last.counts.stopped > 0) return Exit::stopped;
  return is_success ? Exit::done : Exit::retry;
}

Result<void> add_job(Exposition& out, Ledger& ledger, const std::string& jobs_folder, const std::string& job,
                     Instant now) {
  const Labels labels = {{"job_name", job}};
  const auto with = [&](std::string_view name, std::string_view value) {
    return Labels{{"job_name", job}, {name, std::string(value)}};
  };
  auto manifest = load_manifest(jobs_folder, job);
  out.add("jobrun_job_faulty", labels, manifest ? 0 : 1);
  if (manifest) {
    auto freshness = freshness_of(ledger, *manifest, now);
    if (!freshness) return freshness.error();
    out.add("jobrun_job_paused", labels, freshness->state == Freshness::State::paused ? 1 : 0);
    out.add("jobrun_job_stale", labels, freshness->is_stale() ? 1 : 0);
    if (freshness->state != Freshness::State::paused)
      out.add_time("jobrun_success_due_timestamp_seconds", labels, freshness->due);
  }
  auto success = whole_success(ledger, job, now);
  if (!success) return success.error();
  if (*success) out.add_time("jobrun_last_success_timestamp_seconds", labels, (*success)->at);
  auto last = last_run(ledger, job);
  if (!last) return last.error();
  if (!*last) return {};
  const LastRun& run = **last;
  out.add_time("jobrun_last_completion_timestamp_seconds", labels, run.ended_at);
  out.add_seconds("jobrun_last_run_duration_seconds", labels, run.busy);
  for (const auto& [outcome, count] : run.attempts)
    out.add("jobrun_last_run_attempts", with("outcome", outcome), count);
  const std::pair<UnitState, int> units[] = {{UnitState::pending, run.counts.pending},
                                             {UnitState::done, run.counts.done},
                                             {UnitState::stopped, run.counts.stopped},
                                             {UnitState::exhausted, run.counts.exhausted},
                                             {UnitState::in_doubt, run.counts.in_doubt}};
  for (const auto& [state, count] : units)
    out.add("jobrun_last_run_units", with("state", word_of(state)), count);
  const bool is_success = *success && (*success)->run_date == run.run_date;
  out.add("jobrun_last_exit_code", labels, static_cast<int>(exit_of(run, is_success)));
  return {};
}

}  // namespace

Result<std::string> metrics_text(Ledger& ledger, const std::string& jobs_folder, Instant now) {
  Exposition out;
  auto jobs = job_names(jobs_folder);
  out.add("jobrun_build_info", {{"version", JOBRUN_VERSION}}, 1);
  out.add("jobrun_jobs", {}, static_cast<std::int64_t>(jobs.size()));
  const std::size_t left_out = jobs.size() > most_jobs ? jobs.size() - most_jobs : 0;
  out.add("jobrun_jobs_left_out", {}, static_cast<std::int64_t>(left_out));
  jobs.resize(jobs.size() - left_out);
  auto runs = runs_by_state(ledger);
  if (!runs) return runs.error();
  auto moves = cursor_moves(ledger);
  if (!moves) return moves.error();
  for (const auto& job : jobs) {
    if (auto added = add_job(out, ledger, jobs_folder, job, now); !added) return added.error();
    for (const auto& [state, count] : (*runs)[job])
      out.add("jobrun_runs", {{"job_name", job}, {"state", state}}, count);
    out.add_time("jobrun_cursor_timestamp_seconds", {{"job_name", job}}, (*moves)[job]);
  }
  auto in_doubt = effects_in_doubt(ledger, "");
  if (!in_doubt) return in_doubt.error();
  out.add("jobrun_effects_in_doubt", {}, static_cast<std::int64_t>(in_doubt->size()));
  auto attempts = attempts_recorded(ledger);
  if (!attempts) return attempts.error();
  out.add("jobrun_attempts_total", {}, *attempts);
  return out.text();
}

}  // namespace jobrun
