"""One folder for a paper: catalogue, plots, texts, records, provenance, research object."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from stoa import __version__
from stoa.catalogue.formats import CatalogueError
from stoa.catalogue.plots import caption_file
from stoa.catalogue.tables import read_table, write_table
from stoa.errors import StoaError
from stoa.exec.job.cause import group_causes
from stoa.model import FileRef, Outcome, Run, Status
from stoa.provenance.dialect import block
from stoa.provenance.git import remote_url
from stoa.provenance.ids import now
from stoa.provenance.index import decode_run
from stoa.publish import texts
from stoa.publish.crate import write_crate
from stoa.publish.deposit import citation, deposit_page, lacking, zenodo
from stoa.publish.facts import CatalogueFacts, CutFact, MatchFact, Publication
from stoa.publish.provenance import prov_document
from stoa.publish.stamp import stamped_copy
from stoa.runs.standing import standing
from stoa.sources.cuts import cuts_in
from stoa.sources.figures import draw
from stoa.sources.files import label, write
from stoa.sources.stack import cuts_of, stack
from stoa.sources.trace import NEEDED as TRACED  # what is needed to trace a row
from stoa.workspace.frozen import frozen_files, known_frozen_process
from stoa.workspace.looks import Counts
from stoa.workspace.names import pair_words, resolve_run, table_on_disk
from stoa.workspace.open import Workspace
from stoa.workspace.outcomes import latest_of
from stoa.workspace.reviews import flagged

if TYPE_CHECKING:
    from astropy.table import Table

_WRITERS = ("rocrate", "prov")


class PublishReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was written."""

    source: str
    folder: str
    files: dict[str, str]  # path in the folder -> what it is
    counts: dict[str, int]
    sources: int  # in the catalogue, after the cuts
    missing: tuple[str, ...]  # what could not be published, and why
    standing: Counts  # how many outcomes are stale, flagged or missing
    lacking: tuple[str, ...] = ()  # what is to be added or decided before a deposit


def publish(
    ws: Workspace,
    source: str,
    folder: Path,
    *,
    title: str = "",
    licence: str = "",
    keep: Iterable[str] = (),
    quality: bool = False,
    products: bool = False,
    stale_ok: bool = False,
) -> PublishReport:
    """Write what a paper needs of a run into a new folder.

    Parameters
    ----------
    source
        A run, ``PROCESS@SET`` for the latest outcomes of that pair, or a catalogue on disk that STOA made of them:
        stacked, cut or matched. With a catalogue the jobs are those of the run or pair that it was stacked from.
    folder
        Made; it may exist if it is empty.
    licence
        Address of the licence under which it is published.
    keep, quality
        Cuts of the catalogue, as of `stoa.commands.catalogue.stack.stack_and_write`.
    products
        Copy the products of ok outcomes, FITS files with cards that say where they come from.
    stale_ok
        Publish also where outcomes are stale; the texts and the metadata say how many and why.

    Raises
    ------
    StoaError
        If outcomes are stale and that was not accepted, there are none, or the folder cannot be made.
    """
    file = table_on_disk(source)
    ws.check_given(file, folder)
    table = read_table(file) if file else None
    if table is not None and (tuple(keep) or quality):
        raise StoaError(
            f"{source} is a catalogue, which has its cuts",
            "`stoa catalogue quality` and `stoa catalogue match --keep` make one with others",
        )
    origin = source if table is None else _origin(table, source)
    name = resolve_run(ws, origin)
    outcomes = tuple(latest_of(ws, name).values())
    if table is not None:
        _check_rows(table, source, outcomes)
    counts = standing(ws, name).counts
    label = pair_words(ws, [name.pair])[name.pair] + (f" {name.run}" if name.run else "")
    if counts.stale and not stale_ok:
        raise StoaError(
            f"{counts.stale} of {counts.outcomes} outcomes of {label} are stale: {'; '.join(counts.reasons)}",
            f"`stoa run {label.partition(' ')[0]}` makes them again; --stale-ok publishes them, and the texts say so",
        )
    runs = _runs(ws, {outcome.run for outcome in outcomes})
    if not runs:
        raise StoaError(
            f"{label} has no outcome that counts, of a target that is listed",
            "`stoa fsck` says what is wrong with records, `stoa target list` which targets there are",
        )
    _make(folder)
    try:
        return _write(
            ws, label, origin, folder, runs, outcomes, title, licence, tuple(keep), table, counts, quality=quality,
            products=products,
        )  # fmt: skip
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _write(
    ws: Workspace,
    label: str,
    origin: str,
    folder: Path,
    runs: tuple[Run, ...],
    outcomes: tuple[Outcome, ...],
    title: str,
    licence: str,
    keep: tuple[str, ...],
    table: Table | None,
    standing_counts: Counts,
    *,
    quality: bool,
    products: bool,
) -> PublishReport:
    files: dict[str, str] = {}
    missing: list[str] = []
    found = _catalogue(ws, origin, folder, keep, table, missing, standing_counts, quality=quality)
    if found:
        words = {"catalogue.vot": "the sources, VOTable", "catalogue.fits": "the sources, FITS"}
        files |= {name: words[name] for name in found.files}
    bad = any(outcome.status not in (Status.OK, Status.SKIPPED) for outcome in outcomes)
    _plots(ws, origin, folder, files, missing, table=table, found=found, bad=bad)
    copies = _copies(ws, folder, runs, outcomes, files, missing) if products else ()
    _records(ws, folder, runs, files)
    open_flags = flagged(ws)
    counts: dict[str, int] = {}
    for outcome in outcomes:
        counts[outcome.status.value] = counts.get(outcome.status.value, 0) + 1
    publication = Publication(
        title=title or f"{label}: {len(outcomes)} outcomes", source=label,
        process=known_frozen_process(ws, runs[-1].id), runs=runs, outcomes=outcomes,
        counts={status.value: counts[status.value] for status in Status if status.value in counts},
        causes=group_causes(outcome for outcome in outcomes if outcome.is_amiss),
        flagged=tuple(sorted({outcome.target for outcome in outcomes} & open_flags.keys())),
        stale=standing_counts.stale, stale_reasons=standing_counts.reasons, without_outcome=standing_counts.missing,
        scripts=frozen_files(ws, runs[-1].id, "script"), catalogue=found,
        plots=tuple(name for name in files if name.startswith("plots/")),
        products=copies, origin=remote_url(ws.repository), commit=ws.repository.head(), written=now(),
        publisher=ws.repository.author(), versions=_versions(), licence=licence,
    )  # fmt: skip
    document = prov_document(publication)
    _text(folder, files, "methods.tex", texts.methods(publication), "a paragraph for the paper")
    _text(folder, files, "table.tex", texts.table(publication), "counts by status, cause and quality cut")
    _text(folder, files, "software.bib", texts.bibtex(publication), "what is to be cited for the software")
    _text(folder, files, "prov.json", f"{document.serialize(indent=1)}\n", "provenance, W3C PROV-JSON")
    _text(folder, files, "prov.provn", f"{document.get_provn()}\n", "provenance, W3C PROV-N")
    cff = block(citation(publication)).decode()
    _text(folder, files, "CITATION.cff", cff, "how to cite these data, Citation File Format 1.2")
    _text(folder, files, ".zenodo.json", zenodo(publication), "metadata for a deposit in Zenodo")
    left = lacking(publication, tuple(missing), len(files), titled=bool(title))
    _text(folder, files, "DEPOSIT.md", deposit_page(publication, left), "what is missing before a deposit")
    _text(folder, files, "README.md", texts.readme(publication, files | {"README.md": "this page"}), "what is here")
    write_crate(publication, folder, files)
    files["ro-crate-metadata.json"] = "this folder as a Process Run RO-Crate"
    return PublishReport(
        source=label, folder=str(folder), files=dict(sorted(files.items())), counts=publication.counts,
        sources=found.rows if found else 0, missing=tuple(missing), standing=standing_counts,
        lacking=left,
    )  # fmt: skip


def _versions() -> dict[str, str]:
    return {"stoa": __version__} | {name: version(name) for name in ("astropy", "numpy", *_WRITERS)}


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        occupied = any(folder.iterdir())
    except OSError as problem:
        raise StoaError(f"cannot make the folder {folder}: {problem.strerror}") from None
    if occupied:
        raise StoaError(f"the folder {folder} is not empty", "name a new one; nothing is overwritten")


def _runs(ws: Workspace, names: Iterable[str]) -> tuple[Run, ...]:
    rows = (ws.index.rows("SELECT record FROM runs WHERE run = ?", (name,)) for name in sorted(names))
    return tuple(decode_run(row[0][0]) for row in rows)


def _origin(table: Table, source: str) -> str:
    """The run or pair that a catalogue was stacked from."""
    if any(name not in table.colnames for name in TRACED) or "source" not in table.meta:
        raise StoaError(
            f"{source} does not say which run its rows come from", "`stoa catalogue stack` writes catalogues that do"
        )
    return str(table.meta["source"])


def _check_rows(table: Table, source: str, outcomes: Iterable[Outcome]) -> None:
    """Every row has to come from one of the outcomes that are published with it."""
    known = {ref.path for outcome in outcomes for ref in outcome.outputs.values()}
    other = [str(product) for product in table["product"] if str(product) not in known]
    if other:
        raise StoaError(
            f"{len(other)} of {len(table)} rows of {source} come from products that are not among the latest outcomes"
            f" of {table.meta['source']}, such as {other[0]}",
            "`stoa catalogue stack` and what was done after it make the catalogue again",
        )


def _catalogue(
    ws: Workspace,
    source: str,
    folder: Path,
    keep: tuple[str, ...],
    table: Table | None,
    missing: list[str],
    standing_counts: Counts,
    *,
    quality: bool,
) -> CatalogueFacts | None:
    """The catalogue in two formats; None where the process makes none."""
    if table is None:
        try:
            table, report = stack(ws, source, cuts_of(ws, keep, quality=quality))
            table.meta |= standing_counts.facts
            write(ws, table, folder / "catalogue.vot", label(source))
        except StoaError as problem:
            missing.append(f"no catalogue: {problem.message}")
            return None
        missing += [f"not on this machine: {path}" for path in report.missing]
        table = read_table(folder / "catalogue.vot")
    else:
        write_table(table, folder / "catalogue.vot")
    try:
        write_table(table, folder / "catalogue.fits")
    except CatalogueError as problem:
        missing.append(f"no catalogue.fits: {problem.message}")
    return _facts(table, tuple(file.name for file in sorted(folder.glob("catalogue.*"), reverse=True)))


def _facts(table: Table, files: tuple[str, ...]) -> CatalogueFacts:
    """What a catalogue says of itself."""
    facts = table.meta
    match = None
    if "catalogue" in facts:
        match = MatchFact(
            catalogue=str(facts["catalogue"]), radius_arcsec=float(facts["radius_arcsec"]),
            left_out=int(facts["left_out"]), matched=int(facts["matched"]), objects=int(facts["objects"]),
            expected=float(facts["expected"]), e_expected=float(facts.get("e_expected", 0)),
        )  # fmt: skip
    return CatalogueFacts(
        files=files, sources=int(facts.get("sources", len(table))), kept=int(facts.get("kept", len(table))),
        rows=len(table), images=int(facts.get("images", 0)), targets=int(facts.get("targets", 0)), match=match,
        errors=tuple(n for n in table.colnames if n.startswith("e_")), products=tuple(sorted(set(map(str,
        table["product"])))), cuts=tuple(CutFact(words=cut.keep, removed=cut.removed) for cut in cuts_in(facts)),
    )  # fmt: skip


def _plots(
    ws: Workspace,
    jobs: str,
    folder: Path,
    files: dict[str, str],
    missing: list[str],
    *,
    table: Table | None,
    found: CatalogueFacts | None,
    bad: bool,
) -> None:
    """Figures of the catalogue, of its matches, and of the jobs."""
    sources = str(folder / "catalogue.vot")
    kinds = [("sky", "the sources on the sky", sources), ("flux", "flux against signal to noise", sources)]
    if found and found.match:
        kinds.append(("offsets", "positions relative to the matched objects", sources))
    if table is not None and "fluxes" in table.meta:
        kinds.append(("fluxes", "observed against published flux", sources))
    chosen = (kinds if found else []) + [("causes", "causes of failure", jobs)] * bad
    if chosen:
        (folder / "plots").mkdir()
    for kind, words, source in chosen:
        for suffix in ("png", "pdf"):
            path = f"plots/{kind}.{suffix}"
            try:
                draw(ws, source, kind, folder / path)
                files[path] = words
                if caption_file(folder / path).is_file():
                    files[f"plots/{kind}.txt"] = f"caption of plots/{kind}"
            except StoaError as problem:
                missing.append(f"no {path}: {problem.message}")


def _copies(
    ws: Workspace,
    folder: Path,
    runs: tuple[Run, ...],
    outcomes: tuple[Outcome, ...],
    files: dict[str, str],
    missing: list[str],
) -> tuple[str, ...]:
    known = {run.id: run for run in runs}
    made = []
    for outcome in outcomes:
        for name, ref in outcome.outputs.items():
            path = "/".join(filter(None, ("products", outcome.target, outcome.group, _below(ref, outcome))))
            if _copied(ws, ref, folder / path, known[outcome.run], outcome):
                paths = [path] if not ref.files else _within(folder, path)
                files.update(dict.fromkeys(paths, f"{name} of {outcome.target}"))
                made += paths
            else:
                missing.append(f"not on this machine, or changed since: {ref.path}")
    return tuple(made)


def _within(folder: Path, path: str) -> list[str]:
    """Files of a product that is a folder."""
    return sorted(file.relative_to(folder).as_posix() for file in (folder / path).rglob("*") if file.is_file())


def _below(ref: FileRef, outcome: Outcome) -> str:
    """Path of a product below its job's directory, which no other output of the job has."""
    start = f"{outcome.place}/"
    return ref.path.removeprefix(start) if outcome.place and ref.path.startswith(start) else ref.path.partition(":")[2]


def _copied(ws: Workspace, ref: FileRef, place: Path, run: Run, outcome: Outcome) -> bool:
    with suppress(OSError, StoaError):
        file = ws.products.file(ref, outcome.run)
        if ws.checksums.of(file)[1] == ref.sha256:
            place.parent.mkdir(parents=True, exist_ok=True)
            if ref.files:
                shutil.copytree(file, place, symlinks=True)
            else:
                stamped_copy(file, place, run, outcome, ref)
            return True
    return False


def _records(ws: Workspace, folder: Path, runs: tuple[Run, ...], files: dict[str, str]) -> None:
    """Copies of the records that everything rests on, as they are in git."""
    snapshot = ws.store.snapshot()
    for run in runs:
        folders = [f"runs/{run.id}"]
        while folders:
            below = folders.pop()
            for name, oid in snapshot.files(f"{ws.store.prefix}/{below}"):
                place = folder / "records" / below / name
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(snapshot.blob(oid))
                files[f"records/{below}/{name}"] = f"record of run {run.id}"
            folders += [f"{below}/{name}" for name, _ in snapshot.folders(f"{ws.store.prefix}/{below}")]


def _text(folder: Path, files: dict[str, str], name: str, content: str, words: str) -> None:
    (folder / name).write_text(content, encoding="utf-8")
    files[name] = words
