// CI systems: GitLab, GitHub, Jenkins. They know no waits between retries, or no retries at all: so the call
// stays for jobrun's own (--wait). The ledger has to outlive a pipeline, so they run on a machine that keeps
// it.
#include "cli/emit.hpp"

namespace jobrun {

namespace {

constexpr std::string_view gitlab =
    R"text(# @job@ at @token@, @zone@, from GitLab CI.
# Held against GitLab's documentation (16.11 and later), not run there.
# The time stands in the project: Build > Pipeline schedules, "@cron@" with the time zone @zone@.
@why_twice@# The runner is one on the machine that has the ledger (shell executor), with the tag jobrun.
@job@:
  tags: [jobrun]
  rules:
  - if: $CI_PIPELINE_SOURCE == "schedule"
  script:
  # Stays for the job's own retries, @window@ at the most. A paused job is not a failed pipeline.
  - jobrun @job@ --run-date @token@ --wait=@window@ --exit-map 85=0
  timeout: @all_minutes@ minutes
  resource_group: @job@
  # @again_list@: call again. What runners do wrong is tried again too; all else is for a person.
  retry:
    max: 2
    when: [runner_system_failure, stuck_or_timeout_failure]
    exit_codes: [@again_list@]
)text";

constexpr std::string_view github =
    R"text(# @job@ at @token@, @zone@, from GitHub Actions: .github/workflows/@job@.yml.
# Held against GitHub's documentation (2026), not run there. GitHub may start a schedule late, or leave one out when
# it is busy: `jobrun check` sees that. The runner is one of your own, on the machine that has the ledger, with the label jobrun.
name: @job@
on:
  schedule:
@why_twice@  - cron: "@cron@"
    timezone: "@zone@"
  workflow_dispatch:
concurrency:
  group: jobrun-@job@
  cancel-in-progress: false
jobs:
  run:
    runs-on: [self-hosted, jobrun]
    timeout-minutes: @all_minutes@
    steps:
    # Stays for the job's own retries, @window@ at the most. A paused job is not a failed one.
    - run: jobrun @job@ --run-date @token@ --wait=@window@ --exit-map 85=0
    - if: always()
      run: jobrun report @job@ --markdown >> "$GITHUB_STEP_SUMMARY"
)text";

constexpr std::string_view jenkins =
    R"text(// @job@ at @token@, @zone@, from Jenkins: a Jenkinsfile.
// Held against Jenkins' documentation, not run there.
// The agent is the machine that has the ledger, with the label jobrun.
pipeline {
  agent { label 'jobrun' }
  triggers { cron('TZ=@zone@\n@cron@') }
  options {
    disableConcurrentBuilds()
    timeout(time: @all_minutes@, unit: 'MINUTES')
  }
  stages {
    stage('@job@') {
      steps {
        // Stays for the job's own retries, @window@ at the most. A paused job is not a failed build.
        sh 'jobrun @job@ --run-date @token@ --wait=@window@ --exit-map 85=0'
      }
    }
  }
}
)text";

}  // namespace

Result<EmittedFiles> gitlab_ci(const Appointment& at) {
  return EmittedFiles{{"gitlab-ci.yml", filled(gitlab, words_of(at))}};
}

Result<EmittedFiles> github_workflow(const Appointment& at) {
  return EmittedFiles{{"github-workflow.yml", filled(github, words_of(at))}};
}

Result<EmittedFiles> jenkinsfile(const Appointment& at) {
  return EmittedFiles{{"Jenkinsfile", filled(jenkins, words_of(at))}};
}

}  // namespace jobrun
