// jobrun doctor: is this installation in order? One line for each thing, and what to do where it is not.
#include <algorithm>

#include "base/format.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/screen.hpp"
#include "run/examine.hpp"

namespace jobrun {

namespace {

std::string_view word_of(Symptom::State state) {
  switch (state) {
    case Symptom::State::ok:
      return "ok";
    case Symptom::State::warn:
      return "warn";
    case Symptom::State::fail:
      return "FAIL";
  }
  return "";
}

std::ptrdiff_t count(const Symptoms& symptoms, Symptom::State state) {
  return std::count_if(symptoms.begin(), symptoms.end(),
                       [&](const Symptom& one) { return one.state == state; });
}

std::string place_line(std::string_view what, const std::string& path, const std::string& by) {
  return path.empty() ? fmt::format("{} unknown\n", what)
                      : fmt::format("{} {} ({})\n", what, printable(path), by);
}

std::string text_of(const Grounds& grounds, const Symptoms& symptoms) {
  std::string text = place_line("ledger", grounds.ledger, grounds.ledger_by) +
                     place_line("jobs  ", grounds.jobs, grounds.jobs_by) + "\n";
  for (const auto& one : symptoms) {
    text += fmt::format("{:<4}  {}: {}\n", word_of(one.state), printable(one.part), printable(one.found));
    if (one.state != Symptom::State::ok) text += fmt::format("      next: {}\n", printable(one.next));
  }
  const auto failed = count(symptoms, Symptom::State::fail), warned = count(symptoms, Symptom::State::warn);
  if (failed + warned == 0) return text + "\nall is in order\n";
  return text + fmt::format("\n{} to mend, {} to look at\n", failed, warned);
}

Json json_of(const Grounds& grounds, const Symptoms& symptoms) {
  Json checks = Json::array();
  for (const auto& one : symptoms)
    checks.push(Json::object()
                    .set("state", one.state == Symptom::State::fail ? "fail" : word_of(one.state))
                    .set("part", one.part)
                    .set("found", one.found)
                    .set("next_action", json_or_null(one.next)));
  Json json = Json::object().set("schema_version", 1).set("ok", count(symptoms, Symptom::State::fail) == 0);
  json.set("version", JOBRUN_VERSION).set("ledger", json_or_null(grounds.ledger));
  json.set("ledger_by", json_or_null(grounds.ledger_by)).set("jobs_directory", json_or_null(grounds.jobs));
  return json.set("jobs_directory_by", json_or_null(grounds.jobs_by)).set("checks", std::move(checks));
}

}  // namespace

Result<Exit> cmd_doctor(const Session& session) {
  Symptoms symptoms;
  const Grounds grounds = examine_places(session.args.value("--ledger"), session.args.value("--jobs"),
                                         session.environment, symptoms);
  if (!grounds.ledger.empty()) examine_ledger(grounds.ledger, session.clock.wall(), symptoms);
  if (!grounds.jobs.empty()) examine_jobs(grounds.jobs, session.environment, symptoms);
  examine_schedules(symptoms);
  print_out(session.json() ? json_of(grounds, symptoms).dump() + "\n" : text_of(grounds, symptoms));
  return count(symptoms, Symptom::State::fail) == 0 ? Exit::done : Exit::setup;
}

}  // namespace jobrun
