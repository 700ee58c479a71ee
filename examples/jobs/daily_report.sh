#!/bin/sh
# A report of the invoices that were synced on the run date (UTC), sent once.
#
# State first: the figures of a date are frozen in the team's database before anything is written or sent, so that a
# second try, tomorrow as well, tells the same. Then the file, then the message, in this order, from that state:
#
#   frozen --(sending_at)--> sending --(answer)--> sent (sent_at), or back to frozen where it was surely not sent
#
# The window that no script can close: a crash, a time-out or a lost answer in `sending` leaves a message that may or
# may not have gone out. A webhook is then sent again under the same Idempotency-Key, which is safe only if the receiver
# remembers keys. A mail has no such key, so the script stops and says what to look at; it does not guess.
#
# Environment: JOBRUN_RUN_DATE and JOBRUN_NOW from jobrun, STORE and REPORT_DIR from the manifest; REPORT_WEBHOOK or
# REPORT_TO if somebody is to be told. Exit 0 done, 75 try again, 78 a person must act.
set -u
umask 077
LC_ALL=C
export LC_ALL

again() { echo "$*" >&2; exit 75; }
person() { echo "$*" >&2; exit 78; }

for name in JOBRUN_RUN_DATE JOBRUN_NOW STORE REPORT_DIR; do
  eval "value=\${$name:-}"
  [ -n "$value" ] || person "$name is not set"
done
date=$JOBRUN_RUN_DATE now=$JOBRUN_NOW
# Both go into SQL as text: nothing but digits and the marks of a time may stand in them.
case $date in
  [0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]) ;;
  *) person "the run date $date is not a date" ;;
esac
case $now in
  *[!0-9TZ:.-]*) person "JOBRUN_NOW is not a time: $now" ;;
esac
[ -f "$STORE" ] || person "STORE: there is no $STORE (invoice_sync makes it at its first run)"
if ! [ -d "$REPORT_DIR" ] || ! [ -w "$REPORT_DIR" ]; then
  person "REPORT_DIR: $REPORT_DIR is no folder that can be written"
fi
command -v sqlite3 >/dev/null || person "sqlite3 is missing (apt-get install sqlite3)"
file=$REPORT_DIR/invoices-$date.txt

# Under the lock that invoice_sync's workers take too, for at most 10 seconds each (flock(1), SQLite's busy time-out).
db() {
  flock -w 10 -E 5 "$STORE-lock" sqlite3 -batch -bail -cmd '.timeout 10000' -cmd 'PRAGMA synchronous = FULL' "$STORE" "$1"
}
# SQLite's codes 5 busy, 6 locked, 10 I/O and 13 full may pass; others don't.
db_failed() {
  case $1 in
    5 | 6 | 10 | 13) again "$2: the database is busy or the disk has trouble (sqlite3: $1)" ;;
    *) person "$2: sqlite3 ended with $1" ;;
  esac
}

# ---- state ----
db "
  CREATE TABLE IF NOT EXISTS reports (
    run_date   TEXT PRIMARY KEY,
    frozen_at  TEXT NOT NULL,
    sending_at TEXT,
    sent_at    TEXT
  ) STRICT;
  CREATE TABLE IF NOT EXISTS report_lines (
    run_date TEXT NOT NULL, status TEXT NOT NULL, currency TEXT NOT NULL,
    invoices INTEGER NOT NULL, total INTEGER NOT NULL,
    PRIMARY KEY (run_date, status, currency)
  ) STRICT;
  BEGIN IMMEDIATE;
  INSERT INTO report_lines
    SELECT '$date', coalesce(status, 'draft'), upper(currency), count(*), sum(total)
      FROM invoices
     WHERE substr(first_seen_at, 1, 10) = '$date'
       AND NOT EXISTS (SELECT 1 FROM reports WHERE run_date = '$date')
     GROUP BY 2, 3;
  INSERT OR IGNORE INTO reports (run_date, frozen_at) VALUES ('$date', '$now');
  COMMIT;" || db_failed $? "freeze the figures of $date"

state=$(db "SELECT CASE WHEN sent_at IS NOT NULL THEN 'sent' WHEN sending_at IS NOT NULL THEN 'sending'
            ELSE 'frozen' END FROM reports WHERE run_date = '$date'") || db_failed $? "read the state of $date"

# ---- the file ----
lines=$(db "SELECT printf('%-14s %-4s %9d %15d', status, currency, invoices, total)
              FROM report_lines WHERE run_date = '$date' ORDER BY status, currency") || db_failed $? "read the figures"
write_file() {
  echo "Invoices synced on $date (UTC)"
  echo
  printf '%-14s %-4s %9s %15s\n' status cur. invoices 'smallest units'
  echo "${lines:-(none)}"
}
if ! { write_file >"$file.new" && sync "$file.new" && mv "$file.new" "$file" && sync "$REPORT_DIR"; }; then
  again "write $file: failed (is the disk full?)"
fi

# ---- the message ----
mark() { db "UPDATE reports SET $1 WHERE run_date = '$date'" || db_failed $? "note that $1"; }

# The URL is a secret: curl reads it from its standard input, so that it is on no command line.
post() {
  case $REPORT_WEBHOOK in
    *[!!-~]* | *\"* | *\\*) person "REPORT_WEBHOOK is not a URL" ;;
    http://* | https://*) ;;
    *) person "REPORT_WEBHOOK is not an http or https URL" ;;
  esac
  command -v curl >/dev/null || person "curl is missing (apt-get install curl)"
  mark "sending_at = '$now'"
  status=$(printf 'url = "%s"\n' "$REPORT_WEBHOOK" |
    curl --config - --silent --output /dev/null --write-out '%{http_code}' --proto '=http,https' --noproxy '*' \
      --connect-timeout 10 --max-time 30 --header 'Content-Type: text/plain; charset=utf-8' \
      --header "Idempotency-Key: daily_report-$date" --header 'Expect:' --data-binary "@$file")
  ended=$?
  case $ended:$status in
    0:2??) return ;;
    5:* | 6:* | 7:* | 35:*) mark 'sending_at = NULL' && again "the webhook was not reached (curl: $ended)" ;;
    0:408 | 0:409 | 0:425 | 0:429 | 0:5??) mark 'sending_at = NULL' && again "the webhook answered $status" ;;
    0:*) mark 'sending_at = NULL' && person "the webhook refused the report: HTTP $status" ;;
    1:* | 3:* | 58:* | 60:* | 77:*) mark 'sending_at = NULL' && person "the webhook can't be used (curl: $ended)" ;;
    *) again "no whole answer of the webhook (curl: $ended): it may have arrived, and goes again under the same key" ;;
  esac
}

mail() {
  if [ "$state" = sending ]; then
    person "the mail of $date may or may not have been sent: look into the mail log, then set in $STORE, table reports," \
      "sent_at (it was) or sending_at = NULL (it was not), and retry"
  fi
  mark "sending_at = '$now'"
  {
    printf 'To: %s\nSubject: Invoices synced on %s\n' "$REPORT_TO" "$date"
    printf 'Auto-Submitted: auto-generated\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n'
    cat "$file"
  } | "$sendmail" -t -oi
  ended=$?
  case $ended in
    0) ;;
    75) mark 'sending_at = NULL' && again "sendmail asks to try later" ;;
    6[4-9] | 7[0-8]) mark 'sending_at = NULL' && person "sendmail refused the mail ($ended)" ;;
    *) person "sendmail ended with $ended: the mail of $date may or may not have been sent; look into the mail log" ;;
  esac
}

if [ "$state" = sent ]; then
  echo "the report of $date was sent before"
  exit 0
fi
sendmail=$(PATH=$PATH:/usr/sbin:/usr/lib command -v sendmail || :)
if [ -n "${REPORT_WEBHOOK:-}" ]; then
  post
elif [ -n "${REPORT_TO:-}" ] && [ -n "$sendmail" ]; then
  case $REPORT_TO in
    *[!!-~]*) person "REPORT_TO is not an address" ;;
  esac
  mail
else
  echo "the report of $date is in $file"
  exit 0
fi
mark "sent_at = '$now'"
echo "the report of $date was sent"
