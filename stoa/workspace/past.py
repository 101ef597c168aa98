"""The project as it was at a commit: a copy of the repository in the cache, which is only looked at."""

from __future__ import annotations

import json
import os
import re
import shutil
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from stoa.durable import exclusive, make_folder, write_whole
from stoa.errors import StoaError
from stoa.project import PRODUCTS_ROOT, Project
from stoa.provenance.git import Repository, commit_named, commit_until, copy_at, time_of
from stoa.workspace.open import Past, Workspace

_KEPT = 5
"""Copies in the cache; the one that was used longest ago is removed."""

_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d)?)?", re.ASCII)
_DAY = len("2026-11-28")


def as_it_was(ws: Workspace, when: str) -> Workspace:
    """The project as it was at a commit, to be looked at.

    Definitions, records and metadata are those of that commit. Data and products are those of this machine as they
    are now.

    Parameters
    ----------
    when
        A commit, a tag or a branch; or a date, ``2026-11-28`` for the end of that day or ``2026-11-28T14:30``, in UTC
        unless it says otherwise, for the last commit of the present branch until then.

    Raises
    ------
    StoaError
        If there is no such commit, or it has no project.
    """
    repository = ws.repository
    commit = _commit(repository, when)
    if not repository.snapshot(commit).holds(f"{ws.store.prefix}/config.yaml"):
        raise StoaError(f"there was no project yet at {when} (commit {commit[:10]})", "`git log` shows the commits")
    folder = ws.project.cache / "at"
    make_folder(folder)
    place = folder / commit
    with exclusive(folder / "lock", "has been making a copy of an earlier state"):
        if not place.is_dir():
            copy_at(repository, commit, place)
        os.utime(place)
        _forget_others(folder, place)
        top = place / ws.project.top.relative_to(repository.top)
        _write_roots(ws.project, Project(top, ws.project.config, ws.project.local).local_file)
    found = Workspace(top)
    found.past = Past(commit, ws.project.top)
    found.remark(f"as of commit {commit[:10]}, {time_of(repository, commit):%Y-%m-%d %H:%M} UTC")
    return found


def _commit(repository: Repository, when: str) -> str:
    """The full id of the commit that is meant."""
    found = commit_until(repository, _moment(when)) if _DATE.fullmatch(when) else commit_named(repository, when)
    if found:
        return found
    if repository.is_shallow:
        raise StoaError(
            f"this clone is shallow: it does not reach back to {when!r}, or there is nothing of that name",
            "`git fetch --unshallow` brings all earlier commits",
        )
    if _DATE.fullmatch(when):
        raise StoaError(f"no commit is as old as {when}", "`git log` shows the commits")
    raise StoaError(
        f"there is no commit, tag or branch {when!r}", "`git log` shows the commits; a date is written 2026-11-28T14:30"
    )


def _moment(when: str) -> datetime:
    try:
        moment = datetime.fromisoformat(when)
    except ValueError:
        raise StoaError(f"there is no date {when!r}", "write it like 2026-11-28 or 2026-11-28T14:30") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment + timedelta(days=1, seconds=-1) if len(when) == _DAY else moment


def _forget_others(folder: Path, place: Path) -> None:
    """Remove copies that were used long ago."""
    with suppress(OSError):
        others = [each for each in folder.iterdir() if each.is_dir() and each != place]
        for old in sorted(others, key=lambda each: each.stat().st_mtime, reverse=True)[_KEPT - 1 :]:
            shutil.rmtree(old, ignore_errors=True)


def _write_roots(project: Project, file: Path) -> None:
    """Let the roots be where they are for the present project."""
    roots = {}
    for name in (*project.config.roots, *project.local.roots, PRODUCTS_ROOT):
        with suppress(StoaError):  # without a path here
            roots[name] = str(project.root(name).absolute())
    write_whole(file, json.dumps({"schema": 1, "roots": roots}).encode())
