"""Cone searches in a large table by `stoa vo serve`, beside a search that looks at every row.

    python benchmarks/cone.py [ROWS] [--dachs]

All answer the same random cones with the same rows. The service is asked over HTTP, as clients do, and its answer is a
VOTable; the tree that it searches, and the search of every row by numpy, are measured alone, in memory. With --dachs
the same table is in GAVO DaCHS with PostgreSQL, too, started as the tests start it; the import takes minutes.
"""

from __future__ import annotations

import argparse
import http.client
import io
import os
import statistics
import sys
import tempfile
import threading
import time
from contextlib import nullcontext
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from astropy.io.votable import parse_single_table
from astropy.table import Table

from stoa.commands.vo.serve import cone_service
from stoa.vo.serving import Server
from stoa.vo.sphere import Sky

CONES = 200
RADII = (0.01, 0.1, 1.0)  # degrees


def survey(rows: int) -> Table:
    """A catalogue that is spread over the sphere."""
    random = np.random.default_rng(1)
    return Table(
        {
            "name": np.char.add("S", np.arange(rows).astype(str)),
            "ra_deg": random.uniform(0, 360, rows),
            "dec_deg": np.degrees(np.arcsin(random.uniform(-1, 1, rows))),
            "flux": random.lognormal(0, 1, rows),
            "snr": random.uniform(5, 50, rows).astype("f4"),
        }
    )


def every_row(table: Table) -> list[np.ndarray]:
    """Unit vectors of all rows, each coordinate on its own."""
    ra, dec = np.radians(table["ra_deg"].data), np.radians(table["dec_deg"].data)
    return [np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)]


def within(points: list[np.ndarray], ra: float, dec: float, radius: float) -> int:
    """How many rows are in a cone, found by looking at each."""
    a, d = np.radians(ra), np.radians(dec)
    cosines = points[0] * (np.cos(d) * np.cos(a)) + points[1] * (np.cos(d) * np.sin(a)) + points[2] * np.sin(d)
    return int((cosines >= np.cos(np.radians(radius))).sum())


def main(rows: int, *, with_dachs: bool) -> None:
    """Serve the catalogue and ask for cones of each size."""
    table = survey(rows)
    points = every_row(table)
    with tempfile.TemporaryDirectory() as folder, data_centre(table, Path(folder), wanted=with_dachs) as dachs:
        before = time.perf_counter()
        service = cone_service(table, "survey", Path(folder))
        print(f"{rows} rows, {os.cpu_count()} cores; ready after {time.perf_counter() - before:.1f} s")
        server = Server("127.0.0.1", 0, service.answer)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sky = Sky(table["ra_deg"].data, table["dec_deg"].data)
        print("radius  rows in a cone  served (median, 95 %)    tree  every row  every row / tree")
        for radius in RADII:
            show(server.server_port, sky, points, radius)
        if dachs:
            beside(f"{server.address}/cone?", dachs)
        server.shutdown()


def data_centre(table: Table, folder: Path, *, wanted: bool):
    """A context with the address of DaCHS's cone search over the same table; with None where it is not wanted."""
    if not wanted:
        return nullcontext()
    sys.path.append(str(Path(__file__).parents[1] / "tests/support"))
    from data_centre import missing, running_data_centre

    if absent := missing():
        raise SystemExit(f"{absent} is needed for --dachs")
    columns = {"name": "name", "ra": "ra_deg", "dec": "dec_deg", "flux": "flux"}
    Table({name: table[column] for name, column in columns.items()}).write(folder / "sources.csv")
    return running_data_centre([], folder / "sources.csv")


def beside(ours: str, centre) -> None:
    """Ask both services for the same cones in turn, each by one connection, and compare names and times."""
    print("radius      STOA     DaCHS  DaCHS / STOA  (medians of 100 cones, the same rows in all)")
    for radius in RADII:
        random = np.random.default_rng(3)
        both = [Asked(ours), Asked(centre.cone)]
        for _ in range(CONES // 2):
            ra, dec = random.uniform(0, 360), float(np.degrees(np.arcsin(random.uniform(-1, 1))))
            found = [each.names(ra, dec, radius) for each in both]
            if found[0] != found[1]:
                raise SystemExit(f"different rows at {ra} {dec} {radius}: {found[0] ^ found[1]}")
        here, there = (1e3 * statistics.median(each.times) for each in both)
        print(f"{radius:6g}  {here:6.1f} ms {there:6.1f} ms  {there / here:12.1f}")


class Asked:
    """A cone search that is asked, and how long each answer took, the reading of its table left out."""

    def __init__(self, service: str) -> None:
        parts = urlsplit(service)
        self.times: list[float] = []
        self._path = parts.path
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80)

    def names(self, ra: float, dec: float, radius: float) -> set[str]:
        before = time.perf_counter()
        self._connection.request("GET", f"{self._path}?RA={ra}&DEC={dec}&SR={radius}&MAXREC=100000")
        content = self._connection.getresponse().read()
        self.times.append(time.perf_counter() - before)
        return set(parse_single_table(io.BytesIO(content)).to_table()["name"].astype(str))


def show(port: int, sky: Sky, points: list[np.ndarray], radius: float) -> None:
    """Ask for many cones of one size and print a line."""
    random = np.random.default_rng(2)
    connection = http.client.HTTPConnection("127.0.0.1", port)
    served, searched, looked, found = [], [], [], []
    for _ in range(CONES):
        ra, dec = random.uniform(0, 360), float(np.degrees(np.arcsin(random.uniform(-1, 1))))
        before = time.perf_counter()
        connection.request("GET", f"/cone?RA={ra}&DEC={dec}&SR={radius}")
        count = connection.getresponse().read().count(b"<TR>")
        middle = time.perf_counter()
        by_tree = len(sky.cone(ra, dec, radius))
        after = time.perf_counter()
        by_looking = within(points, ra, dec, radius)
        looked.append(time.perf_counter() - after)
        searched.append(after - middle)
        served.append(middle - before)
        if count != by_tree or abs(count - by_looking) > 1:  # one on the border, where the cosine is not exact
            raise SystemExit(f"different answers at {ra} {dec} {radius}: {count} and {by_looking}")
        found.append(count)
    here, tree, there = (1e3 * statistics.median(each) for each in (served, searched, looked))
    high = sorted(served)[int(0.95 * CONES)]
    print(
        f"{radius:6g}  {statistics.mean(found):14.1f}  {here:8.1f} ms {1e3 * high:7.1f} ms"
        f"  {tree:5.2f} ms  {there:6.1f} ms  {there / tree:16.1f}"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--dachs", action="store_true")
    given = parser.parse_args()
    main(given.rows, with_dachs=given.dachs)
