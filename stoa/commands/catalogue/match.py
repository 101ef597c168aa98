"""Sources matched with a catalogue on the sky."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from stoa.catalogue.angles import radius_arcsec
from stoa.catalogue.coverage import read_coverage
from stoa.catalogue.coverage import within as within_coverage  # `within` is a number of errors here
from stoa.catalogue.fluxes import FluxComparison, compare, published
from stoa.catalogue.match import FieldOffset, Offset
from stoa.catalogue.match import match as match_tables  # this is the verb
from stoa.catalogue.position_errors import Errors
from stoa.catalogue.positions import positions
from stoa.catalogue.tables import read_table
from stoa.errors import StoaError
from stoa.workspace.looks import Counts, counts_in
from stoa.workspace.open import Workspace

if TYPE_CHECKING:
    pass
from stoa.runs.standing import counted
from stoa.sources.cuts import cut_facts
from stoa.sources.files import label, write
from stoa.sources.stack import COUNTED, sources_of


class MatchReport(msgspec.Struct, frozen=True, kw_only=True):
    """What matching with a catalogue gave."""

    source: str
    catalogue: str
    radius_arcsec: float
    files: tuple[str, ...]
    sources: int
    calibrators: int  # sources left out because they are on calibrators
    matched: int  # sources with an object within the radius
    objects: int  # distinct objects
    expected: float  # of the matched sources, those whose object is expected to be another one
    e_expected: float  # its error
    offset: Offset | None
    fields: tuple[FieldOffset, ...] = ()  # offsets by target
    fluxes: FluxComparison | None = None
    covered: int = -1  # objects of the catalogue that are in the coverage; -1 without one
    standing: Counts | None = None  # how many outcomes behind the sources are stale, flagged or missing


def match(
    ws: Workspace,
    source: str,
    catalogue: Path,
    radius: str = "5arcsec",
    *,
    calibrators: bool = False,
    unique: bool = False,
    across: bool = False,
    within: float = 0.0,
    catalogue_error: str = "",
    keep: Iterable[str] = (),
    quality: bool = False,
    flux: str = "",
    index: float = 0.0,
    moc: Path | None = None,
    out: Path | None = None,
) -> MatchReport:
    """Match the sources of a run, or of a table on disk, with a catalogue on the sky, and write the matches.

    Parameters
    ----------
    source
        A run, ``PROCESS@SET``, or a table file.
    radius
        Largest separation.
    calibrators
        Keep sources on calibrators, which are quasars and match for certain.
    unique
        One row for each catalogue object, band and epoch in the table that is written.
    across
        With `unique`: one row for each catalogue object, whatever its band and epoch.
    within
        Match sources within this many times the errors of both positions, and the radius; 0 for the radius alone.
    catalogue_error
        Error of each coordinate of the catalogue, such as ``0.5arcsec``, where it has no columns of errors.
    flux
        Published fluxes to compare with, and where they were measured: ``F6cm@6cm``.
    index
        Spectral index along which they are carried to the observed frequency.
    moc
        Coverage: only the objects in it are matched with, those that were observed at all.
    """
    if within < 0 or (catalogue_error and not within):
        raise StoaError("--within takes a number above 0, and --catalogue-error goes with it", "`--within 3` is usual")
    errors = Errors(within, radius_arcsec(catalogue_error) if catalogue_error else 0.0) if within else None
    ws.check_given(catalogue, *([moc] if moc else []))
    objects = read_table(catalogue)
    if moc:
        objects = objects[within_coverage(read_coverage(moc), *positions(objects, str(catalogue)))]
    table = sources_of(ws, source, keep, quality=quality)
    standing = counted(ws, source) or counts_in(table.meta)
    table.meta |= standing.facts if standing else {}
    found = match_tables(
        table, objects, radius_arcsec(radius), calibrators=calibrators, unique=unique, across=across,
        errors=errors, names=(source, str(catalogue)),
    )  # fmt: skip
    fluxes = compare(found.table, published(flux), index) if flux else None
    found.table.meta = {
        **{name: table.meta[name] for name in COUNTED if name in table.meta}, **cut_facts(table),
        "catalogue": catalogue.name, "radius_arcsec": found.radius_arcsec, "left_out": found.calibrators,
        "matched": found.matched, "objects": found.objects, "expected": round(found.expected, 4),
        "e_expected": round(found.e_expected, 4),
        **({"within": within} if within else {}), **({"fluxes": flux, "index": index} if flux else {}),
        **({"coverage": moc.name, "covered": len(objects)} if moc else {}),
    }  # fmt: skip
    return MatchReport(
        source=source, catalogue=str(catalogue), radius_arcsec=found.radius_arcsec,
        files=write(ws, found.table, out, f"{label(source)}-x-{catalogue.stem}", (source, catalogue)),
        sources=found.sources,
        calibrators=found.calibrators, matched=found.matched, objects=found.objects, expected=found.expected,
        e_expected=found.e_expected, offset=found.offset, fields=found.fields, fluxes=fluxes,
        standing=standing, covered=len(objects) if moc else -1,
    )  # fmt: skip
