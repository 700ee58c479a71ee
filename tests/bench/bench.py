"""Side by side: jobrun against what people use today. Prints one table of medians and ratios; never a test.

Commands are timed in turn, in fresh random order each round, because machines drift. /bin/true stands for the cost of a process.
Run it on an idle machine: JOBRUN=build/gcc/jobrun /usr/bin/python3 tests/bench/bench.py [ROUNDS]
"""

import json
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
JOBRUN = os.environ.get("JOBRUN", str(ROOT / "build" / "gcc" / "jobrun"))
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "stdin": subprocess.DEVNULL, "close_fds": False}


class Bench:
    def __init__(self, folder):
        self.folder = folder
        self.environment = {"PATH": "/usr/bin:/bin", "HOME": folder, "JOBRUN_LEDGER": folder + "/state/ledger.db",
                            "JOBRUN_JOBS": folder + "/jobs"}
        os.mkdir(folder + "/jobs", 0o700)
        self.dates = (f"{year}-{month:02d}-{day:02d}" for year in range(2000, 2100) for month in range(1, 13) for day in range(1, 29))
        self.call("init")

    def job(self, name, **manifest):
        pathlib.Path(self.folder, "jobs", name + ".json").write_text(json.dumps(manifest))

    def call(self, *words):
        subprocess.run([JOBRUN, *words], env=self.environment, check=False, **QUIET)

    def time(self, command):
        began = time.perf_counter()
        subprocess.run(command, env=self.environment, check=False, **QUIET)
        return time.perf_counter() - began

    def side_by_side(self, cases, rounds):
        times = {name: [] for name in cases}
        for _ in range(rounds):
            names = list(cases)
            random.shuffle(names)
            for name in names:
                times[name].append(self.time(cases[name]()))
        return {name: statistics.median(seen) for name, seen in times.items()}


def table(title, medians, yardstick):
    print(f"\n{title}\n\n| what | median | against {yardstick} |\n|---|---|---|")
    for name, seconds in medians.items():
        print(f"| {name} | {seconds * 1000:.2f} ms | {seconds / medians[yardstick]:.2f} x |")


def single_calls(bench, rounds):
    bench.job("one", command=["/bin/true"])
    bench.call("one", "--run-date", "1999-01-01")
    ledger = bench.environment["JOBRUN_LEDGER"]
    select = "sqlite3 ledger.db 'select 1'"
    people = bench.folder + "/people.db"
    subprocess.run(["sqlite3", people, "create table runs (day text primary key, done int)"], check=True)
    script = (f"sqlite3 {people} \"insert or ignore into runs values ('$0', 0)\"; true; "
              f"sqlite3 {people} \"update runs set done = 1 where day = '$0'\"")
    medians = bench.side_by_side({
        "/bin/true": lambda: ["/bin/true"],
        "jobrun --version (start alone)": lambda: [JOBRUN, "--version"],
        "a call for a finished run": lambda: [JOBRUN, "one", "--run-date", "1999-01-01"],
        select: lambda: ["sqlite3", ledger, "select 1"],
        "a whole run of /bin/true": lambda: [JOBRUN, "one", "--run-date", next(bench.dates), "--quiet"],
        "flock + sqlite3 + true + sqlite3": lambda: ["flock", "-n", bench.folder + "/lock", "sh", "-c", script, next(bench.dates)],
    }, rounds)
    table("Single calls", medians, "/bin/true")
    print(f"\nfinished run against sqlite3: {medians['a call for a finished run'] / medians[select]:.2f} x; "
          f"whole run against the flock script: {medians['a whole run of /bin/true'] / medians['flock + sqlite3 + true + sqlite3']:.2f} x")


def fan_out(bench, units, rounds):
    names = [f"unit_{number}" for number in range(units)]
    listing = bench.folder + "/units.txt"
    pathlib.Path(listing).write_text("\n".join(names) + "\n")
    bench.job("fan", command=["/bin/true"], units=names, parallel=2)
    joblog = bench.folder + "/joblog"

    def parallel():
        pathlib.Path(joblog).unlink(missing_ok=True)
        return ["parallel", "-j2", "--joblog", joblog, "--resume", "-a", listing, "/bin/true"]

    cases = {
        "xargs -P2 -n1 /bin/true": lambda: ["xargs", "-a", listing, "-P2", "-n1", "/bin/true"],
        "jobrun, 2 at a time, each recorded": lambda: [JOBRUN, "fan", "--run-date", next(bench.dates), "--quiet"],
    }
    if shutil.which("parallel"):
        cases["parallel -j2 --joblog --resume"] = parallel
    medians = bench.side_by_side(cases, rounds)
    bench.call("fan", "--run-date", "1999-01-01")
    medians["asking again for the finished units"] = statistics.median(bench.time([JOBRUN, "fan", "--run-date", "1999-01-01"]) for _ in range(50))
    table(f"{units} units of /bin/true", medians, "xargs -P2 -n1 /bin/true")


def watched(command, environment):
    """(seconds, peak KiB of the process itself, without its children)"""
    began = time.perf_counter()
    process = subprocess.Popen(command, env=environment, **QUIET)
    peak = 0
    while process.poll() is None:
        try:
            status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
            peak = max([peak] + [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")])
        except OSError:
            pass
        time.sleep(0.005)
    return time.perf_counter() - began, peak


def bare_inserts(folder, count, group):
    """What the same rows cost a program that writes them itself, as durably."""
    import sqlite3
    path = os.path.join(folder, "bare.db")
    for end in ("", "-wal", "-shm"):
        pathlib.Path(path + end).unlink(missing_ok=True)
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("pragma journal_mode=wal")
    database.execute("pragma synchronous=full")
    database.execute("create table items (unit int, item text, done_at text, attempt int, primary key (unit, item)) without rowid")
    began = time.perf_counter()
    for first in range(0, count, group):
        database.execute("begin immediate")
        for number in range(first, min(count, first + group)):
            database.execute("insert into items values (1, ?, '2026-04-12T02:00:00.000Z', 1) on conflict do nothing", (str(number),))
        database.execute("commit")
    seconds = time.perf_counter() - began
    database.close()
    return seconds


def scripts(bench, rounds):
    """What a script's own calls cost: items through one client, an effect."""
    print("\nItems through one client of the channel, pipelined\n\n| items | jobrun, whole run | a bare SQLite loop, groups of 1000 | items per second | jobrun's peak memory |\n|---|---|---|---|---|")
    for count in (5_000, 50_000, 500_000):
        bench.job("items", command=["/bin/sh", "-c", f"seq {count} | {JOBRUN} item done -"])
        seen = [watched([JOBRUN, "items", "--run-date", next(bench.dates), "--quiet"], bench.environment) for _ in range(max(3, rounds // 50))]
        seconds, peak = statistics.median(one for one, _ in seen), max(kib for _, kib in seen)
        bare = statistics.median(bare_inserts(bench.folder, count, 1000) for _ in range(3))
        print(f"| {count:,} | {seconds * 1000:.0f} ms | {bare * 1000:.0f} ms | {count / seconds:,.0f} | {peak / 1024:.1f} MiB |")
    calls = 200
    jobs = {f"{calls} x /bin/true": "/bin/true", f"{calls} x jobrun once KEY -- /bin/true": f"{JOBRUN} once k:$JOBRUN_RUN_DATE:$i -- /bin/true",
            f"{calls} x jobrun once KEY, confirmed before": f"{JOBRUN} once same:$i -- /bin/true", f"{calls} x jobrun checkpoint": f"{JOBRUN} checkpoint $i"}
    for number, text in enumerate(jobs.values()):
        bench.job(f"calls{number}", command=["/bin/sh", "-c", f"for i in $(seq {calls}); do {text}; done"])
        bench.call(f"calls{number}", "--run-date", "1999-01-01")
    medians = bench.side_by_side({name: (lambda job=f"calls{number}": [JOBRUN, job, "--run-date", next(bench.dates), "--quiet"])
                                  for number, name in enumerate(jobs)}, max(5, rounds // 20))
    table("Verbs inside of a run", medians, f"{calls} x /bin/true")


def growth(bench, rounds):
    """The finished run's call, as the ledger grows."""
    import sqlite3
    print("\nA call for a finished run as the ledger grows\n\n| runs in the ledger | median |\n|---|---|")
    ledger = bench.environment["JOBRUN_LEDGER"]
    size = 0
    for wanted in (1_000, 10_000, 100_000, 1_000_000):
        with sqlite3.connect(ledger) as database:
            manifest = database.execute("select min(id) from manifests").fetchone()[0]
            database.execute("begin")
            database.executemany("insert into runs (job, run_date, run_id, manifest, version, created_at, changed_at, done) "
                                 f"values ('grown', ?, 'r' || ?, {manifest}, '0', '2026', '2026', 1)", ((str(n), n) for n in range(size, wanted)))
            database.execute("commit")
            database.execute("pragma wal_checkpoint(truncate)")
        database.close()
        size = wanted
        seen = bench.side_by_side({"hit": lambda: [JOBRUN, "one", "--run-date", "1999-01-01"]}, rounds)
        print(f"| {wanted:,} | {seen['hit'] * 1000:.2f} ms |")


def large_ledger(bench, rounds):
    """What a person asks, as the ledger grows; large_ledger.py says what is in it."""
    import large_ledger as ledgers
    asked = {"status": ["status"], "show of the wide run": ["show", "wide"], "history --last 7d": ["history", "--last", "7d"],
             "report --html": ["report", "--html", bench.folder + "/report.html"]}
    sizes = (1_000, 10_000, 100_000, 1_000_000)
    seen = {}
    for size in sizes:
        place = f"{bench.folder}/large{size}"
        os.mkdir(place, 0o700)
        there = ["--ledger", place + "/ledger.db", "--now", f"{ledgers.LAST_NIGHT}T08:00:00Z"]
        bench.call("init", *there)
        ledgers.fill(place + "/ledger.db", size)
        cases = {name: (lambda words=words: [JOBRUN, *words, *there]) for name, words in asked.items()}
        for name, seconds in bench.side_by_side(cases, rounds).items():
            seen[name, size] = seconds
        shutil.rmtree(place)
    print("\nQuestions as the ledger grows, by attempts in it\n\n| what | " + " | ".join(f"{size:,}" for size in sizes) + " | last against first |\n" + "|---" * (len(sizes) + 2) + "|")
    for name in asked:
        figures = " | ".join(f"{seen[name, size] * 1000:.2f} ms" for size in sizes)
        print(f"| {name} | {figures} | {seen[name, sizes[-1]] / seen[name, sizes[0]]:.2f} x |")


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    with tempfile.TemporaryDirectory(prefix="jobrun-bench.") as folder:
        bench = Bench(folder)
        single_calls(bench, rounds)
        fan_out(bench, 2000, max(3, rounds // 40))
        scripts(bench, rounds)
        growth(bench, max(20, rounds // 2))
        large_ledger(bench, max(5, rounds // 10))


if __name__ == "__main__":
    main()
