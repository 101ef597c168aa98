"""Whether everything that is recorded is there, readable and the same as when it was written."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from stoa.commands.workspace import Workspace
from stoa.errors import StoaError
from stoa.model import Environment, FileRef, Run
from stoa.provenance.definitions import read_process
from stoa.provenance.digests import environment_digest, params_digest, process_digest, scripts_digest
from stoa.provenance.environment_definition import read_environment
from stoa.provenance.index import decode_outcome, decode_run
from stoa.provenance.inspect import commit_findings, shown
from stoa.provenance.records import read_frozen_set

TABLES = ("runs", "outcomes", "latest", "results", "reviews", "cleared", "metadata", "problems")
_WITHOUT_KEYS = {
    "outcomes": "run, target, grp, attempt, status, cause, record",
    "latest": "process, params, target, grp, run, attempt",
    "results": "name, value",
}
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
    index = ws.index
    findings = [
        Finding(where=path, message=message) for path, message in index.rows("SELECT path, message FROM problems")
    ]
    findings += _tree(ws)
    findings += _definitions(ws)
    findings += _frozen(ws)
    findings += _strangers(ws)
    findings += _index(ws)
    compared, absent = 0, 0
    if products:
        compared, absent, wrong = _products(ws, progress or (lambda _done, _of: None))
        findings += wrong
    counts = [
        index.rows(f"SELECT count(*) FROM {table}")[0][0] for table in ("runs", "outcomes", "reviews", "metadata")
    ]
    return FsckReport(
        runs=counts[0], outcomes=counts[1], reviews=counts[2], documents=counts[3], products=compared, absent=absent,
        findings=tuple(findings),
    )  # fmt: skip


def _tree(ws: Workspace) -> Iterator[Finding]:
    """What plain `git pull` let in that `stoa sync` would have refused."""
    for found in commit_findings(ws.repository, ws.repository.head()):
        yield Finding(where=shown(found.path), message=found.message)


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


def _frozen(ws: Workspace) -> Iterator[Finding]:
    """Runs whose frozen definitions are missing or are not the ones that the run names."""
    for (record,) in ws.index.rows("SELECT record FROM runs ORDER BY run"):
        run = decode_run(record)
        where = f"runs/{run.id}/frozen"
        missing = [name for name in FROZEN if ws.store.frozen(run.id, name) is None]
        if missing:
            yield Finding(where=where, message=f"missing: {', '.join(missing)}")
            continue
        try:
            found = _frozen_digests(ws, run)
        except StoaError as problem:
            yield Finding(where=where, message=problem.message)
            continue
        for name, digest in found.items():
            if digest != run.digests.get(name, ""):
                yield Finding(where=where, message=f"the frozen {name} is not the one that the run names")


def _frozen_digests(ws: Workspace, run: Run) -> dict[str, str]:
    where = f"runs/{run.id}/frozen"
    process = read_process(ws.store.frozen(run.id, "process.yaml") or b"", f"{where}/process.yaml")
    environment = read_environment(ws.store.frozen(run.id, "environment.yaml") or b"", f"{where}/environment.yaml")
    params = read_frozen_set(ws.store.frozen(run.id, "params.yaml") or b"", f"{where}/params.yaml")
    names = [Path(path).name for path in (process.script, *process.files) if path]
    scripts = {name: ws.store.frozen(run.id, f"script/{name}") for name in names}
    held = {name: content for name, content in scripts.items() if content is not None}
    if len(held) < len(names):
        raise StoaError(f"missing: {', '.join(name for name in names if name not in held)} of the script")
    return {
        "process": process_digest(process),
        "environment": environment_digest(environment, _named_files(ws, run, environment)),
        "params": params_digest(params.values),
        "script": scripts_digest(held.pop(names[0]), process.script, held) if process.script else "",
    }


def _named_files(ws: Workspace, run: Run, environment: Environment) -> dict[str, bytes]:
    files = tuple(filter(None, (environment.requirements, environment.dockerfile)))
    return {
        file: ws.store.frozen(run.id, f"environments/{environment.name}/{Path(file).name}") or b"" for file in files
    }


def _strangers(ws: Workspace) -> Iterator[Finding]:
    """Records about targets that no list names."""
    known = set(ws.targets)
    for table, folder in (("outcomes", "runs"), ("reviews", "reviews"), ("metadata", "meta")):
        for (name,) in ws.index.rows(f"SELECT DISTINCT target FROM {table} ORDER BY target"):
            if name not in known:
                yield Finding(where=folder, message=f"records about {name!r}, which is in no list of targets")


def _index(ws: Workspace) -> Iterator[Finding]:
    """Tables in which the index differs from one that is built anew."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = ws.fresh_index(Path(folder) / "index.sqlite")
        try:
            for table in TABLES:
                columns = _WITHOUT_KEYS.get(table, "*")
                sql = f"SELECT {columns} FROM {table}"
                if sorted(map(repr, ws.index.rows(sql))) != sorted(map(repr, fresh.rows(sql))):
                    message = f"table {table} is not what git holds; delete .stoa/cache, it is rebuilt"
                    yield Finding(where="cache/index.sqlite", message=message)
        finally:
            fresh.close()


def _products(ws: Workspace, progress: Callable[[int, int], None]) -> tuple[int, int, list[Finding]]:
    """How many products were compared, how many are not here, and what is wrong with the others."""
    refs = [
        ref
        for (record,) in ws.index.rows("SELECT record FROM outcomes")
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
        if not file.is_file():
            return None
        size, sha256 = ws.checksums.of(file, afresh=True)
    except OSError as problem:
        return f"cannot be read: {problem.strerror}"
    except StoaError:
        return None
    return "" if (size, sha256) == (ref.size, ref.sha256) else "is not the file that the job wrote"
