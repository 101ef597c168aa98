"""Reports about catalogues in words and tables."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from typing import TYPE_CHECKING

from stoa.numbers import with_error
from stoa.show.runs import standing_words
from stoa.show.table import Column, Table, table
from stoa.show.words import count, counts_in_words

if TYPE_CHECKING:
    from stoa.commands.catalogue.limits import LimitsReport
    from stoa.commands.catalogue.match import MatchReport
    from stoa.commands.catalogue.quality import QualityReport
    from stoa.commands.publish import PublishReport
    from stoa.sources.stack import StackReport


def stack_lines(report: StackReport) -> Iterator[str]:
    """What was stacked, what each cut removed, and what is left out."""
    yield f"{count(report.sources, 'source')} in {count(report.images, 'image')} of {count(report.targets, 'target')}"
    for cut in report.cuts:
        name = "" if cut.name.startswith("keep ") else f"{cut.name}: "
        yield f"  {name}{cut.keep}: {cut.removed} removed"
    if report.cuts:
        yield f"  {report.kept} kept"
    if report.left_out:
        yield "  left out: " + ", ".join(f"{number} {status}" for status, number in report.left_out.items())
    if report.unlisted:
        yield f"  left out: {report.unlisted} of targets that are no longer in any list, or that it does not run over"


def stack_notes(report: StackReport) -> Iterator[str]:
    """What is missing in a stacked catalogue, or stale."""
    yield from standing_words(report.standing, missing=False)
    if report.new:
        yield f"{count(report.new, 'target')} without an outcome: `stoa run` with this set runs them"
    if report.missing:
        some = count(len(report.missing), "table")
        yield f"{some} not on this machine as recorded, and left out, such as {report.missing[0]}"


def cuts_table(report: QualityReport) -> Table:
    """One row for each cut."""
    columns = (Column("cut"), Column("keeps", 1, text=True), Column("removed", right=True))
    return table(columns, [(cut.name, cut.keep, cut.removed) for cut in report.cuts])


def match_lines(report: MatchReport) -> Iterator[str]:
    """How many sources match, how many would by chance, offsets and fluxes."""
    found = f"{report.matched} of {count(report.sources, 'source')} within {report.radius_arcsec:g} arcsec"
    objects = f"{count(report.objects, 'object')} of {report.catalogue}"
    yield f"{found} of {objects}; {with_error(report.expected, report.e_expected)} expected by chance"
    if report.covered >= 0:
        yield f"  {count(report.covered, 'object')} in the coverage, {report.objects} of them matched"
    if report.calibrators:
        yield f"  {count(report.calibrators, 'source')} on calibrators left out (--calibrators keeps them)"
    if report.offset:
        yield (
            f"  mean offset of the sources from the objects: {report.offset.d_ra:+.3f}, {report.offset.d_dec:+.3f}"
            f" arcsec (RA, Dec), scatter {report.offset.scatter:.3f}"
        )
    for field in report.fields[:3]:
        o = field.offset
        if o.objects > 2 and (o.d_ra**2 + o.d_dec**2) ** 0.5 > 5 * o.error > 0:
            yield f"  offset in {field.target}: {o.d_ra:+.3f}, {o.d_dec:+.3f} arcsec, from {o.objects} objects"
    if report.fluxes:
        f = report.fluxes
        median = f"median index {f.median_index:+.2f}" if isfinite(f.median_index) else "no index at one frequency"
        yield (
            f"  {count(f.compared, 'source')} with {f.column} at {f.at_ghz:.4g} GHz: observed / expected {f.in_words};"
            f" {median} (assumed index {f.index:+g})"
        )
        if f.unit_assumed:
            yield f"  {f.column} has no unit and is taken to be in Jy"


def limits_lines(report: LimitsReport) -> Iterator[str]:
    """How many objects were observed and not detected."""
    yield (
        f"{count(report.objects, 'object')} of {report.catalogue} not detected, {count(report.limits, 'limit')}"
        f" of {report.sigma:g} sigma in {count(report.images, 'image')}"
    )
    if report.above:
        words = "the image is above the search's threshold there"
        yield f"  {count(report.above, 'position')} without a limit: {words}"
    if report.unseen:
        yield f"  {count(report.unseen, 'image')} not on this machine: their limits start from the search's threshold"


def published_in_words(report: PublishReport) -> str:
    """What a folder for a paper holds."""
    jobs = sum(report.counts.values())
    return (
        f"published {report.source} in {report.folder}: {count(jobs, 'job')} ({counts_in_words(report.counts)}),"
        f" {count(report.sources, 'source')}, {count(len(report.files), 'file')}"
    )
