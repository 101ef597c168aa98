"""The roots of a project and where they are on this machine."""

from __future__ import annotations

import msgspec

from stoa.errors import StoaError
from stoa.project import Project
from stoa.provenance.library import root_names
from stoa.workspace.open import Workspace


class RootState(msgspec.Struct, frozen=True, kw_only=True):
    """A root and where it is here."""

    name: str
    path: str  # "" when this machine has no path for it
    exists: bool
    doc: str


def root_state(project: Project, name: str) -> RootState:
    """A root and where it is on this machine."""
    try:
        place = project.root(name)
    except StoaError:
        return RootState(name=name, path="", exists=False, doc=project.config.roots.get(name, ""))
    return RootState(name=name, path=str(place), exists=place.is_dir(), doc=project.config.roots.get(name, ""))


def list_roots(ws: Workspace) -> list[RootState]:
    """Every root with its place on this machine."""
    return [root_state(ws.project, name) for name in root_names(ws.project)]
