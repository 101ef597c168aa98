"""What a script gets to know about an input file, as plain values: from its entry in the metadata document."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from stoa.meta.beams import Beam
from stoa.meta.document import Document, FileEntry
from stoa.meta.header import read
from stoa.meta.sky import SPECTRAL, axis_types, celestial_pair, number

Fact = str | int | float | None | list["Fact"] | dict[str, "Fact"]


def facts_of_input(document: Document, name: str, path: Path | str) -> dict[str, Fact]:
    """Facts of one file of a document; empty where it has no such file with a header.

    Parameters
    ----------
    path
        Where it is: the beams of the planes of a cube are not in the document and are read from the file.
    """
    entries = (file for group in document.groups for file in group.files)
    entry = next((file for file in (*entries, *document.others) if file.name == name and file.header), None)
    if entry is None:
        return {}
    beams = read(path).beams if "beam_planes" in entry.derived else ()
    return file_facts(entry, () if isinstance(beams, str) else beams)


def file_facts(entry: FileEntry, beams: Sequence[Beam | None] = ()) -> dict[str, Fact]:
    """Facts of a file with a header; None for what is not known.

    Parameters
    ----------
    beams
        Of its planes, where they have beams of their own.
    """
    header, derived = entry.header, entry.derived
    types = axis_types(header)
    longitude, latitude, _ = celestial_pair(types)
    stokes = _first(types, ("STOKES",))
    return {
        "role": entry.role,
        "kind": derived.get("kind"),
        "intent": derived.get("intent"),
        "hdu": int(derived.get("hdu", "0")),
        "axes": {
            "longitude": longitude or None, "latitude": latitude or None,
            "spectral": _first(types, SPECTRAL) or None, "stokes": stokes or None,
        },
        **{name: number(derived.get(name, "")) for name in ("ra_deg", "dec_deg", "radius_deg", "pixel_arcsec")},
        "frame": derived.get("frame"),
        "equinox": number(header.get("EQUINOX", "").lstrip("JB")),
        "spectral": _spectral(entry, _first(types, SPECTRAL)),
        "stokes": derived.get("stokes"),
        "unit": header.get("BUNIT") or None,
        "beam": _beam(entry),
        "beams": [_row(beam) for beam in beams],
        "primary_beam": _primary_beam(entry),
        **{fact: derived.get(fact) or header.get(keyword) or None for fact, keyword in _NAMED.items()},
        "problems": list(entry.problems),
        "unclear": {key: derived[key] for key in _UNCLEAR if key in derived},
    }  # fmt: skip


_NAMED = {"object": "OBJECT", "telescope": "TELESCOP", "date_obs": "DATE-OBS"}
_UNCLEAR = ("no_position", "no_frequency", "no_beam", "no_unit")


def _first(types: Sequence[str], names: tuple[str, ...]) -> int:
    return next((axis for axis, kind in enumerate(types, 1) if kind.startswith(names)), 0)


def _spectral(entry: FileEntry, axis: int) -> Fact:
    """Quantity and unit of the axis, and what it covers in Hz; of the rest frequency alone where there is no axis."""
    middle, width = (number(entry.derived.get(key, "")) for key in ("freq_ghz", "bandwidth_ghz"))
    if not axis and middle is None:
        return None
    half = (width or 0.0) / 2
    return {
        "quantity": entry.header.get(f"CTYPE{axis}") or None,
        "unit": entry.header.get(f"CUNIT{axis}") or None,
        "channels": int(entry.derived.get("channels", "1")),
        "freq_hz": None if middle is None else [round((middle - half) * 1e9), round((middle + half) * 1e9)],
        "rest_hz": number(entry.header.get("RESTFRQ", "")),
        "origin": entry.derived.get("freq_origin", f"axis {axis}") if middle is not None else None,
    }


def _beam(entry: FileEntry) -> Fact:
    values = {
        name: number(entry.derived.get(f"beam_{name}", "")) for name in ("major_arcsec", "minor_arcsec", "pa_deg")
    }
    if None in values.values():
        return None
    return {**values, "origin": entry.derived.get("beam_origin")}


def _row(beam: Beam | None) -> Fact:
    if beam is None:
        return None
    return {"major_arcsec": beam.major_arcsec, "minor_arcsec": beam.minor_arcsec, "pa_deg": beam.pa_deg}


def _primary_beam(entry: FileEntry) -> Fact:
    width = number(entry.derived.get("pb_hwhm_arcsec", ""))
    if width is None:
        return None
    return {
        "half_width_arcsec": width,
        "dish_m": number(entry.derived.get("dish_m", "")),
        "origin": entry.derived.get("pb_hwhm_origin"),
    }
