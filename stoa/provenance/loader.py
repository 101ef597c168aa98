"""One update of the index: what a commit holds and the index has not seen.

A record that cannot be read becomes a line in `problems`; its neighbours count. Where git cannot give a record, the
update ends in its error: once it can, the record is read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import msgspec

from stoa.errors import StoaError
from stoa.model import INCONCLUSIVE, Outcome, Review, Run
from stoa.provenance.closed import ClosedRuns
from stoa.provenance.dialect import RecordError
from stoa.provenance.former import FOLDERS, DefinitionFiles, Former, read_former
from stoa.provenance.git import GitError, Snapshot
from stoa.provenance.ids import is_id
from stoa.provenance.records import is_picture, outcome_lines, read_review, read_run, read_summary
from stoa.provenance.schema import INDEXES

MOST_PROBLEMS = 100
"""Of one file; more tell nothing new."""

MetaReader = Callable[[str, bytes], tuple[Mapping[str, Any], bytes]]
"""Gives the metadata columns of a target from the bytes of its document, and the document as its reader packs it."""

_SAYS_NOTHING = f"o.status IN ({', '.join(repr(status.value) for status in INCONCLUSIVE)})"
_LATEST = f"""
INSERT INTO latest SELECT o.process, o.params, o.environment, o.target, o.grp, NOT {_SAYS_NOTHING}, o.run, r.rank,
  o.attempt, o.id, o.status, o.cause
FROM outcomes o CROSS JOIN runs r USING (run) WHERE {{where}}
ORDER BY o.process, o.params, o.environment, o.target, o.grp, r.rank, o.attempt
ON CONFLICT(process, params, environment, target, grp) DO UPDATE
  SET conclusive = excluded.conclusive, run = excluded.run, rank = excluded.rank, attempt = excluded.attempt,
  outcome = excluded.outcome, status = excluded.status, cause = excluded.cause
  WHERE (excluded.conclusive, excluded.rank, excluded.attempt) > (conclusive, rank, attempt)
"""
_INTERRUPTIONS = f"""
INSERT INTO interruptions SELECT o.process, o.params, o.environment, o.target, o.grp, o.run, r.rank, o.attempt, o.id,
  o.status, o.cause
FROM outcomes o CROSS JOIN runs r USING (run) WHERE {_SAYS_NOTHING} AND {{where}}
ON CONFLICT(process, params, environment, target, grp) DO UPDATE
  SET run = excluded.run, rank = excluded.rank, attempt = excluded.attempt, outcome = excluded.outcome,
  status = excluded.status, cause = excluded.cause
  WHERE (excluded.rank, excluded.attempt) > (rank, attempt)
"""
_FOLDED = {"latest": _LATEST, "interruptions": _INTERRUPTIONS}


class Seen:
    """Object ids of what the index has read, by path below `.stoa`."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def oid(self, path: str) -> str:
        found = self._db.execute("SELECT oid FROM seen WHERE path = ?", (path,)).fetchone()
        return str(found[0]) if found else ""

    def add(self, path: str, oid: str) -> None:
        """Note what was read, "" for a path that is not there."""
        if oid:
            self._db.execute("INSERT OR REPLACE INTO seen VALUES (?, ?)", (path, oid))
        else:
            self._db.execute("DELETE FROM seen WHERE path = ?", (path,))

    def inside(self, folder: str) -> dict[str, str]:
        """Object id by name of what is directly in a folder."""
        rows = self._db.execute(
            "SELECT substr(path, ?), oid FROM seen WHERE path > ? AND path < ? AND instr(substr(path, ?), '/') = 0",
            (len(folder) + 2, f"{folder}/", f"{folder}0", len(folder) + 2),
        )
        return dict(rows)

    def forget(self, path: str) -> None:
        """Forget a path, what is below it, and what was wrong with them."""
        for table in ("seen", "problems"):
            self._db.execute(
                f"DELETE FROM {table} WHERE path = ? OR (path > ? AND path < ?)", (path, f"{path}/", f"{path}0")
            )


class Loader:
    """Reads one commit into the tables; to be called in a transaction.

    Parameters
    ----------
    prefix
        Path of `.stoa` in the repository.
    closed
        Tells which files in the folders of runs do not count; without it all do.
    columns
        Names of the metadata columns.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        snapshot: Snapshot,
        prefix: str,
        read_meta: MetaReader,
        closed: ClosedRuns | None,
        *,
        columns: list[str],
    ) -> None:
        self._db = db
        self._seen = Seen(db)
        self._snapshot = snapshot
        self._prefix = prefix
        self._read_meta = read_meta
        self._closed = closed
        self._columns = columns
        self._heads: dict[str, Run] = {}  # of new runs, as they are written
        self._strangers: dict[str, str] = {}  # path and object id of files in runs that are not the runs' own
        self._stale_pairs: set[tuple[str, str, str]] = set()  # process, set and environment that lost an outcome
        self._folders = {name: snapshot.folder_id(f"{prefix}/{name}") for name in ("runs", "reviews", "meta")}
        self._defined = {name: snapshot.folder_id(f"{prefix}/{name}") for name in FOLDERS}
        self._former = Former()

    def is_current(self) -> bool:
        """Whether the index holds just what the commit does."""
        same = all(self._seen.oid(name) == oid for name, oid in (self._folders | self._defined).items())
        return same and (self._history() == self._snapshot.commit or not self._known_strangers())

    def load(self) -> None:
        """Bring the tables up to the commit."""
        self._former = Former.of_rows(self._db.execute("SELECT kind, process, old, new FROM former").fetchall())
        if any(self._seen.oid(name) != oid for name, oid in self._defined.items()):
            self._names()
        self._strangers = self._known_strangers()
        if self._strangers and self._history() != self._snapshot.commit:
            self._seen.add("runs", "")  # its history may tell by now whose they are
        readers = {"runs": self._runs, "reviews": self._reviews, "meta": self._documents}
        for name, oid in self._folders.items():
            if self._seen.oid(name) != oid:
                readers[name]()
                self._seen.add(name, oid)
        self._db.execute("DELETE FROM history")
        self._db.execute("INSERT INTO history VALUES (?)", (self._snapshot.commit,))

    def _history(self) -> str:
        """The commit up to which it is known which files are not their runs' own."""
        found = self._db.execute("SELECT tip FROM history").fetchone()
        return str(found[0]) if found else ""

    def _known_strangers(self) -> dict[str, str]:
        return dict(self._db.execute("SELECT path, oid FROM strangers").fetchall())

    # Former names.

    def _names(self) -> None:
        """Read the former names that the definitions give; where they are others, read all records again."""
        try:
            definitions = self._definitions()
        except GitError:
            return  # tried again by the next command; what was known of them counts until then
        former, problems = read_former(definitions)
        for folder, oid in self._defined.items():
            self._db.execute("DELETE FROM problems WHERE path > ? AND path < ?", (f"{folder}/", f"{folder}0"))
            self._seen.add(folder, oid)
        for problem in problems:
            self._trouble(*problem)
        if former == self._former:
            return
        self._former = former
        for table in ("former", "outcomes", "runs", "reported", "latest", "interruptions", "reviews", "cleared"):
            self._db.execute(f"DELETE FROM {table}")
        self._db.executemany("INSERT INTO former VALUES (?,?,?,?)", former.rows())
        self._seen.forget("runs")
        self._seen.forget("reviews")

    def _definitions(self) -> DefinitionFiles:
        params = [f"params/{name}" for name, _ in self._snapshot.folders(f"{self._prefix}/params")]
        places = [folder for folder in (*FOLDERS, *params) if folder != "params"]
        files = {f"{place}/{name}": oid for place in places for name, oid in self._files(place).items()}
        self._snapshot.prepare(files.values())
        found: dict[str, bytes] = {}
        for path, oid in files.items():
            try:
                found[path] = self._snapshot.record(oid, path)
            except GitError:
                raise
            except StoaError:
                continue  # too large, or damaged: whoever needs it says so
        return DefinitionFiles(found)

    def _files(self, folder: str) -> dict[str, str]:
        with _naming(folder):
            return dict(self._snapshot.files(f"{self._prefix}/{folder}"))

    def _prepare(self, folders: Iterable[Mapping[str, str]]) -> None:
        """Have git look at all files that are to be read before the first one is."""
        self._snapshot.prepare(oid for files in folders for oid in files.values())

    def _trouble(self, path: str, problem: str) -> None:
        self._db.execute("INSERT INTO problems VALUES (?, ?)", (path, problem))

    def _guard(self, path: str, read: Callable[[], None]) -> None:
        try:
            with _naming(path):
                read()
        except GitError:
            raise
        except StoaError as problem:
            self._trouble(path, problem.message)
        except (OverflowError, UnicodeEncodeError):
            self._trouble(path, f"not a record: it holds a value that no table can ({path})")

    # Runs.

    def _runs(self) -> None:
        self._last = self._db.execute("SELECT coalesce(max(id), 0) FROM outcomes").fetchone()[0]
        first = self._last
        if not first:
            self._each_index("DROP INDEX {name}")
        known = self._seen.inside("runs")
        present = dict(self._snapshot.folders(f"{self._prefix}/runs"))
        for run in known.keys() - present.keys():
            self._drop_run(run)
        doubted = {path.split("/")[1] for path in self._strangers}
        changed = [run for run, oid in sorted(present.items()) if known.get(run) != oid or run in doubted]
        files = {run: self._records_of(run) for run in changed}
        self._prepare(files.values())
        strangers = self._judge(files)
        for run, names in files.items():
            own = {name: oid for name, oid in names.items() if f"runs/{run}/{name}" not in strangers}
            self._run(run, own, is_new=run not in known)
            self._seen.add(f"runs/{run}", present[run])
        self._note(strangers)
        if not first:
            self._each_index("{sql}")
        self._fold(first)

    def _judge(self, files: Mapping[str, Mapping[str, str]]) -> dict[str, tuple[str, str]]:
        """Those of the new files of some runs (run -> name -> object id) that are not the runs' own.

        Returns
        -------
        strangers
            Path -> object id, what is wrong with it.
        """
        fresh: dict[str, str] = {}
        authors: dict[str, str] = {}
        for run, names in files.items():
            seen = self._seen.inside(f"runs/{run}")
            fresh |= {f"runs/{run}/{name}": oid for name, oid in names.items() if seen.get(name) != oid}
            if oid := fresh.get(path := f"runs/{run}/run.yaml"):
                with suppress(StoaError):  # it is reported when it is loaded
                    self._heads[run] = read_run(self._snapshot.record(oid, path), path)
                    authors[run] = self._heads[run].author.email
            else:
                authors |= self._db.execute("SELECT run, email FROM runs WHERE run = ?", (run,)).fetchall()
        if self._closed is None or not fresh:
            return {}
        span = self._history(), self._snapshot.commit
        paths = {f"{self._prefix}/{path}": oid for path, oid in fresh.items()}
        found = self._closed.strangers(span, paths, authors)
        named = {stranger.path.removeprefix(f"{self._prefix}/"): stranger for stranger in found}
        return {
            path: (fresh[path], f"does not belong to the run and does not count: it {stranger} ({path})")
            for path, stranger in named.items()
        }

    def _note(self, strangers: Mapping[str, tuple[str, str]]) -> None:
        """Keep which files are not their runs' own, and say it."""
        self._db.executemany("DELETE FROM problems WHERE path = ?", [(path,) for path in self._strangers])
        self._db.execute("DELETE FROM strangers")
        rows = [(path, oid) for path, (oid, _) in strangers.items()]
        self._db.executemany("INSERT INTO strangers VALUES (?,?)", rows)
        for path, (_, problem) in strangers.items():
            self._trouble(path, problem)

    def _each_index(self, statement: str) -> None:
        for name, sql in INDEXES.items():
            self._db.execute(statement.format(name=name, sql=sql))

    def _fold(self, first: int) -> None:
        """Bring `latest` up to date with the outcomes after the first one, and where outcomes went."""
        for table, fold in _FOLDED.items():
            for pair in self._stale_pairs:
                self._db.execute(f"DELETE FROM {table} WHERE process = ? AND params = ? AND environment = ?", pair)
                self._db.execute(fold.format(where="o.process = ? AND o.params = ? AND o.environment = ?"), pair)
            self._db.execute(fold.format(where="o.id > ?"), (first,))

    def _drop_run(self, run: str) -> None:
        self._seen.forget(f"runs/{run}")
        sql = "SELECT process, params, environment FROM runs WHERE run = ?"
        self._stale_pairs.update(self._db.execute(sql, (run,)))
        self._db.execute("DELETE FROM reported WHERE outcome IN (SELECT id FROM outcomes WHERE run = ?)", (run,))
        self._db.execute("DELETE FROM outcomes WHERE run = ?", (run,))
        self._db.execute("DELETE FROM runs WHERE run = ?", (run,))

    def _records_of(self, run: str) -> dict[str, str]:
        return {name: oid for name, oid in self._files(f"runs/{run}").items() if _is_record(name)}

    def _run(self, run: str, files: Mapping[str, str], *, is_new: bool) -> None:
        folder = f"runs/{run}"
        known = {} if is_new else self._seen.inside(folder)
        if not is_new and not _extends(files, known):
            self._drop_run(run)
            known = {}
        if not is_id(run):
            self._trouble(folder, f"{run!r} is not a run")
            return
        fresh = sorted(files.keys() - known.keys(), key=lambda name: (name != "run.yaml", name))
        keys = self._keys(run) if known else set()
        for name in fresh:
            path = f"{folder}/{name}"
            self._guard(path, partial(self._record, run, path, files[name], keys))
            self._seen.add(path, files[name])

    def _keys(self, run: str) -> set[tuple[str, str, int]]:
        return set(self._db.execute("SELECT target, grp, attempt FROM outcomes WHERE run = ?", (run,)))

    def _record(self, run: str, path: str, oid: str, keys: set[tuple[str, str, int]]) -> None:
        data = self._snapshot.record(oid, path)
        if path.endswith("/run.yaml"):
            self._head(run, data, path)
        elif path.endswith("/summary.yaml"):
            self._summary(run, data, path)
        else:
            self._outcomes(run, data, path, keys)

    def _head(self, name: str, data: bytes, path: str) -> None:
        run = self._former.run(self._heads.pop(name) if name in self._heads else read_run(data, path))
        if run.id != name:
            raise RecordError(f"run {run.id[:30]!r} is in the folder of another one ({path})")
        self._db.execute(
            "INSERT INTO runs VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (run.id, run.rank, run.process, run.params.name, run.environment, run.engine, run.author.name,
             run.author.email, run.started, None, None, run.jobs, run.targets, _text(run), None),
        )  # fmt: skip

    def _summary(self, name: str, data: bytes, path: str) -> None:
        summary = self._former.summary(read_summary(data, path))
        if summary.run != name:
            raise RecordError(f"the summary of run {summary.run[:30]!r} is in the folder of another one ({path})")
        self._db.execute(
            "UPDATE runs SET finished = ?, duration_s = ?, summary = ? WHERE run = ?",
            (summary.finished, summary.duration_s, _text(summary), name),
        )

    def _outcomes(self, run: str, data: bytes, path: str, keys: set[tuple[str, str, int]]) -> None:
        pair = self._db.execute("SELECT process, params, environment FROM runs WHERE run = ?", (run,)).fetchone()
        if not pair:
            raise RecordError(f"these outcomes are without a run.yaml that can be read ({path})")
        rows: list[tuple[Any, ...]] = []
        results: list[tuple[Any, ...]] = []
        problems: list[str] = []
        for found in outcome_lines(data, path):
            if isinstance(found, RecordError):
                problems.append(found.message)
                continue
            record, written = found
            o = self._former.outcome(written)
            record = record if o is written else _text(o)
            if o.run != run:
                problems.append(f"an outcome of run {o.run} is in {path}")
            elif (o.target, o.group, o.attempt) in keys:
                words = f"attempt {o.attempt} at {o.target} {o.group}".rstrip()
                problems.append(f"{words} has a second outcome, which does not count ({path})")
            else:
                keys.add((o.target, o.group, o.attempt))
                self._last += 1
                rows.append(_row(self._last, pair, o, record))
                results += [(self._last, *result) for result in o.results.items()]
        self._db.executemany("INSERT INTO outcomes VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", rows)
        self._db.executemany("INSERT INTO reported VALUES (?,?,?)", results)
        for problem in problems[:MOST_PROBLEMS]:
            self._trouble(path, problem)
        if len(problems) > MOST_PROBLEMS:
            self._trouble(path, f"and {len(problems) - MOST_PROBLEMS} more lines that cannot be read ({path})")

    # Reviews.

    def _reviews(self) -> None:
        known = self._seen.inside("reviews")
        present = dict(self._snapshot.folders(f"{self._prefix}/reviews"))
        if (self._former.targets or self._former.processes) and self._lost_reviews(known, present):
            known = {}  # what was renamed may have several folders, so that none can be forgotten alone
            self._seen.forget("reviews")
            for table in ("reviews", "cleared"):
                self._db.execute(f"DELETE FROM {table}")
        for target in known.keys() - present.keys():
            self._drop_reviews(target)
        fresh = [target for target, oid in present.items() if known.get(target) != oid]
        files = {target: self._said(target) for target in fresh}
        self._prepare(files.values())
        for target, names in files.items():
            self._reviews_of(target, names)
            self._seen.add(f"reviews/{target}", present[target])

    def _said(self, target: str) -> dict[str, str]:
        """The reviews of a target, without the pictures that are beside them."""
        return {name: oid for name, oid in self._files(f"reviews/{target}").items() if not is_picture(name)}

    def _lost_reviews(self, known: Mapping[str, str], present: Mapping[str, str]) -> bool:
        """Whether a review that was read is gone or another one."""
        if known.keys() - present.keys():
            return True
        changed = (target for target, oid in known.items() if present[target] != oid)
        return any(self._seen.inside(f"reviews/{t}").items() - self._files(f"reviews/{t}").items() for t in changed)

    def _reviews_of(self, target: str, files: Mapping[str, str]) -> None:
        folder = f"reviews/{target}"
        known = self._seen.inside(folder)
        if any(files.get(name) != oid for name, oid in known.items()):
            self._drop_reviews(target)
            known = {}
        for name in sorted(files.keys() - known.keys()):
            path = f"{folder}/{name}"
            self._guard(path, partial(self._review, path, files[name]))
            self._seen.add(path, files[name])

    def _drop_reviews(self, target: str) -> None:
        self._seen.forget(f"reviews/{target}")
        sql = "DELETE FROM reviews WHERE target = :it OR (target = '' AND :it IN (run, process))"
        self._db.execute(sql, {"it": target})
        self._db.execute("DELETE FROM cleared WHERE target = ?", (target,))

    def _review(self, path: str, oid: str) -> None:
        review: Review = read_review(self._snapshot.record(oid, path), path)
        if path != f"reviews/{review.about}/{review.id}.yaml":
            raise RecordError(f"a review of {review.about!r} is in {path}")
        target, process = self._former.target(review.target), self._former.process(review.process)
        self._db.execute(
            "INSERT OR IGNORE INTO reviews VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (review.id, target, review.kind, review.run, review.group, review.subject, review.value, review.text,
             review.author.name, review.author.email, review.time, review.reply_to, review.picture, process,
             self._former.parameter_set(process, review.params), self._former.environment(review.environment)),
        )  # fmt: skip
        cleared = [(target, flag) for flag in review.clears]
        self._db.executemany("INSERT OR IGNORE INTO cleared VALUES (?,?)", cleared)

    # Metadata documents.

    def _documents(self) -> None:
        known = self._seen.inside("meta")
        present = {name: oid for name, oid in self._files("meta").items() if name.endswith(".xml")}
        for name in known.keys() - present.keys():
            self._drop_document(name)
        fresh = {name: oid for name, oid in present.items() if known.get(name) != oid}
        self._prepare([fresh])
        for name, oid in fresh.items():
            if name in known:
                self._drop_document(name)
            with _naming(f"meta/{name}"):
                self._document(name, oid)
            self._seen.add(f"meta/{name}", oid)

    def _drop_document(self, name: str) -> None:
        self._seen.forget(f"meta/{name}")
        for table in ("metadata", "documents"):
            self._db.execute(f"DELETE FROM {table} WHERE target = ?", (name.removesuffix(".xml"),))

    def _document(self, name: str, oid: str) -> None:
        target = name.removesuffix(".xml")
        try:
            row, packed = self._read_meta(target, self._snapshot.record(oid, f"meta/{name}"))
            self._describe([target, *(row.get(column) for column in self._columns)])
        except GitError:
            raise
        except StoaError as problem:
            self._cannot_read(name, oid, problem.message)
        except (OverflowError, UnicodeEncodeError):
            self._cannot_read(name, oid, "the metadata document holds a number that no table can")
        else:
            self._db.execute("INSERT INTO documents VALUES (?,?,?,?)", (target, oid, packed, None))

    def _describe(self, row: list[Any]) -> None:
        self._db.execute(f"INSERT INTO metadata VALUES ({','.join('?' * len(row))})", row)

    def _cannot_read(self, name: str, oid: str, problem: str) -> None:
        self._trouble(f"meta/{name}", problem)
        target = name.removesuffix(".xml")
        self._db.execute("INSERT INTO documents VALUES (?,?,?,?)", (target, oid, None, problem))


@contextmanager
def _naming(path: str) -> Iterator[None]:
    """Say in git's errors what was to be read."""
    try:
        yield
    except GitError as problem:
        raise GitError(f"{path} cannot be read: {problem.message}", problem.said, problem.hint) from None


def _is_record(name: str) -> bool:
    return name in ("run.yaml", "summary.yaml") or name.startswith("outcomes-")


def _extends(files: Mapping[str, str], known: Mapping[str, str]) -> bool:
    """Whether a run's folder only got files, and none that would have been read before the known ones."""
    if "run.yaml" not in known or any(files.get(name) != oid for name, oid in known.items()):
        return False
    last = max((name for name in known if name.startswith("outcomes-")), default="")
    return all(name > last for name in files.keys() - known.keys())


def _row(number: int, pair: tuple[str, str, str], o: Outcome, record: str) -> tuple[Any, ...]:
    return (
        number, o.run, *pair, o.target, o.group, o.attempt, str(o.status), o.cause, o.exit_code, o.start,
        o.duration_s, o.cpu_s, o.memory_mb, record,
    )  # fmt: skip


def _text(record: msgspec.Struct) -> str:
    return msgspec.json.encode(record).decode()
