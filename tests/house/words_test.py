#!/usr/bin/env python3
"""Words: what help, man pages, README and examples say is what the binary, the parser and the schema do."""
import json
import re
import shlex
import shutil
import sqlite3
import subprocess
import tempfile
import unittest
from pathlib import Path

import house
from house import ROOT, listed, man, section

PAGES = ["jobrun.1", "jobrun-manifest.5", "jobrun-ledger.5", "jobrun-channel.7", "jobrun-schedulers.7"]
EVERYWHERE = {"--ledger", "--jobs", "--now"}   # of every verb
OF_SCRIPTS = {"once", "checkpoint", "cursor", "item", "result", "progress"}
ALWAYS = {"--help", "--version"}               # of jobrun itself
PROSE = ["README.md", "src/README.md", "examples/crontab"] + ["man/" + page for page in PAGES]


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def macro_options(source):
    """The long options of mdoc source: `.Fl -run-date` is --run-date."""
    return {"--" + name for name in re.findall(r"\bFl -([a-z][a-z-]*)", source)}


def items(source):
    """[(heads, body)] of the items of mdoc source, heads over several lines included."""
    found = []
    for part in re.split(r"^\.It ", source, flags=re.M)[1:]:
        if part.startswith("Xo\n"):
            head, _, body = part[3:].partition("\n.Xc\n")
        else:
            head, _, body = part.partition("\n")
        found.append((head, body.split("\n.El", 1)[0]))
    return found


def calls(text):
    """The jobrun command lines of prose: code spans and lines of their own, options and all."""
    spans = re.findall(r"`(jobrun [^`\n]+)`", text) + re.findall(r"\(jobrun [^)`\n]+\)", text)
    lines = re.findall(r"^(?:[ \t$]*|[-*/,0-9]+(?: +[-*/,0-9]+){4} +|[A-Z_]+=\S+ )(jobrun [^`\n]+)$", text, re.M)
    return [re.split(r" (?:#|&&|\|\||;|>|\||2>)", call)[0].strip() for call in spans + lines]


def faults_of_call(call):
    try:
        words = shlex.split(call)[1:]
    except ValueError as error:
        return [str(error)]
    if not words or words[0] in ("JOB", "VERB", "-h"):
        return []
    if words[0] in house.reserved_words() - set(house.verbs()) - {"help", "version"}:
        return [f"this jobrun has no verb {words[0]}"]
    known = house.options(words[0] if words[0] in house.verbs() else "run") | ALWAYS
    own = words[:words.index("--")] if "--" in words else words  # behind it stands a command of its own
    named = {re.match(r"-+[a-z-]*", word).group(0) for word in own if word.startswith("--")}
    return [f"{word} is no option of it" for word in sorted(named - known)]


class Words(unittest.TestCase):
    def assert_none(self, found):
        self.assertFalse(found, listed(found))

    def test_every_verb_of_the_help_is_in_the_man_page_and_the_reverse(self):
        described = {head.split()[1] for head, _ in items(section(man("jobrun.1"), "VERBS"))}
        self.assertEqual(set(house.verbs()), described)

    def test_a_verbs_line_in_the_man_page_names_the_options_of_its_help(self):
        for head, _ in items(section(man("jobrun.1"), "VERBS")):
            verb = head.split()[1]
            with self.subTest(verb=verb):
                self.assertEqual(house.options(verb) - EVERYWHERE, macro_options(head))

    def test_every_option_of_the_help_is_described_in_the_man_page_and_the_reverse(self):
        described = set()
        for head, _ in items(section(man("jobrun.1"), "OPTIONS")):
            described |= macro_options(head)
        real = set().union(*(house.options(verb) for verb in house.verbs())) | ALWAYS
        self.assertEqual(real, described)

    def test_every_verb_but_those_of_scripts_takes_the_options_that_are_said_to_be_everywhere(self):
        self.assert_none([verb for verb in set(house.verbs()) - OF_SCRIPTS if not EVERYWHERE <= house.options(verb)])

    def test_the_exit_table_of_help_man_and_readme_has_the_same_words(self):
        table = {int(head.split()[0]): (head.split()[-1], house.plain(body).strip())
                 for head, body in items(section(man("jobrun.1"), "EXIT STATUS")) if head.split()[0].isdigit()}
        rows = {int(code): (word, advice) for code, word, advice in
                re.findall(r"^\| (\d+) \| `(\w+)` \| (.*?) \|$", read("README.md"), re.M)}
        real = {code: (word, advice) for code, word, advice in house.exit_table()}
        self.assertEqual({code: (word, house.squeeze(advice)) for code, (word, advice) in real.items()}, table)
        self.assertEqual(real, rows)

    def test_the_exit_table_of_the_help_is_the_one_in_the_code(self):
        text = read("src/contract/exit_codes.hpp")
        numbers = {word: int(code) for word, code in
                   re.findall(r"^\s*(\w+) = (\d+)", text.split("enum class Exit", 1)[1].split("};", 1)[0], re.M)}
        self.assertEqual(numbers, {word: code for code, word, _ in house.exit_table()})

    def test_commands_in_prose_have_verbs_and_options_that_exist(self):
        found = [f"{name}: {call}: {fault}" for name in PROSE for call in calls(read(name).replace("\\-", "-"))
                 for fault in faults_of_call(call)]
        self.assert_none(found)

    def test_messages_of_the_code_name_no_command_that_is_not_there(self):
        files = {**house.sources(), "examples/job.schema.json": read("examples/job.schema.json")}
        found = [f"{path}:{line}: {call}: {fault}" for path, text in files.items()
                 for line, content in house.literals(text) for call in re.findall(r"`(jobrun [a-z][^`{|]*)", content)
                 for fault in faults_of_call(call)]
        self.assert_none(found)

    def test_every_manifest_key_is_in_its_man_page_and_the_reverse(self):
        page = man("jobrun-manifest.5")
        for where, name in [("", "KEYS"), ("retry", "RETRY"), ("outcomes", "OUTCOMES"), ("output", "OUTPUT"), ("http", "HTTP"), ("success", "SUCCESS"),
                            ("alerts", "ALERTS"), ("pings", "PINGS")]:
            with self.subTest(section=name):
                described = {head.split()[1] for head, _ in items(section(page, name)) if head.startswith("Ic ")}
                self.assertEqual(house.schema_keys()[where], described)

    def test_every_key_of_the_configuration_is_in_the_man_page_and_the_reverse(self):
        table = re.split(r"Key<Config>, \d+> keys = ", read("src/contract/config.cpp"))[1].split("}};", 1)[0]
        described = {head.split()[1] for head, _ in items(section(man("jobrun.1"), "CONFIGURATION"))}
        self.assertEqual(set(re.findall(r'^    \{"(\w+)",', table, re.M)), described)

    def test_the_schema_for_editors_has_the_keys_that_the_parser_takes(self):
        text = read("src/contract/manifest.cpp")
        table = re.split(r"Key<Reading>, \d+> keys = ", text)[1].split("}};", 1)[0]
        keys = set(re.findall(r'^    \{"(\$?\w+)",', table, re.M))
        refused = set(re.findall(r'\{"(\w+)", not_supported\}', table))
        self.assertTrue(refused < keys)
        self.assertEqual(house.schema_keys()[""], keys - refused)
        left_out = section(man("jobrun-manifest.5"), "NOT IN THIS VERSION")
        self.assert_none([key for key in sorted(refused) if not re.search(rf"\bIc {key}\b", left_out)])

    def test_faults_that_an_inventory_tells_are_in_the_man_page_and_the_reverse(self):
        files = house.sources("src")
        told = set()
        for path in ("src/timetable/entry_faults.cpp", "src/timetable/schedule_faults.cpp", "src/timetable/scheduled_yaml.cpp", "src/run/inventory_cron.cpp"):
            told |= set(re.findall(r'(?:\badd\(\s*|push_back\(\s*\{)(?:\w+ \? )?"([a-z_]+)"', files[path]))
            told |= set(re.findall(r'push_back\(\s*\{\w+ \? "\w+" : "([a-z_]+)"', files[path]))
        self.assertGreater(len(told), 12)
        heads = [head for head, _ in items(section(man("jobrun.1"), "INVENTORY"))]
        self.assertEqual(told, {word for head in heads for word in head.replace("Ic ", "").replace(" ,", "").split()})

    def test_variables_that_a_job_gets_are_in_the_man_page(self):
        text = read("src/run/launch.cpp")
        real = set(re.findall(r'set\(variables, "([A-Z_]+)"', text)) | {"JOBRUN_ATTEMPT_NAME"}
        described = {head.split()[1] for head, _ in items(section(man("jobrun-manifest.5"), "ENVIRONMENT"))}
        self.assert_none(sorted(real - described))

    def test_variables_that_an_alerts_command_gets_are_in_the_man_page_and_the_reverse(self):
        real = set(re.findall(r'set\("(JOBRUN_[A-Z_]+)"', read("src/run/delivery.cpp")))
        described = set(re.findall(r"^\.Ev (JOBRUN_[A-Z_]+)", section(man("jobrun-manifest.5"), "ALERTS"), re.M))
        self.assertEqual(real, described)

    def test_members_of_an_alerts_message_are_in_the_man_page(self):
        body = read("src/contract/alert_words.cpp").split("Json AlertMessage::json() const", 1)[1].split("\n}\n", 1)[0]
        real = set(re.findall(r'\.set\("([a-z_]+)"', body))
        page = section(man("jobrun-manifest.5"), "ALERTS")
        self.assert_none([name for name in sorted(real) if not re.search(rf"^\.Ql {name}\b", page, re.M)])

    def test_callers_that_are_told_apart_are_in_the_man_page_and_the_reverse(self):
        body = read("src/contract/envelope.cpp").split("Caller detect_caller(", 1)[1].split("\n}\n", 1)[0]
        real = dict(re.findall(r'^      \{"(\w+)", "\w+", "(\w+)"\},$', body, re.M))
        real.update(re.findall(r'caller\("(\w+)", find\("(\w+)"\)\)', body))
        real.update((kind, "") for kind in re.findall(r'caller\("(\w+)", ""\)', body))
        rows = re.findall(r"^\.It (\w+) Ta (?:Ev (\w+))?", man("jobrun-schedulers.7"), re.M)
        self.assertEqual(real, {kind: name for kind, name in rows if kind != "tick"})

    def test_every_scheduler_of_emit_is_in_the_man_pages_and_the_reverse(self):
        table = read("src/cli/emit.cpp").split("schedulers() {", 1)[1].split("}};", 1)[0]
        real = set(re.findall(r'^      \{"([a-z-]+)",', table, re.M))
        body = next(body for head, body in items(section(man("jobrun.1"), "VERBS")) if "Cm emit" in head)
        named = re.findall(r"^\.Cm ([a-z-]+(?: , [a-z-]+)*)", body.split("The schedulers are", 1)[1], re.M)
        self.assertEqual(real, {word for line in named for word in line.split(" , ")})
        self.assertEqual(real - {"kubernetes-indexed"}, set(re.findall(r"`jobrun emit ([a-z]+) backup ", read("README.md"))))

    def test_operations_of_the_channel_are_in_its_man_page_and_the_reverse(self):
        text = read("src/contract/channel.cpp").split("std::string_view word_of(ChannelOp op)", 1)[1].split("}\n\n", 1)[0]
        real = set(re.findall(r'return "(\w+)";', text))
        page = section(man("jobrun-channel.7"), "OPERATIONS")
        self.assertEqual(real, {head.split()[1] for head, _ in items(page)})

    def test_error_codes_of_the_channel_are_in_its_man_page_and_the_reverse(self):
        real = set()
        for path, text in house.sources("src").items():
            if "error_reply(" in text:
                real |= set(re.findall(r'error_reply\((?!std::)[^"]*?"([a-z_]+)"', text))
        described = {head.split()[1] for head, _ in items(section(man("jobrun-channel.7"), "REFUSALS"))}
        self.assertEqual(real, described)

    def test_states_in_the_schema_equal_those_in_the_code(self):
        text = read("src/contract/states.cpp")
        schema = read("schema.sql")
        for name, table in [("UnitState", "units"), ("AttemptState", "attempts"), ("EffectState", "effects")]:
            with self.subTest(table=table):
                words = re.findall(r'return "(\w+)";', text.split(f"word_of({name} state)", 1)[1].split("\n}", 1)[0])
                body = re.search(rf"CREATE TABLE {table} \((.*?)\n\) STRICT", schema, re.S).group(1)
                check = re.search(r"state\s+TEXT[^,]*?CHECK \(state IN\s*\(([^)]*)\)", body, re.S).group(1)
                self.assertEqual(words, re.findall(r"'(\w+)'", check))

    def test_a_run_counts_every_state_that_a_unit_can_have(self):
        words = re.findall(r'return "(\w+)";',
                           read("src/contract/states.cpp").split("word_of(UnitState state)", 1)[1].split("\n}", 1)[0])
        body = re.search(r"CREATE TABLE runs \((.*?)\n\) STRICT", read("schema.sql"), re.S).group(1)
        self.assertEqual(words, re.findall(r"^  (\w+)\s+INTEGER NOT NULL DEFAULT 0 CHECK", body, re.M))

    def test_tables_and_views_of_the_schema_are_in_the_man_page_and_the_reverse(self):
        real = set(re.findall(r"^CREATE (?:TABLE|VIEW) (\w+)", read("schema.sql"), re.M))
        page = section(man("jobrun-ledger.5"), "TABLES") + section(man("jobrun-ledger.5"), "VIEWS")
        self.assertEqual(real, {head.split()[1] for head, _ in items(page)})

    def test_queries_in_the_man_page_run_on_a_fresh_ledger(self):
        database = sqlite3.connect(":memory:")
        database.executescript(read("schema.sql"))
        blocks = re.findall(r"^\.Bd -literal[^\n]*\n(.*?)^\.Ed", section(man("jobrun-ledger.5"), "QUERIES"), re.S | re.M)
        self.assertGreater(len(blocks), 4)
        for block in blocks:
            with self.subTest(query=block):
                database.execute(block.replace("\\-", "-").replace("\\&", ""))

    @unittest.skipUnless(shutil.which("python3", path="/usr/bin:/usr/local/bin"), "no python3 where jobs find it")
    def test_the_python_job_of_the_man_page_goes_on_from_its_cursor_and_acts_once(self):
        text = re.search(r"^(#!/usr/bin/python3\n.*?)^\.Ed", man("jobrun-channel.7"), re.S | re.M).group(1)
        with Folder() as folder:
            (folder / "steps.py").write_text(text.replace("\\e", "\\").replace("\\&", ""))
            (folder / "steps.json").write_text('{"command": ["python3", "steps.py"]}')
            ledger = folder / "ledger.db"
            self.assertEqual(0, house.jobrun("init", ledger=ledger, jobs=folder).returncode)
            for words in [], ["--again", "--reason", "test"]:
                answer = house.jobrun("steps", "--run-date", "2026-04-12", *words, ledger=ledger, jobs=folder)
                self.assertEqual(0, answer.returncode, answer.stdout + answer.stderr)
            database = sqlite3.connect(ledger)
            self.assertEqual([("mail:2026-04-12:%d" % step, "confirmed", "sent") for step in (1, 2, 3)],
                             database.execute("SELECT key, state, result FROM effects ORDER BY key").fetchall())
            self.assertEqual([("3",)], database.execute("SELECT value FROM cursors").fetchall())
            self.assertEqual([(1, "ok", "3 steps")] * 2,
                             database.execute("SELECT attempts, reason, message FROM units").fetchall())
            database.close()

    def test_the_full_manifest_of_the_man_page_is_accepted(self):
        blocks = re.findall(r"^\.Bd -literal[^\n]*\n(.*?)^\.Ed", section(man("jobrun-manifest.5"), "EXAMPLES"), re.S | re.M)
        self.assertTrue(blocks)
        with Folder() as folder:
            for number, block in enumerate(blocks):
                (folder / f"example_{number}.json").write_text(block.replace("\\e", "\\").replace("\\-", "-").replace("\\&", ""))
            self.assert_accepted(folder)

    def test_manifests_of_the_examples_and_of_shipped_jobs_are_accepted(self):
        with Folder() as folder:
            names = []
            for path in sorted([*(ROOT / "jobs").glob("*.json"), *(ROOT / "examples").rglob("*.json")]):
                text = path.read_text(encoding="utf-8")
                if re.search(r'^\s*"(command|native)":', text, re.M) and not path.name.endswith(".schema.json"):
                    (folder / path.name).write_text(text, encoding="utf-8")
                    names.append(path.stem)
            self.assertIn("invoice_sync", names)
            self.assertEqual(sorted(names), self.assert_accepted(folder))

    def assert_accepted(self, folder):
        answer = house.jobrun("jobs", "--json", jobs=folder)
        self.assertTrue(answer.stdout, answer.stderr)
        jobs = json.loads(answer.stdout)["jobs"]
        self.assert_none([job["faults"] for job in jobs if not job["ok"]])
        self.assertEqual(0, answer.returncode)
        return sorted(job["job"] for job in jobs)

    def test_lines_of_the_example_crontab_do_what_they_say(self):
        with Folder() as folder:
            ledger = folder / "ledger.db"
            self.assertEqual(0, house.jobrun("init", ledger=ledger, jobs=folder).returncode)
            lines = [line for line in read("examples/crontab").splitlines() if re.match(r"[0-9*@]", line)]
            self.assertGreater(len(lines), 2)
            for line in lines:
                with self.subTest(line=line):
                    self.assertNotIn("%", line)
                    command = line.split(None, 1 if line.startswith("@") else 5)[-1]
                    words = shlex.split(command)
                    self.assertEqual("jobrun", words[0])
                    self.assertIn("--quiet", words)
                    if words[1] not in house.verbs():
                        (folder / f"{words[1]}.json").write_text('{"command": ["true"]}')
                    answer = house.jobrun(*words[1:], ledger=ledger, jobs=folder)
                    self.assertEqual((0, "", ""), (answer.returncode, answer.stdout, answer.stderr))

    def test_the_example_crontab_sets_what_cron_lacks(self):
        text = read("examples/crontab")
        for name in ("PATH", "MAILTO"):
            self.assertRegex(text, rf"(?m)^#?{name}=\S+$")
        self.assertRegex(text, r"(?m)^\S+( +\*){4} +jobrun tick --quiet$")

    @unittest.skipUnless(shutil.which("mandoc"), "mandoc is not installed")
    def test_mandoc_finds_nothing_to_say_about_the_man_pages(self):
        for page in PAGES:
            with self.subTest(page=page):
                lint = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", ROOT / "man" / page],
                                      text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
                self.assertEqual((0, ""), (lint.returncode, lint.stdout))

    def test_man_pages_that_are_referred_to_are_there(self):
        found = []
        for page in PAGES:
            for name, number in re.findall(r"\bXr (jobrun[a-z-]*) (\d)", man(page)):
                if f"{name}.{number}" not in PAGES:
                    found.append(f"{page}: {name}({number})")
        for name in ("README.md", "src/README.md"):
            found += [f"{name}: {target}" for target in re.findall(r"\]\(([^)#:]+)\)", read(name))
                      if not (ROOT / name).parent.joinpath(target).exists()]
        self.assert_none(found)

    def test_the_readme_says_where_the_demo_leaves_the_binary(self):
        folders = set(re.findall(r"cmake --build (\S+)", read("examples/demo.sh")))
        self.assertEqual({folder.strip(";}") + "/jobrun" for folder in folders},
                         set(re.findall(r"build/\S*?jobrun", read("README.md"))))

    def test_a_planted_word_is_found(self):
        self.assertTrue(faults_of_call("jobrun config now"))
        self.assertTrue(faults_of_call("jobrun backup --rundate today"))
        self.assertTrue(faults_of_call("jobrun tick --run-date today"))
        self.assertFalse(faults_of_call("jobrun backup --run-date today --quiet"))
        self.assertEqual(["jobrun tick --quiet"], calls("*/5 * * * *  jobrun tick --quiet\n"))


class Folder:
    """A private folder, gone at the end."""

    def __enter__(self):
        self.made = tempfile.TemporaryDirectory()
        return Path(self.made.name)

    def __exit__(self, *_):
        self.made.cleanup()


if __name__ == "__main__":
    unittest.main()
