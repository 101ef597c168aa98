"""The user's own git as a child process, with what could run foreign code turned off; its settings, and its names.

Dulwich knows fewer notations of settings than git (no ``512m``, no ``yes``), and minds some that are none of STOA's
business: it sees those that it needs.

Names of branches are bytes for git: here a text with lone surrogates, or one that can be written.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Mapping
from functools import cached_property, lru_cache
from pathlib import Path

from dulwich.config import ConfigFile
from dulwich.repo import Repo

from stoa.errors import StoaError
from stoa.provenance.git.leftovers import lock_in_the_way

SAFE = (
    "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "protocol.ext.allow=never",
    "-c", "core.fsync=committed,reference", "-c", "advice.detachedHead=false", "-c", "core.quotePath=false",
)  # fmt: skip

ALLOWED = re.compile(
    r"GIT_(AUTHOR|COMMITTER)_(NAME|EMAIL|DATE)|GIT_CONFIG_(GLOBAL|SYSTEM|NOSYSTEM|COUNT|KEY_\d+|VALUE_\d+|PARAMETERS)"
    r"|GIT_(SSH|SSH_COMMAND|SSH_VARIANT|ASKPASS|TERMINAL_PROMPT|PROXY_COMMAND|EXEC_PATH|TEMPLATE_DIR)"
    r"|GIT_(SSL|HTTP|CURL|TRACE|TRACE2)_?[A-Z0-9_]*|GIT_(ALLOW_PROTOCOL|PROTOCOL|PROTOCOL_FROM_USER)"
)
"""Variables of git that say who the user is, what is set, and how others are reached; all others of git are taken out.

Git sets some for its hooks and aliases, as GIT_DIR, that would point STOA's git at another repository, and others, as
GIT_LITERAL_PATHSPECS, that change what its words mean.
"""


_ESCAPED = re.compile(r"\\x([0-9a-f]{2})")  # a byte of a name that is not UTF-8
_NEEDED = r"^(core\.(repositoryformatversion|worktree|sharedrepository)$|extensions\.|remote\..*\.promisor$)"
_HARMLESS = ("noop", "noop-v1", "partialclone", "preciousobjects")
"""Extensions that dulwich does not know and that change nothing about how objects and branches are kept."""

_DUBIOUS = re.compile(r"detected dubious ownership in repository at '([^'\n]+)'")


class GitError(StoaError):
    """Git refused or failed; carries what it said, and whether someone killed it."""

    def __init__(self, message: str, said: str = "", hint: str | None = None, *, killed: bool = False) -> None:
        super().__init__(message, hint)
        self.said = said
        self.killed = killed


def environ() -> dict[str, str]:
    """The caller's environ; of git's own variables only those that are allowed."""
    kept = {name: value for name, value in os.environ.items() if not _is_foreign(name)}
    return kept | {"LC_ALL": "C", "GIT_NO_REPLACE_OBJECTS": "1"}  # as dulwich, which knows of no replacements


def foreign() -> list[str]:
    """Names of the variables that git must not see."""
    return [name for name in os.environ if _is_foreign(name)]


def _is_foreign(name: str) -> bool:
    return name.startswith("GIT_") and not ALLOWED.fullmatch(name)


def run_git(
    top: Path,
    *arguments: str,
    stdin: bytes = b"",
    allow: tuple[int, ...] = (0,),
    more_environ: Mapping[str, str] | None = None,
) -> tuple[int, bytes]:
    """Exit code and standard output of a git command.

    Raises
    ------
    GitError
        If git is not installed or ends with a code that is not in `allow`.
    """
    try:
        done = subprocess.run(
            ["git", *SAFE, *arguments],
            cwd=top,
            input=stdin,
            capture_output=True,
            env=environ() | dict(more_environ or {}),
            check=False,
        )
    except FileNotFoundError:
        raise GitError("git is not installed", hint="`apt-get install git`, or your system's way") from None
    if done.returncode not in allow:
        said = done.stderr.decode("utf-8", "replace").strip()
        if done.returncode == -signal.SIGKILL:
            raise GitError(
                f"`git {arguments[0]}` was killed", said, "again; is the machine out of memory?", killed=True
            )
        lock = lock_in_the_way(said, top / ".git")
        if lock:
            raise GitError(f"`git {arguments[0]}` failed: {lock.message}", said, lock.hint)
        if owned := _DUBIOUS.search(said):
            raise GitError(
                f"{owned[1]} belongs to another user, and git reads nothing there until you say that you trust it",
                said,
                f"if you do: `git config --global --add safe.directory '{owned[1]}'`",
            )
        first = said.splitlines()[0] if said else f"exit code {done.returncode}"
        raise GitError(f"`git {arguments[0]}` failed: {first}", said)
    return done.returncode, done.stdout


def git_version() -> str:
    """The version of the user's git, "" where there is none."""
    try:
        done = subprocess.run(["git", "--version"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip().removeprefix("git version ")


class PlainRepo(Repo):
    """A repository; dulwich sees the settings that say how it is kept, and no others."""

    @cached_property
    def _settings(self) -> tuple[tuple[str, str], ...]:
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


def _read(file: Path) -> tuple[tuple[str, str], ...]:
    """Name, in lower case, and value of the needed settings; as git does, without files that are included.

    A program that opens a repository again and again asks git once for each state of the file.
    """
    if not file.is_file():
        return ()
    facts = file.stat()
    return _asked(file, (facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns))


@lru_cache(maxsize=8)
def _asked(file: Path, _state: tuple[int, ...]) -> tuple[tuple[str, str], ...]:
    words = ("config", "--file", str(file), "--no-includes", "--null", "--get-regexp", _NEEDED)
    _, output = run_git(file.parent, *words, allow=(0, 1))
    entries = output.decode("utf-8", "surrogateescape").split("\0")[:-1]
    return tuple((name, value) for name, _, value in (entry.partition("\n") for entry in entries))


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


def to_bytes(name: str) -> bytes:
    """A name as git has it."""
    return name.encode("utf-8", "surrogateescape")


def from_bytes(name: bytes) -> str:
    """The text of a name; bytes that are not UTF-8 become lone surrogates."""
    return name.decode("utf-8", "surrogateescape")


def writable(name: str) -> str:
    r"""A name as a record or a screen can have it: bytes that are not UTF-8 as ``\xe4``; no name has a backslash."""
    return to_bytes(name).decode("utf-8", "backslashreplace")


def from_writable(text: str) -> str:
    """What `writable` was given."""
    parts = _ESCAPED.split(text)
    return from_bytes(b"".join(bytes.fromhex(p) if n % 2 else p.encode() for n, p in enumerate(parts)))
