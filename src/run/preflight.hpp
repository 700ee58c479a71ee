// Preflight: does a second run, and a crash at any point, do harm? Runs the job for real, but against a
// private copy of the ledger, again and again from the same start, and compares what is left behind. Promises
// that the ledger it was given is only read. What the job does outside is done: the caller names a reset and
// a probe for it.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "run/places.hpp"
#include "run/world.hpp"

namespace jobrun {

struct PreflightRequest {
  std::string program;  ///< this jobrun's own path
  std::string job, run_date;
  std::vector<std::string> words;  ///< further words of every call: --unit, --payload, --tz
  Places places;
  std::string now;    ///< --now of every call; empty: none
  std::string reset;  ///< shell line that makes the outside world as it was; may be empty
  std::string probe;  ///< shell line that prints the outside world; may be empty
  bool chaos = false;
  int most_points = 2000;
};

struct PreflightCheck {
  std::string what;   ///< "the first run", "ended before intend mail:1"
  std::string fault;  ///< empty: it held
  int calls = 1;      ///< until it was finished
  bool in_doubt = false;
};

struct PreflightReport {
  std::vector<PreflightCheck> checks;
  int points = 0;  ///< places where the run was ended
  bool holds() const;
};

/// Fault::usage where the run date has a run already; other errors where jobrun could not.
Result<PreflightReport> preflight(World& world, const PreflightRequest& request);

}  // namespace jobrun
