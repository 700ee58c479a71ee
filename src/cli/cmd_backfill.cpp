// jobrun backfill JOB: the job for every run date from one to another, in order; called again it goes on.
#include <map>

#include "base/format.hpp"
#include "base/text.hpp"
#include "cli/gap_view.hpp"
#include "cli/job_view.hpp"
#include "cli/run_words.hpp"
#include "cli/screen.hpp"
#include "contract/date_range.hpp"
#include "contract/envelope.hpp"
#include "handler/stop_signals.hpp"
#include "run/notify.hpp"

namespace jobrun {

namespace {

/// The dates that are missing, and nothing else.
Result<std::vector<std::string>> gap_dates(const Session& session, Ledger& ledger, const std::string& job) {
  for (const char* other : {"--step", "--tz"})
    if (session.args.has(other))
      return usage_error(std::string(other) + " does not go with --gaps",
                         "the manifest's period and timezone say how far run dates are apart");
  auto known = known_jobs(ledger, session.places.jobs, job);
  if (!known) return known.error();
  auto from = label_word(session, "--from", job);
  if (!from) return from.error();
  auto to = label_word(session, "--to", job);
  if (!to) return to.error();
  auto found = gaps_of(ledger, session.places.jobs, job, *from, *to);
  if (!found) return found.error();
  return found->gaps.missing;
}

Result<std::vector<std::string>> dates_of(const Session& session, Ledger& ledger, const std::string& job) {
  const Args& args = session.args;
  if (args.has("--gaps")) return gap_dates(session, ledger, job);
  for (const char* needed : {"--from", "--to"})
    if (!args.has(needed))
      return usage_error(
          std::string(needed) + " is missing",
          "for example --from 2026-03-01 --to 2026-03-31, or --gaps for those that are missing");
  auto zone = zone_word(session, job);
  if (!zone) return zone.error();
  return run_dates(args.value("--from"), args.value("--to"), args.has("--step") ? args.value("--step") : "1d",
                   *zone);
}

std::string summary(const std::string& job, const std::map<std::string, int>& counts, std::size_t dates,
                    const std::string& look_at) {
  std::vector<std::string> parts;
  for (const auto& [word, count] : counts) parts.push_back(fmt::format("{} {}", count, word));
  return fmt::format("backfill of {}: {} of {} dates{}\n", job, join(parts, ", "), dates,
                     look_at.empty() ? "" : fmt::format("; look at `jobrun show {}:{}`", job, look_at));
}

/// The rest needs this date to be mended first.
bool stands(Exit exit) {
  return needs_person(exit) || exit == Exit::ledger;
}

}  // namespace

Result<Exit> cmd_backfill(const Session& session) {
  hold_stop_signals();
  RunRequest request;
  request.job = session.args.words().front();
  if (auto named = check_job_name(request.job); !named) return named.error();
  if (auto words = unit_words(session, request); !words) return words.error();
  request.scratch = !session.args.has("--promote");
  auto opened = session.open(Ledger::Purpose::run);
  if (!opened) return opened.error();
  auto dates = dates_of(session, **opened, request.job);
  if (!dates) return dates.error();
  if (dates->empty() && !session.json() && !session.quiet())
    print_out("backfill of " + request.job + ": no run date is missing\n");
  const bool dry_run = session.args.has("--dry-run");
  RunScreen screen(session.log, session.quiet());
  std::vector<Exit> exits;
  std::map<std::string, int> counts;
  std::string look_at;
  bool brought_on = false;
  int signal = 0;
  Json runs = Json::array();
  for (const auto& date : *dates) {
    request.run_date = date;
    World world{session.clock,
                **opened,
                screen,
                session.environment,
                {derived_run_id(request.job, date), {}, {}, {}, {}, 0}};
    auto answer = answer_for(session, world, request, dry_run);
    screen.clear();
    if (!answer) return answer.error().during(request.job + " for " + date);
    brought_on = brought_on || answer->brought_on;
    exits.push_back(answer->exit);
    ++counts[std::string(exit_word(answer->exit))];
    if (session.json()) {
      runs.push(answer_json(*answer));
    } else if (answer->executed || dry_run || stands(answer->exit)) {
      print_answer(session, *answer, dry_run && !answer->outcomes.empty());
    }
    if (answer->exit != Exit::done && look_at.empty()) look_at = date;
    signal = answer->signal;
    if (signal != 0 || (stands(answer->exit) && !dry_run && !session.args.has("--keep-going"))) break;
  }
  const Exit exit = dry_run ? Exit::done : combined_exit(exits);
  if (session.json()) {
    Json json = Json::object()
                    .set("schema_version", 1)
                    .set("job", request.job)
                    .set("dates_total", static_cast<std::int64_t>(dates->size()));
    print_out(json.set("exit", static_cast<int>(exit)).set("runs", std::move(runs)).dump() + "\n");
  } else if (!dry_run && !dates->empty() && (!session.quiet() || needs_person(exit))) {
    print_out(summary(request.job, counts, dates->size(), look_at));
  }
  if (brought_on) {
    auto config = session.config();
    World world{session.clock, **opened, screen, session.environment, session.call("", ""), {}};
    if (config) world.alerts_by_default = std::move(config->alerts);
    tell_people(world, session.places.jobs);
  }
  die_of_interrupt(signal);
  return exit;
}

}  // namespace jobrun
