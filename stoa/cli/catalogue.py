"""stoa catalogue."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stoa.cli.grammar import new_app, verb
from stoa.cli.options import (
    AtOption,
    JobTagOption,
    JsonOption,
    KeepOption,
    MocOption,
    OutOption,
    OutputOption,
    QualityOption,
    RadiusOption,
    SelectOption,
    workspace,
)
from stoa.cli.say import as_json, out, table, tell
from stoa.commands.catalogue import export, limits, match, plot, quality, stack
from stoa.show.catalogues import cuts_table, limits_lines, match_lines, stack_lines, stack_notes
from stoa.show.runs import standing_words
from stoa.show.words import count
from stoa.sources.figures import PLOTS
from stoa.workspace.selections import chosen_jobs

app = new_app("Stack, match and plot tables of sources.")

SourceArgument = Annotated[str, typer.Argument(metavar="RUN|FILE", help="Run, PROCESS@SET, or a table file.")]

StackedArgument = Annotated[str, typer.Argument(metavar="RUN", help="Run or PROCESS@SET.")]

CatalogueArgument = Annotated[Path, typer.Argument(metavar="FILE", help="Table of objects with positions.")]

FluxOption = Annotated[
    str,
    typer.Option("--flux", metavar="COLUMN@FREQUENCY", help="Published fluxes to compare with: F6cm@6cm, S843@843MHz."),
]

IndexOption = Annotated[
    float, typer.Option("--index", metavar="NUMBER", help="Spectral index to convert published fluxes with.")
]

CalibratorsOption = Annotated[
    bool, typer.Option("--calibrators", help="Keep sources on calibrators, which match for certain.")
]


def print_files(files: tuple[str, ...]) -> None:
    """Print which files were written."""
    out(f"wrote {' and '.join(files)}")


@verb(
    app, "stack",
    "stoa catalogue stack sep@deep",
    "stoa catalogue stack sep@deep --keep 'snr >= 5' --out deep.fits",
    "stoa catalogue stack sep@deep --tag 'golden sample' --out golden.vot",
    aliases={"--output": "--which"},
)  # fmt: skip
def stack_command(
    ctx: typer.Context,
    source: StackedArgument,
    keep: KeepOption = None,
    output: OutputOption = "",
    quality_cuts: QualityOption = False,
    out_file: OutOption = None,
    tags: JobTagOption = None,
    select: SelectOption = None,
    at: AtOption = "",
    json: JsonOption = False,
) -> None:
    """Stack the source tables of all ok outcomes into one.

    It has one row for each source, and each row names the product it is from.
    """
    ws = workspace(ctx, at)
    among = chosen_jobs(ws, tags or (), select or ())
    report = stack.stack_and_write(ws, source, keep or (), output, out_file, quality=quality_cuts, among=among)
    if json:
        as_json(report)
        return
    for line in stack_lines(report):
        out(line)
    for note in stack_notes(report):
        tell(note)
    print_files(report.files)


@verb(app, "quality", "stoa catalogue quality sep@deep", "stoa catalogue quality sep@deep --without near_border")
def quality_command(
    ctx: typer.Context,
    source: SourceArgument,
    keep: KeepOption = None,
    without: Annotated[
        list[str] | None,
        typer.Option("--without", metavar="CUT", help="Do not apply this declared cut. Can be repeated."),
    ] = None,
    out_file: OutOption = None,
    at: AtOption = "",
    json: JsonOption = False,
) -> None:
    """Apply the quality cuts of .stoa/config.yaml, and count the sources that each removes."""
    report = quality.quality(workspace(ctx, at), source, keep or (), without or (), out_file)
    if json:
        as_json(report)
        return
    table(cuts_table(report))
    out(f"{report.kept} of {count(report.sources, 'source')} kept")
    print_files(report.files)


@verb(
    app, "match",
    "stoa catalogue match sep@deep veron2010.vot --radius 5arcsec",
    "stoa catalogue match catalogues/sep@deep.vot nvss.fits first.fits --unique",
    "stoa catalogue match sep@deep veron2010.vot --flux F6cm@6cm --index -0.7",
    aliases={"-r": "--radius"},
)  # fmt: skip
def match_command(
    ctx: typer.Context,
    source: SourceArgument,
    catalogues: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Tables with positions: VOTable, FITS, ECSV or CSV.")
    ],
    radius: RadiusOption = "5arcsec",
    calibrators: CalibratorsOption = False,
    unique: Annotated[
        bool, typer.Option("--unique", help="Write one row for each catalogue object, band and epoch.")
    ] = False,
    across: Annotated[
        bool, typer.Option("--across", help="With --unique: one row for each object, whatever its band and epoch.")
    ] = False,
    within: Annotated[
        float,
        typer.Option("--within", metavar="NUMBER", help="Match within this many times the errors of both positions."),
    ] = 0.0,
    catalogue_error: Annotated[
        str,
        typer.Option(
            "--catalogue-error",
            metavar="ANGLE",
            help="Position error of the catalogue if it has no such columns: 0.5arcsec.",
        ),
    ] = "",
    keep: KeepOption = None,
    quality_cuts: QualityOption = False,
    flux: FluxOption = "",
    index: IndexOption = 0.0,
    moc: MocOption = None,
    out_file: OutOption = None,
    at: AtOption = "",
    json: JsonOption = False,
) -> None:
    """Match sources with a catalogue on the sky: the nearest object within a radius."""
    if out_file and len(catalogues) > 1:
        raise typer.BadParameter("--out takes the matches with one catalogue", param_hint="--out")
    ws = workspace(ctx, at)
    reports = [
        match.match(
            ws, source, other, radius, calibrators=calibrators, unique=unique, across=across, within=within,
            catalogue_error=catalogue_error, keep=keep or (), quality=quality_cuts,
            flux=flux, index=index, moc=moc, out=out_file,
        )
        for other in catalogues
    ]  # fmt: skip
    if json:
        as_json(reports if len(reports) > 1 else reports[0], several="matches" if len(reports) > 1 else "")
        return
    for report in reports:
        for line in match_lines(report):
            out(line)
        for note in standing_words(report.standing):
            tell(note)
        print_files(report.files)


@verb(
    app, "limits",
    "stoa catalogue limits sep@deep veron2010.vot",
    "stoa catalogue limits sep@deep veron2010.vot --sigma 3 --out limits.ecsv",
    aliases={"-r": "--radius"},
)  # fmt: skip
def limits_command(
    ctx: typer.Context,
    source: StackedArgument,
    with_catalogue: CatalogueArgument,
    radius: Annotated[
        str, typer.Option("--radius", metavar="ANGLE", help="A source within this separation is the object.")
    ] = "5arcsec",
    sigma: Annotated[
        float,
        typer.Option(
            "--sigma", metavar="NUMBER", help="Limit above the image at the position, in units of the local noise."
        ),
    ] = 5.0,
    out_file: OutOption = None,
    at: AtOption = "",
    json: JsonOption = False,
) -> None:
    """Upper limits for catalogue objects that were observed but not detected."""
    report = limits.limits(workspace(ctx, at), source, with_catalogue, radius, sigma, out_file)
    if json:
        as_json(report)
        return
    for line in limits_lines(report):
        out(line)
    if report.unknown:
        tell(f"{count(report.unknown, 'image')} left out: position, primary beam or rms unknown")
    print_files(report.files)


@verb(
    app, "export",
    "stoa catalogue export sep@deep --out deep.reg",
    "stoa catalogue export sep@deep --keep 'snr >= 7' --out deep.parquet",
)  # fmt: skip
def export_command(
    ctx: typer.Context,
    source: SourceArgument,
    file: Annotated[
        Path,
        typer.Option(
            "--out", "-o", metavar="FILE", help="File to write: .vot, .fits, .ecsv, .csv, .parquet, or .reg for DS9."
        ),
    ],
    keep: KeepOption = None,
    quality_cuts: QualityOption = False,
    at: AtOption = "",
    json: JsonOption = False,
) -> None:
    """Write sources to a file in a different format, which its suffix selects."""
    number = export.export(workspace(ctx, at), source, file, keep or (), quality=quality_cuts)
    if json:
        as_json({"file": str(file), "sources": number})
    else:
        out(f"wrote {count(number, 'source')} to {file}")


@verb(
    app, "plot",
    "stoa catalogue plot sep@deep",
    "stoa catalogue plot sep@deep --kind fluxes --catalogue veron2010.vot --flux F6cm@6cm",
    "stoa catalogue plot last --kind causes --out causes.pdf",
    aliases={"-r": "--radius", "--with": "--catalogue"},
)  # fmt: skip
def plot_command(
    ctx: typer.Context,
    source: SourceArgument,
    kind: Annotated[str, typer.Option("--kind", metavar="|".join(PLOTS), help="What to draw.")] = "sky",
    with_catalogue: Annotated[
        Path | None,
        typer.Option("--catalogue", metavar="FILE", help="Catalogue to draw on the map or to compare with."),
    ] = None,
    keep: KeepOption = None,
    quality_cuts: QualityOption = False,
    radius: RadiusOption = "5arcsec",
    calibrators: CalibratorsOption = False,
    flux: FluxOption = "",
    index: IndexOption = 0.0,
    limits: Annotated[
        Path | None,
        typer.Option("--limits", metavar="FILE", help="Upper limits to draw with `fluxes`."),
    ] = None,
    out_file: OutOption = None,
    at: AtOption = "",
    json: JsonOption = False,
) -> None:
    """Draw sources on the sky or against a catalogue, or the jobs of a run, as PNG, SVG or PDF."""
    ws = workspace(ctx, at)
    file = plot.plot(
        ws, source, kind, catalogue=with_catalogue, out=out_file, keep=keep or (), quality=quality_cuts,
        radius=radius, calibrators=calibrators, flux=flux, index=index, limits=limits,
    )  # fmt: skip
    if json:
        as_json({"file": str(file)})
    else:
        out(f"wrote {file.relative_to(ws.project.top) if file.is_relative_to(ws.project.top) else file}")
