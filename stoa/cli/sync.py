"""stoa sync."""

from __future__ import annotations

from typing import Annotated

import typer

from stoa.cli.context import workspace
from stoa.cli.say import JsonOption, as_json, out, tell
from stoa.commands import sync
from stoa.show.words import count, one_line

app = typer.Typer()


@app.command("sync")
def sync_command(
    ctx: typer.Context,
    remote: Annotated[str, typer.Option("--remote", help="Remote, where there are several.")] = "",
    rejoin: Annotated[
        bool, typer.Option("--rejoin", help="Put back commits that the remote has lost since the last sync.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Fetch, merge and push until everybody has everything.

    Plain `git pull` and `git push` do the same; this repeats them while others push, never touches
    files that you changed and did not commit, and looks at what comes before it is merged.
    """
    report = sync.sync(workspace(ctx), remote or None, rejoin=rejoin)
    if json:
        as_json(report)
        return
    merged = ", merged" if report.merged else ""
    moved = f"received {count(report.received, 'commit')}, sent {count(report.sent, 'commit')}{merged}"
    out(f"{report.remote}/{report.branch}: {moved} (now at {report.commit[:9]})")
    for path, message in report.unreadable:
        tell(f"cannot read {path}: {message}")
    if report.rebuild:
        tell(f"both sides had built, from different files: {_listed(report.rebuild)}")
        tell("`stoa meta build` makes them anew from the files that are here")
    if report.hook:
        tell(f"not run: your hook {one_line(report.hook)}; `git push` runs it, if it comes before `stoa sync`")
    if report.unshared:
        tell(f"not committed, so the others do not have it: {_listed(report.unshared)}")
        tell("`git add` and `git commit` them, then `stoa sync` again")


def _listed(paths: tuple[str, ...]) -> str:
    return one_line(", ".join(paths[:5])) + (f" and {len(paths) - 5} more" if len(paths) > 5 else "")
