"""Metadata documents: building, showing, checking and explaining them."""

from __future__ import annotations

from pathlib import Path

import msgspec

from stoa.errors import StoaError
from stoa.meta.check import Problem, check
from stoa.meta.defects import Level
from stoa.meta.explain import Explanation, explain
from stoa.meta.table import BUILT_IN
from stoa.meta.xml import MAX_BYTES, from_xml, validate
from stoa.opening import open_regular
from stoa.project import Project
from stoa.provenance.library import NoProject
from stoa.workspace.build_report import BuildReport
from stoa.workspace.metadata import build_documents, document_oids
from stoa.workspace.open import Workspace
from stoa.workspace.roles import role_table
from stoa.workspace.selection import match_names
from stoa.workspace.targets import known_target

__all__ = [
    "BuildReport", "CheckedTarget", "Overview", "build_documents", "check_documents", "check_file", "explain_file",
    "overview", "show_document", "without_notes",
]  # fmt: skip


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
    oids = document_oids(ws, snapshot)
    return [
        CheckedTarget(target=name, problems=_checked(snapshot.blob(oids[name]) if name in oids else None))
        for name in names
    ]


def check_file(file: Path) -> CheckedTarget:
    """What is wrong with a metadata document that is in a file, as one from elsewhere.

    Raises
    ------
    StoaError
        If the file cannot be read.
    """
    try:
        with open_regular(file, follow_links=True) as content:
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
        raise StoaError(f"{file} is not a file", "`stoa meta explain` takes the path of a file on this machine")
    try:
        ws = Workspace(start)
    except NoProject:
        return explain(file, BUILT_IN)
    ws.check_given(file)
    return explain(file, role_table(ws.project))
