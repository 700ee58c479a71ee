"""clang-tidy over the whole tree, with the checks of .clang-tidy, every finding an error. The longest of the house's tests (minutes).

Without clang's analyzer, which takes two thirds of the time: JOBRUN_LONG=1 has it too."""

import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("JOBRUN_TIDY_BUILD", ROOT / "build" / "clang"))
CHECKS = [] if os.environ.get("JOBRUN_LONG") == "1" else ["--checks=-clang-analyzer-*"]


def findings(name):
    done = subprocess.run(["clang-tidy", "-p", str(BUILD), "--quiet", *CHECKS, name], capture_output=True, text=True, check=False)
    return [line for line in done.stdout.splitlines() if re.search(r": (?:error|warning): ", line)]


class Tidy(unittest.TestCase):
    def test_the_linter_finds_nothing(self):
        if shutil.which("clang-tidy") is None:
            self.skipTest("clang-tidy is not installed")
        if not (BUILD / "compile_commands.json").exists():
            self.skipTest(f"{BUILD} has no compile_commands.json")
        names = {entry["file"] for entry in json.loads((BUILD / "compile_commands.json").read_text())}
        ours = sorted(name for name in names if name.startswith((str(ROOT / "src"), str(ROOT / "jobs"))))
        self.assertGreater(len(ours), 40)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            found = [line for lines in pool.map(findings, ours) for line in lines]
        self.assertEqual(found, [])


if __name__ == "__main__":
    unittest.main()
