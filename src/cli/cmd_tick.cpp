// jobrun tick: brings on what is due in any job, and nothing else. One crontab line gives plain cron its
// retries.
#include "base/format.hpp"
#include "cli/job_view.hpp"
#include "cli/run_words.hpp"
#include "cli/screen.hpp"
#include "handler/channel_server.hpp"
#include "handler/stop_signals.hpp"
#include "run/alerts.hpp"
#include "run/catalog.hpp"
#include "run/next_step.hpp"
#include "run/notify.hpp"

namespace jobrun {

Result<Exit> cmd_tick(const Session& session) {
  hold_stop_signals();
  auto opened = session.open(Ledger::Purpose::run);
  if (!opened) return opened.error();
  Ledger& ledger = **opened;
  auto due = runs_with_work(ledger, session.clock.wall());
  if (!due) return due.error();
  sweep_channels(ledger.run_folder());
  std::vector<Exit> exits;
  int signal = 0;
  Json runs = Json::array();
  RunScreen screen(session.log, session.quiet());
  for (const Run& run : *due) {
    RunRequest request;
    request.job = run.job;
    request.run_date = run.run_date;
    request.only_retry = true;
    World world{session.clock, ledger, screen, session.environment, {run.run_id, "tick", {}, {}, {}, 0}};
    auto answer = answer_for(session, world, request, false);
    screen.clear();
    if (!answer) {
      // One job's broken manifest must not keep the others waiting.
      const bool taken_away = !has_manifest(session.places.jobs, run.job);
      const Error told = answer.error().during(run.job + " for " + run.run_date);
      print_error(taken_away ? Error(told.fault(), told.what(),
                                     fmt::format("put its manifest back; or `jobrun pause {} --reason TEXT`: "
                                                 "then it is left alone",
                                                 run.job))
                             : told);
      exits.push_back(exit_for(answer.error().fault()));
      continue;
    }
    exits.push_back(answer->exit);
    session.json() ? void(runs.push(answer_json(*answer))) : print_answer(session, *answer, false);
    signal = answer->signal;
    if (signal != 0) break;
  }
  auto config = session.config();
  if (!config) return config.error();
  World world{session.clock, ledger, screen, session.environment, session.call("", "tick"), config->alerts};
  if (auto noted = note_stale_jobs(world, session.places.jobs); !noted)
    print_error(noted.error().during("stale jobs"));
  if (session.json())
    print_out(Json::object().set("schema_version", 1).set("runs", std::move(runs)).dump() + "\n");
  if (due->empty() && !session.quiet() && !session.json()) session.log.note("info", "nothing is due");
  auto ahead = ahead_of_clock(ledger, session.clock.wall());
  if (!ahead) return ahead.error();
  for (const auto& row : *ahead)
    if (!session.quiet())
      session.log.note("warn", phrase_of(row, session.clock.wall()) + "; " + next_step(row));
  // 83 and 85 say that somebody else has it, or that nobody should: no news for the scheduler of ticks.
  Exit answer = Exit::done;
  for (const Exit exit : exits)
    if (exit != Exit::busy && exit != Exit::paused && exit != Exit::done &&
        (answer == Exit::done || needs_person(exit)))
      answer = exit;
  tell_people(world, session.places.jobs);
  die_of_interrupt(signal);
  return answer;
}

}  // namespace jobrun
