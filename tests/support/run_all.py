"""Runs every test program and adds up the counts: run_all.py BUILD... (the first build's jobrun is the one that is tested whole).

As many at a time as there are processors: every test file has its own folder, ledger and ports. Alone run those that use all processors
themselves or hold a limit of time (ALONE).
Promises a last line "N passed, N failed, N skipped", an exit code of 0 only if nothing failed, and that a test file that ran no test counts
as failed. Does not build anything.
"""

import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[2]
PYTHON_FOLDERS = ("support", "house", "cli", "story", "crash", "fuzz", "world")
ALONE = ("tidy_test.py", "cost_test.py", "crash_test.py")
SANITIZED = ("http_test.py", "faults_test.py", "units_test.py", "screens_test.py", "script_test.py", "replay_test.py", "identity_test.py",
             "channel_test.py")


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def add(self, name, passed, failed, skipped, seconds, output):
        self.passed += passed
        self.failed += failed
        self.skipped += skipped
        print(f"{'ok  ' if failed == 0 else 'FAIL'} {name}: {passed} passed, {failed} failed, {skipped} skipped ({seconds:.0f} s)", flush=True)
        if failed:
            _, line, failures = output.partition("=" * 70 + "\n")  # what unittest says of those that failed, first
            print((line + failures)[:20000] if line else output[-20000:], flush=True)


def run(command, environment):
    began = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    return done, time.monotonic() - began


def run_catch(program):
    environment = dict(os.environ, ASAN_OPTIONS="detect_leaks=1", JOBRUN=str(program.parent.parent / "jobrun"))
    done, seconds = run([str(program), "-r", "xml"], environment)
    name = f"{program.parent.parent.name}/{program.name}"
    try:
        cases = ElementTree.fromstring(done.stdout).find(".//OverallResultsCases[last()]")
        passed, failed = int(cases.get("successes")), int(cases.get("failures"))
    except (ElementTree.ParseError, AttributeError):
        passed, failed = 0, 1
    if done.returncode != 0 or passed == 0:
        failed = max(failed, 1)
    return (name, passed, failed, 0, seconds, done.stdout + done.stderr), []


def run_python(path, environment, label=""):
    done, seconds = run(["/usr/bin/python3", str(path), "-v"], environment)
    ran = re.search(r"^Ran (\d+) tests? in", done.stderr, re.MULTILINE)
    count = int(ran.group(1)) if ran else 0
    bad = sum(int(number) for number in re.findall(r"(?:failures|errors|unexpected successes)=(\d+)", done.stderr))
    skipped = sum(int(number) for number in re.findall(r"skipped=(\d+)", done.stderr))
    if done.returncode != 0 or count == 0:
        bad = max(bad, 1)
    notes = ["skipped: " + line for line in re.findall(r"^.* \.\.\. skipped .*$", done.stderr, re.MULTILINE)]
    notes += re.findall(r"^figures: .*$", done.stdout, re.MULTILINE)
    return (str(path.relative_to(ROOT)) + label, max(0, count - bad - skipped), bad, skipped, seconds, done.stderr + done.stdout), notes


def tasks_of(builds):
    """Those that run together, the longest first, and those that run alone; each a function and its arguments."""
    first = builds[0]
    environment = dict(os.environ, JOBRUN=str(first / "jobrun"), SYSCALL_POINT=str(first / "tests" / "syscall_point"))
    together, alone = [], []
    # The built binary under AddressSanitizer and UBSan: the behaviours once more, without the slow and the timed ones.
    for build in builds:
        if build.name == "sanitize":
            watched = dict(environment, JOBRUN=str(build / "jobrun"), JOBRUN_SANITIZED="1", ASAN_OPTIONS="detect_leaks=0:abort_on_error=1")
            together += [(run_python, ROOT / "tests" / "cli" / name, watched, " under sanitizers") for name in SANITIZED]
        together += [(run_catch, program) for program in sorted((build / "tests").glob("*_test"))]
    for folder in PYTHON_FOLDERS:
        for path in sorted((ROOT / "tests" / folder).glob("*_test.py")):
            (alone if path.name in ALONE else together).append((run_python, path, environment))
    return together, alone


def main():
    tally = Tally()

    def take(answer):
        counts, notes = answer
        tally.add(*counts)
        for note in notes:
            print("     " + note, flush=True)

    together, alone = tasks_of([pathlib.Path(name).resolve() for name in sys.argv[1:]])
    for task, *words in alone:
        take(task(*words))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for done in concurrent.futures.as_completed([pool.submit(*task) for task in together]):
            take(done.result())
    print(f"{tally.passed} passed, {tally.failed} failed, {tally.skipped} skipped")
    return 1 if tally.failed or not tally.passed else 0


if __name__ == "__main__":
    sys.exit(main())
