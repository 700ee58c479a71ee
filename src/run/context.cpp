#include "run/context.hpp"

#include "base/civil.hpp"
#include "base/format.hpp"
#include "base/text.hpp"
#include "ledger/effects.hpp"

namespace jobrun {

namespace {

Result<std::string> doubt_reply(Ledger& ledger, const Effect& effect, const ChannelRequest& request) {
  if (auto marked = mark_in_doubt(ledger, effect.scope, effect.key); !marked) return marked.error();
  return ok_reply(
      request.id,
      Json::object()
          .set("state", "in_doubt")
          .set("message", fmt::format("effect {} was begun at {} and never confirmed: it may have happened",
                                      printable(effect.key), effect.intended_at)));
}

Result<std::string> intend(Ledger& ledger, const Speaker& speaker, const ChannelRequest& request,
                           Instant now) {
  const std::string scope = request.scope.empty() ? speaker.run.job : request.scope;
  auto found = find_effect(ledger, scope, request.key);
  if (!found) return found.error();
  const Json granted =
      Json::object().set("state", "intended").set("token", idempotency_token(scope, request.key));
  if (!*found) {
    Effect effect;
    effect.scope = scope;
    effect.key = request.key;
    effect.token = granted.at("token").as_string();
    effect.fingerprint = request.fingerprint;
    effect.if_in_doubt = request.policy;
    effect.token_ttl = request.token_ttl;
    effect.attempt = speaker.attempt;
    if (auto added = add_intent(ledger, effect, now); !added) return added.error();
    return ok_reply(request.id, granted);
  }
  Effect effect = std::move(**found);
  if (!request.fingerprint.empty() && !effect.fingerprint.empty() &&
      request.fingerprint != effect.fingerprint)
    return error_reply(request.id, "conflict",
                       fmt::format("effect {} was intended at {} with other arguments", printable(effect.key),
                                   effect.intended_at));
  switch (effect.state) {
    case EffectState::confirmed:
      return ok_reply(request.id, Json::object().set("state", "confirmed").set("result", effect.result));
    case EffectState::in_doubt:
      return doubt_reply(ledger, effect, request);
    case EffectState::intended:
      break;
  }
  const Instant intended_at =
      parse_instant(effect.intended_at) ? *parse_instant(effect.intended_at) : Instant{};
  switch (answer_doubt(request.policy, intended_at, effect.token_ttl, now)) {
    case DoubtAnswer::resend:
      effect.attempt = speaker.attempt;
      effect.if_in_doubt = request.policy;
      if (auto renewed = renew_intent(ledger, effect); !renewed) return renewed.error();
      return ok_reply(request.id, granted);
    case DoubtAnswer::probe:  // asked of clients that can probe; until one does, it is a person's to find out
    case DoubtAnswer::stop:
      return doubt_reply(ledger, effect, request);
  }
  return Error(Fault::internal, "an effect in no known state");
}

Result<std::string> close_effect(Ledger& ledger, const Speaker& speaker, const ChannelRequest& request,
                                 Instant now) {
  const std::string scope = request.scope.empty() ? speaker.run.job : request.scope;
  auto closed = request.op == ChannelOp::confirm
                    ? confirm_effect(ledger, scope, request.key, speaker.attempt, request.result, now)
                    : release_intent(ledger, scope, request.key, speaker.attempt);
  if (!closed) return closed.error();
  if (!*closed)
    return error_reply(request.id, "not_open",
                       fmt::format("effect {} is not open in this attempt", printable(request.key)));
  return ok_reply(request.id);
}

Result<std::string> doubt(Ledger& ledger, const Speaker& speaker, const ChannelRequest& request) {
  const std::string scope = request.scope.empty() ? speaker.run.job : request.scope;
  auto found = find_effect(ledger, scope, request.key);
  if (!found) return found.error();
  if (!*found || (*found)->state != EffectState::intended || (*found)->attempt != speaker.attempt)
    return error_reply(request.id, "not_open",
                       fmt::format("effect {} is not open in this attempt", printable(request.key)));
  if ((*found)->if_in_doubt != IfInDoubt::resend) return doubt_reply(ledger, **found, request);
  return ok_reply(request.id, Json::object().set("state", "intended"));
}

Result<std::string> done_or(const Result<void>& stored, const ChannelRequest& request) {
  if (!stored) return stored.error();
  return ok_reply(request.id);
}

}  // namespace

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

Result<std::string> answer(Ledger& ledger, const Speaker& speaker, const ChannelRequest& request,
                           Instant now) {
  const Run& run = speaker.run;
  const Unit& unit = speaker.unit;
  switch (request.op) {
    case ChannelOp::hello:
    case ChannelOp::progress:
    case ChannelOp::result:
      return ok_reply(request.id);
    case ChannelOp::cursor: {
      auto cursor = cursor_of(ledger, run.job, unit.unit, request.stream);
      if (!cursor) return cursor.error();
      return ok_reply(request.id, Json::object().set("cursor", *cursor));
    }
    case ChannelOp::checkpoint:
      return done_or(
          set_cursor(ledger, run.job, unit.unit, request.stream, request.cursor, speaker.attempt, now),
          request);
    case ChannelOp::item_is_done: {
      auto done = item_is_done(ledger, unit.id, request.item);
      if (!done) return done.error();
      return ok_reply(request.id, Json::object().set("done", *done));
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
