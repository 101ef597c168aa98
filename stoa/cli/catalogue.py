"""catalogue."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stoa.cli.context import workspace
from stoa.cli.say import JsonOption, as_json, out, table, tell
from stoa.commands.catalogue import export, match, quality
from stoa.commands.catalogue import limits as upper_limits
from stoa.commands.catalogue.plot import plot
from stoa.commands.catalogue.stack import stack_and_write
from stoa.show.runs import standing_words
from stoa.show.words import count
from stoa.sources.figures import PLOTS

app = typer.Typer(no_args_is_help=True, help="Stack, match and plot tables of sources.")


@app.callback()
def _group() -> None:
    """Tables of sources."""


SourceArgument = Annotated[str, typer.Argument(help="A run, PROCESS@SET, or (not for stack) a table file.")]
KeepOption = Annotated[
    list[str] | None, typer.Option("--keep", help="Condition on columns: 'snr >= 7'. May be repeated.")
]
QualityOption = Annotated[bool, typer.Option("--quality", help="Apply the cuts of .stoa/config.yaml first.")]
OutOption = Annotated[Path | None, typer.Option("--out", "-o", help="File to write; the suffix tells the format.")]


@app.command("stack")
def stack_command(
    ctx: typer.Context,
    source: SourceArgument,
    keep: KeepOption = None,
    output: Annotated[
        str, typer.Option("--output", help="Output to stack, where a process has several catalogues.")
    ] = "",
    quality: QualityOption = False,
    out_file: OutOption = None,
    json: JsonOption = False,
) -> None:
    """Put the source tables of all ok outcomes into one, a row a source, each saying where it comes from."""
    report = stack_and_write(workspace(ctx), source, keep or (), output, out_file, quality=quality)
    if json:
        as_json(report)
        return
    out(f"{count(report.sources, 'source')} in {count(report.images, 'image')} of {count(report.targets, 'target')}")
    for cut in report.cuts:
        name = "" if cut.name.startswith("keep ") else f"{cut.name}: "
        out(f"  {name}{cut.keep}: {cut.removed} removed")
    if report.cuts:
        out(f"  {report.kept} kept")
    if report.left_out:
        out("  left out: " + ", ".join(f"{number} {status}" for status, number in report.left_out.items()))
    if report.unlisted:
        out(f"  left out: {report.unlisted} of targets that are in no list any more")
    for words in standing_words(report.standing, missing=False):
        tell(words)
    if report.new:
        tell(f"{count(report.new, 'target')} without an outcome: `stoa run` with this set runs them")
    if report.missing:
        tell(f"{count(len(report.missing), 'table')} not on this machine, such as {report.missing[0]}")
    out(f"wrote {' and '.join(report.files)}")


@app.command("quality")
def quality_command(
    ctx: typer.Context,
    source: SourceArgument,
    keep: KeepOption = None,
    without: Annotated[
        list[str] | None, typer.Option("--without", help="Declared cut that is not applied. May be repeated.")
    ] = None,
    out_file: OutOption = None,
    json: JsonOption = False,
) -> None:
    """Apply the quality cuts that .stoa/config.yaml declares, and count what each removes."""
    report = quality.quality(workspace(ctx), source, keep or (), without or (), out_file)
    if json:
        as_json(report)
        return
    rows = [(cut.name, cut.keep, str(cut.removed)) for cut in report.cuts]
    table(("cut", "keeps", "removed"), rows, right=("removed",))
    out(f"{report.kept} of {count(report.sources, 'source')} kept")
    out(f"wrote {' and '.join(report.files)}")


@app.command("match")
def match_command(
    ctx: typer.Context,
    source: SourceArgument,
    catalogues: Annotated[
        list[Path], typer.Argument(help="VOTable, FITS, ECSV or CSV with positions.", metavar="CATALOGUE...")
    ],
    radius: Annotated[str, typer.Option("--radius", "-r", help="Largest separation: 5arcsec.")] = "5arcsec",
    calibrators: Annotated[
        bool, typer.Option("--calibrators", help="Keep sources on calibrators, which match for certain.")
    ] = False,
    unique: Annotated[
        bool, typer.Option("--unique", help="Write one row per catalogue object, band and epoch.")
    ] = False,
    across: Annotated[
        bool, typer.Option("--across", help="With --unique: one row per object, whatever its band and epoch.")
    ] = False,
    within: Annotated[
        float, typer.Option("--within", help="Match within this many times the errors of both positions.")
    ] = 0.0,
    catalogue_error: Annotated[
        str,
        typer.Option("--catalogue-error", help="Position error of the catalogue if it has no such columns: 0.5arcsec."),
    ] = "",
    keep: KeepOption = None,
    quality: QualityOption = False,
    flux: Annotated[
        str, typer.Option("--flux", help="Published fluxes to compare with, and where measured: F6cm@6cm.")
    ] = "",
    index: Annotated[float, typer.Option("--index", help="Spectral index to carry them along.")] = 0.0,
    out_file: OutOption = None,
    json: JsonOption = False,
) -> None:
    """Match sources with a catalogue on the sky: the nearest object within a radius."""
    if out_file and len(catalogues) > 1:
        raise typer.BadParameter("--out takes the matches with one catalogue", param_hint="--out")
    ws = workspace(ctx)
    reports = [
        match.match(
            ws,
            source,
            other,
            radius,
            calibrators=calibrators,
            unique=unique,
            across=across,
            within=within,
            catalogue_error=catalogue_error,
            keep=keep or (),
            quality=quality,
            flux=flux,
            index=index,
            out=out_file,
        )
        for other in catalogues
    ]
    if json:
        as_json(reports[0] if len(reports) == 1 else reports)
        return
    for report in reports:
        _show_match(report)


def _show_match(report: match.MatchReport) -> None:
    found = f"{report.matched} of {count(report.sources, 'source')} within {report.radius_arcsec:g} arcsec"
    objects = f"{count(report.objects, 'object')} of {report.catalogue}"
    out(f"{found} of {objects}; {report.expected:.2g} expected by chance")
    for words in standing_words(report.standing):
        tell(words)
    if report.calibrators:
        out(f"  {count(report.calibrators, 'source')} on calibrators left out (--calibrators keeps them)")
    if report.offset:
        out(f"  sources lie {report.offset.d_ra:+.3f}, {report.offset.d_dec:+.3f} arcsec (RA, Dec) from the objects,"
            f" scatter {report.offset.scatter:.3f}")  # fmt: skip
    for field in report.fields[:3]:
        o = field.offset
        if o.objects > 2 and (o.d_ra**2 + o.d_dec**2) ** 0.5 > 5 * o.error > 0:
            out(f"  in {field.target} they lie {o.d_ra:+.3f}, {o.d_dec:+.3f} arcsec off, by {o.objects} objects")
    if report.fluxes:
        f = report.fluxes
        out(f"  {count(f.compared, 'source')} with {f.column} at {f.at_ghz:.4g} GHz: observed / expected {f.in_words};"
            f" median index {f.median_index:+.2f} (carried along {f.index:+g})")  # fmt: skip
    out(f"wrote {' and '.join(report.files)}")


@app.command("limits")
def limits_command(
    ctx: typer.Context,
    source: Annotated[str, typer.Argument(help="A run, or PROCESS@SET.")],
    with_catalogue: Annotated[Path, typer.Argument(help="Table with positions.", metavar="CATALOGUE")],
    radius: Annotated[str, typer.Option("--radius", "-r", help="A source this near is the object.")] = "5arcsec",
    sigma: Annotated[
        float, typer.Option("--sigma", help="Limit above the image at the place, in units of the local noise.")
    ] = 5.0,
    out_file: OutOption = None,
    json: JsonOption = False,
) -> None:
    """Give upper limits for the objects of a catalogue that were looked at and not found."""
    report = upper_limits.limits(workspace(ctx), source, with_catalogue, radius, sigma, out_file)
    if json:
        as_json(report)
        return
    out(f"{count(report.objects, 'object')} of {report.catalogue} not found, {count(report.limits, 'limit')}"
        f" of {report.sigma:g} sigma in {count(report.images, 'image')}")  # fmt: skip
    if report.above:
        out(f"  {count(report.above, 'place')} without a limit: the image is above the search's threshold there")
    if report.unknown:
        tell(f"{count(report.unknown, 'image')} left out: place, primary beam or rms unknown")
    out(f"wrote {' and '.join(report.files)}")


@app.command("export")
def export_command(
    ctx: typer.Context,
    source: SourceArgument,
    file: Annotated[
        Path, typer.Option("--out", "-o", help="File to write: .vot, .fits, .ecsv, .csv, .parquet, or .reg for DS9.")
    ],
    keep: KeepOption = None,
    quality: QualityOption = False,
    json: JsonOption = False,
) -> None:
    """Write sources to a file of another kind; the suffix tells which."""
    number = export.export(workspace(ctx), source, file, keep or (), quality=quality)
    if json:
        as_json({"file": str(file), "sources": number})
    else:
        out(f"wrote {count(number, 'source')} to {file}")


@app.command("plot")
def plot_command(
    ctx: typer.Context,
    source: SourceArgument,
    kind: Annotated[str, typer.Option("--kind", help=", ".join(PLOTS))] = "sky",
    with_catalogue: Annotated[
        Path | None, typer.Option("--with", help="Catalogue to draw on the map or to compare with.")
    ] = None,
    keep: KeepOption = None,
    quality: QualityOption = False,
    radius: Annotated[str, typer.Option("--radius", "-r", help="Largest separation of a match.")] = "5arcsec",
    calibrators: Annotated[bool, typer.Option("--calibrators", help="Compare sources on calibrators as well.")] = False,
    flux: Annotated[str, typer.Option("--flux", help="For `fluxes`: published flux and frequency, F6cm@6cm.")] = "",
    index: Annotated[float, typer.Option("--index", help="Spectral index to carry it along.")] = 0.0,
    out_file: OutOption = None,
    json: JsonOption = False,
) -> None:
    """Draw sources on the sky or against a catalogue, or the jobs of a run: PNG, SVG or PDF."""
    ws = workspace(ctx)
    file = plot(
        ws,
        source,
        kind,
        catalogue=with_catalogue,
        out=out_file,
        keep=keep or (),
        quality=quality,
        radius=radius,
        calibrators=calibrators,
        flux=flux,
        index=index,
    )
    if json:
        as_json({"file": str(file)})
    else:
        out(f"wrote {file.relative_to(ws.project.top) if file.is_relative_to(ws.project.top) else file}")
