#!/usr/bin/python3
"""Power cuts: what a disk may hold when the power goes, and whether jobrun goes on from there.

One call is recorded with strace(1): every write, every fsync, every name that comes or goes, in the order of their ends. A cut
falls behind any of these events. What was synced before it is on the disk; what was not may be there or not, each sector of
512 bytes by itself, a new file's name only once its folder was synced. So there are many images of one cut: none of what is
unsynced, all of it, and random parts. The outside world (an act of the job) is another machine's: it is never taken back.
Shared memory (-shm) does not outlive a cut, nor does a socket.

The real binary is then called on every image until it answers 0, as harness.py does after a kill, and by the same laws.

The model is POSIX's, which is harsher than ext4: it knows no ordering of writes without fsync(2). It knows no disk that lies
about having written, and no sector half written.

By hand, as a failure prints it:
  python3 tests/crash/power.py SCENARIO CUT WAY      WAY: none, all, or a number for a random part
"""

import collections
import dataclasses
import hashlib
import os
import random
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness  # noqa: E402

SECTOR = 512
TRACED = "openat,write,pwrite64,fsync,fdatasync,ftruncate,fallocate,rename,renameat2,unlink,unlinkat,mkdir,link"
VOLATILE = ("-shm",)

# what: write (offset and data), append (data), size and grow (length), sync, make, remove, move and link (to), act (a line), said
Event = collections.namedtuple("Event", "what name detail")


# --- recording ----------------------------------------------------------------------------------------------------


def plain(text):
    """strace's \\x.. of -xx, which it writes for every byte."""
    return bytes.fromhex(text.replace("\\x", ""))


def whole_lines(trace):
    """Calls that strace tells in two parts, because another process came between, joined where they end."""
    begun = {}
    for line in trace.splitlines():
        pid, _, text = line.partition(" ")
        text = text.strip()
        if text.endswith("<unfinished ...>"):
            begun[pid] = text.removesuffix("<unfinished ...>")
            continue
        if resumed := re.match(r"<\.\.\. \w+ resumed>(.*)", text):
            text = begun.pop(pid) + resumed[1]
        yield text


def record(place, words, image):
    """The events of one call, which must answer 0 or 75."""
    place.reset(image)
    trace = os.path.join(place.tools.folder, "trace")
    made = place.run(["strace", "-f", "-y", "-xx", "-s", "1000000", "-e", "signal=none", "-e", f"trace={TRACED}", "-o", trace, *words])
    if made.code not in (0, 75):
        raise RuntimeError(f"the recorded call answered {made.code}: {made.err[-500:]}")
    with open(trace, encoding="ascii") as file:
        calls = list(whole_lines(file.read()))
    os.unlink(trace)

    def within(path):
        """The name inside of the place, which is the disk; None where it is elsewhere or does not outlive a cut."""
        if not path.startswith(("/", "../")):
            return None  # a pipe, a socket
        name = os.path.relpath(os.path.join(place.root, "jobs", path), place.root)  # the job says ../outside
        return None if name.startswith(("..", "state/ledger.db.run/")) or name.endswith(VOLATILE) else name

    events, names = [], set(image)
    for text in calls:
        call = re.match(r"(\w+)\((.*)\)\s+= (-?\d+)", text)
        if call is None or int(call[3]) < 0:
            continue
        what = call[1]
        strings = [plain(one) for one in re.findall(r'"((?:\\x[0-9a-f]{2})*)"', call[2])]
        last_number = re.findall(r", (\d+)", re.sub(r'"[^"]*"', '""', call[2]))[-1:]
        opened = re.match(r"\d+<((?:\\x[0-9a-f]{2})*)", call[2])
        if opened:
            name = within(plain(opened[1]).decode(errors="replace"))
            if what == "write" and name == "outside":
                events.append(Event("act", name, strings[0]))
            elif what == "write" and re.search(rb": \d+ done, run", strings[0]):
                events.append(Event("said", "", None))
            elif name is None or name == "outside":
                continue
            elif what in ("fsync", "fdatasync"):
                events.append(Event("sync", name, None))
            elif what == "ftruncate":
                events.append(Event("size", name, int(last_number[0])))
            elif what == "fallocate":
                events.append(Event("grow", name, sum(map(int, re.findall(r", (\d+)", call[2])[-2:]))))
            elif what == "pwrite64":
                events.append(Event("write", name, (int(last_number[0]), strings[0])))
            else:
                events.append(Event("append", name, strings[0]))
            continue
        paths = [within(one.decode(errors="replace")) for one in strings]
        if not paths or None in paths or "outside" in paths:
            continue
        if what == "openat" and "O_CREAT" in call[2] and paths[0] not in names:
            names.add(paths[0])
            events.append(Event("make", paths[0], None))
        elif what.startswith("unlink") and paths[0] in names:
            names.discard(paths[0])
            events.append(Event("remove", paths[0], None))
        elif what.startswith("rename") or what == "link":
            names.add(paths[1])
            events.append(Event("link" if what == "link" else "move", paths[0], paths[1]))
    return events


# --- the disk -----------------------------------------------------------------------------------------------------


class File:
    def __init__(self, content=b""):
        self.durable, self.pending = bytearray(content), []

    def sync(self):
        self.durable, self.pending = self.content(lambda: True), []

    def content(self, lands):
        """`lands`: asked for each size and each sector that is pending."""
        content = bytearray(self.durable)
        for offset, data in self.pending:
            if data is None:
                if lands():
                    content[offset:] = bytes(max(0, offset - len(content)))
                continue
            for begin in range(offset - offset % SECTOR, offset + len(data), SECTOR):
                low, high = max(begin, offset), min(begin + SECTOR, offset + len(data))
                if lands():
                    content.extend(bytes(max(0, high - len(content))))
                    content[low:high] = data[low - offset:high - offset]
        return content

    def length(self):
        return len(self.content(lambda: True))


class Disk:
    """What is durable and what is not, after the events that `play` was told."""

    def __init__(self, image):
        self.files = {name: File(content) for name, content in image.items() if not name.endswith(VOLATILE)}
        self.durable_names, self.pending_names = dict(self.files), []
        self.acts, self.said = b"", False

    def play(self, event):
        what, name, detail = event
        if what == "act":
            self.acts += detail
        elif what == "said":
            self.said = True
        elif what == "make":
            self.files[name] = File()
            self.pending_names.append((name, self.files[name]))
        elif what == "remove":
            del self.files[name]
            self.pending_names.append((name, None))
        elif what in ("move", "link"):
            self.files[detail] = self.files[name]
            self.pending_names.append((detail, self.files[name]))
            if what == "move":
                del self.files[name]
                self.pending_names.append((name, None))
        elif what == "sync":
            if name not in self.files:  # a folder
                kept = [one for one in self.pending_names if os.path.dirname(one[0]) != name]
                self.durable_names = self.names(lambda one: os.path.dirname(one) == name)
                self.pending_names = kept
            else:
                self.files[name].sync()
        elif what == "size" or (what == "grow" and detail > self.files[name].length()):
            self.files[name].pending.append((detail, None))
        elif what == "write":
            self.files[name].pending.append(detail)
        elif what == "append":
            self.files[name].pending.append((self.files[name].length(), detail))

    def names(self, lands):
        names = dict(self.durable_names)
        for name, file in self.pending_names:
            if lands(name):
                names[name] = file
        return {name: file for name, file in names.items() if file is not None}

    def image(self, way):
        """`way`: "none", "all", or the number of a random part."""
        chance = random.Random(way)
        lands = {"none": lambda *_: False, "all": lambda *_: True}.get(way, lambda *_: chance.random() < 0.5)
        image = {name: bytes(file.content(lands)) for name, file in self.names(lands).items()}
        if self.acts:
            image["outside"] = self.acts
        return image


# The wrong twins: calls that sync less. With synchronous=OFF nothing; with NORMAL the WAL only before what is in it goes to the ledger.
def without_syncs(events):
    return [event for event in events if event.what != "sync" or not event.name.startswith("state/ledger.db")]


def without_syncs_between_checkpoints(events):
    kept = []
    for number, event in enumerate(events):
        after = next((one for one in events[number + 1:] if one.what in ("write", "sync")), None)
        if event.what != "sync" or not event.name.endswith("-wal") or (after and after.name == "state/ledger.db"):
            kept.append(event)
    return kept


# --- one image ----------------------------------------------------------------------------------------------------

INIT = "init"  # the call that makes the ledger; a first run follows
FIRST = harness.BY_NAME["first_run"]
RECORDED = {}  # scenario name: (image before the call, events)
SYNCS = {"all": list, "nothing": without_syncs, "checkpoints": without_syncs_between_checkpoints}


def recorded(name, syncs):
    image, events = RECORDED[name]
    return image, SYNCS[syncs](events)


def images(name, ways, syncs="all"):
    """(cut, way) of every image of a recorded call that differs from those before."""
    image, events = recorded(name, syncs)
    seen, disk = set(), Disk(image)
    for cut, event in enumerate([None, *events]):
        if event:
            disk.play(event)
        for way in ways:
            found = disk.image(way)
            key = hashlib.sha256(repr((disk.said, sorted(found.items()))).encode()).digest()
            if key not in seen:
                seen.add(key)
                yield cut, way


def play_cut(place, name, cut, way, syncs="all", verbose=False):
    image, events = recorded(name, syncs)
    disk = Disk(image)
    for event in events[:cut]:
        disk.play(event)
    scenario = dataclasses.replace(harness.BY_NAME.get(name, FIRST), image=disk.image(way))

    def steps(player):
        player.outcome.reached = True
        player.said_done = disk.said
        if name == INIT:
            made = place.call("init")
            player.tell(f"  init: {made.code} {made.out} {made.err}")
            player.outcome.faults += harness.faults_of_the_answer(made, (0,))
        else:
            player.check()
        player.end()

    player = harness.Player(place, scenario, verbose)
    player.outcome.name = f"power {name} {cut} {way}"
    return player.play(steps)


harness.KINDS["power"] = play_cut


def prepare(tools, names):
    harness.prepare(tools, [harness.BY_NAME.get(name, FIRST) for name in names])
    place = harness.Place(tools, "recorded")
    for name in names:
        image = harness.BY_NAME.get(name, FIRST).image
        if name == INIT:
            image = {file: content for file, content in image.items() if not file.startswith("state/")}
        RECORDED[name] = (image, record(place, place.command(*([INIT] if name == INIT else [])), image))


def main(words):
    if len(words) != 3 or words[0] not in (*harness.BY_NAME, INIT):
        print(__doc__)
        return 64
    tools = harness.Tools()
    try:
        prepare(tools, [words[0]])
        events = RECORDED[words[0]][1]
        for number, event in enumerate(events[:int(words[1])], 1):
            print(f"{number:4} {event.what} {event.name} {event.detail if isinstance(event.detail, (int, str)) else ''}")
        way = words[2] if words[2] in ("none", "all") else int(words[2])
        outcome = play_cut(harness.Place(tools, "w"), words[0], int(words[1]), way, verbose=True)
    finally:
        tools.close()
    return harness.tell_end(outcome)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
