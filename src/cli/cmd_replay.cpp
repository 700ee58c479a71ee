// jobrun replay RUN: its units once more, with the payload, the units and the manifest that are stored with
// it.
#include "base/format.hpp"
#include "base/text.hpp"
#include "cli/run_words.hpp"
#include "cli/screen.hpp"
#include "handler/stop_signals.hpp"
#include "ledger/cursors.hpp"
#include "run/reopen.hpp"

namespace jobrun {

namespace {

Answer forecast(Ledger& ledger, const Run& run, const std::vector<Unit>& units, bool promote) {
  Answer answer;
  answer.run = run;
  answer.headline = fmt::format("dry run: would replay {} of {} units of run {}; nothing was changed",
                                units.size(), run.counts.total(), run.run_id);
  for (const Unit& unit : units) {
    auto cursor = cursor_of(ledger, unit, "-");
    UnitOutcome outcome = standing(unit);
    outcome.note = fmt::format(
        "{} now, attempt {}, {}", word_of(unit.state), unit.attempts + 1,
        promote ? "from the cursor " + (cursor && !cursor->empty() ? printable(*cursor) : "at the beginning")
                : std::string("with a scratch cursor"));
    answer.outcomes.push_back(std::move(outcome));
  }
  return answer;
}

Exit say(const Session& session, const Answer& answer) {
  print_out(session.json() ? answer_json(answer).dump() + "\n" : answer_text(answer, /*dry_run=*/true));
  return Exit::done;
}

}  // namespace

Result<Exit> cmd_replay(const Session& session) {
  hold_stop_signals();
  RunRequest request;
  if (auto words = unit_words(session, request); !words) return words.error();
  Replay replay;
  replay.units = request.units;
  replay.failed = session.args.has("--failed");
  replay.reason = session.args.value("--reason");
  replay.promote = session.args.has("--promote");
  auto opened = session.open(Ledger::Purpose::run);
  if (!opened) return opened.error();
  Ledger& ledger = **opened;
  auto run = run_named(ledger, session.args.words().front());
  if (!run) return run.error();
  auto latest = find_run(ledger, run->job, run->run_date);
  if (!latest) return latest.error();
  if (*latest && (*latest)->id != run->id)
    return usage_error(fmt::format("run {} was done again since, as run {}", run->run_id, (*latest)->run_id),
                       "replay the later one");
  std::vector<std::string> notes;
  auto units = units_to_replay(ledger, *run, replay, session.clock.wall(), notes);
  if (!units) return units.error();
  for (const std::string& note : notes) session.log.note("warn", note);
  if (units->empty()) {
    Answer nothing;
    nothing.run = *run;
    nothing.headline =
        notes.empty() ? fmt::format("no unit of run {} is meant: nothing to replay", run->run_id)
                      : fmt::format("what is meant of run {} is paused: nothing was replayed", run->run_id);
    const Exit said = say(session, nothing);
    return notes.empty() ? said : Exit::paused;
  }
  if (session.args.has("--dry-run")) return say(session, forecast(ledger, *run, *units, replay.promote));
  if (auto room = ledger.ensure_ballast(); !room) return room.error();
  if (auto moved = open_replay(ledger, *units, replay, session.clock.wall()); !moved) return moved.error();
  request.job = run->job;
  request.run_date = run->run_date;
  request.units.clear();
  for (const Unit& unit : *units) request.units.push_back(unit.unit);
  RunScreen screen(session.log, session.quiet());
  World world{session.clock, ledger, screen, session.environment, {run->run_id, {}, {}, {}, {}, 0}};
  return bring_on_and_print(session, world, screen, request, false);
}

}  // namespace jobrun
