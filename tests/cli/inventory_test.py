#!/usr/bin/python3
"""`inventory` on a machine below a folder, with real-looking crontabs and units: what it lists, and by --lint each planted fault
by its name. A clean machine has none; this machine's own places are read without an error."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.jobrun_case import CLEAN_ENVIRONMENT, JOBRUN, JobrunCase  # noqa: E402

CRONTAB = """\
SHELL=/bin/sh
PATH=/usr/local/sbin:/usr/local/bin:/sbin:/bin:/usr/sbin:/usr/bin
17 *    * * *   root    cd / && run-parts --report /etc/cron.hourly
25 6    * * *   root    test -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.daily; }
"""
BILLING = """\
# invoices
PATH=/usr/local/bin:/usr/bin:/bin
MAILTO=ops@example.com
30 1 * * *   jobrun   jobrun backup --run-date daily@01:30 --quiet
*/5 * * * *  jobrun   jobrun tick --quiet
"""
NOW = "2026-04-12T12:00:00Z"


class Machine(JobrunCase):
    """A machine below a folder, in order; a test plants its fault."""

    def setUp(self):
        super().setUp()
        self.root = self.make_folder("root")
        self.put("etc/timezone", "Europe/Berlin\n")
        self.put("etc/passwd", "root:x:0:0:root:/root:/bin/bash\nanna:x:1000:1000::/people/anna:/bin/bash\n")
        self.put("usr/local/bin/jobrun", "", 0o755)
        self.put("etc/crontab", CRONTAB)
        self.put("etc/cron.d/billing", BILLING)
        self.job("backup", {"command": ["true"], "timezone": "Europe/Berlin", "period": "24h"})

    def put(self, name, text, mode=0o644):
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return self.write(path, text, mode)

    def inventory(self, *words, code=0, **how):
        how.setdefault("now", NOW)
        answer = self.assert_code(code, self.run_jobrun("inventory", "--json", "--root", self.root, *words, **how))
        self.err = answer.err
        return json.loads(answer.out)

    def entry(self, phrase, *words, **how):
        """The one entry whose command has this phrase."""
        found = [entry for entry in self.inventory(*words, **how)["entries"] if phrase in entry["command"]]
        self.assertEqual(len(found), 1, found)
        return found[0]


class Listed(Machine):
    def test_a_line_of_cron_d_has_when_zone_user_where_and_which_job(self):
        entry = self.entry("backup")
        self.assertEqual(entry, {"scheduler": "cron", "file": self.root + "/etc/cron.d/billing", "line": 4, "name": None,
                                 "when": "30 1 * * *", "zone": "Europe/Berlin", "user": "jobrun", "active": True,
                                 "next_at": "2026-04-12T23:30:00.000Z", "command": "jobrun backup --run-date daily@01:30 --quiet",
                                 "jobrun": [{"verb": "run", "job": "backup", "run_date": "daily@01:30"}]})

    def test_users_crontabs_are_read_by_the_name_of_their_user(self):
        self.put("var/spool/cron/crontabs/anna", "@daily $HOME/bin/tidy\n")
        entry = self.entry("tidy")
        self.assertEqual((entry["user"], entry["when"], entry["jobrun"]), ("anna", "@daily", []))
        self.assertEqual(entry["next_at"], "2026-04-12T22:00:00.000Z")

    def test_a_script_of_cron_daily_is_started_when_its_line_says(self):
        self.put("etc/cron.daily/night", "#!/bin/sh\nset -e\njobrun nightly --run-date yesterday\n", 0o755)
        entry = self.entry("cron.daily/night")
        self.assertEqual((entry["scheduler"], entry["when"], entry["user"]), ("run-parts", "25 6 * * *", "root"))
        self.assertEqual([call["job"] for call in entry["jobrun"]], ["nightly"])

    def test_a_script_that_no_line_starts_is_told_as_such(self):
        self.put("etc/cron.weekly/tidy", "#!/bin/sh\n", 0o755)
        self.assertFalse(self.entry("cron.weekly/tidy")["active"])
        self.assertIn("nothing starts it", self.run_jobrun("inventory", "--root", self.root).out)

    def test_a_named_crontab_is_read_alone_or_with_root_beside_the_machine(self):
        mine = self.write("mine", "0 4 * * * /opt/mine\n")
        answer = json.loads(self.assert_code(0, self.run_jobrun("inventory", "--json", mine)).out)
        self.assertEqual([entry["command"] for entry in answer["entries"]], ["/opt/mine"])
        self.assertIn("/opt/mine", [entry["command"] for entry in self.inventory(mine)["entries"]])
        self.assertEqual(self.entry("backup", mine)["line"], 4)

    def test_a_named_file_that_is_not_there_is_an_error(self):
        self.assert_says(self.assert_code(78, self.run_jobrun("inventory", self.path("gone"))), "there is no")

    def test_secrets_in_commands_are_masked(self):
        self.put("etc/cron.d/dump", "0 3 * * * root PGPASSWORD=hunter2 dump --api-token=hunter2 https://joe:hunter2@example.com/x\n")
        for out in (self.run_jobrun("inventory", "--root", self.root).out, json.dumps(self.inventory())):
            self.assertNotIn("hunter2", out)
        self.assertEqual(self.entry("dump")["command"], "PGPASSWORD=*** dump --api-token=*** https://joe:***@example.com/x")

    def test_control_characters_in_a_crontab_do_not_reach_the_terminal(self):
        self.put("etc/cron.d/odd", "0 3 * * * root echo \x1b[31mred \x9b31m\n")
        self.assertNotIn("\x1b", self.run_jobrun("inventory", "--root", self.root).out)

    def test_what_may_not_be_read_is_told_and_hinders_nothing(self):
        closed = [self.put("etc/cron.d/secret", "0 3 * * * root x\n"), os.path.join(self.root, "var/spool/cron/crontabs"), os.path.join(self.root, "people/anna")]
        for folder in closed[1:]:
            os.makedirs(folder)
        for path in closed:
            os.chmod(path, 0)
            self.addCleanup(os.chmod, path, 0o700)
        as_anybody = []
        if os.geteuid() == 0:
            as_anybody = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
            if not shutil.which("setpriv"):
                self.skipTest("root reads everything, and setpriv is not installed")
        answer = subprocess.run([*as_anybody, JOBRUN, "inventory", "--root", self.root, "--json"], env=self.environment(), capture_output=True, text=True, check=False)
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertIn("jobrun backup", answer.stdout)
        unread = {one["path"]: one["why"] for one in json.loads(answer.stdout)["unread"]}
        for path in closed:
            self.assertIn("Permission denied", [why for name, why in unread.items() if name.startswith(path)], unread)
            self.assertIn(f"can't read {path}", answer.stderr)

    def test_what_can_not_be_read_is_told_and_hinders_nothing(self):
        os.makedirs(os.path.join(self.root, "etc/cron.d/folder"))
        answer = self.inventory()
        self.assertIn("backup", json.dumps(answer["entries"]))
        self.assertEqual([one["path"] for one in answer["unread"]], [self.root + "/etc/cron.d/folder"])
        self.assertIn("can't read", self.err)

    def test_a_machine_without_any_of_these_places_has_nothing(self):
        empty = self.make_folder("empty")
        self.assert_says(self.assert_code(0, self.run_jobrun("inventory", "--root", empty)), "nothing is scheduled")

    def test_this_machines_own_places_are_read_without_an_error(self):
        self.assert_code(0, self.run_jobrun("inventory"))
        self.assertEqual(json.loads(self.assert_code(0, self.run_jobrun("inventory", "--json")).out)["schema_version"], 1)


TIMER = """\
[Unit]
Description=Reports
[Timer]
OnCalendar=*-*-* 05:00:00
Persistent=true
[Install]
WantedBy=timers.target
"""
SERVICE = """\
[Service]
Type=oneshot
User=jobrun
ExecStart=/usr/local/bin/jobrun %i --run-date daily@05:00
Restart=on-failure
RestartSec=10min
RestartPreventExitStatus=64 70 78 80 81 82 86
"""


class Units(Machine):
    def timer(self, name="reports", timer=TIMER, service=SERVICE.replace("%i", "reports"), enabled=True):
        """A timer of that name, its service, and the link that `systemctl enable` makes."""
        template = name.split("@")[0] + "@" if "@" in name else name
        self.put(f"etc/systemd/system/{template}.timer", timer)
        self.put(f"etc/systemd/system/{template}.service", service)
        if enabled:
            wants = os.path.join(self.root, "etc/systemd/system/timers.target.wants")
            os.makedirs(wants, exist_ok=True)
            os.symlink(f"/etc/systemd/system/{template}.timer", os.path.join(wants, name + ".timer"))

    def lint(self, *words):
        answer = self.run_jobrun("inventory", "--lint", "--json", "--root", self.root, *words, now=NOW)
        faults = json.loads(answer.out)["findings"]
        self.assert_code(78 if [one for one in faults if one["weight"] == "mend"] else 0, answer)
        for fault in faults:
            self.assertTrue(fault["file"] and fault["what"] and fault["why"] and fault["next_action"], fault)
        return faults

    def assert_fault(self, kind, where, *phrases, words=()):
        """Exactly this kind of fault, at this place, saying these phrases."""
        faults = self.lint(*words)
        self.assertEqual({one["kind"] for one in faults}, {kind}, faults)
        at = [one for one in faults if f"{one['file']}:{one['line']}".endswith(where)]
        self.assertTrue(at, faults)
        for phrase in phrases:
            self.assertIn(phrase, " ".join(str(value) for value in at[0].values()))
        text = self.run_jobrun("inventory", "--lint", "--root", self.root, *words, now=NOW).out
        self.assertIn(f": {'look: ' if at[0]['weight'] == 'look' else ''}{kind}: ", text)

    def cron(self, line, user="jobrun"):
        """A line more in cron.d/billing: its number is 6."""
        when, command = line.split("  ", 1)
        self.put("etc/cron.d/billing", BILLING + f"{when}  {user}  {command}\n")

    def reports(self, **manifest):
        self.job("reports", {"command": ["/opt/reports"], "timezone": "Europe/Berlin", **manifest})


class Timers(Units):
    def test_an_enabled_timer_has_when_zone_user_where_and_which_job(self):
        self.timer()
        entry = self.entry("reports")
        self.assertEqual({name: entry[name] for name in ("scheduler", "name", "when", "zone", "user", "active", "next_at", "line")},
                         {"scheduler": "systemd", "name": "reports.timer", "when": "*-*-* 05:00:00", "zone": "Europe/Berlin",
                          "user": "jobrun", "active": True, "next_at": "2026-04-13T03:00:00.000Z", "line": 4})
        self.assertEqual(entry["jobrun"], [{"verb": "run", "job": "reports", "run_date": "daily@05:00"}])

    def test_a_timer_that_is_not_enabled_is_there_and_nothing_starts_it(self):
        self.timer(enabled=False)
        self.assertFalse(self.entry("reports")["active"])

    def test_an_instance_of_a_template_is_the_job_of_its_name(self):
        self.timer("jobrun@reports", service=SERVICE)
        entry = self.entry("reports")
        self.assertEqual((entry["name"], entry["jobrun"][0]["job"]), ("jobrun@reports.timer", "reports"))

    def test_drop_ins_change_and_reset_settings(self):
        self.timer()
        self.put("etc/systemd/system/reports.timer.d/later.conf", "[Timer]\nOnCalendar=\nOnCalendar=Mon..Fri 06:30 UTC\n")
        self.put("run/systemd/system/reports.service.d/50-user.conf", "[Service]\nUser=reporter\nExecStart=\nExecStart=/opt/reports --all\n")
        entry = self.entry("/opt/reports --all")
        self.assertEqual((entry["when"], entry["zone"], entry["user"], entry["line"]), ("Mon..Fri 06:30 UTC", "UTC", "reporter", 3))
        self.assertTrue(entry["file"].endswith("reports.timer.d/later.conf"))
        self.assertEqual(entry["next_at"], "2026-04-13T06:30:00.000Z")

    def test_a_file_in_etc_stands_for_that_in_usr_lib(self):
        self.put("usr/lib/systemd/system/reports.timer", TIMER.replace("05:00:00", "09:00:00"))
        self.timer()
        self.assertEqual(self.entry("reports")["when"], "*-*-* 05:00:00")

    def test_a_masked_timer_is_not_there(self):
        self.put("usr/lib/systemd/system/reports.timer", TIMER)
        os.symlink("/dev/null", os.path.join(self.make_etc("systemd/system"), "reports.timer"))
        self.assertFalse([entry for entry in self.inventory()["entries"] if entry["scheduler"] == "systemd"])

    def make_etc(self, name):
        path = os.path.join(self.root, "etc", name)
        os.makedirs(path, exist_ok=True)
        return path

    def test_timers_of_a_persons_own_manager_are_read(self):
        self.put("people/anna/.config/systemd/user/tidy.timer", TIMER.replace("*-*-* 05:00:00", "weekly"))
        self.put("people/anna/.config/systemd/user/tidy.service", "[Service]\nExecStart=%h/bin/tidy \\\n  --all\n")
        wants = os.path.join(self.root, "people/anna/.config/systemd/user/timers.target.wants")
        os.makedirs(wants)
        os.symlink("../tidy.timer", os.path.join(wants, "tidy.timer"))
        entry = self.entry("tidy")
        self.assertEqual((entry["user"], entry["when"], entry["next_at"]), ("anna", "weekly", "2026-04-12T22:00:00.000Z"))
        self.assertEqual(entry["command"], "%h/bin/tidy --all")

    def test_a_folder_of_units_and_a_timer_can_be_named(self):
        self.timer(enabled=False)
        folder = os.path.join(self.root, "etc/systemd/system")
        for path in (folder, folder + "/reports.timer"):
            answer = json.loads(self.assert_code(0, self.run_jobrun("inventory", "--json", path)).out)
            self.assertEqual([(entry["name"], entry["active"]) for entry in answer["entries"]], [("reports.timer", True)])

    @unittest.skipUnless(shutil.which("systemd-analyze"), "systemd-analyze is not installed")
    def test_calendar_expressions_mean_what_systemd_says(self):
        expressions = ["daily", "weekly", "monthly", "hourly", "quarterly", "Mon..Fri 08:30", "Sat,Sun *-*-* 10:00", "*-*-1 04:00", "*-*-1..7 18:00:00", "Fri..Sun 03:15",
                       "*:0/15", "*-*-* 6,18:00", "Mon *-1/3-1..7 03:00:00", "10-15", "*-02-29 12:00", "daily UTC", "05:40 America/New_York", "Wed, 17:48",
                       "*-*-* 02:30:00 Europe/Berlin", "weekly Pacific/Auckland", "mon,fri *-1/2-1,3 *:30", "minutely", "*-*-* *:05:30"]
        base = "2026-04-12 12:00:00 UTC"
        for number, expression in enumerate(expressions):
            self.write(f"t{number}.timer", f"[Timer]\nOnCalendar={expression}\n")
        self.root = self.make_folder("utc")
        entries = {entry["when"]: entry["next_at"] for entry in self.inventory(self.folder)["entries"]}
        for expression in expressions:
            said = subprocess.run(["systemd-analyze", "calendar", "--base-time", base, expression], env=dict(CLEAN_ENVIRONMENT, TZ="UTC"), capture_output=True, text=True, check=True).stdout
            date, time = re.search(r"(?:Next elapse|\(in UTC\)): \w+ (\S+) (\S+) UTC", said.replace("\n   ", "\n")).groups()
            self.assertEqual(entries[expression], f"{date}T{time[:5]}:00.000Z", expression)

    def test_what_systemd_cron_makes_of_a_crontab_is_not_told_twice(self):
        self.put("run/systemd/generator/cron-billing-0.timer", "[Unit]\nSourcePath=/etc/cron.d/billing\n[Timer]\nOnCalendar=*-*-* 01:30:00\n")
        self.assertFalse([entry for entry in self.inventory()["entries"] if entry["scheduler"] == "systemd"])


class Planted(Units):
    def test_a_machine_in_order_has_none(self):
        self.timer()
        self.reports()
        self.put("var/spool/cron/crontabs/anna", "PATH=/usr/local/bin:/usr/bin:/bin\n0 4 * * *  $HOME/bin/tidy >/dev/null 2>&1\n")
        self.assertEqual(self.lint(), [])
        self.assertEqual(self.assert_code(0, self.run_jobrun("inventory", "--lint", "--root", self.root, now=NOW)).out, "nothing to mend\n")

    def test_the_example_crontab_has_none(self):
        example = str(pathlib.Path(__file__).resolve().parents[2] / "examples" / "crontab")
        for entry in json.loads(self.run_jobrun("inventory", "--json", example).out)["entries"]:
            for call in entry["jobrun"]:
                if call["verb"] == "run":
                    short = {"retry": {"window": "15m"}} if "15" in call["run_date"] else {}
                    self.job(call["job"], {"command": ["true"], **short})
        answer = self.run_jobrun("inventory", "--lint", "--json", example, now=NOW)
        self.assertEqual([fault for fault in json.loads(answer.out)["findings"] if fault["kind"] != "path"], [])

    def test_what_emit_writes_has_none(self):
        for scheduler in ("kubernetes", "gitlab", "github"):
            path = self.write(scheduler + ".yml", self.assert_code(0, self.run_jobrun("emit", scheduler, "backup", "--at", "daily@02:30")).out)
            self.assertEqual(self.run_jobrun("inventory", "--lint", path, now=NOW).out, "nothing to mend\n", scheduler)
        folder = self.make_folder("units")
        for words in (["backup", "--at", "daily@02:30"], []):
            self.assert_code(0, self.run_jobrun("emit", "systemd", *words, "--dir", folder))
        units = folder + "/systemd/system"
        self.assertEqual(self.run_jobrun("inventory", "--lint", units, now=NOW).out, "nothing to mend\n")
        jobs = {call["job"] for entry in json.loads(self.run_jobrun("inventory", "--json", units).out)["entries"] for call in entry["jobrun"]}
        self.assertEqual(jobs, {"backup", None})

    def test_a_job_that_is_scheduled_twice(self):
        self.timer(service=SERVICE.replace("%i", "backup").replace("05:00", "01:30"), timer=TIMER.replace("05:00:00", "01:45:00"))
        self.assert_fault("scheduled_twice", "reports.timer:4", "job backup", "cron.d/billing:4")

    def test_a_command_that_is_scheduled_twice(self):
        self.put("etc/cron.d/one", "0 4 * * *  root  /opt/tidy --all\n")
        self.put("etc/cron.d/two", "0 9 * * 1  root  /opt/tidy --all\n")
        self.assert_fault("scheduled_twice", "cron.d/two:1", "this command", "cron.d/one:1")

    def test_the_old_line_of_a_job_that_was_moved_in(self):
        self.job("backup", {"command": ["/opt/backup", "--full"], "timezone": "Europe/Berlin"})
        self.cron("30 1 * * *  /opt/backup --full >/dev/null")
        self.assert_fault("scheduled_twice", "cron.d/billing:6", "beside jobrun", "take this line away")

    def test_a_job_on_other_days_or_for_other_units_is_not_scheduled_twice(self):
        self.put("etc/cron.d/billing", BILLING.replace("30 1 * * * ", "30 1 * * 1-5") + "30 4 * * 6,0  jobrun  jobrun backup --run-date daily@04:30 --quiet\n")
        self.assertEqual(self.lint(), [])
        self.put("etc/cron.d/billing", BILLING.replace("--quiet", "--unit a --quiet", 1) +
                 "45 1 * * *  jobrun  jobrun backup --unit b --run-date daily@01:45 --quiet\n"
                 "59 1 * * *  jobrun  jobrun backup --run-date daily@01:30 --only-retry --quiet\n")
        self.assertEqual(self.lint(), [])

    def test_a_job_that_is_scheduled_and_unknown(self):
        self.cron("0 5 * * *  jobrun bakup --run-date daily@05:00 --quiet")
        self.assert_fault("unknown_job", "cron.d/billing:6", "there is no job bakup", "did you mean backup?")

    def test_a_job_of_another_jobs_directory_is_not_unknown(self):
        self.cron("0 5 * * *  jobrun other --jobs /srv/jobs --run-date daily@05:00 --quiet")
        self.assertEqual(self.lint(), [])

    def test_a_job_that_is_known_and_not_scheduled(self):
        self.reports(period="24h")
        self.assert_fault("not_scheduled", "reports.json:0", "nothing that was read starts job reports", "mend")

    def test_a_job_without_a_period_that_is_not_scheduled_is_only_told(self):
        self.reports()
        self.assert_fault("not_scheduled", "reports.json:0", "look")

    def test_a_timer_that_is_not_enabled_schedules_nothing(self):
        self.reports(period="24h")
        self.timer(enabled=False)
        self.assert_fault("not_scheduled", "reports.json:0", "systemctl enable --now reports.timer")

    def test_an_unescaped_percent(self):
        self.cron("0 5 * * *  /opt/dump --day $(date +%F)")
        self.assert_fault("percent", "cron.d/billing:6", "unescaped %", "write \\%")

    def test_a_dot_in_a_name_of_cron_d(self):
        self.put("etc/cron.d/reports.cron", "0 5 * * *  root  /opt/reports\n")
        self.assert_fault("dotted_name", "cron.d/reports.cron:0", "because of its name", "mv '")

    def test_a_dot_in_the_name_of_a_daily_script_and_one_that_is_not_executable(self):
        self.put("etc/cron.daily/tidy.sh", "#!/bin/sh\n", 0o755)
        self.assert_fault("dotted_name", "cron.daily/tidy.sh:0", "run-parts")
        os.unlink(os.path.join(self.root, "etc/cron.daily/tidy.sh"))
        self.put("etc/cron.daily/tidy", "#!/bin/sh\n", 0o644)
        self.assert_fault("not_executable", "cron.daily/tidy:0", "chmod 755")

    def test_what_packages_leave_behind_is_no_fault(self):
        self.put("etc/cron.d/billing.dpkg-old", BILLING)
        self.put("etc/cron.d/.placeholder", "# nothing\n")
        self.assertEqual(self.lint(), [])

    def test_no_run_date(self):
        self.put("etc/cron.d/billing", BILLING.replace("--run-date daily@01:30 ", ""))
        self.assert_fault("no_run_date", "cron.d/billing:4", "64", "--run-date daily@01:30")

    def test_today_just_before_midnight(self):
        self.put("etc/cron.d/billing", BILLING.replace("30 1", "55 23").replace("daily@01:30", "today"))
        self.assert_fault("moves_over_midnight", "cron.d/billing:4", "today", "--run-date daily@23:55")

    def test_a_date_of_the_clock_just_before_midnight(self):
        self.put("etc/cron.d/billing", BILLING.replace("30 1", "50 23").replace("daily@01:30", '"$(date +\\%F)"'))
        self.assert_fault("moves_over_midnight", "cron.d/billing:4", "$(date +%F)")

    def test_today_where_systemd_starts_it_again_after_midnight(self):
        self.timer(timer=TIMER.replace("05:00", "20:00"), service=SERVICE.replace("%i", "reports").replace("daily@05:00", "today"))
        self.reports()
        self.assert_fault("moves_over_midnight", "reports.timer:4", "Restart=on-failure", "--run-date daily@20:00")

    def test_today_in_the_middle_of_the_day_is_no_fault(self):
        self.put("etc/cron.d/billing", BILLING.replace("30 1", "30 9").replace("daily@01:30", "today"))
        self.assertEqual(self.lint(), [])

    def test_a_run_date_by_another_zone_than_the_schedule(self):
        self.job("backup", {"command": ["true"], "period": "24h"})
        self.assert_fault("other_day", "cron.d/billing:4", "is labelled 2026-04-12", '"timezone": "Europe/Berlin"')

    def test_a_retry_window_longer_than_the_period(self):
        self.reports()
        self.cron("*/15 * * * *  jobrun reports --run-date every@15m --quiet")
        self.assert_fault("window_over_period", "cron.d/billing:6", "6h", '"window": "15m"')
        self.reports(retry={"window": "15m"})
        self.assertEqual(self.lint(), [])

    def test_calls_for_the_same_run_date_are_one_period(self):
        self.put("etc/cron.d/billing", BILLING.replace("30 1", "7 *"))  # asks every hour for the latest 01:30
        self.assertEqual(self.lint(), [])

    def test_a_restart_on_every_failure(self):
        self.reports()
        self.timer(service=SERVICE.replace("%i", "reports").replace("RestartPreventExitStatus=64 70 78 80 81 82 86", ""))
        self.assert_fault("two_retry_layers", "reports.timer:4", "Restart=on-failure", "RestartPreventExitStatus=64 70 78 80 81 82 86")

    def test_a_loop_in_the_shell(self):
        self.put("etc/cron.d/billing", BILLING.replace("jobrun backup --run-date daily@01:30 --quiet",
                                                       "for i in 1 2 3; do jobrun backup --run-date daily@01:30 && break; sleep 600; done"))
        self.assert_fault("two_retry_layers", "cron.d/billing:4", "a loop in the shell")

    def test_a_time_that_the_change_of_clocks_leaves_out(self):
        self.put("etc/cron.d/billing", BILLING.replace("30 1", "30 2").replace("01:30", "02:30"))
        self.assert_fault("dst_gap", "cron.d/billing:4", "there is no 02:30 on 2027-03-28 in Europe/Berlin", "never asked for", "mend")
        self.put("etc/timezone", "UTC\n")
        self.job("backup", {"command": ["true"], "period": "24h"})
        self.assertEqual(self.lint(), [])

    def test_the_change_of_clocks_is_only_told_where_cron_makes_up_for_it(self):
        self.put("etc/cron.d/billing", BILLING.replace("30 1", "30 2").replace("daily@01:30", "today"))
        self.assert_fault("dst_gap", "cron.d/billing:4", "look")

    def test_a_timer_in_the_gap_loses_its_day(self):
        self.reports()
        self.timer(timer=TIMER.replace("05:00", "02:30"), service=SERVICE.replace("%i", "reports").replace("05:00", "02:30"))
        self.assert_fault("dst_gap", "reports.timer:4", "that day is left out")

    def test_a_path_without_jobrun(self):
        self.put("etc/cron.d/billing", BILLING.replace("PATH=", "#PATH="))
        self.assert_fault("path", "cron.d/billing:4", "PATH=/usr/bin:/bin")

    def test_a_program_that_is_not_there(self):
        self.put("etc/cron.d/billing", BILLING.replace("jobrun   jobrun", "jobrun  /opt/bin/jobrun"))
        self.assert_fault("path", "cron.d/billing:4", "there is no /opt/bin/jobrun")

    def test_a_line_that_cron_refuses(self):
        self.cron("0 25 * * *  /opt/x")
        self.assert_fault("bad_line", "cron.d/billing:6", "hour: 25 is not within 0-23")

    def test_a_last_line_without_a_newline(self):
        self.put("etc/cron.d/last", "# one\n0 4 * * *  root  /opt/x")
        self.assert_fault("bad_line", "cron.d/last:2", "newline")

    def test_a_zone_that_cron_does_not_know(self):
        self.put("etc/cron.d/billing", "CRON_TZ=Asia/Tokyo\n" + BILLING)
        self.assert_fault("cron_tz", "cron.d/billing:5", "CRON_TZ=Asia/Tokyo")

    def test_nobody_who_brings_retries_on(self):
        self.put("etc/cron.d/billing", BILLING.replace("jobrun tick", "jobrun prune"))
        self.assert_fault("no_tick", "cron.d/billing:4", "*/5 * * * * jobrun tick --quiet")

    def test_an_image_has_its_own_jobs(self):
        os.makedirs(os.path.join(self.root, "etc/jobrun/jobs"), 0o755)
        self.put("etc/jobrun/jobs/backup.json", '{"command": ["true"], "timezone": "Europe/Berlin"}')
        answer = self.run_jobrun("inventory", "--lint", "--root", self.root, now=NOW, env={"JOBRUN_JOBS": None})
        self.assertEqual((answer.code, answer.out), (0, "nothing to mend\n"))


class Yaml(Units):
    def yaml(self, text, name="ci.yml"):
        return self.write(name, text)

    def of(self, path):
        return json.loads(self.assert_code(0, self.run_jobrun("inventory", "--json", path, now=NOW)).out)["entries"]

    KUBERNETES = """\
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: "30 1 * * *"
  timeZone: Europe/Berlin
  jobTemplate:
    spec:
      backoffLimit: 4
      podFailurePolicy:
        rules:
        - {action: FailJob, onExitCodes: {containerName: job, operator: NotIn, values: [74, 75, 83, 137, 143]}}
      template:
        spec:
          restartPolicy: Never
          containers:
          - {name: job, image: registry.example.com/jobrun:1, args: [backup, --run-date, daily@01:30]}
"""
    GITLAB = """\
default: {retry: 1}
.nightly:
  rules: [{if: '$CI_PIPELINE_SOURCE == "schedule"'}]
backup:
  extends: .nightly
  script:
    - apt-get install jobrun
    - jobrun backup --run-date today
  retry: {max: 2, exit_codes: [74, 75, 83]}
lint:
  script: [make lint]
"""

    def test_a_cron_job_of_kubernetes(self):
        entry, = self.of(self.yaml(self.KUBERNETES))
        self.assertEqual((entry["scheduler"], entry["name"], entry["when"], entry["zone"], entry["line"]),
                         ("kubernetes", "nightly", "30 1 * * *", "Europe/Berlin", 5))
        self.assertEqual(entry["jobrun"][0]["job"], "backup")
        self.assertEqual(entry["next_at"], "2026-04-12T23:30:00.000Z")

    def test_a_job_of_gitlab_that_calls_jobrun(self):
        entry, = self.of(self.yaml(self.GITLAB))
        self.assertEqual((entry["scheduler"], entry["name"], entry["when"], entry["line"]), ("gitlab", "backup", "a pipeline schedule", 4))
        self.assertEqual(entry["jobrun"], [{"verb": "run", "job": "backup", "run_date": "today"}])

    def test_a_workflow_of_github(self):
        entry, = self.of(self.yaml("on:\n  schedule:\n  - cron: '15 3 * * *'\njobs:\n  sync:\n    steps:\n    - run: |\n        jobrun backup --run-date today\n"))
        self.assertEqual((entry["scheduler"], entry["name"], entry["zone"], entry["next_at"]), ("github", "sync", "UTC", "2026-04-13T03:15:00.000Z"))

    def test_retries_that_do_not_look_at_exit_codes(self):
        for path, text in (("k8s.yaml", self.KUBERNETES.replace("action: FailJob", "action: Ignore")),
                           ("ci.yml", self.GITLAB.replace("  retry: {max: 2, exit_codes: [74, 75, 83]}\n", ""))):
            faults = json.loads(self.run_jobrun("inventory", "--lint", "--json", self.yaml(text, path), now=NOW).out)["findings"]
            self.assertEqual([fault["kind"] for fault in faults], ["two_retry_layers"], faults)

    def test_files_in_order_have_no_fault(self):
        for text in (self.KUBERNETES, self.GITLAB):
            self.assertEqual(self.assert_code(0, self.run_jobrun("inventory", "--lint", self.yaml(text), now=NOW)).out, "nothing to mend\n")

    def test_a_job_in_a_pipeline_and_in_a_crontab_is_scheduled_twice(self):
        self.assert_fault("scheduled_twice", "ci.yml:4", "job backup", "cron.d/billing:4", words=[self.yaml(self.GITLAB)])

    def test_what_is_no_yaml_is_refused_with_its_line(self):
        self.assert_says(self.assert_code(64, self.run_jobrun("inventory", self.yaml("a: b\nc: [d\n"))), "ci.yml: line")

    def test_an_alias_that_grows_without_end_is_refused(self):
        bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(f"{b}: &{b} [{','.join(['*' + a] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi"))
        self.assert_says(self.assert_code(64, self.run_jobrun("inventory", self.yaml(bomb))), "nodes")


class Drift(Machine):
    def test_what_came_went_and_changed_is_told(self):
        self.put("etc/cron.d/old", "0 4 * * *  root  /opt/old\n")
        earlier = self.write("earlier.json", json.dumps(self.inventory()))
        self.assertEqual(self.assert_code(0, self.run_jobrun("inventory", "--root", self.root, "--against", earlier, now="2026-05-01T00:00:00Z")).out,
                         "nothing has changed\n")
        os.unlink(os.path.join(self.root, "etc/cron.d/old"))
        self.put("etc/cron.d/new", "0 5 * * *  root  /opt/new\n")
        self.put("etc/cron.d/billing", "# a line more\n" + BILLING.replace("30 1", "45 1"))
        answer = self.inventory("--against", earlier, code=78)
        drift = answer["drift"]
        self.assertEqual([entry["command"] for entry in drift["added"]], ["/opt/new"])
        self.assertEqual([entry["command"] for entry in drift["removed"]], ["/opt/old"])
        self.assertEqual([(change["before"]["when"], change["after"]["when"], change["members"]) for change in drift["changed"]],
                         [("30 1 * * *", "45 1 * * *", ["when"])])
        out = self.assert_code(78, self.run_jobrun("inventory", "--root", self.root, "--against", earlier, now=NOW)).out
        self.assert_says(self.run_jobrun("inventory", "--root", self.root, "--against", earlier, now=NOW),
                         "- " + self.root + "/etc/cron.d/old:1: ", "+ " + self.root + "/etc/cron.d/new:1: ", "when: 30 1 * * * -> 45 1 * * *")
        self.assertEqual(len(out.splitlines()), 4)

    def test_a_file_that_is_no_inventory_is_refused(self):
        for text in ("{}", "[]", "no json", '{"schema_version": 1}'):
            self.assert_says(self.assert_code(64, self.run_jobrun("inventory", "--against", self.write("x.json", text))), "--against")


if __name__ == "__main__":
    unittest.main()
