"""stoa params."""

from __future__ import annotations

from typing import Annotated

import typer

from stoa.cli.grammar import new_app, verb
from stoa.cli.options import DocOption, JsonOption, NewNameArgument, OneSetOption, ProcessOption, workspace
from stoa.cli.say import as_json, out, table
from stoa.cli.shared import print_made, print_removed, print_renamed
from stoa.commands import params
from stoa.runs.overrides import layers
from stoa.runs.sweep import settings_of
from stoa.show.definitions import rule_lines, sets_table, values_table

app = new_app("Named parameter sets of a process.")

SetArgument = Annotated[
    str, typer.Argument(metavar="PROCESS@SET", help="Parameter set; its name alone if --process is given.")
]

NamedProcessOption = Annotated[
    str, typer.Option("--process", metavar="PROCESS", help="Process, if it is not named with the set.")
]


def pair_of(name: str, process: str) -> tuple[str, str]:
    """Process and set of ``PROCESS@SET``, or of a set's name and --process."""
    if "@" not in name and not process:
        raise typer.BadParameter(f"name the process: PROCESS@{name}, or --process PROCESS", param_hint="PROCESS@SET")
    if "@" not in name:
        return process, name
    found, _, chosen = name.partition("@")
    if not (found and chosen):
        raise typer.BadParameter(f"{name!r} names no process or no set: PROCESS@SET", param_hint="PROCESS@SET")
    if process not in ("", found):
        raise typer.BadParameter(f"{name!r} and --process {process!r} name two processes", param_hint="PROCESS@SET")
    return found, chosen


@verb(
    app, "new",
    "stoa params new sep@deep --set snr=4",
    "stoa params new sep@band9 --set snr=6 --where 'freq_ghz > 600'",
)  # fmt: skip
def params_new(
    ctx: typer.Context,
    name: SetArgument,
    process: NamedProcessOption = "",
    settings: OneSetOption = None,
    base: Annotated[
        str, typer.Option("--base", metavar="SET", help="Parameter set to take the other values from.")
    ] = "default",
    where: Annotated[
        str,
        typer.Option(
            "--where", metavar="SQL",
            help="Apply the --set values only to targets matching this expression (stored as a rule).",
        ),
    ] = "",
    doc: DocOption = "",
    json: JsonOption = False,
) -> None:  # fmt: skip
    """Write a parameter set: the values that differ from the defaults."""
    process, name = pair_of(name, process)
    given = settings_of(settings or [])
    made, values = params.new_parameter_set(workspace(ctx), name, process, given, doc, base, where)
    if json:
        as_json({"made": made, "values": values.values, "rules": values.rules})
    else:
        print_made(made, json=False)


@verb(app, "list", "stoa params list", "stoa params list sep")
def params_list(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="PROCESS", help="Only parameter sets of this process.")] = "",
    process: ProcessOption = "",
    json: JsonOption = False,
) -> None:
    """List parameter sets and the values that they change."""
    chosen, _, only = (name or process).partition("@")
    listed = [row for row in params.list_parameter_sets(workspace(ctx), chosen) if only in ("", row[1].name)]
    if json:
        rows = [{"process": key, "set": row.name, "values": row.doc, "problem": row.problem} for key, row in listed]
        as_json(rows, several="sets")
    else:
        table(sets_table(listed))


@verb(app, "show", "stoa params show sep@deep", "stoa params show sep@deep --target A001_X121_X28b")
def params_show(
    ctx: typer.Context,
    name: SetArgument,
    process: NamedProcessOption = "",
    target: Annotated[
        str, typer.Option("--target", "-t", metavar="TARGET", help="Show the values that this target gets.")
    ] = "",
    json: JsonOption = False,
) -> None:
    """Show every value of a parameter set, defaults included, and where it comes from."""
    process, name = pair_of(name, process)
    ws = workspace(ctx)
    definition = ws.library.process(process)
    chosen = ws.library.parameter_set(definition, name)
    found = layers(ws, definition, chosen, target)
    if json:
        origins = {key: origin for key, (_, origin) in found.items()}
        values = {key: value for key, (value, _) in found.items()}
        set_ = {"process": chosen.process, "name": chosen.name, "doc": chosen.doc, "values": values}
        as_json(set_ | {"origins": origins, "rules": chosen.rules, "target": target})
        return
    table(values_table(definition, found))
    for line in rule_lines(() if target else chosen.rules):
        out(line)


@verb(app, "diff", "stoa params diff sep@default sep@deep", "stoa params diff default deep --process sep")
def params_diff(
    ctx: typer.Context,
    first: SetArgument,
    second: Annotated[
        str, typer.Argument(metavar="SET", help="The other parameter set, PROCESS@SET or its name alone.")
    ],
    process: NamedProcessOption = "",
    json: JsonOption = False,
) -> None:
    """Show the differences of two parameter sets."""
    process, first = pair_of(first, process)
    process, second = pair_of(second, process)
    words = params.parameter_differences(workspace(ctx), process, first, second)
    if json:
        as_json(words, several="differences")
    else:
        out("\n".join(words) or "the sets are equal")


@verb(app, "remove", "stoa params remove sep@deep", "stoa params remove deep --process sep")
def params_remove(
    ctx: typer.Context,
    name: SetArgument,
    process: NamedProcessOption = "",
    json: JsonOption = False,
) -> None:
    """Remove a parameter set. Runs keep what they froze of it."""
    process, name = pair_of(name, process)
    print_removed(params.remove_parameter_set(workspace(ctx), name, process), json)


@verb(app, "rename", "stoa params rename sep@deep deeper")
def params_rename(
    ctx: typer.Context,
    name: SetArgument,
    new: NewNameArgument,
    process: NamedProcessOption = "",
    json: JsonOption = False,
) -> None:
    """Give a parameter set another name.

    What was recorded under the old name belongs to the new one from then on. No record changes.
    """
    process, name = pair_of(name, process)
    print_renamed(params.rename_parameter_set(workspace(ctx), name, new, process), json)
