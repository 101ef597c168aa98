"""`stilts votlint` on every kind of VOTable that is written."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from astropy.table import MaskedColumn, Table

from stoa.catalogue.fluxes import Published, compare
from stoa.catalogue.limits import SearchedImage, undetected
from stoa.catalogue.match import match
from stoa.catalogue.quality import select
from stoa.catalogue.tables import read_table, write_table
from stoa.project import QualityCut

pytestmark = pytest.mark.service


@pytest.fixture
def votlint(require_service: Callable[..., None]) -> Callable[[Path], str]:
    """What votlint says of a file; nothing is good."""
    require_service("stilts", shutil.which("stilts"), "Debian package stilts")

    def check(path: Path) -> str:
        done = subprocess.run(["stilts", "votlint", str(path)], capture_output=True, text=True, timeout=120)
        return done.stdout + done.stderr

    return check


@pytest.fixture
def sources(examples: Path) -> Table:
    """The truth table of the example archive with columns that a stacked catalogue has."""
    table = read_table(examples / "archive" / "truth.csv")
    table["group"], table["run"], table["params"] = "", "20261122T103000-k3f9q2", "default+mode=<a & b>"
    table["absent"] = MaskedColumn([1.0] * len(table), mask=[True] * len(table), unit="Jy/beam")
    table["flag"] = True
    table.meta = {"source": "sep@default", "kept": len(table), "cut1": "signal: snr >= 7 (3 removed)"}
    return table


IMAGE = SearchedImage(
    target="A001_X3c18_X296", group="XID96_cont", kind="cont", run="20261122T103000-k3f9q2", freq_ghz=float("nan"),
    ra_deg=0.101667, dec_deg=-12.763333, hwhm_arcsec=25.0, rms=1e-4,
)  # fmt: skip
"""Its middle is the first quasar of the examples."""


def with_fluxes(sources: Table, quasars: Table) -> Table:
    matched = match(sources, quasars, 5, calibrators=True).table
    matched["flux"], matched["e_flux"], matched["freq_ghz"] = 0.1, 0.01, 100.0
    compare(matched, Published("f6cm_jy", 5.0), -0.7)
    return matched


def test_an_error_is_seen(votlint, tmp_path: Path) -> None:
    (tmp_path / "bad.vot").write_text(
        "<VOTABLE version='1.4'><RESOURCE><TABEL/></RESOURCE></VOTABLE>", encoding="utf-8"
    )
    assert "TABEL" in votlint(tmp_path / "bad.vot")


@pytest.mark.parametrize("name", ["sources", "cut", "matched", "fluxes", "limits", "none"])
def test_votlint_has_nothing_to_say(name: str, sources: Table, examples: Path, tmp_path: Path, votlint) -> None:
    quasars = read_table(examples / "quasars.vot")
    table = {
        "sources": lambda: sources,
        "cut": lambda: select(sources, [QualityCut("bright", "snr >= 10")]).table,
        "matched": lambda: match(sources, quasars, 5, calibrators=True).table,
        "fluxes": lambda: with_fluxes(sources, quasars),
        "limits": lambda: undetected(quasars, [IMAGE], sources[:0], 5, 5, "quasars"),
        "none": lambda: sources[:0],
    }[name]()
    table.meta = dict(sources.meta)
    write_table(table, tmp_path / f"{name}.vot")
    assert votlint(tmp_path / f"{name}.vot") == ""


def test_the_quasar_table_of_the_examples(votlint, examples: Path) -> None:
    assert votlint(examples / "quasars.vot") == ""
