"""The store of large products: throwing away what no branch and no tag names."""

from __future__ import annotations

import re
import time

import msgspec

from stoa.errors import StoaError
from stoa.provenance.contents import Entry
from stoa.provenance.git import every_version, unknown_here
from stoa.workspace.open import Workspace
from stoa.workspace.travel import store_of

KEPT_DAYS = 14.0
"""For so long nothing is thrown away: whoever pushed it may not have shared the records yet."""

_DAY_S = 86400.0
_SHA256 = re.compile(rb"[0-9a-f]{64}")


class Garbage(msgspec.Struct, frozen=True, kw_only=True):
    """What of a store nothing names.

    Attributes
    ----------
    unnamed
        Objects and rests of uploads, old enough to be deleted.
    young
        How many more are unnamed, and too young.
    """

    store: str
    objects: int
    named: int
    unnamed: tuple[Entry, ...]
    young: int
    size: int  # bytes of the unnamed
    deleted: int


def gc(ws: Workspace, *, delete: bool = False, kept_days: float = KEPT_DAYS) -> Garbage:
    """What of the store no record names that any branch, tag or remembered place of a branch leads to.

    Parameters
    ----------
    delete
        Delete it; otherwise it is only said.
    kept_days
        What is younger stays.

    Raises
    ------
    StoaError
        If a remote has commits that this clone has not, or the history is not here as a whole: they may name more.
    """
    place = store_of(ws)
    found = list(place.entries())  # before the records are read, so that what is pushed meanwhile is not in it
    _check_complete(ws)
    named: set[str] = set()
    for content in every_version(ws.repository, ".yaml"):
        named.update(digest.decode() for digest in _SHA256.findall(content))
    _check_complete(ws)
    now = time.time()
    unnamed = [each for each in found if each.sha256 not in named]
    old = tuple(each for each in unnamed if now - each.modified > kept_days * _DAY_S)
    deleted = 0
    if delete:
        for each in old:
            place.remove(each)
            deleted += 1
    return Garbage(
        store=place.words, objects=len(found), named=len(found) - len(unnamed), unnamed=old,
        young=len(unnamed) - len(old), size=sum(each.size for each in old), deleted=deleted,
    )  # fmt: skip


def _check_complete(ws: Workspace) -> None:
    if unknown := unknown_here(ws.repository):
        more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
        raise StoaError(
            f"this clone has not all that its remotes have ({unknown[0]}{more}), and that may name more products",
            "`git fetch --all --tags`, then again",
        )
