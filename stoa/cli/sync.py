"""stoa sync."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from stoa.cli.grammar import new_app, verb
from stoa.cli.options import JsonOption, workspace
from stoa.cli.say import as_json, out, tell
from stoa.cli.shared import moving, print_fetched, print_sent
from stoa.commands import sync
from stoa.show.runs import some
from stoa.show.words import count, one_line
from stoa.workspace.open import Workspace

app = new_app()


@verb(app, "sync", "stoa sync", "stoa sync --remote origin")
def sync_command(
    ctx: typer.Context,
    remote: Annotated[str, typer.Option("--remote", metavar="NAME", help="Remote to use, if there are several.")] = "",
    rejoin: Annotated[
        bool, typer.Option("--rejoin", help="Put back commits that the remote has lost since the last sync.")
    ] = False,
    products: Annotated[
        bool, typer.Option("--products", help="Also push products to the store, and fetch those that are not here.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Fetch, merge and push until all collaborators have the same.

    Plain `git pull` and `git push` do the same. This repeats them while others push, never touches files that you
    changed and did not commit, and checks incoming content before merging it.
    """
    ws = workspace(ctx)
    if products:
        sync.check_store(ws)
    report = sync.sync(ws, remote or None, rejoin=rejoin)
    exchanged = _exchange_products(ws, json) if products else None
    if json:
        as_json(msgspec.to_builtins(report) | ({"products": msgspec.to_builtins(exchanged)} if exchanged else {}))
        return
    merged = ", merged" if report.merged else ""
    where = f" to {one_line(', '.join(report.sent_to))}" if report.sent_to else ""
    moved = f"received {count(report.received, 'commit')}, sent {count(report.sent, 'commit')}{where}{merged}"
    out(f"{report.remote}/{report.branch}: {moved} (now at {report.commit[:9]})")
    for path, message in report.unreadable:
        tell(f"cannot read {path}: {message}")
    if report.rebuild:
        tell(f"both sides built these from different files: {one_line(some(report.rebuild, 5))}")
        tell("`stoa meta build` builds them again from the files on this machine")
    if report.hook:
        tell(f"your hook {one_line(report.hook)} did not run; run `git push` before `stoa sync` if it should")
    if exchanged:
        print_sent(exchanged.sent)
        print_fetched(exchanged.fetched)
    if report.unshared:
        tell(f"not committed, so the others do not have it: {one_line(some(report.unshared, 5))}")
        tell("`git add` and `git commit` them, then `stoa sync` again")


def _exchange_products(ws: Workspace, json: bool) -> sync.Exchanged:
    with moving(json) as progress:
        return sync.products_too(ws, progress)
