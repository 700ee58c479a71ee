#!/usr/bin/python3
"""The parsers under libFuzzer, AddressSanitizer and UBSan: the channel's, the manifest's, the words of a call, schedules.

JOBRUN_FUZZ names the build (build/fuzz), JOBRUN_FUZZ_SECONDS how long each runs (default 30; hours by hand). A control with a planted overflow
must be found. By hand, what was found: build/fuzz/tests/fuzz_channel FILE
"""
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("JOBRUN_FUZZ", "build/fuzz") / "tests"
SECONDS = int(os.environ.get("JOBRUN_FUZZ_SECONDS", "30"))
TTL = {"token_ttl": "24h", "if_in_doubt": "resend"}
REQUESTS = [{"id": 1, "op": "hello", "version": 1, "run_id": "r", "unit": "a", "attempt": 1}, {"id": 2, "op": "checkpoint", "cursor": "in_481", "stream": "-"},
            {"id": 3, "op": "intend", "key": "invoice:7", "scope": "s", "fingerprint": "f", **TTL}, {"id": 4, "op": "confirm", "key": "k", "result": "ok"},
            {"id": 5, "op": "result", "verdict": "retry", "reason": "rate_limited", "message": "m", "retry_after": "10m"}, {"id": 6, "op": "progress", "message": "p", "fraction": 0.5},
            {"id": 7, "op": "item_done", "item": "x"}]
WORDS = [b"\0daily@02:00", b"\0every@15m", b"\x002026-04-12T02:00:00+02:00", b'\1{"b": 1.50, "a": [null, "\\u00e9"]}', b"\x021h30m10s250ms",
         b"\3Sun, 06 Nov 1994 08:49:37 GMT", b"\x03120", b"\x042026-04-12T02:00:00.123Z", b"\x0580=0,75=0", b"\x052026-04-01,2026-04-12"]

# The first byte says what the rest is: a crontab, a calendar expression, a shell line, a unit, YAML.
SCHEDULES = [b"\0PATH=/usr/bin\n*/15 1-5,7 * jan-mar mon-fri root flock -n /x jobrun a --run-date \"$(date +\\%F)\" >>/y 2>&1\n@daily x\n0 0 29 2 * b%c\n", b"\1Mon..Fri *-1/3-1..7,9 06,18:00/15:00 Europe/Berlin",
             b"\2cd /srv && A=1 sudo -u x env B=2 sh -c 'for i in 1 2; do jobrun a --run-date today || sleep 1; done' >/dev/null & x | y $(z \"q\") `w`",
             b"\3[Unit]\nSourcePath=/x\n[Timer]\nOnCalendar=daily\nOnUnitActiveSec=1h 30min\nRandomizedDelaySec=5\n[Service]\nEnvironment=A=1 'B=2 3'\nExecStart=-/bin/sh -c '$${A} %i' \\\n ${B}\nRestart=on-failure\n",
             b"\4kind: CronJob\nspec: {schedule: '*/5 * * * *', jobTemplate: {spec: {template: {spec: {containers: [{args: [a]}]}}}}}\n---\na: &a {script: [jobrun b], retry: {max: 2}}\nb: {<<: *a, extends: [a, b]}\n"]


@unittest.skipUnless((BUILD / "fuzz_channel").exists(), f"{BUILD} was not built (needs clang's runtime libraries)")
class Fuzz(unittest.TestCase):
    def fuzz(self, target, seeds, seconds=SECONDS):
        with tempfile.TemporaryDirectory() as folder:
            corpus = pathlib.Path(folder, "corpus")
            corpus.mkdir()
            for number, seed in enumerate(seeds):
                (corpus / str(number)).write_bytes(seed)
            done = subprocess.run([str(BUILD / target), f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=2048", "-max_len=4096", "-print_final_stats=1",
                                   f"-artifact_prefix={folder}/", str(corpus)], capture_output=True, text=True, errors="replace")
            found = [path for path in pathlib.Path(folder).iterdir() if path.is_file()]
            inputs = "; ".join(repr(path.read_bytes()[:300]) for path in found)
        executed = re.search(r"stat::number_of_executed_units:\s*(\d+)", done.stderr)
        return done, int(executed.group(1)) if executed else 0, inputs

    def assert_survives(self, target, seeds):
        done, executed, inputs = self.fuzz(target, seeds)
        self.assertEqual(done.returncode, 0, f"{target} found {inputs}\n{done.stderr[-3000:]}")
        self.assertGreater(executed, 1000)
        print(f"figures: {target}: {executed} inputs in {SECONDS} s, none broke it")

    def test_the_channels_parser(self):
        self.assert_survives("fuzz_channel", [json.dumps(request).encode() for request in REQUESTS])

    def test_the_manifests_parser(self):
        self.assert_survives("fuzz_manifest", [path.read_bytes() for path in sorted((ROOT / "examples" / "jobs").glob("*.json")) + [ROOT / "jobs" / "invoice_sync.json"]])

    def test_the_words_of_a_call(self):
        self.assert_survives("fuzz_envelope", WORDS)

    def test_the_readers_of_schedules(self):
        self.assert_survives("fuzz_schedules", SCHEDULES)

    def test_a_planted_overflow_is_found(self):
        done, _, _ = self.fuzz("fuzz_planted", [json.dumps({"id": 2, "op": "checkpoint", "cursor": "in_481"}).encode()], 300)
        self.assertNotEqual(done.returncode, 0, "the planted overflow was not found")
        self.assertIn("AddressSanitizer", done.stderr)


if __name__ == "__main__":
    unittest.main()
