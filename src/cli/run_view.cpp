#include "cli/run_view.hpp"

#include <algorithm>
#include <map>
#include <tuple>

#include "base/format.hpp"
#include "base/text.hpp"
#include "cli/screen.hpp"
#include "contract/verdict.hpp"

namespace jobrun {

Json attempt_json(const Attempt& attempt) {
  const auto number = [](const std::optional<std::int64_t>& value) { return value ? Json(*value) : Json(); };
  Json json = Json::object()
                  .set("number", attempt.number)
                  .set("state", word_of(attempt.state))
                  .set("run_id", attempt.run_id);
  json.set("caller", attempt.caller)
      .set("caller_id", attempt.caller_id)
      .set("host", attempt.host)
      .set("pid", attempt.pid);
  json.set("started_at", attempt.started_at)
      .set("finished_at", attempt.finished_at)
      .set("reason", attempt.reason);
  json.set("message", attempt.message)
      .set("exit_code", number(attempt.exit_code))
      .set("signal", number(attempt.signal));
  json.set("wall_ms", number(attempt.wall_ms))
      .set("cpu_ms", number(attempt.cpu_ms))
      .set("peak_kib", number(attempt.peak_kib));
  json.set("next_action", attempt.next_action)
      .set("next_at", attempt.next_at)
      .set("version", attempt.version);
  json.set("output_head", attempt.output_head).set("output_tail", attempt.output_tail);
  return json.set("output_bytes", attempt.output_bytes).set("output_cut", attempt.output_cut);
}

namespace {

void attempt_lines(const Attempt& attempt, std::vector<std::vector<std::string>>& rows) {
  std::string how = attempt.exit_code ? fmt::format("exit {}", *attempt.exit_code)
                    : attempt.signal  ? signal_name(static_cast<int>(*attempt.signal))
                                      : "";
  rows.push_back({fmt::format("    #{}", attempt.number), std::string(word_of(attempt.state)),
                  attempt.started_at, attempt.wall_ms ? format_age(Span(*attempt.wall_ms)) : "", how,
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

int urgency(UnitState state) {
  switch (state) {
    case UnitState::in_doubt:
      return 0;
    case UnitState::exhausted:
      return 1;
    case UnitState::stopped:
      return 2;
    case UnitState::retrying:
      return 3;
    case UnitState::running:
      return 4;
    case UnitState::pending:
      return 5;
    case UnitState::done:
      return 6;
  }
  return 6;
}

constexpr std::size_t most_groups = 12, most_named = 3;

}  // namespace

void most_urgent_first(std::vector<Unit>& units) {
  std::stable_sort(units.begin(), units.end(),
                   [](const Unit& a, const Unit& b) { return urgency(a.state) < urgency(b.state); });
}

std::string unit_groups_text(const std::vector<Unit>& units) {
  struct Group {
    std::size_t count = 0;
    std::vector<std::string> names;
  };
  std::map<std::tuple<int, std::string, std::string>, Group> groups;
  for (const Unit& unit : units) {
    const bool plain = unit.state == UnitState::done || unit.state == UnitState::pending;
    Group& group = groups[{urgency(unit.state), std::string(word_of(unit.state)), plain ? "" : unit.reason}];
    ++group.count;
    if (group.names.size() < most_named) group.names.push_back(printable(unit.unit));
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& [key, group] : groups) {
    if (rows.size() == most_groups) break;
    rows.push_back({"  " + std::to_string(group.count), std::get<1>(key), std::get<2>(key),
                    join(group.names, ", ") + (group.count > most_named ? ", ..." : "")});
  }
  const std::size_t hidden = groups.size() - rows.size();
  return table(rows, screen_width()) +
         (hidden > 0 ? fmt::format("  ... and {} other reasons\n", hidden) : "");
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
