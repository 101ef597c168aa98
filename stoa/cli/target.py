"""stoa target."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from stoa.cli.grammar import new_app, verb
from stoa.cli.options import (
    FlaggedOption,
    JsonOption,
    MocOption,
    NewNameArgument,
    OneTargetArgument,
    OutOption,
    SelectOption,
    TagOption,
    TargetsArgument,
    WhereOption,
    where_of,
    workspace,
)
from stoa.cli.say import as_json, out, table, tell
from stoa.cli.shared import print_removed, print_renamed
from stoa.commands import target
from stoa.errors import StoaError
from stoa.opening import read_bounded
from stoa.request import Selection
from stoa.show.definitions import pairs_table
from stoa.show.targets import (
    COLUMNS,
    observed_in_words,
    observed_notes,
    observed_table,
    targets_table,
    value_in_words,
)
from stoa.show.words import count
from stoa.sources import observed

app = new_app("The data folders to process.")


@verb(
    app, "add",
    "stoa target add alma '**/product*'",
    "find /data/ALMA -name product | stoa target add alma --from -",
)  # fmt: skip
def target_add(
    ctx: typer.Context,
    root: Annotated[str, typer.Argument(metavar="ROOT", help="Root that the folders are in.")],
    patterns: Annotated[
        list[str] | None,
        typer.Argument(metavar="GLOB...", help="Globs relative to the root, in quotes: '**/product*'. Folders only."),
    ] = None,
    from_file: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="File with one folder on each line, or - for standard input."),
    ] = None,
    list_name: Annotated[
        str, typer.Option("--list", metavar="NAME", help="List to add to (default: the name of the root).")
    ] = "",
    name: Annotated[
        str,
        typer.Option(
            "--name",
            metavar="PATTERN",
            help="Pattern of the names: '{-2}_{-1}' takes the last two parts of the path.",
        ),
    ] = "",
    once: Annotated[
        bool, typer.Option("--once", help="Do not remember the patterns; `stoa update` adds nothing by them.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Add folders of a root to the targets.

    A folder without FITS files is a target too, and its outcomes will say so. Patterns are remembered: `stoa update`
    adds what comes later.
    """
    paths = _lines(from_file) if from_file else []
    if not patterns and not from_file:
        raise typer.BadParameter("give a glob, or --from FILE")
    ws = workspace(ctx)
    report = target.add_targets(ws, root, patterns or (), paths, list_name, name, remember=not once)
    if json:
        as_json(report)
        return
    known = f", {report.known} known already" if report.known else ""
    commit = f" (commit {report.commit[:9]})" if report.commit else ""
    out(f"added {count(len(report.added), 'target')}{known}{commit}")
    for path in report.refused:
        tell(f"left out {path!r}: a name that is not UTF-8 text cannot be recorded")
    for path, same in report.doubles.items():
        tell(f"left out {path}: it is the same folder as {same}, through a link")
    if report.twins:
        path, same = next(iter(report.twins.items()))
        targets = ws.targets
        first = f"{root}:{path} is the folder of target {same} ({targets[same].root}:{targets[same].path})"
        more = f", and {len(report.twins) - 1} more" if len(report.twins) > 1 else ""
        tell(f"left out what another root has as targets: {first}{more}")
    processes = ws.library.processes()
    if report.added and processes:
        tell(f"next: `stoa run {processes[0]}`" + (" or another process" if len(processes) > 1 else ""))
    elif report.added:
        tell("next: `stoa process new NAME --from SCRIPT` for a script of yours, or `stoa process add sep`")


@verb(
    app, "from-log",
    "stoa target from-log alma-log.vot --catalogue veron2010.vot",
    "stoa target from-log alma-log.vot -c veron2010.vot --radius 30arcsec --out observed.ecsv",
    aliases={"-r": "--radius"},
)  # fmt: skip
def target_from_log(
    ctx: typer.Context,
    log: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="Observation log, ObsCore or ALMA's older form: VOTable, FITS, ECSV, CSV."),
    ],
    catalogue: Annotated[
        Path, typer.Option("--catalogue", "-c", metavar="FILE", help="Table of objects with positions.")
    ],
    radius: Annotated[
        str,
        typer.Option(
            "--radius", metavar="ANGLE",
            help="Size of a field: `hwhm` of the primary beam (and the region of a mosaic), or an angle: 30arcsec.",
        ),
    ] = observed.HWHM,
    moc: MocOption = None,
    out_file: OutOption = None,
    json: JsonOption = False,
) -> None:  # fmt: skip
    """Find the objects of a catalogue in the fields of an observation log, and the targets that show them.

    Observations are joined to folders by the uid of the member OUS. --out writes each object with its observation.
    """
    report = observed.from_log(workspace(ctx), log, catalogue, radius, out_file, moc)
    if json:
        as_json(report)
        return
    if report.found:
        table(observed_table(report))
    out(observed_in_words(report))
    for note in observed_notes(report):
        tell(note)
    if report.files:
        out(f"wrote {report.files[0]}")


def _lines(file: Path) -> list[str]:
    """Lines of a list of folders; a name that is not UTF-8 comes through and is refused later."""
    try:
        data = sys.stdin.buffer.read() if str(file) == "-" else read_bounded(file)
    except OSError as problem:
        raise StoaError(f"cannot read {file}: {problem.strerror}") from None
    lines = (line.removesuffix("\r") for line in data.decode("utf-8", "surrogateescape").split("\n"))
    return [line for line in lines if line.strip()]


@verb(app, "list", "stoa target list", "stoa target list --where \"band = '6'\" --columns object,freq_ghz,beam_arcsec")
def target_list(
    ctx: typer.Context,
    names: TargetsArgument = None,
    where: WhereOption = "",
    tags: TagOption = None,
    select: SelectOption = None,
    flagged: FlaggedOption = False,
    columns: Annotated[
        str, typer.Option("--columns", metavar="NAMES", help="Metadata columns, separated by commas; `all` for all.")
    ] = "",
    json: JsonOption = False,
) -> None:
    """List the targets with columns of their metadata."""
    ws = workspace(ctx)
    where = where_of(ws, where, tags, select)
    chosen = Selection(targets=tuple(names or ()), where=where, flagged=flagged)
    rows = target.list_targets(ws, chosen)
    if json:
        as_json(rows, several="targets")
        return
    wanted = _columns(columns, list(rows[0].metadata) if rows else [])
    if rows:
        table(targets_table(rows, wanted))
    tell(count(len(rows), "target") if rows else "no target yet: `stoa target add ROOT GLOB` adds some")


def _columns(asked: str, known: list[str]) -> tuple[str, ...]:
    if asked == "all":
        return tuple(known)
    names = tuple(name.strip() for name in asked.split(",") if name.strip())
    unknown = [name for name in names if known and name not in known]
    if unknown:
        raise StoaError(f"no column {unknown[0]!r}", f"columns: {', '.join(known)}")
    return names or tuple(name for name in COLUMNS if name in known)


@verb(app, "show", "stoa target show A001_X121_X28b")
def target_show(ctx: typer.Context, name: OneTargetArgument, json: JsonOption = False) -> None:
    """Show the folder of a target and its metadata."""
    rows = target.list_targets(workspace(ctx), Selection(targets=(name,)))
    if json:
        as_json(rows[0])
        return
    out(f"{rows[0].name}  {rows[0].root}:{rows[0].path}")
    facts = [(key, value_in_words(value, 6)) for key, value in rows[0].metadata.items() if value not in (None, "")]
    if facts:
        table(pairs_table("column", facts))
    else:
        tell("no metadata yet: `stoa meta build` describes its files")


@verb(app, "remove", "stoa target remove A001_X2ca9_Xf03", "stoa target remove 'A001*'")
def target_remove(
    ctx: typer.Context,
    names: Annotated[list[str], typer.Argument(metavar="TARGET...", help="Names of targets, or globs in quotes.")],
    json: JsonOption = False,
) -> None:
    """Remove targets and their metadata.

    Outcomes, flags and comments stay recorded. Adding the same folder again brings a target back with its history.
    """
    print_removed(target.remove_targets(workspace(ctx), names), json)


@verb(app, "rename", "stoa target rename product-1 CenA_B6")
def target_rename(
    ctx: typer.Context,
    name: OneTargetArgument,
    new: NewNameArgument,
    json: JsonOption = False,
) -> None:
    """Give a target another name.

    What was recorded under the old name belongs to the new one from then on. No record changes.
    """
    print_renamed(target.rename_target(workspace(ctx), name, new), json)
