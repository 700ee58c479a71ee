#!/usr/bin/python3
"""jobrun under a real cron, on the night that clocks go forward: what `emit cron` writes, in the crontab of the user jobrun, while a shifted
clock runs sixty times as fast for cron, and jobrun is told the same time. One night serves all tests: they ask what came of it."""
import datetime
import os
import pathlib
import re
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import world  # noqa: E402
from support.world import job, jobrun, run, runs_of, wait_until  # noqa: E402

if __name__ == "__main__":
    world.enter()

ZONE = "Europe/Berlin"
MAILS = pathlib.Path("/run/mails")
CRONTAB = pathlib.Path("/run/crontab")
EVENING = datetime.datetime(2026, 3, 29, 1, 50, 30, tzinfo=datetime.timezone(datetime.timedelta(hours=1)))
PACE, HOURS = 60, 0.9  # until 03:44 there
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
WHY_NOT = world.missing("cron", "crontab", "systemd-sysusers", "setpriv") or ("" if os.path.exists(FAKETIME) else "libfaketime is not here")
# What the crontab finds as jobrun: the same, told what time it is there. Ten seconds ahead, which is a sixth of a second here, so that
# it is never a minute behind cron.
TIMED = f"""#!/bin/sh
there=$(( {int(EVENING.timestamp()) * 1000} + ($(date +%s%3N) - $(cat /run/begun)) * {PACE} + 10000 ))
exec /usr/local/bin/jobrun "$@" --now "$(date -u -d @$((there / 1000)) +%FT%TZ)"
"""


def emitted(*words):
    return run("jobrun", "emit", "cron", *words, "--now", "2026-03-01T00:00:00Z")


def a_night():
    """Comes back when the night is over; cron has ended then."""
    with open("/run/begun", "w", encoding="utf-8") as begun:
        begun.write(str(time.time_ns() // 1_000_000))
    with subprocess.Popen(["cron", "-f"], stdin=subprocess.DEVNULL,
                          env={**os.environ, "LD_PRELOAD": FAKETIME, "FAKETIME": f"@{EVENING:%Y-%m-%d %H:%M:%S} x{PACE}"}) as cron:
        try:
            begin = time.monotonic()
            wait_until(lambda: time.monotonic() - begin > 60 * HOURS * 60 / PACE or cron.poll() is not None, "the night to pass", 120)
            assert cron.poll() is None, f"cron ended with {cron.returncode}"
        finally:
            cron.kill()


def setUpModule():
    if WHY_NOT:
        return
    world.install()
    for name in ("/etc/localtime", "/usr/sbin/sendmail"):
        pathlib.Path(name).unlink(missing_ok=True)
    os.symlink("/usr/share/zoneinfo/" + ZONE, "/etc/localtime")
    pathlib.Path("/etc/timezone").write_text(ZONE + "\n", encoding="utf-8")
    for path in pathlib.Path("/etc/cron.d").iterdir():
        path.unlink()
    os.makedirs("/var/spool/cron/crontabs", mode=0o730, exist_ok=True)
    MAILS.mkdir(mode=0o777)
    MAILS.chmod(0o777)
    sendmail = pathlib.Path("/usr/sbin/sendmail")
    sendmail.write_text(f"#!/bin/sh\ncat >\"$(mktemp {MAILS}/XXXXXX)\"\n", encoding="utf-8")
    sendmail.chmod(0o755)

    job("spring", "date >>$T/spring", timezone=ZONE)
    job("flaky", 'test "$JOBRUN_ATTEMPT" -ge 3 || exit 75', timezone=ZONE, retry={"first_delay": "30s", "jitter": 0})
    job("person", "echo the record is missing; exit 64", timezone=ZONE)
    job("alone", "true", timezone=ZONE)
    for name in ("spring", "alone"):
        jobrun(name, "--run-date", "2026-03-28")
    # The last line asks for a stopped run every minute, as an impatient person's would.
    os.makedirs("/opt/timed", mode=0o755)
    timed = pathlib.Path("/opt/timed/jobrun")
    timed.write_text(TIMED, encoding="utf-8")
    timed.chmod(0o755)
    CRONTAB.write_text(emitted().replace("\nPATH=", "\nPATH=/opt/timed:").replace("\n#MAILTO=", "\nMAILTO=") + emitted("spring", "--at", "daily@02:30") + emitted("flaky", "--at", "daily@01:52") +
                       "30 2 * * *  jobrun alone --run-date daily@02:30 --quiet\n"
                       "* * * * *  jobrun person --run-date today --tz " + ZONE + " --quiet\n", encoding="utf-8")
    run("crontab", "-u", "jobrun", CRONTAB)
    a_night()


@unittest.skipIf(WHY_NOT, WHY_NOT)
class Cron(unittest.TestCase):
    def run_of(self, name, date="2026-03-29"):
        found = [one for one in runs_of(name) if one["run_date"] == date]
        self.assertEqual(1, len(found), runs_of(name))
        return found[0]

    def mails(self):
        return [path.read_text(encoding="utf-8") for path in MAILS.iterdir()]

    def test_a_job_that_fails_twice_is_brought_to_its_end_by_tick(self):
        attempts = self.run_of("flaky")["attempts"]
        self.assertEqual([("retry", "cron"), ("retry", "tick"), ("done", "tick")], [(one["state"], one["caller"]) for one in attempts])

    def test_the_night_that_has_no_such_time_has_its_run_and_only_one(self):
        attempts = self.run_of("spring")["attempts"]
        self.assertEqual([("done", "cron")], [(one["state"], one["caller"]) for one in attempts])
        self.assertEqual("2026-03-29T01:30", attempts[0]["started_at"][:16])  # 03:30 there: when 02:30 is taken to have come
        self.assertEqual(["2026-03-29", "2026-03-28"], [one["run_date"] for one in runs_of("spring")])

    def test_without_the_second_time_the_night_would_have_been_left_out(self):
        self.assertEqual(["2026-03-28"], [one["run_date"] for one in runs_of("alone")])

    def test_cron_mails_once_that_a_person_must_act_and_nothing_else(self):
        mails = self.mails()
        self.assertEqual(1, len(mails), mails)
        self.assertIn("To: ops@example.com", mails[0])
        self.assertIn("jobrun retry person --run-date 2026-03-29", mails[0])
        self.assertIn("the record is missing", jobrun("show", "person", "--json"))

    def test_a_stopped_run_is_not_tried_again_however_often_cron_asks(self):
        self.assertEqual(["stop"], [one["state"] for one in self.run_of("person")["attempts"]])

    def test_crontab_takes_the_emitted_lines(self):
        self.assertIn("successfully checked", run("crontab", "-n", CRONTAB))
        bad = pathlib.Path("/run/planted")
        bad.write_text("0 25 * * *  jobrun tick\n", encoding="utf-8")
        self.assertIn("bad hour", run("crontab", "-n", bad, check=False))

    def test_another_zone_than_the_machines_is_told(self):
        job("tokyo", "true", timezone="Asia/Tokyo")
        self.assertIn(f"hours on this machine are those of {ZONE}, the job's are those of Asia/Tokyo", emitted("tokyo", "--at", "daily@05:00"))
        self.assertNotIn("this machine", CRONTAB.read_text(encoding="utf-8"))

    def test_no_emitted_line_has_a_percent_sign(self):
        self.assertIsNone(re.search("(?m)^[^#\n]*%", CRONTAB.read_text(encoding="utf-8")))


if __name__ == "__main__":
    unittest.main()
