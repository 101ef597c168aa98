"""Taking into git what has ended of a run that continues without its STOA: on a cluster, or in jobs that outlive it."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path

import msgspec

from stoa.exec.cluster.remote import chunk_folder
from stoa.exec.cluster.standing import Standing, standings
from stoa.model import Outcome
from stoa.provenance.committer import Batch, commit_part
from stoa.provenance.journal import Journaled
from stoa.provenance.store import Store

_COMMITTED = "committed"


def with_chunks(store: Store, said: Journaled) -> Journaled:
    """What the journals of its chunks add to the journal of a run."""
    folder = chunk_folder(store.spool.folder, said.opened.run.id)
    if not folder.is_dir():
        return said
    outcomes = standings({"": folder})[""].outcomes
    ended = {(o.target, o.group) for o in outcomes}
    running = tuple(start for start in said.running if (start.target, start.group) not in ended)
    return msgspec.structs.replace(said, ended=(*said.ended, *outcomes), running=running)


def is_due(folder: Path, standing: Standing, batch: Batch) -> bool:
    """Whether so much has ended since the last commit, or so long ago, that a part of the run is to be committed."""
    count, when = _last(folder)
    fresh = len(standing.outcomes) - count
    return fresh >= batch.outcomes or (fresh > 0 and time.time() - when >= batch.seconds)


def gather_part(store: Store, said: Journaled, standing: Standing) -> str:
    """Commit what has ended; gives the commit, or "" if everything is in git."""
    commit = commit_part(store, said, standing.outcomes)
    mark = chunk_folder(store.spool.folder, said.opened.run.id) / _COMMITTED
    mark.write_text(str(len(standing.outcomes)), encoding="ascii")
    return commit


def is_left_behind(folder: Path, said: Journaled) -> bool:
    """Whether outcomes of a run whose STOA was killed may not be in git yet; its journal grows no more."""
    try:
        return (folder / _COMMITTED).read_text(encoding="ascii") != str(len(said.ended))
    except OSError:
        return bool(said.ended)


def gather_left_behind(store: Store, said: Journaled) -> str:
    """Commit what had ended of a run whose STOA was killed while jobs of it continue; see `gather_part`."""
    commit = commit_part(store, with_chunks(store, said), ())
    mark = store.spool.folder / said.opened.run.id / _COMMITTED
    mark.write_text(str(len(said.ended)), encoding="ascii")
    return commit


def _last(folder: Path) -> tuple[int, float]:
    """How many outcomes were in the last part, and when it was committed; at first, when the run began."""
    try:
        mark = folder / _COMMITTED
        return int(mark.read_text(encoding="ascii")), mark.stat().st_mtime
    except (OSError, ValueError):
        pass
    try:
        return 0, (folder / "00000.jobs").stat().st_mtime
    except OSError:
        return 0, 0.0


def took_s(said: Journaled, outcomes: list[Outcome]) -> float:
    """Seconds from the beginning of a run to the end of its last job, by the clocks of the machines."""
    ends = [datetime.fromisoformat(o.start).timestamp() + o.duration_s for o in outcomes if o.start]
    began = datetime.fromisoformat(said.opened.run.started).timestamp()
    return round(max(0.0, max(ends, default=began) - began), 3)
