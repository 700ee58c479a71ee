// What is scheduled on a machine, or below a folder that holds one: crontabs, run-parts folders, systemd's
// timers, and files that are named. Promises that what can't be read is told and hinders nothing else. Reads
// files only: asks no daemon, follows no bus, starts nothing, and does not judge (timetable/schedule_faults).
#pragma once

#include <string>
#include <vector>

#include "run/world.hpp"
#include "timetable/scheduled.hpp"

namespace jobrun {

struct InventoryRequest {
  std::string root;                ///< empty: this machine's own
  bool machine = true;             ///< read the places of a machine
  std::vector<std::string> files;  ///< crontabs, timers, folders of units, YAML of GitLab, Kubernetes, GitHub
};

/// Fault::setup where a file that was named can't be read.
Result<Inventory> take_inventory(const InventoryRequest& request, const Environment& environment);

/// The one thing that stands at `where`, as an inventory shows it: FILE:LINE of a crontab, or a .timer. Where
/// a file has one alone the line may be left out. Fault::usage where there is none, or a line that cron
/// refuses.
Result<Scheduled> find_scheduled(const std::string& where, const Environment& environment);

}  // namespace jobrun
