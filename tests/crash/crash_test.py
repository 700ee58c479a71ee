#!/usr/bin/python3
"""Promises 1, 2, 3, 7, 9 and 12 of 4-promises.md, each with its wrong twin in the same test: a harness that can't go red
proves nothing. The machinery is harness.py. JOBRUN names the binary, JOBRUN_LONG=1 runs the long versions."""

import collections
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness  # noqa: E402
import power  # noqa: E402
from harness import LONG, OTHERS, SCENARIOS, TWINS, BY_NAME  # noqa: E402

TOOLS = None
PTRACE = False
# Every stop of these by default, of the others every fifth (so entries and exits in turn); all of all in the long version.
EVERY_STOP = ("first_run", "resume", "retry", "two_units", "effect")


def setUpModule():
    global TOOLS, PTRACE
    TOOLS = harness.Tools()
    unittest.addModuleCleanup(TOOLS.close)
    PTRACE = TOOLS.ptrace_is_permitted()
    if PTRACE:
        harness.prepare(TOOLS, SCENARIOS + TWINS + OTHERS)


class CrashTest(unittest.TestCase):
    def setUp(self):
        self.began = time.monotonic()

    def figures(self, text):
        print(f"figures: {text}, {time.monotonic() - self.began:.0f} s", flush=True)

    def need_ptrace(self):
        if not PTRACE:
            self.skipTest("ptrace(2) is not permitted here")

    def play(self, tasks):
        return list(harness.play_all(TOOLS, tasks))

    def assert_none_failed(self, outcomes):
        failed = sorted((outcome for outcome in outcomes if outcome.faults), key=lambda one: one.name)
        if not failed:
            return
        kinds = collections.Counter(re.sub(r"[0-9a-f]{8,}|\d+", "N", fault) for one in failed for fault in one.faults)
        lines = [f"{len(failed)} of {len(outcomes)} went wrong:"]
        lines += [f"  {times} x {kind}" for kind, times in kinds.most_common(12)]
        for one in failed[:: max(1, len(failed) // 8)]:
            lines += [f"{one.where}: {'; '.join(one.faults)}", f"  {harness.paste(one.name)}"]
        self.fail("\n".join(lines))


def points(kind, name, stride=1, words=()):
    # Some stops more than were counted: the number depends on how things arrive. Those not reached are not counted.
    return [(kind, name, *words, point) for point in range(1, BY_NAME[name].stops + 12, stride)]


class Kill(CrashTest):
    def test_a_kill_at_any_system_call_loses_no_intent_repeats_no_effect_and_marks_nothing_done_that_was_not(self):
        self.need_ptrace()
        tasks = []
        for scenario in SCENARIOS:
            tasks += points("point", scenario.name, 1 if LONG or scenario.name in EVERY_STOP else 5)
        outcomes = self.play(tasks)
        reached = collections.Counter(outcome.name.split()[1] for outcome in outcomes if outcome.reached)
        per_scenario = ", ".join(f"{name} {count}" for name, count in reached.items())
        self.figures(f"{sum(reached.values())} points ({per_scenario}), {sum(o.calls for o in outcomes)} calls of recovery, "
                     f"{sum(o.busy for o in outcomes)} met a living orphan, {sum(o.doubts for o in outcomes)} in doubt, "
                     f"{sum(1 for o in outcomes if o.faults)} wrong, {sum(1 for o in outcomes if o.litter)} left a channel "
                     "folder behind")
        with self.subTest("the wrong twins go red"):
            self.twins()
        self.assertGreaterEqual(sum(reached.values()), 3000)
        self.assert_none_failed(outcomes)

    def twins(self):
        stride = 2 if LONG else 7
        blind = self.play(points("point", "blind_redo", stride))
        early = self.play(points("point", "effect_before_intent", stride))
        several_tokens = sum(1 for outcome in blind if outcome.most_tokens > 1)
        several_acts = sum(1 for outcome in early if outcome.most_acts > 1)
        honest_acts = sum(1 for outcome in self.play(points("point", "effect_stop", 25)) if outcome.most_acts > 1)
        self.figures(f"control blind redo: {several_tokens} of {len(blind)} points sent one key under several tokens; "
                     f"control effect before intent: {several_acts} of {len(early)} acted twice, the honest one {honest_acts}")
        self.assertGreater(several_tokens, 0, "the blind redo was not noticed")
        self.assertGreater(several_acts, 0, "the effect before its intent was not noticed")
        self.assertEqual(honest_acts, 0)


class PowerCut(CrashTest):
    SCENARIOS = (power.INIT, "first_run", "resume", "first_fails", "retry", "two_units", "many_units", "effect", "effect_stop", "effect_two_units")

    def test_a_power_cut_at_any_moment_loses_no_intent_and_leaves_a_sound_ledger(self):
        if shutil.which("strace") is None:
            self.skipTest("strace is not installed")
        self.need_ptrace()
        power.prepare(TOOLS, self.SCENARIOS)
        parts = 40 if LONG else 3
        outcomes = [outcome for name in self.SCENARIOS for outcome in self.cut(name, parts)]
        wrong = {syncs: sum(1 for outcome in self.cut("effect_stop", 1, syncs) if outcome.faults) for syncs in ("checkpoints", "nothing")}
        self.figures(f"{len(outcomes)} images of {sum(len(power.RECORDED[name][1]) for name in self.SCENARIOS)} moments, "
                     f"{sum(o.doubts for o in outcomes)} in doubt, {sum(1 for o in outcomes if o.faults)} wrong; "
                     f"control, the WAL synced at checkpoints only: {wrong['checkpoints']} wrong, nothing synced: {wrong['nothing']}")
        self.assertGreater(len(outcomes), 1800)
        self.assertGreater(wrong["checkpoints"], 0, "a ledger that is not synced was not noticed")
        self.assertGreater(wrong["nothing"], 0, "a ledger that is never synced was not noticed")
        self.assert_none_failed(outcomes)

    def cut(self, name, parts, syncs="all"):
        return self.play([("power", name, cut, way, syncs) for cut, way in power.images(name, ("none", "all", *range(parts)), syncs)])


class Chain(CrashTest):
    def test_recovery_may_be_killed_too_up_to_six_times_in_a_row(self):
        self.need_ptrace()
        wanted, kills, outcomes = 10_000 if LONG else 1_000, 0, []
        seed = int(os.environ.get("JOBRUN_SEED", "20260412"))
        while kills < wanted:
            more = self.play([("chain", seed + n) for n in range(len(outcomes), len(outcomes) + (wanted - kills) // 4 + 8)])
            outcomes += more
            kills = sum(outcome.kills for outcome in outcomes)
        depth = max(outcome.kills for outcome in outcomes)
        self.figures(f"{kills} kills in {len(outcomes)} chains from seed {seed}, the deepest {depth}, "
                     f"{sum(o.doubts for o in outcomes)} calls in doubt, {sum(1 for o in outcomes if o.faults)} wrong")
        self.assertEqual(depth, 6)
        self.assert_none_failed(outcomes)


class Callers(CrashTest):
    """Needs no ptrace."""

    PLAIN_DEDUPE = "test -e marker || { sleep 0.01; echo x plain - 1 >> outside; touch marker; }"

    def setUp(self):
        super().setUp()
        harness.become_subreaper()
        self.place = harness.Place(TOOLS, "callers")
        self.addCleanup(self.place.kill_orphans)

    def files(self, scenario):
        return {"jobs/job.json": json.dumps(BY_NAME[scenario].manifest(TOOLS)).encode()}

    def at_once(self, count, words):
        """Starts them all, lets them go together; (exit code, seconds since then) of each, and their stderr."""
        gate_read, gate_write = os.pipe()
        errors = os.path.join(self.place.root, "errors")
        pids = []
        for _ in range(count):
            pid = os.fork()
            if pid == 0:
                try:
                    os.close(gate_write)
                    null = os.open("/dev/null", os.O_RDWR)
                    os.dup2(null, 0)
                    os.dup2(null, 1)
                    os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 2)
                    os.chdir(self.place.root)
                    os.read(gate_read, 1)
                    os.execve(words[0], words, self.place.environment)
                finally:
                    os._exit(127)
            pids.append(pid)
        os.close(gate_read)
        time.sleep(0.1)
        began = time.monotonic()
        os.close(gate_write)
        ends = {}
        deadline = began + harness.HANG
        while len(ends) < count and time.monotonic() < deadline:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid in pids:
                ends[pid] = (os.waitstatus_to_exitcode(status), time.monotonic() - began)
            elif pid == 0:
                time.sleep(0.001)
        with open(errors, encoding="utf-8", errors="replace") as file:
            said = file.read()
        self.assertEqual(len(ends), count, "callers hang")
        self.place.wait_for_orphans()
        return list(ends.values()), said

    def one_round(self, kind):
        self.place.reset(self.files("called_at_once"))
        run = self.place.command()
        script = None
        if kind == "init":
            script = f"{TOOLS.jobrun} init >/dev/null; exec {' '.join(run)}"
        else:
            self.assertEqual(self.place.call("init").code, 0)
        if kind == "existing":
            # The run is there: its first attempt asked to be tried again.
            with open(os.path.join(self.place.root, "jobs", "job.json"), "r+", encoding="ascii") as file:
                manifest = json.load(file)
                manifest["command"][2] = '[ "$JOBRUN_ATTEMPT" = 1 ] && exit 75; ' + manifest["command"][2]
                file.seek(0)
                json.dump(manifest, file)
            self.assertEqual(self.place.call().code, 75)
        ends, said = self.at_once(50 if kind == "init" else 100, ["/bin/sh", "-c", script] if script else run)
        return ends, said, len(self.place.outside()), self.place.look()

    def test_of_callers_at_the_same_time_one_executes_and_the_others_say_so_at_once(self):
        rounds = 20 if LONG else 5
        codes, slowest, callers, faults = collections.Counter(), 0.0, 0, []
        for kind in ("fresh", "existing", "init"):
            for number in range(rounds):
                with self.subTest(kind=kind, round=number):
                    ends, said, executed, look = self.one_round(kind)
                    callers += len(ends)
                    codes.update(code for code, _ in ends)
                    # The one that executes takes as long as the job.
                    slowest = max([slowest, *sorted(seconds for _, seconds in ends)[:-1]])
                    wrong = harness.faults_of_the_ledger(look)
                    if executed != 1:
                        wrong.append(f"{executed} executed")
                    if [run["state"] for run in look.runs] != ["done"]:
                        wrong.append(f"the runs are {[run['state'] for run in look.runs]}")
                    if {code for code, _ in ends} - {0, 83}:
                        wrong.append(f"answers {collections.Counter(code for code, _ in ends)}: {said[:500]}")
                    if re.search(r"sqlite|database (is|disk)|SQL |terminate called|internal", said, re.I):
                        wrong.append(f"a person is told {said[:500]}")
                    faults += [f"{kind}: {one}" for one in wrong]
                    self.assertEqual(wrong, [])
        executed_by_plain = self.control()
        # What starting a hundred processes costs by itself is the machine's, and no answer of jobrun's.
        starting = max(seconds for _ in range(3) for _, seconds in self.at_once(100, ["/bin/true"])[0])
        self.figures(f"{callers} callers in {3 * rounds} rounds, answers {dict(codes)}, the slowest answer "
                     f"{slowest * 1000:.0f} ms where /bin/true takes {starting * 1000:.0f} ms, {len(faults)} wrong; "
                     f"control: a plain marker file let {executed_by_plain} execute")
        self.assertGreater(executed_by_plain, 1, "the twin without a lock was not noticed")
        self.assertLess(slowest - starting, 2.0)

    def control(self):
        self.place.reset({})
        self.at_once(100, ["/bin/sh", "-c", self.PLAIN_DEDUPE])
        return len(self.place.outside())


class Orphans(CrashTest):
    def test_two_attempts_of_a_unit_never_live_at_the_same_time_even_after_a_kill_of_jobrun(self):
        self.need_ptrace()
        outcomes = self.play(points("orphan", "orphan"))
        first = BY_NAME["orphan"].stops // 2
        twin = [task for task in points("orphan", "orphan_without_lease", 2 if LONG else 8) if task[-1] > first]
        twins = self.play(twin)
        overlapping = sum(1 for outcome in twins if outcome.overlaps)
        met = sum(1 for outcome in outcomes if outcome.busy)
        self.figures(f"{sum(o.kills for o in outcomes)} kills, at {met} of them an orphan lived on and was answered 83 "
                     f"({sum(o.busy for o in outcomes)} times), {sum(o.overlaps for o in outcomes)} overlaps; "
                     f"control without the inherited lease: {overlapping} of {len(twins)} overlap")
        self.assertGreater(overlapping, 0, "the twin that closes the lease was not noticed")
        self.assertGreater(met, 0, "no kill left an orphan: nothing was shown")
        self.assert_none_failed(outcomes)
        self.assertEqual([harness.paste(o.name) for o in outcomes if o.overlaps], [])


class Stop(CrashTest):
    def test_a_stop_at_any_system_call_is_prompt_and_never_told_as_the_failure_of_the_job(self):
        self.need_ptrace()
        names = ("TERM", "INT", "HUP") if LONG else ("TERM",)
        outcomes = self.play([task for name in names for task in points("signal", "dies_of_term", words=(name,))])
        endings = collections.Counter(outcome.ending for outcome in outcomes if outcome.reached and not outcome.faults)
        slowest = max(outcome.seconds_to_end for outcome in outcomes)
        state, reason, counted = self.control()
        self.figures(f"{sum(o.reached for o in outcomes)} signals ({', '.join(names)}): {dict(endings)}, the slowest end "
                     f"{slowest:.2f} s with a grace of 1 s, {sum(1 for o in outcomes if o.faults)} wrong; "
                     f"control, TERM to the child alone: {state} {reason}, {counted} counted")
        self.assertEqual((state, reason, counted), ("retry", "killed_sigterm", 1), "a TERM of others was not noticed")
        self.assertGreater(endings["interrupted"], 0)
        self.assert_none_failed(outcomes)

    def control(self):
        """Somebody else's TERM, to the child: that is how the job ended, and it counts."""
        harness.become_subreaper()
        place = harness.Place(TOOLS, "control")
        place.reset(BY_NAME["dies_of_term"].image)
        with subprocess.Popen(place.command(), env=place.environment, cwd=place.root, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as call:
            deadline = time.monotonic() + 10
            text = ""
            while not text.endswith("\n") and time.monotonic() < deadline:
                if os.path.exists(os.path.join(place.root, "pid")):
                    with open(os.path.join(place.root, "pid"), encoding="ascii") as file:
                        text = file.read()
            os.kill(int(text), signal.SIGTERM)
            call.wait(timeout=harness.HANG)
        place.wait_for_orphans()
        look = place.look()
        return look.attempts[0]["state"], look.attempts[0]["reason"], look.units[0]["counted"]


if __name__ == "__main__":
    unittest.main(verbosity=2)
