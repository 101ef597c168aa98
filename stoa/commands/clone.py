"""A copy of a project for a new collaborator."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import msgspec

from stoa.durable import make_folder
from stoa.errors import StoaError
from stoa.project import PRODUCTS_ROOT, STOA_DIR, resolved
from stoa.provenance.git import Repository, holders
from stoa.provenance.git import clone as clone_repository  # this is the verb
from stoa.provenance.inspect import RefusedError, commit_findings, listed
from stoa.workspace.open import Workspace
from stoa.workspace.roots import RootState, list_roots

_CONFIG = f"{STOA_DIR}/config.yaml"


class CloneReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a clone made."""

    path: str  # of the project; below the repository's root where the project is
    project: str
    commit: str
    targets: int
    unplaced: tuple[RootState, ...]  # roots that have no path on this machine


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
        ws.store.hide_private()
        for folder in (ws.project.spool, ws.project.cache):
            make_folder(folder)
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
            f"this repository has no {STOA_DIR} folder: it is not a STOA project, and nothing was cloned",
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
