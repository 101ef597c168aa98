"""Sources stacked, cut, matched, drawn and published."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from stoa.api.opened import AnyPath, Opened
from stoa.commands.catalogue.export import export
from stoa.commands.catalogue.limits import LimitsReport, limits
from stoa.commands.catalogue.match import MatchReport, match
from stoa.commands.catalogue.plot import plot
from stoa.commands.catalogue.quality import QualityReport, quality
from stoa.commands.catalogue.stack import stacked
from stoa.commands.publish import PublishReport, publish

if TYPE_CHECKING:
    from stoa.api.record_table import RecordTable


class Catalogues(Opened):
    """Sources stacked, cut, matched, drawn and published.

    `source` is a run, ``PROCESS@SET``, or (not for `stack`) a table file; `keep` are conditions on columns such as
    ``snr >= 7``; `quality_cuts` applies the cuts that ``.stoa/config.yaml`` declares first.
    """

    def stack(
        self, source: str, *, keep: Iterable[str] = (), quality_cuts: bool = False, output: str = ""
    ) -> RecordTable:
        """The sources of a run or pair as one table; `output` names the catalogue where a process has several."""
        from stoa.api.record_table import RecordTable  # late, as it imports astropy

        return RecordTable(stacked(self.workspace, source, keep, output, quality=quality_cuts), copy=False)

    def quality(
        self, source: str, *, keep: Iterable[str] = (), without: Iterable[str] = (), out: AnyPath = ""
    ) -> QualityReport:
        """Apply the quality cuts of the project, but those in `without`, and write what is left."""
        return quality(self.workspace, source, keep, without, _path(out))

    def match(
        self,
        source: str,
        table: AnyPath,
        radius: str = "5arcsec",
        *,
        calibrators: bool = False,
        unique: bool = False,
        across: bool = False,
        within: float = 0.0,
        catalogue_error: str = "",
        keep: Iterable[str] = (),
        quality_cuts: bool = False,
        flux: str = "",
        index: float = 0.0,
        moc: AnyPath = "",
        out: AnyPath = "",
    ) -> MatchReport:
        """Match sources with a catalogue on the sky; the options are those of `stoa.commands.catalogue.match.match`."""
        return match(
            self.workspace, source, Path(table), radius, calibrators=calibrators, unique=unique, across=across,
            within=within, catalogue_error=catalogue_error, keep=keep,
            quality=quality_cuts, flux=flux, index=index, moc=_path(moc), out=_path(out),
        )  # fmt: skip

    def limits(
        self, source: str, table: AnyPath, radius: str = "5arcsec", *, sigma: float = 5.0, out: AnyPath = ""
    ) -> LimitsReport:
        """Upper limits for catalogue objects that were observed but not detected, `sigma` times the local noise."""
        return limits(self.workspace, source, Path(table), radius, sigma, _path(out))

    def export(self, source: str, out: AnyPath, *, keep: Iterable[str] = (), quality_cuts: bool = False) -> int:
        """Write sources to a file whose suffix tells its format, and give their number."""
        return export(self.workspace, source, Path(out), keep, quality=quality_cuts)

    def plot(
        self,
        source: str,
        kind: str = "sky",
        *,
        catalogue: AnyPath = "",
        out: AnyPath = "",
        keep: Iterable[str] = (),
        quality_cuts: bool = False,
        radius: str = "5arcsec",
        calibrators: bool = False,
        flux: str = "",
        index: float = 0.0,
        limits: AnyPath = "",
    ) -> Path:
        """Draw the sources of a run or table and give the file; see `stoa.sources.figures.draw` for the kinds."""
        return plot(
            self.workspace, source, kind, catalogue=_path(catalogue), out=_path(out), keep=keep, quality=quality_cuts,
            radius=radius, calibrators=calibrators, flux=flux, index=index, limits=_path(limits),
        )  # fmt: skip

    def publish(
        self,
        source: str,
        folder: AnyPath,
        *,
        title: str = "",
        licence: str = "",
        keep: Iterable[str] = (),
        quality_cuts: bool = False,
        products: bool = False,
        stale_ok: bool = False,
    ) -> PublishReport:
        """Write a new folder for a paper: catalogue, plots, texts, records and, with `products`, the products."""
        return publish(
            self.workspace, source, Path(folder), title=title, licence=licence, keep=keep, quality=quality_cuts,
            products=products, stale_ok=stale_ok,
        )  # fmt: skip


def _path(path: AnyPath) -> Path | None:
    return Path(path) if path else None
