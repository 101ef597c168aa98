"""The observation log of a service, for the objects of a catalogue."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from stoa.catalogue.angles import radius_arcsec
from stoa.catalogue.positions import positions
from stoa.catalogue.tables import read_table
from stoa.errors import StoaError
from stoa.hashing import sha256_of
from stoa.opening import open_regular
from stoa.sources.files import label, write
from stoa.vo.answers import Memory
from stoa.vo.obscore import Part, Wish, observations, takes_tables
from stoa.workspace.open import Workspace

if TYPE_CHECKING:
    from astropy.table import Table

RADIUS = "1arcmin"
TABLE = "ivoa.obscore"


class LogProgress(msgspec.Struct, frozen=True):
    """How far the questions have got."""

    places: int  # objects that were asked about
    of: int
    rows: int  # of the last answer
    is_known: bool


class LogReport(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a log that is of interest for a catalogue."""

    service: str
    query: str
    catalogue: str
    retrieved: str  # UTC, of the oldest answer in it
    objects: int  # of the catalogue, with a position
    without_position: int
    parts: int  # questions
    known_parts: int  # those that were answered before, and not asked again
    by_upload: bool
    rows: int
    columns: int
    cut_objects: int  # objects for which the service has more rows than it gives
    files: tuple[str, ...]


def obscore(
    ws: Workspace,
    service: str,
    catalogue: Path,
    radius: str = RADIUS,
    *,
    table: str = TABLE,
    condition: str = "",
    upload: bool | None = None,
    size: int = 0,
    most: int = 0,
    as_job: bool = False,
    patience_s: float = 3600.0,
    again: bool = False,
    out: Path | None = None,
    phase: Callable[[str], None] = lambda _phase: None,
    progress: Callable[[LogProgress], None] = lambda _progress: None,
) -> LogReport:
    """Ask a TAP service for the observations of a catalogue's objects, part by part, and write them as one log.

    Each answer is kept as it comes: after an interruption the same command asks for the rest alone.

    Parameters
    ----------
    radius
        Observations count whose centre is within it, and larger fields that hold the object.
    condition
        A further condition in ADQL, such as ``dataproduct_type = 'image'``.
    upload
        Send the positions as a table; None: where the service says that it takes them.
    size
        Objects of one question; 0: as many as are usual.
    most
        Rows of one answer; 0: what the service gives.

    Raises
    ------
    ServiceError
        If the service is not reached, refuses, or answers with something else.
    StoaError
        If the catalogue has no positions.
    """
    degrees = radius_arcsec(radius) / 3600
    ws.check_given(catalogue)
    places, missing = _places(catalogue)
    by_upload = takes_tables(service) if upload is None else upload
    wish = Wish(table=table, radius=degrees, condition=condition)
    memory = Memory(ws.project.answers)
    parts: list[Part] = []
    tables: list[Table] = []
    for part in observations(
        memory, service, wish, places, upload=by_upload, size=size, most=most, as_job=as_job, patience_s=patience_s,
        again=again, phase=phase,
    ):  # fmt: skip
        parts.append(part)
        tables.append(read_table(memory.file(part.answer)))
        progress(LogProgress(sum(each.places for each in parts), len(places), len(tables[-1]), part.is_known))
    log = _joined(tables)
    query = wish.query() if by_upload else wish.query_of(places[:1]) + (" ..." if len(places) > 1 else "")
    retrieved = min(part.answer.retrieved for part in parts)
    cut = sum(part.places for part in parts if part.answer.is_cut)
    log.meta = {
        "service": service, "query": " ".join(query.split()), "retrieved": retrieved,
        "objects": f"{catalogue.name} sha256:{_content(catalogue)}", "sha256": _sum(parts),
        "parts": len(parts), "rows_of_answer": len(log), **({"overflow": cut} if cut else {}),
    }  # fmt: skip
    name = label(f"{urlsplit(service).hostname}_{catalogue.stem}_log")
    return LogReport(
        service=service, query=query, catalogue=str(catalogue), retrieved=retrieved, objects=len(places),
        without_position=missing, parts=len(parts), known_parts=sum(part.is_known for part in parts),
        by_upload=by_upload, rows=len(log), columns=len(log.colnames), cut_objects=cut,
        files=write(ws, log, out, name, (catalogue,)),
    )  # fmt: skip


def _places(catalogue: Path) -> tuple[list[tuple[float, float]], int]:
    """Positions in ICRS degrees, each once, and how many rows have none."""
    import numpy as np

    ra, dec = positions(read_table(catalogue), str(catalogue))
    known = np.isfinite(ra + dec)
    if not known.any():
        raise StoaError(f"no row of {catalogue} has a position")
    pairs = dict.fromkeys(zip(ra[known].tolist(), dec[known].tolist(), strict=True))
    return list(pairs), int((~known).sum())


def _joined(tables: Sequence[Table]) -> Table:
    """All rows of some answers, each once: an observation near two objects comes twice."""
    import numpy as np
    from astropy.table import vstack

    log = vstack(list(tables), metadata_conflicts="silent")
    seen: set[tuple[str, ...]] = set()
    kept = np.zeros(len(log), dtype=bool)
    for number, row in enumerate(zip(*(log[name] for name in log.colnames), strict=True)):
        key = tuple(map(str, row))
        kept[number] = key not in seen
        seen.add(key)
    return log[kept]


def _sum(parts: Sequence[Part]) -> str:
    """One sum for the answers, in their order."""
    return hashlib.sha256("\n".join(part.answer.sha256 for part in parts).encode()).hexdigest()


def _content(file: Path) -> str:
    with open_regular(file, follow_links=True) as opened:
        return sha256_of(opened)
