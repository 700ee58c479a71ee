#include "base/clock.hpp"

namespace jobrun {

RealClock::RealClock(std::optional<Instant> starts_at) : starts_at_(starts_at), steady_at_start_(steady()) {}

Instant RealClock::wall() const {
  if (starts_at_) return *starts_at_ + (steady() - steady_at_start_);
  return std::chrono::floor<Span>(std::chrono::system_clock::now());
}

Span RealClock::steady() const {
  // libstdc++ reads CLOCK_MONOTONIC here: it stops while the machine sleeps, and so do our deadlines.
  return std::chrono::floor<Span>(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace jobrun
