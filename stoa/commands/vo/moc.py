"""The part of the sky that was observed, as a MOC."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from stoa.catalogue.angles import radius_arcsec
from stoa.catalogue.coverage import ORDER, SUFFIX, area_square_deg, coverage, write_coverage
from stoa.catalogue.fields import Observation, read_log
from stoa.catalogue.tables import read_table
from stoa.errors import StoaError
from stoa.sources.files import catalogues_folder, check_out, label
from stoa.sources.observed import HWHM
from stoa.workspace.open import Workspace
from stoa.workspace.targets import metadata_rows

USUAL_ORDER = ORDER


class MocReport(msgspec.Struct, frozen=True, kw_only=True):
    """A coverage that was written."""

    source: str  # the log, or "targets"
    fields: int
    unknown_radius: int  # fields that are left out since their size is not known
    order: int
    cells: int
    area_square_deg: float
    file: str


def moc(
    ws: Workspace, log: Path | None = None, radius: str = HWHM, *, order: int = USUAL_ORDER, out: Path | None = None
) -> MocReport:
    """Write the sky that the targets, or the observations of a log, have in their fields.

    Parameters
    ----------
    log
        An observation log as for `target from-log`; None for the targets of the project, by their metadata.
    radius
        ``hwhm``: half the width of the primary beam, and the region of a mosaic; or an angle round each centre.
    order
        Of the cells: 15 is 6.4 arcsec, each further one half of that.
    out
        FITS file to write; by default in the folder of catalogues.

    Raises
    ------
    StoaError
        If there is no field of a known place, or the log cannot be read.
    """
    arcsec = 0.0 if radius == HWHM else radius_arcsec(radius)
    if log:
        ws.check_given(log)
        fields = read_log(read_table(log), str(log), arcsec)
    else:
        fields = [field for row in metadata_rows(ws).values() if (field := _of_target(row, arcsec))]
    known = [field for field in fields if field.region or field.radius_deg > 0]
    if not known:
        what = f"{log} has" if log else "the targets have"
        raise StoaError(
            f"{what} no field of a known place and size",
            "`stoa meta build` reads them from headers; --radius sets a size",
        )
    found = coverage(known, order)
    source = log.name if log else "targets"
    file = out or catalogues_folder(ws) / f"{label(log.name) if log else 'targets'}{SUFFIX}"
    check_out(file, *([log] if log else []))
    write_coverage(found, file, {"ORIGIN": "STOA", "FIELDS": str(len(known)), "MOCID": source[:60]})
    top = ws.project.top
    return MocReport(
        source=source, fields=len(known), unknown_radius=len(fields) - len(known), order=order,
        cells=len(found.uniq_hpx), area_square_deg=area_square_deg(found),
        file=str(file.relative_to(top)) if file.is_relative_to(top) else str(file),
    )  # fmt: skip


def _of_target(row: Mapping[str, Any], radius: float) -> Observation | None:
    """The field of a target, None without a place."""
    ra, dec = row.get("ra_deg"), row.get("dec_deg")
    if not isinstance(ra, float) or not isinstance(dec, float):
        return None
    width = radius or row.get("pb_hwhm_arcsec")
    degrees = float(width) / 3600 if isinstance(width, int | float) else float("nan")
    return Observation(member="", name="", project="", ra_deg=ra, dec_deg=dec, radius_deg=degrees)
