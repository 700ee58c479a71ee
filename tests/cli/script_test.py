#!/usr/bin/python3
"""The verbs that a job's own script calls: once, checkpoint, cursor, item, result, progress (contract 2.8), and cursors in a person's hand."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.jobrun_case import JOBRUN, JobrunCase, wait_until  # noqa: E402


class ScriptCase(JobrunCase):
    def script_job(self, text, name="sync", **manifest):
        """A shell script that can call jobrun by its name and ends at the first command that fails."""
        manifest.setdefault("retry", {"first_delay": "0s"})
        self.shell_job(name, f"jobrun() {{ {JOBRUN} \"$@\"; }}\nset -e\n{text}", **manifest)

    def run_script(self, text, code=0, **manifest):
        self.script_job(text, **manifest)
        return self.assert_code(code, self.run_job("sync"))

    def output(self):
        return self.value("SELECT group_concat(output_head, '') FROM attempts ORDER BY id")

    def effects(self):
        return dict(self.ledger("SELECT key, state FROM effects"))

    def lines(self, name="out"):
        return self.read(name).splitlines() if self.has(name) else []


class Once(ScriptCase):
    ACT = 'echo acted >>$T/out; echo $JOBRUN_IDEMPOTENCY_KEY >>$T/tokens; echo "id 7"\n'

    def act(self, text):
        """The command of an effect, as a program of its own: the same words each time."""
        self.script("act.sh", text)

    def test_the_command_runs_once_and_later_calls_print_what_it_printed(self):
        self.act(self.ACT)
        self.run_script("jobrun once mail:1 -- $T/jobs/act.sh\njobrun once mail:1 -- $T/jobs/act.sh\n")
        self.assertEqual(self.lines(), ["acted"])
        self.assertEqual(self.output(), "id 7\nid 7\n")
        self.assert_code(0, self.run_job("sync", date="2026-04-13"))
        self.assertEqual(self.lines(), ["acted"])
        self.assertEqual(self.effects(), {"mail:1": "confirmed"})

    def test_the_token_is_the_same_for_every_try(self):
        self.act(self.ACT + "test -e $T/mended || exit 9\n")
        self.script_job("jobrun once mail:1 -- $T/jobs/act.sh\n")
        self.assert_code(75, self.run_job("sync"))
        self.write("mended", "")
        self.assert_code(0, self.run_job("sync"))
        tokens = self.lines("tokens")
        self.assertEqual(len(tokens), 2)
        self.assertEqual(len(set(tokens)), 1)
        self.assertRegex(tokens[0], "^jr_[0-9a-f]{32}$")

    def test_a_command_that_fails_did_not_happen_and_its_exit_code_ends_the_script(self):
        self.run_script("jobrun once mail:1 -- sh -c 'exit 80'\necho >$T/went-on\n", code=80)
        self.assertEqual(self.effects(), {})
        self.assertEqual(self.attempts("sync"), [("stop", "exit_80")])
        self.assertFalse(self.has("went-on"))

    def test_a_command_that_is_not_there_did_not_happen(self):
        self.run_script("jobrun once mail:1 -- no-such-program\n", code=80)
        self.assertEqual(self.effects(), {})
        self.assertEqual(self.attempts("sync"), [("stop", "not_found")])

    def test_a_command_that_is_killed_leaves_the_effect_in_doubt_and_a_person_decides(self):
        self.act("echo acted >>$T/out; kill -9 $$\n")
        outcome = self.run_script("jobrun once mail:1 -- $T/jobs/act.sh\n", code=82)
        self.assertEqual(self.effects(), {"mail:1": "in_doubt"})
        self.assert_says(outcome, "in_doubt", "jobrun effects confirm|release")
        self.assert_code(82, self.run_job("sync"))
        self.assert_code(82, self.run_jobrun("retry", "sync"))
        self.assertEqual(self.lines(), ["acted"])
        self.assert_code(0, self.run_jobrun("effects", "confirm", "mail:1", "--job", "sync", "--reason", "it is in the outbox"))
        self.assert_code(0, self.run_jobrun("retry", "sync"))
        self.assertEqual(self.lines(), ["acted"])
        self.assertEqual(self.ledger("SELECT scope, key, happened, reason FROM settlements"), [("sync", "mail:1", 1, "it is in the outbox")])

    def test_a_released_effect_is_done_again(self):
        self.act("echo acted >>$T/out; test -e $T/mended || kill -9 $$\n")
        self.run_script("jobrun once mail:1 -- $T/jobs/act.sh\n", code=82)
        self.write("mended", "")
        self.assert_code(0, self.run_jobrun("effects", "release", "mail:1", "--job", "sync", "--reason", "not in the outbox"))
        self.assert_code(0, self.run_jobrun("retry", "sync"))
        self.assertEqual(self.lines(), ["acted", "acted"])

    def test_a_script_that_goes_on_after_a_doubt_does_not_end_well(self):
        self.run_script("jobrun once mail:1 -- sh -c 'kill -9 $$' || true\n", code=82)
        self.assertEqual(self.states("sync"), {"-": "in_doubt"})

    def test_resend_sends_the_same_token_again_while_it_lives(self):
        self.act("echo $JOBRUN_IDEMPOTENCY_KEY >>$T/tokens; test -e $T/mended || kill -9 $$\n")
        self.script_job("jobrun once mail:1 --if-in-doubt resend --token-ttl 1h -- $T/jobs/act.sh\n")
        self.assert_code(75, self.run_job("sync", now="2026-04-12T02:00:00Z"))
        self.write("mended", "")
        self.assert_code(0, self.run_job("sync", now="2026-04-12T02:59:00Z"))
        self.assertEqual(len(self.lines("tokens")), 2)
        self.assertEqual(len(set(self.lines("tokens"))), 1)

    def test_a_token_that_the_other_side_has_forgotten_is_not_sent_again(self):
        self.act("echo acted >>$T/out; kill -9 $$\n")
        self.script_job("jobrun once mail:1 --if-in-doubt resend --token-ttl 1h -- $T/jobs/act.sh\n")
        self.assert_code(75, self.run_job("sync", now="2026-04-12T02:00:00Z"))
        self.assert_code(82, self.run_job("sync", now="2026-04-12T03:00:01Z"))
        self.assertEqual(self.lines(), ["acted"])

    def test_a_probe_that_finds_it_confirms_it_and_its_output_is_the_result(self):
        self.act("echo acted >>$T/out; kill -9 $$\n")
        self.script_job("jobrun once mail:1 --probe 'grep acted $T/out' -- $T/jobs/act.sh\n".replace("$T", self.folder))
        self.assert_code(75, self.run_job("sync"))
        self.assert_code(0, self.run_job("sync"))
        self.assertEqual(self.lines(), ["acted"])
        self.assertEqual(self.value("SELECT result FROM effects"), "acted\n")

    def test_a_probe_that_does_not_find_it_lets_it_be_done(self):
        self.act("test -e $T/mended || kill -9 $$; echo acted >>$T/out\n")
        self.script_job(f"jobrun once mail:1 --probe 'grep acted {self.folder}/out 2>/dev/null || exit 1' -- $T/jobs/act.sh\n")
        self.assert_code(75, self.run_job("sync"))
        self.write("mended", "")
        self.assert_code(0, self.run_job("sync"))
        self.assertEqual(self.lines(), ["acted"])

    def test_a_probe_that_can_not_tell_is_asked_again_and_nothing_is_done(self):
        self.act("echo acted >>$T/out; kill -9 $$\n")
        self.script_job(f"jobrun once mail:1 --probe 'test -e {self.folder}/up || exit 7' -- $T/jobs/act.sh\n")
        for _ in range(3):
            self.assert_code(75, self.run_job("sync"))
        self.write("up", "")
        self.assert_code(0, self.run_job("sync"))
        self.assertEqual(self.lines(), ["acted"])

    def test_a_probe_knows_the_key_and_the_token(self):
        self.act("kill -9 $$\n")
        self.script_job("jobrun once mail:1 --probe 'echo $JOBRUN_EFFECT_KEY $JOBRUN_IDEMPOTENCY_KEY' -- $T/jobs/act.sh\n")
        self.assert_code(75, self.run_job("sync"))
        self.assert_code(0, self.run_job("sync"))
        self.assertRegex(self.value("SELECT result FROM effects"), "^mail:1 jr_[0-9a-f]{32}\n$")

    def test_exits_that_are_declared_doubtful_leave_it_open(self):
        self.run_script("jobrun once mail:1 --doubtful-exit 28,52-56 -- sh -c 'exit 53'\n", code=82)
        self.assertEqual(self.effects(), {"mail:1": "in_doubt"})

    def test_a_command_that_takes_too_long_is_ended_and_may_have_happened(self):
        self.gate("gate")
        self.run_script("jobrun once mail:1 --timeout 100ms -- sh -c 'read x <$0' $T/gate\n", code=82)
        self.assertEqual(self.effects(), {"mail:1": "in_doubt"})

    def test_other_arguments_under_the_same_key_are_a_conflict_and_nothing_runs(self):
        outcome = self.run_script("jobrun once mail:1 -- echo one\njobrun once mail:1 -- sh -c 'echo >$0' $T/out || true\n", code=80)
        self.assert_says(outcome, "effect_conflict", "with other arguments")
        self.assertFalse(self.has("out"))

    def test_a_fingerprint_says_what_is_the_same_request(self):
        self.run_script("jobrun once mail:1 --fingerprint v1 -- echo a-$$\njobrun once mail:1 --fingerprint v1 -- echo b\n")

    def test_a_scope_is_shared_by_jobs(self):
        self.act(self.ACT)
        for name in ("one", "two"):
            self.script_job("jobrun once mail:1 --scope mails -- $T/jobs/act.sh\n", name=name)
            self.assert_code(0, self.run_job(name))
        self.assertEqual(self.lines(), ["acted"])

    def test_jobs_without_a_scope_do_not_share_their_keys(self):
        self.act(self.ACT)
        for name in ("one", "two"):
            self.script_job("jobrun once mail:1 -- $T/jobs/act.sh\n", name=name)
            self.assert_code(0, self.run_job(name))
        self.assertEqual(self.lines(), ["acted", "acted"])
        self.assertEqual(len(set(self.lines("tokens"))), 2)

    def test_of_many_at_once_in_xargs_one_acts(self):
        self.act("echo acted >>$T/out; sleep 0.2\n")
        self.run_script("seq 8 | xargs -P 8 -I {} sh -c '" + JOBRUN + " once mail:1 -- " + self.folder + "/jobs/act.sh; echo $? >>" + self.folder + "/codes' || true\n")
        self.assertEqual(self.lines(), ["acted"])
        self.assertLessEqual(set(self.lines("codes")), {"0", "83"})
        self.assertEqual(self.effects(), {"mail:1": "confirmed"})

    def test_two_units_at_once_with_a_shared_key_do_not_take_each_others_act_for_a_crash(self):
        self.act("echo acted >>$T/out; echo >$T/up; read x <$T/gate\n")
        self.gate("gate")
        self.script_job("test $JOBRUN_UNIT = a || while ! test -e $T/up; do sleep 0.01; done\n"
                        "jobrun once report --if-in-doubt resend -- $T/jobs/act.sh || { code=$?; echo $code >$T/told; exit $code; }\n", units=["a", "b"], parallel=2)
        process = self.start_jobrun("sync", "--run-date", "2026-04-12")
        wait_until(lambda: self.has("told"), "the second unit to be told")
        self.open_gate("gate")
        self.assert_code(75, self.finish(process))
        self.assert_code(0, self.run_job("sync"))
        self.assertEqual(self.lines(), ["acted"])

    def test_the_command_has_the_scripts_input_errors_and_folder(self):
        self.run_script("cd $T\necho body | jobrun once mail:1 -- sh -c 'cat >out; pwd >>out; echo oops >&2'\n")
        self.assertEqual(self.lines(), ["body", self.folder])
        self.assertIn("oops", self.output())

    def test_a_closed_standard_input_does_no_harm(self):
        self.run_script("jobrun once mail:1 -- cat <&-\njobrun item done a <&- >&-\njobrun checkpoint 7 <&- >&- 2>&-\n")
        self.assertEqual(self.value("SELECT value FROM cursors"), "7")

    def test_a_reader_that_goes_away_does_not_leave_it_in_doubt(self):
        self.run_script("jobrun once mail:1 -- seq 100000 | head -1 >/dev/null\n")
        self.assertEqual(self.effects(), {"mail:1": "confirmed"})

    def test_more_output_than_is_kept_is_told(self):
        self.run_script("jobrun once mail:1 -- seq 100000 >$T/first\n")
        self.assertEqual(len(self.read("first")), 588895)
        self.assertEqual(self.value("SELECT length(result) FROM effects"), 64 * 1024)
        self.assertIn("bytes of output are not kept", self.output())

    def test_a_term_to_the_job_lets_the_act_end_and_be_recorded(self):
        self.gate("gate")
        self.act("trap '' TERM; echo >$T/up; read x <$T/gate\n")
        self.script_job("jobrun once mail:1 -- $T/jobs/act.sh\n", grace="20s")
        process = self.start_jobrun("sync", "--run-date", "2026-04-12")
        wait_until(lambda: self.has("up"), "the act")
        process.send_signal(signal.SIGTERM)
        self.open_gate("gate")
        self.assert_code(75, self.finish(process))
        self.assertEqual(self.effects(), {"mail:1": "confirmed"})
        self.assertEqual(self.attempts("sync"), [("interrupted", "interrupted")])

    def test_bad_words_are_told_and_nothing_is_written(self):
        for words, said in ((["once", "k"], "no command"), (["once", "k", "--if-in-doubt", "maybe", "--", "true"], "none of stop, resend, probe"),
                            (["once", "k", "--if-in-doubt", "probe", "--", "true"], "go together"), (["once", "k", "--doubtful-exit", "5-2", "--", "true"], "no range"),
                            (["once", "k", "--token-ttl", "x", "--", "true"], "--token-ttl"), (["once", "", "--", "true"], "1 to 255 bytes"),
                            (["once", "k", "--", "true"], "not inside of a run"), (["once", "k", "--job", "No", "--", "true"], "--job")):
            with self.subTest(words):
                outcome = self.assert_code(64, self.run_jobrun(*words))
                self.assert_says(outcome, said)
                self.assertEqual(outcome.out, "")
        self.assertEqual(self.effects(), {})


class EffectLog(ScriptCase):
    def test_an_effect_is_shown_with_when_by_whom_and_its_result(self):
        self.run_script("jobrun once mail:1 -- echo 'id 7'\njobrun once mail:2 -- true\n")
        out = self.assert_code(0, self.run_jobrun("effects", "show", "mail:1")).out
        self.assertRegex(out, r"^mail:1 of sync: confirmed\n  intended \S+Z, 1 try, by sync:2026-04-12/-#1\n  token jr_[0-9a-f]{32}, if in doubt: stop\n  confirmed \S+Z\n  \| id 7\n$")
        self.assertRegex(self.run_jobrun("effects", "--all").out, r"(?m)^mail:2 +sync +confirmed +\S+Z +1 +sync:2026-04-12/-#1$")
        answer = json.loads(self.run_jobrun("effects", "show", "mail:1", "--json").out)
        self.assertEqual([(one["key"], one["state"], one["result"], one["attempt"]) for one in answer["effects"]], [("mail:1", "confirmed", "id 7\n", 1)])
        self.assert_says(self.assert_code(64, self.run_jobrun("effects", "show", "mail:9")), "no effect has the key mail:9")

    def test_a_key_is_kept_for_as_long_as_the_manifest_and_the_token_ask(self):
        self.script_job("jobrun once short -- true\njobrun once long --if-in-doubt resend --token-ttl 200d -- true\n", keep="90d")
        self.assert_code(0, self.run_job("sync", now="2026-04-12T02:00:00Z"))
        self.assertEqual([(key, until[:10]) for key, until in self.ledger("SELECT key, keep_until FROM effects ORDER BY key")], [("long", "2026-10-29"), ("short", "2026-07-11")])

    def test_a_persons_word_is_part_of_it(self):
        self.run_script("jobrun once mail:1 -- sh -c 'kill -9 $$'\n", code=82)
        self.assert_code(0, self.run_jobrun("effects", "confirm", "mail:1", "--job", "sync", "--reason", "it is in the outbox"))
        self.assertIn("that it happened: it is in the outbox", self.run_jobrun("effects", "show", "mail:1").out)


class OnceByHand(ScriptCase):
    def once(self, *words, code=0):
        return self.assert_code(code, self.run_jobrun("once", "mail:1", "--job", "sync", *words))

    def test_it_works_against_the_ledger_itself(self):
        for _ in range(2):
            self.assertEqual(self.once("--", "sh", "-c", "echo acted >>$0; echo id", self.path("out")).out, "id\n")
        self.assertEqual(self.lines(), ["acted"])

    def test_a_run_of_the_job_knows_what_was_done_by_hand(self):
        self.once("--fingerprint", "", "--", "echo", "by hand")
        self.run_script("jobrun once mail:1 --fingerprint '' -- sh -c 'echo >$0' $T/out\n")
        self.assertFalse(self.has("out"))
        self.assertEqual(self.output(), "by hand\n")

    def test_a_crash_of_it_is_in_doubt_and_shown(self):
        self.gate("gate")
        process = self.start_jobrun("once", "mail:1", "--job", "sync", "--", "sh", "-c", "echo >$0; read x <$1", self.path("up"), self.path("gate"))
        wait_until(lambda: self.has("up"), "the act")
        self.once("--", "true", code=83)
        process.kill()
        process.wait()
        wait_until(lambda: self.run_jobrun("once", "mail:1", "--job", "sync", "--fingerprint", "", "--", "true").code == 82, "the lock to be free")
        self.assert_says(self.run_jobrun("effects"), "mail:1", "in_doubt")
        self.assert_says(self.run_jobrun("status"), "jobrun effects confirm|release 'mail:1' --job sync --reason TEXT")

    def test_what_is_being_acted_on_can_not_be_settled(self):
        self.gate("gate")
        process = self.start_jobrun("once", "mail:1", "--job", "sync", "--", "sh", "-c", "echo >$0; read x <$1", self.path("up"), self.path("gate"))
        wait_until(lambda: self.has("up"), "the act")
        self.assert_code(83, self.run_jobrun("effects", "release", "mail:1", "--job", "sync", "--reason", "impatient"))
        self.open_gate("gate")
        self.assert_code(0, self.finish(process))
        self.assertEqual(self.effects(), {"mail:1": "confirmed"})

    def test_a_try_that_certainly_failed_does_not_make_an_older_doubt_forgotten(self):
        resend = ("--fingerprint", "", "--if-in-doubt", "resend", "--token-ttl", "1h", "--", "sh", "-c")
        self.once("--now", "2026-12-01T00:00:00Z", *resend, "echo >>$0; kill -9 $$", self.path("out"), code=75)
        self.once("--now", "2026-12-01T00:50:00Z", *resend, "exit 7", code=7)
        self.assertEqual(self.effects(), {"mail:1": "intended"}, "the first may have happened")
        self.once("--now", "2026-12-03T00:00:00Z", *resend, "echo >>$0", self.path("out"), code=82)
        self.assertEqual(len(self.read("out").splitlines()), 1, "the token was too old to send again")

    def test_a_failed_try_after_a_doubt_may_be_sent_again_while_the_token_lives(self):
        resend = ("--fingerprint", "", "--if-in-doubt", "resend", "--token-ttl", "1h", "--", "sh", "-c")
        self.once("--now", "2026-12-01T00:00:00Z", *resend, "kill -9 $$", code=75)
        self.once("--now", "2026-12-01T00:10:00Z", *resend, "exit 7", code=7)
        self.once("--now", "2026-12-01T00:20:00Z", *resend, "true")
        self.assertEqual(self.effects(), {"mail:1": "confirmed"})

    def test_a_clock_set_back_makes_no_old_token_young(self):
        resend = ("--fingerprint", "", "--if-in-doubt", "resend", "--token-ttl", "1h", "--", "sh", "-c", "echo >>$0; kill -9 $$", self.path("out"))
        self.once("--now", "2026-12-10T00:00:00Z", *resend, code=75)
        self.once("--now", "2026-12-03T00:00:00Z", *resend, code=82)
        self.assertEqual(len(self.read("out").splitlines()), 1)

    def test_a_shortage_of_descriptors_never_makes_it_act_twice(self):
        self.once("--", "true")  # the ledger is there
        for limit in range(4, 14):
            out = self.path(f"out{limit}")
            call = f"ulimit -n {limit}; exec {JOBRUN} once k{limit} --job sync -- /bin/dd if=/etc/hostname of={out} oflag=append conv=notrunc status=none"
            for _ in range(3):
                subprocess.run(["/bin/sh", "-c", call], env=self.environment(), capture_output=True, check=False)
            acted = len(self.read(f"out{limit}").splitlines()) if os.path.exists(out) else 0
            self.assertLessEqual(acted, 1, f"{limit} descriptors: {self.effects()}")


class CursorsAndItems(ScriptCase):
    def test_a_checkpoint_survives_the_attempts_failure(self):
        self.script_job('test -z "$JOBRUN_CURSOR" || { echo "$JOBRUN_CURSOR $(jobrun cursor)" >$T/out; exit 0; }\n'
                        "for n in 1 2 3; do jobrun checkpoint $n; done; exit 1\n")
        self.assert_code(75, self.run_job("sync"))
        self.assert_code(0, self.run_job("sync"))
        self.assertEqual(self.lines(), ["3 3"])

    def test_a_cursor_is_any_text(self):
        cursor = '{"page": "a b", "quote": "\'", "é": 1}\n second line'
        self.write("cursor", cursor)
        self.run_script('jobrun checkpoint "$(cat $T/cursor)"\njobrun cursor >$T/out\n')
        self.assertEqual(self.read("out"), cursor + "\n")
        self.run_script("jobrun checkpoint -- -5\n")
        self.assertEqual(self.value("SELECT value FROM cursors"), cursor)

    def test_streams_are_apart(self):
        self.run_script("jobrun checkpoint 1\njobrun checkpoint 2 --stream refunds\njobrun cursor\njobrun cursor --stream refunds\njobrun cursor --stream none\n")
        self.assertEqual(self.output(), "1\n2\n")

    def test_items_are_remembered_over_attempts_of_one_run(self):
        self.script_job("for c in a b c; do\n jobrun item is-done $c && continue\n echo $c >>$T/out\n jobrun item done $c\n test $c != b || test -e $T/mended || exit 1\ndone\n")
        self.assert_code(75, self.run_job("sync"))
        self.write("mended", "")
        self.assert_code(0, self.run_job("sync"))
        self.assertEqual(self.lines(), ["a", "b", "c"])
        self.assert_code(0, self.run_job("sync", date="2026-04-13"))
        self.assertEqual(self.lines(), ["a", "b", "c", "a", "b", "c"])

    def test_items_come_from_standard_input_too(self):
        self.run_script("seq 3000 | jobrun item done -\njobrun item is-done 3000\njobrun item done x y 'a b'\n")
        self.assertEqual(self.value("SELECT count(*) FROM items"), 3003)

    def test_a_person_reads_sets_and_resets_a_cursor_with_a_reason(self):
        self.run_script("jobrun checkpoint 41\n")
        self.assert_says(self.assert_code(0, self.run_jobrun("cursor", "show", "sync")), "sync:2026-04-12#1", "41")
        self.assert_says(self.assert_code(0, self.run_jobrun("cursor", "set", "sync", "7", "--reason", "the provider lost a week")), "it was 41")
        self.assert_says(self.run_jobrun("cursor", "show", "sync"), "by hand: the provider lost a week", "7")
        self.assert_code(0, self.run_jobrun("cursor", "reset", "sync", "--reason", "from the start"))
        self.assert_says(self.run_jobrun("cursor", "show", "sync"), "has no cursor")
        history = json.loads(self.run_jobrun("cursor", "show", "sync", "--history", "--json").out)
        self.assertEqual([row["value"] for row in history["cursors"]], [None, "7", "41"])
        self.assertEqual(history["schema_version"], 1)

    def test_the_next_attempt_goes_by_what_a_person_set(self):
        self.script_job("true\n")
        self.assert_code(0, self.run_jobrun("cursor", "set", "sync", "7", "--unit", "a", "--reason", "x"))
        self.run_script("echo $JOBRUN_UNIT $JOBRUN_CURSOR >>$T/out\n", units=["a", "b"])
        self.assertEqual(self.lines(), ["a 7", "b"])

    def test_a_cursor_of_a_running_unit_is_left_alone(self):
        self.gate("gate")
        self.script_job("echo >$T/up; read x <$T/gate\n")
        process = self.start_jobrun("sync", "--run-date", "2026-04-12")
        wait_until(lambda: self.has("up"), "the job")
        self.assert_code(83, self.run_jobrun("cursor", "set", "sync", "7", "--reason", "x"))
        self.open_gate("gate")
        self.assert_code(0, self.finish(process))
        self.assertEqual(self.ledger("SELECT * FROM cursors"), [])

    def test_a_cursor_of_a_job_that_nobody_knows_is_a_typing_error(self):
        self.script_job("true\n")
        for words in (("set", "jbo", "7"), ("reset", "jbo")):
            self.assert_says(self.assert_code(78, self.run_jobrun("cursor", *words, "--reason", "x")), "unknown job jbo")
        self.assertEqual(self.ledger("SELECT * FROM cursors"), [])

    def test_setting_needs_a_reason(self):
        self.assert_says(self.assert_code(64, self.run_jobrun("cursor", "set", "sync", "7")), "needs --reason")
        self.assert_says(self.assert_code(64, self.run_jobrun("cursor", "sett", "sync", "7")), "cursor takes nothing, `show JOB`")


class Results(ScriptCase):
    def test_a_script_says_how_it_ends(self):
        self.run_script("jobrun result done --message '3 mails'\n")
        self.assertEqual(self.ledger("SELECT state, reason, message FROM attempts"), [("done", "ok", "3 mails")])

    def test_stop_with_pause(self):
        self.run_script("jobrun result stop --reason credentials_rejected --message 'token expired' --pause\n", code=80)
        self.assertEqual(self.ledger("SELECT unit, reason FROM pauses"), [("-", "credentials_rejected: token expired")])

    def test_retry_after(self):
        self.script_job("jobrun result retry --reason rate_limited --retry-after 10m\n")
        self.assert_code(75, self.run_job("sync", now="2026-04-12T02:00:00Z"))
        self.assert_says(self.assert_code(75, self.run_job("sync", now="2026-04-12T02:09:00Z")), "not due before 2026-04-12T02:10")

    def test_the_worse_of_word_and_exit_code_wins(self):
        self.run_script("jobrun result done\nexit 80\n", code=80)
        self.assert_says(self.run_jobrun("show", "sync"), "against that, the job had said done")

    def test_wrong_results_are_told(self):
        for words, said in ((["perhaps"], "none of done, retry, stop"), (["stop"], "needs --reason"), (["stop", "--reason", "Not A Code"], "not a reason code"),
                            (["retry", "--reason", "a", "--pause"], "goes with stop only"), (["stop", "--reason", "a", "--retry-after", "1m"], "goes with retry only")):
            with self.subTest(words):
                self.assert_says(self.assert_code(64, self.run_jobrun("result", *words)), said)

    def test_progress_is_shown_to_who_watches_and_kept_nowhere(self):
        self.run_script("jobrun progress 'page 3 of 9' --fraction 0.33\n")


class OutsideAndAfter(ScriptCase):
    VERBS = (["checkpoint", "1"], ["cursor"], ["item", "done", "a"], ["item", "is-done", "a"], ["result", "done"], ["progress", "x"], ["once", "k", "--", "true"])

    def test_outside_of_a_run_the_verbs_say_so(self):
        for words in self.VERBS:
            with self.subTest(words):
                self.assert_says(self.assert_code(64, self.run_jobrun(*words)), "not inside of a run", "hint: ")

    def test_they_need_no_home_no_ledger_and_no_jobs_directory(self):
        outcome = self.assert_code(64, self.run_jobrun("checkpoint", "1", env={"HOME": None, "JOBRUN_LEDGER": None, "JOBRUN_JOBS": None}))
        self.assert_says(outcome, "not inside of a run")

    def stray(self):
        """A child that outlived its killed jobrun; answers with what each verb said to it."""
        self.gate("gate")
        calls = "".join(f"jobrun {' '.join(words)} >>$T/said 2>&1 || echo $? >>$T/codes\n" for words in self.VERBS)
        self.script("stray.sh", f"jobrun() {{ {JOBRUN} \"$@\"; }}\necho $$ >$T/up\nread x <$T/gate\n{calls}echo >$T/over\n")
        self.script_job("setsid $T/jobs/stray.sh </dev/null >/dev/null 2>&1 &\nwait\n", timeout="1m")
        process = self.start_jobrun("sync", "--run-date", "2026-04-12")
        wait_until(lambda: self.has("up"), "the stray child")
        process.kill()
        process.wait()
        return process

    def test_a_stray_child_can_neither_claim_nor_checkpoint_nor_confirm_and_is_told_to_end(self):
        self.stray()
        before = self.dump()
        self.open_gate("gate")
        wait_until(lambda: self.has("over"), "the stray child to end")
        self.assertEqual(set(self.lines("codes")), {"75"})
        self.assertEqual(len(self.lines("codes")), len(self.VERBS))
        self.assertIn("jobrun, which this process worked for, is gone", self.read("said"))
        self.assertEqual(self.dump(), before)

    def test_nor_can_it_speak_for_the_attempt_that_came_after(self):
        self.stray()
        self.assert_code(83, self.run_job("sync"))
        self.open_gate("gate")
        wait_until(lambda: self.has("over"), "the stray child to end")
        self.script_job("echo >>$T/done\n")
        wait_until(lambda: self.run_job("sync").code == 0, "the lock to be free")
        self.assertEqual(self.effects(), {})

    def test_an_act_whose_jobrun_dies_is_not_confirmed(self):
        self.gate("gate")
        self.script("act.sh", "echo acted >>$T/out; echo >$T/up; read x <$T/gate\n")
        # In a session of its own, so that the kernel does not end it with jobrun's child.
        self.script("deep.sh", f"{JOBRUN} once mail:1 -- $T/jobs/act.sh; echo $? >$T/code\n")
        self.script_job("setsid $T/jobs/deep.sh </dev/null >/dev/null 2>&1 &\nwait\n")
        process = self.start_jobrun("sync", "--run-date", "2026-04-12")
        wait_until(lambda: self.has("up"), "the act")
        process.kill()
        process.wait()
        self.open_gate("gate")
        wait_until(lambda: self.said("code"), "once to end")
        self.assertEqual(self.read("code"), "75\n")
        self.assertEqual(self.effects(), {"mail:1": "intended"})
        wait_until(lambda: self.run_job("sync").code == 82, "the lock to be free")
        self.assertEqual(self.lines(), ["acted"])

    def test_a_child_that_hides_and_holds_the_channel_can_not_keep_a_job_that_is_to_end(self):
        self.channel_job("hider", 'import subprocess\nask("intend", key="mail")\n'
                         'subprocess.Popen(["/usr/bin/sleep", "1000"], env={}, pass_fds=[channel.fileno()], start_new_session=True)\n'
                         'open(T + "/up", "w").close()\nsignal.pause()\n', grace="200ms")
        process = self.start_jobrun("hider", "--run-date", "2026-04-12")
        wait_until(lambda: self.has("up"), "the job")
        process.terminate()
        self.assert_code(75, self.finish(process, timeout=10))
        self.assertEqual(self.effects(), {"mail": "in_doubt"})
        self.assert_code(82, self.run_job("hider"))

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("setpriv"), "only root can become another user")
    def test_another_user_is_not_heard(self):
        os.chmod(self.folder, 0o755)
        self.write("codes", "", 0o666)
        shutil.copy(JOBRUN, self.path("jobrun"))  # where that user can reach it
        os.chmod(self.path("jobrun"), 0o755)
        self.run_script("setpriv --reuid 65534 --regid 65534 --clear-groups $T/jobrun checkpoint 1 2>$T/said || echo $? >$T/codes\n")
        self.assertEqual(self.read("codes"), "78\n", self.read("said"))
        self.assertIn("hears only the user that it runs as", self.read("said"))
        self.assertEqual(self.ledger("SELECT * FROM cursors"), [])

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("setpriv"), "only root can become another user")
    def test_the_user_is_changed_behind_it(self):
        os.chmod(self.folder, 0o755)
        self.run_script("jobrun once mail:1 -- setpriv --reuid 65534 --regid 65534 --clear-groups id -u >$T/out\n")
        self.assertEqual(self.read("out"), "65534\n")


if __name__ == "__main__":
    unittest.main()
