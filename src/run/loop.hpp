// The loop: gathers what has come in, writes it in one transaction, then acts on it.
//
// Theory: single-threaded, one poll(2) over the signal descriptor, the children's pidfds and pipes, and the
// channel. A turn is: gather (read pipes, note children that ended, take channel requests, choose units to
// start and take their leases), write (requests, ends and claims together, one fsync), act (reply, release
// leases, report, spawn). So whatever is answered or started is durable before, and what arrives together is
// committed together. Units that take milliseconds would wait for the disk twice each. For them claims are
// written a few dozen ahead of their start, and ends wait some milliseconds for each other; the price is that
// a crash may meet attempts that never started, and they count as crashed. When a turn can't be written
// nothing of it is acted on: the children are ended and the next call finds attempts without an end. Does not
// read manifests, decide verdicts or print.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/result.hpp"
#include "handler/channel_server.hpp"
#include "run/catalog.hpp"
#include "run/context.hpp"
#include "run/pings.hpp"
#include "run/slot.hpp"
#include "run/world.hpp"

namespace jobrun {

/// What the loop is asked to bring as far as it goes.
struct Work {
  const Manifest& manifest;
  std::vector<Secret> secrets;
  std::vector<std::string> masked;  ///< every form of them
  std::optional<NewRun> create;     ///< made together with the first claims
  Run run;                          ///< filled in by the loop where it creates one
  std::vector<Unit> units;          ///< to start, in order; for a new run filled in by the loop
  std::vector<std::string> only;    ///< for a new run: the units that were selected, empty: all
  int parallel = 1;
  std::optional<Span> wait;  ///< stay for waits and for units that others hold, this long
  Pings* pings = nullptr;    ///< told of the first start and of what did not end well
};

struct Finished {
  Run run;
  std::vector<UnitOutcome> outcomes;
  int signal = 0;  ///< that asked us to stop
  bool breaker_open = false;
};

class Loop {
 public:
  Loop(World& world, Work work);
  Result<Finished> run();

 private:
  struct Start {
    Unit unit;
    Lease lease;
  };
  struct Ready {
    Claimed claimed;
    Lease lease;
  };
  struct Reply {
    std::uint64_t connection;
    std::string line;
    std::int64_t greets = 0;  ///< the attempt that this connection speaks for from now on
    std::string effect = {};  ///< that it takes in hand or lets go, if any
    Answered::Grip grip = Answered::Grip::none;
  };

  Result<void> open();
  Result<void> create_run();
  bool busy() const { return !slots_.empty() || !ended_.empty() || !ready_.empty() || !queue_.empty(); }
  bool must_write(Span now) const;
  bool quick() const;
  Span wake_time(Span now);
  void gather();
  void take_signal();
  void take_ended(Span now);
  void stop_starting();
  int ahead() const;
  void choose();
  void hear(const ChannelServer::Incoming& incoming);
  Result<void> write();
  Result<void> write_turn(const std::function<Result<void>()>& body);
  void boundary(std::string_view when);
  std::string turn_name() const;
  Result<void> write_body();
  Result<void> answer_requests(Instant now);
  void act();
  void launch_ready();
  void launch(Claimed claimed, Lease lease);
  void finish_slot(Slot& slot, Judgement& judgement);
  void settle(UnitOutcome outcome);
  bool wait_for_more();
  void count_for_breaker(const Unit& unit);
  std::vector<int> pids_but(const Slot* slot) const;
  bool is_alone(const Slot& slot) const;
  Slot* slot_of(std::int64_t attempt);
  bool acts(const Slot& slot) const;
  bool is_acted_on(const std::string& effect, std::uint64_t by_others_than) const;
  std::string marker(const Slot& slot) const;

  World& world_;
  Work work_;
  Finished finished_;
  std::optional<ChannelServer> channel_;
  Fd signals_;
  std::int64_t call_ = 0;  // the row of this call, made with its first attempt
  std::deque<Unit> queue_;
  std::deque<Ready> ready_;                      // claimed, not launched
  std::vector<std::unique_ptr<Slot>> slots_;     // running
  std::vector<std::unique_ptr<Slot>> ended_;     // ended, not written down
  std::map<std::string, std::uint64_t> acting_;  // effects, and the connection that has each in hand
  Span first_ended_{};
  Span usual_age_ = std::chrono::hours(1);  // how long units take here, smoothed; long until one was seen
  int units_seen_ = 0;
  Span began_{};
  int boundaries_ = 0;  // passed, for a preflight
  std::string breaker_reason_;
  int breaker_count_ = 0;

  // One turn's harvest and results; cleared by act().
  std::vector<ChannelServer::Incoming> requests_;
  std::vector<Start> starts_;
  std::vector<Reply> replies_;
  std::vector<Claim> claims_;
  std::int64_t written_call_ = 0;
  std::vector<Judgement> judgements_;

  static constexpr Span end_hold =
      std::chrono::milliseconds(5);  // of ends for each other, where units are quick
};

}  // namespace jobrun
