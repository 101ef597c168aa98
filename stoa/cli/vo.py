"""stoa vo."""

from __future__ import annotations

import signal
import sys
from contextlib import suppress
from types import FrameType
from typing import Annotated

import typer

from stoa.cli.grammar import new_app, verb
from stoa.cli.options import KeepOption, QualityOption, workspace
from stoa.cli.say import out, tell
from stoa.commands.vo import serve
from stoa.commands.vo.serve import MOST, PORT, Served
from stoa.show.words import count

app = new_app("Use services of the Virtual Observatory, and be one.")


@verb(
    app, "serve",
    "stoa vo serve sep@deep",
    "stoa vo serve catalogues/sep@deep.fits --port 9000",
)  # fmt: skip
def serve_command(
    ctx: typer.Context,
    source: Annotated[str, typer.Argument(metavar="RUN|FILE", help="Run, PROCESS@SET, or a table file.")],
    port: Annotated[
        int, typer.Option("--port", metavar="NUMBER", min=0, max=65535, help="Port; 0: any free one.")
    ] = PORT,
    host: Annotated[
        str, typer.Option("--host", metavar="ADDRESS", help="Address to listen at; only this machine by default.")
    ] = "127.0.0.1",
    most: Annotated[int, typer.Option("--most", metavar="N", min=1, help="Most rows of one answer.")] = MOST,
    keep: KeepOption = None,
    quality_cuts: QualityOption = False,
) -> None:
    """Serve a table as a Simple Cone Search service, which TOPCAT, Aladin and pyvo can ask.

    It runs until Ctrl-C and only reads. Whoever reaches --host can read the whole table.
    """
    ws = workspace(ctx)
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's `&` has them ignored
        signal.signal(number, _stop)
    with suppress(KeyboardInterrupt):
        serve.serve(
            ws, source, host=host, port=port, most=most, keep=keep or (), quality=quality_cuts, started=_say
        )  # fmt: skip


def _say(served: Served) -> None:
    out(served.address)
    sys.stdout.flush()
    without = f"; {count(served.without_position, 'row')} without a position" if served.without_position else ""
    tell(f"{count(served.rows, 'row')}{without}; Ctrl-C ends it")


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
