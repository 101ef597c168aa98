"""stoa diff."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stoa.cli.grammar import new_app, verb
from stoa.cli.options import AtOption, JobTagOption, JsonOption, OutputOption, SelectOption, workspace
from stoa.cli.say import as_json, out, table, tell
from stoa.cli.shared import MOST
from stoa.commands import diff
from stoa.errors import StoaError
from stoa.show.diff import changes_table, images_table, results_table, sources_table, standing_lines
from stoa.show.page import catalogue_page, diff_page, sky_in_words, transition_in_words
from stoa.show.words import count, one_line
from stoa.sources.changes import SkyDiff, catalogue_changes
from stoa.workspace.selections import chosen_jobs

app = new_app()


@verb(
    app, "diff",
    "stoa diff sep@default sep@deep",
    "stoa diff sep@default sep@deep --sky --html diff.html",
    "stoa diff sep@default sep@deep --tag 'golden sample'",
    "stoa diff old.vot new.vot --radius 1arcsec",
    aliases={"--output": "--which"},
)  # fmt: skip
def diff_command(
    ctx: typer.Context,
    a: Annotated[str, typer.Argument(metavar="RUN|FILE", help="Run, `last`, PROCESS@SET[+ENV] or a catalogue file.")],
    b: Annotated[str, typer.Argument(metavar="RUN|FILE", help="The one to compare it with.")],
    sky: Annotated[
        bool, typer.Option("--sky", help="Match the sources of every image: gained, lost, moved, different flux.")
    ] = False,
    radius: Annotated[
        str,
        typer.Option("--radius", metavar="ANGLE", help="Largest separation of a match (default: half the beam)."),
    ] = "",
    output: OutputOption = "",
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write a page with everything, pictures included; implies --sky."),
    ] = None,
    tags: JobTagOption = None,
    select: SelectOption = None,
    everything: Annotated[bool, typer.Option("--all", help="List every change instead of the first ones.")] = False,
    at: AtOption = "",
    json: JsonOption = False,
) -> None:
    """Compare two runs or parameter sets: definitions, statuses, results, sources. The most surprising come first."""
    if all(Path(name).suffix and Path(name).is_file() for name in (a, b)):
        if tags or select:
            raise typer.BadParameter("two files are compared as they are: --tag and --select are for runs")
        diff.check_tables(Path(), a, b)
        _diff_catalogues(a, b, radius, html, everything=everything, json=json)
        return
    ws = workspace(ctx, at)
    among = chosen_jobs(ws, tags or (), select or ())
    on_sky = sky or html is not None or bool(radius or output)
    report = diff.diff(ws, a, b, sky=on_sky, radius=radius, output=output, among=among)
    if html is not None:
        _write(html, diff_page(report, diff.shown_pictures(ws, report, among)))
    if json:
        as_json(report)
        return
    most = 100_000 if everything else 10
    out(f"{report.a} (run {report.run_a}) -> {report.b} (run {report.run_b})")
    out("definitions" + ("" if report.definitions else ": no difference"))
    for word in report.definitions:
        out(f"  {one_line(word)}")
    for text in report.script_diff[: most * 4]:
        out(f"    {one_line(text)}")
    for word in (*standing_lines(report), *report.mixtures):
        out(f"  {one_line(word)}")
    _show_transitions(report, most)
    _show_results(report, most)
    if report.sky:
        _show_sky(report.sky, most)
    if html is not None:
        tell(f"wrote {html}")


def _diff_catalogues(a: str, b: str, radius: str, html: Path | None, *, everything: bool, json: bool) -> None:
    found = catalogue_changes(Path(a), Path(b), radius)
    if html is not None:
        _write(html, catalogue_page(a, b, found))
    if json:
        as_json(found)
        return
    out(f"{a} -> {b}")
    _show_sky(found, 100_000 if everything else 10)
    if html is not None:
        tell(f"wrote {html}")


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as problem:
        raise StoaError(
            f"cannot write {str(file)!r}: {problem.strerror}", "name a file in a folder that exists"
        ) from None


def _show_transitions(report: diff.DiffReport, most: int) -> None:
    out(f"statuses: {count(report.same_status, 'job')} with the same status")
    for change in report.transitions:
        names = [" ".join(job).strip() for job in change.jobs]
        shown = most if most > MOST else 3
        more = f" and {len(names) - shown} more" if len(names) > shown else ""
        out(f"  {len(names)} {transition_in_words(report, change)}: {', '.join(names[:shown])}{more}")
    for target, group, old, new in report.causes[:most]:
        out(f"  {f'{target} {group}'.rstrip()}: cause {one_line(old)!r} -> {one_line(new)!r}")


def _show_results(report: diff.DiffReport, most: int) -> None:
    if not report.results:
        out("results: the two runs have none in common")
        return
    changed = {change.name for change in report.changes}
    same = [row.name for row in report.results if row.name not in changed]
    out("results, over the jobs that both have" + (f"; equal: {', '.join(same)}" if same else ""))
    if not changed:
        return
    table(results_table(report))
    beyond = [change for change in report.changes if change.beyond]
    if not beyond:
        return
    out("\nmost surprising")
    table(changes_table(beyond[:most]))
    if len(beyond) > most:
        tell(f"{len(beyond) - most} more: --all")


def _show_sky(sky: SkyDiff, most: int) -> None:
    for line in sky_in_words(sky):
        out(line)
    named = [each for each in sky.images if each.target]
    images = [each for each in named if each.gained or each.lost or each.moved or each.flux_changed]
    if images:
        out()
        table(images_table(images[:most]))
    changed = [each for each in sky.sources if each.what]
    if changed:
        out("\nsources, most surprising first")
        table(sources_table(changed[:most]))
    for each in sky.not_compared[:most]:
        tell(f"not compared: {f'{each.target} {each.group}'.rstrip()}: {each.why}")
    hidden = max(len(images), len(changed), len(sky.not_compared)) - most
    if hidden > 0:
        tell(f"up to {hidden} more in a list: --all")
