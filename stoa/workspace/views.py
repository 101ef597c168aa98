"""Named views of the dashboard: a page and its filters, one file for each time that someone has saved one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stoa.errors import NotFoundError, StoaError
from stoa.model import SCHEMA, View
from stoa.project import Project
from stoa.provenance.ids import now
from stoa.provenance.records import read_view, view_problem, write_view
from stoa.workspace.named import faults, in_force, next_name_id, read_named
from stoa.workspace.open import Workspace

_FOLDER = "views"


def named_views(ws: Workspace) -> list[View]:
    """The views of the commit that is checked out, in the order of their names; unreadable ones are left out."""
    return in_force(_read(ws))


def unreadable_views(ws: Workspace) -> list[tuple[str, str]]:
    """Place and fault of each file that is no view."""
    return faults(_read(ws))


def save_view(ws: Workspace, name: str, page: str, filters: Sequence[tuple[str, str]]) -> str:
    """Keep a page with its filters under a name, which may have been another view's; gives the commit.

    Parameters
    ----------
    page
        As in its address, "" for the first one.
    filters
        Names and values of the address.

    Raises
    ------
    StoaError
        If the name is empty or too long, or nothing can be committed now.
    """
    return _write(ws, name.strip(), page, tuple(filters))


def remove_view(ws: Workspace, name: str) -> str:
    """Take a view away; gives the commit.

    Raises
    ------
    NotFoundError
        If there is no view of this name.
    """
    known = [view.name for view in named_views(ws)]
    if name not in known:
        raise NotFoundError("view", name, known)
    return _write(ws, name, "", (), removed=True)


def _write(ws: Workspace, name: str, page: str, filters: tuple[tuple[str, str], ...], *, removed: bool = False) -> str:
    ws.ready()
    view = View(
        schema=SCHEMA, id=next_name_id(_read(ws)), name=name, page=page, filters=filters, removed=removed,
        author=ws.repository.author(), time=now(),
    )  # fmt: skip
    if problem := view_problem(view):
        raise StoaError(problem)
    word = "remove view" if removed else "view"
    return ws.store.commit({Project.view_record(view.id): write_view(view)}, f"{word} {name}", {"Event": view.id})


def _read(ws: Workspace) -> Iterator[tuple[str, View | StoaError]]:
    return read_named(ws, _FOLDER, read_view)
