"""The YAML dialect of records: one flow mapping a line that a JSON reader reads as well.

``- {"target": "A001_X1", "status": "ok", ...}``: `git grep` shows a whole record, a diff one
line a record, and PyYAML and a JSON parser agree on every value. For that, exponents carry
a dot and a sign, and characters that YAML treats as line breaks or forbids are escaped.
Block YAML, for people, is written by `block`.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

import msgspec
import yaml

from stoa.errors import StoaError
from stoa.provenance.scalars import brief

MAX_LINE = 1_000_000  # bytes
MAX_KEY = 200  # YAML itself ends at 1024
MAX_DEPTH = 20
INTEGERS = range(-(2**63), 2**63)
_UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_BREAK = re.compile("[\x85\u2028\u2029]")
_CONFLICT = (b"<<<<<<< ", b"=======", b">>>>>>> ")
_encode = msgspec.json.Encoder().encode


class RecordError(StoaError):
    """A record that cannot be written or read."""


def line(record: dict[str, Any]) -> bytes:
    """A record as one line, its line end included.

    Raises
    ------
    RecordError
        If it holds what the dialect cannot carry: NaN, infinities, lone surrogates,
        integers beyond 64 bits, or is longer than `MAX_LINE`.
    """
    try:
        body = msgspec.json.format(_encode(_carried(record)), indent=0)
    except UnicodeEncodeError:
        raise RecordError("a record cannot hold text that is not Unicode (a lone surrogate)") from None
    if not body.isascii() or b"\x7f" in body:
        body = _UNSAFE.sub(_escaped, body.decode()).encode()
    if len(body) > MAX_LINE:
        raise RecordError(f"a record of {len(body)} bytes is too long (at most {MAX_LINE})")
    return b"- %b\n" % body


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def _carried(record: dict[str, Any], depth: int = 1) -> dict[str, Any]:
    """A mapping whose floats are written as YAML reads them, if every reader can read it.

    A thousand records are written at once: what is plain passes without a call.
    """
    if depth > MAX_DEPTH:
        raise RecordError(f"a record cannot hold more than {MAX_DEPTH} levels")
    if max(map(len, record), default=0) > MAX_KEY:
        raise RecordError(f"a record cannot hold a key of more than {MAX_KEY} characters")
    found = dict(record)
    for key, value in record.items():
        kind = type(value)
        if kind is str or kind is bool or value is None:
            continue
        if kind is float and (value == 0 or 1e-4 <= value < 1e16 or 1e-4 <= -value < 1e16):
            continue
        found[key] = _carried_value(value, depth)
    return found


def _carried_value(value: Any, depth: int) -> Any:
    if isinstance(value, float):
        return _exponent(value)
    if isinstance(value, dict):
        return _carried(value, depth + 1)
    if isinstance(value, list | tuple):
        return list(_carried({str(number): below for number, below in enumerate(value)}, depth + 1).values())
    if not isinstance(value, int):
        raise RecordError(f"a record cannot hold a value of type {type(value).__name__}")
    if value not in INTEGERS:
        raise RecordError("a record cannot hold an integer of more than 64 bits")
    return value


def _exponent(value: float) -> msgspec.Raw:
    """PyYAML takes ``1e+16`` and ``1e-05`` for texts: a dot makes them numbers."""
    if not math.isfinite(value):
        raise RecordError(f"a record cannot hold {value}: it has to be a finite number or null")
    mantissa, e, exponent = repr(value).partition("e")
    return msgspec.Raw(f"{mantissa if '.' in mantissa else mantissa + '.0'}{e}{exponent}".encode())


def strip_line(text: bytes) -> bytes | None:
    """The JSON of one line, or None for a line that is blank or a comment."""
    text = text.strip()
    if not text or text.startswith(b"#"):
        return None
    if len(text) > MAX_LINE:
        raise RecordError(f"a record of {len(text)} bytes is too long (at most {MAX_LINE})")
    if text.startswith(b"- {"):
        return text[2:]
    if text.startswith(_CONFLICT):
        raise RecordError("an unfinished merge", "keep the lines that are right, remove <<<<<<<, ======= and >>>>>>>")
    raise RecordError("a line of records starts with '- {'")


def refuse_repeated(body: str | bytes) -> None:
    """Raise `RecordError` if a field is given twice somewhere in a line's JSON.

    Fast readers take the last one without a word, other readers the first.
    """
    try:
        json.loads(body, object_pairs_hook=_once)
    except (ValueError, RecursionError) as problem:
        raise RecordError(f"not a record: {problem}") from None


def _once(pairs: list[tuple[str, Any]]) -> None:
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise RecordError(f"field {brief(twice)} is given twice")


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Writes no aliases, and in quotes also what YAML 1.2 takes for a number or a truth value."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 -- the signature is PyYAML's
        return True


def _written(dumper: Any, text: str) -> Any:
    """Text of several lines as it is; with a line break that YAML 1.2 does not count as one, escaped."""
    style = '"' if _BREAK.search(text) else "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _written)
_Dumper.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?(\.?[0-9][0-9.]*([eE][-+]?[0-9]+)?|0o[0-7]+)$"), list("-+.0123456789")
)
_Dumper.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("[yYnN]$"), list("yYnN"))


def block(record: dict[str, Any]) -> bytes:
    """A record as block YAML in the order of its keys.

    Raises
    ------
    RecordError
        As for `line`, without its limit on length.
    """
    _carried(record)
    try:
        text: str = yaml.dump(
            record, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110, default_flow_style=False
        )
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise RecordError("a record cannot hold text that is not Unicode (a lone surrogate)") from None
