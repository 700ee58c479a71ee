#include "cli/effect_settle.hpp"

#include "base/format.hpp"
#include "base/text.hpp"
#include "cli/screen.hpp"
#include "ledger/effects.hpp"
#include "ledger/history.hpp"
#include "ledger/lost.hpp"
#include "run/next_step.hpp"

namespace jobrun {

namespace {

/// A key that is not in the ledger can be confirmed while it may have happened in the interval that is lost.
Result<void> recall_if_lost(Ledger& ledger, const std::string& job, const std::string& key, Instant now) {
  auto lost = lost_interval(ledger);
  if (!lost) return lost.error();
  if (!*lost) return {};
  Effect effect;
  effect.scope = job;
  effect.key = key;
  effect.token = idempotency_token(job, key);
  effect.intended_at = (*lost)->since;
  effect.keep = default_keep;
  effect.tries = 0;
  return add_intent(ledger, effect, now);
}

Result<Exit> end_lost_interval(const Session& session, Ledger& ledger, bool happened) {
  if (happened)
    return usage_error("not all that could be done was done",
                       "confirm the keys that happened, then release lost-interval: the rest did not");
  const std::string reason = session.args.value("--reason");
  if (trim(reason).empty())
    return usage_error("effects release lost-interval needs --reason TEXT", "say how you know; it is kept");
  std::int64_t released = 0;
  auto written = ledger.write([&]() -> Result<void> {
    auto lost = lost_interval(ledger);
    if (!lost) return lost.error();
    if (!*lost) return usage_error("no interval of this ledger is lost", "`jobrun effects` would tell");
    auto done = release_lost_interval(ledger, reason, session.clock.wall());
    if (!done) return done.error();
    released = *done;
    return {};
  });
  if (!written) return written.error();
  print_out("what is not in the ledger was not done: effects are no longer in doubt for the lost interval\n");
  if (released > 0)
    print_out(fmt::format("{} of them released; `jobrun status` shows what waits for a `jobrun retry`\n",
                          released));
  return Exit::done;
}

}  // namespace

Result<Exit> settle(const Session& session, Ledger& ledger, bool happened, const std::string& key) {
  if (key == lost_interval_key && !session.args.has("--job"))
    return end_lost_interval(session, ledger, happened);
  const std::string job = session.args.value("--job");
  if (job.empty() || trim(session.args.value("--reason")).empty())
    return usage_error(
        fmt::format("effects {} needs --job JOB and --reason TEXT", happened ? "confirm" : "release"),
        "say how you know; it is kept");
  auto stories = effect_stories(ledger, job, key, 1);
  if (!stories) return stories.error();
  bool settled = false;
  auto written = ledger.write([&]() -> Result<void> {
    auto effect = find_effect(ledger, job, key);
    if (!effect) return effect.error();
    auto acted_on = *effect ? is_acted_on(ledger, **effect) : Result<bool>(false);
    if (!acted_on) return acted_on.error();
    if (*acted_on && (*effect)->state == EffectState::intended)
      return Error(Fault::busy, printable(key) + " is being acted on at this moment",
                   "wait for its end; `jobrun status` tells");
    const Instant now = session.clock.wall();
    if (!*effect && happened)
      if (auto recalled = recall_if_lost(ledger, job, key, now); !recalled) return recalled;
    auto done = settle_effect(ledger, job, key, happened, session.args.value("--reason"), now);
    if (!done) return done.error();
    settled = *done;
    return {};
  });
  if (!written) return written.error();
  if (!settled)
    return usage_error(fmt::format("{} has no open effect {}", job, printable(key)),
                       "`jobrun effects` lists those there are");
  std::string next;
  for (const EffectStory& story : *stories)
    if (!story.run_date.empty())  // nothing goes on after an effect by hand
      next = "; `" + retry_command(story.job, story.run_date, story.unit) + "` goes on";
  print_out(printable(key) + (happened ? " is confirmed" : " is released") + next + "\n");
  return Exit::done;
}

}  // namespace jobrun
