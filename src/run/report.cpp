#include "run/report.hpp"

#include <algorithm>
#include <set>

#include "base/format.hpp"
#include "base/text.hpp"
#include "run/catalog.hpp"
#include "run/freshness.hpp"

namespace jobrun {

namespace {

// What keeps the page one that a phone opens, whatever the ledger holds.
constexpr std::size_t most_jobs = 200, most_matters = 60, most_bars = 30;
constexpr std::int64_t most_runs = 3000, most_names = 5, most_effects = 60;
constexpr std::int64_t most_work = 100'000;  // units whose attempts are added up for one job's bars

Span percentile(const std::vector<Span>& sorted, std::size_t percent) {
  return sorted[std::max<std::size_t>((sorted.size() * percent + 99) / 100, 1) - 1];  // nearest rank
}

/// How long the last runs were at work.
Result<void> add_bars(Ledger& ledger, ReportJob& job, const std::vector<SeenRun>& runs, Instant now) {
  std::int64_t units = 0;
  std::vector<Span> done;
  for (const SeenRun& seen : runs) {
    units += seen.run.counts.total();
    if (job.bars.size() >= most_bars || (units > most_work && !job.bars.empty())) break;
    if (seen.run.state == UnitState::pending) continue;
    auto work = work_of(ledger, seen.run.id, now);
    if (!work) return work.error();
    job.bars.push_back({seen.run.run_date, work->busy, seen.run.state});
    if (seen.run.state == UnitState::done) done.push_back(work->busy);
  }
  std::reverse(job.bars.begin(), job.bars.end());
  if (done.empty()) return {};
  std::sort(done.begin(), done.end());
  job.p50 = percentile(done, 50);
  job.p95 = percentile(done, 95);
  return {};
}

ReportJob::Standing standing_of(const ReportJob& job, const std::vector<ReportMatter>& matters) {
  using Standing = ReportJob::Standing;
  if (std::any_of(matters.begin(), matters.end(), [&](const auto& matter) { return matter.job == job.job; }))
    return Standing::attention;
  if (!job.latest) return Standing::never_ran;
  if (job.latest->counts.running > 0) return Standing::running;
  return job.latest->is_final() ? Standing::fine : Standing::waiting;
}

/// What the manifest says of a job. A faulty one and a job that is stale are matters; no manifest at all (the
/// job was taken away) is not.
struct Expected {
  Zone zone = Zone::utc();
  std::optional<Span> period, limit;
};
Result<Expected> note_of(Ledger& ledger, const Places& places, ReportJob& job, Report& report) {
  Expected expected;
  auto manifest = load_manifest(places.jobs, job.job);
  if (!manifest) {
    if (has_manifest(places.jobs, job.job))
      report.matters.push_back(
          {matter_without_run("manifest", job.job, "faulty", manifest.error().what(),
                              "mend the manifest; `jobrun jobs` has all of its faults")});
    return expected;
  }
  job.description = manifest->description;
  job.owner = manifest->owner;
  job.runbook = manifest->runbook;
  expected.period = manifest->period;
  expected.limit = freshness_limit(*manifest);
  if (auto zone = Zone::named(manifest->timezone)) expected.zone = *zone;
  auto freshness = freshness_of(ledger, *manifest, report.at);
  if (!freshness) return freshness.error();
  if (!freshness->is_stale()) return expected;
  job.stale = phrase_of(*freshness, report.at);
  ReportMatter matter{matter_without_run(
      "stale", job.job, "stale", job.stale,
      fmt::format("see that its schedule calls it; `jobrun {} --run-date today` does it now", job.job))};
  if (freshness->due) matter.since = format_instant(*freshness->due);
  report.matters.push_back(std::move(matter));
  return expected;
}

Result<std::set<std::string>> jobs_wanted(Ledger& ledger, const Places& places, const std::string& only) {
  auto ran = jobs_that_ran(ledger);
  if (!ran) return ran.error();
  std::set<std::string> jobs(ran->begin(), ran->end());
  for (auto& name : job_names(places.jobs)) jobs.insert(std::move(name));
  if (only.empty()) return jobs;
  if (jobs.contains(only)) return std::set<std::string>{only};
  const auto near = nearest(only, {jobs.begin(), jobs.end()});
  return usage_error("unknown job " + printable(only),
                     near ? "did you mean " + *near + "?" : "`jobrun status` lists them all");
}

/// `moved` gets the runs that changed within the report's time.
Result<ReportJob> one_job(Ledger& ledger, const Places& places, const std::string& name, Report& report,
                          std::vector<Run>& moved) {
  ReportJob job;
  job.job = name;
  auto expected = note_of(ledger, places, job, report);
  if (!expected) return expected.error();
  if (expected->limit) report.stale_at = std::min(report.stale_at, report.at + *expected->limit);
  const auto days = static_cast<int>(report.request.last / std::chrono::days(1));
  const Date today = report.request.zone.date(report.at);
  const std::string from = format_date(std::chrono::sys_days(today) - std::chrono::days(days));
  auto runs = latest_runs(ledger, name, from, most_runs);
  if (!runs) return runs.error();
  for (auto& seen : *runs) tell_crashes(report, seen.run);
  job.days = days_of(*runs, expected->period, expected->zone, today, days);
  if (auto ok = add_bars(ledger, job, *runs, report.at); !ok) return ok.error();
  auto success = last_success(ledger, name);
  if (!success) return success.error();
  job.success = std::move(*success);
  if (!runs->empty()) {
    job.latest = runs->front().run;
    auto plights = plights_of(ledger, *job.latest, most_names);
    if (!plights) return plights.error();
    job.plights = std::move(*plights);
    auto next = earliest_wait(ledger, job.latest->id);
    if (!next) return next.error();
    job.next_at = std::move(*next);
  }
  job.standing = standing_of(job, report.matters);
  const std::string since = format_instant(report.at - report.request.last);
  for (auto& seen : *runs)
    if (seen.run.changed_at >= since) moved.push_back(std::move(seen.run));
  return job;
}

void count_and_cut(Report& report) {
  std::stable_sort(report.jobs.begin(), report.jobs.end(),
                   [](const ReportJob& a, const ReportJob& b) { return a.standing < b.standing; });
  for (const auto& job : report.jobs) ++report.standing[static_cast<std::size_t>(job.standing)];
  const auto cut = [](auto& list, std::size_t most) {
    const std::size_t left_out = list.size() > most ? list.size() - most : 0;
    list.erase(list.end() - static_cast<std::ptrdiff_t>(left_out), list.end());
    return static_cast<std::int64_t>(left_out);
  };
  report.jobs_left_out = cut(report.jobs, most_jobs);
  report.matters_left_out = cut(report.matters, most_matters);
}

Result<void> read_all(Ledger& ledger, const Places& places, Report& report) {
  auto matters = matters_of(ledger, report.request.job, report.at);
  if (!matters) return matters.error();
  for (auto& matter : night_after_night(std::move(*matters))) {
    if (matter.earlier > 0)
      matter.next_action +=
          fmt::format("; `jobrun history {} --state {}` lists the earlier ones", matter.job, matter.state);
    report.matters.push_back({std::move(matter), 0});
  }
  auto names = jobs_wanted(ledger, places, report.request.job);
  if (!names) return names.error();
  std::vector<Run> moved;
  for (const auto& name : *names) {
    auto job = one_job(ledger, places, name, report, moved);
    if (!job) return job.error().during("job " + printable(name));
    report.jobs.push_back(std::move(*job));
  }
  count_and_cut(report);
  auto effects = effect_stories(ledger, report.request.job, "", most_effects);
  if (!effects) return effects.error();
  report.effects = std::move(*effects);
  for (auto& effect : report.effects) effect.token.clear();
  if (auto ok = tell_runs(ledger, std::move(moved), report); !ok) return ok;
  auto extent = extent_of(ledger);
  if (!extent) return extent.error();
  report.extent = *extent;
  return {};
}

}  // namespace

std::string_view word_of(ReportJob::Standing standing) {
  switch (standing) {
    case ReportJob::Standing::attention:
      return "needs attention";
    case ReportJob::Standing::running:
      return "running";
    case ReportJob::Standing::waiting:
      return "waiting";
    case ReportJob::Standing::fine:
      return "fine";
    case ReportJob::Standing::never_ran:
      return "never ran";
  }
  return "";
}

std::string headline_of(const Report& report) {
  if (report.jobs.empty()) return "No jobs yet";
  using Standing = ReportJob::Standing;
  const int attention = report.count(Standing::attention);
  std::vector<std::string> parts;
  if (std::any_of(report.matters.begin(), report.matters.end(),
                  [](const auto& one) { return one.job.empty(); }))
    parts.emplace_back("the ledger needs attention");
  if (attention > 0)
    parts.push_back(fmt::format("{} job{} attention", attention, attention == 1 ? " needs" : "s need"));
  for (const Standing standing : {Standing::fine, Standing::running, Standing::waiting, Standing::never_ran})
    if (const int count = report.count(standing); count > 0)
      parts.push_back(fmt::format("{} {}", count, word_of(standing)));
  return join(parts, " · ");
}

Result<Report> gather_report(Ledger& ledger, const Places& places, ReportRequest request, Instant now) {
  Report report;
  report.at = now;
  report.stale_at = now + std::chrono::hours(24);
  report.request = std::move(request);
  report.ledger = ledger.path();
  auto crashed = crashed_units(ledger);  // before the snapshot: what ends meanwhile is told as it ended
  if (!crashed) return crashed.error();
  report.crashed = std::move(*crashed);
  if (auto ok = ledger.read([&] { return read_all(ledger, places, report); }); !ok) return ok.error();
  if (report.request.redact) redact(report);
  return report;
}

}  // namespace jobrun
