"""Sharing a project with collaborators: what the others have, and a copy for a new one."""

from __future__ import annotations

import re
from contextlib import suppress
from functools import partial
from pathlib import Path

import msgspec

from stoa.commands.init import RootState, list_roots
from stoa.commands.workspace import Workspace
from stoa.errors import StoaError
from stoa.meta.xml import is_built
from stoa.project import PRODUCTS_ROOT, STOA_DIR, resolved
from stoa.provenance.conflict import conflict_words
from stoa.provenance.git import ConflictError, Repository, SyncReport, holders, uncommitted
from stoa.provenance.git import clone as clone_repository
from stoa.provenance.git import sync as sync_repository
from stoa.provenance.inspect import RecordGuard, RefusedError, commit_findings, listed

_CONFIG = f"{STOA_DIR}/config.yaml"


class CloneReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a clone made."""

    path: str  # of the project; below the repository's root where the project is
    project: str
    commit: str
    targets: int
    unplaced: tuple[RootState, ...]  # roots that have no path on this machine


def sync(ws: Workspace, remote: str | None = None, *, rejoin: bool = False) -> SyncReport:
    """Fetch, merge and push until both sides have everything; nothing of the user's is swept in.

    Parameters
    ----------
    rejoin
        Also where the remote's branch has lost commits since the last sync: they are put back.

    Raises
    ------
    StoaError
        If the remote cannot be reached or written to, what comes cannot be trusted, or both
        sides changed the same definition; the message says what each wrote.
    """
    ws.ready()
    known = set(_unreadable(ws))
    guard = RecordGuard(ws.repository, is_built)
    try:
        report = sync_repository(ws.repository, guard, remote, rejoin=rejoin)
    except ConflictError as conflict:
        words = "".join(f"\n  {line}" for line in conflict_words(ws.repository, conflict))
        message = f"you and {conflict.label} made changes that cannot both hold; nothing was merged{words}"
        raise StoaError(message, conflict.hint) from None
    fresh = tuple(problem for problem in _unreadable(ws) if problem not in known)
    unshared = tuple(uncommitted(ws.repository, _written(ws)))
    return msgspec.structs.replace(report, unreadable=fresh, rebuild=tuple(sorted(guard.rebuild)), unshared=unshared)


def _written(ws: Workspace) -> list[Path]:
    """Files and folders in which people write definitions, with the files that definitions name."""
    project, library = ws.project, ws.library
    found = [project.config_file, project.roles_file, project.target_list("x").parent]
    found += [project.process_file("x").parent, project.environment_file("x").parent]
    found += [project.params_file("x", "y").parent.parent]
    for name in library.processes():
        with suppress(StoaError):
            process = library.process(name)
            found += [project.top / file for file in (process.script, *process.files) if file]
    for name in library.environments():
        with suppress(StoaError):
            found += [project.top / file for file in [library.environment(name).requirements] if file]
    return found


def _unreadable(ws: Workspace) -> list[tuple[str, str]]:
    return [(row[0], row[1]) for row in ws.index.rows("SELECT path, message FROM problems ORDER BY path, message")]


def clone(url: str, directory: Path | None = None) -> CloneReport:
    """Copy a project from a collaborator or a server.

    Parameters
    ----------
    directory
        Where it is to be; by default a folder of this one, named as the repository.

    Raises
    ------
    StoaError
        If it cannot be reached, has no project in it, or what it holds cannot be trusted.
    """
    place = resolved(directory or Path(_name(url)))
    found: list[str] = []
    clone_repository(url, place, partial(_examine, found=found), partial(holders, file=_CONFIG))
    ws = Workspace(place / found[0])
    try:
        for folder in (ws.project.spool, ws.project.cache):
            folder.mkdir(exist_ok=True)
        unplaced = tuple(root for root in list_roots(ws) if not root.path and root.name != PRODUCTS_ROOT)
        return CloneReport(
            path=str(ws.project.top), project=ws.project.config.project, commit=ws.repository.head(),
            targets=len(ws.targets), unplaced=unplaced,
        )  # fmt: skip
    finally:
        ws.close()


def _name(url: str) -> str:
    """The folder that git would choose, too: ``quasars`` for ``host:data/quasars.git``."""
    last = re.split(r"[/:]", url.rstrip("/").removesuffix("/.git"))[-1].removesuffix(".git")
    if not last.strip(". ") or not last.isprintable():
        raise StoaError("the address does not say how to name the folder", "`stoa clone URL DIR`")
    return last


def _examine(repository: Repository, found: list[str]) -> None:
    """Find the project, the topmost where there are several; refuse what cannot be trusted."""
    head = repository.head()
    tops = holders(repository, head, _CONFIG)
    if not tops:
        raise StoaError(
            f"this repository has no {STOA_DIR} folder: it is no STOA project, and nothing was cloned",
            "`git clone` copies any repository; `stoa init` makes a project in it",
        )
    findings = commit_findings(repository, head)
    if findings:
        raise RefusedError(
            f"this repository holds what no project can hold: {listed(findings)}; nothing was cloned",
            findings,
            "ask whoever keeps it; `git clone --no-checkout` fetches it for a closer look",
        )
    found.append(tops[0])
