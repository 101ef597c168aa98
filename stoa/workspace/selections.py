"""Saved selections: named conditions over targets, and conditions made of tags and selections."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from stoa.errors import StoaError
from stoa.model import BAD, SCHEMA, SavedSelection
from stoa.project import Project
from stoa.provenance.ids import now
from stoa.provenance.index import QueryError
from stoa.provenance.records import read_selection, selection_problem, write_selection
from stoa.request import Selection
from stoa.workspace.named import faults, in_force, next_name_id, one_named, read_named
from stoa.workspace.open import Workspace
from stoa.workspace.selection import choose, match_names
from stoa.workspace.tags import ChosenJobs, check_tags, jobs_with, tagged

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

    What it gives goes wherever --where goes: a target has to meet all of it. Tags are those of targets; for what
    takes jobs, `for_jobs` has those of image groups, too.

    Raises
    ------
    StoaError
        If no target has a tag, there is no such selection, or a selection does not work any more.
    """
    parts = [where] if where.strip() else []
    wanted = list(tags)
    check_tags(ws, wanted, tagged(ws) if wanted else (), "target")
    parts += map(_has_tag, wanted)
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


def for_jobs(ws: Workspace, where: str, tags: Iterable[str], selections: Iterable[str]) -> tuple[str, tuple[str, ...]]:
    """An expression over targets and the tags that their jobs have to carry, of --where, --tag and --select.

    Raises
    ------
    StoaError
        If nothing has a tag, there is no such selection, or a selection does not work any more.
    """
    parts = [where] if where.strip() else []
    wanted = list(tags)
    for name in selections:
        selection = saved_selection(ws, name)
        targets_of(ws, selection)  # a fault is reported with its name
        parts += filter(None, [_untagged(selection)])
        wanted += selection.tags
    if wanted:
        jobs_with(ws, wanted, ())  # a wrong tag is reported before anything is done
    return _all(parts), tuple(dict.fromkeys(wanted))


def chosen_jobs(ws: Workspace, tags: Iterable[str], selections: Iterable[str]) -> ChosenJobs | None:
    """Jobs that carry all tags and whose targets meet all selections; None where neither is given.

    Raises
    ------
    StoaError
        If there is none.
    """
    expression, wanted = for_jobs(ws, "", tags, selections)
    if not (expression or wanted):
        return None
    found = jobs_with(ws, wanted, choose(ws, Selection(where=expression)))
    if not found.targets:
        raise StoaError("no target matches", "`stoa target list --select ...` shows which would")
    return found


def _expression(selection: SavedSelection) -> str:
    """A selection as SQL over the columns that --where has."""
    return _all([*filter(None, [_untagged(selection)]), *map(_has_tag, selection.tags)]) or "1"


def _untagged(selection: SavedSelection) -> str:
    """The same without its tags, "" where it asks for nothing else."""
    parts = [selection.where] if selection.where.strip() else []
    if selection.targets:
        parts.append(" OR ".join(f"name GLOB {quoted(each.replace('[!', '[^'))}" for each in selection.targets))
    if selection.failed:
        parts.append(f"status IN ({', '.join(quoted(bad.value) for bad in BAD)})")
    if selection.flagged:
        parts.append("flagged")
    return _all(parts)


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
