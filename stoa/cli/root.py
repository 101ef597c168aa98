"""stoa root."""

from __future__ import annotations

from typing import Annotated

import typer

from stoa.cli.context import workspace
from stoa.cli.say import JsonOption, as_json, out, table, tell
from stoa.commands import root
from stoa.project import PRODUCTS_ROOT
from stoa.workspace import roots

app = typer.Typer(no_args_is_help=True, help="Named places where data lie.")


@app.command("add")
def root_add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the root, the same for everybody.")],
    path: Annotated[str, typer.Argument(help="Where it lies on this machine.")],
    doc: Annotated[str, typer.Option("--doc", help="What lies there, in words.")] = "",
    json: JsonOption = False,
) -> None:
    """Name a place where data lie.

    The name is shared through git, the path stays on this machine. The root `products` takes what processes write.
    """
    ws = workspace(ctx)
    state = root.add_root(ws, name, path, doc)
    if json:
        as_json(state)
        return
    out(f"root {state.name} is {state.path} on this machine")
    if name != PRODUCTS_ROOT and not any(target.root == name for target in ws.targets.values()):
        tell(f"next: `stoa target add {name} GLOB` takes the folders that match, such as '**/product*' or '*'")


@app.command("list")
def root_list(ctx: typer.Context, json: JsonOption = False) -> None:
    """List the roots and where they lie on this machine."""
    states = roots.list_roots(workspace(ctx))
    if json:
        as_json(states)
        return
    rows = [(s.name, s.path or "no path here", "yes" if s.exists else "no", s.doc) for s in states]
    table(("root", "path", "exists", "what"), rows)
