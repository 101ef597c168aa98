"""One written value as a truth value, number or text."""

from __future__ import annotations

import math
import re
from typing import Any

import yaml

from stoa.model import Value, ValueType

UNFIT = re.compile("[\0\ud800-\udfff]")
"""What no argument of a command can hold: NUL and lone surrogates."""

_INT = re.compile(r"[+-]?[0-9]+")
_FLOAT = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[+-]?\.?(?:nan|inf|infinity)", re.IGNORECASE)
_RESOLVER: Any = yaml.SafeLoader("")


def brief(text: str) -> str:
    """A text as messages show it: in quotes, control characters written out, cut at 60 characters."""
    return repr(text) if len(text) <= 60 else f"{text[:57]!r}..."


def parse_value(text: str, type_: ValueType) -> Value:
    """A written value as its declared type; ``012`` is twelve, as a person means it.

    Raises
    ------
    ValueError
        With the end of a sentence: "must be a whole number, got 'x'".
    """
    if type_ == "bool":
        return _parse_bool(text)
    if type_ == "int":
        return _parse_int(text)
    if type_ == "float":
        return _parse_float(text)
    if UNFIT.search(text):
        raise ValueError(f"must be Unicode text without NUL, got {brief(text)}")
    return text


def _parse_bool(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(f"must be true or false, got {brief(text)}")
    return text.lower() == "true"


def _parse_int(text: str) -> int:
    if not _INT.fullmatch(text):
        raise ValueError(f"must be a whole number, got {brief(text)}")
    if len(text) > 20 or not -(2**63) <= int(text) < 2**63:
        raise ValueError(f"does not fit in 64 bits, got {brief(text)}")
    return int(text)


def _parse_float(text: str) -> float:
    number = float(text) if _FLOAT.fullmatch(text) else math.nan
    if math.isfinite(number):
        return number
    is_number = _FLOAT.fullmatch(text) or _NOT_FINITE.fullmatch(text)
    raise ValueError(f"must be {'finite' if is_number else 'a number'}, got {brief(text)}")


def implied(text: str) -> Value | None:
    """An undeclared scalar without quotes by the rules of YAML 1.1, as far as readers agree.

    Raises
    ------
    ValueError
        For dates, ``1:30``, ``012``, ``0x1f`` and what else turns into an unexpected value, and
        for numbers that no record can hold; with the end of a sentence.
    """
    kind = _RESOLVER.resolve(yaml.ScalarNode, text, (True, False)).rpartition(":")[2]
    if kind == "str":
        return text
    if kind == "null":
        return None
    if kind == "bool":
        return bool(_RESOLVER.bool_values[text.lower()])
    if kind == "float":
        return _parse_float(text)
    if kind == "int" and (text == "0" or not text.lstrip("+-").startswith("0")):
        return _parse_int(text)
    raise ValueError(f"may be read as another value than it seems, got {brief(text)}")
