// What a monitor should know about all jobs, or one: what is late, what needs a person. The order is that of
// urgency. Reads only; cli/cmd_check turns it into a monitoring plugin's answer.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "run/freshness.hpp"

namespace jobrun {

struct Trouble {
  /// From the most urgent on.
  enum class Kind { in_doubt, exhausted, stopped, faulty, stale, untold };
  Kind kind = Kind::stale;
  /// Nothing goes on without a person. Else it is late, or it is a run date that later ones have passed.
  bool critical = false;
  std::string job, run_date, what, next;
};
std::string_view word_of(Trouble::Kind kind);

struct Vigil {
  std::size_t jobs = 0, paused = 0;
  std::vector<Trouble> troubles;       ///< critical ones first
  std::optional<Freshness> freshness;  ///< of the one job that was asked for
};

/// `job`: empty for all that have a manifest. `max_age` stands in for what the manifests say of freshness.
/// Fault::setup where there is no such job, or none at all: a monitor that looks in the wrong place must not
/// be told that all is well.
Result<Vigil> watch(Ledger& ledger, const std::string& jobs_folder, const std::string& job,
                    std::optional<Span> max_age, Instant now);

}  // namespace jobrun
