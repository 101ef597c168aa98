"""Links to tables, images and files: signed, each kind by itself, and valid for a while.

TOPCAT and an `<img>` bring no cookie of ours, so that a link itself says that it may be followed. What it stands for
was put into it by a page from records; no one can make one for a different file. The key is made when the dashboard
starts and is on no disk: links end with it at the latest.
"""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from threading import Lock
from typing import NamedTuple
from urllib.parse import quote

from itsdangerous import BadData, TimestampSigner, URLSafeTimedSerializer

from stoa.errors import StoaError

VALID_S = {
    "table": 15 * 60, "product": 15 * 60, "image": 12 * 3600, "thumb": 12 * 3600, "bridge": 12 * 3600, "vo": 12 * 3600,
}  # fmt: skip
"""How long a link of each kind may be followed, in seconds, at least."""

ROUND_S = 6 * 3600
"""Links to pixels carry a rounded time, so that the browser finds in its cache what it has seen before."""

ROUNDED = ("image", "thumb")

MOST_OFFERED = 40
MOST_OFFERED_BYTES = 400_000_000

_KEY = secrets.token_bytes(32)


class Offered(NamedTuple):
    """A table that a page has made for others to fetch."""

    name: str
    media_type: str
    content: bytes


class _Rounded(TimestampSigner):
    """Signs with the start of the present stretch of time."""

    def get_timestamp(self) -> int:
        now = int(time.time())
        return now - now % ROUND_S


def _signer(kind: str, signer: type[TimestampSigner] = TimestampSigner) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(_KEY, salt=f"stoa {kind}", signer=signer)


def sign(kind: str, *parts: str) -> str:
    """A relative address for a table, image, thumb or product.

    Parameters
    ----------
    parts
        Of an image, thumb or product: the file as a record names it (``root:path``), and its sha256 where it is known.
    """
    name = f"/{quote(parts[0].rpartition('/')[2], safe='')}" if kind == "product" else ""
    return f"/stoa/{kind}/{token(kind, *parts)}{name}"


def token(kind: str, *parts: str) -> str:
    """What is signed, without an address."""
    signer = _Rounded if kind in ROUNDED else TimestampSigner
    return str(_signer(kind, signer).dumps(parts))


def signed(kind: str, token: str) -> tuple[str, ...]:
    """What a link of a kind stands for.

    Raises
    ------
    StoaError
        If it was not made by this dashboard for this kind, or its time is over.
    """
    rounded = ROUND_S if kind in ROUNDED else 0  # their time may lie that far back when they are made
    try:
        return tuple(_signer(kind).loads(token, max_age=VALID_S[kind] + rounded))
    except BadData:
        raise StoaError("this link was not made by this dashboard, or has expired", "reload the page") from None


_offered: OrderedDict[str, Offered] = OrderedDict()
_lock = Lock()


def offer(name: str, media_type: str, content: bytes) -> str:
    """A relative address where a table can be fetched for a quarter of an hour; the oldest ones give way.

    Parameters
    ----------
    name
        File name, with its ending.
    """
    key = secrets.token_hex(8)
    with _lock:
        _offered[key] = Offered(name, media_type, content)
        while len(_offered) > MOST_OFFERED or (
            len(_offered) > 1 and sum(len(each.content) for each in _offered.values()) > MOST_OFFERED_BYTES
        ):
            _offered.popitem(last=False)
    return f"{sign('table', key)}/{quote(name, safe='')}"


def taken(key: str) -> Offered:
    """The table that was offered under a key; `StoaError` where it has given way to others."""
    with _lock:
        if key in _offered:
            return _offered[key]
    raise StoaError("this table is not kept any more", "send it again")
