// What a run is given from outside: time, the ledger, the environment, and somebody who listens.
// Narrow on purpose: everything below it can be handed other ones.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "contract/alerts.hpp"
#include "contract/exit_codes.hpp"
#include "ledger/ledger.hpp"
#include "ledger/runs.hpp"

namespace jobrun {

using Environment = std::vector<std::pair<std::string, std::string>>;

/// The value of `name`, empty where it is not set.
std::string value_of(const Environment& environment, std::string_view name);

/// Where one unit of a run stands when the call ends.
struct UnitOutcome {
  Unit unit;
  Exit exit = Exit::done;
  bool executed = false;
  bool found_out = false;  ///< not executed, but this call is the first to know how it stands
  std::string note;        ///< why it was not executed: who holds it, until when it waits, why it is paused
};

/// Hears what happens while a run goes on; cli/ prints it.
class Observer {
 public:
  virtual ~Observer() = default;
  /// One sentence that belongs to no unit.
  virtual void note(const std::string& text) = 0;
  virtual void unit_started(const Run& run, const Unit& unit, int attempt) = 0;
  /// `tail`: the last lines of its output, for a failure.
  virtual void unit_ended(const Run& run, const Unit& unit, const AttemptEnd& end,
                          const std::vector<std::string>& tail) = 0;
  virtual void progress(const Run& run, const Unit& unit, int attempt, const std::string& message,
                        std::optional<double> fraction) = 0;
};

struct World {
  const Clock& clock;
  Ledger& ledger;
  Observer& observer;
  const Environment& environment;
  Call call;
  std::vector<AlertTarget> alerts_by_default = {};  ///< of jobs whose manifest has none
  int ends_at = 0;  ///< the boundary between two steps at which a preflight ends this process; 0: none
};

}  // namespace jobrun
