// One running attempt inside the loop: its child, its lease, its clock, what it said and wrote.
// Watches and ends the child; decides nothing about the unit (run/unit).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "contract/manifest.hpp"
#include "handler/child.hpp"
#include "handler/output.hpp"
#include "run/unit.hpp"

namespace jobrun {

class Slot {
 public:
  Slot(Claimed claimed, Lease lease, Output output, Span started);

  const Unit& unit() const { return claimed_.unit; }
  std::int64_t attempt() const { return claimed_.attempt; }
  const std::string& cursor() const { return claimed_.cursor; }
  int lease() const { return lease_.descriptor(); }
  const Output& output() const { return output_; }
  Span wall() const { return wall_; }
  Span age(Span now) const { return now - started_; }

  /// Gives it its child; without one (it could not be started) the attempt ends with `failure`.
  void launch(Child child, const Manifest& manifest);
  void fail(const Error& failure);
  /// It was claimed and is not wanted any more: recorded as interrupted, never having run.
  void cancel();
  void say(const Verdict& verdict) { said_ = verdict; }

  bool ended() const { return ended_; }
  /// It was asked to end, by the clock or by a signal, and has its grace.
  bool is_stopping() const { return (timed_out_ || interrupted_) && !killed_ && !ended_; }
  int pid() const { return child_ ? child_->pid() : 0; }
  int output_fd() const { return child_ && !ended_ ? child_->output() : -1; }
  int pidfd() const { return child_ && !ended_ ? child_->pidfd() : -1; }

  void read_output();
  /// Asks it to end (TERM), and makes sure of it after `grace` (KILL).
  void stop(Span now, Span grace);
  void stop_now();
  /// Time-out, then grace: what the clock asks for. Answers when to look again.
  Span keep_time(Span now, const Manifest& manifest, const std::string& marker, const std::vector<int>& ours);
  /// The child has ended: reap it, end what it left behind, let the output go.
  /// `ours`: children that are to be left alone; `alone`: no other attempt runs, so all orphans are its own.
  void reap(const Manifest& manifest, const std::string& marker, const std::vector<int>& ours, bool alone,
            Span now);

  /// The verdict and how it came, for judge().
  Verdict verdict(const Manifest& manifest) const;
  AttemptState how() const;
  /// Exit code, signal, times, memory and output, as the attempt's row keeps them.
  void describe(AttemptEnd& end) const;
  /// Free for others: only after the end is durable.
  void release() { lease_.release(); }
  /// Once head and tail of the output are durable.
  void drop_needless_file() { output_.drop_needless_file(); }

 private:
  Claimed claimed_;
  Lease lease_;
  Output output_;
  std::optional<Child> child_;
  std::optional<Verdict> said_;
  Span started_, deadline_{}, kill_at_{}, wall_{};
  bool timed_out_ = false, interrupted_ = false, killed_ = false, ended_ = false;
  ChildEnd end_;
  ChildUsage usage_;
};

}  // namespace jobrun
