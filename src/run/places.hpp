// Where things are: the configuration files, the ledger, the jobs directory. Contract 2.10.
// Promises that a call that names both places reads no configuration. Opens no ledger and makes nothing.
#pragma once

#include <optional>
#include <string>

#include "base/result.hpp"
#include "contract/config.hpp"
#include "run/world.hpp"

namespace jobrun {

/// What $JOBRUN_CONFIG names, or else /etc/jobrun/config.json and then the person's own; empty where there is
/// none. Fault::setup with all faults of a file, or where it may be written by others.
Result<Config> load_config(const Environment& environment);

struct Places {
  std::string ledger;              ///< absolute path of the ledger
  std::string jobs;                ///< absolute path of the jobs directory
  std::string ledger_by, jobs_by;  ///< whose word that is: "--ledger", "$JOBRUN_LEDGER", a file, "by default"
  std::optional<Config> config;    ///< as read on the way; nothing: both places were named without it
};
/// Empty flags mean: not given.
Result<Places> find_places(const std::string& ledger_flag, const std::string& jobs_flag,
                           const Environment& environment);

}  // namespace jobrun
