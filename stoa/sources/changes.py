"""What changed on the sky between two runs: the sources of each image, its noise, and pictures of it."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from stoa.catalogue.angles import radius_arcsec
from stoa.catalogue.changes import FLUX, MOVED, ListChange, SourceChange, matched, most_surprising_first
from stoa.catalogue.pictures import side_by_side
from stoa.catalogue.stack import Part
from stoa.catalogue.tables import read_table
from stoa.errors import StoaError
from stoa.meta.rules import IMAGE_ROLES
from stoa.model import FileRef, Outcome
from stoa.numbers import MAD_SIGMA
from stoa.sources.tables import catalogue_output, tables_of
from stoa.workspace.frozen import frozen_process
from stoa.workspace.names import RunName
from stoa.workspace.open import Workspace

if TYPE_CHECKING:
    from astropy.table import Table

__all__ = [
    "ImageChange",
    "NotCompared",
    "Picture",
    "Side",
    "SkyDiff",
    "SourceChange",
    "catalogue_changes",
    "pictures",
    "sky_changes",
]

Key = tuple[str, str]
"""Target and image group."""

BY_IMAGE = ("target", "group")
"""Columns of a stacked catalogue that say which image a source is in."""

IMAGES = 6
"""Number of images that a page has pictures of."""

_MEDIAN_ERROR = 1.2533  # of a normal distribution: error of the median over that of the mean


class ImageChange(msgspec.Struct, frozen=True, kw_only=True):
    """The sources of one image in both runs, and its noise."""

    target: str
    group: str
    radius_arcsec: float
    sources_a: int
    sources_b: int
    matched: int
    gained: int
    lost: int
    moved: int
    flux_changed: int
    flux_ratio: float | None  # median of the matched sources, b over a
    rms_a: float | None
    rms_b: float | None
    rms_ratio: float | None  # b over a
    surprise: float  # the highest of its sources


class NotCompared(msgspec.Struct, frozen=True):
    """An image whose sources could not be compared."""

    target: str
    group: str
    why: str


class SkyDiff(msgspec.Struct, frozen=True, kw_only=True):
    """All images that both runs have searched."""

    sources_a: int
    sources_b: int
    matched: int
    gained: int
    lost: int
    moved: int
    flux_changed: int
    flux_ratio: float | None  # median of all matched sources, b over a
    e_flux_ratio: float | None  # of the median, from the scatter
    rms_ratio: float | None  # median of all images
    images: tuple[ImageChange, ...]  # most surprising first
    sources: tuple[SourceChange, ...]  # that are not equal, most surprising first
    not_compared: tuple[NotCompared, ...]
    of_tables: bool = False  # two catalogues on disk, not the images of two runs

    @property
    def is_equal(self) -> bool:
        """Whether no source was gained or lost, moved or changed its flux."""
        return not (self.gained or self.lost or self.moved or self.flux_changed)


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """An image in both runs, side by side."""

    target: str
    group: str
    png: bytes  # empty where there is none
    words: str  # what is shown, or why nothing is


class Side(msgspec.Struct, frozen=True):
    """One of the two that are compared."""

    source: str  # as it was asked for
    name: RunName
    outcomes: Mapping[Key, Outcome]


def sky_changes(ws: Workspace, a: Side, b: Side, radius: str = "", output: str = "") -> SkyDiff:
    """Match the sources of every image that both have searched.

    Parameters
    ----------
    radius
        Largest separation of a match; "" for half the major axis of the image's beam, which is the result
        ``beam_major_arcsec`` of a (of b, if a has none) or else of the metadata document.
    output
        The output to compare, where a process has several catalogues.

    Raises
    ------
    StoaError
        If a process has no output of kind catalogue, or the radius is not an angle.
    """
    fixed = radius_arcsec(radius) if radius else 0.0
    before, after = (_tables(ws, side, output) for side in (a, b))
    beams = {} if fixed else _beams(ws)
    images: list[ImageChange] = []
    found: list[tuple[Key, ListChange]] = []
    not_compared: list[NotCompared] = []
    for key in sorted({*before, *after}):
        old, new = a.outcomes.get(key), b.outcomes.get(key)
        reach = fixed or _beam(old, new, beams.get(key)) / 2
        try:
            parts = _part(before, key, a.source), _part(after, key, b.source)
            if not reach:
                raise StoaError("its beam is not known: give --radius")
            change = matched(read_table(parts[0].path), read_table(parts[1].path), reach, (a.source, b.source))
        except StoaError as problem:
            not_compared.append(NotCompared(*key, problem.message))
            continue
        found.append((key, change))
        images.append(_image(key, change, reach, _rms(old), _rms(new)))
    return _summed(found, images, not_compared)


def catalogue_changes(a: Path, b: Path, radius: str) -> SkyDiff:
    """Match the sources of two catalogues on disk, image by image where both say target and group.

    An image with sources in only one of the two has lost or gained all of them; the noise of images is not compared.

    Raises
    ------
    StoaError
        If no radius is given or it is not an angle, or a table cannot be read or has no positions.
    """
    if not radius:
        raise StoaError("catalogues do not say how near two sources are one", "`--radius 1arcsec` says it")
    reach, names = radius_arcsec(radius), (str(a), str(b))
    parts = [_by_image(read_table(path), BY_IMAGE) for path in (a, b)]
    if not all(set(BY_IMAGE) <= set(each.empty.colnames) for each in parts):
        parts = [_by_image(read_table(path), ()) for path in (a, b)]
    before, after = parts
    found = [
        (key, matched(before.tables.get(key, before.empty), after.tables.get(key, after.empty), reach, names))
        for key in sorted({*before.tables, *after.tables})
    ]
    summed = _summed(found, [_image(key, change, reach, None, None) for key, change in found], [])
    return msgspec.structs.replace(summed, of_tables=True)


class _Images(msgspec.Struct, frozen=True):
    """The rows of a catalogue by the image that they come from."""

    tables: Mapping[Key, Any]  # astropy Tables
    empty: Any  # with the same columns


def _by_image(table: Table, names: tuple[str, ...]) -> _Images:
    import numpy as np

    keys = np.array([""] * len(table))
    if names and set(names) <= set(table.colnames):
        texts = (np.ma.filled(np.ma.asarray(table[name]).astype(str), "") for name in names)
        keys = np.array(["\n".join(each) for each in zip(*texts, strict=True)], dtype=str)
    tables = {}
    for key in np.unique(keys):
        target, _, group = str(key).partition("\n")
        tables[target, group] = table[keys == key]
    return _Images(tables, table[:0])


def _summed(found: list[tuple[Key, ListChange]], images: list[ImageChange], not_compared: list[NotCompared]) -> SkyDiff:
    pairs = [pair for _, change in found for pair in change.pairs]
    ratios = [pair.flux_ratio for pair in pairs if pair.flux_ratio is not None]
    noise = [image.rms_ratio for image in images if image.rms_ratio is not None]
    return SkyDiff(
        sources_a=sum(image.sources_a for image in images), sources_b=sum(image.sources_b for image in images),
        matched=len(pairs), gained=sum(image.gained for image in images), lost=sum(image.lost for image in images),
        moved=sum(image.moved for image in images), flux_changed=sum(image.flux_changed for image in images),
        flux_ratio=_median(ratios), e_flux_ratio=_error_of_median(ratios), rms_ratio=_median(noise),
        images=tuple(sorted(images, key=lambda i: (-i.surprise, i.target, i.group))),
        sources=tuple(most_surprising_first(_named(key, each) for key, change in found for each in _unequal(change))),
        not_compared=tuple(not_compared),
    )  # fmt: skip


def pictures(ws: Workspace, a: Side, b: Side, sky: SkyDiff, most: int = IMAGES) -> list[Picture]:
    """Pictures of the images with the most surprising sources, those with gained, lost or changed ones first.

    Taken are outputs of kind image that both have, else the images that were searched; where these are one file,
    there is no difference to show, only which sources either found.
    """
    made = []
    changed = sorted(sky.images, key=lambda each: not (each.gained or each.lost or each.moved or each.flux_changed))
    for image in [each for each in changed if each.surprise > 0][:most]:
        key = (image.target, image.group)
        changes = [each for each in sky.sources if (each.target, each.group) == key]
        changes = [each for each in changes if each.what] or changes[:1]
        try:
            files, words = _files(ws, a, b, key)
            png = side_by_side(files[0], files[1], changes, (a.source, b.source), image.radius_arcsec)
        except StoaError as problem:
            png, words = b"", f"no picture: {problem.message}"
        made.append(Picture(target=image.target, group=image.group, png=png, words=words))
    return made


def _tables(ws: Workspace, side: Side, output: str) -> dict[Key, Part | str]:
    """The table of every outcome, or why there is none."""
    chosen = output or catalogue_output(ws, side.name, side.outcomes.values())
    parts, missing, _ = tables_of(ws, side.name, side.outcomes.values(), chosen)
    tables: dict[Key, Part | str] = {(part.target, part.group): part for part in parts}
    for key, outcome in side.outcomes.items():
        ref = outcome.outputs.get(chosen)
        gone = ref is not None and ref.path in missing
        tables.setdefault(
            key, "its table is not on this machine as it was recorded" if gone else f"it is {outcome.status.value}"
        )
    return tables


def _part(tables: Mapping[Key, Part | str], key: Key, source: str) -> Part:
    part = tables.get(key, "it has no outcome")
    if isinstance(part, str):
        raise StoaError(f"{part} in {source}")
    return part


def _beams(ws: Workspace) -> dict[Key, float]:
    """Major axis in arcsec of the beam of every image group whose metadata document has one."""
    found: dict[Key, float] = {}
    for target, (_, document) in ws.documents().items():
        if isinstance(document, StoaError):
            continue
        for group in document.groups:
            for file in group.files:
                if text := file.derived.get("beam_major_arcsec"):
                    found.setdefault((target, group.key), float(text))
    return found


def _beam(old: Outcome | None, new: Outcome | None, described: float | None) -> float:
    for outcome in (old, new):
        value = outcome.results.get("beam_major_arcsec") if outcome else None
        if isinstance(value, int | float) and value > 0:
            return float(value)
    return described or 0.0


def _rms(outcome: Outcome | None) -> float | None:
    value = outcome.results.get("rms") if outcome else None
    return float(value) if isinstance(value, int | float) and value > 0 else None


def _image(key: Key, change: ListChange, reach: float, rms_a: float | None, rms_b: float | None) -> ImageChange:
    every = [*change.pairs, *change.gained, *change.lost]
    return ImageChange(
        target=key[0], group=key[1], radius_arcsec=reach, sources_a=change.sources_a, sources_b=change.sources_b,
        matched=len(change.pairs), gained=len(change.gained), lost=len(change.lost),
        moved=sum(MOVED in pair.what for pair in change.pairs),
        flux_changed=sum(FLUX in pair.what for pair in change.pairs),
        flux_ratio=_median([pair.flux_ratio for pair in change.pairs if pair.flux_ratio is not None]),
        rms_a=rms_a, rms_b=rms_b, rms_ratio=rms_b / rms_a if rms_a and rms_b else None,
        surprise=max((each.surprise for each in every), default=0.0),
    )  # fmt: skip


def _unequal(change: ListChange) -> Iterable[SourceChange]:
    moved = (pair for pair in change.pairs if pair.what or pair.separation_arcsec or pair.flux_a != pair.flux_b)
    return [*change.gained, *change.lost, *moved]


def _named(key: Key, change: SourceChange) -> SourceChange:
    return msgspec.structs.replace(change, target=key[0], group=key[1])


def _median(values: list[float]) -> float | None:
    return statistics.median(values) if values else None


def _error_of_median(values: list[float]) -> float | None:
    if len(values) < 2:
        return None
    middle = statistics.median(values)
    scatter = MAD_SIGMA * statistics.median(abs(value - middle) for value in values)
    return float(_MEDIAN_ERROR * scatter / len(values) ** 0.5)


def _files(ws: Workspace, a: Side, b: Side, key: Key) -> tuple[tuple[Path, Path], str]:
    """Two images to show, and which they are."""
    made = [_named_images(ws, side.outcomes[key], made=True) for side in (a, b)]
    searched = [_named_images(ws, side.outcomes[key], made=False) for side in (a, b)]
    for words, (old, new) in (("output", made), ("input", searched)):
        for name in (name for name in old if name in new):
            files = ws.products.file(old[name]), ws.products.file(new[name])
            if all(file.is_file() for file in files):
                return files, f"{words} {name}{_kinship(old[name], new[name])}"
    raise StoaError("no image of both is on this machine")


def _kinship(old: FileRef, new: FileRef) -> str:
    if old.path != new.path:
        return " of both"
    same = (old.size, old.sha256) == (new.size, new.sha256)
    return ", the same file in both" if same else " as it is now; the file had another content in one of them"


def _named_images(ws: Workspace, outcome: Outcome, *, made: bool) -> dict[str, FileRef]:
    """Outputs of kind image, or inputs whose role is that of an image."""
    process = frozen_process(ws, outcome.run)
    if process is None:
        return {}
    if made:
        return {
            n: ref for n, ref in outcome.outputs.items() if n in process.outputs and process.outputs[n].kind == "image"
        }
    roles = {name: spec.role for name, spec in process.inputs.items()}
    return {n: ref for n, ref in outcome.inputs.items() if any(role in IMAGE_ROLES for role in roles.get(n, ()))}
