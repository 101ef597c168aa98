"""Git objects written one a file, so that a power cut or kill leaves each whole or not there."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from dulwich.file import SharedPerm, adjust_shared_perm
from dulwich.objects import ShaFile

from stoa.durable import sync_file, sync_folder

_MODE = 0o444


def write_loose(store: Path, objects: Iterable[ShaFile], shared: SharedPerm | None) -> None:
    """Write objects, on disk when this returns.

    What is there already is synced too: a killed command, or a git that is not told to sync, may have written it.

    Parameters
    ----------
    store
        Git's folder `objects`.
    shared
        Rights that the repository's setting `core.sharedRepository` asks for.
    """
    folders = set()
    for single in objects:
        name = single.id.decode()
        folder = store / name[:2]
        if not folder.is_dir():
            folder.mkdir(exist_ok=True)
            adjust_shared_perm(str(folder), shared)
        _write(folder / name[2:], single, shared)
        folders.add(folder)
    for place in (*sorted(folders), store):
        sync_folder(place)


def _write(file: Path, single: ShaFile, shared: SharedPerm | None) -> None:
    with suppress(FileNotFoundError):  # or `git gc` has packed it meanwhile
        with suppress(PermissionError):  # another user's
            os.utime(file)  # so that `git gc` does not take it for an old one
        sync_file(file)
        return
    # `git gc` removes files of this name when they are old: what a kill leaves is no lock.
    descriptor, aside = tempfile.mkstemp(prefix="tmp_obj_", dir=file.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(single.as_legacy_object())
            stream.flush()
            os.fchmod(stream.fileno(), _MODE)
            os.fsync(stream.fileno())
        os.rename(aside, file)
    except BaseException:
        with suppress(OSError):
            os.unlink(aside)
        raise
    adjust_shared_perm(str(file), shared)
