"""What files of one folder tell about one another; always with the name of the one that told it."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from stoa.meta.document import FileEntry
from stoa.meta.facts import dish_of_half_width, modelled
from stoa.meta.sky import number

_FROM_SIBLINGS = {"object": "OBJECT", "date_obs": "DATE-OBS", "telescope": "TELESCOP"}
_BEAM_FACTS = ("beam_major_arcsec", "beam_minor_arcsec", "beam_pa_deg")


def complete(files: tuple[FileEntry, ...]) -> tuple[FileEntry, ...]:
    """Files of one group, each with the facts that it lacks and a sibling has, marked with the sibling's name."""
    if len(files) < 2:
        return files
    measured = next((file for file in files if is_measured(file)), None)
    return tuple([_completed(file, files, measured) for file in files])


def _completed(file: FileEntry, siblings: tuple[FileEntry, ...], measured: FileEntry | None) -> FileEntry:
    if not file.header:
        return file
    more: dict[str, str] = {}
    for fact, keyword in _FROM_SIBLINGS.items():
        if file.header.get(keyword):
            continue
        donor = next((s for s in siblings if s.header.get(keyword)), None)
        if donor:
            more |= {fact: donor.header[keyword], f"{fact}_origin": donor.name}
    if _BEAM_FACTS[0] not in file.derived:
        donor = next((s for s in siblings if _BEAM_FACTS[0] in s.derived and "beam_origin" in s.derived), None)
        if donor:
            more |= {fact: donor.derived[fact] for fact in _BEAM_FACTS if fact in donor.derived}
            more["beam_origin"] = donor.name
    if measured and not is_measured(file):
        more |= {key: measured.derived[key] for key in ("pb_hwhm_arcsec", "pb_hwhm_origin")}
    return msgspec.structs.replace(file, derived=file.derived | more) if more else file


def is_measured(file: FileEntry) -> bool:
    """Whether the half width of the primary beam was measured in this file."""
    origin = file.derived.get("pb_hwhm_origin", "")
    return origin.startswith(f"{file.name}, row ") and "pb_hwhm_arcsec" in file.derived


def with_dish(entries: Iterable[FileEntry]) -> Iterable[FileEntry]:
    """Entries whose modelled primary beam is that of the dish which the measured beams of their folder have.

    No header tells the 7 m antennas of ALMA's compact array from those of 12 m; a folder holds images of one array.
    """
    entries = list(entries)
    beams = [entry for entry in entries if is_measured(entry)]
    dishes = {dish_of_half_width(*_width(entry)) for entry in beams}
    if dishes != {7.0}:
        return entries
    return [entry if is_measured(entry) else _remodelled(entry, 7.0, beams[0].name) for entry in entries]


def _width(entry: FileEntry) -> tuple[float, float]:
    return number(entry.derived.get("pb_hwhm_arcsec", "")) or 0.0, number(entry.derived.get("freq_ghz", "")) or 0.0


def _remodelled(entry: FileEntry, dish_m: float, told_by: str) -> FileEntry:
    if "pb_hwhm_arcsec" not in entry.derived:
        return entry
    model = modelled(_width(entry)[1], dish_m, f"as {told_by} shows")
    return msgspec.structs.replace(entry, derived=entry.derived | model)
