// Time as an argument: wall time for stamps, steady time for spans.
// This is the only door to the machine's clocks; everything else is handed an Instant or a Clock.
// Does not know zones or dates (civil.hpp).
#pragma once

#include <chrono>
#include <optional>

namespace jobrun {

using Span = std::chrono::milliseconds;
/// A point of wall time, UTC, to the millisecond.
using Instant = std::chrono::sys_time<Span>;

class Clock {
 public:
  virtual ~Clock() = default;
  /// Wall time: may jump.
  virtual Instant wall() const = 0;
  /// Time since some fixed point that never jumps back (CLOCK_MONOTONIC, clock_gettime(2)).
  virtual Span steady() const = 0;
};

/// The machine's clocks. With `starts_at` (--now) wall time begins there and goes on at the steady
/// clock's pace.
class RealClock final : public Clock {
 public:
  explicit RealClock(std::optional<Instant> starts_at = {});
  Instant wall() const override;
  Span steady() const override;

 private:
  std::optional<Instant> starts_at_;
  Span steady_at_start_{};
};

}  // namespace jobrun
