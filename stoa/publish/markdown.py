"""Texts as Markdown (CommonMark): what people, files and records say, so that it is shown and never obeyed."""

from __future__ import annotations

import re

_SPECIAL = re.compile(r"([\\`*_\[\]|<>&~$]|^[-+#=]|:(?=//)|(?<=^www)\.)")


def markdown(text: object) -> str:
    """A text on one line in which nothing is markup, HTML or an address."""
    shown = _SPECIAL.sub(r"\\\1", _one_line(text))
    return re.sub(r"^(\d+)([.)])", r"\1\\\2", shown)


def code(text: object) -> str:
    """A text as code, between more backticks than it has in a row."""
    shown = _one_line(text) or " "
    longest = max((len(run) for run in re.findall(r"`+", shown)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def _one_line(text: object) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in str(text)).split())
