"""From the products of a run to a catalogue: stacking, cutting, matching, plotting."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from stoa.catalogue.angles import radius_arcsec
from stoa.catalogue.diagrams import cause_bars, completeness, flux_flux, offset_plot, time_size
from stoa.catalogue.fluxes import FluxComparison, compare, published
from stoa.catalogue.match import MEASURED, PREFIX, Offset
from stoa.catalogue.match import match as match_tables
from stoa.catalogue.plots import against, histogram, sky_map
from stoa.catalogue.quality import CutCount, Selection, select
from stoa.catalogue.regions import write_ds9
from stoa.catalogue.stack import Part
from stoa.catalogue.stack import stack as stack_parts
from stoa.catalogue.tables import read_table, write_table
from stoa.errors import NotFoundError, StoaError
from stoa.exec.job.cause import group_causes
from stoa.meta.document import ImageGroup
from stoa.model import Outcome, Process, Status
from stoa.project import QualityCut
from stoa.provenance.definitions import read_process
from stoa.workspace.names import RunName, resolve_run
from stoa.workspace.open import Workspace
from stoa.workspace.outcomes import count_unlisted, latest_of

if TYPE_CHECKING:
    from astropy.table import Table

FOLDER = "catalogues"
COUNTED = ("source", "images", "empty", "targets", "sources", "kept")
"""Facts of a stacked and cut catalogue that a matched one keeps."""

PLOTS = ("sky", "flux", "snr", "fluxes", "offsets", "completeness", "causes", "time")


class StackReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a stacked catalogue holds."""

    source: str
    files: tuple[str, ...]
    images: int
    targets: int
    sources: int  # before the cuts
    kept: int
    cuts: tuple[CutCount, ...]
    left_out: dict[str, int]  # jobs without a table, by status
    unlisted: int  # latest outcomes of targets that are in no list any more, left out as well
    missing: tuple[str, ...]  # products that are not on this machine
    new: int = 0  # of a pair: targets without an outcome


class MatchReport(msgspec.Struct, frozen=True, kw_only=True):
    """What matching with a catalogue gave."""

    source: str
    catalogue: str
    radius_arcsec: float
    files: tuple[str, ...]
    sources: int
    calibrators: int  # sources left out because they are on calibrators
    matched: int  # sources with an object within the radius
    objects: int  # distinct objects
    expected: float  # matches by chance
    offset: Offset | None
    fluxes: FluxComparison | None = None


class QualityReport(msgspec.Struct, frozen=True, kw_only=True):
    """What the quality cuts of the project removed."""

    source: str
    files: tuple[str, ...]
    sources: int
    kept: int
    cuts: tuple[CutCount, ...]


def stack(ws: Workspace, source: str, keep: Iterable[str] = (), output: str = "", *, quality: bool = False) -> Table:
    """The sources of a run as one table; see `stack_report` for what was left out."""
    return _stacked(ws, source, _cuts(ws, keep, quality=quality), output)[0]


def stack_report(
    ws: Workspace,
    source: str,
    keep: Iterable[str] = (),
    output: str = "",
    out: Path | None = None,
    *,
    quality: bool = False,
) -> StackReport:
    """Stack the tables of a run's ok outcomes and write them.

    Parameters
    ----------
    source
        A run, or ``PROCESS@SET``.
    keep
        Conditions on columns, such as ``snr >= 7``; applied in order after those of the project.
    quality
        Apply the cuts that `.stoa/config.yaml` declares, first.
    output
        The output to stack, where a process has several catalogues.
    out
        File to write; by default VOTable and FITS in `catalogues/`.
    """
    table, report = _stacked(ws, source, _cuts(ws, keep, quality=quality), output)
    return msgspec.structs.replace(report, files=write(ws, table, out, label(source)))


def quality(
    ws: Workspace, source: str, keep: Iterable[str] = (), without: Iterable[str] = (), out: Path | None = None
) -> QualityReport:
    """Apply the quality cuts of the project to the sources of a run or table, and write what is left.

    Parameters
    ----------
    keep
        Further conditions, applied after those of the project.
    without
        Names of declared cuts that are not applied.

    Raises
    ------
    StoaError
        If the project declares no cuts and none are given, or has none of a name in `without`.
    """
    cuts = _cuts(ws, keep, quality=True, without=tuple(without))
    if not cuts:
        raise StoaError(
            "no quality cuts are declared", 'write `quality:` and below it `  bright: "snr >= 7"` in .stoa/config.yaml'
        )
    selection = _cut(_uncut(ws, source), source, cuts)
    return QualityReport(
        source=source, files=write(ws, selection.table, out, f"{label(source)}-quality"),
        sources=len(selection.table) + sum(cut.removed for cut in selection.cuts), kept=len(selection.table),
        cuts=selection.cuts,
    )  # fmt: skip


def _stacked(ws: Workspace, source: str, cuts: list[QualityCut], output: str) -> tuple[Table, StackReport]:
    name = resolve_run(ws, source)
    outcomes = latest_of(ws, name.process, name.params, name.run)
    chosen = output or catalogue_output(ws, name, outcomes.values())
    parts, missing, left_out = tables_of(ws, name, outcomes.values(), chosen)
    if not parts:
        raise _nothing(source, missing, left_out)
    table = stack_parts(parts)
    runs = " ".join(sorted({part.run for part in parts}))
    table.meta |= {"process": name.process, "params": name.params, "run": runs}
    selection = _cut(table, source, cuts)
    facts = table.meta
    report = StackReport(
        source=source, files=(), images=facts["images"], targets=facts["targets"], sources=facts["sources"],
        kept=len(selection.table), cuts=selection.cuts, left_out=left_out, missing=tuple(missing),
        unlisted=0 if name.run else count_unlisted(ws, name.process, name.params),
        new=0 if name.run else len(ws.targets.keys() - {target for target, _ in outcomes}),
    )  # fmt: skip
    return selection.table, report


def _cuts(
    ws: Workspace, conditions: Iterable[str], *, quality: bool, without: tuple[str, ...] = ()
) -> list[QualityCut]:
    """The cuts of the project where they are asked for, then those given on the command line."""
    declared = list(ws.project.config.quality) if quality else []
    for name in without:
        if name not in [cut.name for cut in declared]:
            raise NotFoundError("quality cut", name, [cut.name for cut in declared], "`quality:` of .stoa/config.yaml")
    given = [QualityCut(f"keep {number}", condition) for number, condition in enumerate(conditions, 1)]
    return [cut for cut in declared if cut.name not in without] + given


def _cut(table: Table, source: str, cuts: list[QualityCut]) -> Selection:
    """What cuts leave of a table, which then says of each cut how many it removed."""
    selection = select(table, cuts)
    facts = {"source": source, **table.meta, "kept": len(selection.table)}
    number = sum(name.startswith("cut") for name in facts)
    counted = {f"cut{n}": f"{c.name}: {c.keep} ({c.removed} removed)" for n, c in enumerate(selection.cuts, number + 1)}
    selection.table.meta = facts | counted
    return selection


def _nothing(source: str, missing: list[str], left_out: Mapping[str, int]) -> StoaError:
    if missing:
        return StoaError(
            f"the tables of {source} are not on this machine ({len(missing)}, such as {missing[0]})",
            "`stoa root add products PATH` says where the products lie",
        )
    words = ", ".join(f"{number} {status}" for status, number in left_out.items()) or "it has none"
    return StoaError(f"{source} has no ok outcome with a table of sources ({words})", "`stoa status` shows what failed")


def catalogue_output(ws: Workspace, name: RunName, outcomes: Iterable[Outcome]) -> str:
    """The output of kind catalogue that the process declared when it ran."""
    run = name.run or max((o.run for o in outcomes), default="")
    data = ws.store.frozen(run, "process.yaml")
    process: Process | None = read_process(data, "process.yaml") if data else None
    found = [key for key, spec in process.outputs.items() if spec.kind == "catalogue"] if process else []
    if len(found) == 1:
        return found[0]
    words = f"has the catalogues {', '.join(found)}" if found else "declares no output of kind catalogue"
    raise StoaError(f"process {name.process!r} {words}", "`--output NAME` chooses one; `kind: catalogue` declares one")


def tables_of(
    ws: Workspace, name: RunName, outcomes: Iterable[Outcome], output: str
) -> tuple[list[Part], list[str], dict[str, int]]:
    """Tables of the ok outcomes that are on this machine, products that are not, and other jobs by status."""
    kinds = _kinds(ws)
    parts: list[Part] = []
    missing: list[str] = []
    left_out: dict[str, int] = {}
    for o in sorted(outcomes, key=lambda o: (o.target, o.group)):
        ref = o.outputs.get(output)
        if o.status != Status.OK or ref is None:
            left_out[o.status.value] = left_out.get(o.status.value, 0) + 1
            continue
        path = ws.project.file(ref)
        if not path.is_file():
            missing.append(ref.path)
            continue
        intent, kind = kinds.get((o.target, o.group), ("", ""))
        parts.append(
            Part(
                path=path, target=o.target, group=o.group, intent=intent, kind=kind, process=name.process,
                params=name.params, run=o.run, product=ref.path,
            )
        )  # fmt: skip
    return parts, missing, left_out


def _kinds(ws: Workspace) -> dict[tuple[str, str], tuple[str, str]]:
    """Intent and kind of every image group that the metadata documents know."""
    found = {}
    for target, (_, document) in ws.documents().items():
        if isinstance(document, StoaError):
            continue
        for group in document.groups:
            facts = next((file.derived for file in group.files if file.derived.get("intent")), {})
            found[target, group.key] = (facts.get("intent", ""), facts.get("kind", ""))
    return found


def match(
    ws: Workspace,
    source: str,
    catalogue: Path,
    radius: str = "5arcsec",
    *,
    calibrators: bool = False,
    unique: bool = False,
    keep: Iterable[str] = (),
    quality: bool = False,
    flux: str = "",
    index: float = 0.0,
    out: Path | None = None,
) -> MatchReport:
    """Match the sources of a run, or of a table on disk, with a catalogue on the sky, and write the matches.

    Parameters
    ----------
    source
        A run, ``PROCESS@SET``, or a table file.
    radius
        Largest separation.
    calibrators
        Keep sources on calibrators, which are quasars and match for certain.
    unique
        One row a catalogue object in the table that is written.
    flux
        Published fluxes to compare with, and where they were measured: ``F6cm@6cm``.
    index
        Spectral index along which they are carried to the observed frequency.
    """
    table = _sources(ws, source, keep, quality=quality)
    found = match_tables(
        table, read_table(catalogue), radius_arcsec(radius), calibrators=calibrators, unique=unique,
        names=(source, str(catalogue)),
    )  # fmt: skip
    fluxes = compare(found.table, published(flux), index) if flux else None
    found.table.meta = {
        **{name: table.meta[name] for name in COUNTED if name in table.meta}, **_cut_facts(table),
        "catalogue": catalogue.name, "radius_arcsec": found.radius_arcsec, "left_out": found.calibrators,
        "matched": found.matched, "objects": found.objects, "expected": round(found.expected, 4),
        **({"fluxes": flux, "index": index} if flux else {}),
    }  # fmt: skip
    return MatchReport(
        source=source, catalogue=str(catalogue), radius_arcsec=found.radius_arcsec,
        files=write(ws, found.table, out, f"{label(source)}-x-{catalogue.stem}"), sources=found.sources,
        calibrators=found.calibrators, matched=found.matched, objects=found.objects, expected=found.expected,
        offset=found.offset, fluxes=fluxes,
    )  # fmt: skip


def _sources(ws: Workspace, source: str, keep: Iterable[str], *, quality: bool) -> Table:
    """A table on disk, or the stacked sources of a run, cut."""
    return _cut(_uncut(ws, source), source, _cuts(ws, keep, quality=quality)).table


def _uncut(ws: Workspace, source: str) -> Table:
    path = Path(source)
    return read_table(path) if path.suffix and path.is_file() else stack(ws, source)


def export(ws: Workspace, source: str, out: Path, keep: Iterable[str] = (), *, quality: bool = False) -> int:
    """Write the sources of a run or table to a file of any kind; gives their number."""
    table = _sources(ws, source, keep, quality=quality)
    write(ws, table, out, "")
    return len(table)


def plot(
    ws: Workspace,
    source: str,
    kind: str,
    *,
    catalogue: Path | None = None,
    out: Path | None = None,
    keep: Iterable[str] = (),
    quality: bool = False,
    radius: str = "5arcsec",
    calibrators: bool = False,
    flux: str = "",
    index: float = 0.0,
) -> Path:
    """Draw the sources or the jobs of a run, or the sources of a table.

    Parameters
    ----------
    kind
        ``sky``: map of the sky with the observed fields and, where given, the catalogue. ``flux``: flux against
        signal to noise. ``snr``: distribution of the signal to noise. With a catalogue: ``fluxes`` observed against
        published, ``offsets`` of positions, ``completeness`` by the ``snr`` of a table of true sources. Of a run:
        ``causes`` of failure, ``time`` against the size of the inputs.
    radius, calibrators, flux, index
        As for `match`, with one row a catalogue object.
    """
    if kind not in PLOTS:
        raise StoaError(f"no plot {kind!r}", f"plots: {', '.join(PLOTS)}")
    file = out or _folder(ws) / f"{label(source)}-{kind}.png"
    if kind in ("causes", "time"):
        _plot_jobs(ws, source, kind, file)
        return file
    table = _sources(ws, source, keep, quality=quality)
    if kind in ("fluxes", "offsets", "completeness"):
        if not catalogue:
            _plot_matched(table, source, kind, file)
            return file
        compared = _Comparison(catalogue, radius_arcsec(radius), calibrators, flux, index)
        _plot_compared(table, source, kind, compared, file)
        return file
    title = _title(source, table, catalogue if kind == "sky" else None)
    if kind == "sky":
        objects = read_table(catalogue) if catalogue else _matched_objects(table)
        sky_map(file, table, title=title, catalogue=objects, fields=_fields(ws))
    elif kind == "flux":
        against(file, table, "snr", "flux", title=title, y_error="e_flux")
    else:
        histogram(file, table["snr"], label="signal to noise", title=title)
    return file


class _Comparison(msgspec.Struct, frozen=True):
    """What the sources of a figure are compared with, and how."""

    catalogue: Path
    radius_arcsec: float
    calibrators: bool
    flux: str
    index: float


def _plot_compared(table: Table, source: str, kind: str, asked: _Comparison, file: Path) -> None:
    """Fluxes, positions, or what was found, against a catalogue."""
    other = read_table(asked.catalogue)
    title = _title(source, table, asked.catalogue)
    radius = asked.radius_arcsec
    if kind == "completeness":
        completeness(file, table, other, radius, title=f"{title}\nfound: a source within {radius:g} arcsec")
        return
    found = match_tables(
        table, other, radius, calibrators=asked.calibrators, unique=True, names=(source, str(asked.catalogue))
    )
    left = f"; {found.calibrators} sources on calibrators left out" if found.calibrators else ""
    if kind == "offsets":
        o = found.offset
        words = f"median {o.d_ra:+.3f}, {o.d_dec:+.3f}, scatter {o.scatter:.3f} arcsec" if o else "no match"
        objects = f"{found.objects} objects within {radius:g} arcsec{left}"
        offset_plot(file, found.table, radius, title=f"{title}\n{objects}\n{words}")
        return
    if not asked.flux:
        raise StoaError("the plot 'fluxes' needs a published flux", "`--flux F6cm@6cm`: its column and frequency")
    _plot_fluxes(file, found.table, compare(found.table, published(asked.flux), asked.index), title, left)


def _plot_matched(table: Table, source: str, kind: str, file: Path) -> None:
    """Positions or fluxes of a table that was matched before."""
    facts = table.meta
    is_matched = all(name in table.colnames for name in MEASURED) and "catalogue" in facts
    if kind == "completeness" or not is_matched:
        raise StoaError(f"the plot {kind!r} compares with a catalogue", "`--with TABLE` names it")
    title = _title(source, table, Path(str(facts["catalogue"])))
    if kind == "offsets":
        radius = float(facts["radius_arcsec"])
        offset_plot(file, table, radius, title=f"{title}\n{facts['objects']} objects within {radius:g} arcsec")
        return
    if "fluxes" not in facts:
        raise StoaError(f"{source} was matched without fluxes", "`stoa catalogue match --flux F6cm@6cm` compares them")
    _plot_fluxes(file, table, compare(table, published(str(facts["fluxes"])), float(facts["index"])), title, "")


def _plot_fluxes(file: Path, table: Table, f: FluxComparison, title: str, left: str) -> None:
    words = f"{f.compared} matches with {f.column}: ratio {f.in_words}"
    carried = f", extrapolated with spectral index {f.index:g}" if f.index else ""
    label = f"published {f.column} at {f.at_ghz:.3g} GHz{carried} [Jy]"
    flux_flux(file, table, title=f"{title}\n{words}{left}", x_label=label)


def _matched_objects(table: Table) -> Table | None:
    """The catalogue's part of a matched table; None of any other table."""
    names = [name for name in table.colnames if name.startswith(PREFIX)]
    if not names or MEASURED[0] not in table.colnames:
        return None
    objects = table[names]
    for name in names:
        objects.rename_column(name, name.removeprefix(PREFIX))
    return objects


def _plot_jobs(ws: Workspace, source: str, kind: str, file: Path) -> None:
    """Causes of failure, or durations, of a run's jobs."""
    name = resolve_run(ws, source)
    jobs = list(latest_of(ws, name.process, name.params, name.run).values())
    counts = Counter(o.status.value for o in jobs)
    runs = sorted({o.run for o in jobs})
    which = f"{name.process}@{name.params}, {f'run {runs[0]}' if len(runs) == 1 else f'{len(runs)} runs'}"
    title = f"{which}\n{len(jobs)} jobs: " + ", ".join(f"{number} {status}" for status, number in counts.most_common())
    if kind == "causes":
        causes = {f"{group.status.value}: {group.cause}": group.count for group in group_causes(jobs)}
        cause_bars(file, causes, title=title)
    else:
        rows = [(sum(ref.size for ref in o.inputs.values()) / 1e6, o.duration_s, o.status.value) for o in jobs]
        time_size(file, rows, title=title)


def _title(source: str, table: Table, catalogue: Path | None) -> str:
    """Which run and set, which cuts, how many; what a figure has to say by itself."""
    targets = table.meta.get("targets") or (len(set(table["target"])) if "target" in table.colnames else 0)
    images = table.meta.get("images")
    runs = sorted(set(map(str, table["run"]))) if "run" in table.colnames else []
    which = "" if not runs else f" (run {runs[0]})" if len(runs) == 1 else f" ({len(runs)} runs)"
    words = f"{table.meta.get('source', source)}{which}: {len(table)} sources"
    where = f"{images} images of {targets} targets" if images else f"{targets} targets"
    words += (f" in {where}" if targets else "") + (f"; with {catalogue.stem}" if catalogue else "")
    return "\n".join([words, "; ".join(_cut_facts(table).values())])


def _cut_facts(table: Table) -> dict[str, str]:
    return {name: text for name, text in table.meta.items() if re.fullmatch(r"cut\d+", name)}


def _fields(ws: Workspace) -> Table | None:
    """Centre of every image group that the metadata documents know."""
    centres: list[tuple[float, float, float]] = [
        centre
        for _, document in ws.documents().values()
        if not isinstance(document, StoaError)
        for group in document.groups
        if (centre := _centre(group))
    ]
    if not centres:
        return None
    from astropy.table import Table

    return Table(rows=sorted(set(centres)), names=("ra_deg", "dec_deg", "hwhm_arcsec"))


def _centre(group: ImageGroup) -> tuple[float, float, float] | None:
    """Centre of a group in degrees, and half the width of its primary beam in arcsec, 0 where nobody knows it."""
    for file in group.files:
        if "ra_deg" in file.derived and "dec_deg" in file.derived:
            width = float(file.derived.get("pb_hwhm_arcsec") or 0)
            return float(file.derived["ra_deg"]), float(file.derived["dec_deg"]), width
    return None


def _folder(ws: Workspace) -> Path:
    folder = ws.project.top / FOLDER
    folder.mkdir(exist_ok=True)
    return folder


def label(source: str) -> str:
    """Name of a file made from a source; a value that was given on a command line may hold any character."""
    name = (
        Path(source).stem if Path(source).suffix in (".vot", ".fits", ".ecsv", ".csv", ".xml", ".parquet") else source
    )
    return re.sub(r"[^\w@.+=,-]+", "_", name)[:150]


def write(ws: Workspace, table: Any, out: Path | None, label: str) -> tuple[str, ...]:
    """Write a table where it was asked for, or as VOTable and FITS."""
    files = [out] if out else [_folder(ws) / f"{label}{suffix}" for suffix in (".vot", ".fits")]
    for file in files:
        if file.suffix == ".reg":
            write_ds9(table, file, name="sources")
        else:
            write_table(table, file)
    return tuple(
        str(file.relative_to(ws.project.top)) if file.is_relative_to(ws.project.top) else str(file) for file in files
    )
