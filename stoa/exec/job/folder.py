"""A job's directory: made fresh, and renamed whole to where it stays.

Nothing here is synced to disk. The rename makes the products appear at once and complete for
every reader while the machine runs. A power cut may still lose what was renamed, but never
silently: the outcome, which is synced, holds size and checksum of each product, so a lost one
counts as changed and the job as stale. Syncing gigabytes for each target would cost more than
running the few lost jobs again.
"""

from __future__ import annotations

import os
import shutil
import uuid

from stoa.model import Job
from stoa.project import JOB_FILE, LOG_FILE


def make_folder(job: Job) -> int:
    """Make the job's directory with its description; open the log in it.

    Whatever is there from an earlier attempt is removed.

    Returns
    -------
    log
        File descriptor to write and read; the caller closes it.

    Raises
    ------
    OSError
        If the directory or a file in it cannot be made.
    """
    _make_fresh(job.work)
    with open(os.path.join(job.work, JOB_FILE), "xb") as file:
        file.write(job.description)
    # Appending, so that several processes of one script that open the log again do not overwrite each other.
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
    return os.open(os.path.join(job.work, LOG_FILE), flags, 0o666)


def move_folder(work: str, place: str) -> None:
    """Rename a job's directory to its place; whatever was there is removed.

    Raises
    ------
    OSError
        If it cannot be renamed; `work` is then still where it was.
    """
    try:
        os.rename(work, place)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(place), exist_ok=True)
        os.rename(work, place)
    except OSError:
        if not os.path.lexists(place):
            raise
        _replace(work, place)


def remove(path: str) -> None:
    """Remove a file, a link or a directory with everything in it; it may be absent."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
    except OSError:  # EISDIR or EPERM: a directory
        shutil.rmtree(path)


def _make_fresh(path: str) -> None:
    try:
        os.mkdir(path)
    except FileNotFoundError:
        os.makedirs(path)
    except FileExistsError:
        remove(path)
        os.mkdir(path)


def _replace(work: str, place: str) -> None:
    aside = f"{place}.old-{uuid.uuid4().hex[:8]}"
    os.rename(place, aside)
    try:
        os.rename(work, place)
    except OSError:
        os.rename(aside, place)
        raise
    remove(aside)
