// What is wrong with an inventory: lines that do not start what their author meant, and jobs that nobody
// starts. Each fault says where, what, why it matters and what to type. Pure: the inventory, the manifests
// and the time are handed in. Promises no fault for a schedule that follows jobrun-manifest(5) and the
// examples.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "contract/manifest.hpp"
#include "timetable/scheduled.hpp"

namespace jobrun {

/// A job of the jobs directory; no manifest where it is faulty.
struct KnownJob {
  std::string name;
  std::string file;
  std::optional<Manifest> manifest;
};

struct KnownJobs {
  std::string folder;
  std::vector<KnownJob> jobs;  ///< sorted by name

  const KnownJob* find(const std::string& name) const;
};

/// All of them, those that were seen while reading included, in the order of files and lines.
std::vector<ScheduleFault> schedule_faults(const Inventory& inventory, const KnownJobs& known, Instant now);

/// Of one entry by itself.
void judge_entry(const Scheduled& entry, const KnownJobs& known, Instant now,
                 std::vector<ScheduleFault>& faults);

/// The run date that fits a schedule: "daily@01:30", "hourly@05", "every@15m"; the same in a retry after
/// midnight and in a late start. Empty where the times are not known.
std::string fitting_run_date(const std::vector<Recurrence>& times);

}  // namespace jobrun
