"""Which targets a process is about: folders of data, or folders that other processes made."""

from __future__ import annotations

import msgspec

from stoa.model import Status
from stoa.project import PRODUCTS_ROOT
from stoa.workspace.latest import FOLDER, folder_of
from stoa.workspace.names import Pair, own_environment
from stoa.workspace.open import Workspace


class Made(msgspec.Struct, frozen=True):
    """What one process made, of what another one runs over."""

    process: str
    params: str
    products: int  # ok outcomes
    targets: int  # that they are of


class Origins(msgspec.Struct, frozen=True):
    """Where the targets of a process come from that runs over the products of others.

    Attributes
    ----------
    without
        Targets of which none of the others made anything, by how these ended: ``standardise failed, tclean skipped``.
    """

    made: tuple[Made, ...] = ()
    without: dict[str, tuple[str, ...]] = {}


def targets_for(ws: Workspace, process: str) -> list[str]:
    """Names of the targets that a process runs over.

    With `over_products_of` these are the folders that the named processes made. Such folders are then left alone by
    every process that does not name their maker, so that a maker does not run over its own products.
    """
    over = ws.library.over_products()
    makers = over.get(process) or {need for needs in over.values() for need in needs}
    if not makers:
        return list(ws.targets)
    folders = tuple(f"{folder_of(need)}/" for need in makers)
    return [
        target.name
        for target in ws.targets.values()
        if (target.root == PRODUCTS_ROOT and target.path.startswith(folders)) == (process in over)
    ]


def made_of(ws: Workspace, name: str) -> str:
    """The target of which a process made the folder that is a target now; "" for a folder of data."""
    target = ws.targets[name]
    parts = target.path.split("/")  # PROCESS/latest/SET/TARGET
    return parts[3] if target.root == PRODUCTS_ROOT and len(parts) > 3 and parts[1] == FOLDER else ""


def origins(ws: Workspace, process: str) -> Origins:
    """How much of what a process runs over each of the others made."""
    made = []
    ended: dict[str, dict[str, set[str]]] = {}  # target -> process -> statuses
    for need in ws.library.over_products().get(process, ()):
        pair = Pair(need.process, need.params, own_environment(ws, need.process))
        mine = {name: ended.setdefault(name, {}) for name in targets_for(ws, need.process)}
        sql = "SELECT target, status FROM current WHERE process = ? AND params = ? AND environment = ?"
        rows = [row for row in ws.index.rows(sql, msgspec.structs.astuple(pair)) if row[0] in mine]
        for name, status in rows:
            mine[name].setdefault(need.process, set()).add(status)
        served = [name for name, status in rows if status == Status.OK]
        made.append(Made(need.process, need.params, len(served), len(set(served))))
    without: dict[str, list[str]] = {}
    for name, by_process in ended.items():
        if not any(Status.OK in statuses for statuses in by_process.values()):
            words = ", ".join(f"{one} {status}" for one, some in by_process.items() for status in sorted(some))
            without.setdefault(words or "no outcome", []).append(name)
    return Origins(tuple(made), {words: tuple(names) for words, names in without.items()})
