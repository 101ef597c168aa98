"""stoa root."""

from __future__ import annotations

from typing import Annotated

import typer

from stoa.cli.grammar import new_app, verb
from stoa.cli.options import DocOption, JsonOption, workspace
from stoa.cli.say import as_json, out, table, tell
from stoa.cli.shared import print_removed
from stoa.commands import root
from stoa.project import PRODUCTS_ROOT
from stoa.show.definitions import roots_table
from stoa.workspace.roots import list_roots

app = new_app("Named places for data.")


@verb(app, "add", "stoa root add alma /data/ALMA", "stoa root add products /scratch/products")
def root_add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="ROOT", help="Name of the root, the same for all collaborators.")],
    path: Annotated[str, typer.Argument(metavar="FOLDER", help="Folder of the root on this machine.")],
    doc: DocOption = "",
    json: JsonOption = False,
) -> None:
    """Name a folder with data.

    The name is shared through git, the path stays on this machine. Processes write their products to the root
    `products`.
    """
    ws = workspace(ctx)
    state = root.add_root(ws, name, path, doc)
    if json:
        as_json(state)
        return
    out(f"root {state.name} is {state.path} on this machine")
    if name != PRODUCTS_ROOT and not any(target.root == name for target in ws.targets.values()):
        tell(f"next: `stoa target add {name} GLOB` takes the folders that match, such as '**/product*' or '*'")


@verb(app, "list", "stoa root list")
def root_list(ctx: typer.Context, json: JsonOption = False) -> None:
    """List the roots and their folders on this machine."""
    states = list_roots(workspace(ctx))
    if json:
        as_json(states, several="roots")
    else:
        table(roots_table(states))


@verb(app, "remove", "stoa root remove alma")
def root_remove(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="ROOT", help="Name of a root.")],
    json: JsonOption = False,
) -> None:
    """Remove a root from the project. Nothing in its folder is touched."""
    print_removed(root.remove_root(workspace(ctx), name), json)
