"""stoa env."""

from __future__ import annotations

from typing import Annotated

import typer

from stoa.cli.grammar import new_app, verb
from stoa.cli.options import DocOption, JsonOption, NewNameArgument, workspace
from stoa.cli.say import as_json, out, table
from stoa.cli.shared import print_made, print_removed, print_renamed
from stoa.commands import env
from stoa.runs.sweep import settings_of
from stoa.show.definitions import facts_table, listed_table, pairs_table
from stoa.show.words import one_line

app = new_app("Environments that processes run in.")

NameArgument = Annotated[str, typer.Argument(metavar="ENV", help="Name of an environment.")]


@verb(app, "list", "stoa env list")
def env_list(ctx: typer.Context, json: JsonOption = False) -> None:
    """List the environments."""
    listed = env.list_environments(workspace(ctx))
    if json:
        as_json(listed, several="environments")
    else:
        table(listed_table("environment", listed))


@verb(
    app, "add",
    "stoa env add finders --requirements requirements.txt",
    "stoa env add sextractor --image sextractor:2.28",
    "stoa env add casa6 --casa --requirements casa.txt",
)  # fmt: skip
def env_add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the new environment.")],
    python: Annotated[
        str, typer.Option("--python", metavar="FILE", help="Interpreter for `python` in a command.")
    ] = "",
    requirements: Annotated[
        str, typer.Option("--requirements", metavar="FILE", help="For venv or casa: list of packages for pip.")
    ] = "",
    image: Annotated[str, typer.Option("--image", metavar="IMAGE", help="For docker: name of an image.")] = "",
    dockerfile: Annotated[
        str, typer.Option("--dockerfile", metavar="FILE", help="For docker: file to build an image from.")
    ] = "",
    casa: Annotated[bool, typer.Option("--casa", help="The scripts are for CASA.")] = False,
    executable: Annotated[str, typer.Option("--executable", metavar="FILE", help="For casa: CASA's own program.")] = "",
    variables: Annotated[
        list[str] | None, typer.Option("--environ", metavar="NAME=VALUE", help="Variable to set. Can be repeated.")
    ] = None,
    doc: DocOption = "",
    json: JsonOption = False,
) -> None:
    """Define an environment: an interpreter of this machine, a virtual environment, a Docker image, or CASA."""
    kind = "casa" if casa or executable else "docker" if image or dockerfile else "venv" if requirements else "host"
    fields = {
        "doc": doc, "kind": kind, "python": python, "requirements": requirements, "image": image,
        "dockerfile": dockerfile, "executable": executable, "environ": settings_of(variables or []),
    }  # fmt: skip
    print_made(env.add_environment(workspace(ctx), name, fields), json)


@verb(app, "build", "stoa env build finders", "stoa env build finders --again")
def env_build(
    ctx: typer.Context,
    name: NameArgument,
    again: Annotated[
        bool, typer.Option("--again", help="Build it again from the present content of its sources.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Build an environment on this machine before the first run that needs it."""
    facts = env.build_environment(workspace(ctx), name, again=again)
    if json:
        as_json({"environment": name, "facts": facts})
    else:
        table(pairs_table("fact", list(facts.items())))


@verb(app, "show", "stoa env show finders")
def env_show(ctx: typer.Context, name: NameArgument, json: JsonOption = False) -> None:
    """Show an environment and its facts on this machine."""
    environment, facts = env.environment_facts(workspace(ctx), name)
    if json:
        as_json({"environment": environment, "facts": facts})
        return
    out(f"{environment.name}: {environment.kind}" + (f", {one_line(environment.doc)}" if environment.doc else ""))
    table(facts_table(environment, facts))


@verb(app, "remove", "stoa env remove radio")
def env_remove(
    ctx: typer.Context,
    name: NameArgument,
    json: JsonOption = False,
) -> None:
    """Remove an environment. Runs keep what they froze of it."""
    print_removed(env.remove_environment(workspace(ctx), name), json)


@verb(app, "rename", "stoa env rename radio radio-2026")
def env_rename(
    ctx: typer.Context,
    name: NameArgument,
    new: NewNameArgument,
    json: JsonOption = False,
) -> None:
    """Give an environment another name.

    What was recorded under the old name belongs to the new one from then on. No record changes.
    """
    print_renamed(env.rename_environment(workspace(ctx), name, new), json)
