// jobrun status: how every job stands, what needs a person first.
#include "base/civil.hpp"
#include "base/format.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/job_view.hpp"
#include "cli/screen.hpp"
#include "cli/stale_view.hpp"

namespace jobrun {

namespace {

Result<Json> units_json(Ledger& ledger, std::int64_t run) {
  auto units = units_of(ledger, run);
  if (!units) return units.error();
  Json list = Json::array();
  for (const Unit& unit : *units) {
    auto success = last_unit_success(ledger, unit.job, unit.unit);
    if (!success) return success.error();
    list.push(Json::object()
                  .set("unit", unit.unit)
                  .set("state", word_of(unit.state))
                  .set("attempts_made", unit.attempts)
                  .set("reason", json_or_null(unit.reason))
                  .set("last_success_at", json_or_null(*success))
                  .set("next_action", json_or_null(unit.next_action)));
  }
  return list;
}

}  // namespace

Result<Exit> cmd_status(const Session& session) {
  auto opened = session.open(Ledger::Purpose::look);
  if (!opened) return opened.error();
  Ledger& ledger = **opened;
  const Instant now = session.clock.wall();
  const std::string only = session.args.words().empty() ? "" : session.args.words().front();
  auto jobs = known_jobs(ledger, session.places.jobs, only);
  if (!jobs) return jobs.error();
  auto matters = matters_of(ledger, only, now);
  if (!matters) return matters.error();
  auto needed = night_after_night(std::move(*matters));
  auto ahead = ahead_of_clock(ledger, now);
  if (!ahead) return ahead.error();
  if (!only.empty()) std::erase_if(*ahead, [&](const AheadOfClock& row) { return row.job != only; });
  std::vector<JobStanding> standings;
  StaleJobs stale;
  for (const auto& job : *jobs) {
    if (auto looked = stale.look_at(ledger, session.places.jobs, job, now); !looked) return looked.error();
    auto standing = standing_of(ledger, job);
    if (!standing) return standing.error();
    standings.push_back(std::move(*standing));
  }
  needed.insert(needed.begin(), stale.faulty.begin(), stale.faulty.end());
  const bool has_units = !only.empty() && standings[0].run;
  if (!session.json()) {
    std::string text = attention_text(needed, now) + ahead_text(*ahead, now) + stale.text(needed) +
                       standings_text(standings, now);
    if (has_units) {
      auto detail = standing_units_text(ledger, *standings[0].run, now);
      if (!detail) return detail.error();
      text += *detail;
    }
    print_out(text);
    return Exit::done;
  }
  Json list = Json::array(), attention = Json::array();
  for (const auto& standing : standings) list.push(json_of(standing));
  for (const auto& matter : needed) attention.push(json_of(matter));
  Json json = Json::object()
                  .set("schema_version", 1)
                  .set("ledger", ledger.path())
                  .set("attention", std::move(attention))
                  .set("ahead_of_clock", ahead_json(*ahead))
                  .set("stale", std::move(stale.list))
                  .set("jobs", std::move(list));
  auto detail = has_units ? units_json(ledger, standings[0].run->id) : Result<Json>(Json());
  if (!detail) return detail.error();
  json.set("units", std::move(*detail));
  print_out(json.dump() + "\n");
  return Exit::done;
}

}  // namespace jobrun
