"""Rows of someone else's catalogue around a place."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from stoa.catalogue.angles import radius_arcsec
from stoa.errors import StoaError
from stoa.sources.answers import AnswerReport, Origin, write_answer
from stoa.sources.files import label
from stoa.vo import asking
from stoa.vo.answers import Memory
from stoa.workspace.open import Workspace


def cone(
    ws: Workspace,
    service: str,
    around: str,
    radius: str = "1arcmin",
    *,
    most: int = 0,
    again: bool = False,
    out: Path | None = None,
) -> AnswerReport:
    """Ask a cone search service, and write what it gives as a table.

    Parameters
    ----------
    around
        Right ascension and declination in ICRS: decimal degrees, or sexagesimal with hours first.
    most
        Rows; 0: as many as the service gives.
    again
        Ask even where the answer is known.

    Raises
    ------
    ServiceError
        If the service is not reached, refuses, or answers with something else.
    """
    ra, dec = place(around)
    memory = Memory(ws.project.answers)
    answer, is_known = asking.cone(memory, service, ra, dec, radius_arcsec(radius) / 3600, most=most, again=again)
    origin = Origin(**msgspec.structs.asdict(answer))
    name = label(f"{urlsplit(service).hostname}_{ra:.4f}{dec:+.4f}")
    return write_answer(ws, memory.file(answer), origin, out, name, is_known=is_known)


def place(text: str) -> tuple[float, float]:
    """Right ascension and declination in degrees of a text such as ``187.2779 2.0524`` or ``12:29:06.7 +02:03:09``.

    Raises
    ------
    StoaError
        If it is not a place on the sky.
    """
    from astropy import units
    from astropy.coordinates import SkyCoord

    words = text.replace(",", " ").split()
    is_decimal = len(words) == 2 and not any(letter in text for letter in ":hmsd")
    try:
        found = SkyCoord(" ".join(words), unit=(units.deg if is_decimal else units.hourangle, units.deg), frame="icrs")
        return float(found.ra.deg), float(found.dec.deg)
    except (ValueError, TypeError, IndexError) as problem:
        raise StoaError(
            f"{text!r} is not a place on the sky: {problem}", "write '187.2779 2.0524' or '12:29:06.7 +02:03:09'"
        ) from None
