#!/usr/bin/env python3
"""Small rooms: how long files are, how headers begin, what things are not called."""
import re
import unittest

from house import listed, matches, sources

ONE_LINE_IS_ENOUGH = {"src/base/format.hpp"}
VAGUE = r"\b\w*(?:Manager|Utils?|Helper)(?![a-z])\w*|\b(?:process|handle)_[a-z]\w*\s*\("


def longest(path):
    name = path.rsplit("/", 1)[1]
    if path.startswith("src/run/"):
        return 250
    return 150 if path.startswith("src/cli/cmd_") and name.endswith(".cpp") else 400


def too_long(files):
    return [f"{path}: {text.count(chr(10))} lines, {longest(path)} are allowed" for path, text in files.items()
            if text.count("\n") > longest(path)]


def opening(text):
    """How many comment lines a file begins with."""
    lines = text.split("\n")
    return next((i for i, line in enumerate(lines) if not line.startswith("//")), len(lines))


def bad_openings(files):
    found = []
    for path, text in files.items():
        lines = opening(text)
        if lines < (1 if path in ONE_LINE_IS_ENOUGH else 2):
            found.append(f"{path}: begins with {lines} comment lines: say what it is, promises and does not do")
        if text.split("\n")[lines:lines + 1] != ["#pragma once"]:
            found.append(f"{path}: #pragma once does not follow the comment")
    return found


class Rooms(unittest.TestCase):
    def setUp(self):
        self.files = sources()
        self.headers = {path: text for path, text in self.files.items() if path.endswith(".hpp")}

    def assert_none(self, found):
        self.assertFalse(found, listed(found))

    def test_no_room_is_longer_than_its_limit(self):
        self.assert_none(too_long(self.files))

    def test_every_header_begins_by_saying_what_it_is_and_is_read_once(self):
        self.assert_none(bad_openings(self.headers))

    def test_nothing_is_called_manager_util_or_helper(self):
        self.assert_none(matches(VAGUE, self.files))
        self.assert_none([path for path in self.files if re.search(r"(manager|utils?|helper|misc|common)s?[._/]", path)])

    def test_files_are_named_in_lower_case_with_underscores(self):
        self.assert_none([path for path in self.files if not re.fullmatch(r"[a-z0-9_/]+\.[ch]pp", path)])

    def test_the_tree_has_the_rooms_it_is_described_with(self):
        names = {path.rsplit("/", 1)[0] for path in self.files}
        self.assertEqual({"src", "src/base", "src/contract", "src/timetable", "src/ledger", "src/handler", "src/run", "src/cli", "jobs"}, names)

    def test_a_planted_fault_is_found(self):
        self.assertEqual(1, len(too_long({"src/run/x.cpp": "x\n" * 251})))
        self.assertEqual(1, len(too_long({"src/cli/cmd_x.cpp": "x\n" * 151})))
        self.assertFalse(too_long({"src/cli/x.cpp": "x\n" * 400}))
        self.assertEqual(2, len(bad_openings({"src/run/x.hpp": "// What.\n#include <string>\n"})))
        self.assertFalse(bad_openings({"src/run/x.hpp": "// What.\n// Not.\n#pragma once\n"}))
        self.assertEqual(1, len(matches(VAGUE, {"x": "class RunManager {};\n"})))
        self.assertEqual(1, len(matches(VAGUE, {"x": "void handle_end(int);\n"})))


if __name__ == "__main__":
    unittest.main()
