"""Keeps tests away from the real home folder and from the git settings of whoever runs them."""

from __future__ import annotations

import os
import pwd
import site
import sys
import tempfile
from pathlib import Path

WATCHED = frozenset(
    {"open", "os.listdir", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.scandir", "sqlite3.connect"}
)
"""Audit events of the interpreter whose first argument is a path that is read or changed."""

COUNTS = frozenset(
    {
        *("STOA_KILLS", "STOA_KILLS_SEED", "STOA_CHAOS_S", "STOA_CHAOS_SEED"),
        *("STOA_FUZZ", "STOA_FUZZ_SEED", "STOA_HEADERS", "STOA_HISTORIES", "STOA_ODD", "STOA_ODD_SEED"),
    }
)
"""How much some tests try, and from where they begin; nothing that STOA reads."""

GITCONFIG = """\
[user]
    name = Test Astronomer
    email = test@example.org
[init]
    defaultBranch = main
[commit]
    gpgSign = false
[gc]
    auto = 0
"""


class HomeTouchedError(RuntimeError):
    """Something under test reached for the real home folder."""


def real_home() -> Path:
    """Home folder of the account, whatever HOME says."""
    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:  # an account without an entry, as containers have
        return Path(os.environ.get("HOME", "/"))


def isolated_environ(home: Path) -> dict[str, str]:
    """Variables that make `home` the home folder, with settings of git that are the same everywhere.

    The XDG folders are below it as long as no variable names others (`strays` finds those). Writes the git
    settings to ``home/.gitconfig``.
    """
    (home / ".gitconfig").write_text(GITCONFIG, encoding="utf-8")
    return {
        "HOME": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
        "GIT_TERMINAL_PROMPT": "0",
        "MPLBACKEND": "agg",
        "COLUMNS": "120",
        "NO_COLOR": "1",
        "TZ": "UTC",
    }


def strays(environ: dict[str, str]) -> list[str]:
    """Variables of the caller that would change what git, STOA or the terminal does."""
    keep = {"STOA_REQUIRE_SERVICES", *COUNTS, "GIT_SSL_CAINFO"}
    prefixes = (
        "GIT_",
        "STOA_",
        "XDG_",
        "EDITOR",
        "VISUAL",
        "PAGER",
        "FORCE_COLOR",
        "CLICOLOR",
        "PYTHON_COLORS",
        "_TYPER_",
    )
    return [name for name in environ if name.startswith(prefixes) and name not in keep]


def guard(home: Path, repository: Path) -> None:
    """Make every touch of `home` in this process raise HomeTouchedError; there is no way back.

    The repository, the interpreter, its libraries and the temporary folder may be below it.
    """
    if home == Path("/"):  # an account without a home: nothing to keep away from
        return
    libraries = [sys.prefix, sys.base_prefix, sys.exec_prefix, *site.getsitepackages(), *filter(None, sys.path)]
    free = tuple(_real(place) for place in [repository, tempfile.gettempdir(), *libraries])
    kept = _real(home)

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if event not in WATCHED or not arguments or not isinstance(arguments[0], str | bytes | os.PathLike):
            return
        path = os.path.abspath(os.fsdecode(arguments[0]))
        if _within(path, kept) and not any(_within(path, place) for place in free):
            raise HomeTouchedError(f"{event} of {path}, below the real home folder {kept}")

    sys.addaudithook(watch)


def _real(place: str | os.PathLike[str]) -> str:
    return os.path.realpath(place)


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")
