// The second half of a turn: what is done once it is durable. See run/loop.hpp for the theory.
#include <unistd.h>

#include <algorithm>

#include "base/format.hpp"
#include "run/launch.hpp"
#include "run/loop.hpp"

namespace jobrun {

namespace {

constexpr std::size_t tail_lines = 8;

}  // namespace

void Loop::act() {
  for (const auto& incoming : requests_) {
    Slot* slot = slot_of(channel_->attempt_of(incoming.connection));
    if (slot == nullptr) continue;
    if (incoming.request.op == ChannelOp::result) slot->say(incoming.request.verdict);
    if (incoming.request.op == ChannelOp::progress)
      world_.observer.progress(finished_.run, slot->unit(), slot->unit().attempts, incoming.request.message,
                               incoming.request.fraction);
  }
  for (const auto& reply : replies_) {
    if (reply.greets != 0) channel_->set_attempt(reply.connection, reply.greets);
    if (reply.grip == Answered::Grip::taken) acting_[reply.effect] = reply.connection;
    if (reply.grip == Answered::Grip::let_go) acting_.erase(reply.effect);
    channel_->reply(reply.connection, reply.line);
  }
  if (!judgements_.empty()) {
    for (std::size_t i = 0; i < ended_.size(); ++i) finish_slot(*ended_[i], judgements_[i]);
    ended_.clear();
  }
  call_ = written_call_;
  for (std::size_t i = 0; i < claims_.size(); ++i) {
    if (auto* claimed = std::get_if<Claimed>(&claims_[i])) {
      ready_.push_back({std::move(*claimed), std::move(starts_[i].lease)});
    } else {
      starts_[i].lease.release();
      settle(std::move(std::get<UnitOutcome>(claims_[i])));
    }
  }
  requests_.clear();
  replies_.clear();
  judgements_.clear();
  claims_.clear();
  starts_.clear();
  if (finished_.signal != 0 || finished_.breaker_open) stop_starting();
  launch_ready();
}

void Loop::launch_ready() {
  while (!ready_.empty() && static_cast<int>(slots_.size()) < work_.parallel) {
    Ready next = std::move(ready_.front());
    ready_.pop_front();
    launch(std::move(next.claimed), std::move(next.lease));
  }
}

void Loop::launch(Claimed claimed, Lease lease) {
  if (claimed.after_crash) sweep_channels(world_.ledger.run_folder());
  OutputFile file(world_.ledger.output_path(claimed.attempt), output_file_limit(work_.manifest));
  auto slot = std::make_unique<Slot>(std::move(claimed), std::move(lease),
                                     Output(work_.manifest.output_limit, work_.masked, std::move(file)),
                                     world_.clock.steady());
  const Launch how{work_.manifest,     finished_.run,       slot->unit(),  slot->unit().attempts,
                   slot->cursor(),     world_.clock.wall(), work_.secrets, channel_->socket_path(),
                   channel_->folder(), slot->lease()};
  world_.observer.unit_started(finished_.run, slot->unit(), slot->unit().attempts);
  if (work_.pings) work_.pings->start(finished_.run, slot->unit(), slot->unit().attempts);
  auto spec = child_spec(how, world_.environment);
  auto child = spec ? Child::spawn(*spec) : Result<Child>(spec.error());
  if (child) {
    slot->launch(std::move(*child), work_.manifest);
  } else {
    slot->fail(child.error());
  }
  slots_.push_back(std::move(slot));
  take_ended(world_.clock.steady());  // what could not be executed has ended already
}

void Loop::finish_slot(Slot& slot, Judgement& judgement) {
  channel_->close_attempt(slot.attempt());
  if (slot.unit().config || !work_.manifest.config.is_null())
    ::unlink(config_file(channel_->folder(), slot.unit()).c_str());
  slot.release();
  slot.drop_needless_file();
  count_for_breaker(judgement.unit);
  const auto tail = slot.output().last_lines(tail_lines);
  world_.observer.unit_ended(finished_.run, judgement.unit, judgement.end, tail);
  if (work_.pings) work_.pings->hear(judgement.unit, tail);
  UnitOutcome outcome = standing(judgement.unit);
  outcome.executed = true;
  settle(std::move(outcome));
}

/// The last word on a unit in this call; a later one replaces it (--wait tries again).
void Loop::settle(UnitOutcome outcome) {
  auto& all = finished_.outcomes;
  if (work_.wait) {
    const auto earlier =
        std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.unit.id == outcome.unit.id; });
    if (earlier != all.end()) {
      *earlier = std::move(outcome);
      return;
    }
  }
  all.push_back(std::move(outcome));
}

std::vector<int> Loop::pids_but(const Slot* slot) const {
  std::vector<int> pids;
  for (const auto& other : slots_)
    if (other.get() != slot && other->pid() > 0 && !other->ended()) pids.push_back(other->pid());
  if (work_.pings && work_.pings->pid() > 0) pids.push_back(work_.pings->pid());
  return pids;
}

/// No other attempt runs: every orphan is its own.
bool Loop::is_alone(const Slot& slot) const {
  return std::none_of(slots_.begin(), slots_.end(), [&](const auto& other) {
    return other.get() != &slot && other->pid() > 0 && !other->ended();
  });
}

Slot* Loop::slot_of(std::int64_t attempt) {
  if (attempt == 0) return nullptr;
  for (auto* some : {&slots_, &ended_})
    for (auto& slot : *some)
      if (slot->attempt() == attempt) return slot.get();
  return nullptr;
}

/// One of its clients has an effect in hand.
bool Loop::acts(const Slot& slot) const {
  return std::any_of(acting_.begin(), acting_.end(), [&](const auto& effect) {
    return channel_->attempt_of(effect.second) == slot.attempt();
  });
}

/// This turn's replies count already: two clients may ask in one turn. A client that is gone acts no more.
bool Loop::is_acted_on(const std::string& effect, std::uint64_t by_others_than) const {
  std::uint64_t by = 0;
  if (const auto found = acting_.find(effect); found != acting_.end()) by = found->second;
  for (const auto& reply : replies_)
    if (reply.effect == effect) by = reply.grip == Answered::Grip::taken ? reply.connection : 0;
  return by != 0 && by != by_others_than && channel_->attempt_of(by) != 0;
}

std::string Loop::marker(const Slot& slot) const {
  return attempt_marker(finished_.run, slot.unit(), slot.unit().attempts);
}

}  // namespace jobrun
