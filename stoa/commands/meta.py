"""Metadata documents: building, showing, checking and explaining them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from stoa.errors import StoaError
from stoa.meta.cache import Descriptions, Known, Remembered
from stoa.meta.check import Problem, check
from stoa.meta.defects import Level
from stoa.meta.explain import Explanation, explain
from stoa.meta.many import Described, Gone, Request, describe_many
from stoa.meta.table import BUILT_IN
from stoa.meta.xml import MAX_BYTES, from_xml, is_built, validate
from stoa.project import Project
from stoa.provenance.git import Snapshot
from stoa.provenance.library import NoProject
from stoa.workspace.open import Workspace
from stoa.workspace.roles import ROLES, role_table
from stoa.workspace.selection import match_names
from stoa.workspace.targets import known_target

BATCH = 10_000
"""Documents in one commit; more would fill the memory."""


Progress = Callable[[int, int], None]


class BuildReport(msgspec.Struct, frozen=True, kw_only=True):
    """What `meta build` did."""

    targets: int
    read: int  # targets whose folder is not as it was, so that its files were looked at
    changed: tuple[str, ...]  # targets whose document is new or different
    vanished: tuple[str, ...]  # targets whose folder is not there; their documents stay
    kept: tuple[str, ...] = ()  # targets whose document was not written by STOA and stays
    files: int
    commit: str


class CheckedTarget(msgspec.Struct, frozen=True, kw_only=True):
    """A target and what its folder lacks."""

    target: str
    problems: tuple[Problem, ...]


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """How often there is one problem."""

    code: str
    level: Level
    targets: int
    times: int
    example: str


def build_documents(
    ws: Workspace,
    targets: tuple[str, ...] = (),
    jobs: int = 0,
    progress: Progress | None = None,
    *,
    replace: bool = False,
) -> BuildReport:
    """Describe the folders of targets and commit the documents that changed, with the rules that made them.

    Parameters
    ----------
    jobs
        How many processes; 0: as many as the settings or the processors say.
    progress
        Is told how many of how many targets are done.
    replace
        Whether documents that were not written by STOA make room for its own.

    Raises
    ------
    StoaError
        If there are no targets, a root is not on this machine, or the rules of the project are wrong.
    """
    ws.ready()
    names = match_names(targets, ws.targets) if targets else list(ws.targets)
    if not names:
        raise StoaError("this project has no targets yet", "`stoa target add ROOT GLOB` adds some")
    for root in {ws.targets[name].root for name in names}:
        if not ws.project.root(root).is_dir():
            raise StoaError(f"root {root!r} is not at {ws.project.root(root)}", f"`stoa root add {root} PATH`")
    table = role_table(ws.project)
    builder = _Builder(ws, replace=replace)
    try:
        requests = [builder.request(name) for name in names]
        sums = ws.project.config.checksums == "files"
        workers = jobs or ws.project.jobs_at_once
        made = describe_many(requests, table, ws.project.descriptions_file, workers, checksums=sums)
        for done, one in enumerate(made, 1):
            builder.take(one)
            if progress:
                progress(done, len(names))
        return builder.report()
    finally:
        builder.close()


class _Builder:
    """Takes descriptions as they come, and commits those that differ from what git holds."""

    def __init__(self, ws: Workspace, *, replace: bool) -> None:
        self._ws = ws
        self._replace = replace
        self._snapshot = ws.store.snapshot()
        self._oids = _documents(ws, self._snapshot)
        self._cache = Descriptions(ws.project.descriptions_file)
        self._known = self._cache.known()
        self._changes: dict[str, bytes | None] = {}
        self._described: list[Described] = []
        self._vanished: list[str] = []
        self._changed: list[str] = []
        self._kept: list[str] = []
        self._files = self._targets = self._read = 0
        self._commit = ""

    def request(self, name: str) -> Request:
        """What is to be looked at, and what is known of it."""
        known = self._known.get(name, Known("", ""))
        holds = bool(known.document) and known.document == self._oids.get(name)
        return Request(name, self._ws.project.folder(self._ws.targets[name]), known.stamp, holds)

    def take(self, one: Described | Gone) -> None:
        self._targets += 1
        if isinstance(one, Gone):
            self._vanished.append(one.target)
            return
        self._files += one.files
        if not one.xml:
            return
        self._read += 1
        oid = self._oids.get(one.target)
        known = self._snapshot.blob(oid) if oid else b""
        if known and not self._replace and _is_foreign(known):
            self._kept.append(one.target)
            return
        self._described.append(msgspec.structs.replace(one, xml=b""))
        if known != one.xml:
            self._changes[Project.meta_record(one.target)] = one.xml
        if len(self._changes) >= BATCH:
            self._flush()

    def report(self) -> BuildReport:
        """Commit what is left."""
        self._flush()
        return BuildReport(
            targets=self._targets,
            read=self._read,
            changed=tuple(self._changed),
            vanished=tuple(self._vanished),
            kept=tuple(self._kept),
            files=self._files,
            commit=self._commit,
        )

    def _flush(self) -> None:
        number = len(self._changes)
        self._changed += [path.removeprefix("meta/").removesuffix(".xml") for path in self._changes]
        if number:
            changes = {**self._changes, **_changed_rules(self._ws, self._snapshot)}
            self._commit = self._ws.store.commit(changes, f"metadata of {number} target{'s' * (number != 1)}")
            self._oids = _documents(self._ws, self._ws.repository.snapshot(self._commit))
        self._cache.remember(
            Remembered(one.target, one.stamp, self._oids[one.target], one.entries) for one in self._described
        )
        self._changes, self._described = {}, []

    def close(self) -> None:
        self._cache.close()


def _is_foreign(data: bytes) -> bool:
    """Whether a document tells of files and was not written by STOA."""
    if is_built(data):
        return False
    try:
        document = from_xml(data)
    except StoaError:
        return False
    return bool(document.groups or document.others)


def _documents(ws: Workspace, snapshot: Snapshot) -> dict[str, str]:
    """Object id of the metadata document of every target that has one."""
    files = snapshot.files(f"{ws.store.prefix}/meta")
    return {name.removesuffix(".xml"): oid for name, oid in files if name.endswith(".xml")}


def _changed_rules(ws: Workspace, snapshot: Snapshot) -> dict[str, bytes | None]:
    """The project's rules, where they are not in git as they are here: others have to come to the same documents."""
    file = ws.project.roles_file
    data = file.read_bytes() if file.is_file() else None
    return {ROLES: data} if data is not None and snapshot.read(f"{ws.store.prefix}/{ROLES}") != data else {}


def show_document(ws: Workspace, target: str) -> bytes:
    """The XML of a target's metadata document.

    Raises
    ------
    StoaError
        If there is no such target or it has no document yet.
    """
    known_target(ws, target)
    data = ws.store.snapshot().read_record(f"{ws.store.prefix}/{Project.meta_record(target)}")
    if data is None:
        raise StoaError(f"target {target!r} has no metadata document yet", "`stoa meta build` makes it")
    return data


def check_documents(ws: Workspace, targets: tuple[str, ...] = ()) -> list[CheckedTarget]:
    """What every target's folder lacks, by its document; targets without one, or with one that is not valid, say so."""
    names = match_names(targets, ws.targets) if targets else list(ws.targets)
    snapshot = ws.store.snapshot()
    oids = _documents(ws, snapshot)
    return [
        CheckedTarget(target=name, problems=_checked(snapshot.blob(oids[name]) if name in oids else None))
        for name in names
    ]


def check_file(file: Path) -> CheckedTarget:
    """What is wrong with a metadata document that stands in a file, as one from elsewhere.

    Raises
    ------
    StoaError
        If the file cannot be read.
    """
    try:
        with file.open("rb") as content:
            data = content.read(MAX_BYTES + 1)  # one byte more than is taken
    except OSError as problem:
        raise StoaError(f"cannot read {file}: {problem.strerror}") from None
    return CheckedTarget(target=str(file), problems=_checked(data))


def _checked(data: bytes | None) -> tuple[Problem, ...]:
    if data is None:
        return (Problem(code="undescribed", message="no metadata document: `stoa meta build`"),)
    try:
        faults = validate(data)
        found = check(from_xml(data))
    except StoaError as problem:
        return (Problem(code="unreadable-document", message=problem.message, level="error"),)
    invalid = [Problem(code="invalid-document", message=f"the metadata document, {fault}") for fault in faults]
    return (*invalid, *found)


def without_notes(checked: list[CheckedTarget]) -> list[CheckedTarget]:
    """The same targets with errors and warnings only."""
    return [
        msgspec.structs.replace(entry, problems=tuple(one for one in entry.problems if one.level != "info"))
        for entry in checked
    ]


def overview(checked: list[CheckedTarget]) -> list[Overview]:
    """Each problem that some target has, with how many; the gravest and most frequent first."""
    found: dict[tuple[Level, str], list[tuple[str, str]]] = {}
    for entry in checked:
        for problem in entry.problems:
            found.setdefault((problem.level, problem.code), []).append((entry.target, problem.message))
    rows = [
        Overview(
            code=code,
            level=level,
            targets=len({target for target, _ in cases}),
            times=len(cases),
            example=": ".join(cases[0]),
        )
        for (level, code), cases in found.items()
    ]
    return sorted(rows, key=lambda row: (_GRAVEST.index(row.level), -row.targets, row.code))


_GRAVEST: tuple[Level, ...] = ("error", "warning", "info")


def explain_file(start: Path, file: Path) -> Explanation:
    """Which rule gives a file its role, and which nearly did, by the rules of the project or, outside one, of STOA.

    Raises
    ------
    StoaError
        If there is no such file.
    """
    if not file.is_file() and not file.is_symlink():
        raise StoaError(f"{file} is no file", "`stoa meta explain` takes the path of a file on this machine")
    try:
        table = role_table(Workspace(start).project)
    except NoProject:
        table = BUILT_IN
    return explain(file, table)
