"""What bash, zsh and fish offer behind `jobrun`, asked of the shells themselves."""

import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.jobrun_case import JOBRUN, JobrunCase

# Types a line into a real, interactive zsh and prints what it lists: zpty has a terminal of its own.
ZSH = r'''
zmodload zsh/zpty || exit 77
zpty shell env TERM=dumb COLUMNS=200 zsh -f -i
send() { zpty -w shell "$1" }
send "PROMPT= RPROMPT= PS2= ; unsetopt zle_bracketed_paste 2>/dev/null; autoload -Uz compinit && compinit -u -D -d $T/zcompdump"
send "PATH=$PATH; source $T/_jobrun"
# Every word that is offered, on a line of its own, instead of a menu.
send 'compadd() { local -a hits; builtin compadd -O hits "$@"; print -rl -- "${(@)hits/#/offer=}"; builtin compadd "$@" }'
send 'zle -C list complete-word _main_complete; show() { zle list; print -r -- "the"-"end"; exit }; zle -N show; bindkey "^X" show; print ready-"now"'
while zpty -r shell line; do [[ $line == *ready-now* ]] && break; done
zpty -n -w shell "$LINE"$'\x18'
while zpty -r shell line; do
  [[ $line == *the-end* ]] && break
  print -rn -- "$line"
done
zpty -d shell
'''

BASH = r'''
source "$T/bash"
COMP_LINE=$LINE COMP_POINT=${#LINE} COMP_TYPE=9 COMP_KEY=9 COMP_WORDS=(jobrun) COMP_CWORD=1
compopt() { echo ":files"; }
_jobrun
printf '%s\n' "${COMPREPLY[@]}"
'''


class Completion(JobrunCase):
    shell = None

    def setUp(self):
        super().setUp()
        if self.shell is None:
            self.skipTest("the cases are in the shells' own classes")
        if shutil.which(self.shell) is None:
            self.skipTest(f"{self.shell} is not installed")
        bin_folder = self.make_folder("bin")
        os.symlink(JOBRUN, bin_folder + "/jobrun")
        for shell, name in ("bash", "bash"), ("zsh", "_jobrun"), ("fish", "fish"):
            self.write(name, self.assert_code(0, self.run_jobrun("completion", shell)).out)
        self.shell_job("invoice_sync", "true", units=["customer_1", "customer_37", "a b"])
        self.shell_job("backup", "true")
        self.assert_code(0, self.run_job("invoice_sync", "--run-id", "nightly:2026-04-12"))
        self.assert_code(0, self.run_job("backup", date="2026-04-13"))

    def offered(self, line):
        """The words that the shell offers where `line` ends."""
        environment = self.environment({"T": self.folder, "LINE": line, "HOME": self.folder, "TERM": "dumb"})
        environment["PATH"] = f"{self.folder}/bin:{environment['PATH']}"
        done = subprocess.run(self.command(line), env=environment, capture_output=True, stdin=subprocess.DEVNULL, timeout=60,
                              cwd=self.folder, check=False)
        if done.returncode == 77:
            self.skipTest(f"{self.shell} lacks what is needed to ask it")
        out = done.stdout.decode("utf-8", "replace").replace("\r", "\n")
        self.assertEqual("", done.stderr.decode("utf-8", "replace"))
        return self.words(out)

    def assert_offers(self, line, *words):
        offered = self.offered(line)
        for word in words:
            self.assertIn(word, offered, f"behind {line!r}")
        return offered

    def check_all(self):
        first = self.assert_offers("jobrun ", "status", "ledger", "invoice_sync", "backup")
        self.assertNotIn("--json", first)
        self.assertEqual(["status"], self.offered("jobrun stat"))
        self.assertEqual(["invoice_sync"], self.offered("jobrun invo"))
        self.assertEqual(["--run-date", "--run-id"], sorted(self.offered("jobrun invoice_sync --run-")))
        self.assertEqual(["customer_1", "customer_37"], sorted(self.offered("jobrun retry invoice_sync --unit cust")))
        self.assert_offers("jobrun show ", "nightly:2026-04-12", "backup:2026-04-13", "backup")
        self.assertEqual(["confirm"], self.offered("jobrun effects con"))
        self.assertEqual(["backup", "check", "restore"], sorted(self.offered("jobrun ledger ")))
        self.assertEqual(["bash", "fish", "zsh"], sorted(self.offered("jobrun completion ")))
        self.assert_offers("jobrun backup --run-date ", "today", "2026-04-13")
        self.assertEqual(["probe"], self.offered("jobrun once key --if-in-doubt pr"))
        self.assertEqual([], self.offered("jobrun nothing_like_it_at_a"))


class Bash(Completion):
    shell = "bash"

    def command(self, line):
        return ["bash", "--norc", "-c", BASH]

    def words(self, out):
        return [" ".join(shlex.split(line)) for line in out.splitlines() if line and line != ":files"]

    def test_it_offers_verbs_options_and_what_the_ledger_knows(self):
        self.check_all()
        # It completes what stands behind the last colon or equals sign.
        self.assertEqual(["2026-04-12"], self.offered("jobrun show nightly:20"))
        self.assertEqual(["a b"], self.offered("jobrun retry invoice_sync --unit a"))
        self.assertEqual(["today"], self.offered("jobrun backup --run-date=tod"))

    def test_a_ledger_that_is_not_there_is_no_noise(self):
        os.remove(self.ledger_path)
        self.assertEqual(["invoice_sync"], self.offered("jobrun invo"))
        self.assertEqual([], self.offered("jobrun retry invoice_sync --unit cust"))


class Zsh(Completion):
    shell = "zsh"

    def command(self, line):
        return ["zsh", "-f", "-c", ZSH]

    def words(self, out):
        return list(dict.fromkeys(re.findall(r"offer=([^\n]+)", out)))

    def test_it_offers_verbs_options_and_what_the_ledger_knows(self):
        self.need_terminals()
        self.check_all()


class Fish(Completion):
    shell = "fish"

    def command(self, line):
        return ["fish", "--no-config", "-c", f"source {self.folder}/fish; complete -C (printenv LINE)"]

    def words(self, out):
        return [line.split("\t")[0] for line in out.splitlines() if line]

    def test_it_offers_verbs_options_and_what_the_ledger_knows(self):
        self.check_all()


class Hidden(JobrunCase):
    def test_it_never_fails_and_never_speaks_of_a_fault(self):
        for words in [], [""], ["show"], ["--ledger", "/none/at/all", ""], ["run", "--ledger", "/none", "--unit", ""], ["\x1b[31m"]:
            answer = self.run_jobrun("__complete", *words, env={"JOBRUN_LEDGER": "/none", "JOBRUN_JOBS": "/none", "HOME": None})
            self.assertEqual((0, ""), (answer.code, answer.err))

    def test_every_verb_and_every_option_is_offered_with_its_help(self):
        sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "house"))
        import house
        offered = dict(line.split("\t") for line in self.run_jobrun("__complete", "").out.splitlines())
        self.assertLessEqual(set(house.verbs()), set(offered))
        for verb in house.verbs():
            lines = self.run_jobrun("__complete", verb, "--").out.splitlines()
            self.assertLessEqual(house.options(verb), {line.split("\t")[0] for line in lines} | {"--version"})

    def test_emit_offers_schedulers_jobs_and_times(self):
        self.shell_job("a", "true")
        for words, offered in [(["cr"], ["cron"]), (["kuber"], ["kubernetes", "kubernetes-indexed"]), (["cron", ""], ["a"]), (["cron", "a", "--at", "d"], ["daily@02:00"])]:
            self.assertEqual(offered, [line.split("\t")[0] for line in self.run_jobrun("__complete", "emit", *words).out.splitlines()])

    def test_names_with_what_a_terminal_must_not_see_are_left_out(self):
        self.shell_job("a", "true", units=["plain", "bidi\u202e"])
        self.run_job("a")
        self.assertEqual("plain\tunit\n", self.run_jobrun("__complete", "retry", "a", "--unit", "").out)

    def test_another_shell_is_refused(self):
        self.assert_code(64, self.run_jobrun("completion", "tcsh"))


if __name__ == "__main__":
    unittest.main()
