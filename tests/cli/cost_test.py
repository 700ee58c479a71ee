"""What a call costs where it can be counted: fsyncs, locks, libraries. Times are tests/bench's matter, never a test's."""

import pathlib
import re
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.jobrun_case import JOBRUN, JobrunCase


class Cost(JobrunCase):
    def setUp(self):
        super().setUp()
        self.job("quick", {"command": ["/bin/true"]})
        self.run_jobrun("quick", "--run-date", "2026-04-10")  # the log's first use writes its header

    def trace(self, *words):
        if shutil.which("strace") is None:
            self.skipTest("strace is not installed")
        log = self.path("trace")
        done = subprocess.run(["strace", "-f", "-y", "-o", log, "-e", "trace=fdatasync,fsync,flock,write,pwrite64,clone,clone3,vfork,fork", JOBRUN, *words],
                              env=self.environment(), capture_output=True, stdin=subprocess.DEVNULL, check=False)
        if done.returncode == 1 and b"ptrace" in done.stderr:
            self.skipTest("ptrace is not permitted")
        return pathlib.Path(log).read_text()

    def test_a_simple_run_waits_for_the_disk_exactly_twice(self):
        trace = self.trace("quick", "--run-date", "2026-04-12")
        self.assertEqual(len(re.findall(r"(?:fdatasync|fsync)\(", trace)), 2, trace)

    def test_a_call_for_a_finished_run_waits_for_nothing_locks_nothing_and_starts_nothing(self):
        self.run_jobrun("quick", "--run-date", "2026-04-12")
        trace = self.trace("quick", "--run-date", "2026-04-12")
        self.assertNotRegex(trace, r"sync\(|flock\(|fork\(|clone")
        written = {name for name in re.findall(r"write(?:64)?\(\d+<([^>]*)>", trace)} - {""}
        ledger = {name for name in written if "ledger.db" in name and not name.endswith(("-shm", ".asked"))}
        self.assertEqual(ledger, set(), "a finished run's call wrote to the ledger")

    def system_calls(self, *words):
        """Of jobrun itself, without the reads of SQLite: they grow with the log since its last checkpoint."""
        if shutil.which("strace") is None:
            self.skipTest("strace is not installed")
        if self.is_sanitized():
            self.skipTest("a sanitizer's build calls the system for itself")
        log = self.path("trace")
        done = subprocess.run(["strace", "-o", log, JOBRUN, *words], env=self.environment(), capture_output=True, stdin=subprocess.DEVNULL, check=False)
        if done.returncode == 1 and b"ptrace" in done.stderr:
            self.skipTest("ptrace is not permitted")
        return [line for line in pathlib.Path(log).read_text().splitlines() if not line.startswith(("pread64", "---", "+++"))]

    def is_sanitized(self):
        return b"__asan_init" in pathlib.Path(JOBRUN).read_bytes()

    def test_a_call_for_a_finished_run_asks_the_system_a_hundred_and_sixty_times_at_most(self):
        self.run_jobrun("quick", "--run-date", "2026-04-12")
        made = self.system_calls("quick", "--run-date", "2026-04-12")
        self.assertLessEqual(len(made), 160, "\n".join(made))

    def test_a_simple_run_asks_the_system_three_hundred_and_forty_times_at_most(self):
        made = self.system_calls("quick", "--run-date", "2026-04-12")
        self.assertLessEqual(len(made), 340, "\n".join(made))

    def test_a_call_for_a_finished_run_takes_two_and_a_half_million_instructions_at_most(self):
        if shutil.which("valgrind") is None:
            self.skipTest("valgrind is not installed")
        if self.is_sanitized():
            self.skipTest("a sanitizer's build does not run under valgrind")
        self.run_jobrun("quick", "--run-date", "2026-04-12")
        done = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", JOBRUN, "quick", "--run-date", "2026-04-12"],
                              env=self.environment(), capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
        counted = re.search(r"Collected : (\d+)", done.stderr)
        self.assertIsNotNone(counted, done.stderr)
        self.assertLessEqual(int(counted[1]), 2_500_000)

    def test_the_standard_streams_and_their_locales_are_not_set_up(self):
        if shutil.which("nm") is None:
            self.skipTest("nm is not installed")
        names = subprocess.run(["nm", JOBRUN], capture_output=True, text=True, check=True).stdout
        if self.is_sanitized():
            self.skipTest("a sanitizer's build links the library dynamically")
        self.assertIn("sqlite3_open_v2", names)                        # the names are there to be looked at
        self.assertNotIn("_ZNSt8ios_base4InitC1Ev", names)  # std::ios_base::Init: 50,000 instructions and a dozen page faults

    def test_a_hundred_runs_wait_for_the_disk_less_than_two_and_a_half_times_each(self):
        log, syncs = self.path("trace"), 0
        if shutil.which("strace") is None:
            self.skipTest("strace is not installed")
        for day in range(100):
            date = f"2027-{1 + day // 28:02d}-{1 + day % 28:02d}"
            subprocess.run(["strace", "-f", "-o", log, "-e", "trace=fdatasync,fsync", JOBRUN, "quick", "--run-date", date], env=self.environment(),
                           capture_output=True, stdin=subprocess.DEVNULL, check=False)
            syncs += len(re.findall(r"(?:fdatasync|fsync)\(", pathlib.Path(log).read_text()))
        self.assertLess(syncs / 100, 2.75)
        self.assertGreaterEqual(syncs / 100, 2)

    def test_nothing_but_the_c_library_is_loaded_at_start(self):
        if shutil.which("readelf") is None:
            self.skipTest("readelf is not installed")
        needed = re.findall(r"NEEDED.*\[(.*?)\]", subprocess.run(["readelf", "-d", JOBRUN], capture_output=True, text=True, check=True).stdout)
        if any("asan" in name for name in needed):
            self.skipTest("a sanitizer's build loads its runtime")
        self.assertLessEqual(set(needed), {"libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2"})

    def test_the_shipped_binary_is_hardened(self):
        if shutil.which("readelf") is None:
            self.skipTest("readelf is not installed")
        header = subprocess.run(["readelf", "-hld", JOBRUN], capture_output=True, text=True, check=True).stdout
        self.assertRegex(header, r"Type:\s+DYN")            # PIE
        self.assertIn("GNU_RELRO", header)
        self.assertRegex(header, r"BIND_NOW|FLAGS_1.*NOW")  # full RELRO
        self.assertRegex(header, r"GNU_STACK.*\n.*RW ")     # no executable stack


if __name__ == "__main__":
    unittest.main()
