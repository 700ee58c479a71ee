-- jobrun's ledger: what was asked, what ran, what happened. One SQLite file, readable with `sqlite3 ledger.db`.
-- Times are RFC 3339 UTC text with milliseconds. `select * from v_attention;` says what needs a person,
-- `select * from v_status;` how every job and unit stands.
-- application_id is "jobr"; user_version is the version of this schema.
--
-- Every process parses the whole of it before its first question, some 500 instructions a word: a table of ten columns costs
-- 30,000, an index 12,000, a CHECK with five words 3,000, v_attention 180,000; all of it is half of a finished run's call. So:
-- no object that is not asked for, no table's name before a column that has no namesake, no ELSE that can't be. Comments are free.

-- One process of jobrun that executed something.
CREATE TABLE calls (
  id          INTEGER PRIMARY KEY,
  called_at   TEXT NOT NULL,
  run_id      TEXT NOT NULL,              -- the label this call was made with
  caller      TEXT NOT NULL,              -- cron, systemd, github, shell, tick, ...
  caller_id   TEXT NOT NULL,              -- that scheduler's own id of this call, '' if it has none
  host        TEXT NOT NULL,
  pid         INTEGER NOT NULL,
  boot_id     TEXT NOT NULL,              -- tells a reboot from a crash
  version     TEXT NOT NULL               -- of jobrun
) STRICT;

-- The manifests that runs were made from, word for word: what a replay sees.
CREATE TABLE manifests (
  id          INTEGER PRIMARY KEY,
  job         TEXT NOT NULL,
  hash        TEXT NOT NULL,              -- SHA-256 of text
  text        TEXT NOT NULL,
  UNIQUE (job, hash)
) STRICT;

-- One job for one run date. The counters follow its units by trigger, and the state follows the counters.
CREATE TABLE runs (
  id           INTEGER PRIMARY KEY,
  job          TEXT NOT NULL,
  run_date     TEXT NOT NULL,             -- the label of the period that is processed
  generation   INTEGER NOT NULL DEFAULT 1 CHECK (generation >= 1),   -- 2 and up: --again
  run_id       TEXT NOT NULL,             -- a label for tracing, never part of the key
  manifest     INTEGER NOT NULL REFERENCES manifests (id),
  payload      TEXT,                      -- canonical JSON
  payload_hash TEXT NOT NULL DEFAULT '',
  scheduled_at TEXT,
  again_reason TEXT,
  version      TEXT NOT NULL,             -- of jobrun
  created_at   TEXT NOT NULL,
  changed_at   TEXT NOT NULL,
  pending      INTEGER NOT NULL DEFAULT 0 CHECK (pending >= 0),
  running      INTEGER NOT NULL DEFAULT 0 CHECK (running >= 0),
  retrying     INTEGER NOT NULL DEFAULT 0 CHECK (retrying >= 0),
  done         INTEGER NOT NULL DEFAULT 0 CHECK (done >= 0),
  stopped      INTEGER NOT NULL DEFAULT 0 CHECK (stopped >= 0),
  exhausted    INTEGER NOT NULL DEFAULT 0 CHECK (exhausted >= 0),
  in_doubt     INTEGER NOT NULL DEFAULT 0 CHECK (in_doubt >= 0),
  state        TEXT GENERATED ALWAYS AS (CASE
                 WHEN running   > 0 THEN 'running'
                 WHEN retrying  > 0 THEN 'retrying'
                 WHEN pending   > 0 THEN 'pending'
                 WHEN in_doubt  > 0 THEN 'in_doubt'
                 WHEN exhausted > 0 THEN 'exhausted'
                 WHEN stopped   > 0 THEN 'stopped'
                 ELSE 'done' END) VIRTUAL,
  UNIQUE (job, run_date, generation),
  CHECK (generation = 1 OR again_reason IS NOT NULL)
) STRICT;
CREATE INDEX runs_by_run_id ON runs (run_id, job);

-- One isolated part of a run, with its own attempts, window and result. A job without units has one, '-'.
CREATE TABLE units (
  id            INTEGER PRIMARY KEY,
  run           INTEGER NOT NULL REFERENCES runs (id),
  job           TEXT NOT NULL,
  unit          TEXT NOT NULL CHECK (length(unit) > 0),
  config        TEXT,                     -- JSON object, as listed when the run was made
  state         TEXT NOT NULL DEFAULT 'pending' CHECK (state IN
                  ('pending', 'running', 'retrying', 'done', 'stopped', 'exhausted', 'in_doubt')),
  attempts      INTEGER NOT NULL DEFAULT 0,   -- all of them: the number of the last one
  counted       INTEGER NOT NULL DEFAULT 0,   -- those that count against the cap since the budget was last opened
  interruptions INTEGER NOT NULL DEFAULT 0,   -- those that do not, since then
  streak        INTEGER NOT NULL DEFAULT 0,   -- failures in a row for the same reason
  replay        INTEGER NOT NULL DEFAULT 0 CHECK (replay IN (0, 1)),    -- 1: by the stored manifest, until done
  scratch       INTEGER NOT NULL DEFAULT 0 CHECK (scratch IN (0, 1)),   -- 1: its cursors are its run's own
  window_start  TEXT,                     -- start of the first attempt of this budget
  next_at       TEXT,                     -- not before
  reason        TEXT,                     -- of the last attempt
  message       TEXT,
  next_action   TEXT,                     -- what happens next, or what a person should do
  changed_at    TEXT NOT NULL,
  UNIQUE (run, unit),
  CHECK (counted + interruptions <= attempts),
  CHECK ((state = 'retrying') = (next_at IS NOT NULL)),
  CHECK (state NOT IN ('running', 'retrying', 'done') OR attempts > 0),
  CHECK (state NOT IN ('stopped', 'exhausted', 'in_doubt') OR (reason IS NOT NULL AND next_action IS NOT NULL))
) STRICT;
CREATE INDEX units_unfinished ON units (state, next_at) WHERE state <> 'done';
-- Only failures pay for it: what is wrong with a run is found without reading all of its units.
CREATE INDEX units_failing ON units (run, changed_at) WHERE state IN ('retrying', 'stopped', 'exhausted', 'in_doubt');
CREATE INDEX units_done ON units (job, unit, changed_at) WHERE state = 'done';

CREATE TRIGGER units_listed AFTER INSERT ON units BEGIN
  UPDATE runs SET pending = pending + 1 WHERE id = NEW.run;
END;
CREATE TRIGGER units_moved AFTER UPDATE OF state ON units WHEN NEW.state <> OLD.state BEGIN
  UPDATE runs SET changed_at = NEW.changed_at,
    pending   = pending   + (NEW.state = 'pending')   - (OLD.state = 'pending'),
    running   = running   + (NEW.state = 'running')   - (OLD.state = 'running'),
    retrying  = retrying  + (NEW.state = 'retrying')  - (OLD.state = 'retrying'),
    done      = done      + (NEW.state = 'done')      - (OLD.state = 'done'),
    stopped   = stopped   + (NEW.state = 'stopped')   - (OLD.state = 'stopped'),
    exhausted = exhausted + (NEW.state = 'exhausted') - (OLD.state = 'exhausted'),
    in_doubt  = in_doubt  + (NEW.state = 'in_doubt')  - (OLD.state = 'in_doubt')
  WHERE id = NEW.run;
END;

-- One execution of one unit. A row without an end whose unit's lock is free is a crash that nobody has met yet.
CREATE TABLE attempts (
  id           INTEGER PRIMARY KEY,
  unit         INTEGER NOT NULL REFERENCES units (id),
  number       INTEGER NOT NULL CHECK (number >= 1),
  call         INTEGER NOT NULL REFERENCES calls (id),
  state        TEXT NOT NULL DEFAULT 'running' CHECK (state IN
                 ('running', 'done', 'retry', 'stop', 'crashed', 'interrupted')),
  started_at   TEXT NOT NULL,
  finished_at  TEXT,
  reason       TEXT,
  message      TEXT,
  exit_code    INTEGER,
  signal       INTEGER,
  wall_ms      INTEGER,
  cpu_ms       INTEGER,
  peak_kib     INTEGER,
  next_action  TEXT,
  next_at      TEXT,
  output_head  TEXT,
  output_tail  TEXT,
  output_bytes INTEGER NOT NULL DEFAULT 0,    -- all that was written
  output_cut   INTEGER NOT NULL DEFAULT 0,    -- of it, dropped between head and tail
  UNIQUE (unit, number),
  CHECK ((state = 'running') = (finished_at IS NULL)),
  CHECK (state = 'running' OR reason IS NOT NULL)
) STRICT;

-- The saved progress of (job, unit, stream); outlives runs. scratch_run: 0, or the replay or backfill run it belongs to.
CREATE TABLE cursors (
  job         TEXT NOT NULL,
  unit        TEXT NOT NULL,
  stream      TEXT NOT NULL,
  scratch_run INTEGER NOT NULL DEFAULT 0,
  value       TEXT NOT NULL,
  changed_at  TEXT NOT NULL,
  attempt     INTEGER REFERENCES attempts (id),   -- NULL: set by a person
  PRIMARY KEY (job, unit, stream, scratch_run)
) STRICT, WITHOUT ROWID;

-- Where cursors stood: one row per attempt that moved one (its last value), one per change by a person.
CREATE TABLE cursor_history (
  id          INTEGER PRIMARY KEY,
  job         TEXT NOT NULL,
  unit        TEXT NOT NULL,
  stream      TEXT NOT NULL,
  scratch_run INTEGER NOT NULL DEFAULT 0,
  value       TEXT,                        -- NULL: reset
  changed_at  TEXT NOT NULL,
  attempt     INTEGER REFERENCES attempts (id),
  reason      TEXT,                        -- a person's
  UNIQUE (job, unit, stream, scratch_run, attempt),
  CHECK (attempt IS NOT NULL OR reason IS NOT NULL)
) STRICT;

-- Completed records of one run's unit, for work without an order.
CREATE TABLE items (
  unit     INTEGER NOT NULL REFERENCES units (id),
  item     TEXT NOT NULL,
  done_at  TEXT NOT NULL,
  attempt  INTEGER NOT NULL REFERENCES attempts (id),
  PRIMARY KEY (unit, item)
) STRICT, WITHOUT ROWID;

-- Side effects under a dedupe key: the intent is stored before the act, the confirmation after it.
-- The row of scope '' says that this is a backup, or was: nothing is known of what was done from its intended_at to its
-- result (when it was restored; NULL: a backup, or put in place by hand). Any effect that is not here may have happened then.
CREATE TABLE effects (
  scope        TEXT NOT NULL,              -- the job, or a name that several jobs share
  key          TEXT NOT NULL,
  state        TEXT NOT NULL CHECK (state IN ('intended', 'confirmed', 'in_doubt')),
  token        TEXT NOT NULL,              -- the idempotency token that every try carries
  fingerprint  TEXT NOT NULL DEFAULT '',   -- hash of the arguments
  if_in_doubt  TEXT NOT NULL CHECK (if_in_doubt IN ('stop', 'resend', 'probe')),
  token_ttl_ms INTEGER NOT NULL,           -- how long the provider remembers the token, from the first intent
  intended_at  TEXT NOT NULL,              -- the first intent
  keep_until   TEXT NOT NULL,              -- the key is not forgotten before, whatever else is pruned
  attempt      INTEGER,                    -- the last that intended or confirmed, and may be pruned since; NULL: a person's
  confirmed_at TEXT,
  result       TEXT,
  tries        INTEGER NOT NULL DEFAULT 1,   -- 0: in doubt for no other reason than that interval
  PRIMARY KEY (scope, key),
  CHECK ((state = 'confirmed') = (confirmed_at IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX effects_open ON effects (attempt) WHERE state <> 'confirmed';

-- A person's word on an effect that was in doubt: it happened, or it did not and may be tried again.
CREATE TABLE settlements (
  id         INTEGER PRIMARY KEY,
  scope      TEXT NOT NULL,
  key        TEXT NOT NULL,
  happened   INTEGER NOT NULL CHECK (happened IN (0, 1)),
  reason     TEXT NOT NULL,
  settled_at TEXT NOT NULL
) STRICT;
CREATE INDEX settlements_by_key ON settlements (scope, key);

-- A (job, unit) kept out of runs until resumed. unit NULL: the whole job. Ended pauses stay as history.
CREATE TABLE pauses (
  id        INTEGER PRIMARY KEY,
  job       TEXT NOT NULL,
  unit      TEXT,
  since     TEXT NOT NULL,
  until     TEXT,
  reason    TEXT NOT NULL,
  attempt   INTEGER REFERENCES attempts (id),   -- the stop that asked for it; NULL: a person
  ended_at  TEXT
) STRICT;
CREATE UNIQUE INDEX pauses_active ON pauses (job, ifnull(unit, '')) WHERE ended_at IS NULL;

-- Transitions that somebody is to be told of, written with the transition itself. unit '': the job as a whole.
CREATE TABLE alerts (
  id          INTEGER PRIMARY KEY,
  job         TEXT NOT NULL,
  unit        TEXT NOT NULL,
  event       TEXT NOT NULL CHECK (event IN ('stopped', 'exhausted', 'in_doubt', 'stale', 'recovered')),
  run         INTEGER REFERENCES runs (id),    -- NULL: of the job as a whole
  attempt     INTEGER NOT NULL,                -- its number; 0: of the job as a whole
  reason      TEXT,
  message     TEXT,
  next_action TEXT,
  at          TEXT NOT NULL,
  since       TEXT NOT NULL,              -- of recovered: since when it had not been well
  composed    INTEGER NOT NULL DEFAULT 0 CHECK (composed IN (0, 1))   -- 1: its letters are written
) STRICT;
CREATE INDEX alerts_by_unit ON alerts (job, unit);
CREATE INDEX alerts_open ON alerts (job, run) WHERE composed = 0;

-- The outbox: messages to be delivered, one per target. Written before anything is sent; every try says the same.
CREATE TABLE letters (
  id         INTEGER PRIMARY KEY,
  token      TEXT NOT NULL,               -- the message's id at the receiver
  job        TEXT NOT NULL,
  target     TEXT NOT NULL,               -- JSON, as a manifest writes it; secrets by reference only
  body       TEXT NOT NULL,               -- JSON
  state      TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'given_up', 'lapsed')),   -- lapsed: given up, and its target works again
  tries      INTEGER NOT NULL DEFAULT 0,
  next_at    TEXT,                        -- not tried before
  written_at TEXT NOT NULL,
  error      TEXT,                        -- of the last try
  CHECK ((state = 'waiting') = (next_at IS NOT NULL))
) STRICT;
CREATE INDEX letters_open ON letters (next_at) WHERE state IN ('waiting', 'given_up');

-- What prune was asked to forget. Attempts that began before, of units that were done, may be gone; no others are.
CREATE TABLE prunings (
  id              INTEGER PRIMARY KEY,
  pruned_at       TEXT NOT NULL,
  attempts_before TEXT NOT NULL,
  keys_before     TEXT NOT NULL
) STRICT;

-- How every job and unit stands: its latest run, the last success before or in it.
CREATE VIEW v_status AS
  SELECT r.job, unit, run_date, run_id, u.state, reason, message, attempts, next_action, next_at, u.changed_at,
         (SELECT max(changed_at) FROM units WHERE job = u.job AND unit = u.unit AND state = 'done') AS last_success_at,
         (SELECT reason FROM pauses WHERE job = u.job AND ifnull(unit, u.unit) = u.unit AND ended_at IS NULL) AS paused
  FROM runs r JOIN units u ON run = r.id
  WHERE r.id = (SELECT id FROM runs WHERE job = r.job ORDER BY run_date DESC, generation DESC LIMIT 1);

-- The conditions begin with the words of the partial indexes, or SQLite passes over them.
-- What needs a person: units that stand, effects in doubt, pauses (one whose `until` has passed is over), alerts
-- that could not be delivered.
CREATE VIEW v_attention AS
  SELECT 'unit' AS kind, u.job, unit, run_date, u.state, reason, message, next_action, u.changed_at AS since, NULL AS until
    FROM units u JOIN runs r ON run = r.id
   WHERE u.state <> 'done' AND u.state IN ('stopped', 'exhausted', 'in_doubt')
     AND generation = (SELECT max(generation) FROM runs WHERE job = r.job AND run_date = r.run_date)
  UNION ALL
  SELECT 'effect', ifnull(u.job, scope), ifnull(u.unit, '-'), run_date, e.state, 'effect_in_doubt', key,
         iif(scope = '', 'of all since then nothing is known: `jobrun effects` says what to do',
         'find out whether it happened, then `jobrun effects confirm|release ''' || replace(key, '''', '''\''''') ||
           ''' --job ' || scope || ' --reason TEXT`'), intended_at, NULL
    FROM effects e LEFT JOIN attempts a ON a.id = attempt LEFT JOIN units u ON u.id = a.unit LEFT JOIN runs r ON r.id = run
   WHERE e.state <> 'confirmed' AND (e.state = 'in_doubt' OR ifnull(u.state, '-') NOT IN ('pending', 'running', 'retrying'))
  UNION ALL
  SELECT 'pause', job, ifnull(unit, '(all)'), NULL, 'paused', reason, NULL, 'jobrun resume', since, until
    FROM pauses p WHERE ended_at IS NULL
     -- a stop that paused its unit is one matter, not two
     AND NOT EXISTS (SELECT 1 FROM attempts a JOIN units u ON u.id = a.unit WHERE a.id = p.attempt AND u.state = 'stopped')
  UNION ALL
  SELECT 'alert', job, '(alert)', NULL, state, 'not_delivered', error, 'mend its target; the next alert that reaches it ends this', written_at, NULL
    FROM letters WHERE state IN ('waiting', 'given_up') AND state = 'given_up';
