"""stoa env."""

from __future__ import annotations

from typing import Annotated

import typer

from stoa.cli.context import workspace
from stoa.cli.process import listed_words, show_made
from stoa.cli.say import JsonOption, as_json, out, table
from stoa.commands import env
from stoa.runs.sweep import settings_of
from stoa.show.words import one_line

app = typer.Typer(no_args_is_help=True, help="What processes run in.")


@app.command("list")
def env_list(ctx: typer.Context, json: JsonOption = False) -> None:
    """List the environments."""
    listed = env.list_environments(workspace(ctx))
    if json:
        as_json(listed)
    else:
        table(("environment", "what"), [(row.name, listed_words(row)) for row in listed])


@app.command("add")
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
    show_made(env.add_environment(workspace(ctx), name, fields), json)


@app.command("build")
def env_build(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="An environment.")],
    again: Annotated[bool, typer.Option("--again", help="Build it anew, with what its sources hold now.")] = False,
    json: JsonOption = False,
) -> None:
    """Build an environment on this machine, ahead of the first run that needs it."""
    facts = env.build_environment(workspace(ctx), name, again=again)
    if json:
        as_json({"environment": name, "facts": facts})
    else:
        table(("fact", "value"), list(facts.items()))


@app.command("show")
def env_show(
    ctx: typer.Context, name: Annotated[str, typer.Argument(help="An environment.")], json: JsonOption = False
) -> None:
    """Show an environment and what it is on this machine."""
    environment, facts = env.environment_facts(workspace(ctx), name)
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
