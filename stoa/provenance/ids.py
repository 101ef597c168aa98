"""Names for runs and review events: they sort by time and need no coordination."""

from __future__ import annotations

import re
import secrets
from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from functools import lru_cache

_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
_STEP = 1 << 22  # of the 2**30 that six letters can say: hundreds in a second, and no two clones say the same
_TIME = len("20261122T103000")
_FORM = "%Y%m%dT%H%M%S"
_SHAPE = re.compile(r"[0-9]{8}T[0-9]{6}-[a-z0-9]{6}")
LENGTH = len("20261122T103000-k3f9q2")
TRUSTED = timedelta(days=1)
"""How far ahead of this machine's clock that of a collaborator may be."""


def new_id(now: datetime | None = None) -> str:
    """A fresh id such as ``20261122T103000-k3f9q2`` (UTC second and six random characters)."""
    moment = (now or datetime.now(UTC)).astimezone(UTC)
    return f"{moment:{_FORM}}-" + "".join(secrets.choice(_LETTERS) for _ in range(6))


@lru_cache(maxsize=1024)
def is_id(text: str) -> bool:
    """Whether a text has the shape of an id and its time is one."""
    if not _SHAPE.fullmatch(text):
        return False
    try:
        _moment(text)
    except ValueError:
        return False
    return True


def _moment(text: str) -> datetime:
    return datetime.strptime(text[:_TIME], _FORM).replace(tzinfo=UTC)


def horizon() -> str:
    """What sorts after every id up to a day ahead of the clock, and before all that are farther ahead."""
    return f"{datetime.now(UTC) + TRUSTED:{_FORM}}~"


def id_after(newest: str) -> str:
    """A fresh id that sorts after another one, also where the clock was set back or both are of one second.

    One that is not an id, or is beyond the `horizon` (it may come from outside), is not heeded. Where both are of one
    second, the letters continue, so that many quick runs do not run ahead of the clocks of collaborators.
    """
    fresh = new_id()
    if fresh[:_TIME] > newest[:_TIME] or not is_id(newest) or newest > horizon():
        return fresh
    letters = _letters_after(newest[_TIME + 1 :])
    return f"{newest[:_TIME]}-{letters}" if letters else new_id(_moment(newest) + timedelta(seconds=1))


def _letters_after(letters: str) -> str:
    """Letters of an id that sort after others, by a random step; "" where there is no room."""
    alphabet = sorted(_LETTERS)
    value = 0
    for letter in letters:  # one that is never given counts as the next one
        value = value * len(alphabet) + bisect_left(alphabet, letter)
    value += 1 + secrets.randbelow(_STEP)
    if value >= len(alphabet) ** len(letters):
        return ""
    found = []
    for _ in letters:
        value, digit = divmod(value, len(alphabet))
        found.append(alphabet[digit])
    return "".join(reversed(found))


def now() -> str:
    """The present moment, UTC, ISO 8601 with offset, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
