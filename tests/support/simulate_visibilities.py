"""Makes a small measurement set with CASA's simulator: `python simulate_visibilities.py KIND OUT.ms` with casatools.

`double` has two fields and three spectral windows with noise. Its field `double` holds two point sources and `faint`
none; all data of `faint` are flagged, and so is one antenna. No field was observed in window 2. Weights are those of
the noise. `compact` is an array of 7 m dishes, `line` one window of band 3 with a line in one channel; both have one
field, `double`, with two sources.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np

KIND, OUT = sys.argv[1:]
sys.argv = [""]  # CASA reads it
from casatools import componentlist, measures, simulator, table, vpmanager  # noqa: E402 - after that

SIGMA_JY = 0.005
CENTRE = "J2000 10h00m00.0s -30d00m00.0s"


@dataclass(frozen=True)
class Kind:
    """What is observed, and with what."""

    antennas: int = 12
    dish_m: float = 12.0
    radius_m: float = 150.0
    fields: tuple[tuple[str, str], ...] = (("double", CENTRE),)
    sources: tuple[tuple[str, float], ...] = ((CENTRE, 0.05), ("J2000 10h00m00.3s -30d00m03.0s", 0.03))
    windows_ghz: tuple[float, ...] = (229.0, 231.0, 233.0)
    observed: tuple[int, ...] = (0, 1)  # windows
    channels: int = 4
    width_mhz: float = 62.5
    half_s: int = 600  # on either side of the culmination
    line: tuple[int, float] | None = None  # channel, and flux in Jy at the centre of the field


KINDS = {
    "double": Kind(fields=(("double", CENTRE), ("faint", "J2000 10h00m20.0s -30d00m00.0s"))),
    "compact": Kind(
        antennas=10, dish_m=7.0, radius_m=24.0, windows_ghz=(231.0,), observed=(0,), half_s=300,
        sources=((CENTRE, 0.05), ("J2000 10h00m01.0s -30d00m12.0s", 0.03)),
    ),
    "line": Kind(
        windows_ghz=(97.0,), observed=(0,), channels=5, width_mhz=15.625, half_s=300, line=(3, 0.1),
        sources=((CENTRE, 0.05), ("J2000 10h00m00.6s -30d00m06.0s", 0.03)),
    ),
}  # fmt: skip


def simulate(kind: Kind) -> None:
    """Write the measurement set."""
    rng = np.random.default_rng(1)
    number = kind.antennas
    angle, radius = rng.uniform(0, 2 * np.pi, number), kind.radius_m * np.sqrt(rng.uniform(0.02, 1, number))
    sim = simulator()
    sim.open(OUT)
    sim.setconfig(
        telescopename="ALMA", x=list(radius * np.cos(angle)), y=list(radius * np.sin(angle)), z=[0.0] * number,
        dishdiameter=[kind.dish_m] * number, mount=["alt-az"] * number, antname=[f"A{n:02d}" for n in range(number)],
        padname=[f"P{n:02d}" for n in range(number)], coordsystem="local",
        referencelocation=measures().observatory("ALMA"),
    )  # fmt: skip
    for window, freq in enumerate(kind.windows_ghz):
        width = f"{kind.width_mhz}MHz"
        sim.setspwindow(
            spwname=f"spw{window}", freq=f"{freq}GHz", deltafreq=width, freqresolution=width, nchannels=kind.channels,
            stokes="XX YY", refcode="LSRK",
        )  # fmt: skip
    sim.setfeed("perfect X Y")
    for name, direction in kind.fields:
        sim.setfield(sourcename=name, sourcedirection=direction.split())
    sim.setlimits(shadowlimit=0.001, elevationlimit="8deg")
    sim.setauto(0.0)
    sim.settimes(integrationtime="60s", usehourangle=True, referencetime=measures().epoch("UTC", "2015/06/01"))
    for name, _ in kind.fields:
        for window in kind.observed:
            sim.observe(name, f"spw{window}", starttime=f"-{kind.half_s}s", stoptime=f"{kind.half_s}s")
    components = componentlist()
    for direction, flux in kind.sources:
        components.addcomponent(dir=direction, flux=flux, fluxunit="Jy", freq="230GHz", shape="point")
    components.rename(f"{OUT}.cl")
    components.close()
    if kind.dish_m == 7.0:  # by default the simulator takes the beam of 12 m for all of ALMA's dishes
        beams = vpmanager()
        beams.setpbairy(telescope="ALMA", dishdiam="6.25m", blockagediam="0.75m", maxrad="3.568deg", reffreq="1GHz")
        beams.saveastable(f"{OUT}.vp")
        sim.setvp(dovp=True, usedefaultvp=False, vptable=f"{OUT}.vp")
    else:
        sim.setvp(dovp=True, usedefaultvp=True)
    sim.predict(complist=f"{OUT}.cl")
    sim.setseed(1)
    sim.setnoise(mode="simplenoise", simplenoise=f"{SIGMA_JY}Jy")
    sim.corrupt()
    sim.close()


def finish(kind: Kind) -> None:
    """Add the line, flag what is to be flagged, and set the weights."""
    main = table()
    main.open(OUT, nomodify=False)
    if kind.line:
        for column in {"DATA", "CORRECTED_DATA"} & set(main.colnames()):
            data = main.getcol(column)
            data[:, kind.line[0], :] += kind.line[1]  # a point source at the centre: the same for all baselines
            main.putcol(column, data)
    flags, rows = main.getcol("FLAG"), main.nrows()
    bad = (main.getcol("FIELD_ID") == 1) | (main.getcol("ANTENNA1") == 3) | (main.getcol("ANTENNA2") == 3)
    flags[:, :, bad] = True
    main.putcol("FLAG", flags)
    main.putcol("WEIGHT", np.full((2, rows), SIGMA_JY**-2))
    main.putcol("SIGMA", np.full((2, rows), SIGMA_JY))
    main.close()


simulate(KINDS[KIND])
finish(KINDS[KIND])
