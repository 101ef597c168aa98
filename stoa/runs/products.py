"""Products that a process runs over: each folder of them becomes a target, and is described."""

from __future__ import annotations

from stoa.errors import StoaError
from stoa.model import Need, Process
from stoa.project import PRODUCTS_ROOT
from stoa.provenance.library import DEFAULT_SET
from stoa.workspace.adding import add_targets
from stoa.workspace.build_report import BuildReport
from stoa.workspace.latest import linked
from stoa.workspace.metadata import build_documents
from stoa.workspace.open import Workspace
from stoa.workspace.scope import targets_for


class NothingMade(StoaError):
    """The processes that another one runs over the products of have made none yet."""

    def __init__(self, process: Process) -> None:
        makers = " and ".join(need.process for need in process.over_products_of)
        super().__init__(
            f"{process.name!r} runs over the products of {makers}, and there are none",
            f"`stoa run --all {process.name}` makes them first",
        )


def take_products(ws: Workspace, process: Process) -> BuildReport | None:
    """Let the folders that a process runs over be targets, and describe those that are new or were made again.

    A target is named for the one that it was made of, then the process, then the image. Nothing is done for a process
    without `over_products_of`.

    Returns
    -------
    described
        None where nothing changed.

    Raises
    ------
    NothingMade
        If there are none.
    StoaError
        If records cannot be committed now.
    """
    if not process.over_products_of:
        return None
    known = {target.path for target in ws.library.all_targets().values() if target.root == PRODUCTS_ROOT}
    for made in map(ws.library.need, process.over_products_of):
        fresh = [path for path in linked(ws, made) if path not in known]
        for depth in {path.count("/") for path in fresh}:
            _add(ws, made, [path for path in fresh if path.count("/") == depth], of_images=depth > _OF_TARGET)
    here = tuple(name for name in targets_for(ws, process.name) if ws.project.folder(ws.targets[name]).is_dir())
    if not here:
        raise NothingMade(process)
    report = build_documents(ws, here)
    return report if report.changed else None


_OF_TARGET = 3
"""Slashes in ``PROCESS/latest/SET/TARGET``; those of an image have one more."""


def _add(ws: Workspace, made: Need, paths: list[str], *, of_images: bool) -> None:
    parts = ["{-2}" if of_images else "{-1}", "{1}"]
    parts += ["{3}"] * (made.params != DEFAULT_SET) + ["{-1}"] * of_images
    try:
        add_targets(ws, PRODUCTS_ROOT, (), paths, name="_".join(parts), remember=False)
    except StoaError:  # a name would be too long, or be given twice
        add_targets(ws, PRODUCTS_ROOT, (), paths, remember=False)
