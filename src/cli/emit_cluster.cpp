// Airflow, Nomad and Slurm.
//
// Airflow hands the date over, since its catch-up runs for dates that are past. Nomad tries any code again, a
// stop too, which is answered at once. Slurm's rule for codes stands in slurm.conf, once for all jobs.
#include "cli/emit.hpp"

namespace jobrun {

namespace {

constexpr std::string_view airflow =
    R"text("""@job@ at @token@, @zone@, from Airflow.

Held against Airflow's documentation (2.9 with the standard provider, and 3), not run there.
The worker is the machine that has the ledger: give it a queue of its own, jobrun.
"""
import pendulum
from airflow import DAG
from airflow.providers.standard.sensors.bash import BashSensor

with DAG(
    dag_id="@job@",
    schedule="@cron_once@",
    start_date=pendulum.datetime(2026, 1, 1, tz="@zone@"),
    catchup=False,
    max_active_runs=1,
):
    # A sensor, because it tells "call again" (75; 74 and 83 are made the same) from "for a person" (all other codes,
    # which fail the task at once); the operator of the same name would try both again. A paused job (85) is not a
    # failed one. The date is that of the time that has come, the same in every call and in a catch-up.
    BashSensor(
        task_id="run",
        bash_command="jobrun @job@ --run-date @airflow_date@ --exit-map 74=75,83=75,85=0",
        retry_exit_code=75,
        mode="reschedule",
        poke_interval=@pause_seconds@,
        timeout=@all_seconds@,
        queue="jobrun",
    )
)text";

constexpr std::string_view nomad =
    R"text(# @job@ at @token@, @zone@, as a periodic Nomad job.
# Held against Nomad's documentation (1.6.2 and later), not run there.
# To fill in: the node that has the ledger.
job "@job@" {
  type = "batch"

  periodic {
@why_twice@    crons            = ["@cron@"]
    time_zone        = "@zone@"
    prohibit_overlap = true
  }

  constraint {
    attribute = "${attr.unique.hostname}"
    value     = "batch1.example.com"
  }

  group "run" {
    # Nomad tries any code but 0 again; a run that is for a person answers the same at once, and executes nothing.
    restart {
      attempts = 2
      interval = "24h"
      delay    = "1m"
      mode     = "fail"
    }
    reschedule {
      attempts  = 0
      unlimited = false
    }

    task "jobrun" {
      driver       = "raw_exec"
      user         = "jobrun"
      kill_timeout = "@stop_seconds@s"

      # Stays for the job's own retries, @window@ at the most. A paused job is not a failed one.
      config {
        command = "jobrun"
        args    = ["@job@", "--run-date", "@token@", "--wait=@window@", "--exit-map", "85=0"]
      }
    }
  }
}
)text";

constexpr std::string_view slurm_conf =
    R"text(# For slurm.conf. Run for real under Slurm 22.05. Codes that mean "call again" put a job back
# into the queue, if it was submitted with --requeue; those for a person hold it there, where squeue shows it.
RequeueExit=@again_commas@
RequeueExitHold=@person_commas@
)text";

constexpr std::string_view slurm =
    R"text(#!/bin/sh
# @job@ at @token@, @zone@, as a Slurm batch script.
# Run for real under Slurm 22.05. Slurm has no calendar of its own; from cron:
#   @cron@  sbatch --quiet slurm.sbatch
# With RequeueExit= in slurm.conf (jobrun emit slurm) a call that is to be made again goes back into the queue; Slurm
# waits two minutes or so, and a call before an attempt is due answers 75 and executes nothing.
# To fill in: the node that has the ledger. Where the queue may hold it beyond the next run, submit it with the date:
#   sbatch slurm.sbatch 2026-04-12
#SBATCH --job-name=@job@
#SBATCH --nodelist=batch1
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --time=@call_minutes@
#SBATCH --signal=B:TERM@@stop_seconds@
#SBATCH --dependency=singleton
exec jobrun @job@ --run-date "${1:-@token@}" --exit-map 85=0
)text";

}  // namespace

Result<EmittedFiles> airflow_dag(const Appointment& at) {
  Words words = words_of(at);
  const std::string local = "{{ data_interval_end.in_timezone('" + at.zone.name() + "')";
  words.emplace_back("airflow_date", at.schedule.kind == Schedule::Kind::daily
                                         ? local + " | ds }}"
                                         : "{{ data_interval_end | ts }}");
  return EmittedFiles{{"airflow_dag.py", filled(airflow, words)}};
}

Result<EmittedFiles> nomad_job(const Appointment& at) {
  return EmittedFiles{{"nomad.hcl", filled(nomad, words_of(at))}};
}

EmittedFiles slurm_once() {
  return {{"slurm.conf", filled(slurm_conf, words_of_codes())}};
}

Result<EmittedFiles> slurm_script(const Appointment& at) {
  return EmittedFiles{{"slurm.sbatch", filled(slurm, words_of(at))}};
}

}  // namespace jobrun
