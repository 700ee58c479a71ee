// Something that a scheduler starts today, as a job of jobrun: a manifest for its command as it stands, and
// what a person has to decide. Promises that the job does what the line did, once and no more often, until
// somebody decides otherwise. Changes nothing, and writes no scheduler's line (cli/adopt_view does).
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "timetable/scheduled.hpp"

namespace jobrun {

struct Adoption {
  std::string job;
  std::string run_date;             ///< for the new call: "daily@01:30"
  std::string manifest;             ///< JSON with comments, accepted by parse_manifest
  std::vector<std::string> decide;  ///< sentences
};

/// `name`: the job's; empty: from the program's or the unit's. Fault::usage where it can't be one.
Result<Adoption> adopt(const Scheduled& entry, const std::string& name);

}  // namespace jobrun
