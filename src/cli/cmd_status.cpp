// jobrun status: how every job stands, what needs a person first.
#include <algorithm>
#include <set>

#include "base/civil.hpp"
#include "base/format.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/job_view.hpp"
#include "cli/screen.hpp"
#include "cli/stale_view.hpp"

namespace jobrun {

namespace {

/// One job's latest run, unit by unit.
Result<std::string> unit_rows(Ledger& ledger, const JobStanding& standing, Instant now, Json& list) {
  if (!standing.run) return std::string();
  auto units = units_of(ledger, standing.run->id);
  if (!units) return units.error();
  std::vector<std::vector<std::string>> rows = {
      {"UNIT", "STATE", "ATTEMPTS", "LAST SUCCESS", "REASON", "NEXT"}};
  for (const Unit& unit : *units) {
    auto success = last_unit_success(ledger, unit.job, unit.unit);
    if (!success) return success.error();
    rows.push_back({printable(unit.unit), std::string(word_of(unit.state)), std::to_string(unit.attempts),
                    ago(*success, now), unit.reason, unit.next_action});
    list.push(Json::object()
                  .set("unit", unit.unit)
                  .set("state", word_of(unit.state))
                  .set("attempts", unit.attempts)
                  .set("reason", unit.reason)
                  .set("last_success_at", success->empty() ? Json() : Json(*success))
                  .set("next_action", unit.next_action));
  }
  return "\n" + table(rows, screen_width());
}

}  // namespace

Result<Exit> cmd_status(const Session& session) {
  auto opened = session.open(Ledger::Purpose::look);
  if (!opened) return opened.error();
  Ledger& ledger = **opened;
  const Instant now = session.clock.wall();
  const std::string only = session.args.words().empty() ? "" : session.args.words().front();
  auto ran = jobs_that_ran(ledger);
  if (!ran) return ran.error();
  std::set<std::string> jobs(ran->begin(), ran->end());
  for (auto& name : job_names(session.places.jobs)) jobs.insert(std::move(name));
  if (!only.empty()) {
    if (!jobs.contains(only)) {
      const auto near = nearest(only, {jobs.begin(), jobs.end()});
      return Error(Fault::usage, "unknown job " + printable(only),
                   near ? "did you mean " + *near + "?" : "`jobrun status` lists them all");
    }
    jobs = {only};
  }
  auto needed = attention(ledger, only, now);
  if (!needed) return needed.error();
  std::vector<std::vector<std::string>> rows = {
      {"JOB", "RUN DATE", "STATE", "DONE", "LAST SUCCESS", "LATEST ERROR"}};
  Json list = Json::array(), units = Json::array();
  std::string detail;
  StaleJobs stale;
  for (const auto& job : jobs) {
    if (auto looked = stale.look_at(ledger, session.places.jobs, job, now); !looked) return looked.error();
    auto standing = standing_of(ledger, job);
    if (!standing) return standing.error();
    rows.push_back(row_of(*standing, now));
    list.push(json_of(*standing));
    if (only.empty()) continue;
    auto text = unit_rows(ledger, *standing, now, units);
    if (!text) return text.error();
    detail = std::move(*text);
  }
  if (!session.json()) {
    print_out(attention_text(*needed, now) + stale.text() +
              (rows.size() > 1 ? table(rows, screen_width()) : "no jobs yet\n") + detail);
    return Exit::done;
  }
  Json attention_list = Json::array();
  for (const auto& row : *needed)
    attention_list.push(Json::object()
                            .set("kind", row.kind)
                            .set("job", row.job)
                            .set("unit", row.unit)
                            .set("run_date", row.run_date)
                            .set("state", row.state)
                            .set("reason", row.reason)
                            .set("message", row.message)
                            .set("next_action", row.next_action)
                            .set("since", row.since));
  Json json = Json::object()
                  .set("schema_version", 1)
                  .set("ledger", ledger.path())
                  .set("attention", std::move(attention_list))
                  .set("stale", std::move(stale.list));
  json.set("jobs", std::move(list));
  if (!only.empty()) json.set("units", std::move(units));
  print_out(json.dump() + "\n");
  return Exit::done;
}

}  // namespace jobrun
