#!/usr/bin/python3
"""preflight: a second run that changes nothing, and a crash at every point that does no harm, shown before a job goes live (contract 2.1)."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import unittest
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.jobrun_case import JOBRUN, REPOSITORY, JobrunCase, wait_until  # noqa: E402

OUTBOX = 'cat "$JOBRUN_SCRATCH"/outbox 2>/dev/null || true'


class PreflightCase(JobrunCase):
    def script_job(self, text, name="job", **manifest):
        manifest.setdefault("retry", {"max_attempts": 6, "first_delay": "0s"})
        self.shell_job(name, f"jobrun() {{ {JOBRUN} \"$@\"; }}\nset -e\noutbox=$JOBRUN_SCRATCH/outbox\n{text}", **manifest)

    def preflight(self, *words, code=0, job="job", date="2026-04-01"):
        before = self.dump()
        os.makedirs(self.path("tmp"), mode=0o700, exist_ok=True)
        outcome = self.assert_code(code, self.run_jobrun("preflight", job, "--run-date", date, *words, timeout=300, env={"TMPDIR": self.path("tmp")}))
        self.assertEqual(self.dump(), before, "the real ledger was only read")
        self.assertEqual(os.listdir(self.path("tmp")), [], "nothing is left behind")
        return outcome


class SecondRun(PreflightCase):
    def test_a_job_that_may_be_run_again_passes(self):
        self.script_job("jobrun once mail -- sh -c 'echo mail >>$0' $outbox\njobrun checkpoint 7\n")
        outcome = self.preflight("--probe", OUTBOX)
        self.assert_says(outcome, "preflight of job: all holds", "the second run creates no effect", "the second run moves no cursor", "the second run changes nothing outside")

    def test_a_second_effect_is_found(self):
        self.script_job("jobrun once mail:$JOBRUN_ATTEMPT -- true\n")
        self.assert_says(self.preflight(code=80), "NOT SAFE", "FAIL  the second run creates no effect: effects differ: new job mail:2 confirmed")

    def test_a_cursor_that_moves_is_found(self):
        self.script_job("jobrun checkpoint $((${JOBRUN_CURSOR:-0} + 1))\n")
        self.assert_says(self.preflight(code=80), "FAIL  the second run moves no cursor: cursors differ: missing - - 1 new - - 2")

    def test_a_change_outside_is_found_by_the_probe(self):
        self.script_job("echo mail >>$outbox\n")
        self.assert_says(self.preflight(), "all holds")  # nobody looked
        self.assert_says(self.preflight("--probe", OUTBOX, code=80), 'outside differs, line 2: "mail"')

    def test_a_first_run_that_does_not_end_well_is_told_with_its_reason(self):
        self.script_job("exit 80\n")
        self.assert_says(self.preflight(code=80), "FAIL  the first run: exit 80")

    def test_a_date_with_a_run_is_refused(self):
        self.script_job("true\n")
        self.run_job("job", date="2026-04-01")
        self.assert_says(self.preflight(code=64), "has a run for 2026-04-01 already")

    def test_it_begins_with_the_cursors_and_effects_that_there_are(self):
        self.script_job("echo \"from ${JOBRUN_CURSOR:-nothing}\" >>$outbox\njobrun checkpoint 9\n")
        self.run_jobrun("cursor", "set", "job", "41", "--reason", "x")
        self.assert_says(self.preflight("--probe", OUTBOX, code=80), "from 9")  # and its own second run goes on from its first

    def test_the_time_is_the_one_that_now_set(self):
        self.script_job("echo ${JOBRUN_NOW%%:*} >$JOBRUN_SCRATCH/now\n")
        self.preflight("--now", "2026-04-01T02:00:00Z", "--probe", 'grep -q 2026-04-01T02 "$JOBRUN_SCRATCH/now"')

    def test_asked_to_stop_it_ends_soon_and_leaves_nothing_behind(self):
        self.script_job("echo >>$T/up; sleep 1000\n")
        self.make_folder("tmp")
        process = self.start_jobrun("preflight", "job", "--run-date", "2026-04-01", "--chaos", env={"TMPDIR": self.path("tmp")})
        wait_until(lambda: self.said("up"), "the job to start")
        process.terminate()
        self.assert_code(75, self.finish(process))
        self.assertEqual(os.listdir(self.path("tmp")), [])
        self.assertEqual(self.read("up"), "\n")

    def test_units_and_payload_are_handed_on(self):
        self.script_job("echo $JOBRUN_UNIT $(cat) >$JOBRUN_SCRATCH/$JOBRUN_UNIT\n", units=["a", "b"])
        self.preflight("--unit", "a", "--payload", '{"n": 1}', "--probe", 'cd "$JOBRUN_SCRATCH" && test "$(cat *)" = "a {\\"n\\":1}"')

    def test_json_has_every_check(self):
        self.script_job("jobrun checkpoint 1\n")
        answer = json.loads(self.preflight("--chaos", "--json").out)
        self.assertEqual((answer["schema_version"], answer["holds"], answer["points"]), (1, True, 6))
        self.assertEqual(len(answer["checks"]), 4 + 6)


class Chaos(PreflightCase):
    def test_it_is_ended_at_every_boundary(self):
        self.script_job("jobrun once mail --probe 'grep -q mail $JOBRUN_SCRATCH/outbox || exit 1' -- sh -c 'echo mail >>$0' $outbox\njobrun checkpoint 7\n")
        out = self.preflight("--chaos", "--probe", OUTBOX).out
        for where in ("before make the run", "after claim -", "before intend mail", "after intend mail", "before confirm mail", "after confirm mail",
                      "before checkpoint 7", "after checkpoint 7", "before finish -", "after finish -"):
            self.assertIn("ended " + where, out)
        self.assertIn("all holds, 10 points", out)

    def test_an_effect_before_its_intent_goes_red(self):
        self.script_job("jobrun item is-done mail || { echo mail >>$outbox; jobrun item done mail; }\n")
        self.assert_says(self.preflight("--chaos", "--probe", OUTBOX, code=80), "FAIL  the second run changes nothing outside")
        # Safe to run again, and not safe to be killed: the mail goes before anybody knows of it.
        self.script_job("jobrun once sent -- true && grep -q mail $outbox 2>/dev/null || echo mail >>$outbox\n", name="careful")
        self.preflight("--chaos", "--probe", OUTBOX, job="careful")
        self.script_job('test "$(jobrun cursor)" = sent || { echo mail >>$outbox; jobrun checkpoint sent; }\n', name="late")
        out = self.preflight("--chaos", "--probe", OUTBOX, code=80, job="late").out
        self.assertRegex(out, r'FAIL  point 3, ended before checkpoint sent: outside differs, line 2: "mail"')

    def test_a_cursor_before_the_work_goes_red(self):
        self.script_job('test "$(jobrun cursor)" = sent || { jobrun checkpoint sent; echo mail >>$outbox; }\n')
        self.assertRegex(self.preflight("--chaos", "--probe", OUTBOX, code=80).out, r'FAIL  point 4, ended after checkpoint sent: outside differs, line 1: "", right would be "mail"')

    def test_what_is_left_in_doubt_is_told_and_no_fault(self):
        self.script_job("jobrun once mail -- sh -c 'echo mail >>$0' $outbox\n")
        out = self.preflight("--chaos", "--probe", OUTBOX).out
        self.assertRegex(out, r"all holds, 8 points where the run was ended, 2 of them left in doubt for a person")
        self.assertRegex(out, r"ok    point 4, ended after intend mail \(told as in doubt\)")

    def test_the_examples_are_what_they_say(self):
        for name in ("newsletter.json", "newsletter.sh", "newsletter_python.json", "newsletter.py", "newsletter_unsafe.json", "newsletter_unsafe.sh"):
            shutil.copy(REPOSITORY / "examples" / "jobs" / name, self.jobs)
            os.chmod(os.path.join(self.jobs, name), 0o700)
        self.make_folder("bin")
        os.symlink(JOBRUN, self.path("bin/jobrun"))
        for name in ("newsletter", "newsletter_python", "newsletter_unsafe"):
            with open(os.path.join(self.jobs, name + ".json"), encoding="utf-8") as file:
                manifest = json.load(file)
            self.job(name, {**manifest, "env": {"PATH": self.path("bin") + ":/usr/bin:/bin"}})
        for name in ("newsletter", "newsletter_python"):
            self.assertIn("all holds, 18 points", self.preflight("--chaos", "--probe", OUTBOX, job=name).out)
        self.assertIn("NOT SAFE", self.preflight("--chaos", "--probe", OUTBOX, job="newsletter_unsafe", code=80).out)

    def test_the_reset_makes_the_outside_world_as_it_was(self):
        self.script_job(f"echo mail >>{self.folder}/elsewhere\n")
        self.write("elsewhere", "")
        self.preflight("--probe", f"cat {self.folder}/elsewhere", "--reset", f": >{self.folder}/elsewhere", code=80)
        self.script_job(f"echo mail >{self.folder}/elsewhere\n")
        self.preflight("--chaos", "--probe", f"cat {self.folder}/elsewhere", "--reset", f"rm -f {self.folder}/elsewhere")


class MainJob(PreflightCase):
    def test_invoice_sync_holds_at_every_point(self):
        api = REPOSITORY / "tests" / "support" / "billing_api.py"
        server = subprocess.Popen(["/usr/bin/python3", str(api), "--port-file", self.path("port"), "--accounts", "2", "--history", "5", "--any-time"], stdout=subprocess.DEVNULL)
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)
        wait_until(lambda: self.said("port"), "the billing API")
        url = "http://127.0.0.1:" + self.read("port").strip()
        units = subprocess.run(["/usr/bin/python3", str(api), "--print-accounts", "2"], capture_output=True, check=True).stdout
        self.job("invoice_sync", {"native": "invoice_sync", "units": json.loads(units), "retry": {"first_delay": "0s"},
                                  "config": {"api": url, "store": self.path("invoices.db"), "webhook": url + "/webhooks/invoices", "page_size": 3, "timeout": "5s"},
                                  "secrets": {"BILLING_TOKEN": "env:BILLING_TOKEN", "WEBHOOK_SECRET": "env:WEBHOOK_SECRET"}})
        secrets = {"BILLING_TOKEN": "sk_test_demo", "WEBHOOK_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
        probe = f"sqlite3 {self.path('invoices.db')} 'select id, account from invoices order by id'"
        outcome = self.assert_code(0, self.run_jobrun("preflight", "invoice_sync", "--run-date", "2026-04-12", "--chaos", "--probe", probe, "--reset", f"rm -f {self.path('invoices.db')}*",
                                                      env=secrets, timeout=600))
        points = int(outcome.out.split("all holds, ")[1].split()[0])
        self.assertGreater(points, 30)
        with urllib.request.urlopen(url + "/admin/report", timeout=30) as reply:
            report = json.load(reply)
        self.assertEqual([key for key, seen in report["deliveries"].items() if len(set(seen["tokens"])) != 1], [], "each webhook had one token, however often it was sent")
        print(f"figures: preflight --chaos of invoice_sync, 2 accounts: {points} points, all held")


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    unittest.main()
