// The strip of days of a job: what its run dates came to, and which are missing.
#include <algorithm>

#include "contract/gaps.hpp"
#include "run/report.hpp"

namespace jobrun {

namespace {

using Kind = ReportDay::Kind;

Kind kind_of(const SeenRun& seen) {
  switch (seen.run.state) {
    case UnitState::stopped:
    case UnitState::exhausted:
    case UnitState::in_doubt:
      return Kind::failed;
    case UnitState::running:
      return Kind::running;
    case UnitState::retrying:
    case UnitState::pending:
      return Kind::waiting;
    case UnitState::done:
      return seen.retried ? Kind::retried : Kind::done;
  }
  return Kind::none;
}

/// The day that a label (a date or an instant) stands for; nothing for other words.
std::optional<Date> day_of(const std::string& label, const Zone& zone) {
  if (auto date = parse_date(label)) return *date;
  if (auto at = parse_instant(label)) return zone.date(*at);
  return std::nullopt;
}

}  // namespace

std::vector<ReportDay> days_of(const std::vector<SeenRun>& runs, std::optional<Span> period, const Zone& zone,
                               Date today, int days) {
  const std::chrono::sys_days first = std::chrono::sys_days(today) - std::chrono::days(days - 1);
  std::vector<ReportDay> strip(static_cast<std::size_t>(days));
  for (int i = 0; i < days; ++i) strip[static_cast<std::size_t>(i)].date = first + std::chrono::days(i);
  const auto cell = [&](const std::string& label) -> ReportDay* {
    const auto day = day_of(label, zone);
    if (!day) return nullptr;
    const auto place = (std::chrono::sys_days(*day) - first).count();
    return place < 0 || place >= days ? nullptr : &strip[static_cast<std::size_t>(place)];
  };
  std::vector<std::string> labels;
  for (const SeenRun& seen : runs) {
    labels.push_back(seen.run.run_date);
    ReportDay* day = cell(seen.run.run_date);
    if (day == nullptr) continue;
    ++day->runs;
    if (seen.run.state == UnitState::done) ++day->done;
    day->kind = std::max(day->kind, kind_of(seen));
  }
  // A day has 1440 minutes: no more labels than that can be missing on one.
  const Gaps gaps = gaps_between(labels, period, zone, static_cast<std::size_t>(days) * 1440);
  for (const auto& label : gaps.missing) {
    ReportDay* day = cell(label);
    if (day == nullptr) continue;
    ++day->missing;
    day->kind = std::max(day->kind, Kind::missing);
  }
  return strip;
}

std::string_view word_of(ReportDay::Kind kind) {
  switch (kind) {
    case Kind::none:
      return "no run";
    case Kind::done:
      return "done";
    case Kind::retried:
      return "done after retries";
    case Kind::waiting:
      return "waiting";
    case Kind::running:
      return "running";
    case Kind::missing:
      return "missing";
    case Kind::failed:
      return "needs a person";
  }
  return "";
}

}  // namespace jobrun
