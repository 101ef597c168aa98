"""Why a file has its role: for `stoa meta explain`."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from stoa.meta import roles
from stoa.meta.defects import UNREADABLE, words
from stoa.meta.header import read
from stoa.meta.rules import UNREADABLE as UNREADABLE_ROLE  # UNREADABLE is a problem here
from stoa.meta.table import BUILT_IN, Near, RoleTable


class Explanation(Struct, frozen=True, kw_only=True):
    """How a file was understood."""

    file: str
    role: str
    rule: str  # "" where no rule took it
    why: str
    group: str  # key of its image group, within its own folder
    intent: str  # science, or the kind of calibrator
    kind: str
    near: tuple[Near, ...]
    problems: tuple[str, ...]  # in words


def explain(path: Path, table: RoleTable = BUILT_IN) -> Explanation:
    """Which rule took a file and which nearly did; never raises, a file that cannot be read says so."""
    fits = read(path) if roles.is_fits_name(path.name) else None
    get = fits.header.text if fits and fits.header else None
    verdict = table.explain(path.name, get)
    role, why = verdict.role, verdict.why
    defects = fits.defects if fits else ()
    if fits and (get is None or not UNREADABLE.isdisjoint(defects)):
        role, why = UNREADABLE_ROLE, f"it {words(defects[0])}; by its name alone it would be {verdict.role}: {why}"
    return Explanation(
        file=path.name,
        role=role,
        rule=verdict.rule,
        why=why,
        group=table.group_key(path.name),
        intent=roles.calibrator_of(path.name, get) or "science",
        kind=roles.kind_of(path.name, get),
        near=verdict.near,
        problems=tuple(f"{path.name} {words(defect)}" for defect in defects),
    )
