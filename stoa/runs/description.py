"""Metadata documents that a run needs and that were never built."""

from __future__ import annotations

import msgspec

from stoa.errors import StoaError
from stoa.request import Selection
from stoa.runs.definitions import Definitions
from stoa.workspace.build_report import BuildReport
from stoa.workspace.metadata import build_documents
from stoa.workspace.open import Workspace
from stoa.workspace.selection import choose


def describe_missing(ws: Workspace, definitions: Definitions, selection: Selection) -> BuildReport | None:
    """Build the documents that a run needs and that its targets lack; None where there is nothing to build.

    A document that exists is left alone, also where the folder has changed since: `stoa meta build`
    and `stoa update` look at that. A target whose root is not on this machine is left out.
    """
    if not _needs_metadata(definitions, selection):
        return None
    known = {target for (target,) in ws.index.rows("SELECT target FROM documents")}
    asked = choose(ws, msgspec.structs.replace(selection, where=""), definitions.pair)
    lacking = tuple(name for name in asked if name not in known and _is_here(ws, name))
    return build_documents(ws, lacking) if lacking else None


def _needs_metadata(definitions: Definitions, selection: Selection) -> bool:
    """Whether inputs, image groups or an SQL expression are looked up in metadata."""
    process = definitions.process
    rules = definitions.params.rules or any(environment.rules for environment in definitions.places.known.values())
    by_role = any(spec.role for spec in process.inputs.values())
    return by_role or process.over == "image" or bool(selection.where) or bool(rules)


def _is_here(ws: Workspace, name: str) -> bool:
    try:
        return ws.project.root(ws.targets[name].root).is_dir()
    except StoaError:
        return False
