"""The open project that every family of verbs works on, and values as texts."""

from __future__ import annotations

import atexit
import os
import weakref
from collections.abc import Iterable, Mapping
from typing import Self

from stoa.api.displays import register
from stoa.workspace.open import Workspace

_opened: weakref.WeakSet[Workspace] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """Close what a script left open: git's packs cannot be closed any more when the interpreter is half gone."""
    for workspace in list(_opened):
        workspace.close()


AnyPath = str | os.PathLike[str]


class Opened:
    """A project whose settings and targets are read again before each call: others may have changed them."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        _opened.add(workspace)
        register()

    def __repr__(self) -> str:
        return f"<STOA project {self._workspace.project.config.project} at {self._workspace.project.top}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_details: object) -> None:
        self.close()

    @property
    def workspace(self) -> Workspace:
        """The open project, up to date."""
        self._workspace.reread()
        return self._workspace

    def close(self) -> None:
        """Close the files of the index; the next call opens them again."""
        self._workspace.close()


def texts_of(values: Mapping[str, object]) -> dict[str, str]:
    """Values as they are typed on the command line."""
    return {name: text_of(value) for name, value in values.items()}


def text_of(value: object) -> str:
    """A value as it is typed on the command line."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def several(value: object) -> Iterable[object]:
    """The values of a list, tuple, range or array; one value as it is."""
    return value if isinstance(value, Iterable) and not isinstance(value, str | bytes) else (value,)


def names_of(targets: str | Iterable[str]) -> tuple[str, ...]:
    """Names or patterns of targets; a single one needs no list."""
    return (targets,) if isinstance(targets, str) else tuple(targets)
