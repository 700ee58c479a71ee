#include "timetable/schedule_faults.hpp"

#include <algorithm>
#include <tuple>

#include "base/format.hpp"
#include "base/text.hpp"
#include "timetable/shell_line.hpp"

namespace jobrun {

namespace {

using Weight = ScheduleFault::Weight;
using Faults = std::vector<ScheduleFault>;

/// By the clock, again and again: not only when the machine comes up.
bool recurs(const Scheduled& entry) {
  return !entry.times.empty() || entry.interval || entry.scheduler == "gitlab";
}

bool meet(const Scheduled& one, const Scheduled& other) {
  if (!one.active || !other.active || !recurs(one) || !recurs(other)) return false;
  if (one.times.empty() || other.times.empty()) return true;
  return std::any_of(one.times.begin(), one.times.end(), [&](const Recurrence& mine) {
    return std::any_of(other.times.begin(), other.times.end(),
                       [&](const Recurrence& theirs) { return share_a_day(mine, theirs); });
  });
}

bool share_units(const JobrunCall& one, const JobrunCall& other) {
  if (one.units.empty() || other.units.empty()) return true;
  return std::any_of(one.units.begin(), one.units.end(), [&](const std::string& unit) {
    return std::find(other.units.begin(), other.units.end(), unit) != other.units.end();
  });
}

bool starts(const JobrunCall& call) {
  return call.verb == "run" && !call.job.empty() && !call.only_retry;
}

/// The job that both start.
std::string shared_job(const Scheduled& one, const Scheduled& other) {
  for (const auto& mine : one.calls)
    for (const auto& theirs : other.calls)
      if (starts(mine) && starts(theirs) && mine.job == theirs.job && share_units(mine, theirs))
        return mine.job;
  return "";
}

bool same_command(const Scheduled& one, const Scheduled& other) {
  return one.calls.empty() && other.calls.empty() && one.scheduler != "run-parts" &&
         one.command == other.command && (one.user == other.user || one.user.empty() || other.user.empty());
}

/// The job whose command a line starts by itself.
std::string job_of_command(const Scheduled& entry, const KnownJobs& known) {
  if (!entry.calls.empty()) return "";
  for (const auto& command : parse_shell_line(entry.command))
    for (const auto& job : known.jobs)
      if (job.manifest && !job.manifest->command.empty() && job.manifest->command == command.words)
        return job.name;
  return "";
}

bool starts_job(const Scheduled& entry, const std::string& job) {
  return std::any_of(entry.calls.begin(), entry.calls.end(),
                     [&](const JobrunCall& call) { return starts(call) && call.job == job; });
}

void find_direct(const std::vector<Scheduled>& all, const KnownJobs& known, Faults& faults) {
  for (const auto& entry : all) {
    const std::string job = job_of_command(entry, known);
    if (job.empty()) continue;
    const auto other = std::find_if(all.begin(), all.end(), [&](const Scheduled& one) {
      return starts_job(one, job) && meet(entry, one);
    });
    if (other == all.end()) continue;
    faults.push_back({"scheduled_twice", entry.where,
                      fmt::format("this starts the command of job {} beside jobrun, which starts it at {}",
                                  job, other->label()),
                      "the work is done twice: jobrun knows nothing of this start", "take this line away",
                      Weight::mend});
  }
}

/// Each entry against those before it, the first that starts the same.
void find_twice(const std::vector<Scheduled>& all, Faults& faults) {
  for (std::size_t i = 0; i < all.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) {
      const std::string job = shared_job(all[i], all[j]);
      if ((job.empty() && !same_command(all[i], all[j])) || !meet(all[i], all[j])) continue;
      faults.push_back(
          {"scheduled_twice", all[i].where,
           fmt::format("{} is scheduled here and at {}, on the same days",
                       job.empty() ? "this command" : "job " + job, all[j].where.text()),
           job.empty() ? "it is done twice"
                       : "where both mean the same run date the second does nothing; where they do not, the "
                         "work is done twice",
           "take one of the two away; a line that is only to bring on a retry has --only-retry",
           Weight::mend});
      break;
    }
}

bool is_open_name(const std::string& job) {
  return job.empty() || job.find_first_of("%$`") != std::string::npos;
}

bool of_other_jobs(const JobrunCall& call, const KnownJobs& known) {
  return !call.jobs.empty() && call.jobs != known.folder;
}

void find_unknown(const Inventory& inventory, const KnownJobs& known, Faults& faults) {
  std::vector<std::string> names;
  for (const auto& job : known.jobs) names.push_back(job.name);
  for (const auto& entry : inventory.entries)
    for (const auto& call : entry.calls) {
      if (is_open_name(call.job) || of_other_jobs(call, known) || known.find(call.job) != nullptr) continue;
      const auto near = nearest(call.job, names);
      faults.push_back(
          {"unknown_job", entry.where, fmt::format("there is no job {} in {}", call.job, known.folder),
           "each call ends with 78 and does nothing",
           near ? "did you mean " + *near + "?"
                : fmt::format("write {}/{}.json (`jobrun jobs` lists those there are), or take the line away",
                              known.folder, call.job),
           Weight::mend});
    }
}

void find_not_scheduled(const Inventory& inventory, const KnownJobs& known, Faults& faults) {
  for (const auto& job : known.jobs) {
    const Scheduled* asleep = nullptr;
    bool started = false;
    for (const auto& entry : inventory.entries) {
      if (!starts_job(entry, job.name)) continue;
      started = started || entry.active;
      if (!entry.active) asleep = &entry;
    }
    if (started) continue;
    const bool promised = job.manifest && (job.manifest->period || job.manifest->fresh_within);
    faults.push_back(
        {"not_scheduled",
         {job.file, 0},
         fmt::format("nothing that was read starts job {}", job.name),
         promised ? "its manifest promises a period, so it will be stale"
                  : "it runs only when somebody calls it",
         asleep == nullptr ? "schedule it, or take its manifest away; examples/crontab has a line to copy"
         : asleep->scheduler == "systemd" ? fmt::format("systemctl enable --now {}", asleep->name)
                                          : "mend " + asleep->where.text(),
         promised ? Weight::mend : Weight::look});
  }
}

/// Retries wait in the ledger until somebody calls: cron itself does not.
void find_no_tick(const Inventory& inventory, const KnownJobs& known, Faults& faults) {
  const Scheduled* waiting = nullptr;
  for (const auto& entry : inventory.entries) {
    if (!entry.active) continue;
    for (const auto& call : entry.calls) {
      if (call.verb == "tick") return;
      const KnownJob* job = known.find(call.job);
      const bool tried_again = job != nullptr && job->manifest && job->manifest->retry.max_attempts > 1;
      const bool local =
          entry.scheduler == "cron" || entry.scheduler == "run-parts" || entry.scheduler == "systemd";
      if (waiting == nullptr && starts(call) && tried_again && local && !call.waits &&
          entry.retried_by.empty())
        waiting = &entry;
    }
  }
  if (waiting == nullptr) return;
  faults.push_back({"no_tick", waiting->where, "nothing brings retries on: no line calls jobrun tick",
                    "a temporary failure waits for its next regular time",
                    "add a line: */5 * * * * jobrun tick --quiet", Weight::mend});
}

}  // namespace

const KnownJob* KnownJobs::find(const std::string& name) const {
  const auto job =
      std::find_if(jobs.begin(), jobs.end(), [&](const KnownJob& one) { return one.name == name; });
  return job == jobs.end() ? nullptr : &*job;
}

std::vector<ScheduleFault> schedule_faults(const Inventory& inventory, const KnownJobs& known, Instant now) {
  Faults faults = inventory.faults;
  for (const auto& entry : inventory.entries) judge_entry(entry, known, now, faults);
  find_direct(inventory.entries, known, faults);
  find_twice(inventory.entries, faults);
  find_unknown(inventory, known, faults);
  if (inventory.whole) {
    find_not_scheduled(inventory, known, faults);
    find_no_tick(inventory, known, faults);
  }
  std::stable_sort(faults.begin(), faults.end(), [](const ScheduleFault& one, const ScheduleFault& other) {
    return std::tie(one.where.file, one.where.line) < std::tie(other.where.file, other.where.line);
  });
  return faults;
}

}  // namespace jobrun
