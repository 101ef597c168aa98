"""Git's settings, read by git itself.

Dulwich knows fewer notations than git (no ``512m``, no ``yes``), and minds settings that are none of STOA's business.
"""

from __future__ import annotations

import os
from pathlib import Path

from dulwich.config import ConfigFile
from dulwich.repo import Repo

from stoa.provenance.git.plumbing import run_git

_NEEDED = r"^(core\.(repositoryformatversion|worktree|sharedrepository)|extensions\.)"
_HARMLESS = ("noop", "noop-v1", "partialclone", "preciousobjects")
"""Extensions that dulwich does not know and that change nothing about how objects and branches are kept."""


class PlainRepo(Repo):
    """A repository of which dulwich sees the settings that say how it is kept, and no others."""

    def get_config(self) -> ConfigFile:
        config = ConfigFile()
        file = Path(os.path.realpath(os.fsdecode(self.commondir()))) / "config"
        config.path = str(file)
        for name, value in _read(file):
            section, _, key = name.rpartition(".")
            if not (section == "extensions" and key in _HARMLESS):
                config.set((section.encode(),), key.encode(), value.encode("utf-8", "surrogateescape"))
        return config


def _read(file: Path) -> list[tuple[str, str]]:
    """Name, in lower case, and value of the needed settings; as git does, without files that are included."""
    if not file.is_file():
        return []
    words = ("config", "--file", str(file), "--no-includes", "--null", "--get-regexp", _NEEDED)
    _, output = run_git(file.parent, *words, allow=(0, 1))
    entries = output.decode("utf-8", "surrogateescape").split("\0")[:-1]
    return [(name, value) for name, _, value in (entry.partition("\n") for entry in entries)]


def asks(top: Path, name: str) -> bool:
    """Whether a setting of yes or no is yes; wherever the user made it, in a file or in the environ.

    Raises
    ------
    GitError
        If its value is neither.
    """
    return run_git(top, "config", "--type=bool", "--get", name, allow=(0, 1))[1].strip() == b"true"
