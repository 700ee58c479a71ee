#!/usr/bin/python3
"""jobrun under a real Slurm, one node: the batch script and the lines of slurm.conf that `emit slurm` writes."""
import os
import pathlib
import socket
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import world  # noqa: E402
from support.world import job, run, runs_of, wait_until  # noqa: E402

if __name__ == "__main__":
    world.enter()

CONF = pathlib.Path("/etc/slurm/slurm.conf")
WHY_NOT = world.missing("munged", "slurmctld-wlm", "slurmd-wlm", "slurmstepd-wlm", "sbatch", "scontrol")
if not WHY_NOT:
    for words in (["munged", "--version"], ["slurmctld-wlm", "-V"], ["slurmd-wlm", "-V"]):
        tried = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
        WHY_NOT = WHY_NOT or (tried.stderr.strip() or f"{words[0]} does not start" if tried.returncode else "")
daemons = []


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def start(*words):
    with open(f"/run/{words[0]}.log", "wb") as log:
        daemons.append(subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log))


def setUpModule():
    if WHY_NOT:
        return
    world.install_for_root()
    host = socket.gethostname().split(".")[0]
    for folder in (CONF.parent, "/var/spool/slurmctld", "/var/spool/slurmd", "/run/munge", "/var/lib/munge", "/var/log/munge", "/etc/munge"):
        os.makedirs(folder, exist_ok=True)
    for name in ("slurmctld", "slurmd", "slurmstepd"):  # as update-alternatives(1) would
        if not os.path.lexists("/usr/sbin/" + name):
            os.symlink(name + "-wlm", "/usr/sbin/" + name)
    key = pathlib.Path("/etc/munge/munge.key")
    key.write_bytes(os.urandom(1024))
    key.chmod(0o600)
    # cred_expire is also how long a job that is put back stays out of the queue; two minutes without it.
    CONF.write_text(f"""ClusterName=test
SlurmctldHost={host}(127.0.0.1)
AuthType=auth/munge
AuthInfo=cred_expire=5
SlurmUser=root
SlurmctldPort={free_port()}
SlurmdPort={free_port()}
StateSaveLocation=/var/spool/slurmctld
SlurmdSpoolDir=/var/spool/slurmd
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SchedulerParameters=sched_interval=1,sched_min_interval=100000
NodeName=batch1 NodeHostname={host} NodeAddr=127.0.0.1 CPUs=1 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES State=UP
""" + run("jobrun", "emit", "slurm"), encoding="utf-8")
    start("munged", "--foreground", "--force")
    wait_until(lambda: os.path.exists("/run/munge/munge.socket.2"), "munged")
    start("slurmctld", "-D")
    start("slurmd", "-D", "-N", "batch1")
    wait_until(lambda: run("sinfo", "--noheader", "--format=%T", check=False).strip() == "idle", "the node")


def tearDownModule():
    for daemon in reversed(daemons):
        daemon.terminate()
        daemon.wait(30)


@unittest.skipIf(WHY_NOT, WHY_NOT)
class Slurm(unittest.TestCase):
    def submit(self, name, script, **manifest):
        job(name, script, **manifest)
        path = pathlib.Path("/run", name + ".sbatch")
        path.write_text(run("jobrun", "emit", "slurm", name, "--at", "daily@00:00"), encoding="utf-8")
        run("sh", "-n", path)
        return run("sbatch", "--parsable", path, cwd="/run").strip()

    def shown(self, number):
        return dict(word.split("=", 1) for word in run("scontrol", "--oneliner", "show", "job", number).split() if "=" in word)

    def test_a_job_that_is_to_be_called_again_goes_back_into_the_queue_until_it_is_done(self):
        number = self.submit("nightly", 'test "$JOBRUN_ATTEMPT" -ge 2 || exit 75', retry={"first_delay": "0s"})
        wait_until(lambda: self.shown(number)["JobState"] == "COMPLETED", "the second start", 120)
        self.assertEqual("1", self.shown(number)["Restarts"])
        attempts = runs_of("nightly")[0]["attempts"]
        self.assertEqual([("retry", "slurm", number), ("done", "slurm", number)], [(one["state"], one["caller"], one["caller_id"]) for one in attempts])

    def test_a_job_that_needs_a_person_is_held_where_squeue_shows_it(self):
        number = self.submit("person", "exit 64")
        wait_until(lambda: self.shown(number)["JobState"] == "SPECIAL_EXIT", "the hold", 120)
        self.assertEqual("JobHeldUser", self.shown(number)["Reason"])
        self.assertEqual(["stop"], [one["state"] for one in runs_of("person")[0]["attempts"]])

    def test_a_cancelled_job_is_interrupted_and_the_next_goes_on(self):
        number = self.submit("long", 'touch $T/begun\ntest "$JOBRUN_ATTEMPT" -ge 2 || exec sleep 1000')
        wait_until(lambda: os.path.exists("/var/lib/jobrun/begun"), "the job", 120)
        run("scancel", number)
        wait_until(lambda: [one["state"] for one in runs_of("long")[0]["attempts"]] == ["interrupted"], "the end of the attempt")
        again = self.submit("long", "true")
        wait_until(lambda: self.shown(again)["JobState"] == "COMPLETED", "the second job", 120)
        self.assertEqual(["interrupted", "done"], [one["state"] for one in runs_of("long")[0]["attempts"]])


if __name__ == "__main__":
    unittest.main()
