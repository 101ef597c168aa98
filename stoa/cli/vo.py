"""stoa vo."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from stoa.cli.grammar import SOME_NOT_OK, new_app, verb
from stoa.cli.options import JsonOption, KeepOption, OutOption, QualityOption, workspace
from stoa.cli.say import as_json, out, tell
from stoa.commands.vo import cone, fetch, moc, obscore, serve, tap
from stoa.commands.vo.fetch import THIS
from stoa.commands.vo.obscore import RADIUS, TABLE
from stoa.commands.vo.serve import MOST, PORT, Served
from stoa.show.services import (
    fetch_lines,
    fetched_line,
    log_lines,
    log_notes,
    moc_lines,
    moc_notes,
    part_line,
    table_lines,
    table_notes,
)
from stoa.show.words import count
from stoa.sources.observed import HWHM

app = new_app("Use services of the Virtual Observatory, and be one.")


ServiceArgument = Annotated[str, typer.Argument(metavar="URL", help="Address of the service.")]

RowsOption = Annotated[
    int,
    typer.Option("--most", metavar="N", min=0, show_default=False, help="Most rows (default: what the service gives)."),
]

JobOption = Annotated[
    bool, typer.Option("--job", help="Let the service work on it as a job, for what takes longer than a minute.")
]

PatienceOption = Annotated[
    float, typer.Option("--patience", metavar="NUMBER", min=1, help="Give up on a job after this many seconds.")
]

AgainOption = Annotated[bool, typer.Option("--again", help="Ask the service even if the answer is known.")]


@verb(
    app, "cone",
    "stoa vo cone https://example.org/cone --around '187.2779 2.0524' --radius 30arcsec",
    "stoa vo cone https://example.org/cone --around '12:29:06.7 +02:03:09' --out around.vot",
)  # fmt: skip
def cone_command(
    ctx: typer.Context,
    service: ServiceArgument,
    around: Annotated[
        str,
        typer.Option("--around", metavar="POSITION", help="Place in ICRS: decimal degrees, or 12:29:06.7 +02:03:09."),
    ],
    radius: Annotated[str, typer.Option("--radius", metavar="ANGLE", help="Radius of the cone.")] = "1arcmin",
    most: RowsOption = 0,
    again: AgainOption = False,
    out_file: OutOption = None,
    json: JsonOption = False,
) -> None:
    """Get the rows of a catalogue around a place from a cone search service.

    The answer is kept: the same question is not asked twice, unless --again is given.
    """
    report = cone.cone(workspace(ctx), service, around, radius, most=most, again=again, out=out_file)
    _print(report, json, table_lines(report), table_notes(report))


@verb(
    app, "tap",
    "stoa vo tap https://example.org/tap 'SELECT TOP 5 * FROM ivoa.obscore'",
    "stoa vo tap https://example.org/tap @observed.adql --job --out observed.vot",
)  # fmt: skip
def tap_command(
    ctx: typer.Context,
    service: ServiceArgument,
    adql: Annotated[str, typer.Argument(metavar="QUERY", help="Query in ADQL, or @ and the file that holds it.")],
    most: RowsOption = 0,
    as_job: JobOption = False,
    patience: PatienceOption = 3600.0,
    again: AgainOption = False,
    out_file: OutOption = None,
    json: JsonOption = False,
) -> None:
    """Get a table from a TAP service by a query in ADQL.

    The answer is kept: the same question is not asked twice, unless --again is given.
    """
    report = tap.tap(
        workspace(ctx), service, adql, most=most, as_job=as_job, patience_s=patience, again=again, out=out_file,
        phase=_phase,
    )  # fmt: skip
    _print(report, json, table_lines(report), table_notes(report))


@verb(
    app, "obscore",
    "stoa vo obscore https://almascience.org/tap quasars.csv --out alma-log.vot",
    "stoa vo obscore https://example.org/tap quasars.csv --condition \"dataproduct_type = 'image'\" --job",
)  # fmt: skip
def obscore_command(
    ctx: typer.Context,
    service: ServiceArgument,
    catalogue: Annotated[Path, typer.Argument(metavar="FILE", help="Table of objects with positions.")],
    radius: Annotated[
        str,
        typer.Option("--radius", metavar="ANGLE", help="Observations centred within it, and fields with the object."),
    ] = RADIUS,
    condition: Annotated[
        str, typer.Option("--condition", metavar="CONDITION", show_default=False, help="A further condition in ADQL.")
    ] = "",
    table: Annotated[str, typer.Option("--table", metavar="NAME", help="The log, as the service calls it.")] = TABLE,
    upload: Annotated[
        bool | None,
        typer.Option(
            "--upload/--no-upload", show_default=False,
            help="Send the positions as a table, or in the query; by default as the service can.",
        ),
    ] = None,
    size: Annotated[
        int,
        typer.Option(
            "--part", metavar="N", min=0, show_default=False,
            help="Objects of one question (default: 500 as a table, 25 in the query).",
        ),
    ] = 0,
    most: RowsOption = 0,
    as_job: JobOption = False,
    patience: PatienceOption = 3600.0,
    again: AgainOption = False,
    out_file: OutOption = None,
    json: JsonOption = False,
) -> None:  # fmt: skip
    """Get the observations of a catalogue's objects from a service with an observation log, such as ALMA's.

    It asks part by part, and each answer is kept: after an interruption the same command asks for the rest alone.
    """
    report = obscore.obscore(
        workspace(ctx), service, catalogue, radius, table=table, condition=condition, upload=upload, size=size,
        most=most, as_job=as_job, patience_s=patience, again=again, out=out_file, phase=_phase,
        progress=lambda part: tell(part_line(part)),
    )  # fmt: skip
    _print(report, json, log_lines(report), log_notes(report))


@verb(
    app, "fetch",
    "stoa vo fetch alma-log.vot --root archive",
    "stoa vo fetch alma-log.vot --root archive --only '*.pbcor.fits*' --dry-run",
)  # fmt: skip
def fetch_command(
    ctx: typer.Context,
    log: Annotated[Path, typer.Argument(metavar="FILE", help="Observation log with the column access_url.")],
    root: Annotated[str, typer.Option("--root", metavar="ROOT", help="Root to download into.")],
    only: Annotated[
        str, typer.Option("--only", metavar="PATTERN", show_default=False, help="Files with such names alone.")
    ] = "",
    semantics: Annotated[
        str, typer.Option("--semantics", metavar="TEXT", help="Which files of DataLink documents are wanted.")
    ] = THIS,
    service: Annotated[
        str,
        typer.Option(
            "--service",
            metavar="URL",
            show_default=False,
            help="Let files come from this service, which is on this machine or its network.",
        ),
    ] = "",
    patience: Annotated[
        float, typer.Option("--patience", metavar="NUMBER", min=1, help="Give up on a file after this many seconds.")
    ] = 86400.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what there is, and download nothing.")] = False,
    json: JsonOption = False,
) -> None:
    """Download the files of a log's observations into a root, through DataLink or by their addresses.

    What broke off is continued. No page, no error document, no empty or broken file counts as one of them.
    The exit code is 3 if some did not come.
    """
    report = fetch.fetch(
        workspace(ctx), log, root, service=service, semantics=semantics, only=only, patience_s=patience,
        dry_run=dry_run, fetched=lambda file: None if json else out(fetched_line(file)),
    )  # fmt: skip
    _print(report, json, fetch_lines(report))
    if report.failed:
        raise typer.Exit(SOME_NOT_OK)


@verb(
    app, "moc",
    "stoa vo moc",
    "stoa vo moc alma-log.vot --order 14 --out observed.moc.fits",
)  # fmt: skip
def moc_command(
    ctx: typer.Context,
    log: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="Observation log; without one: the targets.", show_default=False),
    ] = None,
    radius: Annotated[
        str,
        typer.Option(
            "--radius", metavar="ANGLE",
            help="Size of a field: `hwhm` of the primary beam (and the region of a mosaic), or an angle: 30arcsec.",
        ),
    ] = HWHM,
    order: Annotated[
        int, typer.Option("--order", metavar="N", min=0, max=20, help="Of the cells; 15 is 6.4 arcsec.")
    ] = moc.USUAL_ORDER,
    out_file: OutOption = None,
    json: JsonOption = False,
) -> None:  # fmt: skip
    """Write which part of the sky was observed, as a MOC that Aladin, TOPCAT and the page Sky draw.

    `target from-log` and `catalogue match` take it as --moc: was an object observed at all?
    """
    report = moc.moc(workspace(ctx), log, radius, order=order, out=out_file)
    _print(report, json, moc_lines(report), moc_notes(report))


def _phase(words: str) -> None:
    tell(f"job: {words}")


def _print(report: object, json: bool, lines: Iterable[str], notes: Iterable[str] = ()) -> None:
    if json:
        as_json(report)
        return
    for line in lines:
        out(line)
    for note in notes:
        tell(note)


@verb(
    app, "serve",
    "stoa vo serve sep@deep",
    "stoa vo serve catalogues/sep@deep.fits --port 9000",
)  # fmt: skip
def serve_command(
    ctx: typer.Context,
    source: Annotated[str, typer.Argument(metavar="RUN|FILE", help="Run, PROCESS@SET, or a table file.")],
    port: Annotated[
        int, typer.Option("--port", metavar="NUMBER", min=0, max=65535, help="Port; 0: any free one.")
    ] = PORT,
    host: Annotated[
        str, typer.Option("--host", metavar="ADDRESS", help="Address to listen at; only this machine by default.")
    ] = "127.0.0.1",
    most: Annotated[int, typer.Option("--most", metavar="N", min=1, help="Most rows of one answer.")] = MOST,
    keep: KeepOption = None,
    quality_cuts: QualityOption = False,
) -> None:
    """Serve a table as a Simple Cone Search service, which TOPCAT, Aladin and pyvo can ask.

    It runs until Ctrl-C and only reads. Whoever reaches --host can read the whole table.
    """
    ws = workspace(ctx)
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's `&` has them ignored
        signal.signal(number, _stop)
    with suppress(KeyboardInterrupt):
        serve.serve(
            ws, source, host=host, port=port, most=most, keep=keep or (), quality=quality_cuts, started=_say
        )  # fmt: skip


def _say(served: Served) -> None:
    out(served.address)
    sys.stdout.flush()
    without = f"; {count(served.without_position, 'row')} without a position" if served.without_position else ""
    tell(f"{count(served.rows, 'row')}{without}; Ctrl-C ends it")


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
