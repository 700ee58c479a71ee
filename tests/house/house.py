"""What the tests of the house share: the tree, C++ taken apart into code and literals, the words of the binary.

It reads text only; no compiler and no package beyond the standard library is needed.
"""
import functools
import json
import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
JOBRUN = os.path.abspath(os.environ.get("JOBRUN", ROOT / "build" / "jobrun"))

TOKEN = re.compile(
    r'(?P<comment>//[^\n]*|/\*.*?\*/)'
    r'|R"(?P<mark>[^(\s]*)\((?P<raw>.*?)\)(?P=mark)"'
    r'|"(?P<text>(?:[^"\\\n]|\\.)*)"'
    r"|(?<![0-9A-Fa-f])'(?:[^'\\\n]|\\.)+'", re.S)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)', re.M)


def sources(*folders, endings=(".cpp", ".hpp")):
    """{path below ROOT: text} of the C++ files in these folders."""
    found = {}
    for folder in folders or ("src", "jobs"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in endings and path.is_file():
                found[path.relative_to(ROOT).as_posix()] = path.read_text(encoding="utf-8")
    return found


def blank(match):
    return re.sub(r"[^\n]", " ", match.group(0))


def code(text):
    """The text with comments, string and character literals blanked; lines and columns stay."""
    return TOKEN.sub(blank, text)


def literals(text):
    """(line, content) of every string literal; neighbours that the compiler joins are joined."""
    found, end = [], None
    for match in TOKEN.finditer(text):
        content = match.group("raw") if match.group("raw") is not None else match.group("text")
        if match.group("comment") is not None:
            continue
        if content is None:
            end = None
            continue
        line = text.count("\n", 0, match.start()) + 1
        if text[text.rfind("\n", 0, match.start()) + 1:match.start()].lstrip().startswith("#"):
            continue  # an include
        if end is not None and not text[end:match.start()].strip():
            found[-1] = (found[-1][0], found[-1][1] + content)
        else:
            found.append((line, content))
        end = match.end()
    return found


def includes(text):
    """(line, path, is_quoted) of every include."""
    return [(text.count("\n", 0, m.start()) + 1, m.group(1) or m.group(2), m.group(1) is not None)
            for m in INCLUDE.finditer(TOKEN.sub(lambda m: blank(m) if m.group("comment") else m.group(0), text))]


def matches(pattern, files, strip=code):
    """"path:line: what" for every match of `pattern`."""
    found = []
    for path, text in files.items():
        stripped = strip(text)
        for match in re.finditer(pattern, stripped):
            line = stripped.count("\n", 0, match.start()) + 1
            found.append(f"{path}:{line}: {match.group(0).strip()}")
    return found


def listed(faults):
    return "\n" + "\n".join(faults)


def jobrun(*words, ledger=None, jobs=None, stdin="", environment=None):
    """Runs the binary with an environment of its own; the completed process."""
    clean = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
    if ledger:
        clean["JOBRUN_LEDGER"] = str(ledger)
    if jobs:
        clean["JOBRUN_JOBS"] = str(jobs)
    return subprocess.run([JOBRUN, *words], input=stdin, env={**clean, **(environment or {})}, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, check=False)


@functools.cache
def overview():
    answer = jobrun("--help")
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


@functools.cache
def verbs():
    """{verb: summary} in the order of the help."""
    block = overview().split("\nexit codes:\n", 1)[0].split("\n\n", 2)[2]
    return dict(re.findall(r"^  (\S+) +(.*)", block, re.MULTILINE))


@functools.cache
def exit_table():
    """[(code, word, advice)] as the help has it."""
    block = overview().split("exit codes:\n", 1)[1].split("\n\n", 1)[0]
    rows = [re.match(r" +(\d+)  (\S+) +(.*)", line) for line in block.splitlines()]
    return [(int(row.group(1)), row.group(2), row.group(3)) for row in rows]


@functools.cache
def options(verb):
    """The options of a verb's own help."""
    answer = jobrun(verb, "--help")
    assert answer.returncode == 0, answer.stderr
    return frozenset(re.findall(r"^  (?:-[a-z], )?(--[a-z-]+)", answer.stdout, re.M))


@functools.cache
def reserved_words():
    """Words that can't name a job, whether this jobrun has the verb or not."""
    text = (ROOT / "src/contract/envelope.cpp").read_text(encoding="utf-8")
    body = text.split("reserved_words() {", 1)[1].split("return words;", 1)[0]
    return frozenset(content for _, joined in [(0, re.sub(r"//[^\n]*", "", body))]
                     for content in re.findall(r'"([a-z_]+)"', joined))


def section(page, name):
    """The mdoc source of one section."""
    found = re.search(r"^\.Sh " + re.escape(name) + r"\n(.*?)(?=^\.Sh |\Z)", page, re.S | re.M)
    return found.group(1) if found else ""


def man(name):
    return (ROOT / "man" / name).read_text(encoding="utf-8")


def plain(page):
    """Words of mdoc source without macros: good enough to look for a sentence."""
    text = re.sub(r'^\.\\".*$', "", page, flags=re.M)
    text = re.sub(r"^\.(?:[A-Z][a-z]\b)?", "", text, flags=re.M)
    text = re.sub(r"\b(?:Fl|Ar|Cm|Ql|Pa|Ev|Dq|Li|Ic|Xr|Sy|Em|Op|Oo|Oc)\b ?", "", text)
    return squeeze(text.replace("\\&", "").replace("\\(aq", "'").replace("\\-", "-"))


def squeeze(text):
    return re.sub(r"\s+([,.;:)])", r"\1", re.sub(r"\s+", " ", text))


def schema_keys():
    """{where: keys} of the JSON Schema of manifests: at the top ('') and in its objects and outcomes."""
    schema = json.loads((ROOT / "examples/job.schema.json").read_text(encoding="utf-8"))
    top = schema["properties"]
    return {"": set(top), "outcomes": set(schema["definitions"]["outcome"]["properties"]),
            "alerts": set(schema["definitions"]["alert"]["properties"]),
            **{name: set(top[name]["properties"]) for name in ("retry", "output", "http", "success", "pings")}}
