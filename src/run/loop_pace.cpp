// The pace of the loop: which units are claimed when, how long ends may wait for each other, when to stop.
// See run/loop.hpp for the theory.
#include <poll.h>

#include <algorithm>

#include "base/format.hpp"
#include "run/context.hpp"
#include "run/loop.hpp"

namespace jobrun {

namespace {

constexpr Span busy_look = std::chrono::milliseconds(250);  // how often --wait looks whether a unit is free
constexpr Span quick_age = std::chrono::milliseconds(20);   // units shorter than this are claimed ahead
constexpr int most_ahead = 32;

}  // namespace

bool Loop::quick() const {
  // A breaker has to see each end before the next start.
  return usual_age_ < quick_age && work_.manifest.breaker == 0;
}

int Loop::ahead() const {
  return quick() ? most_ahead : 0;
}

bool Loop::must_write(Span now) const {
  if (!ended_.empty() && (!quick() || now - first_ended_ >= end_hold || (slots_.empty() && ready_.empty())))
    return true;
  // Refilled while half of the lead is left, so that children run while the disk writes.
  if (!queue_.empty() && static_cast<int>(slots_.size() + ready_.size()) < work_.parallel + ahead() / 2)
    return true;
  return std::any_of(requests_.begin(), requests_.end(),
                     [](const auto& one) { return changes_ledger(one.request.op); });
}

void Loop::take_ended(Span now) {
  for (auto& slot : slots_) {
    if (!slot->ended()) continue;
    if (ended_.empty()) first_ended_ = now;
    usual_age_ = units_seen_++ == 0 ? slot->age(now) : (usual_age_ * 7 + slot->age(now)) / 8;
    ended_.push_back(std::move(slot));
  }
  std::erase(slots_, nullptr);
}

/// What was not started stays as it is, for the next call; what was claimed ahead is recorded as never having
/// run.
void Loop::stop_starting() {
  for (const auto& unit : queue_) settle(standing(unit));
  queue_.clear();
  for (auto& next : ready_) {
    auto slot = std::make_unique<Slot>(std::move(next.claimed), std::move(next.lease), Output(0, {}),
                                       world_.clock.steady());
    slot->cancel();
    slots_.push_back(std::move(slot));
  }
  ready_.clear();
  take_ended(world_.clock.steady());
}

void Loop::choose() {
  const Instant now = world_.clock.wall();
  starts_.clear();
  if (work_.manifest.breaker != 0 && !ended_.empty()) return;  // they are counted first
  while (!queue_.empty() &&
         static_cast<int>(slots_.size() + ready_.size() + starts_.size()) < work_.parallel + ahead()) {
    Unit unit = std::move(queue_.front());
    queue_.pop_front();
    if (unit.state == UnitState::retrying && unit.next_at && *unit.next_at > now) {
      settle(standing(unit));
      continue;
    }
    auto lease = world_.ledger.lease(work_.run.job, unit.unit);
    if (lease && *lease) {
      starts_.push_back({std::move(unit), std::move(**lease)});
      continue;
    }
    UnitOutcome outcome = standing(unit);
    outcome.exit = Exit::busy;
    if (!lease) outcome.note = lease.error().what();
    settle(std::move(outcome));
  }
}

void Loop::count_for_breaker(const Unit& unit) {
  if (work_.manifest.breaker == 0) return;
  const bool temporary = unit.state == UnitState::retrying || unit.state == UnitState::exhausted;
  breaker_count_ = !temporary ? 0 : unit.reason == breaker_reason_ ? breaker_count_ + 1 : 1;
  breaker_reason_ = temporary ? unit.reason : "";
  if (breaker_count_ < work_.manifest.breaker || queue_.empty()) return;
  finished_.breaker_open = true;
  world_.observer.note(fmt::format("{} units in a row ended with {}: {} others are not started now",
                                   breaker_count_, breaker_reason_, queue_.size()));
}

/// --wait: stays until something is due or free again. True if there is something to start.
bool Loop::wait_for_more() {
  if (!work_.wait || finished_.signal != 0 || finished_.breaker_open) return false;
  const Span left = *work_.wait - (world_.clock.steady() - began_);
  const Instant now = world_.clock.wall();
  Span nap = Span::max();
  std::vector<Unit> again;
  for (const auto& outcome : finished_.outcomes) {
    if (outcome.exit == Exit::busy) nap = std::min(nap, busy_look);
    if (outcome.exit != Exit::busy &&
        (outcome.unit.state != UnitState::retrying || outcome.exit == Exit::paused))
      continue;
    if (outcome.exit == Exit::retry) nap = std::min(nap, std::max(Span(0), *outcome.unit.next_at - now));
    again.push_back(outcome.unit);
  }
  if (again.empty() || nap > left) return false;
  pollfd stop = {signals_.get(), POLLIN, 0};
  if (::poll(&stop, 1, static_cast<int>(std::min<long long>(nap.count() + 1, 3'600'000))) == 1) {
    take_signal();
    return false;
  }
  queue_.assign(again.begin(), again.end());
  return true;
}

}  // namespace jobrun
