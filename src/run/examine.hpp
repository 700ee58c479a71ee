// An installation looked over, for `doctor`: each thing that a run needs, whether it is in order, and what to
// do where it is not. Promises an answer on a broken installation too: what can't be looked at is told as
// such. Reads only; never shows a secret.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "run/places.hpp"

namespace jobrun {

struct Symptom {
  enum class State { ok, warn, fail };
  State state = State::ok;
  std::string part;   ///< "ledger", "clock", "job backup", ...
  std::string found;  ///< what is so
  std::string next;   ///< what to do; empty where it is in order
};
using Symptoms = std::vector<Symptom>;

/// Where things are and who said so. The places stay empty where a faulty configuration hides them.
struct Grounds {
  std::string ledger, ledger_by, jobs, jobs_by;
};
Grounds examine_places(const std::string& ledger_flag, const std::string& jobs_flag,
                       const Environment& environment, Symptoms& symptoms);
/// File, damage, lock, owners, file system, space, the clock against its newest stamp, and who calls.
void examine_ledger(const std::string& path, Instant now, Symptoms& symptoms);
/// The jobs directory, every manifest, their zones and secrets, and libcurl for those that need it.
void examine_jobs(const std::string& folder, const Environment& environment, Symptoms& symptoms);
/// Files of cron and systemd that name jobrun.
void examine_schedules(Symptoms& symptoms);

}  // namespace jobrun
