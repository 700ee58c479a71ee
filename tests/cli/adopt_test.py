#!/usr/bin/python3
"""`jobs adopt`: a crontab line or a timer becomes a manifest that is accepted and does what the line did, once; the new line has no
fault; what is to be decided is said; nothing is changed by it."""
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.jobrun_case import CLEAN_ENVIRONMENT, JobrunCase  # noqa: E402


def plain_json(text):
    """Without the comments behind the members."""
    return json.loads(re.sub(r'(?m)  // .*$', "", text))


class Adopt(JobrunCase):
    def adopt(self, line, *words, head="", code=0):
        """The answer for a line of a user's crontab."""
        self.crontab = self.write("mine", head + line + "\n")
        number = head.count("\n") + 1
        answer = self.assert_code(code, self.run_jobrun("jobs", "adopt", f"{self.crontab}:{number}", "--json", *words))
        if code:
            return answer
        self.answer = json.loads(answer.out)
        return plain_json(self.answer["manifest"])

    def decisions(self):
        return " ".join(self.answer["decide"])


class Commands(Adopt):
    def test_a_plain_line_becomes_an_argument_list_and_a_line_with_a_run_date(self):
        manifest = self.adopt("30 1 * * *  /usr/local/bin/backup.sh --full 'a b' >/dev/null 2>&1", head="MAILTO=ops@example.com\n")
        self.assertEqual(manifest["command"], ["/usr/local/bin/backup.sh", "--full", "a b"])
        self.assertEqual((manifest["owner"], manifest["period"], manifest["timeout"]), ("ops@example.com", "1d", "1h"))
        self.assertEqual((self.answer["job"], self.answer["schedule"]), ("backup", "30 1 * * *  jobrun backup --run-date daily@01:30 --quiet\n"))

    def test_it_is_not_tried_again_until_somebody_decides_so(self):
        self.assertEqual(self.adopt("30 1 * * *  /opt/x")["retry"], {"max_attempts": 1})
        self.assertIn("May it be tried again?", self.decisions())
        for topic in ("owns it", "How long", "units", "Which date", "tick"):
            self.assertIn(topic, self.decisions())

    def test_a_shell_line_stays_with_a_shell(self):
        for line in ("/opt/a | /opt/b", "/opt/a && /opt/b", '/opt/a "$HOME"', "cd /x; /opt/a", "/opt/a *.csv", "for i in 1 2; do /opt/a $i; done", "/opt/a &"):
            self.assertEqual(self.adopt("0 3 * * *  " + line, "--as", "job")["command"], ["/bin/sh", "-c", line])
        self.assertEqual(self.adopt("0 3 * * *  a | b", "--as", "job", head="SHELL=/bin/bash\n")["command"][0], "/bin/bash")

    def test_cd_becomes_the_working_directory(self):
        manifest = self.adopt("0 3 * * *  cd /srv/shop && ./import.py --all")
        self.assertEqual((manifest["workdir"], manifest["command"], self.answer["job"]), ("/srv/shop", ["/srv/shop/import.py", "--all"], "import"))

    def test_what_jobrun_does_by_itself_is_left_out_and_said(self):
        manifest = self.adopt("*/15 * * * *  flock -n /run/x.lock timeout -k 10 5m chronic /opt/import >> /var/log/import.log")
        self.assertEqual((manifest["command"], manifest["timeout"]), (["/opt/import"], "5m"))
        self.assertIn("flock was left out", self.decisions())
        self.assertIn("/var/log/import.log", self.decisions())

    def test_variables_go_with_it_and_secrets_do_not(self):
        manifest = self.adopt("0 3 * * *  LANG=C DB_PASSWORD=hunter2 /opt/x", head="PATH=/opt/bin:/usr/bin:/bin\nAPI_TOKEN=hunter2\nJOBRUN_LEDGER=/x\n")
        self.assertEqual(manifest["env"], {"PATH": "/opt/bin:/usr/bin:/bin", "LANG": "C"})
        self.assertNotIn("hunter2", json.dumps(self.answer))
        for name in ("DB_PASSWORD", "API_TOKEN"):
            self.assertIn(f'{name} looks like a secret', self.decisions())

    def test_what_hides_failures_or_reads_the_clock_is_said(self):
        self.adopt("0 3 * * *  /opt/x --day $(date +\\%F) || true")
        self.assertIn("makes every failure a success", self.decisions())
        self.assertIn("$JOBRUN_RUN_DATE", self.decisions())

    def test_the_run_date_follows_from_the_schedule(self):
        for when, token, members in (("5 * * * *", "hourly@05", {"period": "1h"}), ("*/15 * * * *", "every@15m", {"period": "15m"}),
                                     ("0 6,18 * * *", "every@12h", {"period": "12h"}), ("0 4 * * 0", "daily@04:00", {"period": "7d"}),
                                     ("0 4 * * 1-5", "daily@04:00", {"fresh_within": "3d18h"}), ("@daily", "daily@00:00", {"period": "1d"}),
                                     ("@reboot", "today", {})):
            manifest = self.adopt(f"{when}  /opt/x")
            self.assertIn(f"jobrun x --run-date {token} --quiet", self.answer["schedule"])
            self.assertEqual({name: manifest[name] for name in ("period", "fresh_within") if name in manifest}, members)

    def test_the_name_is_the_programs_or_the_one_given(self):
        for command, name in (("/opt/Nightly-Report.sh", "nightly-report"), ("/usr/bin/python3 -u /srv/pull.py x", "pull"), ("cd /x && php artisan.php run", "artisan"),
                              ("test -x /opt/a && /opt/a", "a"), ("nice -n 19 /opt/slow", "slow")):
            self.adopt("0 3 * * *  " + command)
            self.assertEqual(self.answer["job"], name, command)
        self.assert_says(self.adopt("0 3 * * *  /usr/bin/report", code=64), "--as NAME")
        self.adopt("0 3 * * *  /usr/bin/report", "--as", "daily_report")
        self.assertEqual(self.answer["job"], "daily_report")


class WholeWay(Adopt):
    def test_the_adopted_job_does_what_the_line_did_once_and_its_new_line_has_no_fault(self):
        work = self.make_folder("work")
        self.write("work/import.sh", '#!/bin/sh\necho "$(pwd) $1 $WHAT $JOBRUN_RUN_DATE" >>"$2"\n', 0o700)
        log = self.path("log")
        line = f"cd {work} && WHAT=all ./import.sh 'a b' {log} >/dev/null"
        subprocess.run(["/bin/sh", "-c", line], env=CLEAN_ENVIRONMENT, check=True)
        self.adopt("30 9 * * *  " + line, "--to", self.jobs, head="PATH=/usr/local/bin:/usr/bin:/bin\n")
        self.assertEqual(self.answer["written"], os.path.join(self.jobs, "import.json"))
        self.assert_code(0, self.run_jobrun("jobs"))
        call = shlex.split(self.answer["schedule"].split("  ")[1])[1:]
        for _ in range(2):
            self.assert_code(0, self.run_jobrun(*call, now="2026-04-12T09:30:00Z"))
        self.assertEqual(self.read("log"), f"{work} a b all \n{work} a b all 2026-04-12\n")
        new = self.write("new", "PATH=/usr/local/bin:/usr/bin:/bin\n" + self.answer["schedule"])
        faults = json.loads(self.run_jobrun("inventory", "--lint", "--json", new).out)["findings"]
        self.assertEqual([fault["kind"] for fault in faults if fault["kind"] != "path"], [])  # jobrun may not be installed here

    def test_nothing_is_changed_and_no_manifest_is_written_over(self):
        before = "30 1 * * *  /opt/x\n"
        self.adopt(before.strip())
        self.assertEqual((self.read("mine"), os.listdir(self.jobs)), (before, []))
        self.assertIsNone(self.answer["written"])
        self.write(os.path.join(self.jobs, "x.json"), "mine")
        self.assert_says(self.adopt(before.strip(), "--to", self.jobs, code=64), "already", "--as NAME")
        self.assertEqual(self.read(os.path.join(self.jobs, "x.json")), "mine")

    def test_the_text_has_manifest_line_and_decisions(self):
        self.write("mine", "30 1 * * *  /opt/x\n")
        out = self.assert_code(0, self.run_jobrun("jobs", "adopt", self.path("mine"))).out
        self.assertRegex(out, r'(?s)^# x.json, in the jobs directory\n\{.*"command": \["/opt/x"\].*\n\}\n\n# the new line, in place of .*mine:1\n30 1 .*\n\n# to decide\n# - ')

    def test_the_systems_form_keeps_its_user(self):
        os.makedirs(self.path("etc/cron.d"))
        path = self.write("etc/cron.d/shop", "30 1 * * *  www-data  /opt/x\n")
        answer = json.loads(self.assert_code(0, self.run_jobrun("jobs", "adopt", path + ":1", "--json")).out)
        self.assertEqual(answer["schedule"], "30 1 * * *  www-data  jobrun x --run-date daily@01:30 --quiet\n")

    def test_a_crontab_in_crons_own_folder_is_that_of_its_user(self):
        os.makedirs(self.path("var/spool/cron/crontabs"))
        path = self.write("var/spool/cron/crontabs/root", "30 1 * * *  /opt/x\n")
        answer = json.loads(self.assert_code(0, self.run_jobrun("jobs", "adopt", path + ":1", "--json")).out)
        self.assertEqual(plain_json(answer["manifest"])["workdir"], "/root")
        self.assertIn("It runs as root", " ".join(answer["decide"]))

    def test_a_timer_gets_a_drop_in_for_its_service(self):
        self.write("dump.timer", "[Timer]\nOnCalendar=Mon..Fri 04:00 Europe/Berlin\n")
        self.write("dump.service", "[Service]\nUser=postgres\nWorkingDirectory=/srv/dump\nEnvironment=KEEP=3 \"WHAT=all of it\"\n"
                                   "ExecStart=-/usr/bin/pg_dumpall --file ${KEEP}\n")
        answer = json.loads(self.assert_code(0, self.run_jobrun("jobs", "adopt", self.path("dump.timer"), "--json")).out)
        manifest = plain_json(answer["manifest"])
        self.assertEqual((answer["job"], manifest["command"], manifest["workdir"]), ("dump", ["/usr/bin/pg_dumpall", "--file", "3"], "/srv/dump"))
        self.assertEqual((manifest["env"], manifest["timezone"], manifest["fresh_within"]), ({"KEEP": "3", "WHAT": "all of it"}, "Europe/Berlin", "3d18h"))
        self.write("odd.timer", "[Timer]\nOnCalendar=daily\n")
        self.write("odd.service", "[Service]\nEnvironmentFile=-/etc/odd.env\nExecStart=/bin/sh -c 'echo \"it is\" | tee \"$$HOME\"' \"two words\" *.csv\n")
        odd = json.loads(self.assert_code(0, self.run_jobrun("jobs", "adopt", self.path("odd.timer"), "--json")).out)
        self.assertEqual(plain_json(odd["manifest"])["command"], ["/bin/sh", "-c", 'echo "it is" | tee "$HOME"', "two words", "*.csv"])
        self.assertIn("/etc/odd.env", " ".join(odd["decide"]))
        self.write("odd.service", "[Service]\nExecStart=%h/bin/odd\n")
        self.assertIn("%h is systemd's word", self.run_jobrun("jobs", "adopt", self.path("odd.timer")).out)
        os.mkdir(self.path("dump.service.d"))
        self.write("dump.service.d/jobrun.conf", answer["schedule"])
        self.write(os.path.join(self.jobs, "dump.json"), answer["manifest"])
        self.assertEqual(self.assert_code(0, self.run_jobrun("inventory", "--lint", self.path("dump.timer"))).out, "nothing to mend\n")
        entry, = json.loads(self.run_jobrun("inventory", "--json", self.path("dump.timer")).out)["entries"]
        self.assertEqual(entry["jobrun"], [{"verb": "run", "job": "dump", "run_date": "daily@04:00"}])


class Refused(Adopt):
    def test_what_can_not_be_adopted_is_refused_with_a_next_step(self):
        head = "0 1 * * *  /opt/a\n0 2 * * *  jobrun b --run-date today\n0 3 * * *  c $(date +%F)\n0 25 * * *  d\n"
        path = self.write("mine", head)
        for where, phrase in ((path, "has several"), (path + ":9", "nothing is scheduled there"), (path + ":2", "calls jobrun already"), (path + ":3", "unescaped %"),
                              (path + ":4", "hour: 25"), (self.path("gone") + ":1", "there is no"), (self.path("gone"), "there is no")):
            answer = self.run_jobrun("jobs", "adopt", where)
            self.assertIn(answer.code, (64, 78))
            self.assertEqual(answer.out, "")
            self.assert_says(answer, phrase)

    def test_words_that_do_not_go_together_are_refused(self):
        for words in (["adopt"], ["list"], ["x", "y"], ["--to", "/tmp"]):
            self.assert_says(self.assert_code(64, self.run_jobrun("jobs", *words)), "adopt")


if __name__ == "__main__":
    unittest.main()
