#!/usr/bin/env python3
"""Doors: each foreign library, SQL, printing, the clock and new processes have one way in."""
import re
import unittest

from house import ROOT, code, includes, listed, literals, matches, sources

# What is behind a door, and the files that are the door.
DOORS = {
    "sqlite3.h": {"src/base/sqlite.cpp"},
    "nlohmann/": {"src/base/json.cpp"},
    "nettle/": {"src/base/text.cpp"},
    "fmt/core.h": {"src/base/format.hpp"},
    "fmt/": {"src/base/format.cpp"},
    "yaml.h": {"src/base/yaml.cpp"},
    "curl/": {"src/handler/http.cpp"},
    "dlfcn.h": {"src/handler/http.cpp"},
    "sys/wait.h": {"src/handler/child.cpp"},
    "ctime": {"src/base/clock.cpp", "src/base/civil.cpp"},
    "time.h": {"src/base/clock.cpp", "src/base/civil.cpp"},
    "iostream": set(),
}
# C++'s own headers, and the kernel's and libc's. Whatever else is included has to be given a door above.
OURS_TO_USE = re.compile(r"[a-z_0-9]+|(sys|linux|netinet|arpa)/[a-z_0-9]+\.h"
                         r"|(dirent|errno|fcntl|poll|pthread|pwd|sched|signal|spawn|stdio|stdlib|string|unistd)\.h")

SQL = re.compile(r"\b(SELECT\s|INSERT\s+(OR\s+\w+\s+)?INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|PRAGMA\s|BEGIN\s+IMMEDIATE"
                 r"|CREATE\s+(TABLE|INDEX|VIEW|TRIGGER)|DROP\s+TABLE|ALTER\s+TABLE|ROLLBACK\b|COMMIT\b)")
SPEAK_SQL = ("src/ledger/", "src/base/sqlite.", "jobs/")

PRINTING = (r"\b(?:v?f?printf|v?dprintf|f?puts|putchar|fputc|putc|fwrite|perror)\s*\("
            r"|\bstd::(?:cout|cerr|clog)\b|\bSTD(?:OUT|ERR)_FILENO\b")
MAY_PRINT = ("src/cli/", "src/main.cpp", "src/handler/worker.cpp")  # the worker's last words: nobody is left to print them

CLOCKS = (r"\b\w+_clock::now\b|\b(?:clock_gettime|gettimeofday|timespec_get|ftime)\s*\("
          r"|(?:\bstd::|[^\w.:>]::|[=(,;{]\s*)time\s*\(\s*(?:NULL|nullptr|0|&)")
SQL_CLOCKS = re.compile(r"(?:date|time|datetime|julianday|unixepoch|strftime)\s*\([^)]*'now'|CURRENT_(?:TIMESTAMP|DATE|TIME)", re.I)

PROCESSES = r"\b(?:fork|system|popen|daemon|posix_spawnp?|execl[pe]?|execvp?|execvpe|clone3?)\s*\("
VFORK = r"\bv?fork\s*\(|\bexecve\s*\("


def foreign(files):
    found = []
    for path, text in files.items():
        for line, name, quoted in includes(text):
            if quoted:
                continue
            door = next((door for door in DOORS if name == door or door.endswith("/") and name.startswith(door)), None)
            if door is None and not OURS_TO_USE.fullmatch(name):
                found.append(f"{path}:{line}: <{name}> has no door")
            elif door is not None and path not in DOORS[door]:
                found.append(f"{path}:{line}: <{name}> belongs behind {', '.join(sorted(DOORS[door])) or 'no door at all'}")
    return found


def but(files, places):
    return {path: text for path, text in files.items() if not path.startswith(tuple(places))}


def sql_words(files):
    return [f"{path}:{line}: {SQL.search(content).group(0).strip()}" for path, text in files.items()
            for line, content in literals(text) if SQL.search(content)]


def sql_clocks(files):
    return [f"{path}:{line}: {SQL_CLOCKS.search(content).group(0)}" for path, text in files.items()
            for line, content in literals(text) if SQL_CLOCKS.search(content)]


class Doors(unittest.TestCase):
    def setUp(self):
        self.files = sources()

    def assert_none(self, found):
        self.assertFalse(found, listed(found))

    def test_a_foreign_header_stands_in_its_door_only_and_in_no_header_of_ours(self):
        self.assert_none(foreign(self.files))

    def test_no_foreign_type_stands_in_a_header(self):
        headers = {path: text for path, text in self.files.items() if path.endswith(".hpp")}
        self.assert_none(matches(r"\b(sqlite3(_\w+)?|nlohmann::\w+|CLI::\w+|CURL\w*|curl_\w+|yaml_\w+_t)\b", headers))

    def test_only_the_ledger_its_door_and_jobs_speak_sql(self):
        self.assert_none(sql_words(but(self.files, SPEAK_SQL)))

    def test_only_the_command_line_prints(self):
        self.assert_none(matches(PRINTING, but(self.files, MAY_PRINT)))

    def test_only_the_clocks_door_reads_a_clock(self):
        self.assert_none(matches(CLOCKS, but(self.files, ["src/base/clock.cpp"])))
        self.assert_none(sql_clocks(self.files))
        schema = (ROOT / "schema.sql").read_text(encoding="utf-8")
        self.assert_none([f"schema.sql: {match.group(0)}" for match in SQL_CLOCKS.finditer(schema)])

    def test_no_process_is_made_by_fork_system_or_popen(self):
        self.assert_none(matches(PROCESSES, self.files))

    def test_only_the_childs_door_makes_a_process(self):
        self.assert_none(matches(VFORK, but(self.files, ["src/handler/child.cpp"])))

    def test_exceptions_are_caught_at_doors_and_in_main_only(self):
        doors = {door for places in DOORS.values() for door in places}
        found = matches(r"\bcatch\s*\(", but(self.files, doors | {"src/main.cpp", "src/handler/worker.cpp"}))
        self.assert_none(found)

    def test_every_door_is_there(self):
        self.assert_none([door for places in DOORS.values() for door in places if door not in self.files])

    def test_a_planted_intruder_is_found(self):
        def one(found):
            self.assertEqual(1, len(found), found)
        one(foreign({"src/run/x.cpp": "#include <sqlite3.h>\n"}))
        one(foreign({"src/base/json.hpp": "#include <nlohmann/json.hpp>\n"}))
        one(foreign({"src/run/x.cpp": "#include <boost/asio.hpp>\n"}))
        one(foreign({"src/cli/x.cpp": "#include <iostream>\n"}))
        one(sql_words({"src/run/x.cpp": 'auto sql = "SELECT id"\n  " FROM runs";\n'}))
        one(matches(PRINTING, {"src/run/x.cpp": '  std::printf("x");\n'}))
        one(matches(CLOCKS, {"src/run/x.cpp": "const auto t = std::chrono::system_clock::now();\n"}))
        one(matches(CLOCKS, {"src/run/x.cpp": "const auto t = time(nullptr);\n"}))
        one(sql_clocks({"src/ledger/x.cpp": "auto sql = \"UPDATE x SET at = datetime('now')\";\n"}))
        one(matches(PROCESSES, {"src/run/x.cpp": 'if (system("ls") != 0) return;\n'}))
        one(matches(VFORK, {"src/run/x.cpp": "const int pid = ::vfork();\n"}))
        self.assertFalse(matches(PRINTING, {"src/run/x.cpp": '// printf("x")\nconst char* s = "puts(1)";\n'}))
        self.assertNotIn("secret", code('auto c = \'"\'; auto s = "secret"; // secret\n'))


if __name__ == "__main__":
    unittest.main()
