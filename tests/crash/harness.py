#!/usr/bin/python3
"""The crash harness: kills jobrun at a chosen system call, calls it again until it answers, and asks whether what
the ledger says and what the world outside saw agree, by exact keys.

A scenario is a manifest, a handler and the state in which the killed call finds the ledger. Its image (all files) is
made once and written afresh for every point, so points do not see each other. The outside world is one file that the
handlers append to: `KEY TOKEN UNIT ATTEMPT`, one line per act. A line is an act that was done; equal tokens under one
key are what lets a provider dedupe.

The harness never asks jobrun how it is: it reads a copy of the ledger with sqlite3, and waits for processes as their
subreaper (prctl(2)), not through jobrun's own lock. It works on tmpfs where it can: a SIGKILL loses no page cache, so
the disk plays no part here (power cuts are another harness).

By hand, as a failure prints it:
  python3 tests/crash/harness.py point SCENARIO N     kill at the N-th system call stop, then recover, with a trace
  python3 tests/crash/harness.py chain SEED           one seeded chain of kills
  python3 tests/crash/harness.py orphan SCENARIO N    kill at a stop, call again at once beside what still lives
  python3 tests/crash/harness.py signal SCENARIO TERM N
  python3 tests/crash/harness.py list                 scenarios and their number of stops
The environment: JOBRUN (default build/gcc/jobrun), SYSCALL_POINT (default build/gcc/tests/syscall_point; channel_job
is beside it).
"""

import collections
import contextlib
import ctypes
import dataclasses
import json
import multiprocessing
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
REPOSITORY = os.path.dirname(os.path.dirname(HERE))
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
RUN_DATE = "2026-04-12"
JOB = "job"
NOT_REACHED = 99
KILLED = 137
ANSWER_STOPS = 340  # about what a call makes that finds its run finished
MOST_CALLS = 12  # of one recovery; every one of them has a reason of its own, so few are needed
HANG = 60        # seconds; nothing here takes one
LONG = os.environ.get("JOBRUN_LONG", "") not in ("", "0")
WORKERS = int(os.environ.get("JOBRUN_WORKERS", os.cpu_count() or 2))


# --- the programs under test --------------------------------------------------------------------------------------


class Tools:
    """Private copies of the binaries, which others may rebuild meanwhile, and the folder that everything lives in."""

    def __init__(self):
        base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.folder = tempfile.mkdtemp(prefix="jobrun-crash-", dir=base)
        # The programs do not go there: /dev/shm is often mounted noexec.
        self.programs = tempfile.mkdtemp(prefix="jobrun-crash-programs-")
        self.jobrun_source = os.environ.get("JOBRUN", os.path.join(REPOSITORY, "build", "gcc", "jobrun"))
        self.jobrun = os.path.join(self.programs, "jobrun")
        shutil.copy(self.jobrun_source, self.jobrun)
        built = os.path.dirname(os.environ.get("SYSCALL_POINT", "")) or os.path.join(REPOSITORY, "build", "gcc", "tests")
        self.syscall_point, self.channel_job = (shutil.copy(os.path.join(built, name), self.programs)
                                                for name in ("syscall_point", "channel_job"))

    def ptrace_is_permitted(self):
        tried = subprocess.run([self.syscall_point, "count", "--", "/bin/true"], capture_output=True)
        return tried.returncode == 0

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self.programs, ignore_errors=True)


# --- handlers -----------------------------------------------------------------------------------------------------

# One command without effects: it acts under a token that jobrun gives it, the run's and the unit's name.
PLAIN = r"""
fail_first=$1
[ "$fail_first" = yes ] && [ "$JOBRUN_ATTEMPT" = 1 ] && exit 75
echo "work:$JOBRUN_UNIT $JOBRUN_RUN_ID/$JOBRUN_UNIT $JOBRUN_UNIT $JOBRUN_ATTEMPT" >> ../outside
if [ -e ../crash ]; then rm ../crash; kill -9 $PPID; exec sleep 10; fi
"""

# Leaves its session twice over; the grandchild writes a beat every 5 ms while it lives. Its beats on stdout give
# jobrun system calls to be killed at. The wrong twin closes descriptor 3, as close-on-exec would: the lease is lost.
# It lives long enough for the next attempt's interpreter to start beside it on a slow machine.
ORPHAN = r'''
import os, sys, time

close_lease = sys.argv[1] == "close"
end_read, end_write = os.pipe()
os.setpgid(0, 0) if os.getpid() != os.getpgid(0) else None
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.close(end_read)
        if close_lease:
            os.close(3)
        beats = os.open("../beats", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        until = time.monotonic() + (0.4 if close_lease else 0.05)
        while True:
            now = time.monotonic_ns()
            os.write(beats, f"{os.environ['JOBRUN_ATTEMPT']} {os.getpid()} {now}\n".encode())
            if now >= until * 1e9:
                os._exit(0)
            try:
                os.write(1, b"beat\n")
            except OSError:
                pass
            time.sleep(0.005)
    os._exit(0)
os.close(end_write)
os.wait()
os.read(end_read, 1)
'''

# Traps nothing; says something every 10 ms so that jobrun has system calls to be signalled at.
DIES_OF_TERM = "echo $$ > ../pid; i=0; while [ $i -lt 10 ]; do echo $i; sleep 0.01; i=$((i+1)); done"


# --- scenarios ----------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Scenario:
    name: str
    handler: str = "plain"        # plain, channel, orphan, dies_of_term
    words: tuple = ("no",)        # of the handler
    units: tuple = ("-",)
    effects: tuple = ()           # names of each unit's effects; none: the one act of PLAIN
    policy: str = ""
    crash_first: bool = False     # the image is what a SIGKILL after the first act left behind
    calls_first: int = 0          # calls that come before, to their end
    image: dict = dataclasses.field(default_factory=dict)
    stops: int = 0

    def keys(self):
        return [f"{name}:{unit}" for unit in self.units for name in (self.effects or ("work",))]

    def manifest(self, tools):
        command = {
            "plain": ["/bin/sh", "./plain.sh", *self.words],
            "channel": [tools.channel_job, *self.words, *self.effects],
            "orphan": [PYTHON, "-IS", "./orphan.py", *self.words],
            "dies_of_term": ["/bin/sh", "-c", DIES_OF_TERM],
            "obedient": ["/bin/sh", "-c", "sleep 0.2; echo x $JOBRUN_RUN_ID - $JOBRUN_ATTEMPT >> ../outside"],
            "marker": ["/bin/sh", "-c", "echo x $JOBRUN_RUN_ID - $JOBRUN_ATTEMPT >> ../outside"],
        }[self.handler]
        manifest = {
            "command": command, "grace": "1s", "timeout": "30s", "parallel": 2,
            "config": {"page": 1}, "payload": {"why": "crash"},
            "retry": {"max_attempts": 100, "first_delay": "0s", "jitter": 0},
        }
        if self.units != ("-",):
            manifest["units"] = list(self.units)
        return manifest


SCENARIOS = [
    Scenario("first_run"),
    Scenario("resume", crash_first=True),
    Scenario("first_fails", words=("yes",)),
    Scenario("retry", words=("yes",), calls_first=1),
    Scenario("two_units", units=("a", "b")),
    Scenario("many_units", units=tuple("abcdefghijkl")),  # quick ones: claimed ahead of their start
    Scenario("effect", "channel", ("honest", "resend"), effects=("one", "two"), policy="resend"),
    Scenario("effect_resume", "channel", ("honest", "resend"), effects=("one", "two"), policy="resend", crash_first=True),
    Scenario("effect_stop", "channel", ("honest", "stop"), effects=("one", "two"), policy="stop"),
    Scenario("effect_two_units", "channel", ("honest", "resend"), ("a", "b"), ("one", "two"), "resend"),
]
TWINS = [
    Scenario("blind_redo", "channel", ("blind", "resend"), effects=("one", "two"), policy="resend"),
    Scenario("effect_before_intent", "channel", ("early", "stop"), effects=("one", "two"), policy="stop"),
]
OTHERS = [
    Scenario("orphan", "orphan", ("keep",)),
    Scenario("orphan_without_lease", "orphan", ("close",)),
    Scenario("dies_of_term", "dies_of_term"),
    Scenario("called_at_once", "obedient"),
    Scenario("called_after_a_failure", "obedient"),
]
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS + TWINS + OTHERS}


# --- a place where one scenario is played -------------------------------------------------------------------------


@dataclasses.dataclass
class Ended:
    code: int
    out: str
    err: str
    seconds: float


class Damaged(Exception):
    """The ledger's file is not sound: what it says means nothing."""


class LeftBehind(Exception):
    """A process of the job still lives long after it should."""


class Place:
    """One folder: jobs/, state/ with the ledger, and the outside. Its owner must be a subreaper (become_subreaper)."""

    def __init__(self, tools, name):
        self.tools = tools
        self.root = os.path.join(tools.folder, name)
        self.ledger = os.path.join(self.root, "state", "ledger.db")
        self.environment = {
            "PATH": "/usr/bin:/bin", "HOME": self.root, "JOBRUN_LEDGER": self.ledger,
            "JOBRUN_JOBS": os.path.join(self.root, "jobs"),
        }

    def reset(self, image):
        shutil.rmtree(self.root, ignore_errors=True)
        for folder in ("", "jobs", "state", "state/ledger.db.run"):
            os.mkdir(os.path.join(self.root, folder), 0o700)
        for name, content in image.items():
            path = os.path.join(self.root, name)
            os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
            with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
                file.write(content)

    def image(self):
        found = {}
        for folder, _, names in os.walk(self.root):
            for name in names:
                path = os.path.join(folder, name)
                if os.path.isfile(path):  # a dead jobrun's socket is left out
                    with open(path, "rb") as file:
                        found[os.path.relpath(path, self.root)] = file.read()
        return found

    def command(self, *words):
        return [self.tools.jobrun, *(words or (JOB, "--run-date", RUN_DATE))]

    def run(self, words):
        began = time.monotonic()
        process = subprocess.Popen(words, env=self.environment, cwd=self.root, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            out, err = process.communicate(timeout=HANG)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            err += b"\nHANGS"
        code = process.returncode
        return Ended(code if code >= 0 else 128 - code, out.decode(errors="replace"), err.decode(errors="replace"),
                     time.monotonic() - began)

    def call(self, *words):
        return self.run(self.command(*words))

    def traced(self, mode, point, *words):
        return self.run([self.tools.syscall_point, *mode[:1], str(point), *mode[1:], "--", *self.command(*words)])

    def wait_for_orphans(self, seconds=10):
        """Until no process of the job lives; how long that took. They are ours once jobrun is dead."""
        began = time.monotonic()
        nap = 0.0002
        while True:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return time.monotonic() - began
            if pid == 0:
                if time.monotonic() - began > seconds:
                    self.kill_orphans()
                    raise LeftBehind("a process of the job still lived after %d s" % seconds)
                time.sleep(nap)
                nap = min(nap * 2, 0.01)

    def living(self):
        """Does a process of the job live? Dead ones that nobody has reaped yet don't count."""
        try:
            while os.waitpid(-1, os.WNOHANG)[0] != 0:
                pass
        except ChildProcessError:
            return False
        return True

    def kill_orphans(self):
        """Only our own children are touched, adopted ones included."""
        for _ in range(100):
            try:
                with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
                    pids = [int(word) for word in file.read().split()]
                for pid in pids:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                while os.waitpid(-1, 0):
                    pass
            except ChildProcessError:
                return

    def outside(self):
        return acts(os.path.join(self.root, "outside"))

    def look(self):
        return Look(self.ledger, os.path.join(self.root, "look"))

    def litter(self):
        return len(os.listdir(self.ledger + ".run"))


Act = collections.namedtuple("Act", "key token unit attempt")


def acts(path):
    try:
        with open(path, encoding="ascii") as file:
            return [Act(key, token, unit, int(attempt)) for key, token, unit, attempt in map(str.split, file)]
    except FileNotFoundError:
        return []


class Look:
    """What the ledger says, read from a copy: opening the ledger itself would change it (WAL recovery, checkpoint)."""

    def __init__(self, ledger, folder):
        shutil.rmtree(folder, ignore_errors=True)
        os.mkdir(folder)
        copy = os.path.join(folder, "copy.db")
        shutil.copyfile(ledger, copy)
        with contextlib.suppress(FileNotFoundError):
            shutil.copyfile(ledger + "-wal", copy + "-wal")
        database = sqlite3.connect(copy)
        database.row_factory = sqlite3.Row
        try:
            self.integrity = [row[0] for row in database.execute("PRAGMA integrity_check")]
            self.foreign_keys = [tuple(row) for row in database.execute("PRAGMA foreign_key_check")]
            everything = {table: [dict(row) for row in database.execute(f"SELECT * FROM {table}")]
                          for table in ("runs", "units", "attempts", "effects", "cursors", "v_attention")}
        finally:
            database.close()
        self.runs, self.units, self.attempts = (everything[table] for table in ("runs", "units", "attempts"))
        self.effects, self.cursors, self.attention = (everything[t] for t in ("effects", "cursors", "v_attention"))

    def attempts_of(self, unit):
        return sorted((a for a in self.attempts if a["unit"] == unit["id"]), key=lambda a: a["number"])

    def doubtful(self):
        return [effect["key"] for effect in self.effects if effect["state"] == "in_doubt"]


UNIT_STATES = ("pending", "running", "retrying", "done", "stopped", "exhausted", "in_doubt")


def faults_of_the_ledger(look, before=None):
    """The laws that hold whenever no process lives. `before`: an earlier look; what has ended does not change."""
    faults = []
    if look.integrity != ["ok"]:
        raise Damaged(f"integrity_check: {look.integrity}")
    if look.foreign_keys:
        faults.append(f"foreign_key_check: {look.foreign_keys}")
    for run in look.runs:
        states = collections.Counter(unit["state"] for unit in look.units if unit["run"] == run["id"])
        for state in UNIT_STATES:
            if run[state] != states[state]:
                faults.append(f"the run counts {run[state]} {state} units, there are {states[state]}")
    for unit in look.units:
        who = f"unit {unit['unit']}"
        ended = look.attempts_of(unit)
        if [attempt["number"] for attempt in ended] != list(range(1, unit["attempts"] + 1)):
            faults.append(f"{who}: attempts {[a['number'] for a in ended]}, the unit counts {unit['attempts']}")
        running = [attempt["number"] for attempt in ended if attempt["state"] == "running"]
        if running != ([unit["attempts"]] if unit["state"] == "running" else []):
            faults.append(f"{who} is {unit['state']}, attempts {running} are running")
        done = [attempt["number"] for attempt in ended if attempt["state"] == "done"]
        if unit["state"] == "done" and done[-1:] != [unit["attempts"]]:
            faults.append(f"{who} is done without a last attempt that is")
        if unit["state"] in ("pending", "retrying") and done:
            faults.append(f"{who} is {unit['state']} although attempt {done} is done")
    if before is not None:
        now = {attempt["id"]: attempt for attempt in look.attempts}
        for attempt in before.attempts:
            if attempt["state"] != "running" and now.get(attempt["id"]) != attempt:
                faults.append(f"attempt {attempt['number']} had ended and was changed")
        open_now = {effect["key"] for effect in look.effects if effect["state"] != "confirmed"}
        for effect in before.effects:
            if effect["state"] == "confirmed" and effect["key"] in open_now:
                faults.append(f"effect {effect['key']} was confirmed and is not any more")
        if len(look.runs) < len(before.runs):
            faults.append("the run is gone")
    return faults


def faults_of_the_world(scenario, look, outside):
    """Does the ledger claim anything that the outside did not see, or the other way round? Holds at any time."""
    faults = []
    seen = {act.key for act in outside}
    attempts = {(unit["unit"], attempt["number"]) for unit in look.units for attempt in look.attempts_of(unit)}
    effects = {effect["key"]: effect for effect in look.effects}
    for act in outside:
        if (act.unit, act.attempt) not in attempts:
            faults.append(f"unexpected: attempt {act.attempt} of {act.unit} acted and is not in the ledger")
        if scenario.effects and act.key not in effects:
            faults.append(f"unexpected: {act.key} happened without an intent")
        elif scenario.effects and effects[act.key]["token"] != act.token:
            faults.append(f"{act.key} was sent with the token {act.token}, its intent has another")
    for act, times in collections.Counter((a.key, a.unit, a.attempt) for a in outside).items():
        if times > 1:
            faults.append(f"duplicated: {act[0]} happened {times} times in attempt {act[2]}")
    for key, effect in effects.items():
        if effect["state"] == "confirmed" and key not in seen:
            faults.append(f"lost: {key} is confirmed and never happened")
    for unit in look.units:
        missing = [key for key in scenario.keys() if key.endswith(":" + unit["unit"]) and key not in seen]
        if unit["state"] == "done" and missing:
            faults.append(f"lost: unit {unit['unit']} is done, {missing} never happened")
    for cursor in look.cursors:
        reached = [f"{name}:{cursor['unit']}" for name in scenario.effects[: int(cursor["value"])]]
        lost = [key for key in reached if key not in seen or effects.get(key, {}).get("state") != "confirmed"]
        if lost:
            faults.append(f"lost: the cursor is behind {lost}, which never happened or is not confirmed")
    tokens = collections.defaultdict(set)
    for act in outside:
        tokens[act.key].add(act.token)
    for key, different in tokens.items():
        if len(different) > 1:
            faults.append(f"duplicated: {key} was sent under {len(different)} tokens: no provider can tell")
    if scenario.policy == "stop":
        for key, times in collections.Counter(act.key for act in outside).items():
            if times > 1:
                faults.append(f"duplicated: {key} happened {times} times under if_in_doubt=stop")
    return faults


def faults_of_the_end(scenario, look, outside):
    faults = []
    if [run["state"] for run in look.runs] != ["done"]:
        faults.append(f"the answer was 0, the runs are {[run['state'] for run in look.runs]}")
    seen = {act.key for act in outside}
    faults += [f"lost: {key} never happened" for key in scenario.keys() if key not in seen]
    faults += [f"unexpected: {key}" for key in sorted(seen - set(scenario.keys()))]
    faults += [f"{effect['key']} is {effect['state']} in a finished run"
               for effect in look.effects if effect["state"] != "confirmed"]
    faults += [f"unknown: v_attention still lists {row}" for row in look.attention]
    return faults


def faults_of_the_answer(ended, expected):
    faults = []
    if ended.code not in expected:
        faults.append(f"answered {ended.code} ({' '.join(ended.err.split())[-300:]})")
    elif re.search(r"sqlite|database (is|disk)|SQL |terminate called|internal error|HANGS", ended.err, re.I):
        faults.append(f"told a person: {' '.join(ended.err.split())[-300:]}")
    return faults


# --- one point, one chain -----------------------------------------------------------------------------------------


@dataclasses.dataclass
class Outcome:
    name: str
    faults: list
    reached: bool = False
    kills: int = 0
    calls: int = 0
    where: str = ""
    litter: int = 0
    busy: int = 0
    doubts: int = 0
    most_acts: int = 0     # under one key
    most_tokens: int = 0   # different ones under one key
    overlaps: int = 0
    seconds_to_end: float = 0.0
    ending: str = ""       # how a signalled call ended, in one word
    seconds: float = 0.0


class Player:
    """Plays a scenario from its image: kills, calls again, looks. Collects faults; stops at the first few."""

    def __init__(self, place, scenario, verbose=False):
        self.place, self.scenario, self.verbose = place, scenario, verbose
        self.outcome = Outcome(scenario.name, [])
        self.before = None
        place.reset(scenario.image)

    def tell(self, text):
        if self.verbose:
            print(text)

    def kill(self, point, *words):
        ended = self.place.traced(("kill",), point, *words)
        where = ended.err.strip().splitlines()[-1] if ended.err.strip() else ""
        self.tell(f"  {words or JOB}: {where}")
        if ended.code == KILLED:
            self.outcome.kills += 1
            self.outcome.where = where
        elif ended.code != NOT_REACHED:
            self.outcome.faults.append(f"syscall_point ended with {ended.code}: {ended.err[-300:]}")
        # Only what is durable may be answered.
        self.said_done = re.search(r": \d+ done, run", ended.out) is not None
        return ended.code == KILLED

    def check(self):
        """Needs that no process lives."""
        look = self.place.look()
        outside = self.place.outside()
        faults = faults_of_the_ledger(look, self.before) + faults_of_the_world(self.scenario, look, outside)
        if self.said_done and [run["state"] for run in look.runs] != ["done"]:
            faults.append("it said done and died, and the ledger does not say so")
        self.outcome.faults += faults
        self.before = look
        return look

    def next_words(self, look):
        """What a person would type in this state; nothing: the scheduler's own call."""
        for key in look.doubtful():
            happened = any(act.key == key for act in self.place.outside())
            return ("effects", "confirm" if happened else "release", key, "--job", JOB, "--reason", "looked")
        if any(unit["state"] == "in_doubt" for unit in look.units):
            return ("retry", JOB, "--run-date", RUN_DATE)
        return ()

    def recover(self):
        """Calls until the answer is 0, as a scheduler does, and as a person where one is asked for."""
        words = ()
        for _ in range(MOST_CALLS):
            ended = self.place.call(*words)
            self.outcome.calls += 1
            self.tell(f"  {words or JOB}: {ended.code} {' '.join((ended.out + ended.err).split())[:200]}")
            wrong = faults_of_the_answer(ended, (0, 75, 83, 82))
            self.outcome.faults += wrong
            if wrong:
                return False
            if ended.code == 0 and not words[:1] == ("effects",):
                return True
            if ended.code == 83:
                self.outcome.busy += 1
                self.place.wait_for_orphans()
            if ended.code == 82 or words:
                if not words:
                    self.outcome.doubts += 1
                words = self.next_words(self.place.look())
        self.outcome.faults.append(f"not done after {MOST_CALLS} calls")
        return False

    def end(self):
        recovered = self.recover()
        self.place.wait_for_orphans()
        look = self.check()
        if recovered:
            self.outcome.faults += faults_of_the_end(self.scenario, look, self.place.outside())
        self.outcome.litter = self.place.litter()
        tokens = collections.defaultdict(list)
        for act in self.place.outside():
            tokens[act.key].append(act.token)
        self.outcome.most_acts = max(map(len, tokens.values()), default=0)
        self.outcome.most_tokens = max((len(set(sent)) for sent in tokens.values()), default=0)

    def play(self, steps):
        began = time.monotonic()
        self.said_done = False
        try:
            steps(self)
        except (Damaged, LeftBehind, sqlite3.Error, OSError) as problem:
            self.outcome.faults.append(f"{type(problem).__name__}: {problem}")
        finally:
            self.place.kill_orphans()
        self.outcome.seconds = time.monotonic() - began
        self.outcome.faults = list(dict.fromkeys(self.outcome.faults))[:5]
        return self.outcome


def play_point(place, scenario, point, verbose=False):
    def steps(player):
        player.outcome.reached = player.kill(point)
        # Two of four call at once, beside what may still live; the others look at what the kill left.
        if player.outcome.reached and (point // 2) % 2 == 0:
            player.place.wait_for_orphans()
            player.check()
        player.end()

    player = Player(place, scenario, verbose)
    player.outcome.name = f"point {scenario.name} {point}"
    return player.play(steps)


def play_chain(place, seed, verbose=False):
    """Up to 6 kills in a row, in the run and in its recovery, a person's calls included; then it must end well."""
    chance = random.Random(seed)
    scenario = chance.choice(SCENARIOS)

    def steps(player):
        for _ in range(chance.randint(1, 6)):
            look = player.place.look() if player.before is None else player.before
            words = player.next_words(look)
            finished = [run["state"] for run in look.runs] == ["done"]
            # A call that only answers has fewer stops; of the others, half where the run is under way.
            high = ANSWER_STOPS if finished or words[:1] == ("effects",) else scenario.stops
            low = 1 if high == ANSWER_STOPS or chance.random() < 0.5 else high // 2
            player.kill(chance.randint(low, high), *words)
            player.place.wait_for_orphans()
            player.check()
            if player.outcome.faults:
                return
        player.outcome.reached = player.outcome.kills > 0
        player.end()

    player = Player(place, scenario, verbose)
    player.outcome.name = f"chain {seed}"
    return player.play(steps)


def play_orphan(place, scenario, point):
    """Kills jobrun while its job has left the session twice over, and calls again at once and again until it is done."""

    def steps(player):
        player.outcome.reached = player.kill(point)
        for _ in range(2000):
            ended = place.call()
            player.outcome.calls += 1
            player.outcome.busy += ended.code == 83
            player.outcome.faults += faults_of_the_answer(ended, (0, 75, 83))
            if player.outcome.faults or ended.code == 0:
                break
            time.sleep(0.001)
        else:
            player.outcome.faults.append("busy for ever")
        place.wait_for_orphans()
        player.outcome.faults += faults_of_the_ledger(place.look())
        player.outcome.overlaps = overlaps(os.path.join(place.root, "beats"))

    player = Player(place, scenario)
    player.outcome.name = f"orphan {scenario.name} {point}"
    return player.play(steps)


def overlaps(path):
    """Pairs of attempts whose processes lived at the same time: from the first to the last beat of each."""
    lives = {}
    with contextlib.suppress(FileNotFoundError), open(path, encoding="ascii") as file:
        for attempt, pid, at in map(str.split, file):
            first, _ = lives.setdefault((attempt, pid), (int(at), 0))
            lives[attempt, pid] = (first, int(at))
    spans = [(attempt, *span) for (attempt, _), span in lives.items()]
    return sum(1 for i, one in enumerate(spans) for other in spans[:i]
               if one[0] != other[0] and one[1] < other[2] and other[1] < one[2])


def play_signal(place, scenario, name, point):
    """Sends the signal to jobrun alone at a stop; the outcome must be truthful, and prompt."""

    def steps(player):
        number = getattr(signal, "SIG" + name)
        ended = place.traced(("signal", name), point)
        outcome = player.outcome
        outcome.where = " ".join(ended.err.split())[:100]
        outcome.reached = ended.code != NOT_REACHED
        outcome.seconds_to_end = ended.seconds
        if not outcome.reached:
            return
        if ended.seconds > 1 + 2:  # the manifest's grace and 2 s
            outcome.faults.append(f"ended only after {ended.seconds:.1f} s")
        if place.living():
            outcome.faults.append("a process of the job outlived jobrun")
        place.wait_for_orphans()
        look = place.look()
        outcome.faults += faults_of_the_ledger(look)
        states = [(a["state"], a["reason"]) for a in look.attempts]
        units = [(u["state"], u["counted"], u["interruptions"]) for u in look.units]
        if ended.code == 128 + number and not states:
            outcome.ending = "died before it began"
        elif ended.code == 75 and not states and all(unit == ("pending", 0, 0) for unit in units):
            outcome.ending = "nothing started"
        elif ended.code == 75 and states == [("interrupted", "interrupted")] and units == [("retrying", 0, 1)]:
            outcome.ending = "interrupted"
        elif ended.code == 0 and states == [("done", "ok")] and units == [("done", 1, 0)]:
            outcome.ending = "done"
        else:
            outcome.faults.append(f"answered {ended.code} with attempts {states}, units {units}")

    player = Player(place, scenario)
    player.outcome.name = f"signal {scenario.name} {name} {point}"
    return player.play(steps)


# --- images and the pool of workers -------------------------------------------------------------------------------


def become_subreaper():
    ctypes.CDLL(None, use_errno=True).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER


def prepare(tools, scenarios, place=None):
    """Makes the images, and counts the stops of the call that is to be killed."""
    place = place or Place(tools, "images")
    become_subreaper()
    for scenario in scenarios:
        place.reset({
            "jobs/job.json": json.dumps(scenario.manifest(tools)).encode(),
            "jobs/plain.sh": PLAIN.encode(), "jobs/orphan.py": ORPHAN.encode(),
        })
        made = place.call("init")
        if made.code != 0:
            raise RuntimeError(f"{scenario.name}: init answered {made.code}: {made.err}")
        for _ in range(scenario.calls_first):
            place.call()
        if scenario.crash_first:
            open(os.path.join(place.root, "crash"), "w", encoding="ascii").close()
            place.call()
            place.wait_for_orphans()
            states = [attempt["state"] for attempt in place.look().attempts]
            if states != ["running"] or len(place.outside()) != 1:
                raise RuntimeError(f"{scenario.name}: the crash left {states}")
            shutil.rmtree(os.path.join(place.root, "look"))
        scenario.image = place.image()
        # How many stops there are depends on how things arrive: take the longest of three.
        for _ in range(3):
            place.reset(scenario.image)
            ended = place.run([tools.syscall_point, "count", "--", *place.command()])
            counted = re.search(r"stops (\d+)\s*$", ended.err)
            if counted is None:
                raise RuntimeError(f"{scenario.name}: {ended.err[-500:]}")
            scenario.stops = max(scenario.stops, int(counted[1]))
            place.wait_for_orphans()
    shutil.rmtree(place.root)


_place = None


def _begin(tools):
    global _place
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    become_subreaper()
    _place = Place(tools, f"w{os.getpid()}")


def _play(task):
    kind, *words = task
    return KINDS[kind](_place, *words)


def play_all(tools, tasks):
    """Plays tasks (kind, words...) on WORKERS processes; yields their outcomes as they come."""
    with multiprocessing.get_context("fork").Pool(WORKERS, _begin, (tools,)) as pool:
        yield from pool.imap_unordered(_play, tasks, chunksize=4)


KINDS = {
    "point": lambda place, name, point: play_point(place, BY_NAME[name], point),
    "chain": play_chain,
    "orphan": lambda place, name, point: play_orphan(place, BY_NAME[name], point),
    "signal": lambda place, name, number, point: play_signal(place, BY_NAME[name], number, point),
}


def paste(name):
    kind, _, words = name.partition(" ")
    return f"python3 tests/crash/power.py {words}" if kind == "power" else f"python3 tests/crash/harness.py {name}"


def tell_end(outcome):
    """The exit code of a call by hand."""
    print("\n".join(outcome.faults) or "ok")
    return 1 if outcome.faults else 0


def main(words):
    tools = Tools()
    try:
        if words[:1] == ["chain"] and len(words) == 2:
            prepare(tools, SCENARIOS)
            outcome = play_chain(Place(tools, "w"), int(words[1]), verbose=True)
        elif len(words) > 2 and words[0] in KINDS and words[1] in BY_NAME:
            prepare(tools, [BY_NAME[words[1]]])
            place, point = Place(tools, "w"), int(words[-1])
            if words[0] == "point":
                outcome = play_point(place, BY_NAME[words[1]], point, verbose=True)
            else:
                outcome = KINDS[words[0]](place, *words[1:-1], point)
                print(outcome)
        elif words == ["list"]:
            prepare(tools, SCENARIOS + TWINS)
            for scenario in SCENARIOS + TWINS:
                print(f"{scenario.name:22} {scenario.stops} stops")
            return 0
        else:
            print(__doc__)
            return 64
    finally:
        tools.close()
    return tell_end(outcome)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
