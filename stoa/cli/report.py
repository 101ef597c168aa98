"""stoa report."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from stoa.cli.grammar import new_app, verb
from stoa.cli.options import JsonOption, workspace
from stoa.cli.say import as_json, out, tell
from stoa.commands import report
from stoa.errors import StoaError
from stoa.show.report import INDEX, report_files, report_page
from stoa.show.words import count, counts_in_words

app = new_app()

LARGE = 2000
"""Outcomes from which on a folder is recommended."""


@verb(app, "report", "stoa report sep@deep", "stoa report last -o night.html", "stoa report sep@deep -o report/")
def report_command(
    ctx: typer.Context,
    source: Annotated[
        str, typer.Argument(metavar="RUN", help="Run: its id, the start of its id, `last`, or PROCESS@SET[+ENV].")
    ],
    target: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FILE",
            help="File to write, ending in .html, or a new folder for a report of many pages (default: RUN.html).",
        ),
    ] = None,
    pictures: Annotated[
        bool, typer.Option("--pictures/--no-pictures", help="Small pictures of the images, where they are here.")
    ] = True,
    json: JsonOption = False,
) -> None:  # fmt: skip
    """Write a run, or the current outcomes of a pair, as HTML to mail, archive or print.

    It has counts, causes, all outcomes with their results, flags and comments, parameters, environment, versions. It
    needs no network and runs no script. One file holds everything; a folder is better for thousands of targets.
    """
    ws = workspace(ctx)
    place = target or Path(f"{_label(source)}.html")
    is_file = place.suffix.lower() in (".html", ".htm")
    most = report.MOST_PICTURES if is_file else report.MOST_IN_FOLDER
    found = report.report(ws, source, most if pictures else 0)
    if is_file:
        _write([(place, report_page(found).encode())])
    else:
        _refuse_full(place)
        _write((place / name, content) for name, content in report_files(found))
    if json:
        as_json({"file": str(place if is_file else place / INDEX), "counts": found.counts, "run": found.run.id})
        return
    out(f"wrote {place if is_file else place / INDEX}: {counts_in_words(found.counts)}")
    if is_file and len(found.outcomes) > LARGE:
        tell(f"the file has {count(len(found.outcomes), 'outcome')}; `-o FOLDER` writes pages that open faster")


def _label(source: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "@+-_.=" else "_" for letter in source)[:150]


def _refuse_full(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise StoaError(f"{str(folder)!r} is there already", "name a new folder, or a file that ends in .html")


def _write(files: Iterable[tuple[Path, bytes]]) -> None:
    for file, content in files:
        try:
            if file.parent != Path():
                file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        except OSError as problem:
            raise StoaError(
                f"cannot write {str(file)!r}: {problem.strerror}", "name another place with --out"
            ) from None
