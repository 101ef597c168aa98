"""stoa ui."""

from __future__ import annotations

import sys
from functools import partial
from typing import Annotated

import typer

from stoa.cli.grammar import new_app, verb
from stoa.cli.options import workspace
from stoa.cli.say import out, tell
from stoa.commands import ui
from stoa.ui.serve import serve

app = new_app()


@verb(app, "ui", "stoa ui", "stoa ui --port 9000", "stoa ui --host 0.0.0.0 --read-only")
def ui_command(
    ctx: typer.Context,
    port: Annotated[
        int | None,
        typer.Option(
            "--port",
            metavar="NUMBER",
            min=0,
            max=65535,
            show_default=False,
            help="Port; 0: any free one (default: 8501).",
        ),
    ] = None,
    host: Annotated[
        str, typer.Option("--host", metavar="ADDRESS", help="Address to listen at; only this machine by default.")
    ] = "127.0.0.1",
    public: Annotated[
        str, typer.Option("--public", metavar="NAME", help="Further host name by which browsers reach it.")
    ] = "",
    read_only: Annotated[bool, typer.Option("--read-only", help="Let people look, and change nothing.")] = False,
) -> None:
    """Open the dashboard: see what failed, look at images, judge, compare and run again in a browser.

    It runs until Ctrl-C. Others can reach it only if you give --host, and then they have to log in or may only look.
    """
    chosen = ui.serving(workspace(ctx), host=host, port=port, read_only=read_only, public=public)
    open_dashboard(chosen)


def open_dashboard(chosen: ui.Serving) -> None:
    """Serve a dashboard until it is stopped, and say where it is."""
    serve(chosen, partial(_say, chosen))


def _say(chosen: ui.Serving) -> None:
    out(f"the dashboard is at {chosen.address}")
    sys.stdout.flush()
    tell("Ctrl-C stops it" + ("; no one can change anything" if chosen.read_only else ""))
