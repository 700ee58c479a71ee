#include "cli/history_view.hpp"

#include "base/civil.hpp"
#include "base/format.hpp"
#include "base/text.hpp"
#include "cli/run_view.hpp"
#include "cli/screen.hpp"
#include "contract/verdict.hpp"

namespace jobrun {

namespace {

/// How long a run has gone on, from when it was made to its last change.
std::string span_of(const Run& run, Instant now) {
  const auto began = parse_instant(run.created_at);
  const auto ended = run.is_final() ? parse_instant(run.changed_at) : Result<Instant>(now);
  return began && ended && *ended >= *began ? format_age(*ended - *began) : "";
}

/// The time alone where the run date says the day.
std::string began(const Run& run) {
  const std::string at = moment(run.created_at);
  return at.starts_with(run.run_date + " ") ? at.substr(run.run_date.size() + 1) : at;
}

std::vector<std::string> row_of(const PastRun& past, Instant now) {
  const Run& run = past.run;
  const std::string generation = run.generation > 1 ? fmt::format(" (again, {})", run.generation) : "";
  std::string error = past.reason.value_or("");
  if (past.failed_unit && *past.failed_unit != "-" && !past.unit)
    error += " (" + printable(*past.failed_unit) + ")";
  if (past.message && !past.message->empty()) error += ": " + printable(*past.message);
  return {run.run_date + generation,
          run.job,
          std::string(word_of(past.unit ? past.unit->state : run.state)),
          fmt::format("{}/{}", run.counts.done, run.counts.total()),
          past.unit ? std::to_string(past.unit->attempts) : "",
          began(run),
          span_of(run, now),
          error};
}

std::vector<std::string> row_of(const Gaps::Stretch& stretch, const std::string& job) {
  std::string word = "no run";
  if (stretch.count > 1) word += fmt::format(" for {} dates to {}", stretch.count, stretch.last);
  return {stretch.first, job, "missing", "", "", "", "", word};
}

std::string attempt_line(const RunAttempt& told) {
  const Attempt& attempt = told.attempt;
  std::string text = fmt::format("    {}#{}  {}  {}", told.unit == "-" ? "" : printable(told.unit),
                                 attempt.number, word_of(attempt.state), moment(attempt.started_at));
  if (attempt.wall_ms) text += "  " + format_age(Span(*attempt.wall_ms));
  if (attempt.exit_code) text += fmt::format("  exit {}", *attempt.exit_code);
  if (attempt.signal) text += "  " + signal_name(static_cast<int>(*attempt.signal));
  if (attempt.state != AttemptState::done && !attempt.reason.empty()) text += "  " + attempt.reason;
  if (attempt.state != AttemptState::done && !attempt.message.empty())
    text += ": " + printable(attempt.message);
  return text + "  by " + printable(attempt.caller) + "\n";
}

}  // namespace

std::string history_text(const std::vector<ToldRun>& runs, const Gaps& gaps, Instant now) {
  std::vector<std::vector<std::string>> rows = {
      {"RUN DATE", "JOB", "STATE", "DONE", "TRIES", "BEGAN (UTC)", "TOOK", "ERROR"}};
  std::vector<std::string> below = {""};  // what stands under each row
  auto stretch = gaps.stretches.rbegin();
  for (const ToldRun& told : runs) {
    for (; stretch != gaps.stretches.rend() && stretch->first > told.past.run.run_date; ++stretch) {
      rows.push_back(row_of(*stretch, told.past.run.job));
      below.emplace_back();
    }
    rows.push_back(row_of(told.past, now));
    below.emplace_back();
    for (const auto& attempt : told.attempts) below.back() += attempt_line(attempt);
  }
  const std::string lines = table(rows, screen_width());
  std::string text;
  std::size_t row = 0;
  for (const std::string_view line : split(lines, '\n')) {
    if (row == rows.size()) break;
    text.append(line).append("\n").append(below[row++]);
  }
  return text;
}

Json history_json(const ToldRun& told, bool with_attempts) {
  Json json = run_outline(told.past.run);
  json.set("unit", told.past.unit ? Json(told.past.unit->unit) : Json());
  json.set("unit_state", told.past.unit ? Json(word_of(told.past.unit->state)) : Json());
  json.set("attempts_made", told.past.unit ? Json(told.past.unit->attempts) : Json());
  json.set("reason", json_or_null(told.past.reason))
      .set("failed_unit", json_or_null(told.past.failed_unit))
      .set("message", json_or_null(told.past.message));
  if (!with_attempts) return json.set("attempts", Json());
  Json attempts = Json::array();
  for (const auto& one : told.attempts) attempts.push(attempt_json(one.attempt).set("unit", one.unit));
  return json.set("attempts", std::move(attempts));
}

}  // namespace jobrun
