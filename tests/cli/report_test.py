#!/usr/bin/python3
"""The report: a page that real browsers open and nothing can break out of, Markdown for a CI summary, JSON; redacted, bounded, and
replaced in one step whatever happens meanwhile."""
import collections
import html.parser
import json
import os
import pathlib
import re
import resource
import shlex
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.browser import Browser, find_chromium  # noqa: E402
from support.jobrun_case import JOBRUN, REPOSITORY, JobrunCase  # noqa: E402

PROGRAM = shlex.quote(JOBRUN)
SYSCALL_POINT = os.environ.get("SYSCALL_POINT", "")
MORNING = "2026-04-13T08:00:00Z"
SCRIPT = "<script>document.title='hacked'</script>"
IMAGE = "\"><img src=x onerror=\"document.title='hacked'\">"
BIDI = "\u202egnp.exe"
HOSTILE = SCRIPT + IMAGE + BIDI + "' onmouseover='x \x1b[31m"
VOID = {"meta", "link", "br", "img", "hr", "input"}


def small_files():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (36_000, 36_000))


class Tree(html.parser.HTMLParser):
    """What a reader of the page's source must find: tags in order, their attributes, the nesting."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.faults = [], [], []
        self.feed(text)
        self.close()
        self.faults += [f"<{tag}> is not closed" for tag in self.open]

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> at {self.getpos()}")

    def all(self, *names):
        return [attributes for tag, attributes in self.tags if tag in names]


class ReportCase(JobrunCase):
    def report(self, *words, code=0, now=MORNING, **how):
        return self.assert_code(code, self.run_jobrun("report", *words, now=now, **how)).out

    def page(self, *words, **how):
        path = self.path("report.html")
        self.report("--html", path, *words, **how)
        return self.read(path)

    def nights(self):
        """Three jobs: one that is well but for two nights that never started, one with a unit that stopped, one in doubt."""
        self.shell_job("backup", "echo saved", owner="ops@example.com", runbook="https://wiki.example.com/backup?a=1&b=2", description="Full backup of the shop's database", period="24h", fresh_within="48h")
        for day in (1, 2, 3, 4, 7, 8, 9, 10, 11, 12):
            self.assert_code(0, self.run_job("backup", date=f"2026-04-{day:02}", now=f"2026-04-{day:02}T01:30:00Z"))
        self.write("message", "token expired for shop_37")
        self.shell_job("sync", f'test "$JOBRUN_UNIT" != shop_37 || {{ echo "401 from the provider"; {PROGRAM} result stop --reason rejected_credentials --message "$(cat $T/message)"; }}',
                       units=["shop_1", "shop_2", "shop_37"], owner="finance@example.com")
        self.assert_code(80, self.run_job("sync", date="2026-04-12", now="2026-04-12T02:00:00Z"))
        self.shell_job("mail", f"{PROGRAM} once mail:customer_7 -- sh -c 'kill -9 $PPID' || exit 80")
        self.assert_code(82, self.run_job("mail", date="2026-04-12", now="2026-04-12T03:00:00Z"))

    def hostile_job(self):
        """A job whose unit, message and output try to leave the page, and a note that would like to be a link."""
        self.write("message", HOSTILE)
        unit = "<b>shop</b> " + BIDI + " \"'`|@root"
        self.job("linked", {"command": ["true"], "runbook": "javascript:alert(1)"})
        self.shell_job("evil", f'cat $T/message; {PROGRAM} result stop --reason broken --message "$(cat $T/message)"', units=[unit, "other"], description=HOSTILE.replace("\x1b", ""),
                       owner="<i>me</i>")
        self.assert_code(80, self.run_job("evil", date="2026-04-12", now="2026-04-12T02:00:00Z"))
        return unit


class Data(ReportCase):
    def test_the_answers_stand_in_the_order_of_the_questions(self):
        self.nights()
        answer = json.loads(self.report("--json"))
        self.assertEqual(answer["schema_version"], 1)
        self.assertRegex(answer["headline"], r"^\d jobs? needs? attention · \d fine")
        self.assertRegex(answer["generated_at"], r"^2026-04-13T08:00:\d\d\.\d{3}Z$")
        sync = next(matter for matter in answer["attention"] if matter["job"] == "sync" and matter["kind"] == "unit")
        self.assertEqual((sync["state"], sync["reason"], sync["unit_names"]), ("stopped", "rejected_credentials", ["shop_37"]))
        self.assertIn("`jobrun retry sync --run-date 2026-04-12 --unit shop_37`", sync["next_action"])
        jobs = {job["job"]: job for job in answer["jobs"]}
        self.assertEqual(jobs["sync"]["latest"]["counts"]["done"], 2)
        self.assertEqual([(one["state"], one["count"]) for one in jobs["sync"]["not_done"]], [("stopped", 1)])
        self.assertEqual(jobs["backup"]["standing"], "fine")
        self.assertEqual(jobs["backup"]["last_success_at"][:10], "2026-04-12")
        self.assertEqual(answer["jobs"][-1]["job"], "backup", "what needs a person stands first")

    def test_the_same_trouble_night_after_night_is_one_matter(self):
        self.shell_job("sync", "test $JOBRUN_UNIT != shop_37 || exit 64\n", units=["shop_1", "shop_37"])
        for day in (9, 10, 11):
            self.assert_code(80, self.run_job("sync", date=f"2026-04-{day:02}", now=f"2026-04-{day:02}T02:00:00Z"))
        matter, = json.loads(self.report("--json"))["attention"]
        self.assertEqual((matter["run_date"], matter["unit_names"], matter["earlier"]), ("2026-04-11", ["shop_37"], 2))
        self.assertIn("`jobrun history sync --state stopped` lists the earlier ones", matter["next_action"])
        self.assertIn("; the same on 2 earlier run dates", self.report("--markdown"))
        self.assertIn("2 earlier run dates", self.page())

    def test_nights_that_never_started_are_seen_in_the_strip(self):
        self.nights()
        backup = next(job for job in json.loads(self.report("--json"))["jobs"] if job["job"] == "backup")
        days = {day["date"]: day["outcome"] for day in backup["days"]}
        self.assertEqual(len(days), 30)
        self.assertEqual(list(days)[-1], "2026-04-13")
        self.assertEqual({date for date, outcome in days.items() if outcome == "missing"}, {"2026-04-05", "2026-04-06"})
        self.assertEqual((days["2026-04-04"], days["2026-03-31"]), ("done", "none"))
        page = self.page()
        self.assertIn("10 done, 2 missing (2026-04-05, 2026-04-06)", page)
        self.assertIn("<title>2026-04-05: missing</title>", page)

    def test_waits_between_attempts_are_not_time_at_work(self):
        self.shell_job("slow", "test -e $T/ready || exit 1", retry={"first_delay": "1h", "jitter": 0})
        self.assert_code(75, self.run_job("slow", now="2026-04-12T02:00:00Z"))
        self.write("ready", "")
        self.assert_code(0, self.run_job("slow", now="2026-04-12T03:10:00Z"))
        slow = json.loads(self.report("--json"))["jobs"][0]
        self.assertLess(slow["last_runs"][0]["busy_ms"], 600_000)
        self.assertEqual({day["outcome"] for day in slow["days"]}, {"none", "retried"})

    def test_one_job_and_how_far_back_can_be_chosen(self):
        self.nights()
        answer = json.loads(self.report("backup", "--json", "--last", "7d"))
        self.assertEqual([job["job"] for job in answer["jobs"]], ["backup"])
        self.assertEqual(len(answer["jobs"][0]["days"]), 7)
        self.assertEqual(answer["attention"], [])
        self.assertEqual({one["run_date"] for one in answer["recent_attempts"]}, {f"2026-04-{day:02}" for day in (7, 8, 9, 10, 11, 12)})
        for words, hint in [(["bakup", "--json"], "did you mean backup?"), (["--json", "--last", "91d"], "between 1d and 90d"), (["--json", "--tz", "Nowhere/City"], "Nowhere/City"), ([], "--html FILE")]:
            with self.subTest(words):
                self.assert_says(self.assert_code(64, self.run_jobrun("report", *words)), hint)

    def test_an_empty_ledger_has_a_report_too(self):
        self.assertIn("No jobs yet", self.report("--markdown"))
        self.assertIn("<h1>No jobs yet</h1>", self.page())
        self.assertEqual(json.loads(self.report("--json"))["jobs"], [])

    def test_a_manifest_with_a_fault_needs_a_person(self):
        self.job("broken", '{"command": ["true"], "retri": {}}')
        answer = json.loads(self.report("--json"))
        self.assertEqual([(matter["kind"], matter["job"]) for matter in answer["attention"]], [("manifest", "broken")])
        self.assertIn("retri", answer["attention"][0]["message"])
        self.assertEqual(answer["headline"], "1 job needs attention")

    def test_times_are_in_one_zone_with_utc_behind_each(self):
        self.nights()
        page = self.page("--tz", "Europe/Berlin")
        self.assertRegex(page, r'Generated <time datetime="2026-04-13T08:00:\d\d\.\d{3}Z" title="2026-04-13 08:00:\d\d UTC">2026-04-13 10:00</time>')
        self.assertIn("Times in Europe/Berlin", page)

    def test_it_says_until_when_it_may_be_trusted(self):
        self.nights()
        self.assertEqual(json.loads(self.report("--json"))["stale_at"][:16], "2026-04-14T08:00")
        self.shell_job("often", "true", period="15m", retry={"window": "10m"})
        self.assertEqual(json.loads(self.report("--json"))["stale_at"][:16], "2026-04-13T08:25", "the period, and the window of its retries")


class Redacted(ReportCase):
    def test_what_a_job_or_a_person_wrote_is_in_none_of_the_forms(self):
        self.nights()
        self.run_jobrun("pause", "backup", "--reason", "waiting for Mrs Miller")
        secrets = ["shop_37", "token expired", "401 from", "customer_7", "Mrs Miller"]
        for form in (["--json"], ["--markdown"], ["--html", "-"]):
            with self.subTest(form):
                whole, text = self.report(*form), self.report(*form, "--redact")
                hidden = [word for word in secrets if word in whole]
                self.assertGreaterEqual(len(hidden), 3, "control: without --redact they are there")
                self.assertEqual([word for word in secrets if word in text], [])
                for word in ("rejected_credentials", "unit 1", "sync", "2026-04-12"):
                    self.assertIn(word, text)
        self.assertEqual([word for word in secrets if word not in self.report("--json")], [])


class Markdown(ReportCase):
    def test_a_summary_for_ci(self):
        self.shell_job("backup", "true", period="24h", fresh_within="48h")
        for day in (10, 12):
            self.assert_code(0, self.run_job("backup", date=f"2026-04-{day}", now=f"2026-04-{day}T01:30:00Z"))
        self.shell_job("sync", 'test "$JOBRUN_UNIT" = a || { echo no; exit 80; }', units=["a", "b", "c|`d"])
        self.assert_code(80, self.run_job("sync", date="2026-04-13", now="2026-04-13T02:00:00Z"))
        text = self.report("--markdown")
        text = re.sub(r"\| \d+ms( / \d+ms)? \|", "| 5ms |", text).replace(self.ledger_path, "LEDGER")
        text = re.sub(r", 6h ago", ", 5h 59m ago", text)
        self.assertEqual(text, self.read(REPOSITORY / "tests" / "cli" / "report_test.md"))

    def test_it_is_written_where_it_is_asked_for(self):
        self.nights()
        out = self.report("--markdown=" + self.path("summary.md"))
        self.assertEqual(out, "")
        self.assertTrue(self.read("summary.md").startswith("## "))

    def test_nothing_from_outside_is_markup_in_it(self):
        self.hostile_job()
        text = self.report("--markdown")
        outside = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", text)
        for word in ("<script", "<img", "onerror", "javascript", "@root", "\u202e", "\x1b"):
            self.assertNotIn(word, outside)
        self.assertNotIn("\u202e", text)


class Source(ReportCase):
    def test_the_page_asks_for_nothing_and_runs_nothing(self):
        self.nights()
        self.hostile_job()
        page = self.page()
        tree = Tree(page)
        self.assertEqual(tree.faults, [])
        policy = next(meta["content"] for meta in tree.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
        self.assertTrue(policy.startswith("default-src 'none'; style-src 'unsafe-inline'"))
        self.assertIn({"name": "robots", "content": "noindex, nofollow"}, tree.all("meta"))
        self.assertEqual(tree.all("script", "img", "iframe", "object", "embed", "form", "base"), [])
        self.assertEqual([name for _, attributes in tree.tags for name in attributes if name.startswith("on") or name in ("src", "style")], [])
        addresses = [attributes["href"] for _, attributes in tree.tags if "href" in attributes]
        self.assertEqual({address for address in addresses if not address.startswith("#")}, {"data:,", "https://wiki.example.com/backup?a=1&b=2"})
        self.assertNotIn("\u202e", page)
        self.assertNotIn("\x1b", page)

    def test_its_parts_can_be_found_without_eyes(self):
        self.nights()
        tree = Tree(self.page())
        names = collections.Counter(tag for tag, _ in tree.tags)
        self.assertEqual([names[tag] for tag in ("header", "main", "footer", "nav", "h1")], [1] * 5)
        self.assertEqual(tree.all("html")[0]["lang"], "en")
        ids = [attributes["id"] for _, attributes in tree.tags if "id" in attributes]
        self.assertEqual(len(ids), len(set(ids)), collections.Counter(ids).most_common(3))
        links = {attributes["href"][1:] for attributes in tree.all("a", "use") if attributes["href"].startswith("#")}
        self.assertEqual(links - set(ids), set())
        self.assertTrue(any(link.startswith("run-") for link in links))
        self.assertTrue(all(cell.get("scope") in ("col", "row") for cell in tree.all("th")))
        levels = [int(attributes.get("aria-level", tag[1:])) for tag, attributes in tree.tags if re.fullmatch(r"h[1-6]", tag) or "aria-level" in attributes]
        self.assertTrue(all(after <= before + 1 for before, after in zip(levels, levels[1:])), levels)
        self.assertTrue(all("aria-label" in svg or svg.get("aria-hidden") == "true" for svg in tree.all("svg")))
        sections = tree.all("section")
        self.assertTrue(sections and all(section["aria-labelledby"] in ids for section in sections))

    @unittest.skipUnless(shutil.which("tidy"), "Debian's package tidy is not installed")
    def test_tidy_finds_nothing_wrong_with_it(self):
        self.nights()
        self.hostile_job()
        self.page()
        done = subprocess.run(["tidy", "-q", "-e", "-utf8", "--drop-empty-elements", "no", self.path("report.html")], capture_output=True, text=True, check=False)
        # A tidy that is older than the roles of ARIA 1.1 or than `color-scheme` has nothing to say about them either.
        self.assertEqual([line for line in done.stderr.splitlines() if "Error" in line or "Warning" in line], [])


class Written(ReportCase):
    def test_the_page_is_not_for_everybody(self):
        self.page()
        self.assertEqual(stat.S_IMODE(os.stat(self.path("report.html")).st_mode), 0o640)

    def test_the_old_page_stays_where_the_new_one_cannot_be_written(self):
        self.nights()
        folder = self.make_folder("public")
        path = os.path.join(folder, "report.html")
        self.write(path, "the old page")
        os.mkdir(os.path.join(folder, "folder"))
        os.symlink("report.html", os.path.join(folder, "link"))
        for target in ("folder", "link"):
            self.assert_says(self.assert_code(78, self.run_jobrun("report", "--html", os.path.join(folder, target))), "is not a regular file")
        self.assert_says(self.assert_code(78, self.run_jobrun("report", "--html", "/dev/full")), "is not a regular file")
        self.assert_code(78, self.run_jobrun("report", "--html", self.path("nowhere/report.html")))
        self.hostile_job()
        self.assertGreater(len(self.page()), 37_000)  # longer than a file may be below
        limited = self.assert_code(78, self.run_jobrun("report", "--html", path, preexec_fn=small_files))
        self.assert_says(limited, "write the report")
        self.assertEqual(self.read(path), "the old page")
        self.assertEqual(sorted(os.listdir(folder)), ["folder", "link", "report.html"])

    def test_standard_output_that_takes_nothing_is_a_fault(self):
        with open("/dev/full", "wb") as full:
            self.assert_code(78, self.run_jobrun("report", "--json", stdout=full))

    @unittest.skipUnless(os.path.exists(SYSCALL_POINT), "SYSCALL_POINT names no built tool")
    def test_at_every_kill_there_is_the_old_page_or_the_new_one(self):
        self.shell_job("backup", "true")
        self.assert_code(0, self.run_job("backup"))
        path = self.path("report.html")
        words = [JOBRUN, "report", "--html", path, "--now", MORNING]
        whole = self.page()
        old = "<!DOCTYPE html>the old page</html>"

        def same(text):
            """Without the milliseconds at which it was made."""
            return re.sub(r"\.\d{3}Z", "", text)

        def kill_at(point):
            self.write(path, old)
            done = subprocess.run([SYSCALL_POINT, "kill", str(point), "--", *words], env=self.environment(), capture_output=True, check=False)
            return done.returncode, self.read(path)

        low, high = 1, 1 << 14  # the last point there is
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if kill_at(middle)[0] == 137 else (low, middle - 1)
        seen = collections.Counter()
        for point in range(max(1, low - 60), low + 1):
            code, text = kill_at(point)
            self.assertIn(code, (137, 99))  # 99: this time it ended some calls earlier
            self.assertTrue(text == old or same(text) == same(whole), f"killed at {point}")
            seen["old" if text == old else "new"] += 1
        self.assertGreater(seen["old"], 0)
        self.assertGreater(seen["new"], 0)


class Bounded(ReportCase):
    def test_ten_thousand_units_make_a_page_that_a_phone_opens(self):
        self.shell_job("big", "true", units=[f"unit_{number}" for number in range(3)])
        self.assert_code(0, self.run_job("big", date="2026-04-12", now="2026-04-12T02:00:00Z"))
        with sqlite3.connect(self.ledger_path) as ledger:
            ledger.execute("INSERT INTO runs (id, job, run_date, run_id, manifest, version, created_at, changed_at) SELECT 100, job, '2026-04-13', 'big:2026-04-13', manifest, version, "
                           "'2026-04-13T02:00:00.000Z', '2026-04-13T02:00:00.000Z' FROM runs LIMIT 1")
            numbers = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) "
            ledger.execute(numbers + "INSERT INTO units (id, run, job, unit, changed_at) SELECT 1000 + i, 100, 'big', 'unit_' || i, '2026-04-13T02:00:00.000Z' FROM n")
            ledger.execute(numbers + "INSERT INTO attempts (unit, number, call, state, started_at, finished_at, reason, message, wall_ms, output_head, output_bytes) SELECT 1000 + i, 1, 1, "
                           "CASE WHEN i % 2 THEN 'done' ELSE 'stop' END, '2026-04-13T02:00:00.000Z', '2026-04-13T02:00:01.000Z', CASE WHEN i % 2 THEN 'ok' ELSE 'exit_80' END, "
                           "'exited', 1000, printf('%.*c', 8000, 'x'), 8000 FROM n")
            ledger.execute("UPDATE units SET attempts = 1, state = CASE WHEN id % 2 THEN 'done' ELSE 'stopped' END, reason = CASE WHEN id % 2 THEN 'ok' ELSE 'exit_80' END, "
                           "message = 'exited', next_action = 'mend the cause' WHERE run = 100")
        page = self.page()
        self.assertLess(len(page), 400_000)
        self.assertIn("5000 done, 5000 stopped", page)
        self.assertIn("5000 units stopped", page)
        self.assertIn("and 4995 more", page)
        self.assertIn("9976 other attempts are left out", page)
        self.assertIn("`jobrun retry big --run-date 2026-04-13`", json.loads(self.report("--json"))["attention"][0]["next_action"])
        self.assertLess(len(self.report("--markdown")), 60_000)


@unittest.skipUnless(find_chromium(), "Debian's package chromium is not installed")
class Opened(ReportCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.close)

    def everything(self):
        self.nights()
        self.hostile_job()
        self.page("--tz", "Europe/Berlin")
        return self.path("report.html")

    def test_what_was_injected_stays_text_and_the_page_logs_nothing(self):
        path = self.everything()
        self.browser.open(path)
        self.assertEqual(self.browser.complaints(), [])
        self.assertRegex(self.browser.value("document.title"), r"^\d jobs? needs? attention · .* - jobrun$")
        headline = json.loads(self.report("--json"))["headline"]
        self.assertEqual(self.browser.value("document.querySelector('h1').innerText").replace("\u00a0", " "), headline)
        self.assertEqual(self.browser.value("document.title"), headline + " - jobrun")
        text = self.browser.value("document.querySelectorAll('details').forEach(d => d.open = true); document.body.innerText")
        for words in (SCRIPT, IMAGE, "<U+202E>gnp.exe", "\\x1b[31m", "<b>shop</b> ", "<i>me</i>", "javascript:alert(1)"):
            self.assertIn(words, text)
        self.assertEqual(self.browser.value("document.querySelectorAll('script, img, body b, body i:not([aria-hidden]), [onerror], [onmouseover]').length"), 0)
        self.assertEqual(self.browser.value("[...document.links].filter(a => !/^(https?|file):/.test(a.href)).length"), 0)

    def test_a_page_that_is_not_escaped_would_be_noticed(self):
        page = self.read(self.everything()).replace(SCRIPT.replace("<", "&lt;").replace(">", "&gt;").replace("'", "&#39;"), SCRIPT)
        self.assertIn(SCRIPT, page)
        self.browser.open(self.write("open.html", page))
        self.assertIn("Content Security Policy", " ".join(self.browser.complaints()))  # and the policy held
        self.browser.open(self.write("open.html", page.replace("Content-Security-Policy", "x-nothing")))
        self.assertEqual(self.browser.value("document.title"), "hacked")

    def test_it_fits_a_phone_and_a_wall_in_light_and_dark(self):
        path = self.everything()
        for width in (360, 768, 1600):
            for dark in (False, True):
                with self.subTest(width=width, dark=dark):
                    self.browser.open(path, width, 900, dark)
                    self.browser.value("document.querySelectorAll('details').forEach(d => d.open = true)")
                    self.assertEqual(self.browser.value("innerWidth"), width)
                    self.assertEqual(self.browser.value("document.documentElement.scrollWidth"), width)
                    self.assertEqual(self.browser.complaints(), [])

    def test_every_text_has_the_contrast_that_aa_asks_for(self):
        path = self.everything()
        grounds = set()
        for dark in (False, True):
            self.browser.open(path, 1280, 900, dark)
            grounds.add(self.browser.value("getComputedStyle(document.body).backgroundColor"))
            self.assertEqual(json.loads(self.browser.value(CONTRASTS)), [])
        self.assertEqual(len(grounds), 2, "there are two palettes")
        self.browser.value("document.querySelector('h1').style.color = getComputedStyle(document.body).backgroundColor")
        self.assertNotEqual(json.loads(self.browser.value(CONTRASTS)), [], "control: a headline in the colour of its ground is found")

    def test_a_link_to_a_run_opens_it(self):
        path = self.everything()
        run = re.search(r'<a href="#(run-\d+)"', self.read(path)).group(1)
        self.browser.open(path + "#" + run)
        self.assertTrue(self.browser.value(f"document.getElementById('{run}').closest('details').open"))
        self.assertGreater(self.browser.value(f"document.getElementById('{run}').getBoundingClientRect().height"), 0)


# Texts whose colour is too near to what lies behind them (WCAG 2.1, 1.4.3): 4.5, or 3 for large ones.
CONTRASTS = """(() => {
  document.querySelectorAll('details').forEach(d => d.open = true);
  const rgb = c => c.match(/[\\d.]+/g).map(Number);
  const light = c => { const [r, g, b] = c.map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b; };
  const behind = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c.length == 3 || c[3] == 1) return c.slice(0, 3); } return [255, 255, 255]; };
  const found = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || e.closest('svg, style')) continue;
    const style = getComputedStyle(e), a = light(rgb(style.color).slice(0, 3)), b = light(behind(e));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05), large = parseFloat(style.fontSize) >= 24;
    if (ratio < (large ? 3 : 4.5)) found.push([walk.currentNode.data.trim().slice(0, 30), style.color, ratio.toFixed(2)]);
  }
  return JSON.stringify(found.slice(0, 10));
})()"""


if __name__ == "__main__":
    unittest.main()
