#!/usr/bin/python3
"""One attempt: what a job is given, how it is ended, what is made of its end (contract 2.5, 2.8)."""
import base64
import contextlib
import glob
import json
import os
import pathlib
import signal
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.jobrun_case import JobrunCase, is_alive, wait_until  # noqa: E402


class AttemptCase(JobrunCase):
    def pid_in(self, name):
        return int(wait_until(lambda: self.has(name) and self.read(name).strip(), name))

    def assert_gone(self, name):
        pid = self.pid_in(name)
        wait_until(lambda: not is_alive(pid), f"the process in {name} to end")

    def start_long(self, text="echo $$ >$T/up; read x <$T/gate\n", **manifest):
        """A job that waits at a gate; comes back when it runs."""
        if not self.has("gate"):
            self.gate("gate")
        self.shell_job("long", text, **manifest)
        process = self.start_jobrun("long", "--run-date", "2026-04-12")
        self.pid_in("up")
        return process


class TimeOut(AttemptCase):
    def test_a_job_that_takes_too_long_is_asked_to_end_and_tried_again(self):
        self.shell_job("slow", 'trap "echo told >$T/told; exit 0" TERM\necho >$T/up; while :; do read x <$T/gate; done\n', timeout="3s", grace="10s")
        self.gate("gate")
        outcome = self.assert_code(75, self.run_job("slow"))
        self.assert_says(outcome, "timed_out: ended by jobrun after the time-out of 3s")
        self.assertEqual(self.read("told"), "told\n")
        self.assertEqual(self.attempts("slow"), [("retry", "timed_out")])

    def test_a_job_that_ignores_term_is_killed_after_the_grace(self):
        self.gate("gate")
        self.shell_job("deaf", 'trap "" TERM\necho $$ >$T/up; while :; do read x <$T/gate; done\n', timeout="3s", grace="100ms")
        self.assert_code(75, self.run_job("deaf", timeout=20))
        self.assert_gone("up")
        self.assertEqual(self.value("SELECT signal FROM attempts"), signal.SIGKILL)

    def test_a_stopped_job_is_ended_too(self):
        self.shell_job("frozen", 'kill -STOP $$\n', timeout="200ms", grace="100ms")
        self.assert_code(75, self.run_job("frozen", timeout=20))

    def test_grandchildren_in_sessions_of_their_own_end_with_it(self):
        self.gate("gate")
        self.shell_job("tree", 'setsid sh -c "trap \\"\\" TERM; echo \\$\\$ >$T/own; sleep 1000" & '
                               'setsid setsid sh -c "echo \\$\\$ >$T/deep; exec sleep 1000" & echo >$T/up; read x <$T/gate\n', timeout="3s", grace="100ms")
        self.assert_code(75, self.run_job("tree", timeout=20))
        self.assert_gone("own")
        self.assert_gone("deep")

    def test_a_grandchild_that_holds_the_pipe_can_not_hang_jobrun(self):
        self.shell_job("holder", '(setsid sh -c "echo \\$\\$ >$T/own; exec sleep 1000" &)\nwhile ! test -s $T/own; do :; done\necho said\n')
        self.assert_code(0, self.run_job("holder", timeout=20))
        self.assert_gone("own")
        self.assertEqual(self.value("SELECT output_head FROM attempts"), "said\n")

    def test_the_time_out_is_told_to_the_job_as_its_deadline(self):
        self.shell_job("ok", 'echo $JOBRUN_NOW $JOBRUN_DEADLINE >$T/times\n', timeout="90s")
        self.assert_code(0, self.run_job("ok", now="2026-04-12T02:00:00Z"))
        self.assertRegex(self.read("times"), r"^2026-04-12T02:00:00\S* 2026-04-12T02:01:30\S*$")


class Leftovers(AttemptCase):
    STARTS_DAEMON = '(setsid sh -c "echo \\$\\$ >$T/own; exec sleep 1000" >/dev/null 2>&1 &)\nwhile ! test -s $T/own; do :; done\n'

    def test_what_a_job_leaves_behind_is_killed_at_its_normal_end(self):
        self.shell_job("messy", self.STARTS_DAEMON)
        self.assert_code(0, self.run_job("messy"))
        self.assert_gone("own")

    def test_what_changed_its_environment_is_killed_too(self):
        self.shell_job("messy", '(env -i setsid sh -c "echo \\$\\$ >$0; exec sleep 1000" $T/own >/dev/null 2>&1 &)\n'
                                'while ! test -s $T/own; do :; done\n'.replace("$0", "\\$0"))
        self.assert_code(0, self.run_job("messy"))
        self.assert_gone("own")

    def test_leftovers_leave_keeps_a_daemon_alive(self):
        self.shell_job("starter", self.STARTS_DAEMON, leftovers="leave")
        self.assert_code(0, self.run_job("starter"))
        self.assertTrue(is_alive(self.pid_in("own")))

    def test_a_daemon_that_was_left_does_not_keep_the_next_run_out(self):
        self.shell_job("starter", self.STARTS_DAEMON, leftovers="leave")
        self.assert_code(0, self.run_job("starter"))
        self.assert_code(0, self.run_job("starter", date="2026-04-13"))

    def test_a_daemon_that_was_left_is_ended_at_a_time_out_all_the_same(self):
        self.gate("gate")
        self.shell_job("starter", self.STARTS_DAEMON + "read x <$T/gate\n", leftovers="leave", timeout="3s", grace="100ms")
        self.assert_code(75, self.run_job("starter", timeout=20))
        self.assert_gone("own")

    def test_another_unit_at_work_is_not_taken_for_a_leftover(self):
        self.gate("gate")
        self.shell_job("two", 'test $JOBRUN_UNIT = quick && exit 0\n(setsid sh -c "echo \\$\\$ >$T/own; exec sleep 1000" &)\n'
                              'while ! test -s $T/own; do :; done\necho >$T/up; read x <$T/gate; kill -0 $(cat $T/own)\n', units=["slow", "quick"], parallel=2)
        process = self.start_jobrun("two", "--run-date", "2026-04-12")
        wait_until(lambda: self.has("up") and self.states("two").get("quick") == "done", "the quick unit")
        self.open_gate("gate")
        self.assert_code(0, self.finish(process))


class WhatAJobIsGiven(AttemptCase):
    def test_exactly_the_descriptors_0_to_2_and_its_lock(self):
        self.job("fds", {"command": ["/bin/ls", "-l", "/proc/self/fd"]})
        # The caller's own descriptors are open in jobrun; none may come through.
        extra = [os.open("/dev/null", os.O_RDONLY) for _ in range(20)]
        for fd in extra:
            os.set_inheritable(fd, True)
            self.addCleanup(os.close, fd)
        self.assert_code(0, self.run_job("fds", close_fds=False))
        lines = [line.partition(" -> ") for line in self.value("SELECT output_head FROM attempts").splitlines() if " -> " in line]
        held = {int(left.split()[-1]): target for left, _, target in lines if not target.endswith("/fd")}  # ls reads that folder itself
        self.assertEqual(sorted(held), [0, 1, 2, 3], held)
        self.assertEqual(held[0], "/dev/null")
        self.assertEqual(held[3], self.ledger_path + ".units")

    def test_standard_input_is_the_payload_or_nothing(self):
        self.shell_job("cat", "cat >$T/input\n")
        self.assert_code(0, self.run_job("cat", stdin="what the caller had"))
        self.assertEqual(self.read("input"), "")
        self.assert_code(0, self.run_job("cat", "--payload", '{"b": 1, "a": [2]}', date="2026-04-13"))
        self.assertEqual(self.read("input"), '{"a":[2],"b":1}')

    def test_the_payloads_file_is_private_and_gone_afterwards(self):
        self.shell_job("file", 'cat $JOBRUN_PAYLOAD_FILE >$T/input; stat -c "%a %n" $JOBRUN_PAYLOAD_FILE $(dirname $JOBRUN_PAYLOAD_FILE) >$T/stat\n')
        self.assert_code(0, self.run_job("file", "--payload", "[1]"))
        self.assertEqual(self.read("input"), "[1]")
        (file_mode, file), (folder_mode, folder) = [line.split() for line in self.read("stat").splitlines()]
        self.assertEqual((file_mode, folder_mode), ("600", "700"))
        self.assertFalse(os.path.exists(file) or os.path.exists(folder))

    def test_the_configuration_is_the_manifests_with_the_units_over_it(self):
        self.shell_job("conf", 'cat $JOBRUN_CONFIG_FILE >$T/$JOBRUN_UNIT\n', config={"api": "x", "depth": 1}, units=[{"id": "a", "config": {"depth": 2}}, "b"])
        self.assert_code(0, self.run_job("conf"))
        self.assertEqual(json.loads(self.read("a")), {"api": "x", "depth": 2})
        self.assertEqual(json.loads(self.read("b")), {"api": "x", "depth": 1})

    def variables(self, outside=None, **manifest):
        self.job("env", {"command": ["/usr/bin/env", "-0"], "output": {"limit": 65536}, **manifest})
        self.assert_code(0, self.run_job("env", "--run-id", "nightly", "--scheduled-at", "2026-04-12T02:00:00Z", env=outside, now="2026-04-12T02:00:01Z"))
        self.job("env", {"command": ["/bin/sh", "-c", "env -0 >$0", self.path("env")], **manifest})
        self.assert_code(0, self.run_job("env", "--run-id", "nightly-2", "--scheduled-at", "2026-04-12T02:00:00Z", date="2026-04-13", env=outside, now="2026-04-12T02:00:01Z"))
        return dict(entry.split("=", 1) for entry in self.read("env").split("\0") if entry)

    # What one caller happens to have set, and no job must see.
    HOSTILE = {"PYTHONPATH": "/tmp/x", "http_proxy": "http://proxy", "HTTPS_PROXY": "http://proxy", "BASH_ENV": "/tmp/x", "IFS": "x", "PERL5LIB": "/tmp/x",
               "SECRET_OF_THE_CALLER": "x", "JOBRUN_UNIT": "forged", "JOBRUN_CURSOR": "forged", "SSH_AUTH_SOCK": "/tmp/x", "NOTIFY_SOCKET": "/tmp/x",
               "PATH": "/tmp/evil:/bin:/usr/bin", "LD_LIBRARY_PATH": "/tmp/x", "MALLOC_PERTURB_": "0"}

    def test_of_the_callers_environment_only_a_short_list_comes_through(self):
        preload = glob.glob("/lib/*/libutil.so.1") + glob.glob("/lib/*/libm.so.6")
        env = {**self.HOSTILE, "LD_PRELOAD": preload[0] if preload else "", "TZ": "Europe/Berlin", "LC_ALL": "C.UTF-8", "USER": "u", "LOGNAME": "l", "SHELL": "/bin/sh", "TMPDIR": "/tmp"}
        given = self.variables(env)
        own = {name for name in given if name.startswith("JOBRUN_")}
        self.assertEqual(set(given) - own - {"PWD", "SHLVL", "_", "OLDPWD"}, {"HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "SHELL", "TMPDIR", "TRACEPARENT", "TZ", "USER"})
        self.assertNotIn("/tmp/evil", given["PATH"])
        self.assertEqual(given["JOBRUN_UNIT"], "-")
        self.assertEqual(given["JOBRUN_CURSOR"], "")

    def test_pass_env_and_env_add_to_it(self):
        given = self.variables({"REGION": "eu", "ZONE": "a"}, pass_env=["REGION", "NOT_SET"], env={"MODE": "full", "PATH": "/opt/bin:/usr/bin:/bin"})
        self.assertEqual((given["REGION"], given["MODE"], given["PATH"]), ("eu", "full", "/opt/bin:/usr/bin:/bin"))
        self.assertNotIn("ZONE", given)
        self.assertNotIn("NOT_SET", given)

    def test_the_variables_of_the_contract(self):
        given = self.variables({"TRACEPARENT": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}, retry={"max_attempts": 7})
        expected = {"JOB": "env", "RUN_ID": "nightly-2", "RUN_DATE": "2026-04-13", "UNIT": "-", "ATTEMPT": "1", "MAX_ATTEMPTS": "7", "CURSOR": ""}
        self.assertEqual({name: given.get("JOBRUN_" + name) for name in expected}, expected)
        self.assertRegex(given["JOBRUN_SCHEDULED_AT"], r"^2026-04-12T02:00:00(\.000)?Z$")
        self.assertTrue(given["JOBRUN_SOCKET"].startswith("/"))
        self.assertTrue(given["TRACEPARENT"].startswith("00-4bf92f3577b34da6a3ce929d0e0e4736-"))

    def test_every_attempt_has_a_traceparent(self):
        self.assertRegex(self.variables().get("TRACEPARENT", "none"), "^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")

    def test_a_job_works_in_its_manifests_folder_or_in_workdir(self):
        self.job("here", {"command": ["/bin/sh", "-c", "pwd"]})
        self.make_folder("jobs/sub")
        self.job("there", {"command": ["/bin/sh", "-c", "pwd"], "workdir": "sub"})
        self.run_job("here", cwd="/")
        self.run_job("there", cwd="/")
        self.assertEqual([row[0] for row in self.ledger("SELECT output_head FROM attempts ORDER BY id")], [self.jobs + "\n", self.jobs + "/sub\n"])

    def test_a_job_starts_with_default_signals_and_none_blocked(self):
        self.job("signals", {"command": ["/bin/grep", "^Sig[BI]", "/proc/self/status"]})
        self.assert_code(0, self.run_job("signals", preexec_fn=lambda: signal.signal(signal.SIGUSR1, signal.SIG_IGN)))
        self.assertEqual(self.value("SELECT output_head FROM attempts"), "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n")

    def test_a_job_leads_a_session_of_its_own(self):
        self.shell_job("session", "ps -o sid= -p $$ | tr -d ' '; echo $$\n")
        self.script("session.sh", '#!/usr/bin/python3 -I\nimport os\nprint(os.getsid(0) == os.getpid() == os.getpgid(0))\n')
        self.assert_code(0, self.run_job("session"))
        self.assertEqual(self.value("SELECT output_head FROM attempts"), "True\n")


class OutputOfAJob(AttemptCase):
    def output(self, text, **manifest):
        self.shell_job("says", text, **manifest)
        self.outcome = self.run_job("says")
        return self.ledger("SELECT ifnull(output_head, ''), ifnull(output_tail, ''), output_bytes, output_cut FROM attempts")[0]

    def test_both_streams_are_kept_in_the_order_of_writing(self):
        self.assertEqual(self.output("echo one; echo two >&2; echo three\n"), ("one\ntwo\nthree\n", "", 14, 0))

    def test_long_output_is_kept_as_head_and_tail_and_the_cut_is_counted(self):
        head, tail, total, cut = self.output("seq 1 100000\n", output={"limit": 1000})
        self.assertEqual(total, len("".join(f"{n}\n" for n in range(1, 100001))))
        self.assertTrue(head.startswith("1\n2\n3\n"))
        self.assertTrue(tail.endswith("99999\n100000\n"))
        self.assertEqual(len(head) + len(tail), 1000)
        self.assertEqual(cut, total - 1000)
        self.assert_says(self.run_jobrun("show", "says"), "99999", f"{cut} bytes were dropped here")

    def test_output_without_a_last_newline_is_kept_as_it_is(self):
        self.assertEqual(self.output("printf 'no newline'\n")[0], "no newline")

    def test_output_behind_a_nul_is_kept_and_can_be_read(self):
        self.output("printf 'before\\000after\\n'\n")
        self.assertEqual(self.value("SELECT instr(output_head, 'after') > 0 AND length(output_head) >= 12 FROM attempts"), 1)
        self.assert_says(self.run_jobrun("show", "says"), "before", "after")

    def test_output_that_is_not_utf_8_is_kept_readable(self):
        head = self.output("printf 'caf\\351 \\377\\376 ok\\n'\n")[0]
        self.assertTrue(head.startswith("caf") and head.endswith(" ok\n"))
        head.encode("utf-8")  # no lone surrogates: what is stored is UTF-8
        json.loads(self.run_jobrun("show", "says", "--json").out)

    def test_a_character_on_the_edge_of_the_cut_does_not_break_the_text(self):
        for limit in range(20, 24):
            with self.subTest(limit):
                self.shell_job("says", "for i in 1 2 3 4 5 6 7 8; do printf '€€€€€'; done\n", output={"limit": limit})
                self.run_job("says", date=f"2026-05-{limit}")
        for head, tail in self.ledger("SELECT output_head, output_tail FROM attempts"):
            (head + tail).encode("utf-8")

    def test_a_flood_of_output_does_not_grow_jobrun(self):
        self.job("flood", {"command": ["/usr/bin/head", "-c", "200000000", "/dev/zero"]})
        process = self.start_jobrun("flood", "--run-date", "2026-04-12", stdout=None if False else -3, stderr=-3)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 0)
        self.assertLess(usage.ru_maxrss, 64 * 1024, "KiB")
        total, cut, kept = self.ledger("SELECT output_bytes, output_cut, length(CAST(output_head AS BLOB)) + length(CAST(output_tail AS BLOB)) FROM attempts")[0]
        self.assertEqual(total, 200000000)
        self.assertGreater(cut, 199000000)
        self.assertLess(kept, 1024 * 1024)

    def test_a_failing_attempts_last_lines_are_shown(self):
        self.output("seq 1 50; exit 1\n")
        self.assertIn('output="43\\n44\\n45\\n46\\n47\\n48\\n49\\n50"', self.outcome.err)


class SecretsOfAJob(AttemptCase):
    SECRET = 'sk_live/4eC39+"HqLyjW'

    def everything(self, *outcomes):
        """All that a person, a log or the ledger could show."""
        texts = [text for outcome in outcomes for text in (outcome.out, outcome.err)]
        for words in (("show", "leaky"), ("show", "leaky", "--json"), ("status",), ("status", "leaky", "--json"), ("effects", "--json")):
            texts += self.run_jobrun(*words)[1:]
        for root, _, files in os.walk(self.state):
            for name in files:
                with open(os.path.join(root, name), "rb") as file:
                    texts.append(file.read().decode("latin-1"))
        return texts

    def assert_kept(self, text, code=80, forms=None, **manifest):
        self.write("jobs/token", self.SECRET + "\n")
        self.shell_job("leaky", text, secrets={"TOKEN": "file:token"}, **manifest) if not text.startswith("#") else None
        outcome = self.assert_code(code, self.run_job("leaky"))
        for shown in self.everything(outcome):
            for form in forms or [self.SECRET]:
                self.assertNotIn(form, shown)
        return outcome

    def test_a_job_gets_its_secret_and_no_other_variable_of_the_kind(self):
        self.assert_kept('test "$TOKEN" = "$(cat token)" && exit 80\n')

    def test_a_secret_in_the_output_is_masked(self):
        outcome = self.assert_kept('echo "calling with $TOKEN now"; exit 80\n')
        self.assert_says(outcome, "calling with [masked] now")

    def test_a_secret_that_is_written_in_pieces_is_masked(self):
        self.script("split.py", "#!/usr/bin/python3 -I\nimport os, sys, time\nfor c in 'a ' + os.environ['TOKEN'] + ' z\\n':\n"
                                "    os.write(1, c.encode())\n    time.sleep(0.002)\nsys.exit(80)\n")
        self.assert_kept("exec ./split.py\n")
        self.assertEqual(self.value("SELECT output_head FROM attempts"), "a [masked] z\n")

    def test_a_secret_on_the_edge_of_the_cut_is_masked(self):
        for length in range(40, 80, 3):
            with self.subTest(length):
                self.shell_job("leaky", f'head -c {length} /dev/zero | tr "\\000" x; printf "%s" "$TOKEN"; head -c 200 /dev/zero | tr "\\000" y; printf "%s" "$TOKEN"\n',
                               secrets={"TOKEN": "file:token"}, output={"limit": 100})
                self.write("jobs/token", self.SECRET)
                self.assert_code(0, self.run_job("leaky", date=f"20{length}-01-01"))
        for head, tail in self.ledger("SELECT output_head, output_tail FROM attempts"):
            self.assertNotRegex(head + "|" + tail, "sk_live|4eC39|HqLyjW")

    def test_a_secret_in_base64_percent_or_json_form_is_masked(self):
        forms = [base64.b64encode(self.SECRET.encode()).decode(), self.SECRET.replace("/", "%2F").replace("+", "%2B").replace('"', "%22"),
                 self.SECRET.replace('"', '\\"')]
        self.assert_kept('printf "%s" "$TOKEN" | base64\necho "%s"\n'.replace('"%s"\n', "'" + forms[1] + "' '" + forms[2] + "'\n") + "exit 80\n", forms=[self.SECRET, *forms])

    def test_the_base64_of_a_header_that_holds_a_secret_is_masked(self):
        # `Authorization: Basic base64(user:secret)`: the secret's own base64 begins at another third of a byte.
        forms = [base64.b64encode(b"x" * n + self.SECRET.encode())[8:20].decode() for n in (1, 2)]
        self.assert_kept('printf "u:%s" "$TOKEN" | base64\nprintf "x%s" "$TOKEN" | base64\nexit 80\n', forms=forms)

    def test_a_secret_in_a_result_that_the_job_says_is_masked(self):
        self.write("jobs/token", self.SECRET)
        self.channel_job("leaky", 'ask("progress", message=os.environ["TOKEN"])\n'
                                  'ask("result", verdict="stop", reason="rejected", message="the server said: bad token " + os.environ["TOKEN"])\nsys.exit(80)\n',
                         secrets={"TOKEN": "file:token"})
        outcome = self.assert_kept("#")
        self.assert_says(outcome, "bad token [masked]")

    def test_a_secret_is_in_no_command_line(self):
        self.assert_kept('cat /proc/$$/cmdline /proc/$PPID/cmdline | tr "\\000" " " >$T/lines; exit 80\n')
        self.assertNotIn(self.SECRET, self.read("lines"))

    def test_a_credential_comes_from_the_credentials_directory(self):
        self.make_folder("credentials")
        self.write("credentials/billing", self.SECRET)
        self.shell_job("ok", f'test "$TOKEN" = "$(cat $T/credentials/billing)"\n', secrets={"TOKEN": "credential:billing"})
        self.assert_code(0, self.run_job("ok", env={"CREDENTIALS_DIRECTORY": self.path("credentials")}))


class Verdicts(AttemptCase):
    def test_the_default_exit_map(self):
        stop = [*range(64, 75), 76, 77, 78, 80, 126, 127]
        retry = [1, 2, 3, 63, 75, 79, 81, 100, 124, 125, 128, 130, 143, 255]
        self.shell_job("map", 'exit "$JOBRUN_UNIT"\n', units=[str(code) for code in (0, *stop, *retry)], parallel=4, retry={"first_delay": "1h"})
        self.assert_code(75, self.run_job("map"))
        states = self.states("map")
        self.assertEqual(states.pop("0"), "done")
        self.assertEqual({int(unit) for unit, state in states.items() if state == "stopped"}, set(stop))
        self.assertEqual({int(unit) for unit, state in states.items() if state == "retrying"}, set(retry))
        self.assertEqual({reason for _, reason in self.attempts("map", "126") + self.attempts("map", "127")}, {"not_executable", "not_found"})
        self.assertEqual(self.attempts("map", "124"), [("retry", "timed_out")])

    def test_a_command_that_is_not_there_or_can_not_be_executed_stops(self):
        self.job("missing", {"command": ["./nowhere.sh"]})
        self.job("unknown", {"command": ["no-such-program"]})
        self.job("plain", {"command": [self.write("jobs/plain.txt", "text")]})
        self.script("no-interpreter", "#!/no/such/interpreter\n")
        self.job("interpreter", {"command": ["./no-interpreter"]})
        for job, reason in (("missing", "not_found"), ("unknown", "not_found"), ("plain", "not_executable"), ("interpreter", "not_found")):
            with self.subTest(job):
                self.assert_code(80, self.run_job(job))
                self.assertEqual(self.attempts(job), [("stop", reason)])

    def test_signals_are_tried_again(self):
        self.shell_job("signals", 'kill -$JOBRUN_UNIT $$\n', units=["KILL", "SEGV", "TERM", "HUP", "INT"], retry={"first_delay": "1h"})
        self.assert_code(75, self.run_job("signals"))
        self.assertEqual({self.attempts("signals", unit)[0] for unit in ("KILL", "SEGV", "TERM", "HUP", "INT")},
                         {("retry", "killed_sig" + name) for name in ("kill", "segv", "term", "hup", "int")})

    def test_outcome_rules_are_asked_in_order_before_the_default(self):
        self.shell_job("rules", 'test $JOBRUN_UNIT = segv && kill -SEGV $$; exit $JOBRUN_UNIT\n', units=["1", "25", "3", "4", "80", "segv"],
                       outcomes=[{"exit": [1, "20-29"], "verdict": "stop", "reason": "flaky"}, {"exit": 3, "verdict": "done"},
                                 {"exit": "0-255", "verdict": "retry", "reason": "later", "message": "it is early"},
                                 {"signal": "SIGSEGV", "verdict": "stop", "reason": "broken", "pause": True}])
        self.assert_code(75, self.run_job("rules"))
        self.assertEqual({unit: self.attempts("rules", unit)[0] for unit in self.states("rules")},
                         {"1": ("stop", "flaky"), "25": ("stop", "flaky"), "3": ("done", "ok"), "4": ("retry", "later"), "80": ("retry", "later"),
                          "segv": ("stop", "broken")})
        self.assertEqual(self.value("SELECT unit FROM pauses"), "segv")
        self.assertEqual(self.value("SELECT message FROM units WHERE unit = '4'"), "it is early")

    def test_of_what_a_job_says_and_how_it_exits_the_worse_counts_and_both_are_kept(self):
        for verdict, code, state, phrase in (("done", 1, "retry", "the job had said done"), ("done", 80, "stop", "the job had said done"),
                                             ("retry", 0, "retry", "said"), ("stop", 75, "stop", "it ended as retry"), ("retry", 80, "stop", "the job had said retry")):
            with self.subTest(said=verdict, exit=code):
                job = f"{verdict}_{code}"
                self.channel_job(job, f'ask("result", verdict="{verdict}", reason="own_reason", message="said")\nsys.exit({code})\n')
                self.run_job(job)
                self.assertEqual(self.attempts(job)[0][0], state)
                self.assertIn(phrase, self.value("SELECT message FROM units WHERE job = ?", job))

    def test_a_said_wait_raises_the_delay_and_never_shortens_it(self):
        for wait, next_at in (("30m", "02:30:00"), ("1s", "02:10:00")):
            job = "wait_" + wait
            self.channel_job(job, f'ask("result", verdict="retry", reason="rate_limited", retry_after="{wait}")\nsys.exit(75)\n', retry={"first_delay": "10m", "jitter": 0})
            self.assert_code(75, self.run_job(job, now="2026-04-12T02:00:00Z"))
            self.assertRegex(self.value("SELECT next_at FROM units WHERE job = ?", job), "^2026-04-12T" + next_at)

    def test_output_is_never_parsed_for_a_verdict(self):
        self.shell_job("chatty", "echo '{\"op\": \"result\", \"verdict\": \"stop\"}'; echo ERROR FATAL\n")
        self.assert_code(0, self.run_job("chatty"))

    def test_the_delay_grows_while_the_reason_repeats_and_starts_over_with_another(self):
        self.shell_job("flaky", 'exit $(cat $T/code)\n', retry={"first_delay": "1m", "factor": 2, "jitter": 0, "max_attempts": 10})
        delays, now = [], 0
        for code in (1, 1, 1, 2, 2):
            self.write("code", str(code))
            self.assert_code(75, self.run_job("flaky", now=f"2026-04-12T02:{now:02}:30Z"))
            next_at = self.value("SELECT next_at FROM units")
            minute = int(next_at[14:16])
            delays.append(minute - now)
            now = minute + 1
        self.assertEqual(delays, [1, 2, 4, 1, 2])


class EndedFromOutside(AttemptCase):
    def test_sigterm_ends_the_job_as_interrupted_and_the_next_call_goes_on(self):
        process = self.start_long(retry={"max_attempts": 1})
        process.terminate()
        self.assert_code(75, self.finish(process))
        self.assert_gone("up")
        self.assertEqual(self.attempts("long"), [("interrupted", "interrupted")])
        self.open_gate("gate")
        self.assert_code(0, self.run_job("long"))

    def test_an_interruption_does_not_count_against_the_attempts(self):
        process = self.start_long(retry={"max_attempts": 1})
        process.terminate()
        self.finish(process)
        self.assertEqual(self.ledger("SELECT attempts, counted, interruptions, state FROM units"), [(1, 0, 1, "retrying")])
        self.shell_job("long", "exit 1\n", retry={"max_attempts": 1})
        self.assert_code(81, self.run_job("long"))

    def test_sighup_and_sigint_are_interruptions_too(self):
        for number in (signal.SIGHUP, signal.SIGINT):
            with self.subTest(number):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(self.path("up"))
                process = self.start_long()
                process.send_signal(number)
                self.assert_code(75, self.finish(process))

    def test_what_the_job_exits_with_after_our_own_term_is_not_held_against_it(self):
        process = self.start_long('trap "exit 80" TERM; echo $$ >$T/up; while :; do read x <$T/gate; done\n',
                                  outcomes=[{"exit": 80, "verdict": "stop"}])
        process.terminate()
        self.assert_code(75, self.finish(process))
        self.assertEqual(self.attempts("long"), [("interrupted", "interrupted")])

    def test_a_job_that_finishes_although_it_was_asked_to_stop_is_done(self):
        process = self.start_long('trap "exit 0" TERM; echo $$ >$T/up; while :; do read x <$T/gate; done\n')
        process.terminate()
        self.assert_code(0, self.finish(process))
        self.assertEqual(self.states("long"), {"-": "done"})

    def test_a_job_that_ignores_term_is_killed_after_the_grace(self):
        process = self.start_long('trap "" TERM; echo $$ >$T/up; while :; do read x <$T/gate; done\n', grace="100ms")
        process.terminate()
        self.assert_code(75, self.finish(process, timeout=10))
        self.assert_gone("up")

    def test_a_second_signal_does_not_wait_for_the_grace(self):
        process = self.start_long('trap "echo >$T/told" TERM; echo $$ >$T/up; while :; do read x <$T/gate; done\n', grace="1h")
        process.terminate()
        wait_until(lambda: self.has("told"), "the TERM to arrive")
        process.terminate()
        self.assert_code(75, self.finish(process, timeout=10))

    def test_interruptions_are_bounded(self):
        self.shell_job("long", "exit 1\n", retry={"max_attempts": 1})
        process = self.start_long(retry={"max_attempts": 1})
        for _ in range(200):
            process.terminate()
            code = self.finish(process).code
            if code == 81:
                break
            self.assertEqual(code, 75)
            os.unlink(self.path("up"))
            process = self.start_jobrun("long", "--run-date", "2026-04-12")
            wait_until(lambda: self.has("up") or process.poll() is not None, "the job to start")
        self.assertEqual(self.states("long"), {"-": "exhausted"})

    def test_when_jobrun_is_killed_its_job_dies_with_it(self):
        process = self.start_long()
        process.kill()
        process.wait()
        self.assert_gone("up")

    def test_the_call_after_a_kill_records_the_crash_and_goes_on_at_once(self):
        process = self.start_long(retry={"first_delay": "1h"})
        process.kill()
        process.wait()
        self.assert_gone("up")
        self.open_gate("gate")
        outcome = wait_until(lambda: (o := self.run_job("long")).code != 83 and o, "the lock to be free")
        self.assert_code(0, outcome)
        self.assertEqual(self.attempts("long"), [("crashed", "crashed"), ("done", "ok")])
        self.assertIn(f"(pid {process.pid} on ", self.value("SELECT message FROM attempts WHERE state = 'crashed'"))

    def test_a_crash_counts_against_the_attempts(self):
        process = self.start_long(retry={"max_attempts": 1})
        process.kill()
        process.wait()
        self.assert_gone("up")
        outcome = wait_until(lambda: (o := self.run_job("long")).code != 83 and o, "the lock to be free")
        self.assert_code(81, outcome)
        self.assertEqual(self.attempts("long"), [("crashed", "crashed")])

    def test_a_run_is_never_started_beside_a_living_orphan(self):
        process = self.start_long('(setsid sh -c "echo \\$\\$ >$T/own; exec sleep 1000" &)\nwhile ! test -s $T/own; do :; done\necho $$ >$T/up; read x <$T/gate\n')
        orphan = self.pid_in("own")
        process.kill()
        process.wait()
        self.assert_gone("up")
        busy = self.assert_code(83, self.run_job("long"))
        self.assert_says(busy, f"held by pid {orphan}", "attempt 1 since ")
        os.kill(orphan, signal.SIGKILL)
        self.open_gate("gate")
        os.unlink(self.path("own"))
        outcome = wait_until(lambda: (o := self.run_job("long")).code != 83 and o, "the lock to be free")
        self.assert_code(0, outcome)

    def test_an_orphan_can_say_nothing_more(self):
        self.gate("gate")
        self.channel_job("stray", '''
if int(os.environ["JOBRUN_ATTEMPT"]) > 1: sys.exit(0)
if os.fork():
    open(T + "/up", "w").write(str(os.getpid()))
    signal.pause()
os.setsid()
open(T + "/gate").read()
try:
    said = ask("checkpoint", cursor="forged")
except Exception as error:
    said = repr(error)
open(T + "/said", "w").write(repr(said))
''')
        process = self.start_jobrun("stray", "--run-date", "2026-04-12")
        self.pid_in("up")
        process.kill()
        process.wait()
        self.open_gate("gate_") if self.has("gate_") else os.close(os.open(self.path("gate"), os.O_WRONLY))
        wait_until(lambda: self.said("said"), "the orphan to try")
        self.assertRegex(self.read("said"), "Error|\"ok\": False|'ok': False")
        outcome = wait_until(lambda: (o := self.run_job("stray")).code != 83 and o, "the lock to be free")
        self.assert_code(0, outcome)
        self.assertEqual(self.ledger("SELECT value FROM cursors"), [])


class HarshSurroundings(AttemptCase):
    def setUp(self):
        super().setUp()
        self.shell_job("ok", "echo $JOBRUN_RUN_DATE; echo >&2 err\n")

    def assert_recorded(self, date="2026-04-12"):
        self.assertEqual(self.ledger("SELECT run_date, state FROM runs"), [(date, "done")])
        self.assertEqual(self.value("SELECT output_head FROM attempts"), f"{date}\nerr\n")
        self.assertEqual(self.value("PRAGMA integrity_check"), "ok")

    def test_closed_standard_descriptors_do_no_harm(self):
        for closed in ((0,), (1,), (2,), (0, 1, 2)):
            with self.subTest(closed):
                process = self.start_jobrun("ok", "--run-date", "2026-04-12", stdin=-3, stdout=-3, stderr=-3,
                                            preexec_fn=lambda: [os.close(fd) for fd in closed])
                self.assertEqual(process.wait(20), 0)
                self.assert_recorded()
                self.state = self.path("state-" + "".join(map(str, closed)))
                self.ledger_path = os.path.join(self.state, "ledger.db")
                self.new_ledger()

    def test_an_empty_environment_is_enough(self):
        self.assert_code(0, self.run_jobrun("ok", "--run-date", "2026-04-12", "--ledger", self.ledger_path, "--jobs", self.jobs, env=None,
                                            **{"env": {}} if False else {}))
        self.assert_recorded()

    def test_env_i_with_named_places_works_and_without_them_says_what_is_missing(self):
        process = self.start_jobrun("ok", "--run-date", "2026-04-12", "--ledger", self.ledger_path, "--jobs", self.jobs,
                                    env=dict.fromkeys(self.environment()))
        self.assert_code(0, self.finish(process))
        self.assert_recorded()

    def test_a_deleted_working_directory_does_no_harm(self):
        gone = self.make_folder("gone")
        self.assert_code(0, self.run_job("ok", cwd=gone, preexec_fn=lambda: os.rmdir(gone)))
        self.assert_recorded()

    def test_a_full_standard_output_does_not_change_what_is_recorded(self):
        with open("/dev/full", "wb") as full:
            self.assert_code(0, self.run_job("ok", stdout=full, stderr=full))
        self.assert_recorded()

    def test_a_reader_that_went_away_does_not_change_what_is_recorded(self):
        read, write = os.pipe()
        os.close(read)
        self.addCleanup(os.close, write)
        self.assert_code(0, self.run_job("ok", stdout=write, stderr=write))
        self.assert_recorded()

    def test_a_path_to_the_ledger_longer_than_a_socket_allows_works(self):
        deep = self.folder
        for _ in range(4):
            deep = os.path.join(deep, "d" * 40)
            os.mkdir(deep, 0o700)
        self.ledger_path = os.path.join(deep, "ledger.db")
        self.assert_code(0, self.run_jobrun("init"))
        self.channel_job("speaks", 'ask("checkpoint", cursor="c1")\n')
        self.assert_code(0, self.run_job("speaks"))
        self.assertEqual(self.value("SELECT value FROM cursors"), "c1")

    def test_few_descriptors_are_enough_or_the_lack_is_said(self):
        import resource
        self.shell_job("many", "true\n", units=[str(n) for n in range(40)], parallel=40)
        outcome = self.run_job("many", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24)))
        self.assertIn(outcome.code, (0, 74, 75, 83))
        self.assertNotRegex(outcome.out + outcome.err, "(?i)sqlite|terminate|abort")
        for _ in range(3):
            outcome = self.run_job("many", "--wait=10s")
        self.assertLessEqual(set(self.states("many").values()), {"done", "retrying"})


if __name__ == "__main__":
    unittest.main()
