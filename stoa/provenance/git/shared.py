"""By which branch, of which repository, the branch that is checked out is shared, and where its commits go.

Usually that is one and the same. In a *triangle* git fetches from one repository and pushes to another one: a remote of
its own (`branch.NAME.pushRemote`, `remote.pushDefault`), or other addresses of the remote (`remote.NAME.pushurl`).
"""

from __future__ import annotations

import hashlib

import msgspec

from stoa.errors import NotFoundError
from stoa.provenance.git.network import check_url, without_secrets
from stoa.provenance.git.plumbing import GitError, run_git
from stoa.provenance.git.repository import Repository


class SharedBranch(msgspec.Struct, frozen=True):
    """The branch here and the one that it is shared by."""

    remote: str
    branch: str  # there, short name
    local: str  # here, full name
    url: str = ""  # of a place that the remote only pushes to; "" for the remote itself

    @property
    def place(self) -> str:
        """What git is told to reach."""
        return self.url or self.remote

    @property
    def label(self) -> str:
        """As a person knows it; git knows a revision of this name as well."""
        return self.tracking.removeprefix("refs/") if self.url else f"{self.remote}/{self.branch}"

    @property
    def words(self) -> str:
        """As it is shown to a person: with the address, where it has no name."""
        return f"{without_secrets(self.url)} {self.branch}" if self.url else self.label

    @property
    def tracking(self) -> str:
        return f"refs/stoa/pushed/{self._key}" if self.url else f"refs/remotes/{self.label}"

    @property
    def seen(self) -> str:
        """Holds where the branch was at the last sync; git keeps what it reaches."""
        return f"refs/stoa/seen/{self._key}" if self.url else f"refs/stoa/seen/{self.label}"

    @property
    def _key(self) -> str:
        return (
            f"{self.remote}-{hashlib.sha256(self.url.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}/{self.branch}"
        )


def shared_branch(repository: Repository, remote: str | None) -> SharedBranch:
    """The branch that is fetched and merged.

    Parameters
    ----------
    remote
        By default that of the branch's upstream, or the only one.

    Raises
    ------
    GitError
        If there is no remote, or its address is not one that STOA uses.
    """
    local = repository.branch()
    branch = local.removeprefix("refs/heads/")
    configured = setting(repository, f"branch.{branch}.remote")
    name = _choose(_remotes(repository), remote, configured)
    for url in (*_urls(repository, name), *_urls(repository, name, "--push")):
        check_url(url)
    upstream = setting(repository, f"branch.{branch}.merge") if name == configured else ""
    return SharedBranch(name, upstream.removeprefix("refs/heads/") or branch, local)


def destinations(repository: Repository, source: SharedBranch, remote: str | None) -> list[SharedBranch]:
    """Where commits go: to the branch that is fetched, or, in a triangle, to others.

    Parameters
    ----------
    remote
        One that was asked for: what the settings say of another one does not count.

    Raises
    ------
    GitError
        If an address is not one that STOA uses.
    """
    branch = source.local.removeprefix("refs/heads/")
    named = setting(repository, f"branch.{branch}.pushRemote") or setting(repository, "remote.pushDefault")
    if remote is None and named != source.remote and named in _remotes(repository):
        source = SharedBranch(named, branch, source.local)
    fetched, pushed = _urls(repository, source.remote), _urls(repository, source.remote, "--push")
    found = []
    for url in pushed:
        check_url(url)
        found.append(source if url in fetched else msgspec.structs.replace(source, url=url))
    return found


def _remotes(repository: Repository) -> list[str]:
    return run_git(repository.top, "remote")[1].decode("utf-8", "surrogateescape").split()


def _urls(repository: Repository, remote: str, *side: str) -> list[str]:
    output = run_git(repository.top, "remote", "get-url", *side, "--all", "--", remote)[1]
    return output.decode("utf-8", "surrogateescape").splitlines()


def _choose(names: list[str], asked: str | None, configured: str) -> str:
    if asked is not None:
        if asked not in names:
            raise NotFoundError("remote", asked, names, "`git remote -v` lists them")
        return asked
    for name in (configured, "origin"):
        if name in names:
            return name
    if len(names) == 1:
        return names[0]
    if names:
        raise GitError(f"which remote? there are {', '.join(names)}", hint="`stoa sync --remote NAME`")
    raise GitError("this repository has no remote to share with", hint="`git remote add origin URL`")


def setting(repository: Repository, name: str) -> str:
    """What git's settings say, "" where they say nothing."""
    return run_git(repository.top, "config", "--get", name, allow=(0, 1))[1].decode("utf-8", "surrogateescape").strip()
