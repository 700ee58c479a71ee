// A scheduler's configuration for a job, written from the job's manifest: the texts and what is filled into
// them. Pure: the same manifest and time give the same text. Every text's rule for exit codes comes from one
// table (contract/then). Installs nothing and asks no scheduler.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/civil.hpp"
#include "base/result.hpp"
#include "contract/manifest.hpp"
#include "contract/schedule.hpp"

namespace jobrun {

/// A job, and when it is to be asked for.
struct Appointment {
  const Manifest& manifest;
  std::string token;  ///< "daily@02:00": the time, and the run date of each call
  Schedule schedule;
  Zone zone;    ///< the manifest's
  Instant now;  ///< changes of clocks are looked for in the year after it
};

struct EmittedFile {
  std::string name;  ///< below --dir, such as "systemd/system/jobrun@.service"
  std::string text;
};
using EmittedFiles = std::vector<EmittedFile>;

/// One of the words behind `emit`. Either function may be missing: there is nothing to write then.
struct Scheduler {
  std::string_view name;
  EmittedFiles (*once)();  ///< what a machine or an installation needs once, for all jobs
  Result<EmittedFiles> (*for_job)(const Appointment&);
};
const std::array<Scheduler, 10>& schedulers();

/// `text` with each @name@ replaced; a name that is not among the words is a bug and aborts.
using Words = std::vector<std::pair<std::string_view, std::string>>;
std::string filled(std::string_view text, const Words& words);
/// What the texts of all schedulers may say: @job@ @token@ @zone@ @cron@ @person_codes@ and so on.
Words words_of(const Appointment& at);
/// Those that need no job: the exit codes.
Words words_of_codes();

EmittedFiles crontab_once();
Result<EmittedFiles> crontab_lines(const Appointment& at);
EmittedFiles systemd_once();
Result<EmittedFiles> systemd_units(const Appointment& at);
Result<EmittedFiles> kubernetes_cronjob(const Appointment& at);
Result<EmittedFiles> kubernetes_indexed(const Appointment& at);
Result<EmittedFiles> gitlab_ci(const Appointment& at);
Result<EmittedFiles> github_workflow(const Appointment& at);
Result<EmittedFiles> jenkinsfile(const Appointment& at);
Result<EmittedFiles> airflow_dag(const Appointment& at);
Result<EmittedFiles> nomad_job(const Appointment& at);
EmittedFiles slurm_once();
Result<EmittedFiles> slurm_script(const Appointment& at);

}  // namespace jobrun
