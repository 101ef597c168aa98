"""What a telescope's log says was observed, and which points of the sky are in those fields.

A log is a table of ObsCore (IVOA, 1.1: ``s_ra``, ``s_dec``, ``s_fov``, ``s_region``) or of ALMA's archive page of 2014
to 2018 (``RA``, ``Dec``, ``Field of view``). Its rows repeat for each spectral window; an observation here is what
shares member OUS, pointing and field.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from stoa.catalogue.formats import CatalogueError
from stoa.catalogue.positions import positions
from stoa.catalogue.regions import Region, read_region
from stoa.catalogue.sky import pairs_within

if TYPE_CHECKING:
    import numpy as np
    from astropy.table import Table
    from numpy.typing import NDArray

MEMBER = re.compile(r"([A-Z]\d{3})[/_](X[0-9a-fA-F]+)[/_](X[0-9a-fA-F]+)")
_BANDWIDTH = re.compile(r"\[?\s*([0-9.]+)\s*\.\.\s*([0-9.]+)\s*GHz")
_LIGHT_M_GHZ = 0.299792458
_DISH_M = {"7m": 7.0, "ACA": 7.0}
_STEP = 4.0  # fields are looked at in groups whose sizes differ by no more
_COLUMNS = {
    "member": ("member_ous_uid", "member ous id", "member_ous_id"),
    "name": ("target_name", "source name", "source_name"),
    "project": ("proposal_id", "project code", "project_code", "asa_project_code"),
    "fov": ("s_fov", "field of view", "field_of_view"),
    "region": ("s_region",),
    "mosaic": ("is_mosaic", "mosaic"),
    "frequency": ("frequency",),
    "support": ("frequency_support", "frequency support"),
    "array": ("array", "antenna_arrays"),
}


class Observation(Struct, frozen=True, kw_only=True):
    """One pointing or mosaic of a member OUS."""

    member: str  # uid as in file names, A001_X121_X28b; "" where the log has none
    name: str  # the source as the observers named it
    project: str
    ra_deg: float
    dec_deg: float
    radius_deg: float  # half width at half maximum of the primary beam, or the one given; NaN: unknown
    region: str = ""  # of a mosaic, in STC-S; "" for a circle
    rows: int = 1  # of the log


class Inside(Struct, frozen=True):
    """Points that are in fields: row of the points, number of the observation, distance from its centre."""

    point: Any
    observation: Any
    separation_arcsec: Any


def member_id(text: str) -> str:
    """A member OUS uid as it is in file names, from any form of it; "" without one."""
    found = MEMBER.search(text)
    return "_".join(found.groups()) if found else ""


def read_log(table: Table, name: str, radius_arcsec: float = 0.0) -> list[Observation]:
    """The observations of a log.

    Parameters
    ----------
    name
        The log's name for messages.
    radius_arcsec
        Radius of every field; 0 for half the primary beam's width, by ``s_fov`` or the frequency, and the region for
        mosaics. A log that does not say which rows are mosaics is taken by its regions, as far as it has them.

    Raises
    ------
    CatalogueError
        If the table has no positions.
    """
    import numpy as np

    ra, dec = positions(table, name)
    columns = {key: _column(table, names) for key, names in _COLUMNS.items()}
    fov = _fields_of_view(table, columns)
    counts: dict[tuple[Any, ...], int] = {}
    for row in range(len(table)):
        text = {key: str(values[row]) if values is not None else "" for key, values in columns.items()}
        if not np.isfinite(ra[row] + dec[row]):
            continue
        is_mosaic = text["mosaic"].strip().lower() in ("t", "true", "1", "mosaic", "y", "yes")
        by_region = (is_mosaic or columns["mosaic"] is None) and not radius_arcsec
        region = _bare(text["region"]) if by_region else ""
        radius = radius_arcsec / 3600 if radius_arcsec else float(fov[row]) / 2
        pointing = (round(float(ra[row]), 7), round(float(dec[row]), 7), round(radius, 7))
        key = (member_id(text["member"]), text["name"].strip(), text["project"].strip(), *pointing, region)
        counts[key] = counts.get(key, 0) + 1
    return [
        Observation(
            member=member, name=source, project=project, ra_deg=a, dec_deg=d, radius_deg=r, region=region, rows=number
        )
        for (member, source, project, a, d, r, region), number in counts.items()
    ]


def inside(ra: NDArray[np.float64], dec: NDArray[np.float64], observations: list[Observation]) -> Inside:
    """Which points are in which fields; the border belongs to a circle.

    Fields of a region take what is in it, the others what is within their radius; those of unknown radius take
    nothing. Points that are not finite are nowhere.
    """
    import numpy as np

    shapes = [read_region(o.region) if o.region else None for o in observations]
    centres = np.array([_circle(o, shape) for o, shape in zip(observations, shapes, strict=True)]).reshape(-1, 3)
    radius = centres[:, 2]
    found: list[tuple[Any, Any, Any]] = []
    known = np.flatnonzero(radius > 0)
    for number in np.unique(_sizes(radius[known])):
        group = known[_sizes(radius[known]) == number]
        largest = float(radius[group].max()) * 3600
        pairs = pairs_within(centres[group, 0], centres[group, 1], ra, dec, largest * (1 + 1e-9))
        near = pairs.separation_arcsec <= radius[group][pairs.first] * 3600 + 1e-6
        found.append((pairs.second[near], group[pairs.first[near]], pairs.separation_arcsec[near]))
    joined = [np.concatenate([part[n] for part in found]) if found else np.zeros(0) for n in range(3)]
    point, observation = joined[0].astype(np.int64), joined[1].astype(np.int64)
    kept = np.ones(len(point), dtype=bool)
    for number in np.unique(observation):
        shape = shapes[int(number)]
        if shape is not None:
            these = np.flatnonzero(observation == number)
            kept[these] = shape.contains(ra[point[these]], dec[point[these]])
    order = np.lexsort((observation[kept], point[kept]))
    return Inside(point[kept][order], observation[kept][order], joined[2][kept][order])


def _circle(observation: Observation, shape: Region | None) -> tuple[float, float, float]:
    """Circle that holds the field: centre and radius in degrees."""
    if shape is None:
        return observation.ra_deg, observation.dec_deg, observation.radius_deg
    return shape.circle()


def _sizes(radius: NDArray[np.float64]) -> NDArray[np.int64]:
    import numpy as np

    return np.asarray(np.floor(np.log(radius) / np.log(_STEP)), dtype=np.int64)


def _column(table: Table, names: tuple[str, ...]) -> Any:
    import numpy as np

    lower = {column.lower(): column for column in reversed(table.colnames)}
    found = next((lower[name] for name in names if name in lower), None)
    return None if found is None else np.ma.filled(np.ma.asarray(table[found]).astype(str), "")


def _fields_of_view(table: Table, columns: dict[str, Any]) -> NDArray[np.float64]:
    """Full widths in degrees: as the log has them, else of the primary beam at the row's frequency; NaN: unknown."""
    import numpy as np

    widths = np.full(len(table), np.nan)
    name = next((c for c in table.colnames if c.lower() in _COLUMNS["fov"]), None)
    if name is not None:
        unit = str(table[name].unit or ("deg" if name.lower() == "s_fov" else "arcsec"))
        scale = {"deg": 1.0, "arcmin": 1 / 60, "arcsec": 1 / 3600}.get(unit)
        if scale is None:
            raise CatalogueError(f"column {name!r} of the log has the unit {unit}, which is not an angle")
        widths = np.ma.filled(np.ma.asarray(table[name], dtype=float), np.nan) * scale
    for row in np.flatnonzero(~(widths > 0)):
        widths[row] = _beam_width(columns, int(row))
    return np.asarray(widths, dtype=float)


def _beam_width(columns: dict[str, Any], row: int) -> float:
    """1.13 wavelengths over the dish, in degrees (ALMA Technical Handbook, section 3.2)."""
    import math

    frequency = _number(columns["frequency"][row]) if columns["frequency"] is not None else math.nan
    if not frequency > 0 and columns["support"] is not None:
        edges = [float(edge) for pair in _BANDWIDTH.findall(columns["support"][row]) for edge in pair]
        frequency = sum(edges) / len(edges) if edges else math.nan
    dish = _DISH_M.get(columns["array"][row].strip(), 12.0) if columns["array"] is not None else 12.0
    return math.degrees(1.13 * _LIGHT_M_GHZ / frequency / dish) if frequency > 0 else math.nan


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _bare(text: str) -> str:
    """A region without the marks of bytes that some copies of logs have round it."""
    return text.strip().removeprefix("b'").removesuffix("'").strip()
