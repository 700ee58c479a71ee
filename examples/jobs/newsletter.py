#!/usr/bin/python3
"""newsletter.sh in Python, without the jobrun binary: it speaks the channel of jobrun-channel(7) itself, with the standard library only.

Each mail is an effect: intended before, confirmed after. Where an earlier attempt was cut off between the two, the outbox is asked.
"""
import json
import os
import socket
import sys

OUTBOX = os.path.join(os.environ.get("JOBRUN_SCRATCH", "/var/lib/newsletter"), "outbox")


class Jobrun:
    """One connection to the jobrun that this process works for. When that is gone nothing can be recorded: the process ends with 75."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(os.environ["JOBRUN_SOCKET"])
        self.lines = self.socket.makefile("r", encoding="utf-8")
        self.last = 0
        self.ask("hello", version=1, run_id=os.environ["JOBRUN_RUN_ID"], unit=os.environ["JOBRUN_UNIT"], attempt=int(os.environ["JOBRUN_ATTEMPT"]))

    def ask(self, op, **members):
        self.last += 1
        try:
            self.socket.sendall((json.dumps({"id": self.last, "op": op, **members}) + "\n").encode())
            line = self.lines.readline()
        except OSError:
            line = ""
        if not line:
            sys.exit(75)
        reply = json.loads(line)
        if not reply["ok"]:
            sys.exit(op + ": " + reply["error"]["message"])
        return reply

    def once(self, key, act, happened):
        """act(token) once, however often it is asked for; happened(token) finds out where nobody knows."""
        effect = self.ask("intend", key=key, if_in_doubt="probe")
        if effect["state"] == "confirmed":
            return
        if effect["state"] == "in_doubt":
            self.ask("result", verdict="stop", reason="effect_in_doubt", message=effect["message"])
            sys.exit(80)
        if effect["state"] == "intended" or not happened(effect["token"]):
            act(effect["token"])
        self.ask("confirm", key=key)


def letter_to(customer):
    def send(token):
        with open(OUTBOX, "a", encoding="utf-8") as outbox:
            outbox.write(f"{token} letter to {customer}\n")
    return send


def is_in_outbox(token):
    try:
        with open(OUTBOX, encoding="utf-8") as outbox:
            return any(line.startswith(token + " ") for line in outbox)
    except FileNotFoundError:
        return False


def main():
    jobrun, date = Jobrun(), os.environ["JOBRUN_RUN_DATE"]
    customers = ("ada", "grace", "linus")
    for number, customer in enumerate(customers, 1):
        jobrun.once(f"letter:{date}:{customer}", letter_to(customer), is_in_outbox)
        jobrun.ask("progress", message="letter to " + customer, fraction=number / len(customers))
    jobrun.ask("checkpoint", cursor=date)
    jobrun.ask("result", verdict="done", message=f"{len(customers)} letters")


if __name__ == "__main__":
    main()
