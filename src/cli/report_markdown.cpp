// A report for a CI summary: GitHub's Markdown. What comes from outside stands in code spans, where nothing
// is a link, a mention or a tag.
#include <algorithm>

#include "base/text.hpp"
#include "cli/report_view.hpp"
#include "cli/screen.hpp"

namespace jobrun {

namespace {

constexpr std::size_t most_cell = 300, most_attempts = 20;

/// A code span (CommonMark 6.1) that also stands in a table's cell: fences longer than any inside, `|`
/// escaped.
std::string code(std::string_view text) {
  const std::string line = printable(clip(text, most_cell));
  std::size_t run = 0, longest = 0;
  std::string body;
  for (const char c : line) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
    if (c == '|') body += '\\';
    body += c;
  }
  const std::string fence(longest + 1, '`');
  const bool pad = longest > 0 || line.starts_with(' ') || line.empty();
  return fence + (pad ? " " : "") + body + (pad ? " " : "") + fence;
}

/// Words of jobrun itself with commands in backquotes.
std::string step(std::string_view text) {
  std::string out;
  bool is_code = false;
  for (const std::string_view part : split(text, '`')) {
    if (is_code && !part.empty()) {
      out += code(part);
    } else {
      for (const char c : printable(part)) {
        if (std::string_view("\\*_[]<>|~&#@").find(c) != std::string_view::npos) out += '\\';
        out += c;
      }
    }
    is_code = !is_code;
  }
  return out;
}

std::string state_words(std::string_view state) {
  return state == "in_doubt" ? "in doubt" : std::string(state);
}

std::string names(const std::vector<std::string>& units, std::int64_t count) {
  std::vector<std::string> words;
  for (const auto& unit : units) words.push_back(code(unit));
  if (const auto named = static_cast<std::int64_t>(units.size()); named > 0 && count > named)
    words.push_back(fmt::format("and {} more", count - named));
  return join(words, ", ");
}

std::string matters(const Report& report) {
  if (report.matters.empty()) return "Nothing needs a person.\n";
  std::string text = "### Needs attention\n\n";
  for (const auto& matter : report.matters) {
    text += fmt::format("- **{}** {}{}, {} {}", state_words(matter.state),
                        matter.job.empty() ? "the ledger" : code(matter.job),
                        matter.run_date.empty() ? "" : " " + matter.run_date, ago(matter.since, report.at),
                        code(matter.reason));
    if (!matter.message.empty()) text += " " + code(matter.message);
    if (!matter.units.empty())
      text += fmt::format("; unit{} {}", matter.count == 1 ? "" : "s", names(matter.units, matter.count));
    if (matter.earlier > 0)
      text +=
          fmt::format("; the same on {} earlier run date{}", matter.earlier, matter.earlier == 1 ? "" : "s");
    text += fmt::format("\n  - next: {}\n", step(matter.next_action));
  }
  if (report.matters_left_out > 0) text += fmt::format("- {} more are left out\n", report.matters_left_out);
  return text;
}

std::string jobs(const Report& report) {
  if (report.jobs.empty()) return "";
  std::string text = fmt::format(
      "\n### Jobs\n\n| job | now | latest run | last success | p50 / p95 at work | last {} days | next retry "
      "|\n"
      "|---|---|---|---|---|---|---|\n",
      report.jobs.front().days.size());
  for (const auto& job : report.jobs)
    text += fmt::format(
        "| {} | {} | {} | {} | {} | {} | {} |\n", code(job.job), word_of(job.standing),
        job.latest ? fmt::format("{}: {}", job.latest->run_date, counts_phrase(job.latest->counts)) : "",
        job.success ? ago(job.success->at, report.at) : "never",
        job.p50 ? format_age(*job.p50) + " / " + format_age(*job.p95) : "", strip_phrase(job),
        job.next_at.empty() ? "" : local_text(report, job.next_at));
  if (report.jobs_left_out > 0) text += fmt::format("\n{} more jobs are left out.\n", report.jobs_left_out);
  return text;
}

std::string units(const Report& report) {
  std::string rows;
  for (const auto& job : report.jobs) {
    if (!job.latest || job.latest->counts.total() < 2) continue;
    for (const auto& plight : job.plights)
      rows += fmt::format("| {} {} | {} | {}: {} | {} |\n", code(job.job), job.latest->run_date,
                          state_words(word_of(plight.state)), plight.units, names(plight.names, plight.units),
                          plight.reason.empty() ? "" : code(plight.reason) + " " + code(plight.message));
  }
  if (rows.empty()) return "";
  return "\n### Units that are not done\n\n| run | state | units | why |\n|---|---|---|---|\n" + rows;
}

std::string attempts(const Report& report) {
  if (report.recent.empty()) return "";
  std::string text =
      "\n### Recent attempts\n\n| run | attempt | outcome | started | took | why "
      "|\n|---|---|---|---|---|---|\n";
  for (std::size_t i = 0; i < report.recent.size() && i < most_attempts; ++i) {
    const RecentAttempt& one = report.recent[i];
    const Attempt& attempt = one.what.attempt;
    const bool failed = attempt.state != AttemptState::done && !attempt.reason.empty();
    text += fmt::format("| {} {} | {}#{} | {} | {} | {} | {} |\n", code(one.job), one.run_date,
                        one.what.unit == "-" ? "" : code(one.what.unit) + " ", attempt.number,
                        word_of(attempt.state), local_text(report, attempt.started_at),
                        attempt.wall_ms ? format_age(Span(*attempt.wall_ms)) : "",
                        failed ? code(attempt.reason) + " " + code(attempt.message) : "");
  }
  return text;
}

}  // namespace

std::string report_markdown(const Report& report) {
  std::string text = "## " + headline_of(report) + "\n\n";
  text += matters(report) + jobs(report) + units(report) + attempts(report);
  text += fmt::format("\nGenerated {} ({}) from {}; stale if it is later than {}.{}\n",
                      local_text(report, format_instant(report.at)), report.request.zone.name(),
                      code(report.ledger), local_text(report, format_instant(report.stale_at)),
                      report.request.redact ? " Redacted." : "");
  return text;
}

}  // namespace jobrun
