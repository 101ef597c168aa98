"""stoa tag."""

from __future__ import annotations

from typing import Annotated

import typer

from stoa.cli.grammar import new_app, verb
from stoa.cli.options import (
    JsonOption,
    MessageOption,
    SelectOption,
    TagOption,
    TargetsArgument,
    WhereOption,
    where_of,
    workspace,
)
from stoa.cli.say import as_json, print_written, table, tell
from stoa.commands import tag
from stoa.show.steps import tags_table

app = new_app()


@verb(
    app, "tag",
    "stoa tag A001_X121_X28b 'golden sample'",
    "stoa tag --where 'freq_ghz > 400' 'paper I'",
    "stoa tag 'A001_*' 'paper I' --remove",
    "stoa tag",
)  # fmt: skip
def tag_command(
    ctx: typer.Context,
    targets: TargetsArgument = None,
    name: Annotated[str, typer.Argument(metavar="TAG", help="Any words, in quotes.")] = "",
    remove: Annotated[bool, typer.Option("--remove", help="Take the tag away.")] = False,
    text: MessageOption = "",
    where: WhereOption = "",
    tags: TagOption = None,
    select: SelectOption = None,
    json: JsonOption = False,
) -> None:
    """Give targets a tag, as one commit. Without arguments: list the tags.

    Every command that chooses targets takes --tag TAG.
    """
    ws = workspace(ctx)
    where = where_of(ws, where, tags, select)
    if targets or name or where:
        print_written(tag.tag(ws, targets or (), tag=name, remove=remove, text=text, where=where), json)
        return
    found = tag.tags(ws)
    if json:
        as_json({"tags": found})
    elif found:
        table(tags_table(found))
    else:
        tell("no tags yet: `stoa tag TARGET TAG`")
