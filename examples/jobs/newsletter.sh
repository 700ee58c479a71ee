#!/bin/sh
# A mail to each customer, safe to run again and to be killed anywhere: `jobrun once` stores the intent before the mail and
# the confirmation after it, and its probe looks into the outbox where nobody knows whether a mail had gone.
# Try it: jobrun preflight newsletter --run-date 2026-04-01 --chaos --probe 'cat "$JOBRUN_SCRATCH"/outbox'
# shellcheck disable=SC2016 # the inner shells expand
set -eu
outbox=${JOBRUN_SCRATCH:-/var/lib/newsletter}/outbox
touch "$outbox"
export outbox
for customer in ada grace linus; do
  jobrun once "letter:$JOBRUN_RUN_DATE:$customer" \
    --if-in-doubt probe --probe 'grep -q "^$JOBRUN_IDEMPOTENCY_KEY " "$outbox" || exit 1' \
    -- sh -c 'echo "$JOBRUN_IDEMPOTENCY_KEY letter to $1" >>"$outbox"' send "$customer"
  jobrun progress "letter to $customer"
done
jobrun checkpoint "$JOBRUN_RUN_DATE"
