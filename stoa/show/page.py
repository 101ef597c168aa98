"""A comparison of two runs as one HTML page that needs nothing else, and the words it shares with the terminal."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from stoa.show.html import bullets, document, table, text
from stoa.show.words import count, number

if TYPE_CHECKING:
    from stoa.commands.diff import DiffReport, Transition
    from stoa.sources.changes import Picture, SkyDiff, SourceChange

SOURCE_HEADINGS = (
    "target", "image group", "change", "ra_deg", "dec_deg", "snr a", "snr b", "arcsec", "moved by", "flux b/a",
    "flux by", "surprise",
)  # fmt: skip


def sky_in_words(sky: SkyDiff) -> list[str]:
    """What changed on the sky as a whole."""
    where = f" in {count(len(sky.images), 'image')}"
    if sky.of_tables:
        where = where if any(image.target for image in sky.images) else ""
    else:
        where += " that both searched"
    counts = (
        f"sky: {sky.sources_a} -> {count(sky.sources_b, 'source')}{where}: {sky.matched} matched, {sky.gained} gained, "
        f"{sky.lost} lost, {sky.moved} moved, {sky.flux_changed} with another flux"
    )
    lines = [counts]
    facts = []
    if sky.flux_ratio is not None:
        error = f" +- {sky.e_flux_ratio:.2g}" if sky.e_flux_ratio is not None else ""
        facts.append(f"median flux b/a {sky.flux_ratio:.4g}{error}")
    if sky.rms_ratio is not None:
        facts.append(f"median rms b/a {sky.rms_ratio:.4g}")
    if facts:
        lines.append(f"  {', '.join(facts)}")
    if sky.not_compared:
        lines.append(f"  {count(len(sky.not_compared), 'image')} not compared")
    return lines


def source_cells(change: SourceChange) -> tuple[str, ...]:
    """A source as a row under `SOURCE_HEADINGS`."""
    ratio = number(change.flux_ratio)
    if change.e_flux_ratio is not None:
        ratio += f" +- {change.e_flux_ratio:.2g}"
    return (
        change.target, change.group, ", ".join(change.what), f"{change.ra_deg:.6f}", f"{change.dec_deg:+.6f}",
        _digits(change.snr_a), _digits(change.snr_b), number(change.separation_arcsec, 3),
        _sigmas(change.moved_sigma), ratio, _sigmas(change.flux_sigma, sign=True), f"{change.surprise:.1f}",
    )  # fmt: skip


def percent(change: float | None) -> str:
    """A relative change; ``from 0`` where there is nothing to divide by."""
    return "from 0" if change is None else f"{100 * change:+.1f} %"


def transition_in_words(report: DiffReport, change: Transition) -> str:
    """``failed -> ok``, or which of the two has no outcome."""
    if change.before and change.after:
        return f"{change.before} -> {change.after}"
    return f"{change.before} in {report.a} only" if change.before else f"{change.after} in {report.b} only"


def diff_page(report: DiffReport, pictures: Sequence[Picture]) -> str:
    """The page, with style and pictures inside it and no script."""
    note = f"a is run {report.run_a}, b is run {report.run_b}."
    sky = _sky(report.sky) if report.sky else ()
    parts = (*_definitions(report), *_statuses(report), *_results(report), *sky, *_pictures(pictures))
    return document(f"{report.a} → {report.b}", note, parts)


def catalogue_page(a: str, b: str, sky: SkyDiff) -> str:
    """The page of two catalogues on disk."""
    return document(f"{a} → {b}", f"a is the table {a}, b is the table {b}.", _sky(sky))


def _definitions(report: DiffReport) -> Iterable[str]:
    yield "<h2>Definitions</h2>\n"
    yield bullets(report.definitions) if report.definitions else "<p>Nothing differs.</p>\n"
    if report.mixtures:
        yield bullets(report.mixtures)
    if report.script_diff:
        yield f"<pre>{text(chr(10).join(report.script_diff))}</pre>\n"


def _statuses(report: DiffReport) -> Iterable[str]:
    yield f"<h2>Statuses</h2>\n<p>{count(report.same_status, 'job')} with the same.</p>\n"
    rows = [
        (
            str(len(change.jobs)),
            transition_in_words(report, change),
            ", ".join(" ".join(job).strip() for job in change.jobs),
        )
        for change in report.transitions
    ]
    if rows:
        yield table(("jobs", "change", "which"), rows, numbers=("jobs",))
    if report.causes:
        yield table(("target", "image group", "cause a", "cause b"), report.causes)


def _results(report: DiffReport) -> Iterable[str]:
    yield "<h2>Results</h2>\n"
    if not report.results:
        yield "<p>None that both have.</p>\n"
        return
    headings = ("result", "unit", "jobs", "median a", "median b", "median change", "beyond tolerance", "tolerance")
    rows = [
        (r.name, r.unit, str(r.jobs), number(r.median_a), number(r.median_b), percent(r.median_change),
         str(r.beyond), f"{100 * r.tolerance:g} %")
        for r in report.results
    ]  # fmt: skip
    yield table(headings, rows, numbers=headings[2:])
    beyond = [change for change in report.changes if change.beyond]
    if beyond:
        yield "<p>Single jobs, the most surprising first:</p>\n"
        names = ("target", "image group", "result", "a", "b", "change", "surprise")
        cells = [
            (c.target, c.group, c.name, number(c.a), number(c.b), percent(c.change), f"{c.surprise:.1f}")
            for c in beyond
        ]
        yield table(names, cells, numbers=names[3:])


def _sky(sky: SkyDiff) -> Iterable[str]:
    yield "<h2>Sources</h2>\n" + "".join(f"<p>{text(line.strip())}</p>\n" for line in sky_in_words(sky))
    yield '<p class="note">Surprise is the larger significance of separation and change of flux, each over its '
    yield "error; of a source that only one has, its signal to noise. From 5 on a source counts as moved or its flux "
    yield "as another one.</p>\n"
    if changed := [each for each in sky.sources if each.what]:
        yield table(SOURCE_HEADINGS, [source_cells(each) for each in changed], numbers=SOURCE_HEADINGS[3:])
    headings = (
        "target", "image group", "sources a", "sources b", "matched", "gained", "lost", "moved", "flux changed",
        "flux b/a", "rms a", "rms b", "rms b/a", "radius (arcsec)", "surprise",
    )  # fmt: skip
    if any(image.target for image in sky.images):
        yield "<h2>Images</h2>\n"
        rows = [
            (i.target, i.group, str(i.sources_a), str(i.sources_b), str(i.matched), str(i.gained), str(i.lost),
             str(i.moved), str(i.flux_changed), number(i.flux_ratio), number(i.rms_a), number(i.rms_b),
             number(i.rms_ratio), number(i.radius_arcsec, 3), f"{i.surprise:.1f}")
            for i in sky.images
        ]  # fmt: skip
        yield table(headings, rows, numbers=headings[2:])
    if sky.not_compared:
        yield "<h2>Not compared</h2>\n"
        yield table(("target", "image group", "why"), [(n.target, n.group, n.why) for n in sky.not_compared])


def _pictures(pictures: Sequence[Picture]) -> Iterable[str]:
    if not pictures:
        return
    yield "<h2>Pictures</h2>\n"
    yield '<p class="note">Changed sources: thin red circles, in both or lost; thick blue ones, gained.</p>\n'
    for each in pictures:
        name = text(f"{each.target} {each.group}".strip())
        shown = f'<img alt="{name}" src="data:image/png;base64,{b64encode(each.png).decode()}">' if each.png else ""
        yield f"<figure>{shown}<figcaption>{name}: {text(each.words)}</figcaption></figure>\n"


def _digits(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _sigmas(value: float | None, *, sign: bool = False) -> str:
    return "" if value is None else f"{value:{'+' if sign else ''}.1f} sigma"
