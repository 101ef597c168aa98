"""Settings from the command line and from files: single values, several of one parameter, whole sets."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from itertools import product
from pathlib import Path

from stoa.errors import StoaError
from stoa.model import Process
from stoa.opening import read_bounded
from stoa.provenance.yamltree import read_yaml


def settings_of(texts: Iterable[str]) -> dict[str, str]:
    """Written settings by name: ``snr=4`` gives snr -> 4.

    Raises
    ------
    StoaError
        If one has no ``=``, or a name is given twice.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise StoaError(f"{text!r} is not a setting", "write NAME=VALUE, for example `--set snr=4`")
        if name.strip() in found:
            raise StoaError(f"{name.strip()!r} is set twice", "give several values of one parameter as snr=3,5,7")
        found[name.strip()] = value
    return found


def sweep(process: Process, settings: Mapping[str, str]) -> list[dict[str, str]]:
    """Every combination of settings with several values: ``snr=3,5,7`` gives three.

    The comma belongs to the value where the parameter is declared as text.
    """
    texts = {name for name, spec in process.params.items() if spec.type == "str"}
    return combined([], {name: [text] if name in texts else text.split(",") for name, text in settings.items()})


def combined(rows: list[dict[str, str]], choices: Mapping[str, Iterable[str]]) -> list[dict[str, str]]:
    """Each set of values, or none where there are no sets, with every combination of the choices.

    Raises
    ------
    StoaError
        If a parameter is in a set and among the choices.
    """
    for row in rows:
        if both := sorted(row.keys() & choices.keys()):
            raise StoaError(f"{both[0]!r} is in a set of values and set for all of them", "leave one of them out")
    pairs = [[(name, value) for value in values] for name, values in choices.items()]
    return [row | dict(chosen) for row in rows or [{}] for chosen in product(*pairs)]


def sets_of(file: str) -> tuple[dict[str, str], ...]:
    """The sets of values in a file; none where no file is named."""
    return tuple(read_sets(Path(file))) if file else ()


def read_sets(file: Path) -> list[dict[str, str]]:
    """Settings from a file, one set a row.

    Parameters
    ----------
    file
        A CSV table with parameters as columns, where an empty cell leaves a value as it is, or a
        YAML list of mappings.

    Raises
    ------
    StoaError
        If it cannot be read, is empty or no such table.
    """
    try:
        data = read_bounded(file)
    except OSError as problem:
        raise StoaError(f"cannot read {file}: {problem.strerror}") from None
    if file.suffix in (".yaml", ".yml"):
        spots = read_yaml(data, str(file)).sequence()
        return [{name: below.text() for name, below in spot.mapping().items()} for spot in spots]
    rows = list(csv.reader(io.StringIO(_text(data, file)), skipinitialspace=True))
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    if len(rows) < 2:
        raise StoaError(f"{file} has no set of values", "first a line with names of parameters, then one line per set")
    names = [name.strip() for name in rows[0]]
    if len(set(names)) < len(names) or not all(names):
        raise StoaError(f"{file}: a column has no name, or two have the same", "name each parameter once")
    for number, row in enumerate(rows[1:], 1):
        if len(row) != len(names):
            raise StoaError(f"{file}: set {number} has {len(row)} values for {len(names)} parameters")
    return [{name: cell.strip() for name, cell in zip(names, row, strict=True) if cell.strip()} for row in rows[1:]]


def _text(data: bytes, file: Path) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise StoaError(f"{file} is not UTF-8 text ({problem.reason})") from None


def settings(process: Process, texts: Iterable[str], sets: Path | None = None) -> list[dict[str, str]]:
    """What to run a process with: each set of a file with every combination of the settings.

    Raises
    ------
    StoaError
        If a setting is none, or is in the file as well.
    """
    given = settings_of(texts)
    rows = read_sets(sets) if sets else [{}]
    for row in rows:
        if both := sorted(row.keys() & given):
            raise StoaError(f"{both[0]!r} is set in {sets} and on the command line", "leave one of them out")
    return [row | chosen for row in rows for chosen in sweep(process, given)]
