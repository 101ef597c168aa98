"""diff: what differs between two runs, on the terminal, as JSON, or as a page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from stoa.cli.context import workspace
from stoa.cli.say import JsonOption, as_json, out, table, tell
from stoa.cli.shared import MOST
from stoa.commands import diff as diffs
from stoa.errors import StoaError
from stoa.show.page import (
    SOURCE_HEADINGS,
    catalogue_page,
    diff_page,
    percent,
    sky_in_words,
    source_cells,
    transition_in_words,
)
from stoa.show.runs import standing_words
from stoa.show.words import count, number, one_line
from stoa.sources.changes import SkyDiff, catalogue_changes

app = typer.Typer()


@app.command("diff")
def diff_command(
    ctx: typer.Context,
    a: Annotated[str, typer.Argument(help="A run id, `last`, PROCESS@SET, or a catalogue on disk.")],
    b: Annotated[str, typer.Argument(help="Another one.")],
    sky: Annotated[
        bool, typer.Option("--sky", help="Match the sources of every image: gained, lost, moved, other flux.")
    ] = False,
    radius: Annotated[
        str, typer.Option("--radius", help="Largest separation of a match; by default half the beam.")
    ] = "",
    output: Annotated[str, typer.Option("--output", help="Which output, where a process has several catalogues.")] = "",
    html: Annotated[
        Path | None, typer.Option("--html", help="Write a page with everything, pictures included; implies --sky.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="List every change, not the first ones.")] = False,
    json: JsonOption = False,
) -> None:
    """Compare two runs or parameter sets: definitions, statuses, results, sources, the most surprising first."""
    if all(Path(name).suffix and Path(name).is_file() for name in (a, b)):
        _diff_catalogues(a, b, radius, html, everything=everything, json=json)
        return
    ws = workspace(ctx)
    report = diffs.diff(ws, a, b, sky=sky or html is not None or bool(radius or output), radius=radius, output=output)
    if html is not None:
        _write(html, diff_page(report, diffs.shown_pictures(ws, report)))
    if json:
        as_json(report)
        return
    most = 100_000 if everything else 10
    out(f"{report.a} (run {report.run_a}) -> {report.b} (run {report.run_b})")
    out("definitions" + ("" if report.definitions else ": nothing differs"))
    for word in report.definitions:
        out(f"  {one_line(word)}")
    for text in report.script_diff[: most * 4]:
        out(f"    {one_line(text)}")
    for word in (*_standing_lines(report), *report.mixtures):
        out(f"  {one_line(word)}")
    _show_transitions(report, most)
    _show_results(report, most)
    if report.sky:
        _show_sky(report.sky, most)
    if html is not None:
        tell(f"wrote {html}")


def _standing_lines(report: diffs.DiffReport) -> Iterator[str]:
    sides = dict(zip((report.a, report.b), report.standing, strict=True))
    for label, counts in sides.items():
        yield from (f"{label}: {words}" for words in standing_words(counts))


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


def _show_transitions(report: diffs.DiffReport, most: int) -> None:
    out(f"statuses: {count(report.same_status, 'job')} with the same")
    for change in report.transitions:
        names = [" ".join(job).strip() for job in change.jobs]
        shown = most if most > MOST else 3
        more = f" and {len(names) - shown} more" if len(names) > shown else ""
        out(f"  {len(names)} {transition_in_words(report, change)}: {', '.join(names[:shown])}{more}")
    for target, group, old, new in report.causes[:most]:
        out(f"  {f'{target} {group}'.rstrip()}: cause {one_line(old)!r} -> {one_line(new)!r}")


def _show_results(report: diffs.DiffReport, most: int) -> None:
    if not report.results:
        out("results: none that both have")
        return
    changed = {change.name for change in report.changes}
    same = [row.name for row in report.results if row.name not in changed]
    out("results, over the jobs that both have" + (f"; equal: {', '.join(same)}" if same else ""))
    if not changed:
        return
    table(
        ("result", "unit", "jobs", "median a", "median b", "median change", "beyond tolerance"),
        [
            (r.name, r.unit, r.jobs, number(r.median_a), number(r.median_b), percent(r.median_change),
             f"{r.beyond} (of {100 * r.tolerance:g} %)")
            for r in report.results
            if r.name in changed
        ],
        right=("jobs", "median a", "median b", "median change"), maybe=("unit",),
    )  # fmt: skip
    beyond = [change for change in report.changes if change.beyond]
    if not beyond:
        return
    out("\nmost surprising")
    rows = [
        (c.target, c.group, c.name, number(c.a), number(c.b), percent(c.change), f"{c.surprise:.1f}") for c in beyond
    ]
    table(
        ("target", "image group", "result", "a", "b", "change", "surprise"),
        rows[:most],
        right=("a", "b", "change", "surprise"),
        maybe=("image group",),
    )
    if len(rows) > most:
        tell(f"{len(rows) - most} more: --all")


def _show_sky(sky: SkyDiff, most: int) -> None:
    for line in sky_in_words(sky):
        out(line)
    named = [each for each in sky.images if each.target]
    images = [each for each in named if each.gained or each.lost or each.moved or each.flux_changed]
    if images:
        out()
        table(
            ("target", "image group", "sources", "matched", "gained", "lost", "moved", "flux changed", "flux b/a",
             "rms b/a"),
            [
                (i.target, i.group, f"{i.sources_a} -> {i.sources_b}", i.matched, i.gained, i.lost, i.moved,
                 i.flux_changed, number(i.flux_ratio), number(i.rms_ratio))
                for i in images[:most]
            ],
            right=("matched", "gained", "lost", "moved", "flux changed", "flux b/a", "rms b/a"),
            maybe=("image group", "flux b/a", "rms b/a"),
        )  # fmt: skip
    changed = [each for each in sky.sources if each.what]
    if changed:
        out("\nsources, most surprising first")
        table(
            SOURCE_HEADINGS,
            [source_cells(each) for each in changed[:most]],
            right=SOURCE_HEADINGS[3:],
            maybe=SOURCE_HEADINGS,
        )
    for each in sky.not_compared[:most]:
        tell(f"not compared: {f'{each.target} {each.group}'.rstrip()}: {each.why}")
    hidden = max(len(images), len(changed), len(sky.not_compared)) - most
    if hidden > 0:
        tell(f"up to {hidden} more in a list: --all")
