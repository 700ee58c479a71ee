// The runs of a report: the latest attempts over all jobs, and some runs told to their end.
#include <algorithm>
#include <map>

#include "base/text.hpp"
#include "contract/envelope.hpp"
#include "run/report.hpp"

namespace jobrun {

namespace {

constexpr std::size_t most_recent = 100, most_told = 40;
constexpr int most_of_job = 3;  // a job that runs every minute leaves room for the others
constexpr std::int64_t most_attempts = 24, most_names = 12;
constexpr std::size_t most_output = 3000;  // bytes
constexpr std::ptrdiff_t most_lines = 40;

/// The end of what an attempt wrote, whole lines where there are some.
std::string last_lines(const Attempt& attempt) {
  std::string text = attempt.output_head;
  if (attempt.output_cut > 0) text += "\n[...]\n";
  text += attempt.output_tail;
  while (text.ends_with('\n')) text.pop_back();
  std::size_t from = text.size() > most_output ? text.size() - most_output : 0;
  std::ptrdiff_t lines = 0;
  for (std::size_t i = text.size(); i-- > from;)
    if (text[i] == '\n' && ++lines == most_lines) from = i + 1;
  if (from == 0) return text;
  const std::size_t line = text.find('\n', from);
  if (from > 0 && text[from - 1] != '\n' && line != std::string::npos) from = line + 1;
  return text.substr(from);
}

Result<ReportRun> story_of(Ledger& ledger, const Run& run, const Report& report) {
  ReportRun story;
  story.run = run;
  auto work = work_of(ledger, run.id, report.at);
  if (!work) return work.error();
  story.work = *work;
  auto plights = plights_of(ledger, run, most_names);
  if (!plights) return plights.error();
  story.plights = std::move(*plights);
  auto attempts = attempts_in(ledger, run.id, Wanted::telling, most_attempts);
  if (!attempts) return attempts.error();
  tell_crashes(report, *attempts);
  std::sort(attempts->begin(), attempts->end(),
            [](const RunAttempt& a, const RunAttempt& b) { return a.attempt.id < b.attempt.id; });
  const RunAttempt* telling = nullptr;
  for (const auto& one : *attempts) {
    const bool wrote = one.attempt.output_bytes > 0;
    const bool failed = one.attempt.state != AttemptState::done;
    if (wrote && (telling == nullptr || failed || telling->attempt.state == AttemptState::done))
      telling = &one;
  }
  if (telling != nullptr) {
    story.output = last_lines(telling->attempt);
    story.output_of = attempt_name(telling->attempt.run_id, telling->unit, telling->attempt.number);
  }
  story.attempts = std::move(*attempts);
  for (const auto& effect : report.effects)
    if (effect.job == run.job && effect.run_id == run.run_id) story.effects.push_back(effect);
  return story;
}

/// The runs that moved last, until they have enough attempts.
Result<std::vector<Run>> add_recent(Ledger& ledger, const std::vector<Run>& moved, Report& report) {
  std::vector<Run> seen;
  std::int64_t units = 0;
  for (const Run& run : moved) {
    if (units >= static_cast<std::int64_t>(most_recent)) break;
    units += run.counts.total() - run.counts.pending;
    auto attempts = attempts_in(ledger, run.id, Wanted::latest, most_recent);
    if (!attempts) return attempts.error();
    tell_crashes(report, *attempts);
    for (auto& one : *attempts)
      report.recent.push_back({run.id, run.job, run.run_date, false, std::move(one)});
    seen.push_back(run);
  }
  std::sort(report.recent.begin(), report.recent.end(), [](const RecentAttempt& a, const RecentAttempt& b) {
    return a.what.attempt.id > b.what.attempt.id;
  });
  if (report.recent.size() > most_recent) report.recent.resize(most_recent);
  return seen;
}

}  // namespace

void tell_crashes(const Report& report, Run& run) {
  for (const auto& unit : report.crashed) {
    if (unit.run_id != run.id || run.counts.running == 0) continue;
    --run.counts.running;
    ++run.counts.pending;
  }
  if (run.state == UnitState::running && run.counts.running == 0) run.state = UnitState::pending;
}

void tell_crashes(const Report& report, std::vector<RunAttempt>& attempts) {
  for (auto& one : attempts)
    for (const auto& unit : report.crashed)
      if (unit.attempt_id == one.attempt.id && one.attempt.state == AttemptState::running) {
        one.attempt.state = AttemptState::crashed;
        one.attempt.reason = "crashed";
        one.attempt.message = "its process is gone; the next call for it brings it on";
      }
}

Result<void> tell_runs(Ledger& ledger, std::vector<Run> moved, Report& report) {
  std::sort(moved.begin(), moved.end(), [](const Run& a, const Run& b) {
    return a.changed_at != b.changed_at ? a.changed_at > b.changed_at : a.id > b.id;
  });
  auto recent = add_recent(ledger, moved, report);
  if (!recent) return recent.error();
  std::map<std::int64_t, bool> told;
  std::map<std::string, int> of_job;
  const auto tell = [&](const Run& run) -> Result<void> {
    if (report.runs.size() >= most_told || told.contains(run.id)) return {};
    auto story = story_of(ledger, run, report);
    if (!story) return story.error();
    report.runs.push_back(std::move(*story));
    told[run.id] = true;
    return {};
  };
  for (auto& matter : report.matters) {
    if (matter.run_date.empty()) continue;
    auto run = find_run(ledger, matter.job, matter.run_date);
    if (!run) return run.error();
    if (!*run) continue;
    tell_crashes(report, **run);
    if (auto ok = tell(**run); !ok) return ok;
    if (told.contains((*run)->id)) matter.run = (*run)->id;
  }
  for (const Run& run : *recent)
    if (of_job[run.job]++ < most_of_job)
      if (auto ok = tell(run); !ok) return ok;
  for (auto& one : report.recent) {
    one.told = told.contains(one.run);
    // The table shows no output.
    one.what.attempt.output_head.clear();
    one.what.attempt.output_tail.clear();
  }
  return {};
}

}  // namespace jobrun
