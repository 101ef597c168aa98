"""Copying a repository from somewhere else, looking at it before anything is written to a work tree."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

from stoa.errors import StoaError
from stoa.provenance.git.network import check_url, run_network, without_secrets
from stoa.provenance.git.plumbing import GitError, run_git
from stoa.provenance.git.remote import remember_clone
from stoa.provenance.git.repository import Repository
from stoa.provenance.git.setup import init_durable


def clone(
    url: str, place: Path, examine: Callable[[Repository], None], holds: Callable[[Repository, str], object]
) -> None:
    """Clone a repository into a new folder.

    The folder appears whole or not at all.

    Parameters
    ----------
    place
        Where it is to be: no folder yet, or an empty one.
    examine
        Is given the repository before any of its files is written, and may raise.
    holds
        Whether a commit holds what is wanted. Where that of the remote's HEAD does not, another branch is checked out
        if it is the only one that does.

    Raises
    ------
    GitError
        If the address runs commands, cannot be reached or has no commit, or the place is taken.
    """
    check_url(url)
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise GitError(f"{place} is there already", hint="`stoa clone URL DIR` takes another place")
    aside = place.parent / f".{place.name[:100]}.{secrets.token_hex(4)}"
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        _fill(url, aside, examine, holds)
        aside.rename(place)
    except OSError as problem:
        raise GitError(f"cannot write to {place.parent}: {problem.strerror}") from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _fill(
    url: str, folder: Path, examine: Callable[[Repository], None], holds: Callable[[Repository, str], object]
) -> None:
    said = run_network(
        Path.cwd(), "-c", "transfer.fsckObjects=true", "clone", "--progress", "--no-checkout", "--no-local",
        "--origin", "origin", "--", url, str(folder),
    )  # fmt: skip
    if said.code:
        raise said.problem(f"cannot clone {without_secrets(url)}", "`git ls-remote URL` shows whether it is there")
    try:
        repository = Repository(folder)
    except GitError as problem:  # by the name that the user knows: the folder is gone in a moment
        message = problem.message.replace(str(folder), without_secrets(url))
        raise GitError(f"{message}; nothing was cloned", problem.said, problem.hint) from None
    try:
        _choose_branch(url, folder, repository, holds)
        if not repository.head():
            raise GitError(
                f"{without_secrets(url)} has no commit that could be checked out",
                hint="an empty repository is filled by `git clone`, `stoa init` and `stoa sync`",
            )
        repository.branch()
        examine(repository)
        run_git(folder, "reset", "--hard", "--quiet")
        init_durable(repository)
        remember_clone(repository)
    except StoaError:
        repository.close()
        raise
    repository.close()


def _choose_branch(url: str, folder: Path, repository: Repository, holds: Callable[[Repository, str], object]) -> None:
    """Let HEAD name the one branch that holds what is wanted, if the one of the remote's HEAD does not."""
    if (head := repository.head()) and holds(repository, head):
        return
    prefix = "refs/remotes/origin/"
    _, listed = run_git(folder, "for-each-ref", "--format=%(refname) %(objectname)", prefix)
    lines = (line.split(" ") for line in listed.decode("utf-8", "surrogateescape").splitlines())
    tips = {name.removeprefix(prefix): oid for name, oid in lines if name != f"{prefix}HEAD"}
    found = [name for name, oid in tips.items() if holds(repository, oid)]
    if len(found) > 1:
        raise GitError(
            f"HEAD of {without_secrets(url)} names a branch without a project, and there are projects on several"
            f" others: {', '.join(found)}; nothing was cloned",
            hint=f"`git clone --branch {found[0]} URL` takes one of them; `git symbolic-ref HEAD refs/heads/{found[0]}`"
            " in the shared repository chooses it for all",
        )
    for name in found:
        run_git(folder, "update-ref", f"refs/heads/{name}", tips[name])
        run_git(folder, "symbolic-ref", "HEAD", f"refs/heads/{name}")
        run_git(folder, "branch", "--quiet", f"--set-upstream-to=origin/{name}", name)
