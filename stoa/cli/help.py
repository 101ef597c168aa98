"""stoa help."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from stoa.cli.grammar import new_app, verb

app = new_app()


@verb(app, "help", "stoa help run", "stoa help catalogue match")
def help_command(
    ctx: typer.Context,
    words: Annotated[list[str] | None, typer.Argument(metavar="VERB...", help="Command, one word or two.")] = None,
) -> None:
    """Show the help of a command: `stoa help VERB` is `stoa VERB --help`."""
    place = ctx.find_root()
    for word in words or ():
        command: Any = place.command
        if not hasattr(command, "get_command"):
            ctx.fail(f"`{place.command_path}` has no commands of its own.")
        _, below, _ = command.resolve_command(place, [word])
        place = typer.Context(below, info_name=word, parent=place)
    typer.echo(place.command.get_help(place))
