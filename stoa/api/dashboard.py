"""The dashboard of a project, served from a notebook for as long as its kernel lives."""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
from pathlib import Path

from stoa.errors import StoaError
from stoa.show.notebook import fragment, link

_GRACE_S = 5.0


class Dashboard:
    """A dashboard.

    Attributes
    ----------
    address
        Where it is served; "" where it is not.
    """

    def __init__(self, address: str, process: subprocess.Popen[str] | None = None) -> None:
        self.address = address
        self._process = process

    def __repr__(self) -> str:
        return f"<dashboard at {self.address or 'no address'}>"

    def _repr_html_(self) -> str:
        return fragment([link(self.address, f"open the dashboard: {self.address}")])

    @property
    def lives(self) -> bool:
        """Whether it is still served."""
        return self._process is not None and self._process.poll() is None

    def close(self) -> None:
        """Serve it no more."""
        if self._process and self.lives:
            self._process.terminate()
            try:
                self._process.wait(_GRACE_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._process and self._process.stdout:
            self._process.stdout.close()
        self._process, self.address = None, ""


_served: dict[Path, Dashboard] = {}


@atexit.register
def _close_all() -> None:
    for each in _served.values():
        each.close()


def dashboard(top: Path, *, start: bool = True) -> Dashboard:
    """The dashboard of a project that is served from here.

    Parameters
    ----------
    start
        Whether to serve one where there is none; else it has no address.

    Raises
    ------
    StoaError
        If it cannot be served.
    """
    known = _served.get(top)
    if known and known.lives:
        return known
    if not start:
        return Dashboard("")
    _served[top] = _serve(top)
    return _served[top]


def _serve(top: Path) -> Dashboard:
    process = subprocess.Popen(
        [sys.executable, "-m", "stoa", "ui", "--port", "0"], cwd=top, env=os.environ, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    address = next((word for word in process.stdout.readline().split() if word.startswith("http")), "")
    made = Dashboard(address, process)
    if not address:
        made.close()
        raise StoaError("the dashboard does not start", "`stoa ui` in a terminal says why")
    return made
