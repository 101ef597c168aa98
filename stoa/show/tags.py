"""Tags and what carries them, in words and tables."""

from __future__ import annotations

from collections.abc import Mapping

from stoa.show.runs import some
from stoa.show.table import Column, Table, table
from stoa.workspace.tags import KINDS, Carriers

MOST_NAMED = 5


def tags_table(found: Mapping[str, Carriers]) -> Table:
    """One row for each tag and kind of thing that carries it."""
    columns = (Column("tag", text=True), Column("on"), Column("n", right=True), Column("which", 1, text=True))
    return table(
        columns,
        [
            (tag, kind if kind != "groups" else "image groups", str(len(names)), some(map(_words, names), MOST_NAMED))
            for tag, carried in found.items()
            for kind in KINDS
            if (names := getattr(carried, kind))
        ],
    )  # fmt: skip


def tags_document(found: Mapping[str, Carriers]) -> dict[str, dict[str, list[object]]]:
    """The same for JSON: by kind and tag; targets are under ``tags``."""
    names = {"targets": "tags"}
    return {
        names.get(kind, kind): {tag: list(having) for tag, each in found.items() if (having := getattr(each, kind))}
        for kind in KINDS
    }


def _words(name: str | tuple[str, str]) -> str:
    return name if isinstance(name, str) else " ".join(name)
