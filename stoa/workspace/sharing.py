"""Exchanging commits with the others: what comes is checked, what is left to do is named."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import msgspec

from stoa.durable import write_hint
from stoa.errors import StoaError
from stoa.meta.xml import is_built
from stoa.provenance.conflict import conflict_words
from stoa.provenance.git import ConflictError, SyncReport, sync, uncommitted
from stoa.provenance.inspect import RecordGuard
from stoa.workspace.open import Workspace


def share(ws: Workspace, remote: str | None = None, *, rejoin: bool = False) -> SyncReport:
    """See `stoa.commands.sync.sync`; `stoa update` does it, too."""
    ws.ready()
    known = set(_unreadable(ws))
    guard = RecordGuard(ws.repository, is_built, ws.changing)
    try:
        report = sync(ws.repository, guard, remote, rejoin=rejoin)
    except ConflictError as conflict:
        words = "".join(f"\n  {line}" for line in conflict_words(ws.repository, conflict))
        message = f"you and {conflict.label} made changes that cannot both hold; nothing was merged{words}"
        raise StoaError(message, conflict.hint) from None
    except OSError as problem:
        where = problem.filename or ws.repository.common
        raise StoaError(
            f"the exchange could not be finished: {problem.strerror} ({where})",
            f"nothing is lost, and `stoa sync` continues where it stopped; {write_hint(problem)}",
        ) from None
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
            found += [project.top / file for file in library.environment(name).named_files]
    return found


def _unreadable(ws: Workspace) -> list[tuple[str, str]]:
    return [(row[0], row[1]) for row in ws.index.rows("SELECT path, message FROM problems ORDER BY path, message")]
