#!/bin/sh
# The main job's story, on this machine, in about two minutes: installs what is missing, builds jobrun, starts a billing API on
# loopback, and syncs 200 accounts for one night. One account's token has expired, one provider answers 503 and asks to wait, and the
# machine "reboots" half-way (kill -9). The second call finishes what the first could not. Needs root or sudo only for the installing.
#   sh examples/demo.sh [FOLDER]     FOLDER keeps ledger, jobs and database (default: a new one below /tmp, kept)
set -eu
cd "$(dirname "$0")/.."
. examples/install.sh
install_packages g++ cmake ninja-build python3 sqlite3 curl nlohmann-json3-dev libfmt-dev libsqlite3-dev nettle-dev libyaml-dev \
  libcurl4-openssl-dev libcurl4 procps tzdata

say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
show() { printf '$ %s\n' "$*"; }

say "build jobrun"
mkdir -p build
{ cmake -S . -B build/demo -G Ninja -DCMAKE_BUILD_TYPE=Release -DJOBRUN_TESTS=OFF -DJOBRUN_TOGETHER=ON && cmake --build build/demo; } >build/demo.log 2>&1 ||
  { tail -40 build/demo.log; exit 1; }
PATH=$PWD/build/demo:$PATH

folder=${1:-$(mktemp -d /tmp/jobrun-demo.XXXXXX)}
mkdir -p "$folder/jobs"
chmod 700 "$folder" "$folder/jobs"
JOBRUN_LEDGER=$folder/state/ledger.db JOBRUN_JOBS=$folder/jobs
BILLING_TOKEN=sk_test_demo WEBHOOK_SECRET=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
export JOBRUN_LEDGER JOBRUN_JOBS BILLING_TOKEN WEBHOOK_SECRET

say "a billing API with 200 accounts, on loopback"
api=tests/support/billing_api.py
/usr/bin/python3 "$api" --accounts 200 --history 10 --port-file "$folder/port" --any-time >"$folder/api.log" 2>&1 &
server=$!
trap 'kill $server 2>/dev/null || :' EXIT
while [ ! -s "$folder/port" ]; do kill -0 $server; sleep 0.1; done
url=http://127.0.0.1:$(cat "$folder/port")
admin() { curl -sS --noproxy '*' -H 'Content-Type: application/json' "$@"; }
admin -d '{"date": "2026-04-12", "per_account": 3}' "$url/admin/night" && echo
admin -d '{"account": "customer_37", "fault": "status", "status": 401}' "$url/admin/faults"
admin -d '{"account": "customer_12", "fault": "status", "status": 503, "retry_after": 2, "times": 1}' "$url/admin/faults"
echo "customer_37's token has expired; customer_12 answers 503 with Retry-After: 2"

/usr/bin/python3 "$api" --print-accounts 200 >"$folder/jobs/accounts.json"
cat >"$folder/jobs/invoice_sync.json" <<MANIFEST
{
  "description": "Pull new invoices of every account, tell the receiver once about each",
  "owner": "finance@example.com",
  "native": "invoice_sync",
  "config": {"api": "$url", "store": "$folder/invoices.db", "webhook": "$url/webhooks/invoices", "page_size": 10},
  "secrets": {"BILLING_TOKEN": "env:BILLING_TOKEN", "WEBHOOK_SECRET": "env:WEBHOOK_SECRET"},
  "units": {"file": "accounts.json"},
  "parallel": 4, "timeout": "1m",
  "retry": {"max_attempts": 6, "first_delay": "1s", "window": "1h"}
}
MANIFEST
cp examples/jobs/daily_report.json examples/jobs/daily_report.sh "$folder/jobs/"
show jobrun init
jobrun init

call() { jobrun invoice_sync --run-date 2026-04-12 --run-id nightly-2026-04-12 2>>"$folder/run.log"; }
say "02:00, the scheduler's one call -- and kill -9 half-way"
show jobrun invoice_sync --run-date 2026-04-12 --run-id nightly-2026-04-12
jobrun invoice_sync --run-date 2026-04-12 --run-id nightly-2026-04-12 2>>"$folder/run.log" &
first=$!
half() { sqlite3 "file:$JOBRUN_LEDGER?mode=ro" 'select coalesce(sum(done), 0) >= 100 from runs' 2>/dev/null || echo 0; }
while [ "$(half)" != 1 ] && kill -0 $first 2>/dev/null; do sleep 0.02; done
kill -9 $first 2>/dev/null || :
wait $first 2>/dev/null || echo "killed: exit $?"
sqlite3 "file:$JOBRUN_LEDGER?mode=ro" "select state || ': ' || count(*) from units group by state"

say "the scheduler calls again while the answer is 75"
code=75
while [ $code -eq 75 ] || [ $code -eq 83 ]; do
  show jobrun invoice_sync --run-date 2026-04-12
  code=0
  call || code=$?
  echo "exit $code"
  [ $code -ne 75 ] || sleep 2
done

say "in the morning: what happened?"
show jobrun status
jobrun status

say "the token is renewed; two commands finish the night"
admin -X DELETE "$url/admin/faults?account=customer_37"
show jobrun resume invoice_sync --unit customer_37
jobrun resume invoice_sync --unit customer_37
show jobrun retry invoice_sync --run-date 2026-04-12 --unit customer_37
jobrun retry invoice_sync --run-date 2026-04-12 --unit customer_37 2>>"$folder/run.log"
show jobrun invoice_sync --run-date 2026-04-12
call
show jobrun show invoice_sync:2026-04-12
jobrun show invoice_sync:2026-04-12

say "what the receiver counted"
admin "$url/admin/summary" >"$folder/summary.json"
/usr/bin/python3 - "$folder/summary.json" <<'PYTHON'
import json, sys
seen = json.load(open(sys.argv[1]))
print(f"{seen['invoices']} invoices, {seen['delivered']} told to the receiver, {seen['resent']} resent with the same token after the kill:")
print(f"{seen['duplicates']} duplicates, {seen['missing']} missing")
sys.exit(1 if seen["duplicates"] or seen["missing"] or seen["unexpected"] or seen["bad_signatures"] else 0)
PYTHON
stored=$(sqlite3 "$folder/invoices.db" 'select count(*) from invoices')
echo "$stored invoices in the team's database; everything is in $folder"
