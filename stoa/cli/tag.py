"""stoa tag."""

from __future__ import annotations

from typing import Annotated

import typer

from stoa.cli.grammar import new_app, verb
from stoa.cli.options import (
    GroupOption,
    JsonOption,
    MessageOption,
    RunOption,
    SelectOption,
    TagOption,
    TargetsArgument,
    WhereOption,
    where_of,
    workspace,
)
from stoa.cli.say import as_json, table, tell
from stoa.cli.shared import print_written
from stoa.commands import tag
from stoa.show.tags import tags_document, tags_table

app = new_app()


@verb(
    app, "tag",
    "stoa tag A001_X121_X28b 'golden sample'",
    "stoa tag --where 'freq_ghz > 400' 'paper I'",
    "stoa tag A001_X121_X28b 'golden sample' --group spw25",
    "stoa tag --run sep@deep 'paper I'",
    "stoa tag 'A001_*' 'paper I' --remove",
    "stoa tag",
)  # fmt: skip
def tag_command(
    ctx: typer.Context,
    targets: TargetsArgument = None,
    name: Annotated[str, typer.Argument(metavar="TAG", help="Any words, in quotes.")] = "",
    remove: Annotated[bool, typer.Option("--remove", help="Take the tag away.")] = False,
    text: MessageOption = "",
    group: GroupOption = "",
    run: RunOption = "",
    where: WhereOption = "",
    tags: TagOption = None,
    select: SelectOption = None,
    json: JsonOption = False,
) -> None:
    """Give targets a tag, as one commit. Without arguments: list the tags.

    With --group only that image group of the targets is tagged; --run tags a run or, as PROCESS@SET, a pair.
    Every command that chooses targets takes --tag TAG; `stoa runs` and `stoa status` take it for runs and pairs.
    """
    ws = workspace(ctx)
    where = where_of(ws, where, tags, select)
    if targets or name or where or group or run:
        made = tag.tag(ws, targets or (), tag=name, remove=remove, text=text, where=where, group=group, run=run)
        print_written(made, json)
        return
    found = tag.tags(ws)
    if json:
        as_json(tags_document(found))
    elif found:
        table(tags_table(found))
    else:
        tell("no tags yet: `stoa tag TARGET TAG`")
