#!/usr/bin/python3
"""`inventory` on a machine below a folder, with real-looking crontabs and units: what it lists, and by --lint each planted fault
by its name. A clean machine has none; this machine's own places are read without an error."""
import json
import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.jobrun_case import JobrunCase  # noqa: E402

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
                                 "next": "2026-04-12T23:30:00Z", "command": "jobrun backup --run-date daily@01:30 --quiet",
                                 "jobrun": [{"verb": "run", "job": "backup", "run_date": "daily@01:30"}]})

    def test_users_crontabs_are_read_by_the_name_of_their_user(self):
        self.put("var/spool/cron/crontabs/anna", "@daily $HOME/bin/tidy\n")
        entry = self.entry("tidy")
        self.assertEqual((entry["user"], entry["when"], entry["jobrun"]), ("anna", "@daily", []))
        self.assertEqual(entry["next"], "2026-04-12T22:00:00Z")

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

    @unittest.skipIf(os.geteuid() == 0, "root reads everything")
    def test_what_may_not_be_read_is_told_and_hinders_nothing(self):
        os.chmod(self.put("etc/cron.d/secret", "0 3 * * * root x\n"), 0)
        self.entry("backup")
        self.assertIn("cron.d/secret: Permission denied", self.err)

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


if __name__ == "__main__":
    unittest.main()
