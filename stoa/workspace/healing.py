"""What every command that may commit does first: puts the repository in order after commands that were killed.

Runs that were cut off are put into git by `stoa.workspace.live`, which knows where jobs are.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from stoa.durable import write_hint
from stoa.errors import StoaError
from stoa.provenance.store import Store


class Healing(msgspec.Struct, frozen=True):
    """Runs that were put into git, what keeps others out of it, and journals that were damaged."""

    runs: tuple[str, ...] = ()
    hindered: str = ""
    damaged: tuple[Path, ...] = ()
    returned: str = ""  # records that were missing on the branch and were put back, in words


def heal_repository(store: Store) -> Healing:
    """Finish what a killed command began in the repository, and put records back that are missing on the branch."""
    returned = ""
    try:
        store.hide_private()
        store.repository.heal()
        returned = str(store.bring_back() or "")
    except (StoaError, OSError) as problem:
        return Healing(hindered=in_words(problem), damaged=store.spool.damaged(), returned=returned)
    return Healing(damaged=store.spool.damaged(), returned=returned)


def has_runs_to_heal(store: Store) -> bool:
    """Whether there are runs that are not in git as a whole, or what killed commands left half made of some."""
    return bool(store.spool.runs()) or store.spool.has_leftovers() or former_spool(store) is not None


def former_spool(store: Store) -> Path | None:
    """The folder `.stoa/spool`, where an earlier version of STOA had its runs; None if there is none."""
    former = store.project.stoa / "spool"
    return None if former == store.spool.folder or not former.is_dir() or former.is_symlink() else former


def in_words(problem: StoaError | OSError) -> str:
    """What kept something from being put into git."""
    if isinstance(problem, StoaError):
        return str(problem)
    return f"{problem.filename or 'a file'} cannot be written: {problem.strerror}; {write_hint(problem)}"
