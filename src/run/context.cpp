#include "run/context.hpp"

#include "base/civil.hpp"
#include "base/format.hpp"
#include "base/text.hpp"
#include "ledger/cursors.hpp"
#include "ledger/effects.hpp"
#include "ledger/lost.hpp"

namespace jobrun {

namespace {

using Grip = Answered::Grip;

std::string scope_of(const Run& run, const ChannelRequest& request) {
  return request.scope.empty() ? run.job : request.scope;
}

Result<Answered> doubted(Ledger& ledger, const Speaker& speaker, const Effect& effect,
                         const ChannelRequest& request) {
  if (auto marked = mark_in_doubt(ledger, effect.scope, effect.key, speaker.attempt); !marked)
    return marked.error();
  return Answered{
      ok_reply(request.id,
               Json::object()
                   .set("state", "in_doubt")
                   .set("message", fmt::format("effect {} was begun at {} and never confirmed: it may have "
                                               "happened",
                                               printable(effect.key), effect.intended_at))),
      Grip::let_go};
}

Result<Answered> granted(const Effect& effect, const ChannelRequest& request, std::string_view state) {
  return Answered{ok_reply(request.id, Json::object().set("state", state).set("token", effect.token)),
                  Grip::taken};
}

/// It was begun before and nobody is acting on it now: what its policy says.
Result<Answered> take_over(Ledger& ledger, const Speaker& speaker, Effect effect,
                           const ChannelRequest& request, Instant now) {
  const auto begun = parse_instant(effect.intended_at);
  const DoubtAnswer answer = answer_doubt(request.policy, begun ? *begun : Instant{}, effect.token_ttl, now);
  // Once it stands in doubt only a person or a probe settles it.
  if (answer == DoubtAnswer::stop || (answer == DoubtAnswer::resend && effect.state == EffectState::in_doubt))
    return doubted(ledger, speaker, effect, request);
  const bool sends = answer == DoubtAnswer::resend;
  effect.attempt = speaker.attempt;
  effect.if_in_doubt = request.policy;
  if (auto renewed = renew_intent(ledger, effect, sends); !renewed) return renewed.error();
  return granted(effect, request, sends ? "intended" : "probe");
}

/// The ledger does not have it, but it may have been begun in the interval that is lost: at the earliest when
/// that began, so that its token is never thought younger than it is.
Result<Answered> recall(Ledger& ledger, const Speaker& speaker, Effect effect, const LostInterval& lost,
                        const ChannelRequest& request, Instant now) {
  effect.intended_at = lost.since;
  effect.tries = 0;
  if (auto added = add_intent(ledger, effect, now); !added) return added.error();
  auto answered = take_over(ledger, speaker, effect, request, now);
  if (!answered || answered->grip != Grip::let_go) return answered;
  const std::string what =
      fmt::format("effect {} may have happened between {} and {}, of which the restored ledger knows nothing",
                  printable(effect.key), lost.since, lost.until.empty() ? "its restore" : lost.until);
  return Answered{ok_reply(request.id, Json::object().set("state", "in_doubt").set("message", what)),
                  Grip::let_go};
}

Result<Answered> intend(Ledger& ledger, const Speaker& speaker, const ChannelRequest& request, Instant now) {
  const std::string scope = scope_of(speaker.run, request);
  auto found = find_effect(ledger, scope, request.key);
  if (!found) return found.error();
  if (!*found) {
    Effect effect;
    effect.scope = scope;
    effect.key = request.key;
    effect.token = idempotency_token(scope, request.key);
    effect.fingerprint = request.fingerprint;
    effect.if_in_doubt = request.policy;
    effect.token_ttl = request.token_ttl;
    effect.attempt = speaker.attempt;
    effect.keep = speaker.keep;
    auto lost = lost_interval_for(ledger, scope, request.key);
    if (!lost) return lost.error();
    if (*lost) return recall(ledger, speaker, std::move(effect), **lost, request, now);
    if (auto added = add_intent(ledger, effect, now); !added) return added.error();
    return granted(effect, request, "intended");
  }
  const Effect& effect = **found;
  if (!request.fingerprint.empty() && !effect.fingerprint.empty() &&
      request.fingerprint != effect.fingerprint)
    return Answered{error_reply(request.id, "conflict",
                                fmt::format("effect {} was intended at {} with other arguments",
                                            printable(effect.key), effect.intended_at))};
  if (effect.state == EffectState::confirmed)
    return Answered{
        ok_reply(request.id, Json::object().set("state", "confirmed").set("result", effect.result))};
  if (effect.state == EffectState::intended) {
    const bool own = effect.attempt == speaker.attempt;
    auto acted_on = own ? Result<bool>(speaker.is_acted_on(effect_name(speaker.run, request)))
                        : is_acted_on(ledger, effect);
    if (!acted_on) return acted_on.error();
    if (*acted_on)
      return Answered{error_reply(request.id, "busy",
                                  fmt::format("effect {} is being acted on by another process at this moment",
                                              printable(effect.key)))};
  }
  return take_over(ledger, speaker, effect, request, now);
}

Answered not_open(const ChannelRequest& request) {
  return {error_reply(request.id, "not_open",
                      fmt::format("effect {} is not open in this attempt", printable(request.key))),
          Grip::none};
}

Result<Answered> close_effect(Ledger& ledger, const Speaker& speaker, const ChannelRequest& request,
                              Instant now) {
  const std::string scope = scope_of(speaker.run, request);
  auto closed = request.op == ChannelOp::confirm
                    ? confirm_effect(ledger, scope, request.key, speaker.attempt, request.result, now)
                    : release_intent(ledger, scope, request.key, speaker.attempt);
  if (!closed) return closed.error();
  if (!*closed) return not_open(request);
  return Answered{ok_reply(request.id), Grip::let_go};
}

/// The act ended in a way that leaves it open. With `resend` and `probe` the next attempt settles it.
Result<Answered> doubt(Ledger& ledger, const Speaker& speaker, const ChannelRequest& request) {
  auto found = find_effect(ledger, scope_of(speaker.run, request), request.key);
  if (!found) return found.error();
  if (!*found || (*found)->state != EffectState::intended || (*found)->attempt != speaker.attempt)
    return not_open(request);
  if ((*found)->if_in_doubt == IfInDoubt::stop) return doubted(ledger, speaker, **found, request);
  return Answered{ok_reply(request.id, Json::object().set("state", "intended")), Grip::let_go};
}

Result<Answered> done_or(const Result<void>& stored, const ChannelRequest& request) {
  if (!stored) return stored.error();
  return Answered{ok_reply(request.id)};
}

}  // namespace

std::string effect_name(const Run& run, const ChannelRequest& request) {
  return scope_of(run, request) + "\n" + request.key;
}

bool changes_ledger(ChannelOp op) {
  switch (op) {
    case ChannelOp::hello:
    case ChannelOp::cursor:
    case ChannelOp::item_is_done:
    case ChannelOp::progress:
    case ChannelOp::result:
      return false;
    case ChannelOp::checkpoint:
    case ChannelOp::item_done:
    case ChannelOp::intend:
    case ChannelOp::confirm:
    case ChannelOp::release:
    case ChannelOp::doubt:
      return true;
  }
  return true;
}

Result<Answered> answer(Ledger& ledger, const Speaker& speaker, const ChannelRequest& request, Instant now) {
  const Unit& unit = speaker.unit;
  switch (request.op) {
    case ChannelOp::hello:
    case ChannelOp::progress:
    case ChannelOp::result:
      return Answered{ok_reply(request.id)};
    case ChannelOp::cursor: {
      auto cursor = cursor_of(ledger, unit, request.stream);
      if (!cursor) return cursor.error();
      return Answered{ok_reply(request.id, Json::object().set("cursor", *cursor))};
    }
    case ChannelOp::checkpoint:
      return done_or(set_cursor(ledger, unit, request.stream, request.cursor, speaker.attempt, now), request);
    case ChannelOp::item_is_done: {
      auto done = item_is_done(ledger, unit.id, request.item);
      if (!done) return done.error();
      return Answered{ok_reply(request.id, Json::object().set("done", *done))};
    }
    case ChannelOp::item_done:
      return done_or(add_item(ledger, unit.id, request.item, speaker.attempt, now), request);
    case ChannelOp::intend:
      return intend(ledger, speaker, request, now);
    case ChannelOp::confirm:
    case ChannelOp::release:
      return close_effect(ledger, speaker, request, now);
    case ChannelOp::doubt:
      return doubt(ledger, speaker, request);
  }
  return Error(Fault::internal, "an operation of no known kind");
}

}  // namespace jobrun
