#!/usr/bin/python3
"""What `emit` writes for schedulers that can't run here, held against what their documentation says about fields and values, by parsers of
the languages they are written in. (systemd, cron and Slurm run for real, see the other files of this folder.)"""
import ast
import json
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.jobrun_case import JobrunCase  # noqa: E402

try:
    import yaml
except ImportError:
    yaml = None

PERSON, AGAIN = [64, 70, 78, 80, 81, 82, 86], [74, 75, 83]
# The fields that are used, as batch/v1 and core/v1 of Kubernetes 1.33 have them (k8s.io/api types.go), and where they are lists.
KUBERNETES = {
    "": {"apiVersion", "kind", "metadata", "spec"},
    "metadata": {"name"},
    "spec": {"schedule", "timeZone", "concurrencyPolicy", "startingDeadlineSeconds", "jobTemplate"},
    "spec.jobTemplate": {"spec"},
    "spec.jobTemplate.spec": {"backoffLimit", "activeDeadlineSeconds", "podFailurePolicy", "template", "completionMode", "completions", "parallelism",
                              "backoffLimitPerIndex", "maxFailedIndexes"},
    "spec.jobTemplate.spec.podFailurePolicy": {"rules"},
    "spec.jobTemplate.spec.podFailurePolicy.rules": {"action", "onExitCodes", "onPodConditions"},
    "spec.jobTemplate.spec.podFailurePolicy.rules.onExitCodes": {"containerName", "operator", "values"},
    "spec.jobTemplate.spec.podFailurePolicy.rules.onPodConditions": {"type"},
    "spec.jobTemplate.spec.template": {"spec"},
    "spec.jobTemplate.spec.template.spec": {"restartPolicy", "terminationGracePeriodSeconds", "containers", "volumes"},
    "spec.jobTemplate.spec.template.spec.containers": {"name", "image", "command", "volumeMounts"},
    "spec.jobTemplate.spec.template.spec.containers.volumeMounts": {"name", "mountPath"},
    "spec.jobTemplate.spec.template.spec.volumes": {"name", "persistentVolumeClaim"},
    "spec.jobTemplate.spec.template.spec.volumes.persistentVolumeClaim": {"claimName"},
}
GITLAB = {"tags", "rules", "script", "timeout", "resource_group", "retry"}
GITLAB_WHEN = {"always", "unknown_failure", "script_failure", "api_failure", "stuck_or_timeout_failure", "runner_system_failure"}
GITHUB_JOB = {"runs-on", "timeout-minutes", "steps"}


def unknown_fields(value, known, path=""):
    if isinstance(value, list):
        return [fault for one in value for fault in unknown_fields(one, known, path)]
    if not isinstance(value, dict):
        return []
    found = [f"{path}.{name}" for name in value if name not in known.get(path, ())]
    return found + [fault for name, one in value.items() for fault in unknown_fields(one, known, f"{path}.{name}".lstrip("."))]


def unbalanced(text):
    """Faults of HCL or Groovy that counting can find: quotes that do not end on their line, brackets that do not match."""
    found, open_ones = [], []
    for number, line in enumerate(text.splitlines(), 1):
        code = re.sub(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'", "", line)
        code = re.sub(r"(#|//).*", "", code)
        if '"' in code or "'" in code:
            found.append(f"{number}: a quote that does not end")
        for sign in code:
            if sign in "([{":
                open_ones.append(sign)
            elif sign in ")]}" and (not open_ones or open_ones.pop() + sign not in ("()", "[]", "{}")):
                found.append(f"{number}: {sign} closes nothing")
    return found + open_ones


class Emitted(JobrunCase):
    def text(self, scheduler, at="daily@02:30", **manifest):
        self.job("nightly_sync", {"command": ["true"], "timezone": "Europe/Berlin", "units": ["a", "b c", "d: {e}"], "parallel": 2, **manifest})
        return self.assert_code(0, self.run_jobrun("emit", scheduler, "nightly_sync", "--at", at, now="2026-01-01T00:00:00Z")).out


@unittest.skipUnless(yaml, "python3-yaml is not installed")
class Yaml(Emitted):
    def load(self, scheduler, **how):
        return yaml.safe_load(self.text(scheduler, **how))

    def cronjob(self, scheduler):
        document = self.load(scheduler)
        self.assertEqual([], unknown_fields(document, KUBERNETES))
        self.assertEqual(("batch/v1", "CronJob"), (document["apiVersion"], document["kind"]))
        self.assertRegex(document["metadata"]["name"], r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")  # RFC 1123, at most 52 for a CronJob
        self.assertLessEqual(len(document["metadata"]["name"]), 52)
        self.assertEqual(5, len(document["spec"]["schedule"].split()))
        self.assertIn(document["spec"]["concurrencyPolicy"], ("Allow", "Forbid", "Replace"))
        self.assertGreaterEqual(document["spec"]["startingDeadlineSeconds"], 10)
        job = document["spec"]["jobTemplate"]["spec"]
        pod = job["template"]["spec"]
        self.assertEqual("Never", pod["restartPolicy"])  # which podFailurePolicy asks for
        self.assertGreater(job["activeDeadlineSeconds"], pod["terminationGracePeriodSeconds"])
        for rule in job["podFailurePolicy"]["rules"]:
            self.assertEqual(1, len({"onExitCodes", "onPodConditions"} & set(rule)))
            if "onExitCodes" in rule:
                codes = rule["onExitCodes"]
                self.assertEqual("In", codes["operator"])
                self.assertEqual(PERSON, codes["values"])
                self.assertEqual(codes["values"], sorted(set(codes["values"]) - {0}))  # ordered, unique, no 0
                self.assertIn(codes["containerName"], [one["name"] for one in pod["containers"]])
        volumes = {one["name"] for one in pod["volumes"]}
        for container in pod["containers"]:
            self.assertTrue(all(isinstance(word, str) for word in container["command"]), container["command"])
            self.assertEqual(volumes, {one["name"] for one in container["volumeMounts"]})
        return job, pod["containers"][0]["command"]

    def test_a_cronjob_has_fields_and_values_that_kubernetes_documents(self):
        job, command = self.cronjob("kubernetes")
        self.assertEqual({"Ignore", "FailJob"}, {rule["action"] for rule in job["podFailurePolicy"]["rules"]})
        self.assertEqual(["jobrun", "nightly_sync", "--run-date", "daily@02:30", "--wait=6h", "--exit-map", "85=0"], command)

    def test_an_indexed_job_has_an_index_for_each_unit(self):
        job, command = self.cronjob("kubernetes-indexed")
        self.assertEqual({"Ignore", "FailIndex"}, {rule["action"] for rule in job["podFailurePolicy"]["rules"]})
        self.assertEqual(("Indexed", 3, 2), (job["completionMode"], job["completions"], job["parallelism"]))
        self.assertNotIn("backoffLimit", job)
        self.assertLessEqual(job["maxFailedIndexes"], job["completions"])
        self.assertEqual(["units", "a", "b c", "d: {e}"], command[3:])

    def test_the_command_of_an_index_names_its_unit(self):
        """Run for real, with an index as Kubernetes sets it and a jobrun that says how it was called."""
        _, command = self.cronjob("kubernetes-indexed")
        self.make_folder("bin")
        self.write("bin/jobrun", '#!/bin/sh\nprintf "%s\\n" "$@"\n', 0o700)
        for index, unit in enumerate(("a", "b c", "d: {e}")):
            said = subprocess.run(command, env={"PATH": self.path("bin") + ":/usr/bin:/bin", "JOB_COMPLETION_INDEX": str(index)},
                                  capture_output=True, text=True, check=True).stdout.splitlines()
            self.assertEqual(["nightly_sync", "--unit", unit, "--run-date", "daily@02:30"], said[:5])

    def test_a_gitlab_job_has_keywords_that_gitlab_documents(self):
        document = self.load("gitlab")
        self.assertEqual(["nightly_sync"], list(document))
        job = document["nightly_sync"]
        self.assertEqual(set(), set(job) - GITLAB)
        self.assertTrue(all(isinstance(line, str) for line in job["script"]))
        self.assertIn(job["retry"]["max"], (0, 1, 2))
        self.assertEqual(AGAIN, job["retry"]["exit_codes"])
        self.assertLessEqual(set(job["retry"]["when"]), GITLAB_WHEN)
        self.assertRegex(job["timeout"], r"^\d+ minutes$")

    def test_a_github_workflow_has_keys_that_github_documents(self):
        document = self.load("github")
        self.assertEqual({"name", True, "concurrency", "jobs"}, set(document))  # `on` is true in YAML 1.1
        self.assertEqual([{"cron": "30 2,3 * * *", "timezone": "Europe/Berlin"}], document[True]["schedule"])
        job = document["jobs"]["run"]
        self.assertEqual(GITHUB_JOB, set(job))
        self.assertIsInstance(job["timeout-minutes"], int)
        for step in job["steps"]:
            self.assertLessEqual(set(step), {"run", "if"})

    def test_a_planted_field_is_found(self):
        document = self.load("kubernetes")
        document["spec"]["jobTemplate"]["spec"]["backOffLimit"] = 4
        self.assertEqual(["spec.jobTemplate.spec.backOffLimit"], unknown_fields(document, KUBERNETES))


class Others(Emitted):
    def test_an_airflow_dag_is_python_that_calls_what_airflow_documents(self):
        tree = ast.parse(self.text("airflow"))
        imports = {(node.module, name.name) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for name in node.names}
        self.assertEqual({("airflow", "DAG"), ("airflow.providers.standard.sensors.bash", "BashSensor")}, imports)
        calls = {node.func.id: {word.arg: word.value for word in node.keywords} for node in ast.walk(tree)
                 if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
        self.assertEqual({"dag_id", "schedule", "start_date", "catchup", "max_active_runs"}, set(calls["DAG"]))
        self.assertEqual({"task_id", "bash_command", "retry_exit_code", "mode", "poke_interval", "timeout", "queue"}, set(calls["BashSensor"]))
        self.assertEqual(75, calls["BashSensor"]["retry_exit_code"].value)

    def test_the_command_of_an_airflow_dag_is_a_shell_line_that_jobrun_takes(self):
        """Jinja's part is filled in as Airflow's filters would."""
        for at, date in (("daily@02:30", "2026-04-12"), ("every@15m", "2026-04-12T02:15:00+00:00")):
            tree = ast.parse(self.text("airflow", at))
            line = next(word.value.value for node in ast.walk(tree) if isinstance(node, ast.Call) for word in node.keywords if word.arg == "bash_command")
            self.assertEqual(1, line.count("{{"))
            self.assert_code(0, self.run_jobrun(*re.sub(r"\{\{.*?\}\}", date, line).split()[1:]))

    def test_a_nomad_job_has_blocks_that_nomad_documents(self):
        text = self.text("nomad")
        self.assertEqual([], unbalanced(text))
        blocks = set(re.findall(r"(?m)^\s*(\w+)(?: \"[^\"]*\")? \{", text))
        self.assertEqual({"job", "periodic", "constraint", "group", "restart", "reschedule", "task", "config"}, blocks)
        args = json.loads(re.search(r"args\s+= (\[.*\])", text).group(1))
        self.assert_code(0, self.run_jobrun(*args))

    def test_a_jenkinsfile_is_balanced_and_its_line_is_one_that_jobrun_takes(self):
        text = self.text("jenkins")
        self.assertEqual([], unbalanced(text))
        self.assert_code(0, self.run_jobrun(*re.search(r"sh 'jobrun (.*)'", text).group(1).split()))

    def test_lines_for_ci_systems_are_ones_that_jobrun_takes(self):
        for scheduler in ("gitlab", "github"):
            line = re.search(r"(?m)^ *- (?:run: )?jobrun (.*)$", self.text(scheduler)).group(1)
            self.assert_code(0, self.run_jobrun(*line.split()))

    def test_what_is_not_balanced_is_found(self):
        self.assertTrue(unbalanced("job {\n"))
        self.assertTrue(unbalanced('x = "a\n'))
        self.assertTrue(unbalanced("f(]"))

    @unittest.skipUnless(shutil.which("shellcheck"), "shellcheck is not installed")
    def test_a_batch_script_is_clean_to_shellcheck(self):
        path = self.write("slurm.sbatch", self.text("slurm"))
        self.assertEqual("", subprocess.run(["shellcheck", path], capture_output=True, text=True, check=False).stdout)


if __name__ == "__main__":
    unittest.main()
