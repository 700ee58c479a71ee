// Short work that leaves this process with a time limit: a program with its input, watched to its end.
// For what must not change a run: telling people, pings, traces. Several run side by side. Promises that none
// outlives its limit by more than a moment, that its answer is bounded, and that a signal that asks jobrun to
// stop ends the waiting at once (and stays pending). Records nothing and does not try again.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "contract/verdict.hpp"
#include "handler/child.hpp"

namespace jobrun {

struct ErrandEnd {
  ChildEnd how;
  std::string answer;     ///< the first 64 KiB of its standard output and error
  bool cut_off = false;   ///< we were asked to stop, and so was it
  bool too_late = false;  ///< its time was over

  bool is_good() const { return how.exit_code == 0 && !cut_off && !too_late; }
};

class Errand {
 public:
  /// `input` is on its standard input. `deadline` is a time of the steady clock.
  static Result<Errand> start(ChildSpec spec, std::string_view input, Span deadline);

  bool ended() const { return ended_; }
  const ErrandEnd& end() const { return end_; }
  /// To be left alone where orphans are swept (kill_orphans); 0 once it has ended.
  int pid() const { return ended_ ? 0 : child_.pid(); }
  /// Ends it now, as `cut_off`.
  void cut_off();

  /// Waits until all have ended or their time is over.
  static void await(std::vector<Errand>& errands, const Clock& clock);

 private:
  Errand(Child child, Span deadline) : child_(std::move(child)), deadline_(deadline) {}
  void read();
  void finish();

  Child child_;
  Span deadline_;
  bool ended_ = false;
  ErrandEnd end_;
};

}  // namespace jobrun
