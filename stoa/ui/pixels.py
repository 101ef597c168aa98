"""Whether the files of images are on this machine, and what can be done where they are not."""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from stoa.errors import StoaError
from stoa.model import FileRef
from stoa.project import Project
from stoa.ui.reading import folder
from stoa.workspace.open import Workspace

KNOWN_S = 5.0
"""For this long the paths of the roots are not read again."""


def missing(ref: str, sha256: str = "") -> StoaError | None:
    """Why a file that a record names cannot be shown here, and what mends it; None where it is here.

    Parameters
    ----------
    sha256
        Its checksum, by which a copy that was fetched is found.
    """
    name, _, path = ref.partition(":")
    if sha256 and _project().kept_product(FileRef(path=ref, sha256=sha256)).is_file():
        return None
    try:
        file = _project().file(ref)
    except StoaError as problem:
        return problem
    if file.is_file():
        return None
    return StoaError(
        f"{path.rpartition('/')[2]} is not below root {name!r} on this machine",
        f"mount or copy the data, or say where they are: `stoa root add {name} PATH`",
    )


def roots_without_place(refs: Iterable[str]) -> dict[str, StoaError]:
    """Of the roots of some files those that have no path on this machine, each with what mends it."""
    found: dict[str, StoaError] = {}
    for name in {ref.partition(":")[0] for ref in refs}:
        try:
            _project().root(name)
        except StoaError as problem:
            found[name] = problem
    return found


def _project() -> Project:
    return _read(folder(), int(time.monotonic() // KNOWN_S))


@lru_cache(maxsize=2)
def _read(place: Path, _when: int) -> Project:
    ws = Workspace(place)
    try:
        return ws.project
    finally:
        ws.close()
