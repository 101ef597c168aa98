"""stoa target."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from stoa.cli.context import workspace
from stoa.cli.say import JsonOption, as_json, out, table, tell
from stoa.commands import target as targets
from stoa.errors import StoaError
from stoa.request import Selection
from stoa.show.words import count, number
from stoa.sources import observed

app = typer.Typer(no_args_is_help=True, help="The data folders that are processed.")


COLUMNS = ("n_files", "n_images", "object", "freq_ghz", "band", "beam_arcsec", "problems")


@app.command("add")
def target_add(
    ctx: typer.Context,
    root: Annotated[str, typer.Argument(help="A root.")],
    patterns: Annotated[
        list[str] | None, typer.Argument(help="Globs relative to the root, quoted: '**/product*'. Folders only.")
    ] = None,
    from_file: Annotated[
        Path | None, typer.Option("--from", help="File with one folder a line, or - for standard input.")
    ] = None,
    list_name: Annotated[str, typer.Option("--list", help="List to add to; by default the root's name.")] = "",
    name: Annotated[
        str, typer.Option("--name", help="Pattern of the names: '{-2}_{-1}' takes the last two parts of the path.")
    ] = "",
    json: JsonOption = False,
) -> None:
    """Add folders of a root to the targets.

    A folder without FITS files is a target too, and its outcomes say so.
    """
    paths = _lines(from_file) if from_file else []
    if not patterns and not from_file:
        raise typer.BadParameter("give a glob, or --from FILE")
    ws = workspace(ctx)
    report = targets.add_targets(ws, root, patterns or (), paths, list_name, name)
    if json:
        as_json(report)
        return
    known = f", {report.known} known already" if report.known else ""
    out(
        f"added {count(len(report.added), 'target')}{known}"
        + (f" (commit {report.commit[:9]})" if report.commit else "")
    )
    for path in report.refused:
        tell(f"left out {path!r}: a name that is not UTF-8 text cannot be recorded")
    for path, same in report.doubles.items():
        tell(f"left out {path}: it is the same folder as {same}, by way of a link")
    processes = ws.library.processes()
    if report.added and processes:
        tell(f"next: `stoa run {processes[0]}`" + (" or another process" if len(processes) > 1 else ""))
    elif report.added:
        tell("next: `stoa process new NAME --from SCRIPT` for a script of yours, or `stoa process add sep`")


@app.command("from-log")
def target_from_log(
    ctx: typer.Context,
    log: Annotated[
        Path, typer.Argument(help="Observation log: ObsCore or ALMA's older form; VOTable, FITS, ECSV, CSV.")
    ],
    catalogue: Annotated[Path, typer.Option("--catalogue", "-c", help="Table of objects with positions.")],
    radius: Annotated[
        str,
        typer.Option("--radius", "-r", help="hwhm: of the primary beam, and a mosaic's region; or an angle: 30arcsec."),
    ] = observed.HWHM,
    out_file: Annotated[
        Path | None, typer.Option("--out", "-o", help="Table to write: each object with its observation.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Find which objects of a catalogue an observation log has in its fields, and which of those are targets.

    Observations are joined to folders by the uid of the member OUS.
    """
    report = observed.from_log(workspace(ctx), log, catalogue, radius, out_file)
    if json:
        as_json(report)
        return
    rows = [
        (
            one.object,
            one.source,
            one.project,
            one.observation,
            f"{one.separation_arcsec:.1f}",
            " ".join(one.targets) or "-",
        )
        for one in report.found
    ]
    if rows:
        table(("object", "field", "project", "member OUS", "arcsec", "targets"), rows, right=("arcsec",))
    out(f"{report.observed_objects} of {count(report.objects, 'object')} in {count(report.observations, 'field')}"
        f" of {count(report.rows, 'row')}; {count(len(report.targets), 'target')} on disk")  # fmt: skip
    for words, names in (
        ("observed and not on disk", report.not_on_disk),
        ("on disk and not in the log", report.not_in_log),
        ("on disk without a known member OUS", report.no_member),
    ):
        if names:
            tell(f"{words}: {len(names)}: {', '.join(names[:20])}{', ...' if len(names) > 20 else ''}")
    if report.unknown_radius:
        tell(f"{count(report.unknown_radius, 'field')} of unknown size hold nothing; --radius ANGLE gives them one")
    if report.files:
        out(f"wrote {report.files[0]}")


def _lines(file: Path) -> list[str]:
    """Lines of a list of folders; a name that is not UTF-8 comes through and is refused later."""
    try:
        data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as problem:
        raise StoaError(f"cannot read {file}: {problem.strerror}") from None
    lines = (line.removesuffix("\r") for line in data.decode("utf-8", "surrogateescape").split("\n"))
    return [line for line in lines if line.strip()]


@app.command("list")
def target_list(
    ctx: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(help="Names or globs; by default all.")] = None,
    where: Annotated[str, typer.Option("--where", help="SQL expression over the columns.")] = "",
    flagged: Annotated[bool, typer.Option("--flagged", help="Only targets with open flags.")] = False,
    columns: Annotated[str, typer.Option("--columns", help="Metadata columns, comma-separated; `all` for all.")] = "",
    json: JsonOption = False,
) -> None:
    """List the targets with columns of their metadata."""
    chosen = Selection(targets=tuple(names or ()), where=where, flagged=flagged)
    rows = targets.list_targets(workspace(ctx), chosen)
    if json:
        as_json(rows)
        return
    wanted = _columns(columns, list(rows[0].metadata) if rows else [])
    cells = [(row.name, *_cells(row, wanted), " ".join(row.flags), f"{row.root}:{row.path}") for row in rows]
    if rows:
        right = ("n_files", "n_images", "freq_ghz", "band", "beam_arcsec")
        table(("target", *wanted, "flags", "folder"), cells, right=right, maybe=(*COLUMNS, "flags"))
    tell(count(len(rows), "target") if rows else "no target yet: `stoa target add ROOT GLOB` adds some")


def _cells(row: targets.TargetRow, wanted: tuple[str, ...]) -> list[str]:
    values = [row.metadata.get(name) for name in wanted]
    return [value if isinstance(value, str) else number(value) for value in values]


def _columns(asked: str, known: list[str]) -> tuple[str, ...]:
    if asked == "all":
        return tuple(known)
    names = tuple(name.strip() for name in asked.split(",") if name.strip())
    unknown = [name for name in names if known and name not in known]
    if unknown:
        raise StoaError(f"no column {unknown[0]!r}", f"columns: {', '.join(known)}")
    return names or tuple(name for name in COLUMNS if name in known)


@app.command("show")
def target_show(
    ctx: typer.Context, name: Annotated[str, typer.Argument(help="A target.")], json: JsonOption = False
) -> None:
    """Show where a target lies and what its metadata say."""
    rows = targets.list_targets(workspace(ctx), Selection(targets=(name,)))
    if json:
        as_json(rows[0])
        return
    out(f"{rows[0].name}  {rows[0].root}:{rows[0].path}")
    facts = [(key, value) for key, value in rows[0].metadata.items() if value not in (None, "")]
    if facts:
        table(
            ("column", "value"), [(key, value if isinstance(value, str) else number(value, 6)) for key, value in facts]
        )
    else:
        tell("no metadata yet: `stoa meta build` describes its files")
