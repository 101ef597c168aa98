"""Names for runs and review events: they sort by time and need no coordination."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime, timedelta

_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
_TIME = len("20261122T103000")
ID = re.compile(r"[0-9]{8}T[0-9]{6}-[a-z0-9]{6}")


def new_id(now: datetime | None = None) -> str:
    """A fresh id such as ``20261122T103000-k3f9q2`` (UTC second and six random characters)."""
    moment = (now or datetime.now(UTC)).astimezone(UTC)
    return f"{moment:%Y%m%dT%H%M%S}-" + "".join(secrets.choice(_LETTERS) for _ in range(6))


def id_after(newest: str) -> str:
    """A fresh id that sorts after another one, also where the clock was set back or both are of one second.

    An id whose time is none (it may come from outside) is not heeded.
    """
    fresh = new_id()
    if fresh[:_TIME] > newest[:_TIME]:
        return fresh
    try:
        return new_id(moment(newest) + timedelta(seconds=1))
    except (ValueError, OverflowError):
        return fresh


def moment(name: str) -> datetime:
    """When an id was made.

    Raises
    ------
    ValueError
        If there is no such time, as in an id that was made up.
    """
    return datetime.strptime(name[:_TIME], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)


def now() -> str:
    """The present moment, UTC, ISO 8601 with offset, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
