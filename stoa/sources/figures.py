"""Figures of the sources of a run or a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from stoa.catalogue.angles import radius_arcsec
from stoa.catalogue.completeness import completeness_by_injection, completeness_by_truth
from stoa.catalogue.diagrams import cause_bars, completeness, flux_flux, offset_plot, time_size
from stoa.catalogue.fluxes import compare, published
from stoa.catalogue.match import MEASURED, PREFIX
from stoa.catalogue.match import match as match_tables  # not the verb
from stoa.catalogue.plots import against, histogram, sky_map
from stoa.catalogue.tables import read_table
from stoa.errors import StoaError
from stoa.exec.job.cause import group_causes
from stoa.meta.document import ImageGroup
from stoa.model import Status
from stoa.workspace.names import resolve_run
from stoa.workspace.open import Workspace
from stoa.workspace.outcomes import latest_of

if TYPE_CHECKING:
    from astropy.table import Table
from stoa.sources.cuts import cut_sentences
from stoa.sources.stack import sources_of
from stoa.sources.tables import catalogue_output, nothing_to_stack, tables_of

PLOTS = ("sky", "flux", "snr", "fluxes", "offsets", "completeness", "causes", "time")


def draw(
    ws: Workspace,
    source: str,
    kind: str,
    file: Path,
    *,
    catalogue: Path | None = None,
    keep: Iterable[str] = (),
    quality: bool = False,
    radius: str = "5arcsec",
    calibrators: bool = False,
    flux: str = "",
    index: float = 0.0,
    limits: Path | None = None,
) -> None:
    """Draw the sources or the jobs of a run, or the sources of a table.

    Parameters
    ----------
    kind
        ``sky``: map of the sky with the searched fields and, where given, the catalogue. ``flux``: flux against
        signal to noise. ``snr``: distribution of the signal to noise. With a catalogue: ``fluxes`` observed against
        published, ``offsets`` of positions, ``completeness`` by the ``snr`` of a table of true sources. Of a run:
        ``completeness`` by the sources that its finder put in, where no catalogue is given; ``causes`` of failure,
        ``time`` against the size of the inputs.
    radius, calibrators, flux, index
        As for `match`, with one row for each catalogue object, band and epoch.
    limits
        With ``fluxes``: a table of upper limits, as `stoa catalogue limits` writes it.
    """
    if kind not in PLOTS:
        raise StoaError(f"no plot {kind!r}", f"plots: {', '.join(PLOTS)}")
    if kind in ("causes", "time"):
        _plot_jobs(ws, source, kind, file)
        return
    ws.check_given(catalogue, limits)
    if kind == "completeness" and not catalogue:
        _plot_injected(ws, source, file)
        return
    table = sources_of(ws, source, keep, quality=quality)
    if kind in ("fluxes", "offsets", "completeness"):
        if not catalogue:
            _plot_matched(table, source, kind, file, limits)
            return
        compared = _Comparison(catalogue, radius_arcsec(radius), calibrators, flux, index, limits)
        _plot_compared(table, source, kind, compared, file)
        return
    title = _title(source, table, catalogue if kind == "sky" else None)
    if kind == "sky":
        objects = read_table(catalogue) if catalogue else _matched_objects(table)
        sky_map(file, table, title=title, catalogue=objects, fields=_fields(ws, table, source))
    elif kind == "flux":
        against(file, table, "snr", "flux", title=title, y_error="e_flux")
    else:
        histogram(file, table["snr"], label="signal to noise", title=title)


class _Comparison(msgspec.Struct, frozen=True):
    """What the sources of a figure are compared with, and how."""

    catalogue: Path
    radius_arcsec: float
    calibrators: bool
    flux: str
    index: float
    limits: Path | None


def _plot_compared(table: Table, source: str, kind: str, asked: _Comparison, file: Path) -> None:
    """Fluxes, positions, or what was found, against a catalogue."""
    other = read_table(asked.catalogue)
    title = _title(source, table, asked.catalogue)
    radius = asked.radius_arcsec
    if kind == "completeness":
        found = completeness_by_truth(table, other, radius)
        completeness(file, found, title=f"{title}\nfound: a source within {radius:g} arcsec")
        return
    matched = match_tables(
        table, other, radius, calibrators=asked.calibrators, unique=True, names=(source, str(asked.catalogue))
    )
    left = f"; {matched.calibrators} sources on calibrators left out" if matched.calibrators else ""
    if kind == "offsets":
        o = matched.offset
        words = f"median {o.d_ra:+.3f}, {o.d_dec:+.3f}, scatter {o.scatter:.3f} arcsec" if o else "no match"
        objects = f"{matched.objects} objects within {radius:g} arcsec{left}"
        offset_plot(file, matched.table, radius, title=f"{title}\n{objects}\n{words}")
        return
    if not asked.flux:
        raise StoaError("the plot 'fluxes' needs a published flux", "`--flux F6cm@6cm`: its column and frequency")
    _plot_fluxes(file, matched.table, asked.flux, asked.index, f"{title}{left}", asked.limits)


def _plot_injected(ws: Workspace, source: str, file: Path) -> None:
    """What was found of the sources that a finder put into the images of a run, or into that of a table."""
    table = Path(source)
    if table.suffix and table.is_file():
        tables, which = [table], source
    else:
        name = resolve_run(ws, source)
        outcomes = latest_of(ws, name).values()
        parts, missing, left_out = tables_of(ws, name, outcomes, catalogue_output(ws, name, outcomes))
        if not parts:
            raise nothing_to_stack(source, missing, left_out)
        tables, runs = [part.path for part in parts], sorted({part.run for part in parts})
        which = f"{source} ({f'run {runs[0]}' if len(runs) == 1 else f'{len(runs)} runs'})"
    found = completeness_by_injection(tables)
    words = f"{found.found.sum()} of {found.true.sum()} point sources found that were put into {found.images} images"
    completeness(file, found, title=f"{which}\n{words}")


def _plot_matched(table: Table, source: str, kind: str, file: Path, limits: Path | None) -> None:
    """Positions or fluxes of a table that was matched before."""
    facts = table.meta
    is_matched = all(name in table.colnames for name in MEASURED) and "catalogue" in facts
    if not is_matched:
        raise StoaError(f"the plot {kind!r} compares with a catalogue", "`--with TABLE` names it")
    title = _title(source, table, Path(str(facts["catalogue"])))
    if kind == "offsets":
        radius = float(facts["radius_arcsec"])
        offset_plot(file, table, radius, title=f"{title}\n{facts['objects']} objects within {radius:g} arcsec")
        return
    if "fluxes" not in facts:
        raise StoaError(f"{source} was matched without fluxes", "`stoa catalogue match --flux F6cm@6cm` compares them")
    _plot_fluxes(file, table, str(facts["fluxes"]), float(facts["index"]), title, limits)


def _plot_fluxes(file: Path, table: Table, flux: str, index: float, title: str, limits: Path | None) -> None:
    f = compare(table, published(flux), index)
    words = f"{f.compared} matches with {f.column}: ratio {f.in_words}"
    carried = f", extrapolated with spectral index {f.index:g}" if f.index else ""
    label = f"published {f.column} at {f.at_ghz:.3g} GHz{carried} [Jy]"
    flux_flux(file, table, title=f"{title}\n{words}", x_label=label, limits=_limits(limits, flux, index))


def _limits(path: Path | None, flux: str, index: float) -> Table | None:
    """Upper limits beside the fluxes that their objects are expected to have."""
    if path is None:
        return None
    table = read_table(path)
    if "flux_limit" not in table.colnames:
        raise StoaError(
            f"{str(path)!r} has no upper limits (no column flux_limit)", "`stoa catalogue limits` writes them"
        )
    table["flux"] = table["flux_limit"]
    table["e_flux"] = 0.0 * table["flux_limit"]
    compare(table, published(flux), index)
    return table


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
    jobs = list(latest_of(ws, name).values())
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
    return "\n".join([words, "; ".join(cut_sentences(table))])


def _fields(ws: Workspace, table: Table, source: str) -> Table | None:
    """Centres of the images that the runs of a table have searched, those without a source among them."""
    searched = _searched(ws, table, source)
    centres: list[tuple[float, float, float]] = [
        centre
        for target, (_, document) in ws.documents().items()
        if not isinstance(document, StoaError)
        for group in document.groups
        if {(target, group.key), (target, "")} & searched and (centre := _centre(group))
    ]
    if not centres:
        return None
    from astropy.table import Table

    return Table(rows=sorted(set(centres)), names=("ra_deg", "dec_deg", "hwhm_arcsec"))


def _searched(ws: Workspace, table: Table, source: str) -> set[tuple[str, str]]:
    """Target and image group of the jobs that succeeded, of the runs or pairs that the rows come from."""
    if not {"process", "params"} <= set(table.colnames):
        return set()
    named = str(table.meta.get("source", source))
    pairs = sorted({f"{row['process']}@{row['params']}" for row in table["process", "params"]})
    for names in ([named], pairs):  # a table may have a name that is that of no run
        with suppress(StoaError):
            done = [latest_of(ws, resolve_run(ws, name)) for name in names]
            return {key for each in done for key, outcome in each.items() if outcome.status is Status.OK}
    return set()


def _centre(group: ImageGroup) -> tuple[float, float, float] | None:
    """Centre of a group in degrees, and half the width of its primary beam in arcsec, 0 where no one knows it."""
    for file in group.files:
        if "ra_deg" in file.derived and "dec_deg" in file.derived:
            width = float(file.derived.get("pb_hwhm_arcsec") or 0)
            return float(file.derived["ra_deg"]), float(file.derived["dec_deg"]), width
    return None
