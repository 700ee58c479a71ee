// Kubernetes: a CronJob whose pod does the whole run, and one whose pods do a unit each (an Indexed Job).
//
// Its own back-off is 10 s, doubled up to 6 min, and can't be set: so the call stays for jobrun's waits
// (--wait), and the limits here are for pods that died. Needs Kubernetes 1.31, the indexed one 1.33.
#include <algorithm>

#include "base/json.hpp"
#include "base/text.hpp"
#include "cli/emit.hpp"

namespace jobrun {

namespace {

constexpr std::string_view cronjob =
    R"text(# @job@ at @token@, @zone@, as a Kubernetes CronJob.
# Held against Kubernetes' documentation (1.31), not run there.
# To fill in: the image (jobrun, and what the job needs), and the claim with the ledger: a ReadWriteOnce volume on a
# node's disk, since a ledger on a network file system is refused. Begin it once with "jobrun init".
apiVersion: batch/v1
kind: CronJob
metadata:
  name: @name@
spec:
@why_twice@  schedule: "@cron@"
  timeZone: @zone@
  concurrencyPolicy: Forbid
  # A late start is a right one: the run date is that of the latest time that has come.
  startingDeadlineSeconds: @late_seconds@
  jobTemplate:
    spec:
      # Pods that died, out of memory or with their node. jobrun's own retries need none of these.
      backoffLimit: @attempts@
      activeDeadlineSeconds: @all_seconds@
      podFailurePolicy:
        rules:
        - action: Ignore
          onPodConditions:
          - type: DisruptionTarget
        # for a person: trying again would answer the same
        - action: FailJob
          onExitCodes:
            containerName: job
            operator: In
            values: [@person_list@]
      template:
        spec:
          restartPolicy: Never
          terminationGracePeriodSeconds: @stop_seconds@
          containers:
          - name: job
            image: registry.example.com/jobs:latest
            command: [jobrun, @job@, --run-date, "@token@", "--wait=@window@", --exit-map, "85=0"]
            volumeMounts:
            - name: ledger
              mountPath: /var/lib/jobrun
          volumes:
          - name: ledger
            persistentVolumeClaim:
              claimName: jobrun
)text";

constexpr std::string_view indexed =
    R"text(# @job@ at @token@, @zone@, as a Kubernetes CronJob with one pod for each unit (an Indexed Job).
# A unit that fails for good does not end the others. Held against Kubernetes' documentation (1.33), not run there.
# To fill in: the image (jobrun, and what the job needs), and the claim with the ledger: a ReadWriteOnce volume on a
# node's disk, so that all pods are on that node. Begin it once with "jobrun init". The units stand in the last lines:
# write this anew when the manifest's list changes.
apiVersion: batch/v1
kind: CronJob
metadata:
  name: @name@
spec:
@why_twice@  schedule: "@cron@"
  timeZone: @zone@
  concurrencyPolicy: Forbid
  # A late start is a right one: the run date is that of the latest time that has come.
  startingDeadlineSeconds: @late_seconds@
  jobTemplate:
    spec:
      completionMode: Indexed
      completions: @units@
      parallelism: @parallel@
      # Pods of one unit that died, out of memory or with their node. jobrun's own retries need none of these.
      backoffLimitPerIndex: @attempts@
      maxFailedIndexes: @units@
      activeDeadlineSeconds: @all_seconds@
      podFailurePolicy:
        rules:
        - action: Ignore
          onPodConditions:
          - type: DisruptionTarget
        # for a person: this unit only
        - action: FailIndex
          onExitCodes:
            containerName: job
            operator: In
            values: [@person_list@]
      template:
        spec:
          restartPolicy: Never
          terminationGracePeriodSeconds: @stop_seconds@
          containers:
          - name: job
            image: registry.example.com/jobs:latest
            volumeMounts:
            - name: ledger
              mountPath: /var/lib/jobrun
            command:
            - sh
            - -c
            - shift "$JOB_COMPLETION_INDEX"; exec jobrun @job@ --unit "$1" --run-date @token@ --wait=@window@ --exit-map 85=0
            - units
@unit_lines@          volumes:
          - name: ledger
            persistentVolumeClaim:
              claimName: jobrun
)text";

/// A DNS label (RFC 1123), short enough for the suffix of a CronJob's jobs.
std::string kubernetes_name(std::string job) {
  std::replace(job.begin(), job.end(), '_', '-');
  std::replace(job.begin(), job.end(), '.', '-');
  job.resize(std::min<std::size_t>(job.size(), 52));
  while (job.back() == '-') job.pop_back();
  return job;
}

Words words_for(const Appointment& at) {
  Words words = words_of(at);
  words.emplace_back("name", kubernetes_name(at.manifest.job));
  return words;
}

}  // namespace

Result<EmittedFiles> kubernetes_cronjob(const Appointment& at) {
  return EmittedFiles{{"kubernetes.yaml", filled(cronjob, words_for(at))}};
}

Result<EmittedFiles> kubernetes_indexed(const Appointment& at) {
  const UnitSource& units = at.manifest.units;
  if (units.kind != UnitSource::Kind::list)
    return usage_error(
        at.manifest.job + " has no list of units in its manifest: no pod for each can be written",
        "jobrun emit kubernetes does all units in one pod");
  std::string list;
  for (const UnitSpec& unit : units.list) {
    list += "            - ";
    const std::string text = Json(unit.id).dump();  // which is YAML too
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text.compare(i, 2, "$(") == 0) list += '$';  // else Kubernetes would replace $(NAME)
      list += text[i];
    }
    list += '\n';
  }
  Words words = words_for(at);
  words.emplace_back("units", std::to_string(units.list.size()));
  words.emplace_back("parallel", std::to_string(at.manifest.parallel));
  words.emplace_back("unit_lines", list);
  return EmittedFiles{{"kubernetes-indexed.yaml", filled(indexed, words)}};
}

}  // namespace jobrun
