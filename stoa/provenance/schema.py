"""The tables of the index, as ``docs/index-schema.md`` describes them."""

from __future__ import annotations

from collections.abc import Mapping

VERSION = 12
"""Raised when a table changes, so that an index of another version is made again."""

TABLES = """
CREATE TABLE seen(path TEXT PRIMARY KEY, oid TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE problems(path TEXT, message TEXT);
CREATE TABLE history(tip TEXT);
CREATE TABLE strangers(path TEXT PRIMARY KEY, oid TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE former(kind TEXT, process TEXT, old TEXT, new TEXT, PRIMARY KEY(kind, process, old)) WITHOUT ROWID;
CREATE TABLE runs(
  run TEXT PRIMARY KEY, rank TEXT, process TEXT, params TEXT, environment TEXT, engine TEXT, author TEXT, email TEXT,
  started TEXT, finished TEXT, duration_s REAL, jobs INTEGER, targets INTEGER, record TEXT, summary TEXT);
CREATE TABLE outcomes(
  id INTEGER PRIMARY KEY, run TEXT, process TEXT, params TEXT, environment TEXT, target TEXT, grp TEXT,
  attempt INTEGER, status TEXT, cause TEXT, exit_code INTEGER, started TEXT, duration_s REAL, cpu_s REAL,
  memory_mb REAL, record TEXT);
CREATE TABLE latest(
  process TEXT, params TEXT, environment TEXT, target TEXT, grp TEXT, conclusive INTEGER, run TEXT, rank TEXT,
  attempt INTEGER, outcome INTEGER, status TEXT, cause TEXT,
  PRIMARY KEY(process, params, environment, target, grp)) WITHOUT ROWID;
CREATE TABLE interruptions(
  process TEXT, params TEXT, environment TEXT, target TEXT, grp TEXT, run TEXT, rank TEXT, attempt INTEGER,
  outcome INTEGER, status TEXT, cause TEXT,
  PRIMARY KEY(process, params, environment, target, grp)) WITHOUT ROWID;
CREATE TABLE reported(outcome INTEGER, name TEXT, value, PRIMARY KEY(outcome, name)) WITHOUT ROWID;
CREATE TABLE reviews(
  id TEXT, target TEXT, kind TEXT, run TEXT, grp TEXT, reason TEXT, value TEXT, text TEXT, author TEXT, email TEXT,
  time TEXT, reply_to TEXT, picture TEXT, process TEXT, params TEXT, environment TEXT,
  PRIMARY KEY(target, id, run, process)) WITHOUT ROWID;
CREATE TABLE cleared(target TEXT, id TEXT, PRIMARY KEY(target, id)) WITHOUT ROWID;
CREATE TABLE documents(target TEXT PRIMARY KEY, oid TEXT, document BLOB, problem TEXT);
CREATE TABLE choices(process TEXT, oid TEXT, jobs BLOB, PRIMARY KEY(process, oid)) WITHOUT ROWID;
-- The outcomes of a target's image groups take the place of one of the target as a whole, and the other way round.
CREATE VIEW current AS SELECT * FROM latest AS l WHERE NOT EXISTS (
  SELECT 1 FROM latest n WHERE n.process = l.process AND n.params = l.params AND n.environment = l.environment
  AND n.target = l.target AND (n.grp = '') != (l.grp = '') AND (n.conclusive, n.rank) > (l.conclusive, l.rank));
CREATE VIEW interrupted_since AS SELECT * FROM interruptions AS i WHERE EXISTS (
  SELECT 1 FROM current c WHERE c.process = i.process AND c.params = i.params AND c.environment = i.environment
  AND c.target = i.target AND c.conclusive AND (c.grp = i.grp OR (c.grp = '') != (i.grp = ''))
  AND (c.rank, c.attempt) < (i.rank, i.attempt));
CREATE VIEW results AS SELECT r.outcome, r.name, r.value, o.target, o.grp, o.process, o.params, o.environment, o.run,
  o.status, EXISTS (SELECT 1 FROM current c WHERE c.outcome = r.outcome AND c.process = o.process
  AND c.params = o.params AND c.environment = o.environment AND c.target = o.target AND c.grp = o.grp) AS current
  FROM reported AS r JOIN outcomes AS o ON o.id = r.outcome;
CREATE VIEW open_flags AS SELECT * FROM reviews
  WHERE kind = 'flag' AND NOT EXISTS (SELECT 1 FROM cleared c WHERE c.target = reviews.target AND c.id = reviews.id);
CREATE VIEW steps AS SELECT target, reason AS step, value AS state, author, email, time, text, id FROM reviews AS r
  WHERE kind = 'step' AND NOT EXISTS (SELECT 1 FROM reviews n WHERE n.target = r.target AND n.kind = 'step'
  AND n.reason = r.reason AND n.id > r.id);
CREATE VIEW assigned AS SELECT target, reason AS step, value AS person, author, email, time, text, id FROM reviews AS r
  WHERE kind = 'assign' AND value != '' AND NOT EXISTS (SELECT 1 FROM reviews n WHERE n.target = r.target
  AND n.kind = 'assign' AND n.reason = r.reason AND n.id > r.id);
CREATE VIEW tagged AS SELECT target, grp, iif(target = '', run, '') AS run, process, params, environment,
  reason AS tag, author, email, time, text, id FROM reviews AS r
  WHERE kind = 'tag' AND NOT EXISTS (SELECT 1 FROM reviews n WHERE n.target = r.target AND n.kind IN ('tag', 'untag')
  AND n.reason = r.reason AND n.grp = r.grp AND (r.target != '' OR n.run = r.run) AND n.process = r.process
  AND n.params = r.params AND n.environment = r.environment AND n.id > r.id);
CREATE VIEW tags AS SELECT target, tag, author, email, time, text, id FROM tagged WHERE target != '' AND grp = '';
"""

INDEXES = {
    "outcome_key": "CREATE UNIQUE INDEX outcome_key ON outcomes(run, target, grp, attempt)",
    "outcome_target": "CREATE INDEX outcome_target ON outcomes(target)",
    "latest_run": "CREATE INDEX latest_run ON latest(process, params, environment, run, status, rank)",
}
"""What a first load makes last, because filling an ordered index in no order is slow."""


def creation(metadata: Mapping[str, str]) -> str:
    """SQL that makes every table.

    Parameters
    ----------
    metadata
        Name and SQLite type of the metadata columns.
    """
    columns = "".join(f", {name} {kind}" for name, kind in metadata.items())
    indexes = "".join(f"{sql};\n" for sql in INDEXES.values())
    return f"{TABLES}CREATE TABLE metadata(target TEXT PRIMARY KEY{columns}) WITHOUT ROWID;\n{indexes}"
