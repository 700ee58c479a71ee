// jobrun retry JOB: a person has mended the cause; the units get a fresh budget and run now.
#include "base/format.hpp"
#include "cli/run_words.hpp"
#include "cli/screen.hpp"
#include "handler/stop_signals.hpp"
#include "run/reopen.hpp"

namespace jobrun {

namespace {

Result<Run> run_to_retry(const Session& session, Ledger& ledger, const std::string& job) {
  if (session.args.has("--run-date")) {
    auto date = run_date_word(session, job);
    if (!date) return date.error();
    auto run = find_run(ledger, job, *date);
    if (!run) return run.error();
    if (!*run)
      return usage_error(fmt::format("{} has no run for {}", job, *date),
                         fmt::format("start it: jobrun {} --run-date {}", job, *date));
    return **run;
  }
  auto run = find_latest_run(ledger, job);
  if (!run) return run.error();
  if (!*run)
    return usage_error(job + " has no run yet", fmt::format("start it: jobrun {} --run-date today", job));
  return **run;
}

}  // namespace

Result<Exit> cmd_retry(const Session& session) {
  hold_stop_signals();
  const std::string job = session.args.words().front();
  if (auto named = check_job_name(job); !named) return named.error();
  RunRequest request;
  request.job = job;
  if (auto words = unit_words(session, request); !words) return words.error();
  // Read before the budget is opened: a broken manifest must not leave the units reopened and unrun.
  auto manifest = load_manifest(session.places.jobs, job);
  if (!manifest) return manifest.error();
  if (auto secrets = resolve_secrets(*manifest, session.environment); !secrets) return secrets.error();
  auto opened = session.open(Ledger::Purpose::run);
  if (!opened) return opened.error();
  Ledger& ledger = **opened;
  auto run = run_to_retry(session, ledger, job);
  if (!run) return run.error();
  request.run_date = run->run_date;
  std::vector<std::string> notes;
  RunScreen screen(session.log, session.quiet());
  World world{session.clock, ledger, screen, session.environment, {run->run_id, {}, {}, {}, {}, 0}};
  auto moved = reopen(world, *manifest, *run, request.units, session.clock.wall(), notes);
  if (!moved) return moved.error();
  for (const auto& note : notes) screen.note(note);
  return bring_on_and_print(session, world, screen, request, false);
}

}  // namespace jobrun
