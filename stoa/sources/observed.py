"""Which objects of a catalogue a telescope's log says were observed, and which of those observations are on disk."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from stoa.catalogue.angles import radius_arcsec
from stoa.catalogue.columns import COLUMNS, describe
from stoa.catalogue.coverage import read_coverage, within
from stoa.catalogue.fields import Inside, Observation, inside, member_id, read_log
from stoa.catalogue.positions import positions
from stoa.catalogue.tables import read_table, write_table
from stoa.sources.files import check_out
from stoa.workspace.open import Workspace
from stoa.workspace.targets import metadata_rows

if TYPE_CHECKING:
    from astropy.table import Table

HWHM = "hwhm"


class ObservedObject(msgspec.Struct, frozen=True, kw_only=True):
    """An object of the catalogue in the field of an observation."""

    object: str  # its name, or its row in the catalogue
    ra_deg: float
    dec_deg: float
    observation: str  # member OUS uid, as in file names
    source: str  # name that the observers gave the field
    project: str
    separation_arcsec: float  # from the centre of the field
    targets: tuple[str, ...]  # folders of this member OUS


class ObservedReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a log and a catalogue have in common, and what of it is on disk."""

    log: str
    catalogue: str
    radius: str
    rows: int  # of the log
    observations: int
    unknown_radius: int  # observations whose field has no known size
    objects: int  # of the catalogue
    outside: int = 0  # objects that are left out since they are not in the coverage
    observed_objects: int  # those in at least one field
    found: tuple[ObservedObject, ...]
    targets: tuple[str, ...]  # folders with an object in their field
    not_on_disk: tuple[str, ...]  # member OUSs with an object in their field, and no folder
    not_in_log: tuple[str, ...]  # folders whose member OUS the log does not have
    no_member: tuple[str, ...]  # folders without any sign of their member OUS
    files: tuple[str, ...]


def from_log(
    ws: Workspace, log: Path, catalogue: Path, radius: str = HWHM, out: Path | None = None, moc: Path | None = None
) -> ObservedReport:
    """Find the objects of a catalogue in the fields of a log, and join the observations to the targets.

    Parameters
    ----------
    log
        ObsCore or the older form of ALMA's archive page, as VOTable, FITS, ECSV or CSV.
    radius
        ``hwhm``: half the width of the primary beam, and the region of a mosaic; or an angle such as ``30arcsec`` round
        the centre of each field.
    out
        Table to write: the catalogue's columns, and the observation of each row.
    moc
        Coverage: objects that are not in it are left out.

    Raises
    ------
    StoaError
        If a table cannot be read or has no positions, or the radius is not an angle.
    """
    arcsec = 0.0 if radius == HWHM else radius_arcsec(radius)
    ws.check_given(log, catalogue)
    table, objects = read_table(log), read_table(catalogue)
    observations = read_log(table, str(log), arcsec)
    ra, dec = positions(objects, str(catalogue))
    every = len(objects)
    if moc:
        ws.check_given(moc)
        held = within(read_coverage(moc), ra, dec)
        objects, ra, dec = objects[held], ra[held], dec[held]
    pairs = inside(ra, dec, observations)
    folders = _members(ws)
    by_member = _by_member(folders)
    names = _names(objects)
    found = tuple(
        _observed(names, ra, dec, observations[j], int(i), float(apart), by_member)
        for i, j, apart in zip(pairs.point, pairs.observation, pairs.separation_arcsec, strict=True)
    )
    files: tuple[str, ...] = ()
    if out:
        check_out(out, log, catalogue)
        write_table(_table(objects, pairs, observations, found), out)
        files = (str(out),)
    seen = dict.fromkeys(one.observation for one in found if one.observation)
    logged = {o.member for o in observations}
    return ObservedReport(
        log=str(log), catalogue=str(catalogue), radius=radius, rows=len(table), observations=len(observations),
        unknown_radius=sum(not o.region and not o.radius_deg > 0 for o in observations), objects=len(objects),
        outside=every - len(objects),
        observed_objects=len(set(pairs.point.tolist())), found=found,
        targets=tuple(sorted({target for one in found for target in one.targets})),
        not_on_disk=tuple(sorted(member for member in seen if member not in by_member)),
        not_in_log=tuple(target for target, member in folders.items() if member and member not in logged),
        no_member=tuple(target for target, member in folders.items() if not member), files=files,
    )  # fmt: skip


def _members(ws: Workspace) -> dict[str, str]:
    """Member OUS of each target: as its metadata say, else by its path; "" where neither does."""
    facts = metadata_rows(ws)
    return {
        name: member_id(str(facts.get(name, {}).get("member_ous") or "")) or _of_path(target.path)
        for name, target in ws.targets.items()
    }


def _of_path(path: str) -> str:
    """The member OUS of the innermost folder that names one."""
    parts = [part for part in reversed(path.split("/")) if part.lower().startswith("member")]
    return member_id(parts[0]) if parts else ""


def _by_member(folders: dict[str, str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for target, member in folders.items():
        if member:
            found[member] = (*found.get(member, ()), target)
    return found


def _names(objects: Table) -> list[str]:
    """What each object is called: its name, or its row."""
    column = next((name for name in objects.colnames if name.lower() in ("name", "object", "id", "source_id")), None)
    return [f"row {n}" for n in range(1, len(objects) + 1)] if column is None else [str(x) for x in objects[column]]


def _observed(
    names: list[str], ra: Any, dec: Any, o: Observation, row: int, apart: float, by_member: dict[str, tuple[str, ...]]
) -> ObservedObject:
    return ObservedObject(
        object=names[row], ra_deg=float(ra[row]), dec_deg=float(dec[row]), observation=o.member, source=o.name,
        project=o.project, separation_arcsec=apart, targets=by_member.get(o.member, ()),
    )  # fmt: skip


def _table(objects: Table, pairs: Inside, observations: list[Observation], found: Iterable[ObservedObject]) -> Table:
    """Rows of the catalogue, one for each field that holds the object, with the observation."""
    import numpy as np

    made = objects[pairs.point]
    chosen = [observations[j] for j in pairs.observation.tolist()]
    columns: dict[str, Any] = {
        "obs_member": [o.member for o in chosen],
        "obs_source": [o.name for o in chosen],
        "obs_project": [o.project for o in chosen],
        "obs_targets": [" ".join(one.targets) for one in found],
        "obs_ra_deg": [o.ra_deg for o in chosen],
        "obs_dec_deg": [o.dec_deg for o in chosen],
        "obs_radius_arcsec": [o.radius_deg * 3600 for o in chosen],
        "obs_separation_arcsec": pairs.separation_arcsec,
    }
    for name, values in columns.items():
        made[name] = np.array(values, dtype=float if COLUMNS[name].unit else str)
    return describe(made, columns)
