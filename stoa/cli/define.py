"""process, params, env."""

from __future__ import annotations

from typing import Annotated

import typer

from stoa.cli.context import workspace
from stoa.cli.say import JsonOption, as_json, count, duration, fail, one_line, out, shown, table, tell
from stoa.commands import define
from stoa.commands.overrides import layers
from stoa.commands.sweep import settings_of
from stoa.errors import StoaError
from stoa.model import Process

app = typer.Typer()
process_app = typer.Typer(no_args_is_help=True)
params_app = typer.Typer(no_args_is_help=True)
env_app = typer.Typer(no_args_is_help=True)
app.add_typer(process_app, name="process", help="Scripts with declared inputs, parameters, outputs and results.")
app.add_typer(params_app, name="params", help="Named parameter sets of a process.")
app.add_typer(env_app, name="env", help="What processes run in.")

SetOption = Annotated[list[str] | None, typer.Option("--set", help="Parameter and value: snr=4. May be repeated.")]


@process_app.command("add")
def process_add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="A shipped process: sep, sextractor, aegean.")],
    json: JsonOption = False,
) -> None:
    """Copy a process that comes with STOA into the project, where it may be changed."""
    _made(define.add_process(workspace(ctx), name), json)


def _made(made: define.Made, json: bool) -> None:
    if json:
        as_json(made)
    else:
        *first, last = made.files
        out(f"wrote {', '.join(first)}{' and ' if first else ''}{last} (commit {made.commit[:9]})")


@process_app.command("new")
def process_new(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the process.")],
    script: Annotated[str, typer.Option("--from", help="The script, in this repository.")],
    over: Annotated[
        str,
        typer.Option(
            "--over", help="target: once a folder; image: once an image group; else what the script suggests."
        ),
    ] = "",
    json: JsonOption = False,
) -> None:
    """Write a definition for a script of yours, to be completed by hand.

    Options that a Python script declares with argparse are proposed as parameters, files as inputs and outputs. The
    script is read for that, not run.
    """
    if over not in ("", "target", "image"):
        raise typer.BadParameter("--over is target or image")
    _made(define.new_process(workspace(ctx), name, script, over), json)
    if not json:
        tell(f"next: fill in .stoa/processes/{name}.yaml, then `stoa process check {name}`")


@process_app.command("list")
def process_list(ctx: typer.Context, json: JsonOption = False) -> None:
    """List the processes."""
    listed = define.list_processes(workspace(ctx))
    if json:
        as_json(listed)
        return
    if listed:
        table(("process", "what"), [(row.name, _words(row)) for row in listed])
    tell(f"shipped, for `stoa process add`: {', '.join(define.shipped())}")


def _words(row: define.Listed) -> str:
    return f"broken: {row.problem}" if row.problem else row.doc


@process_app.command("show")
def process_show(
    ctx: typer.Context, name: Annotated[str, typer.Argument(help="A process.")], json: JsonOption = False
) -> None:
    """Show a process: its command, inputs, parameters with limits, outputs and results."""
    process = workspace(ctx).library.process(name)
    if json:
        as_json(process)
        return
    out(f"{process.name}: {process.doc}" if process.doc else process.name)
    out(f"command: {' '.join(process.command)}" + (" (by the shell)" if process.shell else ""))
    files = f" (with {', '.join(process.files)})" if process.files else ""
    out(f"script: {process.script or 'none'}{files}   over: {process.over}   environment: {process.environment}")
    out(_limits(process))
    for key, given in process.inputs.items():
        out(f"input {key}: role {' or '.join(given.role)}{' (optional)' if given.optional else ''}")
    if process.params:
        rows = [
            (k, s.type, *(None if v is None else shown(v) for v in (s.default, s.min, s.max)),
             ", ".join(map(shown, s.choices)), s.unit, s.doc)
            for k, s in process.params.items()
        ]  # fmt: skip
        headings = ("parameter", "type", "default", "min", "max", "choices", "unit", "what")
        table(headings, rows, maybe=("min", "max", "choices", "unit", "what"))
    for key, promised in process.outputs.items():
        out(f"output {key}: {promised.path} ({promised.kind}){' (optional)' if promised.optional else ''}")
    for key, result in process.results.items():
        tolerance = f", tolerance {100 * result.tolerance:g} %" if result.tolerance else ""
        out(f"result {key}: {result.type} {result.unit}".rstrip() + tolerance)


def _limits(process: Process) -> str:
    timeout = duration(process.timeout_s) if process.timeout_s else "none"
    memory = f"{process.memory_mb} MB" if process.memory_mb else "no limit"
    return f"timeout: {timeout}   memory: {memory}   skipped by exit code: {', '.join(map(str, process.skip_codes))}"


@process_app.command("check")
def process_check(
    ctx: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(help="Processes; by default all, and the environments.")] = None,
    json: JsonOption = False,
) -> None:
    """Check definitions, scripts, parameter sets and environments before anything runs."""
    checked = define.check_all(workspace(ctx), tuple(names or ()))
    if json:
        as_json(checked)
    else:
        for message, hint in checked.problems:
            fail(StoaError(message, hint or None))
        out(f"{count(checked.checked, 'process', 'processes')} checked, {count(len(checked.problems), 'problem')}")
    if checked.problems:
        raise typer.Exit(1)


@params_app.command("new")
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
    made, values = define.new_parameter_set(workspace(ctx), name, process, given, doc, base, where)
    if json:
        as_json({"made": made, "values": values.values, "rules": values.rules})
    else:
        _made(made, json=False)


@params_app.command("list")
def params_list(
    ctx: typer.Context,
    process: Annotated[str, typer.Option("--process", help="Of this process only.")] = "",
    json: JsonOption = False,
) -> None:
    """List parameter sets and what they change."""
    listed = define.list_parameter_sets(workspace(ctx), process)
    if json:
        as_json([{"process": name, "set": row.name, "values": row.doc, "problem": row.problem} for name, row in listed])
        return
    table(("process", "set", "values"), [(name, row.name, _words(row)) for name, row in listed])


@params_app.command("show")
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


@params_app.command("diff")
def params_diff(
    ctx: typer.Context,
    first: Annotated[str, typer.Argument(help="A set.")],
    second: Annotated[str, typer.Argument(help="Another set.")],
    process: Annotated[str, typer.Option("--process", help="The process they are for.")],
    json: JsonOption = False,
) -> None:
    """Say what differs between two parameter sets."""
    words = define.parameter_differences(workspace(ctx), process, first, second)
    if json:
        as_json(words)
    else:
        out("\n".join(words) or "the sets are equal")


@env_app.command("list")
def env_list(ctx: typer.Context, json: JsonOption = False) -> None:
    """List the environments."""
    listed = define.list_environments(workspace(ctx))
    if json:
        as_json(listed)
    else:
        table(("environment", "what"), [(row.name, _words(row)) for row in listed])


@env_app.command("add")
def env_add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the environment.")],
    python: Annotated[str, typer.Option("--python", help="Interpreter that `python` in a command means.")] = "",
    requirements: Annotated[str, typer.Option("--requirements", help="venv or casa: pip's file of packages.")] = "",
    image: Annotated[str, typer.Option("--image", help="docker: name of an image.")] = "",
    dockerfile: Annotated[str, typer.Option("--dockerfile", help="docker: file to build an image from.")] = "",
    casa: Annotated[bool, typer.Option("--casa", help="Scripts are for CASA.")] = False,
    executable: Annotated[str, typer.Option("--executable", help="casa: CASA's own program.")] = "",
    variables: Annotated[list[str] | None, typer.Option("--environ", help="Variable to set: NAME=VALUE.")] = None,
    doc: Annotated[str, typer.Option("--doc", help="What it is for, in words.")] = "",
    json: JsonOption = False,
) -> None:
    """Write an environment: an interpreter of this machine, a virtual environment, a Docker image, or CASA."""
    kind = "casa" if casa or executable else "docker" if image or dockerfile else "venv" if requirements else "host"
    fields = {
        "doc": doc, "kind": kind, "python": python, "requirements": requirements, "image": image,
        "dockerfile": dockerfile, "executable": executable, "environ": settings_of(variables or []),
    }  # fmt: skip
    _made(define.add_environment(workspace(ctx), name, fields), json)


@env_app.command("build")
def env_build(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="An environment.")],
    again: Annotated[bool, typer.Option("--again", help="Build it anew, with what its sources hold now.")] = False,
    json: JsonOption = False,
) -> None:
    """Build an environment on this machine, ahead of the first run that needs it."""
    facts = define.build_environment(workspace(ctx), name, again=again)
    if json:
        as_json({"environment": name, "facts": facts})
    else:
        table(("fact", "value"), list(facts.items()))


@env_app.command("show")
def env_show(
    ctx: typer.Context, name: Annotated[str, typer.Argument(help="An environment.")], json: JsonOption = False
) -> None:
    """Show an environment and what it is on this machine."""
    environment, facts = define.environment_facts(workspace(ctx), name)
    if json:
        as_json({"environment": environment, "facts": facts})
        return
    out(f"{environment.name}: {environment.kind}" + (f", {one_line(environment.doc)}" if environment.doc else ""))
    rows = [("interpreter", environment.python or "the one that STOA runs in")] if environment.kind == "host" else []
    named = ("requirements", "executable", "image", "dockerfile")
    rows += [(field, value) for field in named if (value := getattr(environment, field))]
    rows += [(f"variable {name}", value) for name, value in environment.environ.items()]
    rows += [("inherits", name) for name in environment.inherit]
    rows += [(f"rule for {rule.environment}", one_line(rule.where)) for rule in environment.rules]
    table(("fact", "value"), rows + [(name, value) for name, value in facts.items() if name != "kind"])
