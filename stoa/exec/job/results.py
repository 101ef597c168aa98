"""What a script reported in `stoa-result.json`, checked against the declared results."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping

from stoa.errors import StoaError, guess
from stoa.exec.job.log import visible
from stoa.model import ResultSpec, Value
from stoa.opening import NotRegularError, open_regular
from stoa.project import RESULT_FILE

MAX_BYTES = 100_000  # a record is a line of at most a million characters
MAX_TEXT = 1000
MAX_NAME = 200


class ResultProblem(StoaError):
    """A result file that cannot be taken as it is."""


def read_results(directory: str, declared: Mapping[str, ResultSpec]) -> dict[str, Value | None]:
    """Results by name, typed as declared; empty if the script reported none.

    Parameters
    ----------
    directory
        Of the job.
    declared
        What the process declares. If it declares nothing, every reported value is kept.

    Returns
    -------
    results
        A whole number is taken for a float and a float without a fraction for an int. NaN and
        infinities are None. Results that were declared and not reported are absent.

    Raises
    ------
    ResultProblem
        If the file is not a JSON object of single values, is too large, names a result that is
        not declared, or has a value of another type.
    """
    raw = _read(os.path.join(directory, RESULT_FILE))
    if raw is None:
        return {}
    return {name: _result(name, value, declared) for name, value in _parsed(raw).items()}


def _read(path: str) -> bytes | None:
    try:
        with open_regular(path, follow_links=False) as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except NotRegularError:
        raise ResultProblem(f"{RESULT_FILE} is not a regular file") from None
    except OSError as exc:
        raise ResultProblem(f"{RESULT_FILE} is unreadable: {exc.strerror}") from exc
    if len(raw) > MAX_BYTES:
        raise ResultProblem(f"{RESULT_FILE} is larger than {MAX_BYTES} bytes")
    return raw


def _parsed(raw: bytes) -> dict[str, object]:
    try:
        found = json.loads(raw.decode("utf-8-sig"), parse_constant=lambda _: None)
    except RecursionError:
        raise ResultProblem(f"{RESULT_FILE} is nested too deeply") from None
    except ValueError as exc:  # bad UTF-8, bad JSON, an integer of thousands of digits
        raise ResultProblem(f"{RESULT_FILE} is not valid JSON: {exc}") from exc
    if not isinstance(found, dict):
        raise ResultProblem(f"{RESULT_FILE} must hold an object of names and values, not {_type_name(found)}")
    return found


def _result(name: str, value: object, declared: Mapping[str, ResultSpec]) -> Value | None:
    if name in declared:
        return _typed(name, value, declared[name].type)
    if declared:
        raise ResultProblem(f"result {visible(name)[:60]!r} is not declared{guess(name, list(declared))}")
    if len(name) > MAX_NAME or visible(name) != name:
        raise ResultProblem(f"{visible(name)[:60]!r} cannot name a result: at most {MAX_NAME} plain characters")
    return _single(name, value)


def _typed(name: str, value: object, wanted: str) -> Value | None:
    single = _single(name, value)
    if single is None or type(single).__name__ == wanted:
        return single
    if wanted == "float" and type(single) is int:
        return float(single)
    if wanted == "int" and isinstance(single, float) and single.is_integer():
        return _single(name, int(single))
    raise ResultProblem(f"result {name!r} must be of type {wanted}, got {_type_name(single)}")


def _single(name: str, value: object) -> Value | None:
    """A value that a record can hold."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        if len(value) > MAX_TEXT:
            raise ResultProblem(f"result {visible(name)[:60]!r} is longer than {MAX_TEXT} characters")
        return visible(value)
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ResultProblem(f"result {visible(name)[:60]!r} does not fit 64 bits")
    if value is None or isinstance(value, bool | int):
        return value
    raise ResultProblem(f"result {visible(name)[:60]!r} must be a single value, got {_type_name(value)}")


def _type_name(value: object) -> str:
    return {"NoneType": "null", "dict": "object", "list": "array"}.get(type(value).__name__, type(value).__name__)
