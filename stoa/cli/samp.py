"""stoa samp."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from typing import Annotated

import typer

from stoa.cli.grammar import new_app, verb
from stoa.cli.options import GroupOption, JsonOption, KeepOption, MessageOption, QualityOption, workspace
from stoa.cli.say import as_json, out, tell
from stoa.commands.samp import bridge, listen, send
from stoa.commands.samp.listen import Picked
from stoa.show.reviews import reviewed_words
from stoa.show.samp import picked_lines, sent_words, targets_words
from stoa.show.words import one_line
from stoa.workspace.open import Workspace

app = new_app("Exchange tables, images and selections with TOPCAT, DS9 and Aladin.")


@verb(
    app, "send",
    "stoa samp send sep@deep",
    "stoa samp send catalogues/quasars.vot --to topcat",
    "stoa samp send A001_X121_X28b --to ds9",
)  # fmt: skip
def send_command(
    ctx: typer.Context,
    source: Annotated[
        str, typer.Argument(metavar="RUN|FILE|TARGET", help="Run, PROCESS@SET, a table file, or a target.")
    ],
    to: Annotated[
        str,
        typer.Option(
            "--to", metavar="NAME", help="Only to this application, such as topcat or ds9 (default: all that take it)."
        ),
    ] = "",
    group: GroupOption = "",
    keep: KeepOption = None,
    quality_cuts: QualityOption = False,
    json: JsonOption = False,
) -> None:
    """Send a table of sources, or the image of a target, to applications on this desktop."""
    report = send.send(workspace(ctx), source, to=to, group=group, keep=keep or (), quality=quality_cuts)
    if json:
        as_json(report)
    else:
        out(sent_words(report))


@verb(
    app, "listen",
    "stoa samp listen",
    "stoa samp listen --then flag --reason artefacts -m 'rings around a bright source'",
)  # fmt: skip
def listen_command(
    ctx: typer.Context,
    then: Annotated[
        str, typer.Option("--then", metavar="flag", help="Flag the targets of each subset that is broadcast.")
    ] = "",
    reason: Annotated[
        str, typer.Option("--reason", "-r", metavar="REASON", help="Reason code of .stoa/config.yaml.")
    ] = "check",
    text: MessageOption = "",
    once: Annotated[bool, typer.Option("--once", help="End after the first subset.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="With --then: do not ask before each commit.")] = False,
    json: JsonOption = False,
) -> None:
    """Show the targets of rows that are picked in an application: a click, or a subset that is broadcast.

    It runs until Ctrl-C. In TOPCAT, tick "Send row index" in Views > Activation Actions for clicks, and use the
    broadcast button in Views > Row Subsets for subsets. With --then flag, each subset becomes one commit of flags,
    after it was shown and you agreed.
    """
    if then not in ("", "flag"):
        raise typer.BadParameter(f"{then!r} is not flag", param_hint="--then")
    ws = workspace(ctx)
    if then:
        listen.check_flag(ws, reason, text)
    heard: list[Picked] = []
    with suppress(KeyboardInterrupt):
        for picked in listen.listen(ws, _started):
            heard.append(picked)
            if not json:
                for line in picked_lines(picked):
                    out(line)
                sys.stdout.flush()
            if then and picked.is_subset and picked.targets:
                _flag(ws, picked, reason, text, yes=yes)
            if once and picked.is_subset:
                break
    if json:
        as_json(heard, several="picked")


@verb(app, "bridge", "stoa samp bridge https://stoa.example.org", "stoa samp bridge http://server:8501 < token")
def bridge_command(
    address: Annotated[str, typer.Argument(metavar="URL", help="Address of the dashboard, as in the browser.")],
) -> None:
    """Join a dashboard on a server and the applications on this desktop: tables go down, selections come back.

    It runs until Ctrl-C. The token is shown by the dashboard (sidebar, Bridge) and asked for here; it can also be the
    first line of the standard input, or in the variable STOA_BRIDGE_TOKEN. All connections begin here, nothing has to
    reach this computer.
    """
    token = os.environ.get("STOA_BRIDGE_TOKEN", "")
    if not token:
        token = typer.prompt("token", hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.readline()
    signal.signal(signal.SIGTERM, _interrupt)
    with suppress(KeyboardInterrupt):
        bridge.bridge(address, token.strip(), lambda words: tell(one_line(words)))


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _started() -> None:
    tell("listening; Ctrl-C ends it")


def _flag(ws: Workspace, picked: Picked, reason: str, text: str, *, yes: bool) -> None:
    """Say what would be flagged, ask, and flag."""
    would = f"flag {targets_words(picked.targets)} with {reason}"
    if not yes:
        if not sys.stdin.isatty():
            tell(f"would {would}; --yes does it")
            return
        if not typer.confirm(f"{would}?", err=True):
            tell("nothing was flagged")
            return
    report = listen.flag_picked(ws, picked, reason, text)
    tell(reviewed_words(report))
