#!/usr/bin/python3
"""jobrun under a real systemd: the units that `emit` writes, sandbox and all, run by a service manager in a private copy of the machine.

The manager is a user's (root's), since the system's would have to be process 1 of a booted machine; it reads the system's units. What is
changed for the test: shorter waits, in drop-ins, and a sendmail that notes what it is told."""
import os
import pathlib
import re
import stat
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import world  # noqa: E402
from support.world import job, jobrun, run, runs_of, wait_until  # noqa: E402

if __name__ == "__main__":
    world.enter()

UNITS = pathlib.Path("/etc/systemd/system")
STATE = pathlib.Path("/var/lib/jobrun")
TOLD = pathlib.Path("/run/told")
RUNTIME = "/run/manager"  # /run/user would be hidden by ProtectHome=
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
MANAGER = "/lib/systemd/systemd"
WHY_NOT = world.missing("systemd-analyze", "systemd-sysusers", "setpriv") or ("" if os.path.exists(MANAGER) else "there is no systemd here")


def systemctl(*words, check=True):
    return run("systemctl", "--user", *words, check=check)


def shown(unit, name):
    return systemctl("show", "--value", "--property", name, unit).strip()


def drop_in(unit, text, name="test.conf"):
    folder = UNITS / (unit + ".d")
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")


def places_that_a_manager_expects():
    """What process 1 makes when a machine boots."""
    for folder in ("/run/systemd/system", RUNTIME, "/run/systemd/inaccessible/dir"):
        os.makedirs(folder, mode=0o755)
    for name, kind in [("reg", stat.S_IFREG), ("fifo", stat.S_IFIFO), ("sock", stat.S_IFSOCK), ("chr", stat.S_IFCHR), ("blk", stat.S_IFBLK)]:
        os.mknod("/run/systemd/inaccessible/" + name, kind, os.makedev(0, 0))


manager = None


def setUpModule():
    global manager
    if WHY_NOT:
        return
    places_that_a_manager_expects()
    world.install()
    sendmail = pathlib.Path("/usr/sbin/sendmail")
    sendmail.unlink(missing_ok=True)
    sendmail.write_text(f"#!/bin/sh\nsed -n 's/^Subject: //p' >>{TOLD}\n", encoding="utf-8")
    sendmail.chmod(0o755)
    drop_in("jobrun@.service", "[Service]\nRestartSec=1s\n")
    if subprocess.run(["unshare", "--user", "true"], capture_output=True, check=False).returncode != 0:  # below a chroot(2)
        for unit in ("jobrun@.service", "jobrun-tick.service"):
            drop_in(unit, "[Service]\nPrivateUsers=no\n", "users.conf")
    # A user's StateDirectory= is below XDG_CONFIG_HOME in systemd 252.
    os.environ.update(XDG_RUNTIME_DIR=RUNTIME, HOME="/root", XDG_CONFIG_HOME="/var/lib",
                      SYSTEMD_UNIT_PATH=f"{UNITS}:/usr/lib/systemd/user")
    with open("/run/manager.log", "wb") as log:
        manager = subprocess.Popen([MANAGER, "--user", "--unit=basic.target"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    wait_until(lambda: systemctl("is-system-running", check=False).strip() in ("running", "degraded"), "the service manager")


def tearDownModule():
    if manager:
        manager.terminate()
        manager.wait(30)


@unittest.skipIf(WHY_NOT, WHY_NOT)
class Systemd(unittest.TestCase):
    def tearDown(self):
        if TOLD.exists():
            TOLD.unlink()

    def schedule(self, name, script, at="daily@00:00", **manifest):
        job(name, script, **manifest)
        run("jobrun", "emit", "systemd", name, "--at", at, "--dir", "/etc")
        systemctl("daemon-reload")
        return f"jobrun@{name}.service"

    def start(self, unit):
        systemctl("start", "--no-block", unit)

    def ended(self, unit, state):
        return wait_until(lambda: not shown(unit, "Job") and shown(unit, "ActiveState") == state, f"{unit} to be {state}")

    def attempts(self, name):
        run_of = runs_of(name)
        self.assertEqual(1, len(run_of), run_of)
        return run_of[0]["attempts"]

    def told(self):
        return TOLD.read_text(encoding="utf-8").splitlines() if TOLD.exists() else []

    def test_a_timer_starts_the_service_which_is_restarted_after_75_until_it_is_done(self):
        unit = self.schedule("nightly", 'test "$JOBRUN_ATTEMPT" -ge 3 || exit 75\nid -un >$T/as_whom', retry={"first_delay": "0s"})
        drop_in("jobrun@nightly.timer", "[Timer]\nOnCalendar=\nOnCalendar=*:*:0/1\nAccuracySec=1ms\n")
        systemctl("daemon-reload")
        systemctl("start", "jobrun@nightly.timer")
        wait_until(lambda: [one["state"] for one in runs_of("nightly")] == ["done"], "the third attempt")
        systemctl("stop", "jobrun@nightly.timer")
        self.ended(unit, "inactive")
        attempts = self.attempts("nightly")
        self.assertEqual(["retry", "retry", "done"], [one["state"] for one in attempts])
        self.assertEqual({"systemd"}, {one["caller"] for one in attempts})
        for one in attempts:
            self.assertRegex(one["caller_id"], "^[0-9a-f]{32}$")  # systemd's own id of the start
        self.assertEqual("jobrun\n", (STATE / "as_whom").read_text(encoding="utf-8"))
        self.assertEqual([], self.told())

    def test_a_stop_is_not_restarted_and_is_told_once(self):
        unit = self.schedule("stopper", "exit 64")
        self.start(unit)
        self.ended(unit, "failed")
        wait_until(self.told, lambda: systemctl("status", "--no-pager", unit, "jobrun-alert@stopper.service", check=False))
        self.assertEqual([f"{unit} needs a person: exit status 80"], self.told())
        self.assertEqual("0", shown(unit, "NRestarts"))
        self.assertEqual(["stop"], [one["state"] for one in self.attempts("stopper")])

    def test_a_credential_that_is_not_there_is_told_once(self):
        unit = self.schedule("secretive", "true", secrets={"TOKEN": "credential:nowhere"})
        self.start(unit)
        self.ended(unit, "failed")
        wait_until(self.told, "the alert")
        self.assertEqual([f"{unit} needs a person: exit status 243"], self.told())
        self.assertEqual("0", shown(unit, "NRestarts"))

    def test_retries_that_run_out_are_told_once_and_not_before(self):
        unit = self.schedule("flaky", "exit 75", retry={"first_delay": "0s", "max_attempts": 3})
        self.start(unit)
        self.ended(unit, "failed")
        wait_until(self.told, "the alert")
        self.assertEqual([f"{unit} needs a person: exit status 81"], self.told())
        self.assertEqual(["retry"] * 3, [one["state"] for one in self.attempts("flaky")])

    def test_a_paused_job_is_no_failure(self):
        unit = self.schedule("paused", "true")
        jobrun("pause", "paused", "--reason", "holidays")
        systemctl("start", unit)  # waits, and would say that it failed
        self.assertEqual([], self.attempts("paused"))
        self.assertEqual([], self.told())

    def test_a_stopped_service_ends_its_job_in_an_orderly_way_and_the_next_start_goes_on(self):
        unit = self.schedule("long", 'echo "$$" >>$T/pids\ntest "$JOBRUN_ATTEMPT" -ge 2 || exec sleep 1000')
        self.start(unit)
        pid = wait_until(lambda: (STATE / "pids").exists() and (STATE / "pids").read_text(encoding="utf-8").strip(), "the job")
        systemctl("stop", unit)
        self.assertEqual(["interrupted"], [one["state"] for one in self.attempts("long")])
        self.assertFalse(os.path.exists("/proc/" + pid))
        self.start(unit)
        self.ended(unit, "inactive")
        self.assertEqual(["interrupted", "done"], [one["state"] for one in self.attempts("long")])
        self.assertEqual([], self.told())

    def test_a_killed_jobrun_is_called_again(self):
        unit = self.schedule("killed", 'touch $T/runs\ntest "$JOBRUN_ATTEMPT" -ge 2 || exec sleep 1000')
        self.start(unit)
        wait_until((STATE / "runs").exists, "the job")
        systemctl("kill", "--kill-whom=main", "--signal=KILL", unit)
        wait_until(lambda: [one["state"] for one in runs_of("killed")] == ["done"], "the second attempt")
        self.assertEqual(["crashed", "done"], [one["state"] for one in self.attempts("killed")])

    def test_tick_brings_on_a_run_that_has_lost_its_caller(self):
        unit = self.schedule("lost", 'test "$JOBRUN_ATTEMPT" -ge 2 || exit 75', retry={"first_delay": "0s"})
        drop_in(unit, "[Service]\nRestart=no\n")
        systemctl("daemon-reload")
        self.start(unit)
        self.ended(unit, "failed")
        self.assertEqual([], self.told())  # 75 is for no person
        systemctl("start", "jobrun-tick.service")
        self.assertEqual([("retry", "systemd"), ("done", "tick")], [(one["state"], one["caller"]) for one in self.attempts("lost")])

    @unittest.skipUnless(os.path.exists(FAKETIME), "libfaketime is not here (tests/run.sh fetches it)")
    def test_a_retry_after_midnight_keeps_the_run_date(self):
        clock = STATE / "clock"
        clock.write_text("@2026-04-12 23:59:50\n", encoding="utf-8")
        unit = self.schedule("late", f'test "$JOBRUN_ATTEMPT" -ge 2 || {{ echo "@2026-04-13 00:10:00" >{clock}.new; mv {clock}.new {clock}; exit 75; }}',
                             at="daily@23:50", retry={"first_delay": "0s"})
        drop_in(unit, f"[Service]\nRestartSec=1s\nEnvironment=LD_PRELOAD={FAKETIME} FAKETIME_TIMESTAMP_FILE={clock} FAKETIME_NO_CACHE=1 "
                      "FAKETIME_DONT_FAKE_MONOTONIC=1\n")
        systemctl("daemon-reload")
        self.start(unit)
        self.ended(unit, "inactive")
        attempts = self.attempts("late")
        self.assertEqual("2026-04-12", runs_of("late")[0]["run_date"])
        self.assertEqual([("retry", "2026-04-12"), ("done", "2026-04-13")], [(one["state"], one["started_at"][:10]) for one in attempts])

    def test_the_emitted_units_pass_systemds_own_checks(self):
        self.schedule("checked", "true", at="daily@02:30", timezone="Europe/Berlin")
        names = [path.name.replace("@.", "@checked.") for path in UNITS.iterdir() if re.fullmatch(r"jobrun\S*\.(service|timer)", path.name)]
        self.assertEqual("", run("systemd-analyze", "--user", "verify", "--man=no", *names))
        for name in names:
            if name.endswith(".service") and "alert" not in name:
                run("systemd-analyze", "security", "--offline=yes", "--threshold=15", name)

    def test_the_check_of_units_goes_red(self):
        bad = UNITS / "planted.service"
        bad.write_text("[Service]\nType=oneshot\nExecStart=/bin/true\nRestartForceExitStatus=75\n", encoding="utf-8")
        self.addCleanup(bad.unlink)
        self.assertNotEqual("", run("systemd-analyze", "verify", "--man=no", bad, check=False))
        self.assertNotEqual(0, subprocess.run(["systemd-analyze", "security", "--offline=yes", "--threshold=15", bad], capture_output=True, check=False).returncode)

    def test_a_timer_asks_on_the_night_that_has_no_such_time(self):
        self.schedule("spring", "true", at="daily@02:30", timezone="Europe/Berlin")
        expression = re.search("(?m)^OnCalendar=(.*)", (UNITS / "jobrun@spring.timer").read_text(encoding="utf-8")).group(1)
        elapses = run("systemd-analyze", "calendar", "--base-time=2026-03-29 00:00:00", "--iterations=1", expression)
        self.assertIn("2026-03-29 01:30:00 UTC", elapses)  # 03:30 there
        alone = run("systemd-analyze", "calendar", "--base-time=2026-03-29 00:00:00", "--iterations=1", "*-*-* 02:30:00 Europe/Berlin")
        self.assertIn("2026-03-30 00:30:00 UTC", alone)  # what is left out without the second time


if __name__ == "__main__":
    unittest.main()
