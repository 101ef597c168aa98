"""For scripts: what job am I, and here are my results.

Needs the standard library only, so that a script in any interpreter can import it quickly::

    from stoa.exec.job.report import job, report

    snr = job()["params"]["snr"]
    report(n_sources=12, rms=3.2e-5)
"""

from __future__ import annotations

import fcntl
import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# The names stand in `stoa.project` too, which needs msgspec and so cannot be imported here.
_JOB_FILE = "stoa-job.json"
_RESULT_FILE = "stoa-result.json"


def report(**results: object) -> None:
    """Add results to `stoa-result.json` in the job's directory.

    Parameters
    ----------
    results
        Numbers, strings, booleans or None by name; scalars of numpy and arrays of one element
        are taken as well. A number that is not finite is written as null. A name that was
        reported before gets the new value.

    Raises
    ------
    TypeError
        If a value is not a single number, string or boolean.
    """
    plain = {name: _plain(name, value) for name, value in results.items()}
    with _locked(_directory()) as folder:
        path = folder / _RESULT_FILE
        known = json.loads(path.read_text("utf-8")) if path.exists() else {}
        aside = folder / f".{_RESULT_FILE}.{os.getpid()}"
        aside.write_text(json.dumps(known | plain, allow_nan=False), "utf-8")
        os.replace(aside, path)


def job() -> dict[str, Any]:
    """What `stoa-job.json` tells about this job: target, folder, inputs, parameters and more.

    Raises
    ------
    FileNotFoundError
        If the script was not started by STOA.
    """
    found: dict[str, Any] = json.loads((_directory() / _JOB_FILE).read_bytes())
    return found


def _directory() -> Path:
    return Path(os.environ.get("STOA_OUT") or ".")


@contextmanager
def _locked(folder: Path) -> Iterator[Path]:
    """The folder, while no other process of the same job reports."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield folder
    finally:
        os.close(descriptor)


def _plain(name: str, value: Any) -> bool | int | float | str | None:
    single = value.item() if hasattr(value, "item") else value
    if single is None or isinstance(single, bool | int | str):
        return single
    try:
        number = float(single)
    except (TypeError, ValueError) as exc:
        raise TypeError(f"result {name!r} must be a number, string or boolean, not {type(value).__name__}") from exc
    return number if math.isfinite(number) else None
