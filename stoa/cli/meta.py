"""stoa meta."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from stoa.cli.grammar import new_app, verb
from stoa.cli.options import (
    JsonOption,
    OneTargetArgument,
    SelectOption,
    TagOption,
    TargetsArgument,
    WorkersOption,
    workspace,
)
from stoa.cli.say import as_json, out, table, tell, write
from stoa.commands import meta
from stoa.show.targets import near_rules_table, overview_table, problems_table, role_lines
from stoa.show.words import count
from stoa.workspace.selections import picked

app = new_app("XML descriptions of the targets' FITS files.")


@verb(app, "build", "stoa meta build", "stoa meta build 'A001_*' -j 4")
def meta_build(
    ctx: typer.Context,
    names: TargetsArgument = None,
    tags: TagOption = None,
    select: SelectOption = None,
    jobs: WorkersOption = 0,
    replace: Annotated[bool, typer.Option("--replace", help="Also replace documents that STOA did not write.")] = False,
    json: JsonOption = False,
) -> None:
    """Describe the FITS files of targets from their headers, and commit what changed.

    A folder is not read again if its files have the same sizes and times as before. A document in git that STOA did not
    write stays, unless --replace is given.
    """
    progress = None if json or not sys.stderr.isatty() else _progress
    ws = workspace(ctx)
    chosen = picked(ws, names or (), tags or (), select or ())
    report = meta.build_documents(ws, chosen, jobs, progress, replace=replace)
    if json:
        as_json(report)
        return
    for name in report.vanished:
        tell(f"the folder of {name} is missing or cannot be reached; its document stays as it is")
    for name in report.kept:
        tell(f"STOA did not write the document of {name}, so it stays: `stoa meta build --replace {name}`")
    changed = f"{count(len(report.changed), 'document')} new or changed" if report.changed else "nothing changed"
    commit = f" (commit {report.commit[:9]})" if report.commit else ""
    out(f"described {count(report.files, 'file')} of {count(report.targets, 'target')}: {changed}{commit}")


def _progress(done: int, total: int) -> None:
    if done % 50 == 0 or done == total:
        end = "\n" if done == total else ""
        print(f"\rdescribed {done} of {total}", end=end, file=sys.stderr, flush=True)


@verb(app, "show", "stoa meta show A001_X121_X28b", "stoa meta show A001_X121_X28b --json")
def meta_show(ctx: typer.Context, name: OneTargetArgument, json: JsonOption = False) -> None:
    """Print the XML document of a target. --json prints its content with the values that STOA derives from it."""
    ws = workspace(ctx)
    data = meta.show_document(ws, name)
    if json:
        as_json(ws.document(name))
    else:
        write(data.decode("utf-8"))


@verb(app, "check", "stoa meta check", "stoa meta check --overview", "stoa meta check old/A001_X121_X28b.xml")
def meta_check(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="TARGET|FILE...", help="Targets or globs, or XML files (default: all targets)."),
    ] = None,
    tags: TagOption = None,
    select: SelectOption = None,
    brief: Annotated[
        bool, typer.Option("--overview", help="One line for each kind of problem instead of one for each file.")
    ] = False,
    everything: Annotated[bool, typer.Option("--all", help="Also show informational notes (level info).")] = False,
    json: JsonOption = False,
) -> None:
    """Name the problems of the folders before any script runs.

    The exit code is 1 if a folder has an error or a warning. Informational notes do not cause failure; show them with
    --all.
    """
    files = [name for name in names or () if name.endswith(".xml")]
    chosen = tuple(name for name in names or () if name not in files)
    found = [meta.check_file(Path(name)) for name in files]
    if chosen or tags or select or not files:
        ws = workspace(ctx)
        found += meta.check_documents(ws, picked(ws, chosen, tags or (), select or ()))
    faults = meta.without_notes(found)
    checked = found if everything else faults
    bad = [entry for entry in faults if entry.problems]
    notes = sum(len(entry.problems) for entry in found) - sum(len(entry.problems) for entry in checked)
    if json and brief:
        as_json(meta.overview(checked), several="problems")
    elif json:
        as_json(checked, several="targets")
    else:
        shown = overview_table(meta.overview(checked)) if brief else problems_table(checked)
        if shown.rows:
            table(shown)
        verdict = f"{len(bad)} of {count(len(found), 'document' if files else 'target')} with an error or a warning"
        tell(verdict + (f"; {count(notes, 'note')} more with --all" if notes else ""))
    if bad:
        raise typer.Exit(1)


@verb(app, "explain", "stoa meta explain /data/ALMA/A001/product/*.fits")
def meta_explain(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files on this machine.")],
    json: JsonOption = False,
) -> None:
    """Show which rule gives a file its role, and which rules nearly do.

    In a project, the rules of `.stoa/roles.yaml` count too.
    """
    found = [meta.explain_file(Path(), file) for file in files]
    if json:
        as_json(found if len(found) > 1 else found[0], several="files" if len(found) > 1 else "")
        return
    for one in found:
        for line in role_lines(one):
            out(line)
        if one.near:
            table(near_rules_table(one))
