"""Definitions with another name in them; what people wrote otherwise, comments too, stays as it is."""

from __future__ import annotations

import re
from collections.abc import Mapping

from stoa.provenance.definitions import FORMERLY, former_names
from stoa.provenance.yamltree import DefinitionError, Spot, read_yaml


def with_values(data: bytes, file: str, values: Mapping[str, str]) -> bytes:
    """A definition with other values of fields that have a word each; a field that is not there is left out.

    Raises
    ------
    DefinitionError
        If it is not written with each of these fields on a line of its own.
    """
    spots = read_yaml(data, file).mapping()
    lines = data.decode("utf-8").splitlines(keepends=True)
    for name, value in values.items():
        if name in spots:
            place = spots[name].line - 1
            lines[place] = re.sub(
                rf"^({name}\s*:\s*)(['\"]?)[A-Za-z0-9._+-]+\2(?=\s|$)", rf"\g<1>\g<2>{value}\g<2>", lines[place]
            )
    return _checked("".join(lines), spots, {name: value for name, value in values.items() if name in spots}, file)


def with_former(data: bytes, file: str, old: str, new: str) -> bytes:
    """A definition that has another name now, with the old one among its former names.

    Raises
    ------
    DefinitionError
        As of `with_values`.
    """
    spots = read_yaml(data, file).mapping()
    before = former_names(spots[FORMERLY]) if FORMERLY in spots else ()
    names = [name for name in before if name not in (old, new)]
    lines = data.decode("utf-8").splitlines(keepends=True)
    end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    entry = f"{FORMERLY}: [{', '.join([*names, old])}]"
    if FORMERLY in spots:
        place = spots[FORMERLY].line - 1
        lines[place] = re.sub(rf"^{FORMERLY}\s*:\s*\[[^\]]*\]", entry, lines[place])
    else:
        above = next((spots[name].line for name in ("name", "process", "schema") if name in spots), 0)
        if above and not lines[above - 1].endswith("\n"):
            lines[above - 1] += end
        lines.insert(above, entry + end)
    return _checked("".join(lines), spots, {FORMERLY: [*names, old]}, file)


def _checked(text: str, before: Mapping[str, Spot], changed: Mapping[str, object], file: str) -> bytes:
    """The new text, if it says what the old one said but for the changed fields."""
    try:
        after = {name: _plain(spot) for name, spot in read_yaml(text.encode(), file).mapping().items()}
    except DefinitionError:
        after = {}
    if after != {name: _plain(spot) for name, spot in before.items()} | dict(changed):
        raise DefinitionError(
            "the name cannot be changed here, as the fields are not on lines of their own", file, None,
            f"rename it by hand, with the old name in a field `{FORMERLY}: [NAME]`",
        )  # fmt: skip
    return text.encode()


def _plain(spot: Spot) -> object:
    """The texts of a value, as they are written."""
    if isinstance(spot.content, dict):
        return {name: _plain(below) for name, below in spot.content.items()}
    return [_plain(below) for below in spot.content] if isinstance(spot.content, list) else spot.content
