"""sync, clone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stoa.cli.context import workspace
from stoa.cli.say import JsonOption, as_json, count, one_line, out, tell
from stoa.commands import share

app = typer.Typer()


@app.command()
def sync(
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
    report = share.sync(workspace(ctx), remote or None, rejoin=rejoin)
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


@app.command()
def clone(
    url: Annotated[str, typer.Argument(help="Where the project is: https, ssh, or a path.")],
    directory: Annotated[str, typer.Argument(help="Where it is to be; by default named as the repository.")] = "",
    json: JsonOption = False,
) -> None:
    """Copy a project, and say which roots have no path on this machine.

    Works like `git clone`, and looks at what comes before any file of it is written.
    """
    report = share.clone(url, Path(directory) if directory else None)
    if json:
        as_json(report)
        return
    out(f"{report.project} in {report.path}: {count(report.targets, 'target')} (at {report.commit[:9]})")
    for root in report.unplaced:
        tell(f"root {root.name} ({root.doc}) has no path on this machine: `stoa root add {root.name} PATH`")
