"""One folder for a paper: catalogue, plots, texts, records, provenance, research object."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from stoa.catalogue.tables import read_table, write_table
from stoa.commands import catalogue
from stoa.commands.history import resolve_run
from stoa.commands.rerun import latest_of
from stoa.commands.selection import flagged
from stoa.commands.workspace import Workspace
from stoa.errors import StoaError
from stoa.exec.cause import group_causes
from stoa.model import FileRef, Outcome, Run, Status
from stoa.provenance.definitions import read_process
from stoa.provenance.git import remote_url
from stoa.provenance.ids import now
from stoa.provenance.index import decode_run
from stoa.publish import texts
from stoa.publish.crate import write_crate
from stoa.publish.facts import CatalogueFacts, CutFact, Publication
from stoa.publish.provenance import prov_document
from stoa.publish.stamp import stamped_copy

NEEDED = ("rocrate", "prov")
"""Distributions of the extra `publish`."""


class PublishReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was written."""

    source: str
    folder: str
    files: dict[str, str]  # path in the folder -> what it is
    counts: dict[str, int]
    sources: int  # in the catalogue, after the cuts
    missing: tuple[str, ...]  # what could not be published, and why


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
) -> PublishReport:
    """Write what a paper needs of a run into a new folder.

    Parameters
    ----------
    source
        A run, or ``PROCESS@SET`` for the latest outcomes of that pair.
    folder
        Made; it may exist if it is empty.
    licence
        Address of the licence under which it is published.
    keep, quality
        Cuts of the catalogue, as of `stoa.commands.catalogue.stack_report`.
    products
        Copy the products of ok outcomes, FITS files with cards that say where they come from.
    """
    _check_extras()
    name = resolve_run(ws, source)
    outcomes = tuple(latest_of(ws, name.process, name.params, name.run).values())
    runs = _runs(ws, {outcome.run for outcome in outcomes})
    label = f"{name.process}@{name.params}" + (f" {name.run}" if name.run else "")
    _make(folder)
    try:
        return _write(
            ws, label, source, folder, runs, outcomes, title, licence, tuple(keep), quality=quality, products=products
        )
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _write(
    ws: Workspace,
    label: str,
    source: str,
    folder: Path,
    runs: tuple[Run, ...],
    outcomes: tuple[Outcome, ...],
    title: str,
    licence: str,
    keep: tuple[str, ...],
    *,
    quality: bool,
    products: bool,
) -> PublishReport:
    files: dict[str, str] = {}
    missing: list[str] = []
    found = _catalogue(ws, source, folder, keep, files, missing, quality=quality)
    copies = _copies(ws, folder, runs, outcomes, files, missing) if products else ()
    _records(ws, folder, runs, files)
    open_flags = flagged(ws)
    counts: dict[str, int] = {}
    for outcome in outcomes:
        counts[outcome.status.value] = counts.get(outcome.status.value, 0) + 1
    frozen = ws.store.frozen(runs[-1].id, "process.yaml")
    if frozen is None:
        raise StoaError(f"run {runs[-1].id} has no frozen process", "`stoa fsck` says what else is missing")
    publication = Publication(
        title=title or f"{label}: {len(outcomes)} outcomes", source=label,
        process=read_process(frozen, f"runs/{runs[-1].id}/frozen/process.yaml"), runs=runs, outcomes=outcomes,
        counts={status.value: counts[status.value] for status in Status if status.value in counts},
        causes=group_causes(outcome for outcome in outcomes if outcome.status not in (Status.OK, Status.SKIPPED)),
        flagged=tuple(sorted({outcome.target for outcome in outcomes} & open_flags.keys())),
        scripts=_scripts(ws, runs[-1]), catalogue=found,
        plots=tuple(name for name in files if name.startswith("plots/")),
        products=copies, origin=remote_url(ws.repository), commit=ws.repository.head(), written=now(),
        versions=_versions(), licence=licence,
    )  # fmt: skip
    document = prov_document(publication)
    _text(folder, files, "methods.tex", texts.methods(publication), "a paragraph for the paper")
    _text(folder, files, "table.tex", texts.table(publication), "counts by status, cause and quality cut")
    _text(folder, files, "software.bib", texts.bibtex(publication), "what is to be cited for the software")
    _text(folder, files, "prov.json", f"{document.serialize(indent=1)}\n", "provenance, W3C PROV-JSON")
    _text(folder, files, "prov.provn", f"{document.get_provn()}\n", "provenance, W3C PROV-N")
    _text(folder, files, "README.md", texts.readme(publication, files | {"README.md": "this page"}), "what is here")
    write_crate(publication, folder, files)
    files["ro-crate-metadata.json"] = "this folder as a Process Run RO-Crate"
    return PublishReport(
        source=label, folder=str(folder), files=dict(sorted(files.items())), counts=publication.counts,
        sources=found.kept if found else 0, missing=tuple(missing),
    )  # fmt: skip


def _check_extras() -> None:
    for name in NEEDED:
        try:
            version(name)
        except PackageNotFoundError:
            raise StoaError(f"publishing needs the package {name}", "`pip install 'stoa[publish]'`") from None


def _versions() -> dict[str, str]:
    return {name: version(name) for name in ("stoa", "astropy", "numpy", *NEEDED)}


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


def _catalogue(
    ws: Workspace,
    source: str,
    folder: Path,
    keep: tuple[str, ...],
    files: dict[str, str],
    missing: list[str],
    *,
    quality: bool,
) -> CatalogueFacts | None:
    """The catalogue in two formats and its plots; None where the process makes none."""
    try:
        report = catalogue.stack_report(ws, source, keep, out=folder / "catalogue.vot", quality=quality)
    except StoaError as problem:
        missing.append(f"no catalogue: {problem.message}")
        return None
    write_table(read_table(folder / "catalogue.vot"), folder / "catalogue.fits")
    files |= {"catalogue.vot": "the sources, VOTable", "catalogue.fits": "the sources, FITS"}
    (folder / "plots").mkdir()
    for kind, words in (("sky", "the sources on the sky"), ("flux", "flux against signal to noise")):
        for suffix in ("png", "pdf"):
            path = f"plots/{kind}.{suffix}"
            try:
                catalogue.plot(ws, str(folder / "catalogue.vot"), kind, out=folder / path)
                files[path] = words
            except StoaError as problem:
                missing.append(f"no {path}: {problem.message}")
    missing += [f"not on this machine: {path}" for path in report.missing]
    cuts = tuple(CutFact(words=cut.keep or cut.name, removed=cut.removed) for cut in report.cuts)
    return CatalogueFacts(
        files=("catalogue.vot", "catalogue.fits"), sources=report.sources, kept=report.kept, images=report.images,
        targets=report.targets, cuts=cuts,
    )  # fmt: skip


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
            path = "/".join(filter(None, ("products", outcome.target, outcome.group, ref.path.rpartition("/")[2])))
            if _copied(ws, ref, folder / path, known[outcome.run], outcome):
                files[path] = f"{name} of {outcome.target}"
                made.append(path)
            else:
                missing.append(f"not on this machine, or changed since: {ref.path}")
    return tuple(made)


def _copied(ws: Workspace, ref: FileRef, place: Path, run: Run, outcome: Outcome) -> bool:
    with suppress(OSError, StoaError):
        file = ws.project.file(ref)
        if ws.checksums.of(file)[1] == ref.sha256:
            place.parent.mkdir(parents=True, exist_ok=True)
            stamped_copy(file, place, run, outcome, ref)
            return True
    return False


def _records(ws: Workspace, folder: Path, runs: tuple[Run, ...], files: dict[str, str]) -> None:
    """Copies of the records that everything rests on, as they stand in git."""
    snapshot = ws.store.snapshot()
    for run in runs:
        stack = [f"runs/{run.id}"]
        while stack:
            below = stack.pop()
            for name, oid in snapshot.files(f"{ws.store.prefix}/{below}"):
                place = folder / "records" / below / name
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(snapshot.blob(oid))
                files[f"records/{below}/{name}"] = f"record of run {run.id}"
            stack += [f"{below}/{name}" for name, _ in snapshot.folders(f"{ws.store.prefix}/{below}")]


def _scripts(ws: Workspace, run: Run) -> dict[str, bytes]:
    snapshot = ws.store.snapshot()
    found = snapshot.files(f"{ws.store.prefix}/runs/{run.id}/frozen/script")
    return {name: snapshot.blob(oid) for name, oid in found}


def _text(folder: Path, files: dict[str, str], name: str, content: str, words: str) -> None:
    (folder / name).write_text(content, encoding="utf-8")
    files[name] = words
