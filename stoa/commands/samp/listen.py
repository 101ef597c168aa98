"""What is picked in applications on the desktop, as targets of the project."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import msgspec

from stoa.catalogue.tables import read_table
from stoa.errors import StoaError
from stoa.vo.samp import HIGHLIGHT, ROW_LIST, Message, connected
from stoa.workspace.open import Workspace
from stoa.workspace.writing import ReviewReport, check_length, check_reason, write_reviews

_SENT = re.compile(r"stoa-([0-9a-f]{16})-[0-9a-f]{8}")
_KEPT = 8
"""Tables whose targets are kept in memory."""


class Picked(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of a table that were picked in an application."""

    application: str
    table: str  # what it was stacked from, or the name of the file
    is_subset: bool  # a subset that was broadcast, not one row that was clicked
    rows: tuple[int, ...]  # counted from 1
    targets: tuple[str, ...]  # those of the project, each once
    elsewhere: int = 0  # rows that name no target of the project
    problem: str = ""  # why the rows cannot be told


def listen(ws: Workspace, started: Callable[[], None] = lambda: None) -> Iterator[Picked]:
    """What is picked, as it is picked, until the hub ends.

    Rows are known of tables that `stoa samp send` sent, and of tables that the application loaded from a file below
    the project's folder. Others are given with a `problem`.

    Parameters
    ----------
    started
        Called when nothing is missed any more.

    Raises
    ------
    NoHubError
        If there is no hub.
    """
    tables: dict[Path, tuple[str, tuple[str, ...]]] = {}
    with connected() as hub:
        for message in hub.messages(HIGHLIGHT, ROW_LIST, started=started):
            yield _picked(ws, message, tables)


def flag_picked(ws: Workspace, picked: Picked, reason: str, text: str = "") -> ReviewReport:
    """Flag the targets of what was picked, in one commit."""
    check_reason(ws, reason)
    ws.reread()  # hours may have passed
    return write_reviews(ws, "flag", list(picked.targets), reason=reason, text=text)


def check_flag(ws: Workspace, reason: str, text: str) -> None:
    """Raise `StoaError` if a flag could not be written with this reason and text."""
    check_reason(ws, reason)
    check_length(text)


def _picked(ws: Workspace, message: Message, tables: dict[Path, tuple[str, tuple[str, ...]]]) -> Picked:
    rows = message.rows()
    try:
        name, targets = _table(ws, message, tables)
        problem = ""
    except StoaError as found:
        name, targets = (message.text("table-id") or message.text("url"))[:200], ()
        problem = found.message
    inside = rows if problem else tuple(row for row in rows if row < len(targets))
    named = [] if problem else [targets[row] for row in inside]
    if len(inside) < len(rows):
        problem = f"{len(rows) - len(inside)} of the rows are not in the table"
    return Picked(
        application=message.sender, table=name, is_subset=message.mtype == ROW_LIST,
        rows=tuple(row + 1 for row in inside),
        targets=tuple(target for target in dict.fromkeys(named) if target in ws.targets),
        elsewhere=sum(target not in ws.targets for target in named), problem=problem,
    )  # fmt: skip


def _table(
    ws: Workspace, message: Message, tables: dict[Path, tuple[str, tuple[str, ...]]]
) -> tuple[str, tuple[str, ...]]:
    """What a message calls the table, and the target of each of its rows."""
    file = _file(ws, message)
    if file not in tables:
        table = read_table(file)
        if "target" not in table.colnames:
            raise StoaError(f"{file.name} has no column `target`")
        while len(tables) >= _KEPT:
            del tables[next(iter(tables))]
        name = str(table.meta.get("source") or file.name)
        tables[file] = (name, tuple(map(str, table["target"])))
    return tables[file]


def _file(ws: Workspace, message: Message) -> Path:
    """The file of the table that a message is about."""
    sent = _SENT.fullmatch(message.text("table-id"))
    if sent:
        found = [ws.project.sent / f"{sent[1]}{suffix}" for suffix in (".vot", ".fits")]
        file = next((each for each in found if each.is_file()), None)
        if file is None:
            raise StoaError("the table was sent by a different project, or its copy is gone; send it again")
        return file
    address = urlsplit(message.text("url"))
    file = Path(unquote(address.path)).resolve()
    top = ws.project.top.resolve()
    if address.scheme != "file" or address.netloc not in ("", "localhost") or not file.is_relative_to(top):
        raise StoaError("the table is not one of this project; `stoa samp send` sends one")
    return file
