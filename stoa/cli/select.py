"""stoa select."""

from __future__ import annotations

from typing import Annotated

import typer

from stoa.cli.grammar import new_app, verb
from stoa.cli.options import AtOption, JsonOption, MessageOption, TagOption, TargetOption, WhereOption, workspace
from stoa.cli.say import as_json, out, table, tell
from stoa.commands import select
from stoa.show.selections import condition_in_words, selections_table
from stoa.show.words import count

app = new_app()


@verb(
    app, "select",
    "stoa select bright --where 'freq_ghz > 200 AND noise_mjy < 0.1' --tag 'paper I' -m 'for figure 3'",
    "stoa run sep --select bright",
    "stoa select bright",
    "stoa select",
)  # fmt: skip
def select_command(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="SELECTION", help="Any words, in quotes.")] = "",
    target: TargetOption = None,
    where: WhereOption = "",
    tags: TagOption = None,
    failed: Annotated[
        bool, typer.Option("--failed", help="Only targets with a current outcome that did not succeed.")
    ] = False,
    flagged: Annotated[bool, typer.Option("--flagged", help="Only targets with open flags.")] = False,
    text: MessageOption = "",
    remove: Annotated[bool, typer.Option("--remove", help="Remove the selection. Its targets stay.")] = False,
    at: AtOption = "",
    json: JsonOption = False,
) -> None:
    """Save a condition over targets under a name, list its targets, or list all selections.

    Collaborators get it with `stoa sync`. Every command that chooses targets takes --select SELECTION. The targets are
    looked up each time, so that a selection follows the data.
    """
    asked = bool(target or where or tags or failed or flagged)
    if (asked or remove or text) and not name:
        raise typer.BadParameter("name the selection", param_hint="SELECTION")
    if asked and remove:
        raise typer.BadParameter("--remove takes a name only", param_hint="--remove")
    ws = workspace(ctx, at)
    if not name:
        _list(select.selections(ws), json)
        return
    if remove:
        found = select.remove(ws, name)
    elif asked or text:
        found = select.save(
            ws, name, targets=target or (), where=where, tags=tags or (), failed=failed, flagged=flagged, text=text
        )
    else:
        found = select.selected(ws, name)
    if json:
        as_json(found)
    elif remove:
        out(f"removed selection {name} (commit {found.commit[:9]})")
    elif found.commit:
        out(f"saved selection {name}: {count(len(found.targets), 'target')} now (commit {found.commit[:9]})")
    else:
        tell(f"{name}: {condition_in_words(found.selection)}")
        for each in found.targets:
            out(each)


def _list(found: list[select.Selected], json: bool) -> None:
    if json:
        as_json(found, several="selections")
    elif found:
        table(selections_table(found))
    else:
        tell("no selections yet: `stoa select NAME --where SQL`")
