#!/usr/bin/env python3
"""Plans: no query of the ledger goes through all units, attempts or runs, however large they have grown."""
import re
import sqlite3
import unittest

from house import ROOT, listed

LARGE = ("units", "attempts", "runs", "calls", "cursor_history", "items", "effects", "alerts", "letters")
# What may look through a table: the picture of a preflight, taken of a private ledger; `effects --all` and `metrics`, which no
# call waits for; the last so many rows, from the end; and a restore, which compares two ledgers while nothing runs.
MAY_SCAN = ("WHERE e.scope = :job OR u.job = :job", "e.state = 'in_doubt' AND (e.scope = :job", "ORDER BY intended_at DESC, key LIMIT",
            "SELECT job, state, count(*) FROM runs GROUP BY job, state", "ORDER BY id DESC LIMIT 1",
            "SELECT run_id FROM runs ORDER BY id DESC LIMIT :most", " old.")


def literals_of(text):
    """The SQL handed to prepare() and its like: adjacent literals joined, macros of literals put in."""
    macros = {}
    for folder in sorted((ROOT / "src" / "ledger").glob("*.[ch]pp")):
        for name, body in re.findall(r"^#define ([A-Z_]+)((?:[^\n]*\\\n)*[^\n]*)", folder.read_text(encoding="utf-8"), re.M):
            macros[name] = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', body))
    found = []
    for start in re.finditer(r"\.(?:prepare|integer|text)\(", text):
        sql, at = "", start.end()
        while True:
            piece = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([A-Z_]{4,}))').match(text, at)
            if not piece:
                break
            sql += piece.group(1) if piece.group(1) is not None else macros.get(piece.group(2), "")
            at = piece.end()
        if sql:
            found.append(sql.replace('\\"', '"'))
    return found


def ledger():
    """With the temporary tables and views of prune, which its queries read."""
    database = sqlite3.connect(":memory:")
    database.executescript((ROOT / "schema.sql").read_text(encoding="utf-8"))
    rules = re.search(r'\brules =((?:\s*(?://[^\n]*|"(?:[^"\\]|\\.)*"))+);', (ROOT / "src" / "ledger" / "prune.cpp").read_text(encoding="utf-8")).group(1)
    database.executescript("".join(re.findall(r'^\s*"((?:[^"\\]|\\.)*)"', rules, re.M)))
    return database


def plan(database, sql):
    return [row[3] for row in database.execute("EXPLAIN QUERY PLAN " + sql, {name: None for name in re.findall(r":(\w+)", sql)})]


def scans(database, sql):
    """Steps that read a large table from end to end. A look for its least or greatest key is none, and a partial index is short."""
    aliases = {alias: table for table, alias in re.findall(r"\b(?:FROM|JOIN) (\w+) (?:AS )?([a-z]\w*)\b", sql + " " + VIEWS)}
    bad = []
    for step in plan(database, sql):
        scan = re.match(r"SCAN (?:TABLE )?(\w+)(.*)", step)
        if not scan or re.search(r"units_(unfinished|failing)|effects_open|alerts_open|letters_open", scan.group(2)):
            continue
        if aliases.get(scan.group(1), scan.group(1)) in LARGE:
            bad.append(step)
    return bad


VIEWS = " ".join(re.findall(r"CREATE VIEW.*?;", (ROOT / "schema.sql").read_text(encoding="utf-8"), re.S))


class Plans(unittest.TestCase):
    def test_no_query_of_the_ledger_scans_what_grows(self):
        database = ledger()
        found, seen = [], 0
        for path in sorted((ROOT / "src" / "ledger").glob("*.cpp")):
            for sql in literals_of(path.read_text(encoding="utf-8")):
                if not re.match(r"\s*(SELECT|WITH|UPDATE|DELETE)\b", sql) or any(part in sql for part in MAY_SCAN):
                    continue
                seen += 1
                found += [f"{path.name}: {step}: {sql}" for step in scans(database, sql)]
        self.assertGreater(seen, 50)
        self.assertFalse(found, listed(found))

    def test_what_is_wrong_with_a_run_is_found_by_the_index_that_only_failures_pay_for(self):
        text = (ROOT / "src" / "ledger" / "history.cpp").read_text(encoding="utf-8")
        sql = next(sql for sql in literals_of(text) if sql.startswith("SELECT changed_at, unit, reason, message FROM units"))
        steps = plan(ledger(), sql)
        self.assertEqual(len(steps), 1, steps)
        self.assertIn("units_failing (run=?)", steps[0])

    def test_a_screen_of_a_wide_run_reads_what_is_failing_and_not_its_other_units(self):
        text = (ROOT / "src" / "ledger" / "wide_runs.cpp").read_text(encoding="utf-8")
        asked = [sql for sql in literals_of(text) if "units" in sql and sql.startswith("SELECT") and ":after" not in sql and "ORDER BY unit LIMIT" not in sql]
        self.assertGreaterEqual(len(asked), 3)
        for sql in asked:
            self.assertRegex(plan(ledger(), sql)[0], "units_(failing|unfinished) ", sql)

    def test_a_planted_scan_is_found(self):
        database = ledger()
        for sql in ("SELECT count(*) FROM attempts", "SELECT u.id FROM units u WHERE u.reason = :reason", "SELECT id FROM runs WHERE created_at > :since", "SELECT * FROM v_status"):
            self.assertTrue(scans(database, sql), sql)
        self.assertFalse(scans(database, "SELECT id FROM runs WHERE job = :job"))
        self.assertEqual(["SELECT id FROM runs"], literals_of('ledger.database().prepare("SELECT id"\n   " FROM runs");'))


if __name__ == "__main__":
    unittest.main()
