"""Makes a small measurement set with CASA's simulator: `python simulate_visibilities.py OUT.ms`, where casatools is.

Two fields and three spectral windows with noise. Field `double` holds two point sources and `faint` none; all data of
`faint` are flagged, and so is one antenna. No field was observed in window 2. Weights are those of the noise.
"""

from __future__ import annotations

import sys

import numpy as np

OUT = sys.argv[1]
sys.argv = [""]  # CASA reads it
from casatools import componentlist, measures, simulator, table  # noqa: E402 - after that

SIGMA_JY = 0.005
FIELDS = (("double", "J2000 10h00m00.0s -30d00m00.0s"), ("faint", "J2000 10h00m20.0s -30d00m00.0s"))
SOURCES = (("J2000 10h00m00.0s -30d00m00.0s", 0.05), ("J2000 10h00m00.3s -30d00m03.0s", 0.03))
WINDOWS_GHZ = (229.0, 231.0, 233.0)
ANTENNAS = 12


def simulate() -> None:
    """Write the measurement set."""
    rng = np.random.default_rng(1)
    angle, radius = rng.uniform(0, 2 * np.pi, ANTENNAS), 150 * np.sqrt(rng.uniform(0.02, 1, ANTENNAS))
    sim = simulator()
    sim.open(OUT)
    sim.setconfig(
        telescopename="ALMA", x=list(radius * np.cos(angle)), y=list(radius * np.sin(angle)), z=[0.0] * ANTENNAS,
        dishdiameter=[12.0] * ANTENNAS, mount=["alt-az"] * ANTENNAS, antname=[f"A{n:02d}" for n in range(ANTENNAS)],
        padname=[f"P{n:02d}" for n in range(ANTENNAS)], coordsystem="local",
        referencelocation=measures().observatory("ALMA"),
    )  # fmt: skip
    for number, freq in enumerate(WINDOWS_GHZ):
        sim.setspwindow(
            spwname=f"spw{number}", freq=f"{freq}GHz", deltafreq="62.5MHz", freqresolution="62.5MHz", nchannels=4,
            stokes="XX YY", refcode="LSRK",
        )  # fmt: skip
    sim.setfeed("perfect X Y")
    for name, direction in FIELDS:
        sim.setfield(sourcename=name, sourcedirection=direction.split())
    sim.setlimits(shadowlimit=0.001, elevationlimit="8deg")
    sim.setauto(0.0)
    sim.settimes(integrationtime="60s", usehourangle=True, referencetime=measures().epoch("UTC", "2015/06/01"))
    for name, _ in FIELDS:
        for number in (0, 1):
            sim.observe(name, f"spw{number}", starttime="-600s", stoptime="600s")
    components = componentlist()
    for direction, flux in SOURCES:
        components.addcomponent(dir=direction, flux=flux, fluxunit="Jy", freq="230GHz", shape="point")
    components.rename(f"{OUT}.cl")
    components.close()
    sim.setvp(dovp=True, usedefaultvp=True)
    sim.predict(complist=f"{OUT}.cl")
    sim.setseed(1)
    sim.setnoise(mode="simplenoise", simplenoise=f"{SIGMA_JY}Jy")
    sim.corrupt()
    sim.close()


def finish() -> None:
    """Flag what is to be flagged, and set the weights."""
    main = table()
    main.open(OUT, nomodify=False)
    flags, rows = main.getcol("FLAG"), main.nrows()
    bad = (main.getcol("FIELD_ID") == 1) | (main.getcol("ANTENNA1") == 3) | (main.getcol("ANTENNA2") == 3)
    flags[:, :, bad] = True
    main.putcol("FLAG", flags)
    main.putcol("WEIGHT", np.full((2, rows), SIGMA_JY**-2))
    main.putcol("SIGMA", np.full((2, rows), SIGMA_JY))
    main.close()


simulate()
finish()
