"""stoa params."""

from __future__ import annotations

from typing import Annotated

import typer

from stoa.cli.context import workspace
from stoa.cli.process import SetOption, listed_words, show_made
from stoa.cli.say import JsonOption, as_json, out, table
from stoa.commands import params
from stoa.runs.overrides import layers
from stoa.runs.sweep import settings_of
from stoa.show.words import one_line, shown

app = typer.Typer(no_args_is_help=True, help="Named parameter sets of a process.")


@app.command("new")
def params_new(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the set.")],
    process: Annotated[str, typer.Option("--process", help="The process it is for.")],
    settings: SetOption = None,
    base: Annotated[str, typer.Option("--base", help="Set that the other values come from.")] = "default",
    where: Annotated[
        str, typer.Option("--where", help="Give the values of --set to targets only that fit: a rule of the set.")
    ] = "",
    doc: Annotated[str, typer.Option("--doc", help="What it is for, in words.")] = "",
    json: JsonOption = False,
) -> None:
    """Write a parameter set: the values that differ from the defaults."""
    given = settings_of(settings or [])
    made, values = params.new_parameter_set(workspace(ctx), name, process, given, doc, base, where)
    if json:
        as_json({"made": made, "values": values.values, "rules": values.rules})
    else:
        show_made(made, json=False)


@app.command("list")
def params_list(
    ctx: typer.Context,
    process: Annotated[str, typer.Option("--process", help="Of this process only.")] = "",
    json: JsonOption = False,
) -> None:
    """List parameter sets and what they change."""
    listed = params.list_parameter_sets(workspace(ctx), process)
    if json:
        as_json([{"process": name, "set": row.name, "values": row.doc, "problem": row.problem} for name, row in listed])
        return
    table(("process", "set", "values"), [(name, row.name, listed_words(row)) for name, row in listed])


@app.command("show")
def params_show(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="A set.")],
    process: Annotated[str, typer.Option("--process", help="The process it is for.")],
    target: Annotated[str, typer.Option("--target", "-t", help="As they are for this target.")] = "",
    json: JsonOption = False,
) -> None:
    """Show every value of a parameter set, defaults included, and where it comes from."""
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
    rows = [
        (key, shown(value), definition.params[key].unit, origin, definition.params[key].doc)
        for key, (value, origin) in found.items()
    ]
    table(("parameter", "value", "unit", "from", "what"), rows, maybe=("unit", "what"))
    for number, rule in enumerate(() if target else chosen.rules, 1):
        given = ", ".join(f"{key}={shown(value)}" for key, value in rule.values.items())
        out(f"rule {number}: {given} where {one_line(rule.where)}" + (f" ({one_line(rule.doc)})" if rule.doc else ""))


@app.command("diff")
def params_diff(
    ctx: typer.Context,
    first: Annotated[str, typer.Argument(help="A set.")],
    second: Annotated[str, typer.Argument(help="Another set.")],
    process: Annotated[str, typer.Option("--process", help="The process they are for.")],
    json: JsonOption = False,
) -> None:
    """Say what differs between two parameter sets."""
    words = params.parameter_differences(workspace(ctx), process, first, second)
    if json:
        as_json(words)
    else:
        out("\n".join(words) or "the sets are equal")
