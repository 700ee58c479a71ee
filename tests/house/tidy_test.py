"""clang-tidy over the whole tree, with the checks of .clang-tidy, every finding an error. The longest of the house's tests (a minute).

It reads the files as build/clang compiles them, several as one. Without clang's analyzer, which takes far longer and looks into no
included file: JOBRUN_LONG=1 has it too, over each file alone."""

import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LONG = os.environ.get("JOBRUN_LONG") == "1"
BUILD = pathlib.Path(os.environ.get("JOBRUN_TIDY_BUILD", ROOT / "build" / ("gcc" if LONG else "clang")))
OPTIONS = ["-p", str(BUILD), "--quiet", f"--config-file={ROOT / '.clang-tidy'}",
           *([] if LONG else ["--checks=-clang-analyzer-*", f"--header-filter=^{re.escape(str(ROOT))}/(src|jobs)/"])]


def sources_in(name):
    """The sources that are read with the file `name`: those that it includes, or itself."""
    included = re.findall(r'^#include "(.*\.cpp)"$', pathlib.Path(name).read_text(), re.MULTILINE)
    return included or [name]


def findings(name):
    done = subprocess.run(["clang-tidy", *OPTIONS, name], capture_output=True, text=True, check=False)
    found = [line for line in done.stdout.splitlines() if re.search(r": (?:error|warning): ", line)]
    return found or ([done.stderr] if done.returncode else [])


class Tidy(unittest.TestCase):
    def test_the_linter_finds_nothing(self):
        if shutil.which("clang-tidy") is None:
            self.skipTest("clang-tidy is not installed")
        if not (BUILD / "compile_commands.json").exists():
            self.skipTest(f"{BUILD} has no compile_commands.json")
        compiled = {entry["file"]: sources_in(entry["file"]) for entry in json.loads((BUILD / "compile_commands.json").read_text())}
        tree = {str(path) for folder in ("src", "jobs") for path in (ROOT / folder).rglob("*.cpp")}
        ours = sorted(name for name, sources in compiled.items() if tree.intersection(sources))
        self.assertEqual(tree - {source for name in ours for source in compiled[name]}, set())
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            found = [line for lines in pool.map(findings, ours) for line in lines]
        self.assertEqual(found, [])


if __name__ == "__main__":
    unittest.main()
