"""Applications on the desktop: what is sent to them, and what is picked in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stoa.api.opened import Opened
from stoa.commands.samp.listen import Picked, listen
from stoa.commands.samp.send import SendReport, send


class Desktop(Opened):
    """Applications on the desktop, by SAMP."""

    def send(
        self, source: str, to: str = "", *, group: str = "", keep: Iterable[str] = (), quality_cuts: bool = False
    ) -> SendReport:
        """Send the sources of a run, pair or table file, or the image of a target, to TOPCAT, DS9 or Aladin."""
        return send(self.workspace, source, to=to, group=group, keep=keep, quality=quality_cuts)

    def listen(self) -> Iterator[Picked]:
        """Rows that are picked in an application, with their targets, as they are picked; the hub's end ends it.

        >>> for picked in project.listen():                                  # doctest: +SKIP
        ...     project.flag(picked.targets, reason="artefacts")
        """
        return listen(self.workspace)
