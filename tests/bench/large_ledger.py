"""Ledgers of any size, as years of use would leave them: a wide job whose runs have many units, and twenty small ones.

fill(path, attempts) writes rows into a new ledger (`jobrun init` made it) so that it has that many attempts. A hundredth of the wide job's
units failed once before they were done; in its latest run a hundredth stands. Small jobs run daily. The last run is of LAST_NIGHT.
"""
import contextlib
import datetime
import sqlite3
import sys

LAST_NIGHT = datetime.date(2026, 4, 12)
SMALL_JOBS = 20
STAND = {"stopped": "mend the cause, then `jobrun retry wide --run-date {date} --unit {unit}`"}


def stamp(date, seconds):
    return f"{date}T{2 + seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.000Z"


class Filler:
    def __init__(self, database):
        self.database = database
        self.run = self.unit = self.attempt = self.call = 0

    def add_run(self, job, date, units, standing):
        """One run; every hundredth unit needed two attempts, the first `standing` of them stand. Answers how many attempts it made."""
        self.run += 1
        self.call += 1
        began, ended = stamp(date, 0), stamp(date, 900)
        run_id = f"{job}:{date}"
        self.database.execute("insert into calls values (?, ?, ?, 'cron', '', 'host', 4121, 'boot', '0')", (self.call, began, run_id))
        self.database.execute("insert into runs (id, job, run_date, run_id, manifest, version, created_at, changed_at, done, stopped)"
                              " values (?, ?, ?, ?, 1, '0', ?, ?, ?, ?)",
                              (self.run, job, str(date), run_id, began, ended, len(units) - standing, standing))
        unit_rows, attempt_rows = [], []
        for number, unit in enumerate(units):
            self.unit += 1
            stands, twice = number < standing, number % 100 == 7
            attempts = 2 if twice else 1
            reason, message = ("exit_80", "exited with 80") if stands else ("ok", None)
            step = STAND["stopped"].format(date=date, unit=unit) if stands else None
            unit_rows.append((self.unit, self.run, job, unit, "stopped" if stands else "done", attempts, attempts, began, reason, message, step, ended))
            for n in range(1, attempts + 1):
                self.attempt += 1
                last = n == attempts
                state, why = ("stop", reason) if last and stands else ("done", "ok") if last else ("retry", "http_503")
                attempt_rows.append((self.attempt, self.unit, n, self.call, state, began, ended, why, message, 0 if state == "done" else 1, 1200, 300, 9000, step if last else None, "read 12 records\n"))
        self.database.executemany("insert into units (id, run, job, unit, state, attempts, counted, window_start, reason, message, next_action, changed_at)"
                                  " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", unit_rows)
        self.database.executemany("insert into attempts (id, unit, number, call, state, started_at, finished_at, reason, message, exit_code, wall_ms, cpu_ms, peak_kib,"
                                  " next_action, output_head) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", attempt_rows)
        return len(attempt_rows)


def fill(path, attempts, width=None):
    """`width`: units of the wide job; a tenth of the attempts and at most 10,000 where it is left out."""
    width = width or min(10_000, attempts // 10)
    nights = max(1, attempts // (width * 101 // 100 + SMALL_JOBS * 5))
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        triggers = [row[0] for row in database.execute("select sql from sqlite_schema where type = 'trigger'")]
        names = [row[0] for row in database.execute("select name from sqlite_schema where type = 'trigger'")]
        database.execute("pragma synchronous = off")
        database.execute("pragma cache_size = -500000")
        database.execute("begin")
        for name in names:  # they would count every row again
            database.execute(f"drop trigger {name}")
        database.execute("insert into manifests values (1, 'wide', 'hash', '{}')")
        filler = Filler(database)
        units = [f"customer_{number}" for number in range(width)]
        made = 0
        in_nights = nights * (width + sum(number % 100 == 7 for number in range(width)) + SMALL_JOBS + 4)
        for day in range(attempts - in_nights, 0, -1):  # the rest: a small job that is older than all the others
            made += filler.add_run("small_1", LAST_NIGHT - datetime.timedelta(days=nights - 1 + day), ["-"], 0)
        for night in range(nights - 1, -1, -1):
            date = LAST_NIGHT - datetime.timedelta(days=night)
            for number in range(SMALL_JOBS):
                made += filler.add_run(f"small_{number}", date, ["-"] if number else ["a", "b", "c", "d", "e"], 0)
            made += filler.add_run("wide", date, units, width // 100 if night == 0 else 0)
        for sql in triggers:
            database.execute(sql)
        database.execute("commit")
        database.execute("pragma wal_checkpoint(truncate)")
    return made


if __name__ == "__main__":
    print(fill(sys.argv[1], int(sys.argv[2])), "attempts")
