"""Frames of positions: what a table says of them, and the way from there to ICRS."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from stoa.catalogue.formats import CatalogueError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_YEAR = re.compile(r"[BJ]?(\d{4}(?:\.\d*)?)")
_SYSTEMS = {
    "": "icrs", "icrs": "icrs", "eq_icrs": "icrs", "eq_fk5": "fk5", "fk5": "fk5", "eq_fk4": "fk4", "fk4": "fk4",
    "fk4-no-e": "fk4noeterms", "fk4_no_e": "fk4noeterms", "galactic": "galactic", "galactic_ii": "galactic",
    "supergalactic": "supergalactic", "super_galactic": "supergalactic", "j2000": "icrs", "b1950": "fk4",
    "ecl_fk5": "barycentricmeanecliptic",
}  # fmt: skip
"""System of a COOSYS (VOTable 1.4 and 1.5), value of RADESYS, or word of a description -> frame of astropy."""

_IN_WORDS = re.compile(
    r"\b(icrs|fk[45]|b1950|j2000|equinox\W{0,4}[bj]?(?:1875|1900|1950|1975|2000)(?:\.0*)?)\b", re.IGNORECASE
)
_EQUATORIAL = ("icrs", "fk5", "fk4", "fk4noeterms")


class Frame(Struct, frozen=True):
    """A celestial frame."""

    name: str = "icrs"  # of astropy
    equinox: str = ""  # J2000, B1950; "" for the frame's own
    epoch: str = ""  # of the positions, J2015.5; "" where no one says it

    @property
    def is_icrs(self) -> bool:
        """Whether positions are ICRS as they are."""
        return self.name == "icrs"

    @property
    def is_equatorial(self) -> bool:
        """Whether its longitudes are right ascensions."""
        return self.name in _EQUATORIAL

    @property
    def words(self) -> str:
        """As a table's ``frame`` has it, and as `frame_of` reads it."""
        return " ".join(filter(None, (self.name.upper(), self.equinox, self.epoch and f"epoch {self.epoch}")))


def frame_of(text: str, where: str, equinox: str = "", epoch: str = "") -> Frame:
    """The frame of words such as ``eq_FK5 J2000``, ``FK4 B1950``, ``ICRS``.

    Parameters
    ----------
    where
        Table, and column if there is one, for the message.
    equinox, epoch
        Where these differ from the system.

    Raises
    ------
    CatalogueError
        If system or equinox are not understood.
    """
    body, _, told = text.strip().partition(" epoch ")
    parts = body.replace("(", " ").replace(")", " ").replace(",", " ").split()
    name = _SYSTEMS.get(parts[0].lower() if parts else "")
    if name is None:
        raise CatalogueError(
            f"{where}: its frame is {text!r}, which is not understood", "ICRS, FK5, FK4 and galactic positions are"
        )
    years = [year(part, where) for part in (*parts[1:2], equinox) if part and name.startswith("fk")]
    if parts and parts[0].lower() == "b1950":
        years = ["B1950.0"]
    return Frame(name, years[-1] if years else "", year(epoch or told, where) if epoch or told else "")


def year(text: str, where: str) -> str:
    """A year as B1950.0 or J2000.0; those before 1984 are Besselian where no letter says it."""
    found = _YEAR.fullmatch(text.strip())
    if not found:
        raise CatalogueError(f"{where}: {text!r} is not an equinox or epoch", "write it like J2000 or B1950")
    value = float(found[1])
    letter = text.strip()[0] if text.strip()[0] in "BJ" else "B" if value < 1984 else "J"
    return f"{letter}{value}"


def frame_in_words(text: str) -> Frame | None:
    """The frame that a description names, such as "(FK5, Equinox=J2000.0)"; None if it names none, or several."""
    found = {word.lower() for word in _IN_WORDS.findall(text)}
    years = {float(match[0]) for word in found if (match := re.search(r"\d{4}", word))}
    systems = {word for word in found if word in ("icrs", "fk4", "fk5")}
    if len(years) > 1 or len(systems) > 1 or not found:
        return None
    at = next(iter(years), 0.0)
    system = next(iter(systems), "" if at == 2000 else "fk4" if at and at < 1984 else "fk5")
    letter = "B" if at and at < 1984 else "J"
    return frame_of(f"{system} {letter}{at}" if at and system.startswith("fk") else system, "description")


def to_icrs(
    longitude: NDArray[np.float64], latitude: NDArray[np.float64], frame: Frame
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Right ascension and declination in ICRS degrees of points in another frame; NaN stays NaN.

    FK4 has the epoch of the frame, or else its equinox, as the time of observation.
    """
    import numpy as np
    from astropy.coordinates import SkyCoord

    if frame.is_icrs:
        return longitude, latitude
    facts: dict[str, Any] = {}
    if frame.name.startswith("fk") and frame.equinox:
        facts["equinox"] = frame.equinox
    if frame.name.startswith("fk4") and frame.epoch:
        facts["obstime"] = frame.epoch
    known = np.isfinite(longitude + latitude)
    ra, dec = np.full((2, len(longitude)), np.nan)
    points = SkyCoord(longitude[known], latitude[known], unit="deg", frame=frame.name, **facts).icrs
    ra[known], dec[known] = points.ra.deg, points.dec.deg
    return ra, dec
