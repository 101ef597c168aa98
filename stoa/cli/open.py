"""stoa open."""

from __future__ import annotations

from typing import Annotated

import typer

from stoa.cli.grammar import new_app, verb
from stoa.cli.options import GroupOption, JsonOption, OneTargetArgument, RunOption, workspace
from stoa.cli.say import as_json, out, tell
from stoa.commands.open import Place, open_place, places
from stoa.errors import NotFoundError

app = new_app()


@verb(
    app, "open",
    "stoa open A001_X121_X28b",
    "stoa open A001_X121_X28b sources --with topcat",
    "stoa open A001_X121_X28b products --run sep@deep",
)  # fmt: skip
def open_command(
    ctx: typer.Context,
    target: OneTargetArgument,
    what: Annotated[
        str,
        typer.Argument(
            metavar="data|products|log|OUTPUT", help="What to open: data, products, log, or the name of an output."
        ),
    ] = "",
    run: RunOption = "",
    group: GroupOption = "",
    program: Annotated[
        str, typer.Option("--with", metavar="PROGRAM", help="Program to open it with (default: that of the desktop).")
    ] = "",
    json: JsonOption = False,
) -> None:
    """List the files of a target on this machine (data, products, log, outputs), or open one of them."""
    found = places(workspace(ctx), target, run, group)
    if what:
        by_name = {place.what: place for place in found}
        if what not in by_name:
            raise NotFoundError("file", what, list(by_name), f"there are: {', '.join(by_name)}")
        program = open_place(by_name[what], program)
        tell(f"opened {by_name[what].path} with {program}")
    elif json:
        as_json(found, several="places")
    else:
        _print(found)


def _print(found: tuple[Place, ...]) -> None:
    width = max(len(place.what) for place in found)
    for place in found:
        out(f"{place.what.ljust(width)}  {place.path}" + ("" if place.exists else "  (not on this machine)"))
