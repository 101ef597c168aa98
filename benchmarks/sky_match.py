#!/usr/bin/env python
"""The sky match, the match with a log and the stack of many tables, beside stilts and bare astropy in one run.

    python benchmarks/sky_match.py [--sources 1000000] [--rounds 3]

Each figure is a whole process, from FITS files on disk to a count, the kinds taking turns; the least of the rounds is
shown. stilts (Debian) and scipy (for astropy's match) are left out, with a word, where they are not installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from astropy.table import Table

QUASARS = 170_000
LOG_ROWS = 100_000
RADIUS_ARCSEC = 5.0
TABLES = 1000
ROWS = 100

OURS = {
    "match": """
from stoa.catalogue.match import match
from stoa.catalogue.tables import read_table
print(match(read_table(folder / "sources.fits"), read_table(folder / "quasars.fits"), 5.0).matched)
""",
    "log": """
from stoa.catalogue.fields import inside, read_log
from stoa.catalogue.tables import positions, read_table
log, quasars = read_table(folder / "log.fits"), read_table(folder / "quasars.fits")
print(len(inside(*positions(quasars, "q"), read_log(log, "log")).point))
""",
    "stack": """
from stoa.catalogue.stack import Part, stack
parts = [
    Part(path=path, target=path.stem, process="p", params="d", run="r", product=path.name)
    for path in sorted((folder / "tables").glob("*.fits"))
]
print(len(stack(parts)))
""",
}
ASTROPY = {
    "match": """
import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table
a, b = (Table.read(folder / f"{name}.fits") for name in ("sources", "quasars"))
one, other = (SkyCoord(t["ra_deg"], t["dec_deg"], unit="deg") for t in (a, b))
print(int((one.match_to_catalog_sky(other)[1] <= 5 * u.arcsec).sum()))
""",
    "log": """
import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord, search_around_sky
from astropy.table import Table
log, quasars = (Table.read(folder / f"{name}.fits") for name in ("log", "quasars"))
fields = SkyCoord(log["s_ra"], log["s_dec"], unit="deg")
i, j, apart, _ = search_around_sky(fields, SkyCoord(quasars["ra_deg"], quasars["dec_deg"], unit="deg"), 0.05 * u.deg)
print(int((apart.deg <= np.asarray(log["s_fov"])[i] / 2).sum()))
""",
    "stack": """
from astropy.table import Table, vstack
print(len(vstack([Table.read(path) for path in sorted((folder / "tables").glob("*.fits"))])))
""",
}


def stilts(kind: str, folder: Path) -> list[str]:
    """The same by stilts; rows are counted and not written."""
    pair = {"match": ("sources", "quasars"), "log": ("log", "quasars")}
    if kind == "stack":
        (folder / "names.txt").write_text("".join(f"{path}\n" for path in sorted((folder / "tables").glob("*.fits"))))
        return ["stilts", "tcat", f"in=@{folder / 'names.txt'}", "ifmt=fits", "omode=count"]
    one, other = pair[kind]
    files = [f"in1={folder / one}.fits", f"in2={folder / other}.fits", "omode=count", "progress=none"]
    if kind == "match":
        how = ["matcher=sky", "params=5", "values1=ra_deg dec_deg", "values2=ra_deg dec_deg", "find=best1"]
    else:
        how = ["matcher=skyerr", "params=60", "values1=s_ra s_dec s_fov*1800", "values2=ra_deg dec_deg 0", "find=all"]
    return ["stilts", "tmatch2", *files, *how]


def positions(count: int, chance: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Points evenly over the sphere, in degrees."""
    return chance.uniform(0, 360, count), np.degrees(np.arcsin(chance.uniform(-1, 1, count)))


def make(folder: Path, sources: int) -> None:
    """Quasars over the whole sky; sources of which a tenth lie near one; a log of fields, half of them on quasars."""
    chance = np.random.default_rng(1)
    ra, dec = positions(QUASARS, chance)
    Table({"name": [f"Q{n}" for n in range(QUASARS)], "ra_deg": ra, "dec_deg": dec}).write(folder / "quasars.fits")
    a, d = positions(sources, chance)
    near = chance.choice(QUASARS, sources // 10)
    d[: len(near)] = np.clip(dec[near] + chance.normal(0, 1 / 3600, len(near)), -90, 90)
    a[: len(near)] = ra[near]
    Table({"ra_deg": a, "dec_deg": d, "snr": chance.uniform(5, 50, sources)}).write(folder / "sources.fits")
    a, d = positions(LOG_ROWS, chance)
    on = chance.choice(QUASARS, LOG_ROWS // 2)
    a[: len(on)], d[: len(on)] = ra[on], dec[on]
    log = {"s_ra": a, "s_dec": d, "s_fov": chance.uniform(0.004, 0.017, LOG_ROWS), "target_name": ["field"] * LOG_ROWS}
    uids = [f"uid://A001/X{n:x}/X1" for n in range(LOG_ROWS)]
    Table(log | {"member_ous_uid": uids, "proposal_id": ["2011.0.00001.S"] * LOG_ROWS}).write(folder / "log.fits")
    (folder / "tables").mkdir()
    for number in range(TABLES):
        a, d = positions(ROWS, chance)
        table = {"id": np.arange(ROWS), "ra_deg": a, "dec_deg": d}
        table |= {name: chance.uniform(0, 1, ROWS) for name in ("flux", "e_flux", "rms", "snr", "gain")}
        Table(table).write(folder / "tables" / f"{number:04d}.fits")


def timed(command: list[str]) -> tuple[float, str]:
    """Wall time of a whole process, and what it printed."""
    start = time.perf_counter()
    environ = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    done = subprocess.run(command, capture_output=True, text=True, env=environ, check=False)
    if done.returncode:
        sys.exit(f"{command[0]} failed: {done.stderr[-500:]}")
    return time.perf_counter() - start, done.stdout.strip()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sources", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    print(f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} processors, Python {platform.python_version()}")
    has_stilts, has_scipy = shutil.which("stilts"), importlib.util.find_spec("scipy")
    with tempfile.TemporaryDirectory(prefix="stoa-sky-") as name:
        folder = Path(name)
        make(folder, asked.sources)
        head = f"from pathlib import Path\nfolder = Path({name!r})\n"
        words = {
            "match": f"{asked.sources} sources x {QUASARS} quasars, 5 arcsec",
            "log": f"{LOG_ROWS} fields x {QUASARS} quasars",
            "stack": f"stack of {TABLES} tables, {TABLES * ROWS} sources",
        }
        for kind, what in words.items():
            commands = {"stoa": [sys.executable, "-c", head + OURS[kind]]}
            if has_stilts:
                commands["stilts"] = stilts(kind, folder)
            if has_scipy or kind == "stack":
                commands["astropy"] = [sys.executable, "-W", "ignore", "-c", head + ASTROPY[kind]]
            least: dict[str, float] = {}
            said = {}
            for _ in range(asked.rounds):
                for tool, command in commands.items():
                    seconds, said[tool] = timed(command)
                    least[tool] = min(seconds, least.get(tool, seconds))
            print(f"\n{what}")
            for tool, seconds in least.items():
                print(
                    f"  {tool:8} {seconds:7.2f} s  {seconds / least['stoa']:5.2f} x ours  {said[tool].splitlines()[-1]}"
                )
    for tool, there in (("stilts (apt-get install stilts)", has_stilts), ("scipy, for astropy's match", has_scipy)):
        if not there:
            print(f"left out, not installed: {tool}")


if __name__ == "__main__":
    main()
