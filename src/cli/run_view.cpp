#include "cli/run_view.hpp"

#include "base/format.hpp"
#include "base/text.hpp"
#include "cli/screen.hpp"
#include "contract/verdict.hpp"

namespace jobrun {

Json attempt_outline(const Attempt& attempt) {
  Json json = Json::object().set("number", attempt.number).set("state", word_of(attempt.state));
  json.set("run_id", attempt.run_id).set("caller", attempt.caller);
  json.set("started_at", attempt.started_at).set("finished_at", json_or_null(attempt.finished_at));
  json.set("reason", json_or_null(attempt.reason)).set("message", json_or_null(attempt.message));
  json.set("exit_code", json_or_null(attempt.exit_code)).set("signal", json_or_null(attempt.signal));
  return json.set("wall_ms", json_or_null(attempt.wall_ms)).set("next_at", json_or_null(attempt.next_at));
}

Json attempt_json(const Attempt& attempt) {
  Json json = attempt_outline(attempt);
  json.set("next_action", json_or_null(attempt.next_action));
  json.set("cpu_ms", json_or_null(attempt.cpu_ms)).set("peak_kib", json_or_null(attempt.peak_kib));
  json.set("caller_id", json_or_null(attempt.caller_id)).set("host", attempt.host).set("pid", attempt.pid);
  json.set("version", attempt.version);
  json.set("output_head", json_or_null(attempt.output_head))
      .set("output_tail", json_or_null(attempt.output_tail));
  return json.set("output_bytes", attempt.output_bytes).set("output_cut", attempt.output_cut);
}

namespace {

void attempt_lines(const Attempt& attempt, std::vector<std::vector<std::string>>& rows) {
  std::string how = attempt.exit_code ? fmt::format("exit {}", *attempt.exit_code)
                    : attempt.signal  ? signal_name(static_cast<int>(*attempt.signal))
                                      : "";
  rows.push_back({fmt::format("    #{}", attempt.number), std::string(word_of(attempt.state)),
                  moment(attempt.started_at), attempt.wall_ms ? format_age(Span(*attempt.wall_ms)) : "", how,
                  attempt.reason, attempt.caller});
}

}  // namespace

void tell_crash(Unit& unit, std::vector<Attempt>& attempts) {
  unit.message = "its process is gone";
  unit.next_action = "the next call for it, or `jobrun tick`, records the crash and brings it on";
  if (attempts.empty()) return;
  attempts.back().state = AttemptState::crashed;
  attempts.back().reason = "crashed";
}

std::string unit_text(const Unit& unit, const std::vector<Attempt>& attempts, bool with_output) {
  const bool crashed =
      unit.state == UnitState::running && !attempts.empty() && attempts.back().state == AttemptState::crashed;
  std::string text = fmt::format("  {}  {}{}\n", printable(unit.unit),
                                 crashed ? word_of(AttemptState::crashed) : word_of(unit.state),
                                 unit.message.empty() ? "" : ": " + unit.message);
  std::vector<std::vector<std::string>> rows;
  for (const auto& attempt : attempts) attempt_lines(attempt, rows);
  text += table(rows, screen_width());
  if (!unit.next_action.empty()) text += "    next: " + unit.next_action + "\n";
  if (!with_output || attempts.empty()) return text;
  const Attempt& last = attempts.back();
  for (const std::string_view line : split(trim(last.output_head), '\n'))
    if (!line.empty()) text += "    | " + printable(line) + "\n";
  if (last.output_cut > 0) text += fmt::format("    | ... {} bytes were dropped here ...\n", last.output_cut);
  for (const std::string_view line : split(trim(last.output_tail), '\n'))
    if (!line.empty()) text += "    | " + printable(line) + "\n";
  return text;
}

namespace {

constexpr std::size_t most_groups = 12;

}  // namespace

std::string plights_text(const Run::Counts& counts, const std::vector<Plight>& plights) {
  std::vector<std::vector<std::string>> rows;
  for (const Plight& plight : plights) {
    if (rows.size() == most_groups) break;
    std::vector<std::string> names;
    for (const auto& name : plight.names) names.push_back(printable(name));
    const bool all = plight.names.size() == static_cast<std::size_t>(plight.units);
    rows.push_back({"  " + std::to_string(plight.units), std::string(word_of(plight.state)), plight.reason,
                    join(names, ", ") + (all ? "" : ", ...")});
  }
  const std::size_t hidden = plights.size() - rows.size();
  if (counts.done > 0)
    rows.push_back({"  " + std::to_string(counts.done), std::string(word_of(UnitState::done)), "", ""});
  return table(rows, screen_width()) +
         (hidden > 0 ? fmt::format("  ... and {} other reasons\n", hidden) : "");
}

Json run_outline(const Run& run) {
  Json json = Json::object().set("job", run.job).set("run_date", run.run_date).set("run_id", run.run_id);
  json.set("generation", run.generation).set("state", word_of(run.state));
  json.set("created_at", run.created_at).set("changed_at", run.changed_at);
  return json.set("counts", counts_json(run.counts));
}

Json counts_json(const Run::Counts& counts) {
  return Json::object()
      .set("pending", counts.pending)
      .set("running", counts.running)
      .set("retrying", counts.retrying)
      .set("done", counts.done)
      .set("stopped", counts.stopped)
      .set("exhausted", counts.exhausted)
      .set("in_doubt", counts.in_doubt);
}

std::string counts_text(const Run::Counts& counts) {
  std::vector<std::string> parts;
  const std::pair<int, UnitState> all[] = {
      {counts.done, UnitState::done},         {counts.running, UnitState::running},
      {counts.retrying, UnitState::retrying}, {counts.pending, UnitState::pending},
      {counts.stopped, UnitState::stopped},   {counts.exhausted, UnitState::exhausted},
      {counts.in_doubt, UnitState::in_doubt}};
  for (const auto& [count, state] : all)
    if (count > 0) parts.push_back(fmt::format("{} {}", count, word_of(state)));
  return join(parts, ", ");
}

}  // namespace jobrun
