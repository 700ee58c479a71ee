#!/usr/bin/env python3
"""The repository: what stands at its top, how its text files end, what must not stand in them."""
import os
import re
import subprocess
import unittest

from house import ROOT, listed

TOP = {"CMakeLists.txt", "src", "jobs", "schema.sql", "examples", "tests", "man", "packaging", "README.md", "LICENSE", "CHANGELOG.md",
       ".ci", ".clang-format", ".clang-tidy", ".gitignore"}
# Put together here, so that this file does not hold what it looks for.
HOSTS = re.compile("|".join(re.escape(name + "." + end) for name, end in [
    ("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com"), ("crates", "io"), ("rubygems", "org"),
    ("deb.debian", "org"), ("security.debian", "org"), ("snapshot.debian", "org"), ("archive.ubuntu", "com"),
    ("proxy.golang", "org"), ("repo.maven.apache", "org"), ("anaconda", "org"), ("conan", "io"), ("jfrog", "io"),
    ("dl-cdn.alpinelinux", "org")]) + "|artif" + "actory", re.I)
MACHINE = re.compile("(?<![A-Za-z0-9_.$}~-])/(?:" + "wo" + "rk|ho" + "me|ro" + "ot)/[A-Za-z0-9._]")


def tracked():
    """Paths below ROOT: what git tracks or would; without git the tree but what is built."""
    try:
        answer = subprocess.run(["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                                cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
        names = answer.stdout.decode().split("\0")
    except (OSError, subprocess.CalledProcessError):
        names = []
        for folder, folders, files in os.walk(ROOT):
            folders[:] = [name for name in folders if name not in (".git", ".cache", "__pycache__") and not
                          (folder == str(ROOT) and name.startswith("build"))]
            names += [os.path.relpath(os.path.join(folder, name), ROOT) for name in files if not name.endswith(".pyc")]
    return sorted(name for name in names if name and (ROOT / name).is_file())


def texts():
    found = {}
    for name in tracked():
        content = (ROOT / name).read_bytes()
        if b"\0" not in content:
            found[name] = content.decode("utf-8")
    return found


def lines_with(pattern, files):
    return [f"{name}:{number}: {pattern.search(line).group(0)}" for name, text in files.items()
            for number, line in enumerate(text.split("\n"), 1) if pattern.search(line)]


class Repository(unittest.TestCase):
    def setUp(self):
        self.files = texts()

    def assert_none(self, found):
        self.assertFalse(found, listed(found))

    def test_the_top_level_is_fixed(self):
        self.assertEqual(set(), {name.split("/")[0] for name in tracked()} - TOP)

    def test_every_text_file_ends_with_one_newline(self):
        self.assert_none([name for name, text in self.files.items() if text and (not text.endswith("\n") or text.endswith("\n\n"))])

    def test_no_line_ends_with_blanks_or_a_carriage_return(self):
        self.assert_none(lines_with(re.compile(r"[ \t\r]+$"), self.files))

    def test_sources_have_no_tabs(self):
        self.assert_none(lines_with(re.compile("\t"), {name: text for name, text in self.files.items()
                                                       if name.endswith((".cpp", ".hpp", ".sql", ".py", ".sh", ".json"))}))

    def test_no_file_names_a_package_host(self):
        self.assert_none(lines_with(HOSTS, self.files))

    def test_no_file_holds_a_path_of_somebodys_machine(self):
        self.assert_none(lines_with(MACHINE, self.files))

    def test_programs_and_only_programs_may_be_executed(self):
        found = []
        for name, text in self.files.items():
            if os.access(ROOT / name, os.X_OK) and not text.startswith("#!"):
                found.append(f"{name}: may be executed but has no #! line")
        self.assert_none(found)

    def test_a_planted_fault_is_found(self):
        self.assertTrue(lines_with(HOSTS, {"x": "from https://files.python" + "hosted.org/x\n"}))
        self.assertTrue(lines_with(MACHINE, {"x": "cd /wo" + "rk/main\n"}))
        self.assertFalse(lines_with(MACHINE, {"x": "the tests/work/x folder, see https://example.com/home/x\n"}))


if __name__ == "__main__":
    unittest.main()
