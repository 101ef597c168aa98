"""Sharing: fetch, merge and push of the branch, as often as it takes.

A push that was refused because the branch had moved is repeated after a merge. Of one whose
connection was lost no one knows the outcome: the next fetch tells. Nothing is ever rebased or
forced.
"""

from __future__ import annotations

import os
import random
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count

import msgspec

from stoa.provenance.git.leftovers import lock_in_the_way
from stoa.provenance.git.merge import Guard, join, refuse_shallow, resume
from stoa.provenance.git.network import LostConnection, Said, run_network, without_secrets
from stoa.provenance.git.plumbing import GitError, run_git, writable
from stoa.provenance.git.repository import Repository
from stoa.provenance.git.shared import SharedBranch, destinations, setting, shared_branch
from stoa.provenance.git.trees import contains, count_commits

PATIENCE_S = 300.0
"""No further attempt is begun after so long."""
MAX_LOST = 4
"""Lost connections in a row after which one gives up."""
LOCKED_S = 60.0
"""A remote that refuses pushes for so long and has not moved meanwhile is locked for good."""
LONGEST_PAUSE_S = 10.0
_LEFT_S = 86400.0  # references of fetches are left over after so long

_MOVED = re.compile(
    r"non-fast-forward|fetch first|stale info|needs force|cannot lock ref|failed to (update|lock)|incorrect old value"
    r"|reference already exists|reference is missing"
)


class SyncReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a sync did."""

    remote: str
    branch: str
    commit: str  # where the branch is now, here and there
    received: int  # commits that came
    sent: int  # commits that went
    merged: bool  # whether the two sides had to be merged
    attempts: int
    unreadable: tuple[tuple[str, str], ...] = ()  # records that came and cannot be read, and why
    rebuild: tuple[str, ...] = ()  # metadata documents that both sides had built differently; that of one was taken
    hook: str = ""  # the user's pre-push hook, where commits went without it
    sent_to: tuple[str, ...] = ()  # where the commits went, if not to the branch that was fetched
    unshared: tuple[str, ...] = ()  # definitions and scripts that are not committed as they are here


class RewrittenError(GitError):
    """The remote's branch has lost commits that were on it at the last sync."""


def sync(repository: Repository, guard: Guard, remote: str | None = None, *, rejoin: bool = False) -> SyncReport:
    """Fetch, merge and push the branch that is checked out until both sides have it.

    Parameters
    ----------
    guard
        Is asked before anything comes in or goes out.
    remote
        By default that of the branch's upstream, or the only one, which then becomes its upstream. Commits go where
        `git push` would send them (see `stoa.provenance.git.shared`).
    rejoin
        Merge and push also when the remote's branch has lost commits since the last sync.

    Raises
    ------
    GitError
        If there is no remote, it cannot be reached or written to, or keeps moving.
        Also in a shallow clone that does not reach back to where both sides part.
    RewrittenError
        If the remote's branch was rewritten, shortened or removed since the last sync.
    ConflictError
        If both sides changed the same lines.
    """
    source = shared_branch(repository, remote)
    places = destinations(repository, source, remote)
    resume(repository, guard)
    report = _exchanged(_Exchange(repository, guard, source, rejoin=rejoin, pushes=source in places))
    if remote is None:
        _track(repository, source)
    for place in places:
        if place != source:
            more = _exchanged(_Exchange(repository, guard, place, rejoin=rejoin))
            report = _joined(report, more, place.words)
    return report


def _joined(report: SyncReport, more: SyncReport, words: str) -> SyncReport:
    """What a sync did, with what it did at a further place."""
    return msgspec.structs.replace(
        report, commit=more.commit, received=report.received + more.received, sent=max(report.sent, more.sent),
        merged=report.merged or more.merged, attempts=report.attempts + more.attempts, hook=report.hook or more.hook,
        sent_to=(*report.sent_to, words),
    )  # fmt: skip


def _exchanged(exchange: _Exchange) -> SyncReport:
    deadline = time.monotonic() + PATIENCE_S
    lost = 0
    for attempt in count(1):
        began = time.monotonic()
        try:
            if exchange.round():
                return exchange.report(attempt)
            lost = 0
        except LostConnection:
            lost += 1
            if lost >= MAX_LOST or time.monotonic() > deadline:
                raise
        if time.monotonic() > deadline:
            break
        _pause(attempt, time.monotonic() - began)
    raise GitError(
        f"{exchange.shared.label} kept moving for {PATIENCE_S:.0f} s; nothing is lost", hint="`stoa sync` again later"
    )


def _pause(attempt: int, took_s: float) -> None:
    """Stand back for a random time, so that others finish; the shorter, the more often one was overtaken."""
    time.sleep(random.uniform(0.0, min(LONGEST_PAUSE_S, 3.0 * took_s / attempt)))


class _Exchange:
    """One sync: what is known so far about the other side."""

    def __init__(
        self, repository: Repository, guard: Guard, shared: SharedBranch, *, rejoin: bool, pushes: bool = True
    ) -> None:
        self.repository = repository
        self.guard = guard
        self.shared = shared
        self.rejoin = rejoin
        self.pushes = pushes  # or only fetches and merges
        self.merged = False
        self.came: list[tuple[str, str]] = []  # their commit and ours, as each fetch found them
        self.theirs = ""
        self.ours = ""
        self.offered = ("", "")  # the commit that was pushed last, and what they had before
        self.refused = ("", 0.0)  # what they had when a push was first refused, and when that was

    def round(self) -> bool:
        """Fetch, merge and push once; whether both sides have the same now."""
        self.theirs, seen = self._fetch()
        before = self.repository.tip(self.shared.local)
        self._notice_rewriting(seen, before)
        if self.theirs:
            self.came.append((self.theirs, before))
            self.merged |= join(self.repository, self.shared.local, self.theirs, self.shared.label, self.guard)
            _note(self.repository, self.shared, self.theirs)
        self.ours = self.repository.tip(self.shared.local)
        if not self.ours:
            raise GitError("there is nothing to share: neither side has a commit yet")
        if self.theirs == self.ours or not self.pushes:
            return True
        if before != self.offered[0]:  # what an earlier round offered was looked at then
            self.guard.admit(self.theirs, self.ours, "")
            self.guard.keep(self.theirs, self.ours, "")
        self.offered = (self.ours, self.theirs)
        return self._push(self.ours)

    def report(self, attempts: int) -> SyncReport:
        sent = count_commits(self.repository, *self.offered)
        return SyncReport(
            remote=self.shared.remote,
            branch=writable(self.shared.branch),
            commit=self.ours,
            received=sum(count_commits(self.repository, *pair) for pair in self.came),
            sent=sent,
            merged=self.merged,
            attempts=attempts,
            hook=_push_hook(self.repository) if sent else "",
        )

    def _fetch(self) -> tuple[str, str]:
        """The remote's commit of the branch now and at the last sync, "" where there is none."""
        shared = self.shared
        with _landing(self.repository) as landing:
            said = run_network(
                self.repository.top, "-c", "fetch.fsckObjects=true", "-c", "fetch.unpackLimit=1",  # git keeps packs
                "fetch", "--progress", "--no-tags",
                "--recurse-submodules=no", "--no-write-fetch-head", "--refmap=", shared.place,
                f"+refs/heads/{shared.branch}:{landing}",
            )  # fmt: skip
            if said.code and "couldn't find remote ref" not in said.errors:
                raise said.problem(
                    f"cannot fetch from {without_secrets(shared.place)}", f"`git fetch {shared.remote}` shows the same"
                )
            theirs = "" if said.code else self.repository.tip(landing)
            if theirs:
                self.repository.point(shared.tracking, theirs)
        return theirs, self.repository.tip(shared.seen)

    def _push(self, commit: str) -> bool:
        """Whether the remote has the commit now; False when it moved and has to be fetched again."""
        shared = self.shared
        said = run_network(
            self.repository.top, *_destination(self.repository, shared), f"{commit}:refs/heads/{shared.branch}",
        )  # fmt: skip
        if said.code == 0:
            _note(self.repository, shared, commit)
            return True
        verdict = re.search(r"^!\t[^\t]*\t\[(remote )?rejected\] ?\(?([^\n]*?)\)?$", said.output, re.MULTILINE)
        if verdict and _MOVED.search(verdict[2]):
            self._notice_lock(said)
            return False
        if verdict:
            told = f" ({said.remark()})" if said.remark() else ""
            raise GitError(f"{shared.remote} refused the push: {verdict[2]}{told}", said.errors, _push_hint(verdict[2]))
        raise said.problem(f"cannot push to {shared.remote}", "`git push` shows the same; may you write there?")

    def _notice_lock(self, said: Said) -> None:
        """Raise if the push was refused because a git that was killed has left the remote's branch locked."""
        lock = lock_in_the_way(said.errors, said.folder)
        if lock and lock.left_over:
            raise GitError(f"cannot push to {self.shared.remote}: {lock.message}", said.errors, lock.hint)
        if self.theirs != self.refused[0] or not self.refused[1]:
            self.refused = (self.theirs, time.monotonic())
        elif time.monotonic() - self.refused[1] > LOCKED_S:
            raise GitError(
                f"{self.shared.remote} has refused the push for {LOCKED_S:.0f} s though {self.shared.label}"
                f" did not move: {said.remark() or said.reason()}",
                said.errors,
                "a lock that a killed git left there? whoever keeps the remote can see and remove it",
            )

    def _notice_rewriting(self, seen: str, ours: str) -> None:
        repository, shared = self.repository, self.shared
        if self.rejoin or not seen or self.theirs == ours:
            return
        if (self.theirs and contains(repository, self.theirs, seen)) or not (ours and contains(repository, ours, seen)):
            return
        how = "was rewritten" if self.theirs else "is gone"
        if self.theirs and contains(repository, seen, self.theirs):
            how = "was shortened"
        elif self.theirs:
            refuse_shallow(repository, shared.label)
        lost = count_commits(repository, seen, self.theirs)
        raise RewrittenError(
            f"{shared.label} {how} since the last sync: {lost} commit{'s' if lost > 1 else ''} that it had"
            " it has no more. You still have all; nothing was merged or sent",
            hint=f"ask who did it (`git log {shared.tracking}..{shared.seen}` lists them);"
            " `stoa sync --rejoin` joins both histories and puts them back",
        )


@contextmanager
def _landing(repository: Repository) -> Iterator[str]:
    """A reference of one fetch alone, gone when that is over.

    Git locks what it fetches into, and a git that is killed leaves the lock behind. Here no one else is
    ever in need of it. What killed ones left is removed a day later.
    """
    folder = repository.common / "refs/stoa/fetch"
    with suppress(OSError):
        for file in folder.iterdir():
            if time.time() - file.stat().st_mtime > _LEFT_S:
                file.unlink(missing_ok=True)
    name = f"{os.getpid()}-{random.getrandbits(40):x}"
    try:
        yield f"refs/stoa/fetch/{name}"
    finally:
        for file in (folder / name, folder / f"{name}.lock"):
            with suppress(OSError):
                file.unlink(missing_ok=True)


def _destination(repository: Repository, shared: SharedBranch) -> list[str]:
    """The words of a push up to what is pushed.

    The remote is named by its address, so that git does not lock its branches here as well; what is
    configured for its name alone is handed over.
    """
    push = ["push", "--progress", "--porcelain", "--no-follow-tags", "--recurse-submodules=no"]
    url = shared.url or run_git(repository.top, "remote", "get-url", "--", shared.remote)[1].decode().splitlines()[0]
    program = setting(repository, f"remote.{shared.remote}.receivepack")
    proxy = setting(repository, f"remote.{shared.remote}.proxy")
    if proxy:
        push = ["-c", f"http.proxy={proxy}", *push]
    return [*push, *([f"--receive-pack={program}"] if program else []), url]


def remember_clone(repository: Repository) -> None:
    """Note where the remote's branch was when it was cloned."""
    _note(repository, shared_branch(repository, None), repository.head())


def _note(repository: Repository, shared: SharedBranch, commit: str) -> None:
    for name in (shared.tracking, shared.seen):
        repository.point(name, commit)


def _track(repository: Repository, shared: SharedBranch) -> None:
    """Tell plain `git pull` and `git push` what the branch is shared by, where no one has told them yet."""
    section = f"branch.{shared.local.removeprefix('refs/heads/')}"
    if setting(repository, f"{section}.remote") or setting(repository, f"{section}.merge"):
        return
    with suppress(GitError):  # another git has the settings locked; the next sync tells them
        run_git(repository.top, "config", f"{section}.remote", shared.remote)
        run_git(repository.top, "config", f"{section}.merge", f"refs/heads/{shared.branch}")


def has_remote(repository: Repository) -> bool:
    """Whether there is another repository to share with."""
    return bool(run_git(repository.top, "remote")[1].split())


def remote_url(repository: Repository) -> str:
    """Where others find this repository, without secrets; "" where it has no remote, or one on this machine only."""
    names = run_git(repository.top, "remote")[1].decode().split()
    name = "origin" if "origin" in names else names[0] if len(names) == 1 else ""
    if not name:
        return ""
    url = without_secrets(run_git(repository.top, "remote", "get-url", "--", name)[1].decode().strip())
    return url if ("://" in url and not url.startswith("file:")) or re.match(r"[^/]+@[^/]+:", url) else ""


def _push_hook(repository: Repository) -> str:
    """The hook that `git push` would run, "" where there is none."""
    *users, _ours = (
        run_git(repository.top, "config", "--get-all", "--type=path", "core.hooksPath")[1].decode().split("\n")[:-1]
    )
    hook = repository.top / (users[-1] if users else repository.common / "hooks") / "pre-push"
    return str(hook) if os.access(hook, os.X_OK) else ""


def _push_hint(reason: str) -> str:
    if "checked out" in reason:
        return "the remote has a work tree: share through a bare repository (`git init --bare`)"
    return "may you write there? whoever keeps the remote can tell"
