"""YAML that came from outside, read with the place of every value.

A scalar is kept as the text that is in the file and becomes a number, truth value or
word only where the reader asks for one, so ``12:30:45``, ``no`` and ``1e5`` are never
reinterpreted on the way (PyYAML reads them as 45045, False and a string).

The file is read event by event and the first event that oversteps a limit ends it: composing
the whole tree takes libyaml 20 s for 100 000 open brackets and a gigabyte for a million values.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import yaml

from stoa.errors import StoaError, guess
from stoa.model import Value, ValueType
from stoa.provenance.scalars import UNFIT, brief, implied, parse_value

MAX_BYTES = 1_000_000
_LONGEST_FIELD = 160
MAX_DEPTH = 20
TOO_DEEP = f"nested more than {MAX_DEPTH} levels deep"
MAX_VALUES = 300_000  # a summary names every target that failed
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_STANDARD = "tag:yaml.org,2002:"
_FORBIDDEN = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_CONFLICT = re.compile(r"^(?:<{7}|>{7}) ", re.MULTILINE)


class DefinitionError(StoaError):
    """A definition that cannot be used; names file, line and field."""

    def __init__(self, message: str, file: str, line: int | None = None, hint: str | None = None) -> None:
        where = f"{file}, line {line}" if line else file
        super().__init__(f"{message} ({where})", hint)
        self.file = file
        self.line = line


class Spot:
    """A value in a YAML file with its place.

    Parameters
    ----------
    content
        The text of a scalar, or what is below.
    field
        Dotted name; "" for the file as a whole.
    line
        Where the field begins, from 1.
    is_plain
        Whether it is a scalar without quotes.
    """

    __slots__ = ("content", "field", "file", "is_plain", "line")

    def __init__(
        self, content: str | list[Spot] | dict[str, Spot], file: str, field: str, line: int, *, is_plain: bool = False
    ) -> None:
        self.content = content
        self.file = file
        self.field = field
        self.line = line
        self.is_plain = is_plain

    def error(self, message: str, hint: str | None = None) -> DefinitionError:
        return DefinitionError(message, self.file, self.line, hint)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is here (``field:``)."""
        return self.is_plain and self.content == ""

    def mapping(self, known: Iterable[str] | None = None, required: Iterable[str] = ()) -> dict[str, Spot]:
        """The fields of a mapping.

        Parameters
        ----------
        known
            Names that are allowed; None allows any.
        required
            Names that have to be there.

        Raises
        ------
        DefinitionError
            If this is not a mapping, or a field is unknown or missing.
        """
        fields = {} if self.is_empty else self.content
        if not isinstance(fields, dict):
            raise self.error(f"{self.field or 'the file'} must be a mapping (`name: value` lines)")
        names = dict.fromkeys(fields if known is None else known)
        for key, spot in fields.items():
            if key not in names:
                raise self._unknown(spot, key, list(names))
        for name in required:
            if name not in fields:
                raise self.error(f"field {name!r} is missing" + (f" in {self.field}" if self.field else ""))
        return fields

    def _unknown(self, spot: Spot, key: str, known: list[str]) -> DefinitionError:
        place = f" of {self.field}" if self.field else ""
        return spot.error(
            f"unknown field {brief(key)}{place}{guess(key[:60], known)}", f"known fields: {', '.join(known)}"
        )

    def sequence(self) -> list[Spot]:
        """The values of a list; a single scalar counts as a list of one, nothing as an empty one."""
        if isinstance(self.content, list):
            return self.content
        if isinstance(self.content, dict):
            raise self.error(f"{self.field or 'the file'} must be a list", _brace_hint(self))
        return [] if self.is_empty else [self]

    def text(self) -> str:
        """The scalar as it is written.

        Raises
        ------
        DefinitionError
            If it is none, or nothing is here, or it holds what no argument of a command can.
        """
        name = self.field or "the file"
        if not isinstance(self.content, str):
            kind = "list" if isinstance(self.content, list) else "mapping"
            raise self.error(f"{name} must be one value, not a {kind}", _brace_hint(self))
        if self.is_empty:
            raise self.error(f"{name} has no value", 'remove the field, or write "" for an empty text')
        if UNFIT.search(self.content):
            raise self.error(f"{name} must be Unicode text without NUL, got {brief(self.content)}")
        return self.content

    def word(self, allowed: Iterable[str]) -> str:
        """A text out of a fixed choice."""
        names = list(allowed)
        text = self.text()
        if text not in names:
            raise self.error(
                f"{self.field} must be one of {', '.join(names)}, got {brief(text)}{guess(text[:60], names)}"
            )
        return text

    def value(self, type_: ValueType) -> Value:
        """The scalar as a value of a declared type."""
        try:
            return parse_value(self.text(), type_)
        except ValueError as problem:
            raise self.error(f"{self.field} {problem}") from None

    def integer(self) -> int:
        return int(self.value("int"))

    def number(self) -> float:
        return float(self.value("float"))

    def boolean(self) -> bool:
        return bool(self.value("bool"))

    def texts(self) -> tuple[str, ...]:
        return tuple(spot.text() for spot in self.sequence())

    def plain(self) -> Any:
        """The value as any reader of YAML sees it, for files whose fields have no declared type here.

        Returns
        -------
        value
            Mappings, lists, texts, None, truth values, integers of 64 bits and finite numbers.

        Raises
        ------
        DefinitionError
            For what readers disagree on unless it is in quotes: dates, ``1:30``, ``012``, ``0x1f``.
        """
        if isinstance(self.content, dict):
            return {name: spot.plain() for name, spot in self.content.items()}
        if isinstance(self.content, list):
            return [spot.plain() for spot in self.content]
        if not self.is_plain:
            return self.content
        try:
            return implied(self.content)
        except ValueError as problem:
            raise self.error(f"{self.field or 'the file'} {problem}", "put it in quotes if it is a text") from None


def _brace_hint(spot: Spot) -> str | None:
    """Help for ``[python, {script}]``, which YAML takes for a mapping."""
    if not isinstance(spot.content, dict) or not all(below.is_empty for below in spot.content.values()):
        return None
    return f'a text that begins with a brace is in quotes: "{{{", ".join(spot.content)[:60]}}}"'


def read_yaml(data: bytes, file: str, max_bytes: int = MAX_BYTES) -> Spot:
    """The root of a YAML file.

    Raises
    ------
    DefinitionError
        If it is too large, not UTF-8, not YAML, empty, or holds aliases, tags, a field twice,
        control characters, more than one document, or more values or levels than any
        definition has.
    """
    if len(data) > max_bytes:
        raise DefinitionError(f"{len(data)} bytes are too many (at most {max_bytes})", file)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = data.count(b"\n", 0, problem.start) + 1
        raise DefinitionError(f"not UTF-8 text: {problem.reason}", file, line, "save it as UTF-8") from None
    if found := _FORBIDDEN.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise DefinitionError(f"control character U+{ord(found[0]):04X}", file, line, "remove it")
    try:
        return _Reader(text, file).document()
    except yaml.YAMLError as problem:
        raise _not_yaml(text, file, problem) from None


def _not_yaml(text: str, file: str, problem: yaml.YAMLError) -> DefinitionError:
    if found := _CONFLICT.search(text):
        line = text.count("\n", 0, found.start()) + 1
        return DefinitionError(
            "an unfinished merge",
            file,
            line,
            "keep the lines that are right, remove <<<<<<<, ======= and >>>>>>>, then `git commit`;"
            " `git merge --abort` takes the merge back",
        )
    mark = getattr(problem, "problem_mark", None)
    if mark is None:
        return DefinitionError(f"not YAML: {str(problem).splitlines()[0]}", file)
    lines = text.splitlines()
    here = lines[mark.line][mark.column :] if mark.line < len(lines) else ""
    if here.startswith("\t"):
        return DefinitionError("not YAML: a tab", file, mark.line + 1, "indent with blanks")
    words = str(getattr(problem, "problem", None) or problem).splitlines()[0]
    if words == "exceeded maximum nesting depth":  # libyaml's own limit, of 1000 levels, since 0.2.6
        return DefinitionError(TOO_DEEP, file, mark.line + 1)
    hint = "a text that holds `: ` or ` #`, or begins with one of {}[]&*!|>%@`\"', is in quotes"
    return DefinitionError(f"not YAML: {words}", file, mark.line + 1, hint)


class _Reader:
    """Makes spots of the events of one file."""

    def __init__(self, text: str, file: str) -> None:
        self._events: Iterator[Any] = yaml.parse(text, Loader=_LOADER)
        self._file = file
        self._room = MAX_VALUES

    def document(self) -> Spot:
        next(self._events)  # start of the stream
        if isinstance(next(self._events), yaml.StreamEndEvent):
            raise DefinitionError("the file is empty", self._file)
        first = next(self._events)
        root = self._spot(first, "", _line(first), 0)
        next(self._events)  # end of the document
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise self._error("a second document begins", _line(after), "remove the `---`")
        return root

    def _spot(self, event: Any, field: str, line: int, depth: int) -> Spot:
        self._check(event, field, line, depth)
        if isinstance(event, yaml.ScalarEvent):
            return Spot(event.value, self._file, field, line, is_plain=event.implicit[0])
        below = self._list if isinstance(event, yaml.SequenceStartEvent) else self._fields
        return Spot(below(field, depth + 1), self._file, field, line)

    def _check(self, event: Any, field: str, line: int, depth: int) -> None:
        name = field or "the file"
        self._room -= 1
        if self._room < 0:
            raise self._error(f"more than {MAX_VALUES} values", line)
        if depth > MAX_DEPTH:
            raise self._error(TOO_DEEP, line)
        if isinstance(event, yaml.AliasEvent):
            alias = brief(f"*{event.anchor}")
            raise self._error(f"{name} is an alias ({alias}), which STOA does not read", line, "write the value out")
        if event.tag is not None:
            tag = brief(event.tag.replace(_STANDARD, "!!"))
            raise self._error(f"{name} has the tag {tag}, which STOA does not read", line, "remove the tag")

    def _error(self, message: str, line: int, hint: str | None = None) -> DefinitionError:
        return DefinitionError(message, self._file, line, hint)

    def _list(self, field: str, depth: int) -> list[Spot]:
        found: list[Spot] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            found.append(self._spot(event, f"{field}[{len(found)}]", _line(event), depth))
        return found

    def _fields(self, field: str, depth: int) -> dict[str, Spot]:
        found: dict[str, Spot] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            line = _line(event)
            name = self._spot(event, _short(f"the name of a field in {field or 'the file'}"), line, depth)
            key = name.text()
            if key == "<<" and name.is_plain:
                raise self._error("a merge (<<), which STOA does not read", line, "write the fields out")
            if key in found:
                raise self._error(f"field {brief(key)} is given twice, first in line {found[key].line}", line)
            part = key if key.isprintable() and len(key) <= 60 else brief(key)
            found[key] = self._spot(next(self._events), _short(f"{field}.{part}" if field else part), line, depth)
        return found


def _short(field: str) -> str:
    """The name of a field as a message can carry it, however deep the field is."""
    return field if len(field) <= _LONGEST_FIELD else f"{field[:60]}...{field[-60:]}"


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1
