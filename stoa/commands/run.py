"""Run a process over many targets and commit one outcome each."""

from __future__ import annotations

from collections.abc import Generator

from stoa.control import Control
from stoa.request import Request
from stoa.runs.launch import Event, carry_out
from stoa.runs.requested import plans_of
from stoa.workspace.open import Workspace
from stoa.workspace.writing import check_length


def run(ws: Workspace, request: Request, control: Control | None = None) -> Generator[Event, None, None]:
    """Run what a request asks for; gives what happens as it happens.

    Nothing runs before the first event is taken. A consumer that stops early has to close the generator.

    Raises
    ------
    StoaError
        If records cannot be committed now, or the request is wrong: see `plans_of` and `launch`.
    """
    check_length(request.message)
    ws.ready()
    yield from carry_out(ws, ((plan, "") for plan in plans_of(ws, request, build=True)), request, control or Control())
