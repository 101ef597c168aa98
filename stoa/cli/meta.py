"""stoa meta."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from stoa.cli.context import workspace
from stoa.cli.say import JsonOption, QuietOption, as_json, out, table, tell
from stoa.commands import meta as documents
from stoa.show.words import count

app = typer.Typer(no_args_is_help=True, help="XML descriptions of the targets' FITS files.")


@app.command("build")
def meta_build(
    ctx: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(help="Targets or globs; by default all.")] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=0, help="How many processes; 0: one a processor.")] = 0,
    replace: Annotated[bool, typer.Option("--replace", help="Also in the place of documents by other hands.")] = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Describe the FITS files of targets, from their headers, and commit what changed.

    A folder whose files have the sizes and times that they had is not read again. A document in git that STOA did not
    write stays, unless --replace is given.
    """
    progress = None if json or quiet or not sys.stderr.isatty() else _progress
    report = documents.build_documents(workspace(ctx), tuple(names or ()), jobs, progress, replace=replace)
    if json:
        as_json(report)
        return
    for name in report.vanished:
        tell(f"the folder of {name} is not there or cannot be reached; its document stays as it was")
    for name in report.kept:
        tell(f"the document of {name} was not written by STOA and stays: `stoa meta build --replace {name}`")
    if quiet:
        return
    changed = f"{count(len(report.changed), 'document')} new or changed" if report.changed else "nothing changed"
    out(f"described {count(report.files, 'file')} of {count(report.targets, 'target')}: {changed}"
        + (f" (commit {report.commit[:9]})" if report.commit else ""))  # fmt: skip


def _progress(done: int, total: int) -> None:
    if done % 50 == 0 or done == total:
        end = "\n" if done == total else ""
        print(f"\rdescribed {done} of {total}", end=end, file=sys.stderr, flush=True)


@app.command("show")
def meta_show(
    ctx: typer.Context, name: Annotated[str, typer.Argument(help="A target.")], json: JsonOption = False
) -> None:
    """Print the XML document of a target; --json has the same with what STOA derived from it."""
    ws = workspace(ctx)
    data = documents.show_document(ws, name)
    if json:
        as_json(ws.document(name))
    else:
        sys.stdout.write(data.decode("utf-8"))


@app.command("check")
def meta_check(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(help="Targets or globs, or XML files with documents; by default all targets.")
    ] = None,
    brief: Annotated[bool, typer.Option("--overview", help="One line a problem instead of one a file.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Also what is only good to know (level info).")] = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Say what the folders lack, before any script runs.

    Exits with 1 when a folder has an error or a warning; what is good to know (info) is no reason, and is shown
    with --all.
    """
    files = [name for name in names or () if name.endswith(".xml")]
    chosen = tuple(name for name in names or () if name not in files)
    found = [documents.check_file(Path(name)) for name in files]
    if chosen or not files:
        found += documents.check_documents(workspace(ctx), chosen)
    faults = documents.without_notes(found)
    checked = found if everything else faults
    bad = [entry for entry in faults if entry.problems]
    notes = sum(len(entry.problems) for entry in found) - sum(len(entry.problems) for entry in checked)
    verdict = f"{len(bad)} of {count(len(found), 'document' if files else 'target')} with an error or a warning"
    verdict += f"; {count(notes, 'thing')} good to know with --all" if notes else ""
    if json:
        as_json(documents.overview(checked) if brief else checked)
    elif brief and not quiet:
        summary = documents.overview(checked)
        lines = [(one.level, one.code, one.targets, one.times, one.example) for one in summary]
        if lines:
            table(("level", "problem", "targets", "times", "for example"), lines, right=("targets", "times"))
        tell(verdict)
    elif not quiet:
        rows = [(entry.target, p.level, p.code, p.message) for entry in checked for p in entry.problems]
        if rows:
            table(("target", "level", "problem", "what"), rows)
        tell(verdict)
    if bad:
        raise typer.Exit(1)


@app.command("explain")
def meta_explain(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files on this machine.")],
    json: JsonOption = False,
) -> None:
    """Say which rule gives a file its role, and which rules nearly did.

    In a project its `.stoa/roles.yaml` counts, too.
    """
    found = [documents.explain_file(Path(), file) for file in files]
    if json:
        as_json(found[0] if len(found) == 1 else found)
        return
    for one in found:
        out(f"{one.file}: {one.role}")
        facts = {"rule": one.rule or "none", "because": one.why, "image": one.group, "intent": one.intent}
        for key, text in {**facts, "kind": one.kind}.items():
            out(f"  {key:8} {text}")
        for problem in one.problems:
            out(f"  {'problem':8} {problem}")
        if one.near:
            table(("nearly", "role", "why not"), [(near.rule, near.role, near.why) for near in one.near])
