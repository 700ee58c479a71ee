#!/usr/bin/python3
"""Answers to the letter: one story, every verb's JSON against its golden file and against examples/answers.schema.json, and the screens of
status, show and history at 80 and 200 columns. What no two machines have alike is stilled: times to the minute, durations, process numbers,
names of hosts and folders. UPDATE_GOLDEN=1 writes the files of tests/golden anew; then `git diff` is what to read."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.jobrun_case import REPOSITORY, JobrunCase  # noqa: E402
from support import json_schema  # noqa: E402

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "house"))
import house  # noqa: E402

GOLDEN = REPOSITORY / "tests" / "golden"
SCHEMA = json.loads((REPOSITORY / "examples" / "answers.schema.json").read_text(encoding="utf-8"))
MORNING = "2026-04-13T08:00:45Z"
TIME = re.compile(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d):\d\d(\.\d{3})?(Z?)")
# By name, where a value is of this machine or this moment: what stands in the golden file instead.
STILL = {"host": "HOST", "pid": 4121, "version": "VERSION", "id": "ID", "token": "TOKEN", "wall_ms": 1200, "dur_ms": 1200, "cpu_ms": 300, "peak_kib": 9000}


def stilled_text(text, second="30"):
    return TIME.sub(lambda seen: f"{seen[1]}:{second}{'.000' if seen[2] else ''}{seen[3]}", text)


def stilled(value, name=""):
    """The same answer on any machine."""
    if isinstance(value, dict):
        return {key: stilled(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [stilled(inner) for inner in value]
    if value is not None and name in STILL:
        return STILL[name]
    return stilled_text(value) if isinstance(value, str) else value


def verbs_with_json():
    return {verb for verb in house.verbs() if "--json" in house.options(verb)}


# Which entries of $defs a verb's answers are; those of $defs that no verb answers.
ANSWERS = {verb: [verb] for verb in verbs_with_json()} | {"history": ["history", "gaps"], "jobs": ["jobs", "jobs_adopt"], "ledger": ["ledger_backup", "ledger_check", "ledger_restore"]}
APART = {"alert", "log_line"}


class Golden(JobrunCase):
    def setUp(self):
        super().setUp()
        self.answers = []  # (golden file, entry of $defs, value)

    # --- comparing

    def compare(self, name, text):
        path = GOLDEN / name
        if os.environ.get("UPDATE_GOLDEN"):
            path.write_text(text, encoding="utf-8")
        self.assertTrue(path.exists(), f"{path} is missing: UPDATE_GOLDEN=1 writes it")
        self.assertEqual(path.read_text(encoding="utf-8"), text, f"{path}: UPDATE_GOLDEN=1 writes it anew")

    def keep(self, name, definition, value):
        """An answer that is held against schema and golden file once the story is told."""
        self.answers.append((name, definition, value))

    def ask(self, name, definition, *words, code=0, now=MORNING, lines=False):
        outcome = self.assert_code(code, self.run_jobrun(*words, "--json", now=now))
        self.keep(name, definition, [json.loads(line) for line in outcome.out.splitlines()] if lines else json.loads(outcome.out))

    def check_all(self):
        for name, definition, value in self.answers:
            with self.subTest(answer=name):
                for one in value if isinstance(value, list) else [value]:
                    self.assertEqual(json_schema.faults(one, {"$ref": "#/$defs/" + definition}, SCHEMA), [])
                text = json.dumps(stilled(value), indent=1, ensure_ascii=False) + "\n"
                self.compare(name + ".json", text.replace(self.folder, "/FOLDER"))

    # --- the story

    def still(self):
        """The ledger as it would be on any machine: whole minutes, and every attempt took twelve seconds."""
        with contextlib.closing(sqlite3.connect(self.ledger_path, isolation_level=None)) as database:
            database.create_function("stilled", 2, lambda text, second: stilled_text(text, second) if isinstance(text, str) else text)
            database.execute("BEGIN")
            for table, in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
                for _, column, kind, _, _, _, hidden in database.execute(f"PRAGMA table_xinfo({table})").fetchall():
                    if kind == "TEXT" and not hidden:
                        database.execute(f"UPDATE {table} SET {column} = stilled({column}, ?)", ("42" if column in ("finished_at", "changed_at") else "30",))
            database.execute("UPDATE attempts SET wall_ms = 12000, cpu_ms = 300, peak_kib = 9000 WHERE wall_ms IS NOT NULL")
            database.execute("UPDATE calls SET host = 'HOST', pid = 4121, boot_id = 'BOOT', version = 'VERSION', caller = 'cron', caller_id = ''")
            database.execute("COMMIT")

    def nights(self):
        """sync: a good night, one that never started, one with a stopped and a waiting unit. backup: two nights with the same fault.
        pay: killed between act and confirmation. steps: a cursor. never: has not run. wide: 40 units, a few of which have trouble."""
        tell = self.script("tell.sh", "cat > $T/alert\n")
        self.shell_job("sync", 'test ! -e $T/fail-$JOBRUN_UNIT || { echo "cannot reach $JOBRUN_UNIT"; exit $(cat $T/fail-$JOBRUN_UNIT); }\n',
                       units=["a", "b", "c"], owner="finance@example.com", description="Pull new invoices of every account", runbook="https://wiki.example.com/sync",
                       period="24h", retry={"first_delay": "1h", "jitter": 0}, alerts=[{"on": ["stopped"], "command": [tell]}])
        self.shell_job("backup", "echo 'tar: /data: file changed as we read it'\nexit 64\n", fresh_within="26h")
        self.channel_job("pay", 'ask("intend", key="invoice:7:webhook")\nos.kill(os.getpid(), 9)\n')
        self.channel_job("steps", 'ask("checkpoint", cursor="page 42")\nask("result", verdict="done", reason="ok", message="42 pages")\n')
        self.shell_job("never", "true\n", description="Has not run yet", period="7d")
        self.shell_job("wide", 'case $JOBRUN_UNIT in customer_07|customer_31) exit 80;; customer_1[12]) echo "503 Service Unavailable"; exit 1;; esac\n',
                       units=[f"customer_{number:02}" for number in range(40)], parallel=2, retry={"first_delay": "2h", "jitter": 0})
        self.assert_code(0, self.run_job("sync", date="2026-04-11", now="2026-04-11T02:00:30Z"))
        for day in (12, 13):
            self.assert_code(80, self.run_job("backup", date=f"2026-04-{day}", now=f"2026-04-{day}T01:00:30Z"))
        self.write("fail-a", "80")
        self.write("fail-b", "1")
        self.ask("run_dry", "run", "sync", "--run-date", "2026-04-13", "--dry-run", now="2026-04-13T02:00:30Z")
        outcome = self.assert_code(75, self.run_job("sync", "--json", "--log-format", "json", date="2026-04-13", now="2026-04-13T02:00:30Z"))
        self.keep("run", "run", json.loads(outcome.out))
        self.keep("log_line", "log_line", sorted(map(json.loads, outcome.err.splitlines()), key=lambda line: line.get("unit", "")))
        self.keep("alert", "alert", json.loads(self.read("alert")))
        self.assert_code(82, self.run_job("pay", date="2026-04-13", now="2026-04-13T02:10:30Z"))
        self.assert_code(0, self.run_job("steps", date="2026-04-13", now="2026-04-13T02:20:30Z"))
        self.assert_code(75, self.run_job("wide", date="2026-04-13", now="2026-04-13T02:30:30Z"))
        self.assert_code(0, self.run_jobrun("pause", "steps", "--reason", "the provider moves house", now="2026-04-13T02:40:30Z"))
        self.ask("tick", "tick", "tick", code=75, now="2026-04-13T03:05:30Z")
        self.ask("retry", "retry", "retry", "backup", code=80, now="2026-04-13T03:10:30Z")
        self.ask("backfill_dry", "backfill", "backfill", "sync", "--gaps", "--dry-run", now="2026-04-13T03:15:30Z")
        self.ask("preflight", "preflight", "preflight", "never", "--run-date", "2026-04-13", now="2026-04-13T03:20:30Z")
        self.ask("replay", "replay", "replay", "sync:2026-04-11", "--unit", "c", now="2026-04-13T03:25:30Z")
        self.still()

    def test_every_verb_answers_as_its_golden_file_says_and_as_the_schema_describes(self):
        self.nights()
        self.ask("status", "status", "status")
        self.ask("status_job", "status", "status", "sync")
        self.ask("show", "show", "show", "sync")
        self.ask("show_unit", "show", "show", "sync", "--unit", "a")
        self.ask("history", "history", "history")
        self.ask("history_attempts", "history", "history", "backup", "--attempts")
        self.ask("gaps", "gaps", "history", "--gaps")
        self.ask("log", "log", "log", "sync:2026-04-13", "--unit", "a", lines=True)
        self.ask("effects", "effects", "effects")
        self.ask("effects_all", "effects", "effects", "--all")
        self.ask("cursor", "cursor", "cursor", "show", "steps")
        self.ask("report", "report", "report", "sync", "--last", "3d")
        self.ask("report_redacted", "report", "report", "pay", "--last", "1d", "--redact")
        self.job("bad", '{\n "command": ["x"],\n "retry": {"window": "6 hours"}\n}')
        self.ask("jobs", "jobs", "jobs", code=78)
        self.ask("check", "check", "check", code=2)
        self.ask("check_job", "check", "check", "sync", code=2)
        self.ask("check_unknown", "check", "check", "snyc", code=3)
        self.ask("prune", "prune", "prune", "--dry-run", "--attempts", "1d", "--keys", "1d", now="2026-09-01T08:00:45Z")
        self.ask("ledger_backup", "ledger_backup", "ledger", "backup", self.path("copy.db"))
        self.ask("ledger_restore", "ledger_restore", "ledger", "restore", self.path("copy.db"), "--dry-run")
        self.ask("ledger_check", "ledger_check", "ledger", "check")
        self.write("crontab", "CRON_TZ=Europe/Berlin\nPATH=/nowhere\n30 1 * * *  jobrun backup --run-date daily@01:30 --quiet\n")
        self.ask("inventory", "inventory", "inventory", "--lint", self.path("crontab"), code=78)
        self.ask("jobs_adopt", "jobs_adopt", "jobs", "adopt", self.write("cron", "CRON_TZ=Europe/Berlin\nPATH=/nowhere\n30 2 * * *  /usr/local/bin/dump.sh --full >/dev/null\n") + ":3")
        before = self.write("before", self.run_jobrun("inventory", self.path("crontab"), "--json", now=MORNING).out)
        self.write("crontab", "CRON_TZ=Europe/Berlin\n45 1 * * *  jobrun backup --run-date daily@01:30 --quiet\n0 3 * * 1  /usr/local/bin/tidy\n")
        self.ask("inventory_against", "inventory", "inventory", "--against", before, self.path("crontab"), code=78)
        # Of this machine: no golden file.
        doctor = json.loads(self.run_jobrun("doctor", "--json", now=MORNING).out)
        self.assertEqual(json_schema.faults(doctor, {"$ref": "#/$defs/doctor"}, SCHEMA), [])
        self.check_all()
        asked = {definition for _, definition, _ in self.answers} | {"doctor"}
        self.assertEqual(asked, {one for entries in ANSWERS.values() for one in entries} | APART)

    def test_the_screens_of_the_person_who_wakes_up(self):
        self.need_terminals()
        self.nights()
        for columns in (80, 200):
            for name, *words in (("status", "status"), ("status_job", "status", "sync"), ("show", "show", "sync"), ("show_unit", "show", "backup"), ("show_wide", "show", "wide"),
                                 ("history", "history"), ("history_attempts", "history", "sync", "--attempts")):
                with self.subTest(screen=name, columns=columns):
                    seen = self.on_terminal(*words, "--now", MORNING, columns=columns)
                    self.compare(f"{name}-{columns}.txt", seen.replace(self.folder, "/FOLDER"))

    def test_a_changed_answer_is_found(self):
        path = GOLDEN / "check_unknown.json"
        answer = json.loads(path.read_text(encoding="utf-8"))
        entry = {"$ref": "#/$defs/check"}
        self.assertEqual(json_schema.faults(answer, entry, SCHEMA), [])
        for change in ({"code": True}, {"code": "3"}, {"status": "GOOD"}, {"more": 1}, {"troubles": [{}]}, {"last_success_at": "yesterday"}, {"jobs_total": -1}):
            with self.subTest(change):
                self.assertTrue(json_schema.faults(answer | change, entry, SCHEMA))
        del answer["headline"]
        self.assertTrue(json_schema.faults(answer, entry, SCHEMA))
        if not os.environ.get("UPDATE_GOLDEN"):
            with self.assertRaises(self.failureException):
                self.compare("check_unknown.json", path.read_text(encoding="utf-8").replace("UNKNOWN", "GOOD"))


class Schema(unittest.TestCase):
    def test_each_verb_that_answers_json_has_an_entry_and_the_reverse(self):
        answered = {one for entries in ANSWERS.values() for one in entries}
        self.assertEqual(answered - set(SCHEMA["$defs"]), set())
        parts = {reference for _, reference in self.references()}
        self.assertEqual(set(SCHEMA["$defs"]) - answered - APART - parts, set(), "neither an answer nor a part of one")

    @staticmethod
    def references():
        text = json.dumps(SCHEMA)
        return [("", name) for name in re.findall(r'"\$ref": "#/\$defs/(\w+)"', text)]

    def objects(self):
        return [pair for name, entry in SCHEMA["$defs"].items() for pair in json_schema.objects_in(entry, name)]

    def test_every_member_is_described_and_always_there(self):
        for path, schema in self.objects():
            with self.subTest(path):
                if path != "log_line":
                    self.assertEqual(list(schema["properties"]), schema["required"])
                self.assertTrue(schema.get("description"))
                for name, member in schema["properties"].items():
                    if "const" not in member:
                        self.assertTrue(member.get("description") or json_schema.resolved(member, SCHEMA).get("description"), name)

    def test_a_name_is_of_the_same_kind_wherever_it_stands(self):
        seen = {}
        for path, schema in self.objects():
            for name, member in schema["properties"].items():
                seen.setdefault(name, {}).setdefault(tuple(sorted(json_schema.kinds_of(member, SCHEMA))), []).append(path)
        self.assertEqual({name: kinds for name, kinds in seen.items() if len(kinds) > 1}, {})

    def test_names_tell_their_units(self):
        for path, schema in self.objects():
            for name, member in schema["properties"].items():
                with self.subTest(f"{path}.{name}"):
                    if name.endswith(("_ms", "_kib", "_total")):
                        self.assertEqual(json_schema.kinds_of(member, SCHEMA), {"integer"})
                    if name.endswith("_at") and name != "scheduled_at":
                        self.assertIn("#/$defs/time", json.dumps(member))

    def test_another_reader_of_schemas_agrees(self):
        try:
            import jsonschema
        except ImportError:
            self.skipTest("python3-jsonschema is not installed")
        jsonschema.Draft202012Validator.check_schema(SCHEMA)
        for path in sorted(GOLDEN.glob("*.json")):
            name = path.stem if path.stem in SCHEMA["$defs"] else path.stem.rpartition("_")[0]
            value = json.loads(path.read_text(encoding="utf-8"))
            for one in value if isinstance(value, list) else [value]:
                with self.subTest(path.name):
                    jsonschema.Draft202012Validator({**SCHEMA, "$ref": "#/$defs/" + name}).validate(one)


@unittest.skipUnless(shutil.which("jq"), "jq is not installed")
class Jq(JobrunCase):
    def test_the_lines_for_jq_in_the_man_page_work(self):
        page = (REPOSITORY / "man" / "jobrun.1").read_text(encoding="utf-8")
        section = page.split(".Sh JSON\n", 1)[1].split("\n.Sh ", 1)[0]
        lines = [line for line in re.findall(r"^jobrun .*$", section.replace("\\e", "\\"), re.M) if "| jq" in line]
        self.assertGreater(len(lines), 2)
        self.shell_job("sync", "exit 80\n")
        self.run_job("sync")
        for line in lines:
            with self.subTest(line):
                done = subprocess.run(["/bin/sh", "-c", line.replace("jobrun ", house.JOBRUN + " ", 1)], env=self.environment(), capture_output=True, text=True, check=False)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertTrue(done.stdout.strip(), line)


if __name__ == "__main__":
    unittest.main()
