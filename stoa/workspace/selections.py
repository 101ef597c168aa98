"""Saved selections: named conditions over targets, and conditions made of tags and selections."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from stoa.errors import NotFoundError, StoaError
from stoa.model import BAD, SCHEMA, SavedSelection
from stoa.project import Project
from stoa.provenance.ids import now
from stoa.provenance.index import QueryError
from stoa.provenance.records import read_selection, selection_problem, write_selection
from stoa.request import Selection
from stoa.workspace.named import faults, in_force, next_name_id, one_named, read_named
from stoa.workspace.open import Workspace
from stoa.workspace.selection import choose, match_names
from stoa.workspace.steps import tagged

_FOLDER = "selections"


def saved_selections(ws: Workspace) -> list[SavedSelection]:
    """The selections of the commit that is checked out, in the order of their names; unreadable ones are left out."""
    return in_force(_read(ws))


def unreadable_selections(ws: Workspace) -> list[tuple[str, str]]:
    """Place and fault of each file that is no selection."""
    return faults(_read(ws))


def saved_selection(ws: Workspace, name: str) -> SavedSelection:
    """The selection of a name; `NotFoundError` if there is none."""
    return one_named(saved_selections(ws), "selection", name, "`stoa select` lists the selections")


def save_selection(ws: Workspace, selection: SavedSelection) -> str:
    """Keep a selection under its name, which may have been another one's; gives the commit.

    Its id, author and time are set here.

    Raises
    ------
    StoaError
        If its name or a part of its condition is wrong, or nothing can be committed now.
    """
    ws.ready()
    record = msgspec.structs.replace(
        selection, schema=SCHEMA, id=next_name_id(_read(ws)), author=ws.repository.author(), time=now()
    )
    if problem := selection_problem(record):
        raise StoaError(problem)
    word = "remove selection" if record.removed else "selection"
    files = {Project.selection_record(record.id): write_selection(record)}
    return ws.store.commit(files, f"{word} {record.name}", {"Event": record.id})


def targets_of(ws: Workspace, selection: SavedSelection) -> list[str]:
    """Targets that meet a selection now; their states count whatever the process.

    Raises
    ------
    StoaError
        With the name of the selection, if its expression does not work, or it names a target that is no more.
    """
    try:
        if selection.targets:
            match_names(selection.targets, ws.targets)
        return choose(ws, Selection(where=_expression(selection)))
    except QueryError as problem:
        raise QueryError(f"selection {selection.name!r}: {problem.message}", problem.hint) from None
    except StoaError as problem:
        raise StoaError(f"selection {selection.name!r}: {problem.message}", problem.hint) from None


def condition(ws: Workspace, where: str = "", tags: Iterable[str] = (), selections: Iterable[str] = ()) -> str:
    """One SQL expression for --where, --tag and --select together; "" for none of them.

    What it gives goes wherever --where goes: a target has to meet all of it.

    Raises
    ------
    StoaError
        If no target has a tag, there is no such selection, or a selection does not work any more.
    """
    parts = [where] if where.strip() else []
    known = list(tagged(ws)) if (tags := list(tags)) else []
    for tag in tags:
        if tag not in known:
            raise NotFoundError("tag", tag, known, "`stoa tag` lists the tags")
        parts.append(_has_tag(tag))
    for name in selections:
        selection = saved_selection(ws, name)
        targets_of(ws, selection)  # a fault is reported with its name
        parts.append(_expression(selection))
    return _all(parts)


def picked(ws: Workspace, targets: Iterable[str], tags: Iterable[str], selections: Iterable[str]) -> tuple[str, ...]:
    """Patterns as they are; with tags or selections the names of those targets that meet all, at least one.

    For what takes targets and no expression.
    """
    patterns, expression = tuple(targets), condition(ws, "", tags, selections)
    if not expression:
        return patterns
    names = choose(ws, Selection(targets=patterns, where=expression))
    if not names:
        raise StoaError("no target matches", "`stoa target list --select ...` shows which would")
    return tuple(names)


def chosen_names(ws: Workspace, tags: Iterable[str], selections: Iterable[str]) -> frozenset[str] | None:
    """Names of the targets that have all tags and meet all selections; None where neither is given.

    Raises
    ------
    StoaError
        If no target does.
    """
    expression = condition(ws, "", tags, selections)
    return frozenset(picked(ws, (), tags, selections)) if expression else None


def _expression(selection: SavedSelection) -> str:
    """A selection as SQL over the columns that --where has."""
    parts = [selection.where] if selection.where.strip() else []
    if selection.targets:
        parts.append(" OR ".join(f"name GLOB {quoted(each.replace('[!', '[^'))}" for each in selection.targets))
    parts += [_has_tag(tag) for tag in selection.tags]
    if selection.failed:
        parts.append(f"status IN ({', '.join(quoted(bad.value) for bad in BAD)})")
    if selection.flagged:
        parts.append("flagged")
    return _all(parts) or "1"


def _has_tag(tag: str) -> str:
    return f"name IN (SELECT target FROM tags WHERE tag = {quoted(tag)})"


def _all(parts: list[str]) -> str:
    # A line of its own closes each part, so that a comment at its end (`-- why`) hides nothing.
    return " AND ".join(f"({part}\n)" for part in parts) if len(parts) > 1 else "".join(parts)


def quoted(text: str) -> str:
    """A text as SQL has it."""
    return "'" + text.replace("'", "''") + "'"


def _read(ws: Workspace) -> Iterator[tuple[str, SavedSelection | StoaError]]:
    return read_named(ws, _FOLDER, read_selection)
