// Pings: a check somewhere else is told that a call began to work on a run, and how far that went.
// Best effort by design: sent once, not kept in the ledger, never a reason for another answer. The start goes
// out beside the run; the end waits for both no longer than the limit. A retry is a log entry and no failure,
// because the check would wake somebody.
#pragma once

#include <string>
#include <vector>

#include "contract/alerts.hpp"
#include "handler/errand.hpp"
#include "run/world.hpp"

namespace jobrun {

/// What a call waits for its pings, at its end.
inline constexpr Span ping_limit = std::chrono::seconds(5);

class Pings {
 public:
  /// `masked`: forms of the job's secrets.
  Pings(World& world, const PingSpec& spec, const std::string& folder, std::vector<std::string> masked);

  /// The first attempt of this call is about to start; later ones are not told. Comes back at once.
  void start(const Run& run, const Unit& unit, int attempt);
  /// The last lines of an attempt that did not end well.
  void hear(const Unit& unit, const std::vector<std::string>& tail);
  /// How the call ended; nothing where it started nothing.
  void end(Exit exit, const std::string& headline);
  /// To be left alone where orphans are swept; 0 where none is on its way.
  int pid() const { return errands_.empty() ? 0 : errands_.back().pid(); }

 private:
  void send(const std::string& word, const std::string& body, Span deadline);

  World& world_;
  std::string url_, rid_, heard_;
  std::vector<std::string> masked_;
  std::vector<Errand> errands_;
};

}  // namespace jobrun
