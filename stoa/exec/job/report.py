"""For scripts: what job am I, and here are my results.

Needs the standard library of Python 3.8 only. Where STOA is not installed, in a container or a
virtual environment, jobs find a copy of this file as the module ``stoa``::

    from stoa import job, report

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

# The names are in `stoa.project` too, which needs msgspec and so cannot be imported here.
_JOB_FILE = "stoa-job.json"
_RESULT_FILE = "stoa-result.json"


def report(**results: object) -> None:
    """Add results to `stoa-result.json` in the job's directory.

    Parameters
    ----------
    results
        Numbers, strings, booleans or None by name; scalars of numpy and arrays of one element
        are taken as well. A number that is not finite, or masked, is written as null. A name
        that was reported before gets the new value.

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
        aside.write_text(json.dumps({**known, **plain}, allow_nan=False), "utf-8")
        os.replace(aside, path)


def job() -> dict[str, Any]:
    """What `stoa-job.json` tells about this job: target, folder, inputs, parameters and more.

    Of a script that STOA did not start it is a stand-in, so that the script can be tried by hand: see `stand_in`.
    """
    if not is_job():
        return stand_in({})
    found: dict[str, Any] = json.loads((_directory() / _JOB_FILE).read_bytes())
    return found


def is_job() -> bool:
    """Whether STOA started this script."""
    return (_directory() / _JOB_FILE).exists()


def stand_in(params: dict[str, Any]) -> dict[str, Any]:
    """What `job` gives outside a job: the working directory, with parameters and inputs from variables.

    ``STOA_PARAM_SNR=4 STOA_INPUT_IMAGE=ngc1.fits python find.py`` gives the script ``snr`` 4 and its image.

    Parameters
    ----------
    params
        Defaults of parameters.
    """
    here = os.getcwd()
    return {
        "run": "", "process": "", "target": "by-hand", "group": "", "attempt": 1, "folder": here, "meta": "",
        "out": here, "inputs": _Asked("INPUT", {}), "params": _Asked("PARAM", params), "needs": {},
    }  # fmt: skip


class _Asked(dict[str, Any]):
    """Values by name: from variables, else defaults; what has none says how to give one."""

    def __init__(self, kind: str, values: dict[str, Any]) -> None:
        super().__init__(values)
        self._kind = kind
        for name in values:
            if self._variable(name) in os.environ:
                self[name] = self._read(name)

    def _variable(self, name: str) -> str:
        return f"STOA_{self._kind}_{name.upper()}"

    def _read(self, name: str) -> Any:
        text = os.environ[self._variable(name)]
        try:
            return json.loads(text) if self._kind == "PARAM" else text
        except ValueError:
            return text

    def get(self, name: str, default: Any = None) -> Any:
        return self[name] if name in self or self._variable(name) in os.environ else default

    def __missing__(self, name: str) -> Any:
        if self._variable(name) in os.environ:
            return self._read(name)
        what = "parameter" if self._kind == "PARAM" else "input"
        raise KeyError(
            f"no STOA job runs here, so {what} {name!r} has no value: set {self._variable(name)}, or use `stoa run`"
        )


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
    try:
        single = value.item() if hasattr(value, "item") else value
    except (ValueError, RuntimeError) as exc:  # numpy, torch
        several = f"{type(value).__name__} of several or none"
        raise TypeError(f"result {name!r} must be a single value, not {several}") from exc
    if _is_masked(value):
        return None
    if single is None or isinstance(single, (bool, int, str)):
        return single
    try:
        number = float(single)
    except (TypeError, ValueError) as exc:
        raise TypeError(f"result {name!r} must be a number, string or boolean, not {type(value).__name__}") from exc
    return number if math.isfinite(number) else None


def _is_masked(value: Any) -> bool:
    """Whether a single value of numpy or astropy is masked: the number that its `item` gives then means nothing."""
    mask = getattr(value, "mask", False)
    return bool(not callable(mask) and mask)
