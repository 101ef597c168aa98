"""publish."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stoa.cli.context import workspace
from stoa.cli.say import JsonOption, as_json, out, tell
from stoa.commands import publish as publishing
from stoa.show.runs import standing_words
from stoa.show.words import count, counts_in_words, one_line

app = typer.Typer()


@app.command("publish")
def publish_command(
    ctx: typer.Context,
    source: Annotated[str, typer.Argument(help="A run, PROCESS@SET, or a catalogue made of one.")],
    folder: Annotated[Path, typer.Option("--to", help="Folder to make.")],
    title: Annotated[str, typer.Option("--title", help="What it is, in words.")] = "",
    licence: Annotated[str, typer.Option("--licence", help="Address of the licence it is published under.")] = "",
    keep: Annotated[list[str] | None, typer.Option("--keep", help="Sources to keep: 'snr >= 7'.")] = None,
    quality: Annotated[bool, typer.Option("--quality", help="Apply the project's quality cuts.")] = False,
    products: Annotated[
        bool, typer.Option("--products", help="Copy products too, FITS files with cards that name the run.")
    ] = False,
    stale_ok: Annotated[
        bool, typer.Option("--stale-ok", help="Publish stale outcomes too; the texts say how many and why.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Write a folder for a paper: catalogue, plots, methods and table in LaTeX, citations, records, provenance.

    The folder is a Process Run RO-Crate; failed jobs are in it like the others. Needs STOA's extra `publish`.
    """
    report = publishing.publish(
        workspace(ctx),
        source,
        folder,
        title=title,
        licence=licence,
        keep=keep or (),
        quality=quality,
        products=products,
        stale_ok=stale_ok,
    )
    if json:
        as_json(report)
        return
    jobs = sum(report.counts.values())
    out(f"published {report.source} in {report.folder}: {count(jobs, 'job')} ({counts_in_words(report.counts)}),"
        f" {count(report.sources, 'source')}, {count(len(report.files), 'file')}")  # fmt: skip
    for words in standing_words(report.standing):
        tell(words)
    for words in report.missing:
        tell(one_line(words))
