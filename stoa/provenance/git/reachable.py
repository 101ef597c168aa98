"""What any branch, tag or remembered place of a branch names, for those who throw away what nothing names."""

from __future__ import annotations

from collections.abc import Iterator

from stoa.provenance.git.network import run_network
from stoa.provenance.git.plumbing import GitError, run_git
from stoa.provenance.git.repository import Repository

_AT_ONCE = 200
"""Files that are read together; a file of outcomes may have a megabyte."""


def every_version(repository: Repository, ending: str) -> Iterator[bytes]:
    """Every version of the files with a certain ending of their paths, in the history of all references.

    References are branches, those of remotes, tags and notes; what branches pointed at before counts as well.

    Raises
    ------
    GitError
        If something of it cannot be read, or the history is not here as a whole.
    """
    top = repository.top
    _check_whole(repository)
    _, named = run_git(top, "rev-list", "--objects", "--all", "--reflog")
    wanted = [line.partition(b" ")[0] for line in named.splitlines() if line.endswith(ending.encode())]
    for start in range(0, len(wanted), _AT_ONCE):
        part = wanted[start : start + _AT_ONCE]
        yield run_git(top, "cat-file", "--batch", stdin=b"".join(oid + b"\n" for oid in part))[1]


def unknown_here(repository: Repository) -> list[str]:
    """References of remotes whose commits are not in this clone, as ``REMOTE REFERENCE``.

    Raises
    ------
    GitError
        If a remote cannot be asked, or the history is not here as a whole.
    """
    _check_whole(repository)
    found = []
    for remote in run_git(repository.top, "remote")[1].decode("utf-8", "surrogateescape").split():
        said = run_network(repository.top, "ls-remote", remote)
        if said.code:
            raise said.problem(f"cannot ask {remote} for its branches", f"`git ls-remote {remote}` shows the same")
        lines = [line.split("\t") for line in said.output.splitlines() if "\t" in line]
        ids = "".join(f"{oid}\n" for oid, _ in lines).encode()
        checked = run_git(repository.top, "cat-file", "--batch-check", stdin=ids)[1].decode().splitlines()
        found += [
            f"{remote} {name}" for (_, name), line in zip(lines, checked, strict=True) if line.endswith(" missing")
        ]
    return found


def _check_whole(repository: Repository) -> None:
    if run_git(repository.top, "rev-parse", "--is-shallow-repository")[1].strip() == b"true":
        raise GitError("this clone is shallow: it does not know all records", hint="`git fetch --unshallow`")
