"""What building metadata documents did, as a value."""

from __future__ import annotations

import msgspec


class BuildReport(msgspec.Struct, frozen=True, kw_only=True):
    """What `meta build` did."""

    targets: int
    read: int  # targets whose folder is not as it was, so that its files were looked at
    changed: tuple[str, ...]  # targets whose document is new or different
    vanished: tuple[str, ...]  # targets whose folder is not there; their documents stay
    kept: tuple[str, ...] = ()  # targets whose document was not written by STOA and stays
    files: int
    commit: str
