"""Whether everything that is recorded is there, readable and the same as when it was written."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path

import msgspec

from stoa.errors import StoaError
from stoa.model import FileRef
from stoa.provenance.git import (
    Damage,
    DamagedError,
    GitError,
    Snapshot,
    find_damage,
    last_ref,
    missing_elsewhere,
    tree_changes,
)
from stoa.provenance.index import Index, decode_outcome, decode_run, decode_summary
from stoa.provenance.inspect import commit_findings, shown
from stoa.provenance.lost import lost_branches, removed_records
from stoa.workspace.ahead import ahead
from stoa.workspace.frozen import frozen_digests
from stoa.workspace.open import Workspace
from stoa.workspace.samples import unreadable_samples
from stoa.workspace.selections import unreadable_selections
from stoa.workspace.views import unreadable_views

TABLES = ("runs", "outcomes", "latest", "interruptions", "reported", "reviews", "cleared", "metadata", "problems")
_WITHOUT_KEYS = {
    "outcomes": "run, environment, target, grp, attempt, status, cause, record",
    "latest": "process, params, environment, target, grp, run, attempt",
    "interruptions": "process, params, environment, target, grp, run, attempt",
    "reported": "name, value",
}
_COUNTS = """
SELECT run, status, count(*) FROM (SELECT run, status, max(attempt) FROM outcomes GROUP BY run, target, grp)
GROUP BY run, status
"""
_SUMMARIES = """
SELECT run, CASE WHEN run IN (SELECT substr(path, 6, instr(substr(path, 6), '/') - 1) FROM problems) THEN NULL
  ELSE summary END FROM runs ORDER BY run
"""  # of runs whose records can all be read
FROZEN = ("process.yaml", "params.yaml", "environment.yaml")


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is not as it should be."""

    where: str
    message: str


class FsckReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was looked at and what was found."""

    runs: int
    outcomes: int
    reviews: int
    documents: int
    products: int  # files whose checksum was compared
    absent: int  # products that are not on this machine
    findings: tuple[Finding, ...]


def fsck(ws: Workspace, *, products: bool = False, progress: Callable[[int, int], None] | None = None) -> FsckReport:
    """Check records, frozen definitions, definitions in use, the index and, where asked, the products.

    Parameters
    ----------
    products
        Read every product that is on this machine and compare its checksum.
    progress
        Is told how many products were read, of how many.
    """
    with tempfile.TemporaryDirectory() as folder, closing(ws.fresh_index(Path(folder) / "index.sqlite")) as index:
        snapshot = ws.store.snapshot()
        damaged = find_damage(snapshot, ws.store.prefix)
        findings = [*_damaged(ws, damaged), *_problems(ws, index, damaged)]
        findings += _definitions(ws)
        findings += _frozen(ws, index, snapshot)
        findings += _runs(index)
        for where, message in (*unreadable_views(ws), *unreadable_selections(ws), *unreadable_samples(ws)):
            findings.append(Finding(where=where, message=message))
        findings += _strangers(ws, index)
        findings += [Finding(where=found.where, message=found.message) for found in ahead(index)]
        if not damaged:
            findings += _tree(ws)
            findings += _gone(ws)
            findings += _foreign(ws, index)
            findings += _index(ws, index)
        compared, absent = 0, 0
        if products:
            compared, absent, wrong = _products(ws, index, progress or (lambda _done, _of: None))
            findings += wrong
        counts = [
            index.rows(f"SELECT count(*) FROM {table}")[0][0] for table in ("runs", "outcomes", "reviews", "metadata")
        ]
    return FsckReport(
        runs=counts[0], outcomes=counts[1], reviews=counts[2], documents=counts[3], products=compared, absent=absent,
        findings=tuple(findings),
    )  # fmt: skip


def _damaged(ws: Workspace, damaged: list[Damage]) -> Iterator[Finding]:
    """What git cannot give as it was written."""
    for one in damaged:
        yield Finding(where=shown(_below(ws, one)), message=one.message)
    for message in missing_elsewhere(ws.repository, {one.oid for one in damaged}):
        yield Finding(where=".git", message=message)


def _below(ws: Workspace, one: Damage) -> str:
    return one.path.removeprefix(f"{ws.store.prefix}/")


def _problems(ws: Workspace, index: Index, damaged: list[Damage]) -> Iterator[Finding]:
    """Records that cannot be read; the damaged ones were named."""
    known = {_below(ws, one) for one in damaged}
    for path, message in index.rows("SELECT path, message FROM problems"):
        if path not in known:
            yield Finding(where=path, message=message)


def _tree(ws: Workspace) -> Iterator[Finding]:
    """What plain `git pull` let in that `stoa sync` would have refused."""
    try:
        misplaced = commit_findings(ws.repository, ws.repository.head())
    except GitError as problem:  # a folder outside of `.stoa` is damaged
        yield Finding(where=".git", message=problem.message)
        return
    for found in misplaced:
        yield Finding(where=shown(found.path), message=found.message)


def _gone(ws: Workspace) -> Iterator[Finding]:
    """Records that a commit has removed without saying so, and branches that are gone with records on them."""
    for (folder, removal), files in removed_records(ws.repository, ws.store.prefix).items():
        short = removal.commit[:10]
        remedy = f"`git checkout {short}~1 -- {ws.store.prefix}/{folder}` brings it back"
        message = f"{files} file{'s' * (files > 1)} removed by {removal.author} in {short}; {remedy}"
        yield Finding(where=shown(folder), message=message)
    for branch, commit, runs in lost_branches(ws.repository, ws.store.prefix):
        remedy = f"`git branch {branch} {commit[:10]}` brings it back"
        forget = f"`git update-ref -d {last_ref(branch)}` forgets it"
        message = f"is gone, with {runs} run{'s' * (runs > 1)} not recorded elsewhere; {remedy}, {forget}"
        yield Finding(where=f"branch {branch}", message=message)


def _foreign(ws: Workspace, index: Index) -> Iterator[Finding]:
    """Other files than records that others have put into the folders of runs; the index names the records."""
    runs = (decode_run(record) for (record,) in index.rows("SELECT record FROM runs"))
    authors = {run.id: run.author.email for run in runs}
    head, prefix = ws.repository.head(), ws.store.prefix
    if not head or not authors:
        return
    named = {f"{prefix}/{path}" for (path,) in index.rows("SELECT path FROM strangers")}
    changes = tree_changes(ws.repository, "", head, f":(literal){prefix}/runs")
    files = {change.path: change.new_oid for change in changes if change.path not in named}
    for stranger in sorted(ws.store.closed.strangers(("", head), files, authors), key=lambda found: found.path):
        name = shown(stranger.path.removeprefix(f"{prefix}/"))
        yield Finding(where=name, message=f"does not belong to the run: it {stranger}")


def _definitions(ws: Workspace) -> Iterator[Finding]:
    """Definitions in the work tree that cannot be read."""
    for name in ws.library.processes():
        for problem in ws.library.problems(ws.library.process, [name]):
            yield Finding(where=f"processes/{name}.yaml", message=problem.message)
    for name in ws.library.environments():
        for problem in ws.library.problems(ws.library.environment, [name]):
            yield Finding(where=f"environments/{name}.yaml", message=problem.message)
    try:
        ws.library.targets()
    except StoaError as problem:
        yield Finding(where="targets", message=problem.message)


def _frozen(ws: Workspace, index: Index, snapshot: Snapshot) -> Iterator[Finding]:
    """Runs whose frozen definitions are missing or are not the ones that the run names."""
    for (record,) in index.rows("SELECT record FROM runs ORDER BY run"):
        run = decode_run(record)
        where = f"runs/{run.id}/frozen"
        read = partial(ws.store.frozen, run.id, snapshot=snapshot)
        try:
            missing = [name for name in FROZEN if read(name) is None]
            found = {} if missing else frozen_digests(run, read)
        except DamagedError:
            continue  # it was named
        except StoaError as problem:
            yield Finding(where=where, message=problem.message)
            continue
        if missing:
            yield Finding(where=where, message=f"missing: {', '.join(missing)}")
        for name, digest in found.items():
            if digest != run.digests.get(name, ""):
                yield Finding(where=where, message=f"the frozen {name} is not the one that the run names")


def _runs(index: Index) -> Iterator[Finding]:
    """Runs with a summary that counts other outcomes than there are."""
    counted: dict[str, dict[str, int]] = {}
    for run, status, number in index.rows(_COUNTS):
        counted.setdefault(run, {})[status] = number
    for run, record in index.rows(_SUMMARIES):
        says = {name: number for name, number in decode_summary(record).counts.items() if number} if record else None
        there = counted.get(run, {})
        if says is not None and says != there:
            message = f"counts {_told(says)}, and the outcomes are {_told(there)}"
            yield Finding(where=f"runs/{run}/summary.yaml", message=message)


def _told(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {status}" for status, number in sorted(counts.items())) or "none"


def _strangers(ws: Workspace, index: Index) -> Iterator[Finding]:
    """Records about targets that no list names."""
    known = set(ws.library.all_targets())
    for table, folder in (("outcomes", "runs"), ("reviews", "reviews"), ("metadata", "meta")):
        for (name,) in index.rows(f"SELECT DISTINCT target FROM {table} WHERE target != '' ORDER BY target"):
            if name not in known:
                yield Finding(where=folder, message=f"records about {name!r}, which is in no list of targets")
    sql = "SELECT DISTINCT run FROM reviews WHERE target = '' AND process = '' AND run NOT IN (SELECT run FROM runs)"
    for (run,) in index.rows(f"{sql} ORDER BY run"):
        yield Finding(where=f"reviews/{run}", message="comments or tags on a run that has no record")
    sql = "SELECT DISTINCT process FROM reviews WHERE process != '' AND process NOT IN (SELECT process FROM runs)"
    for (process,) in index.rows(f"{sql} ORDER BY process"):
        yield Finding(where=f"reviews/{process}", message="tags on a pair that never ran")


def _index(ws: Workspace, fresh: Index) -> Iterator[Finding]:
    """Tables in which the index differs from one that is built again."""
    for table in TABLES:
        sql = f"SELECT {_WITHOUT_KEYS.get(table, '*')} FROM {table}"
        if ws.index.digest(sql) != fresh.digest(sql):
            message = f"table {table} is not what git holds; delete .stoa/cache, it is rebuilt"
            yield Finding(where="cache/index.sqlite", message=message)


def _products(ws: Workspace, index: Index, progress: Callable[[int, int], None]) -> tuple[int, int, list[Finding]]:
    """How many products were compared, how many are not here, and what is wrong with the others."""
    refs = [
        ref
        for (record,) in index.rows("SELECT record FROM outcomes")
        for ref in decode_outcome(record).outputs.values()
    ]
    compared, absent, wrong = 0, 0, []
    for number, ref in enumerate(refs, 1):
        message = _product(ws, ref)
        compared += message is not None
        absent += message is None
        if message:
            wrong.append(Finding(where=ref.path, message=message))
        progress(number, len(refs))
    return compared, absent, wrong


def _product(ws: Workspace, ref: FileRef) -> str | None:
    """What is wrong with a product, "" when nothing is, None when it is not on this machine."""
    try:
        file = ws.project.file(ref)
        if not (file.is_dir() if ref.files else file.is_file()):
            return None
        size, sha256 = ws.checksums.of(file, afresh=True)
    except OSError as problem:
        return f"cannot be read: {problem.strerror}"
    except StoaError:
        return None
    return (
        ""
        if (size, sha256) == (ref.size, ref.sha256)
        else f"is not the {'folder' if ref.files else 'file'} that the job wrote"
    )
