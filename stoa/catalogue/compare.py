"""Whether a product made twice is the same: images by header and pixels, tables by their rows."""

from __future__ import annotations

import warnings
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stoa.catalogue.formats import FORMATS, CatalogueError
from stoa.catalogue.tables import read_table
from stoa.model import OutputSpec
from stoa.opening import TooLargeError, have_same_content, read_bounded, regular
from stoa.trees import differing

if TYPE_CHECKING:
    from astropy.io.fits import FITSDiff
    from astropy.table import Table

WHEN_WRITTEN = ("DATE", "CHECKSUM", "DATASUM")
"""FITS keywords that say when a file was written rather than what is in it."""

_FITS = (".fits", ".fit", ".fits.gz", ".fits.fz")
_MOST_NAMES = 5
_MOST_BYTES = 200_000_000  # of a file whose first difference is looked for


def differences(old: Path, new: Path, spec: OutputSpec) -> list[str]:
    """What differs between two files or folders beyond the tolerance that is declared for them, in words.

    FITS files are compared header by header and pixel by pixel, tables (`kind` is catalogue) column
    by column, their rows found by the declared key or else in their order. Anything else is
    compared byte by byte, a folder file by file.

    Parameters
    ----------
    spec
        Says how they are compared: `kind`, `tolerance` (relative), `ignore` (FITS keywords and
        columns; of a folder, patterns of paths in it) and `key` (columns).
    """
    try:
        if spec.kind == "folder":
            return _folder_differences(old, new, spec)
        if have_same_content(old, new):
            return []
        if spec.kind == "catalogue" and any(old.name.lower().endswith(suffix) for suffix in FORMATS):
            return _table_differences(read_table(old), read_table(new), spec)
        if old.name.lower().endswith(_FITS):
            return _fits_differences(old, new, spec)
        return [_first_difference(read_bounded(old, _MOST_BYTES), read_bounded(new, _MOST_BYTES))]
    except TooLargeError:
        return ["the content differs"]
    except CatalogueError as problem:
        return [problem.message]
    except (OSError, ValueError) as problem:
        return [f"cannot be compared: {problem}"]


def _folder_differences(old: Path, new: Path, spec: OutputSpec) -> list[str]:
    paths = [path for path in differing(old, new) if not any(fnmatchcase(path, each) for each in spec.ignore)]
    more = [f"and {len(paths) - _MOST_NAMES} more files"] if len(paths) > _MOST_NAMES else []
    return [f"{path} differs" for path in paths[:_MOST_NAMES]] + more


def _fits_differences(old: Path, new: Path, spec: OutputSpec) -> list[str]:
    from astropy.io import fits

    ignored = [*WHEN_WRITTEN, *spec.ignore]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about headers that are not quite as the standard wants them
        with fits.open(regular(old)) as first, fits.open(regular(new)) as second:
            found = fits.FITSDiff(
                first, second, ignore_keywords=ignored, ignore_fields=list(spec.ignore), rtol=spec.tolerance
            )
            return [] if found.identical else list(_fits_words(found))


def _fits_words(found: FITSDiff) -> list[str]:
    words = []
    if found.diff_hdu_count:
        words.append(f"{found.diff_hdu_count[0]} extensions -> {found.diff_hdu_count[1]}")
    for number, hdu, name, _ in found.diff_hdus:
        where = f"extension {name or number}: " if number else ""
        words += [where + text for text in _hdu_words(hdu)]
    return words


def _hdu_words(hdu: Any) -> list[str]:
    words = []
    header = hdu.diff_headers
    if header is not None and not header.identical:
        left, right = header.diff_keywords or ((), ())
        # The number of keywords is no difference of its own: it counts those that are ignored.
        changed = [*header.diff_keyword_values, *header.diff_keyword_comments, *header.diff_duplicate_keywords]
        if changed:
            words.append(f"header: {_names(changed)} changed")
        words += [f"header: {_names(names)} {what}" for names, what in ((left, "is gone"), (right, "is new")) if names]
    data = hdu.diff_data
    if data is not None and not data.identical:
        words.append(_data_words(data))
    if hdu.diff_extnames or hdu.diff_extension_types or hdu.diff_extvers or hdu.diff_extlevels:
        words.append("it is an extension of another name, version or kind")
    return words


def _data_words(data: Any) -> str:
    shapes = getattr(data, "diff_dimensions", ())
    if shapes:
        return f"data: shape {shapes[0]} -> {shapes[1]}"
    total, ratio = getattr(data, "diff_total", 0), getattr(data, "diff_ratio", 0.0)
    return f"data: {total} values differ ({100 * ratio:.3g} %)" if total else "data differ"


def _table_differences(old: Table, new: Table, spec: OutputSpec) -> list[str]:
    kept = [name for name in old.colnames if name not in spec.ignore]
    other = [name for name in new.colnames if name not in spec.ignore]
    lost, fresh = [name for name in kept if name not in other], [name for name in other if name not in kept]
    words = [f"without column {_names(lost)}"] if lost else []
    words += [f"with a new column {_names(fresh)}"] if fresh else []
    if spec.key:
        missing = [name for name in spec.key if name not in kept or name not in other]
        if missing:
            return [f"the key {_names(missing)} is not a column of both"]
        old, new, more = _by_key(old, new, spec.key)
        words += more
    elif len(old) != len(new):
        return [*words, f"{len(old)} rows -> {len(new)}"]
    for name in kept:
        if name in other and (rows := _differing(old[name], new[name], spec.tolerance)):
            words.append(f"column {name}: {rows} of {len(old)} values differ")
        if name in other and old[name].unit != new[name].unit:
            words.append(f"column {name}: unit {old[name].unit} -> {new[name].unit}")
    return words


def _by_key(old: Table, new: Table, key: tuple[str, ...]) -> tuple[Table, Table, list[str]]:
    """The rows that both tables have, in the same order, and words on the others."""
    places = [_places(table, key) for table in (old, new)]
    both = [one for one in places[0] if one in places[1]]
    gone, fresh = len(places[0]) - len(both), len(places[1]) - len(both)
    words = [f"{number} of the rows {what}" for number, what in ((gone, "gone"), (fresh, "new")) if number]
    for table, known in zip((old, new), places, strict=True):
        if len(known) < len(table):
            words.append(f"the key {_names(key)} stands for several rows")
    return old[[places[0][one] for one in both]], new[[places[1][one] for one in both]], words


def _places(table: Table, key: tuple[str, ...]) -> dict[tuple[str, ...], int]:
    rows = zip(*(table[name] for name in key), strict=True)
    return {tuple(str(value) for value in row): number for number, row in enumerate(rows)}


def _differing(old: Any, new: Any, tolerance: float) -> int:
    """How many values of two columns differ; absent ones are equal to absent ones only."""
    import numpy as np

    masks = [np.ma.getmaskarray(np.ma.asarray(column)) for column in (old, new)]
    values = [np.ma.getdata(np.ma.asarray(column)) for column in (old, new)]
    if any(value.dtype.kind not in "fiubc" for value in values):
        same = np.array([str(a) == str(b) for a, b in zip(*values, strict=True)], dtype=bool)
    else:
        same = np.isclose(values[1], values[0], rtol=tolerance, atol=0.0, equal_nan=True)
    unlike = np.asarray((masks[0] != masks[1]) | (~same & ~masks[0]))
    return int(np.count_nonzero(unlike.reshape(len(unlike), -1).any(axis=1))) if unlike.size else 0


def _first_difference(old: bytes, new: bytes) -> str:
    if b"\0" in old[:8192] or b"\0" in new[:8192]:
        return "the content differs" + (f" ({len(old)} bytes -> {len(new)})" if len(old) != len(new) else "")
    before, after = old.split(b"\n"), new.split(b"\n")
    pairs = enumerate(zip(before, after, strict=False), 1)
    line = next((number for number, (a, b) in pairs if a != b), min(len(before), len(after)) + 1)
    return f"the content differs from line {line} on"


def _names(names: Any) -> str:
    found = list(dict.fromkeys(str(name) for name in names))
    more = len(found) - _MOST_NAMES
    return ", ".join(found[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
