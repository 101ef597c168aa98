"""A process that finds sources as tables say, and what is in the catalogues made of them."""

from __future__ import annotations

# Copies the table that is in the target's folder to the promised place.
LOOK = """\
name: find
script: find.sh
command: [sh, "{script}", "{target}"]
outputs: {sources: {path: sources.csv, kind: catalogue}}
"""


def table(*rows: tuple[float, float, float]) -> str:
    """A table of sources: right ascension, declination, signal to noise."""
    lines = [f"{ra},{dec},{snr},{snr / 1000},0.001" for ra, dec, snr in rows]
    return "\n".join(["ra_deg,dec_deg,snr,flux,e_flux", *lines, ""])


def find_sources(survey) -> None:
    """Two sources in a, one in b; the process fails for c."""
    (survey.top / "find.sh").write_text('cp "$1/table" sources.csv\n', encoding="utf-8")
    (survey.top / ".stoa/processes/find.yaml").write_text(LOOK, encoding="utf-8")
    (survey.top / "data/a/table").write_text(table((10.0, -30.0, 20.0), (10.01, -30.0, 6.0)), encoding="utf-8")
    (survey.top / "data/b/table").write_text(table((11.0, -31.0, 9.0)), encoding="utf-8")
    survey("run", "find")
    assert survey.statuses() == {"a": "ok", "b": "ok", "c": "failed"}


def rows(survey, file: str) -> list[tuple[str, float]]:
    from astropy.table import Table

    return [(str(row["target"]), round(float(row["snr"]), 3)) for row in Table.read(survey.top / file)]
