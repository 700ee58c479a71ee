#!/bin/sh
# What newsletter.sh must not be: it mails first and remembers nothing. A second run mails everybody again.
# Try it: jobrun preflight newsletter_unsafe --run-date 2026-04-01 --chaos --probe 'cat "$JOBRUN_SCRATCH"/outbox'
set -eu
outbox=${JOBRUN_SCRATCH:-/var/lib/newsletter}/outbox
for customer in ada grace linus; do
  echo "letter to $customer" >>"$outbox"
done
jobrun checkpoint "$JOBRUN_RUN_DATE"
