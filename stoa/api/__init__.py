"""STOA in a notebook or a script: tables, and the verbs as functions.

Every verb of the command line but `demo` has a counterpart here, which takes plain values and gives what the
command prints with ``--json``, or a table.

>>> import stoa
>>> project = stoa.open("quasars")              # doctest: +SKIP
>>> project.outcomes("sep", "default")          # doctest: +SKIP
"""

from __future__ import annotations

import os
from pathlib import Path

import stoa.commands.clone
import stoa.commands.init
from stoa.api.project import OpenProject
from stoa.workspace.open import Workspace
from stoa.workspace.trial import job_by_hand

__all__ = ["OpenProject", "clone", "init", "job_by_hand", "open"]

AnyPath = str | os.PathLike[str]


def init(path: AnyPath = ".") -> OpenProject:
    """Make a project in a git repository, commit it and open it.

    Raises
    ------
    StoaError
        Outside git, in a bare repository, or where there is a project already.
    """
    stoa.commands.init.init(Path(path))
    return open(path)


def clone(url: str, directory: AnyPath = "") -> OpenProject:
    """Copy a project from a collaborator or a server, and open it; `OpenProject.roots` says which lack a path here.

    Parameters
    ----------
    directory
        Where it is to be; by default a folder of this one, named as the repository.

    Raises
    ------
    StoaError
        If it cannot be reached, has no project in it, or what it holds cannot be trusted.
    """
    return open(stoa.commands.clone.clone(url, Path(directory) if directory else None).path)


def open(path: AnyPath = ".") -> OpenProject:  # noqa: A001 -- read as stoa.open
    """The project that a folder belongs to.

    Raises
    ------
    StoaError
        If there is no project there.
    """
    return OpenProject(Workspace(Path(path)))
