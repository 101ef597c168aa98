"""Exchange with collaborators, and checks of the project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stoa.api.opened import Opened
from stoa.commands import sync
from stoa.commands.doctor import Remark, doctor
from stoa.commands.fsck import FsckReport, fsck

if TYPE_CHECKING:
    pass


class Sharing(Opened):
    """Exchange with collaborators, and checks of the project."""

    def sync(self, remote: str | None = None, *, rejoin: bool = False) -> Any:
        """Exchange commits with the collaborators, and merge."""
        return sync.sync(self.workspace, remote, rejoin=rejoin)

    def fsck(self, *, products: bool = False) -> FsckReport:
        """Whether every record is readable and as it was written; with `products`, whether these are, too."""
        return fsck(self.workspace, products=products)

    def doctor(self) -> list[Remark]:
        """Whether this machine and this clone are fit for work."""
        return doctor(self.workspace)
