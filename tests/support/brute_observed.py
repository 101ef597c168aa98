#!/usr/bin/env python
"""Which objects of a catalogue lie in the fields of a log, computed in the slowest and plainest way with astropy.

    python tests/support/brute_observed.py LOG CATALOGUE [RADIUS_DEG]

compares that with `stoa.catalogue.fields`, row by row of the log: circles by `SkyCoord.separation`, polygons by the
angles under which their corners appear from a point: they turn through a whole circle round a point inside.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table


def sky(table: Table) -> SkyCoord:
    names = [("_RAJ2000", "_DEJ2000"), ("s_ra", "s_dec"), ("RA", "Dec"), ("ra_deg", "dec_deg"), ("ra", "dec")]
    ra, dec = next(pair for pair in names if pair[0] in table.colnames)
    return SkyCoord(np.asarray(table[ra], float) * u.deg, np.asarray(table[dec], float) * u.deg)


def winds_round(point: SkyCoord, corners: SkyCoord) -> bool:
    """Whether a polygon goes round a point: the directions to its corners turn through a whole circle."""
    directions = point.position_angle(corners).to_value(u.rad)
    turns = (np.diff(np.append(directions, directions[0])) + np.pi) % (2 * np.pi) - np.pi
    return bool(abs(turns.sum()) > np.pi)


def observed(log: Table, objects: SkyCoord, radii_deg: np.ndarray, regions: list[str]) -> set[tuple[int, int]]:
    """Pairs of log row and object; an entry of `regions` is a polygon's list of numbers as text, or "" for a circle."""
    found = set()
    for row, centre in enumerate(sky(log)):
        apart = objects.separation(centre).deg
        if not regions[row]:
            found |= {(row, int(number)) for number in np.flatnonzero(apart <= radii_deg[row])}
            continue
        numbers = np.array(regions[row].split(), dtype=float).reshape(-1, 2)
        corners = SkyCoord(numbers[:, 0] * u.deg, numbers[:, 1] * u.deg)
        for number in np.flatnonzero(apart < 5):
            if winds_round(objects[number], corners):
                found.add((row, int(number)))
    return found


def ours(log: Table, objects: SkyCoord, radius_arcsec: float = 0.0) -> set[tuple[int, int]]:
    """The same by `stoa.catalogue.fields`, each row of the log by itself."""
    from stoa.catalogue.fields import inside, read_log

    every = [read_log(log[row : row + 1], "log", radius_arcsec)[0] for row in range(len(log))]
    pairs = inside(objects.ra.deg, objects.dec.deg, every)
    return set(zip(pairs.observation.tolist(), pairs.point.tolist(), strict=True))


def widths(log: Table) -> tuple[np.ndarray, list[str]]:
    """Radius of each row in degrees, and the numbers of its polygon where it is a mosaic."""
    count = len(log)
    if "s_fov" in log.colnames:
        mosaic = np.asarray(log["is_mosaic"]).astype(str) == "T"
        texts = [str(text).replace("b'", "").replace("'", "") for text in log["s_region"]]
        regions = [text.split("ICRS")[1] if mosaic[row] else "" for row, text in enumerate(texts)]
        return np.asarray(log["s_fov"], float) / 2, regions
    if "Field of view" in log.colnames:
        return np.asarray(log["Field of view"], float) / 3600 / 2, [""] * count
    radii = np.full(count, np.nan)
    for row, text in enumerate(log["Frequency support"]):
        edges = [float(x) for part in str(text).split("[")[1:] for x in part.split("GHz")[0].split("..")]
        radii[row] = np.degrees(1.13 * 0.299792458 / np.mean(edges) / 12) / 2 if edges else np.nan
    return radii, [""] * count


def main() -> None:
    from stoa.catalogue.tables import read_table

    warnings.simplefilter("ignore")
    log, catalogue = (read_table(Path(name)) for name in sys.argv[1:3])
    objects = sky(catalogue)
    radius = float(sys.argv[3]) if len(sys.argv) > 3 else 0.0
    fields = (np.full(len(log), radius), [""] * len(log)) if radius else widths(log)
    expected, found = observed(log, objects, *fields), ours(log, objects, radius * 3600)
    print(f"{len(log)} rows x {len(objects)} objects: {len(expected)} pairs by astropy, {len(found)} by STOA")
    print(f"objects in a field: {len({number for _, number in expected})}")
    if expected != found:
        sys.exit(f"they differ: {sorted(expected ^ found)[:20]}")


if __name__ == "__main__":
    main()
