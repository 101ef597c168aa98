"""Tables that went to applications on someone's desktop: what each of their rows is about."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from threading import Lock

import msgspec

from stoa.errors import StoaError
from stoa.vo.bridge import OURS

MOST = 60


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """A table as it was sent.

    Attributes
    ----------
    where, digest
        The table of a page that it was made of, and what its rows were; "" where rows cannot be selected.
    pair
        Process and set of the rows; "" where they are of several.
    targets, groups
        Of each row; () where the rows name no target.
    """

    id: str
    name: str
    where: str = ""
    digest: str = ""
    pair: str = ""
    targets: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


_sent: OrderedDict[str, Sent] = OrderedDict()
_lock = Lock()


def new_id() -> str:
    """An id that no application has had, and no one can guess."""
    return f"{OURS}{secrets.token_hex(8)}"


def keep(table: Sent) -> None:
    """Remember a table for as long as the dashboard runs, or until many others were sent."""
    with _lock:
        _sent[table.id] = table
        while len(_sent) > MOST:
            _sent.popitem(last=False)


def find(key: str) -> Sent:
    """The table of an id.

    Raises
    ------
    StoaError
        If this dashboard has sent no such table, or long ago.
    """
    with _lock:
        if key in _sent:
            return _sent[key]
    raise StoaError("the rows are of a table that this dashboard has not sent", "send the table again, and pick there")
