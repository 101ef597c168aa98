"""Exchange with collaborators, and checks of the project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stoa.api.opened import Opened
from stoa.commands import sync
from stoa.commands.doctor import Remark, doctor
from stoa.commands.fetch import fetch
from stoa.commands.fsck import FsckReport, fsck
from stoa.commands.push import push
from stoa.commands.store import KEPT_DAYS, Garbage, gc
from stoa.workspace.travel import Moved

if TYPE_CHECKING:
    pass


class Sharing(Opened):
    """Exchange with collaborators, and checks of the project."""

    def sync(self, remote: str | None = None, *, rejoin: bool = False) -> Any:
        """Exchange commits with the collaborators, and merge."""
        return sync.sync(self.workspace, remote, rejoin=rejoin)

    def push(self, source: str = "", *, output: str = "") -> Moved:
        """Put large products of a target, a run or a pair into the store, or all of them."""
        return push(self.workspace, source, output)

    def fetch_products(self, source: str = "", *, output: str = "") -> Moved:
        """Fetch large products of a target, a run or a pair from the store, or all current ones."""
        return fetch(self.workspace, source, output)

    def store_garbage(self, *, delete: bool = False, days: float = KEPT_DAYS) -> Garbage:
        """What of the store no record names; with `delete` it is deleted."""
        return gc(self.workspace, delete=delete, kept_days=days)

    def fsck(self, *, products: bool = False) -> FsckReport:
        """Whether every record is readable and as it was written; with `products`, whether these are, too."""
        return fsck(self.workspace, products=products)

    def doctor(self) -> list[Remark]:
        """Whether this machine and this clone are fit for work."""
        return doctor(self.workspace)
