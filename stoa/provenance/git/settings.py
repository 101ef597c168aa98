"""Git's settings, read by git itself.

Dulwich knows fewer notations than git (no ``512m``, no ``yes``), and minds settings that are none of STOA's business.
"""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path

from dulwich.config import ConfigFile
from dulwich.repo import Repo

from stoa.provenance.git.plumbing import run_git

_NEEDED = r"^(core\.(repositoryformatversion|worktree|sharedrepository)$|extensions\.|remote\..*\.promisor$)"
_HARMLESS = ("noop", "noop-v1", "partialclone", "preciousobjects")
"""Extensions that dulwich does not know and that change nothing about how objects and branches are kept."""


class PlainRepo(Repo):
    """A repository; dulwich sees the settings that say how it is kept, and no others."""

    @cached_property
    def _settings(self) -> list[tuple[str, str]]:
        return _read(Path(os.path.realpath(os.fsdecode(self.commondir()))) / "config")

    def get_config(self) -> ConfigFile:
        config = ConfigFile()
        for name, value in self._settings:
            section, _, key = name.rpartition(".")
            if section == "core" or (section == "extensions" and key not in _HARMLESS):
                config.set((section.encode(),), key.encode(), value.encode("utf-8", "surrogateescape"))
        return config

    def promisors(self) -> list[str]:
        """The remotes that have what a partial clone lacks; none in any other repository."""
        names = [value if name == "extensions.partialclone" else _remote(name) for name, value in self._settings]
        return list(dict.fromkeys(filter(None, names)))


def _read(file: Path) -> list[tuple[str, str]]:
    """Name, in lower case, and value of the needed settings; as git does, without files that are included."""
    if not file.is_file():
        return []
    words = ("config", "--file", str(file), "--no-includes", "--null", "--get-regexp", _NEEDED)
    _, output = run_git(file.parent, *words, allow=(0, 1))
    entries = output.decode("utf-8", "surrogateescape").split("\0")[:-1]
    return [(name, value) for name, _, value in (entry.partition("\n") for entry in entries)]


def _remote(name: str) -> str:
    """The remote that a setting of a promisor is about, "" for other settings."""
    return name.removeprefix("remote.").removesuffix(".promisor") if name.startswith("remote.") else ""


def asks(top: Path, name: str) -> bool:
    """Whether a setting of yes or no is yes; wherever the user made it, in a file or in the environ.

    Raises
    ------
    GitError
        If its value is neither.
    """
    return run_git(top, "config", "--type=bool", "--get", name, allow=(0, 1))[1].strip() == b"true"
