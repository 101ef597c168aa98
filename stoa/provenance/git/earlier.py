"""Earlier commits: found by name or by time, and copied to be looked at."""

from __future__ import annotations

import secrets
import shutil
from datetime import UTC, datetime
from pathlib import Path

from stoa.provenance.git.plumbing import run_git
from stoa.provenance.git.repository import Repository


def commit_named(repository: Repository, name: str) -> str:
    """The full id of a commit that git knows by this name, "" where there is none."""
    if not name or name.startswith("-"):
        return ""
    words = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    code, found = run_git(repository.top, *words, allow=(0, 1, 128))
    return "" if code else found.decode().split()[-1]


def commit_until(repository: Repository, moment: datetime) -> str:
    """The last commit of the present branch until a time, "" where there is none; what was merged does not count."""
    if not (head := repository.head()):
        return ""
    before = f"--before={int(moment.timestamp())}"
    return run_git(repository.top, "rev-list", "-1", "--first-parent", before, head)[1].decode().strip()


def time_of(repository: Repository, commit: str) -> datetime:
    """When a commit was made."""
    said = run_git(repository.top, "show", "--no-patch", "--no-show-signature", "--format=%ct", commit)[1].decode()
    return datetime.fromtimestamp(int(said.strip()), UTC)


def copy_at(repository: Repository, commit: str, place: Path) -> None:
    """Make a clone with the same objects, on a branch of the same name that ends with a commit; whole or not at all."""
    top = repository.top
    name = repository.branch_or_none() or "refs/heads/main"
    aside = place.with_name(f".{place.name}.{secrets.token_hex(4)}")
    try:
        run_git(top, "clone", "--quiet", "--shared", "--no-checkout", "--template=", "--", str(top), str(aside))
        run_git(aside, "remote", "remove", "origin")
        run_git(aside, "update-ref", name, commit)
        run_git(aside, "symbolic-ref", "HEAD", name)
        run_git(aside, "reset", "--quiet", "--hard")
        aside.rename(place)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
