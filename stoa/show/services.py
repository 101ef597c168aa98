"""What services of the Virtual Observatory gave, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from stoa.commands.vo.fetch import Came, FetchedFile, FetchReport
from stoa.show.words import clock, count, one_line

if TYPE_CHECKING:
    from stoa.commands.vo.moc import MocReport
    from stoa.commands.vo.obscore import LogProgress, LogReport
    from stoa.sources.answers import AnswerReport


def table_lines(report: AnswerReport) -> Iterator[str]:
    """How much came, and where it was written."""
    size = f"{count(report.rows, 'row')}, {count(report.columns, 'column')}"
    yield f"{size} from {one_line(report.origin.service)}"
    yield f"wrote {' and '.join(report.files)}"


def table_notes(report: AnswerReport) -> Iterator[str]:
    """What to know of a table: that it is not all, and not of today."""
    if report.origin.is_cut:
        yield "this is not all: the service cut its answer (OVERFLOW); narrow the question, or raise --most"
    if report.is_known:
        yield f"as the service answered on {clock(report.origin.retrieved)}; --again asks it once more"


def part_line(part: LogProgress) -> str:
    """How far the questions about a log have got."""
    known = " (known)" if part.is_known else ""
    return f"{part.places} of {count(part.of, 'object')}: {count(part.rows, 'row')}{known}"


def log_lines(report: LogReport) -> Iterator[str]:
    """How much of a log came, and where it was written."""
    way = "by upload" if report.by_upload else "in queries"
    size = f"{count(report.rows, 'row')}, {count(report.columns, 'column')}"
    asked = f"{count(report.objects, 'object')}, {count(report.parts, 'question')} {way}"
    yield f"{size} from {one_line(report.service)} ({asked})"
    yield f"wrote {' and '.join(report.files)}"


def log_notes(report: LogReport) -> Iterator[str]:
    """What to know of a log: that it is not all, and not of today."""
    if report.cut_objects:
        yield (
            f"this is not all: the service cut its answer (OVERFLOW) for {count(report.cut_objects, 'object')}; "
            "narrow the question by --condition or --radius, or raise --most"
        )
    if report.without_position:
        yield f"{count(report.without_position, 'row')} of {report.catalogue} without a position"
    if report.known_parts:
        yield (
            f"{report.known_parts} of {count(report.parts, 'answer')} known from before, the oldest of "
            f"{clock(report.retrieved)}; --again asks once more"
        )


def fetched_line(file: FetchedFile) -> str:
    """What became of a file."""
    where = one_line(file.place or file.url)
    if file.outcome == Came.FAILED:
        return f"failed     {one_line(file.url)}: {one_line(file.reason)}"
    size = f" {file.size / 1e6:.1f} MB" if file.size else ""
    files = f", {count(file.unpacked, 'file')}" if file.unpacked else ""
    return f"{file.outcome:<9}  {where}{size}{files}"


def fetch_lines(report: FetchReport) -> Iterator[str]:
    """How many files came."""
    counts = {kind: sum(each.outcome == kind for each in report.files) for kind in Came}
    words = ", ".join(f"{number} {kind}" for kind, number in counts.items() if number)
    yield f"{count(len(report.files), 'file')} for root {report.root}: {words or 'none'}"


def moc_lines(report: MocReport) -> Iterator[str]:
    """How much of the sky was observed."""
    size = f"{report.area_square_deg:.4g} square degrees, {count(report.cells, 'cell')} of order {report.order}"
    yield f"{count(report.fields, 'field')} of {report.source}: {size}"
    yield f"wrote {report.file}"


def moc_notes(report: MocReport) -> Iterator[str]:
    """What is not in a coverage."""
    if report.unknown_radius:
        yield f"{count(report.unknown_radius, 'field')} of unknown size left out; --radius ANGLE gives them a size"
