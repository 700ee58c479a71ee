// cron: the head of a crontab, with the lines that serve all jobs, and the line of one job.
//
// cron looks at no exit code and mails what a line prints: so --quiet, and `tick` for the retries.
#include "cli/emit.hpp"

namespace jobrun {

namespace {

constexpr std::string_view head =
    R"text(# jobrun under plain cron (Debian's cron 3.0: run for real). To add it to a user's lines:  crontab -e
# In /etc/cron.d the same lines have the user's name before the command, and the file's name has no dot.
#
# Each line says when to ask, and nothing else. What has happened already is in jobrun's ledger: a call for a finished
# run answers "done" in milliseconds, a call for a run that waits answers "not due", and neither executes anything.
# So a line may fire twice, late, or beside another one, without harm.

# cron's own PATH is /usr/bin:/bin. It does not expand variables here: write folders out.
PATH=/usr/local/bin:/usr/bin:/bin

# Who is mailed when a line prints something. With --quiet a line prints only when a person must act, and only the
# call that found it out; cron does not look at exit codes. Without this line: the crontab's owner.
#MAILTO=ops@example.com

# Where jobs and ledger are, if not in their usual places (jobrun(1), FILES):
#JOBRUN_JOBS=/srv/billing/jobs
#JOBRUN_LEDGER=/srv/billing/state/ledger.db

# cron turns the percent sign into a newline, so $(date +...) would need a backslash before each. Tokens need none:
# daily@02:00 is the date of the latest 02:00 that is not in the future. It stays the same for a retry after midnight.
# Its zone is the manifest's "timezone" (UTC where there is none); cron's own hours are the machine's, and a TZ= or
# CRON_TZ= here does not change them. Give both the same zone, or the label of a run is not the day you expect.
#
# cron misses what falls into a time when the machine is off. For a job that must not be missed ask every hour for the
# latest 04:00; all calls of a day but the first that gets through answer "done" at once:
#7 * * * *  jobrun backup --run-date daily@04:00 --quiet

# The line that gives plain cron its retries: runs what is due in any job, runs that were cut off included. It never
# starts a run that nobody asked for.
*/5 * * * *  jobrun tick --quiet

# Once a day what is old goes: attempts after 90 days, the keys of runs and effects much later.
17 5 * * *  jobrun prune --quiet
)text";

constexpr std::string_view lines = R"text(
# @job@: @token@, @zone@
@why_twice@@cron@  jobrun @job@ --run-date @token@ --quiet
)text";

}  // namespace

EmittedFiles crontab_once() {
  return {{"crontab", std::string(head)}};
}

Result<EmittedFiles> crontab_lines(const Appointment& at) {
  return EmittedFiles{{"crontab", filled(lines, words_of(at))}};
}

}  // namespace jobrun
