#include "cli/gap_view.hpp"

#include <algorithm>

#include "base/format.hpp"
#include "base/text.hpp"
#include "contract/date_range.hpp"
#include "ledger/history.hpp"
#include "run/catalog.hpp"

namespace jobrun {

namespace {

constexpr std::int64_t most_seen = 10'000;
constexpr std::size_t most_rows = 20;

}  // namespace

Result<JobGaps> gaps_of(Ledger& ledger, const std::string& jobs_folder, const std::string& job,
                        const std::string& from, const std::string& to) {
  JobGaps found;
  found.job = job;
  auto seen = run_dates_of(ledger, job, from, to, most_seen);
  if (!seen) return seen.error();
  if (seen->empty()) return found;
  found.first = seen->back();
  found.last = seen->front();
  std::optional<Span> period;
  Zone zone = Zone::utc();
  if (const auto manifest = load_manifest(jobs_folder, job); manifest) {
    period = manifest->period;
    if (auto named = Zone::named(manifest->timezone); named) zone = *named;
  }
  found.gaps = gaps_between(*seen, period, zone, most_run_dates);
  return found;
}

std::string stretch_text(const Gaps::Stretch& stretch) {
  return stretch.count == 1 ? stretch.first
                            : fmt::format("{} to {} ({})", stretch.first, stretch.last, stretch.count);
}

std::string gaps_text(const JobGaps& found) {
  const Gaps& gaps = found.gaps;
  if (found.first.empty()) return found.job + ": no runs yet\n";
  if (gaps.step.empty())
    return fmt::format("{}: too few runs to say what is missing ({})\n", found.job,
                       found.first == found.last ? found.first : found.first + " to " + found.last);
  const std::string expected =
      fmt::format("a run every {}{}{}", gaps.step, gaps.weekdays ? " but on weekdays it never ran on" : "",
                  gaps.inferred ? ", as most were apart; the manifest names no period" : "");
  if (gaps.missing.empty())
    return fmt::format("{}: no run date is missing from {} to {} ({})\n", found.job, found.first, found.last,
                       expected);
  std::string text = fmt::format(
      "{}: {}{} run date{} missing from {} to {} ({})\n", found.job, gaps.cut ? "the latest " : "",
      gaps.missing.size(), gaps.missing.size() == 1 ? " is" : "s are", found.first, found.last, expected);
  const std::size_t rows = gaps.stretches.size(), hidden = rows - std::min(rows, most_rows);
  if (hidden > 0) text += fmt::format("  ... {} earlier stretches, see --json\n", hidden);
  for (std::size_t i = hidden; i < rows; ++i) text += "  " + stretch_text(gaps.stretches[i]) + "\n";
  return text + fmt::format("  next: `jobrun backfill {} --gaps` runs exactly these\n", found.job);
}

Json gaps_json(const JobGaps& found) {
  Json missing = Json::array();
  for (const auto& label : found.gaps.missing) missing.push(label);
  return Json::object()
      .set("job", found.job)
      .set("first", json_or_null(found.first))
      .set("last", json_or_null(found.last))
      .set("step", json_or_null(found.gaps.step))
      .set("inferred", found.gaps.inferred)
      .set("cut", found.gaps.cut)
      .set("missing", std::move(missing));
}

}  // namespace jobrun
