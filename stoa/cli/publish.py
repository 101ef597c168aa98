"""stoa publish."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stoa.cli.grammar import new_app, verb
from stoa.cli.options import AtOption, JsonOption, KeepOption, QualityOption, workspace
from stoa.cli.say import as_json, out, tell
from stoa.commands import publish
from stoa.show.catalogues import published_in_words
from stoa.show.runs import standing_words
from stoa.show.words import count, one_line

app = new_app()


@verb(app, "publish", "stoa publish sep@deep --to paper --title 'Quasars in the ALMA archive'")
def publish_command(
    ctx: typer.Context,
    source: Annotated[
        str, typer.Argument(metavar="RUN|FILE", help="Run, PROCESS@SET, or a catalogue that STOA made of one.")
    ],
    folder: Annotated[Path, typer.Option("--to", metavar="FOLDER", help="Folder to make.")],
    title: Annotated[str, typer.Option("--title", metavar="TEXT", help="Title, in words.")] = "",
    licence: Annotated[
        str, typer.Option("--licence", metavar="URL", help="Address of the licence for the published folder.")
    ] = "",
    keep: KeepOption = None,
    quality: QualityOption = False,
    products: Annotated[
        bool, typer.Option("--products", help="Also copy products; FITS files get cards that name the run.")
    ] = False,
    stale_ok: Annotated[
        bool, typer.Option("--stale-ok", help="Also publish stale outcomes; the texts say how many and why.")
    ] = False,
    at: AtOption = "",
    json: JsonOption = False,
) -> None:
    """Write a folder for a paper: catalogue, plots, methods and table in LaTeX, citations, records, provenance.

    The folder is a Process Run RO-Crate. It has the failed jobs too, and what a deposit in Zenodo needs: CITATION.cff,
    .zenodo.json, and DEPOSIT.md with what is still missing.
    """
    report = publish.publish(
        workspace(ctx, at), source, folder, title=title, licence=licence, keep=keep or (), quality=quality,
        products=products, stale_ok=stale_ok,
    )  # fmt: skip
    if json:
        as_json(report)
        return
    out(published_in_words(report))
    for words in standing_words(report.standing):
        tell(words)
    for words in report.missing:
        tell(one_line(words))
    tell(f"before a deposit: {count(len(report.lacking), 'thing')} to do, see {report.folder}/DEPOSIT.md")
