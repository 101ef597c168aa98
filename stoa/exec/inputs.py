"""Whether a job's inputs were the same all the while it ran."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator

from stoa.exec.files import open_regular
from stoa.model import Job

CHANGED = "changed while it ran: input "
"""How the cause of such an outcome begins; names follow."""


def changed_inputs(job: Job) -> Iterator[str]:
    """Names of the inputs that are not, or may not be, what they were when the job was made.

    A file with the same size and time is taken to be the same, one that was only touched is read.
    """
    for name, seen in job.watched.items():
        try:
            now = os.stat(seen.path)
            if (now.st_size, now.st_mtime_ns) == (seen.size, seen.mtime_ns):
                continue
            if now.st_size == seen.size and job.inputs[name].sha256 == _sha256(seen.path):
                continue
        except OSError:
            pass  # removed, or closed to us
        yield name


def _sha256(path: str) -> str:
    with open_regular(path, follow_links=True) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
