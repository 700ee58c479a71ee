#include "run/unit.hpp"

#include "base/civil.hpp"
#include "base/format.hpp"
#include "base/text.hpp"
#include "ledger/cursors.hpp"
#include "run/alerts.hpp"
#include "run/next_step.hpp"

namespace jobrun {

namespace {

/// Interruptions (stopped by a person, a reboot, a scheduler's limit) do not count against the cap, but not
/// for ever either.
constexpr int most_interruptions = 50;
constexpr std::string_view doubt_reason = "effect_in_doubt";

AttemptState state_for(VerdictKind kind) {
  switch (kind) {
    case VerdictKind::done:
      return AttemptState::done;
    case VerdictKind::retry:
      return AttemptState::retry;
    case VerdictKind::stop:
      return AttemptState::stop;
  }
  return AttemptState::stop;
}

void move_to_retry(Judgement& made, const Manifest& manifest, const Run& run, const Unit& before,
                   const Verdict& verdict, bool at_once, Instant now) {
  Unit& unit = made.unit;
  const std::string key = fmt::format("{}/{}/{}", run.job, unit.unit, run.run_date);
  RetryInput input;
  input.key = key;
  input.counted_attempts = unit.counted;
  input.same_reason_streak = unit.streak = before.reason == verdict.reason ? before.streak + 1 : 1;
  input.window_start = unit.window_start.value_or(now);
  input.now = now;
  input.retry_after = verdict.retry_after;
  input.at_once = at_once;
  const NextAttempt next = next_attempt(manifest.retry, input);
  if (next.exhausted) {
    unit.state = UnitState::exhausted;
    unit.message = verdict.message + " (" + next.why + ")";
    return;
  }
  unit.state = UnitState::retrying;
  unit.next_at = next.at;
  unit.next_action = at_once
                         ? "try again at the next call"
                         : fmt::format("try again from {} on (attempt {} of {} failed)",
                                       format_instant_short(std::chrono::ceil<std::chrono::seconds>(next.at)),
                                       unit.counted, manifest.retry.max_attempts);
}

}  // namespace

Verdict held_to_success(const Manifest& manifest, Verdict verdict, Span took, std::int64_t items) {
  const SuccessCondition& success = manifest.success;
  if (verdict.kind != VerdictKind::done) return verdict;
  if (success.min_duration && took < *success.min_duration)
    return Verdict::stop("suspiciously_short",
                         fmt::format("done after {}, a good run takes at least {}", format_duration(took),
                                     format_duration(*success.min_duration)));
  if (success.min_items && items < *success.min_items)
    return Verdict::stop(
        "too_few_items",
        fmt::format("done with {} completed items, a good run has at least {}", items, *success.min_items));
  return verdict;
}

Judgement judge(const Manifest& manifest, const Run& run, const Unit& before, const Verdict& verdict,
                AttemptState how, Instant now) {
  Judgement made;
  Unit& unit = made.unit = before;
  unit.next_at.reset();
  unit.next_action.clear();
  unit.message = clip(printable(verdict.message), 1000);
  const bool free_of_charge = how == AttemptState::interrupted && before.interruptions < most_interruptions;
  (free_of_charge ? unit.interruptions : unit.counted) += 1;

  bool pause = false;
  switch (verdict.kind) {
    case VerdictKind::done:
      unit.state = UnitState::done;
      unit.replay = false;
      unit.streak = 0;
      break;
    case VerdictKind::retry:
      move_to_retry(made, manifest, run, before, verdict,
                    how == AttemptState::crashed || how == AttemptState::interrupted, now);
      break;
    case VerdictKind::stop:
      unit.state = verdict.reason == doubt_reason ? UnitState::in_doubt : UnitState::stopped;
      pause = verdict.pause;
      break;
  }
  unit.reason = verdict.reason;
  if (needs_person(unit.state)) unit.next_action = next_step(manifest, run, unit, pause);
  if (pause) {
    made.pause.emplace();
    made.pause->job = run.job;
    made.pause->unit = unit.unit;
    made.pause->reason = verdict.reason + (unit.message.empty() ? "" : ": " + unit.message);
  }
  made.end.state =
      how == AttemptState::crashed || how == AttemptState::interrupted ? how : state_for(verdict.kind);
  made.end.reason = verdict.reason;
  made.end.message = unit.message;
  made.end.next_action = unit.next_action;
  made.end.next_at = unit.next_at;
  return made;
}

Result<void> record_end(World& world, const Manifest& manifest, const Run& run, std::int64_t attempt,
                        Judgement& judgement, Instant now) {
  Ledger& ledger = world.ledger;
  auto open = doubt_open_effects(ledger, attempt);
  if (!open) return open.error();
  // A job may end well and still leave an effect unconfirmed: nobody knows whether it happened.
  if (!open->empty() && judgement.unit.state != UnitState::in_doubt) {
    Unit& unit = judgement.unit;
    unit.state = UnitState::in_doubt;
    unit.next_at.reset();
    unit.reason = doubt_reason;
    unit.message =
        fmt::format("effect {} {}", printable(open->front().key),
                    open->front().tries > 0 ? "was begun and never confirmed"
                                            : "may have happened in the interval that the ledger has lost") +
        (open->size() > 1 ? fmt::format(", and {} more", open->size() - 1) : "");
    unit.next_action = next_step(manifest, run, unit, judgement.pause.has_value());
    judgement.end.next_action = unit.next_action;
    judgement.end.next_at.reset();
  }
  if (auto ended = end_attempt(ledger, attempt, judgement.end, now); !ended) return ended;
  if (judgement.pause) {
    judgement.pause->attempt = attempt;
    if (auto paused = add_pause(ledger, *judgement.pause, now); !paused) return paused;
  }
  if (auto set = set_unit(ledger, judgement.unit, now); !set) return set;
  return note_transition(world, manifest, judgement.unit, now);
}

UnitOutcome standing(const Unit& unit) {
  UnitOutcome outcome;
  outcome.unit = unit;
  outcome.exit = exit_for(unit.state);
  if (unit.state == UnitState::retrying && unit.next_at)
    outcome.note = "not due before " + format_instant_short(*unit.next_at);
  return outcome;
}

Result<bool> is_too_late(Ledger& ledger, const Manifest& manifest, const Unit& unit, Instant now) {
  if (unit.state != UnitState::retrying || !unit.window_start) return false;
  const Instant last = *unit.window_start + manifest.retry.window;
  if (now <= last) return false;
  auto paused = paused_time(ledger, unit.job, unit.unit, *unit.window_start, now);
  if (!paused) return paused.error();
  return now > last + *paused;
}

Result<Unit> recover(World& world, const Manifest& manifest, const Run& run, const Unit& unit, Instant now) {
  auto last = last_attempt(world.ledger, unit.id);
  if (!last) return last.error();
  if (!*last) return Error(Fault::internal, "unit " + unit.unit + " is running without an attempt");
  const Verdict verdict = Verdict::retry(
      "crashed", fmt::format("jobrun or the machine ended before attempt {} did (pid {} on {})",
                             (*last)->number, (*last)->pid, (*last)->host));
  Judgement made = judge(manifest, run, unit, verdict, AttemptState::crashed, now);
  if (auto recorded = record_end(world, manifest, run, (*last)->id, made, now); !recorded)
    return recorded.error();
  return made.unit;
}

namespace {

UnitOutcome found_out(const Unit& unit) {
  UnitOutcome outcome = standing(unit);
  outcome.found_out = true;
  return outcome;
}

Result<Unit> exhaust(World& world, const Manifest& manifest, const Run& run, Unit unit, Instant now) {
  unit.state = UnitState::exhausted;
  unit.message +=
      fmt::format(" (not called again within the window of {})", format_duration(manifest.retry.window));
  unit.next_at.reset();
  unit.next_action = next_step(manifest, run, unit, false);
  if (auto set = set_unit(world.ledger, unit, now); !set) return set.error();
  if (auto noted = note_transition(world, manifest, unit, now); !noted) return noted.error();
  return unit;
}

}  // namespace

Result<Claim> claim_unit(World& world, const Manifest& manifest, const Run& run, std::int64_t unit_id,
                         std::int64_t& call, Instant now) {
  auto found = unit_with_id(world.ledger, unit_id);
  if (!found) return found.error();
  if (!*found) return Error(Fault::internal, "a unit of the run is gone from the ledger");
  Unit unit = std::move(**found);
  if (is_final(unit.state)) return Claim(standing(unit));

  auto pause = pause_of(world.ledger, run.job, unit.unit, now);
  if (!pause) return pause.error();
  const bool crashed = unit.state == UnitState::running;
  if (crashed) {
    auto recovered = recover(world, manifest, run, unit, now);
    if (!recovered) return recovered.error();
    unit = std::move(*recovered);
    if (is_final(unit.state)) return Claim(found_out(unit));
  }
  if (*pause) {
    UnitOutcome outcome = standing(unit);
    outcome.exit = Exit::paused;
    outcome.note = (*pause)->reason;
    outcome.unit.next_action = next_step(**pause);
    return Claim(outcome);
  }
  if (unit.state == UnitState::retrying && unit.next_at && *unit.next_at > now) return Claim(standing(unit));

  auto late = is_too_late(world.ledger, manifest, unit, now);
  if (!late) return late.error();
  if (*late) {
    auto exhausted = exhaust(world, manifest, run, std::move(unit), now);
    if (!exhausted) return exhausted.error();
    return Claim(found_out(*exhausted));
  }

  Claimed claimed;
  claimed.after_crash = crashed;
  if (call == 0) {
    auto added = add_call(world.ledger, world.call, now);
    if (!added) return added.error();
    call = *added;
  }
  auto attempt = start_attempt(world.ledger, unit, call, now);
  if (!attempt) return attempt.error();
  claimed.attempt = *attempt;
  auto cursor = cursor_of(world.ledger, unit, "-");
  if (!cursor) return cursor.error();
  claimed.cursor = std::move(*cursor);
  claimed.unit = std::move(unit);
  return Claim(std::move(claimed));
}

}  // namespace jobrun
