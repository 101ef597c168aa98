"""Services of the Virtual Observatory: tables around a place, and by a query."""

from __future__ import annotations

from pathlib import Path

from stoa.api.opened import AnyPath, Opened
from stoa.commands.vo.cone import cone
from stoa.commands.vo.fetch import THIS, FetchReport, fetch
from stoa.commands.vo.moc import USUAL_ORDER, MocReport, moc
from stoa.commands.vo.obscore import RADIUS, TABLE, LogReport, obscore
from stoa.commands.vo.tap import tap
from stoa.sources.answers import AnswerReport
from stoa.sources.observed import HWHM


class Services(Opened):
    """Services of the Virtual Observatory; the reports name the files that were written."""

    def cone(
        self,
        service: str,
        around: str,
        radius: str = "1arcmin",
        *,
        most: int = 0,
        again: bool = False,
        out: AnyPath = "",
    ) -> AnswerReport:
        """Get the rows of a catalogue around a place, such as ``"187.2779 2.0524"``, from a cone search service."""
        return cone(self.workspace, service, around, radius, most=most, again=again, out=Path(out) if out else None)

    def tap(
        self,
        service: str,
        adql: str,
        *,
        most: int = 0,
        job: bool = False,
        patience: float = 3600.0,
        again: bool = False,
        out: AnyPath = "",
    ) -> AnswerReport:
        """Get a table from a TAP service by a query in ADQL, at once or as a job of at most `patience` seconds."""
        return tap(
            self.workspace, service, adql, most=most, as_job=job, patience_s=patience, again=again,
            out=Path(out) if out else None,
        )  # fmt: skip

    def obscore(
        self,
        service: str,
        catalogue: AnyPath,
        radius: str = RADIUS,
        *,
        table: str = TABLE,
        condition: str = "",
        upload: bool | None = None,
        part: int = 0,
        most: int = 0,
        job: bool = False,
        patience: float = 3600.0,
        again: bool = False,
        out: AnyPath = "",
    ) -> LogReport:
        """Get the observations of a catalogue's objects from a TAP service with an observation log."""
        return obscore(
            self.workspace, service, Path(catalogue), radius, table=table, condition=condition, upload=upload,
            size=part, most=most, as_job=job, patience_s=patience, again=again, out=Path(out) if out else None,
        )  # fmt: skip

    def fetch(
        self,
        log: AnyPath,
        root: str,
        *,
        service: str = "",
        semantics: str = THIS,
        only: str = "",
        patience: float = 86400.0,
        dry_run: bool = False,
    ) -> FetchReport:
        """Download the files of a log's observations into a root."""
        return fetch(
            self.workspace, Path(log), root, service=service, semantics=semantics, only=only, patience_s=patience,
            dry_run=dry_run,
        )  # fmt: skip

    def moc(self, log: AnyPath = "", radius: str = HWHM, *, order: int = USUAL_ORDER, out: AnyPath = "") -> MocReport:
        """Write which part of the sky the targets, or the observations of a log, have in their fields."""
        return moc(self.workspace, Path(log) if log else None, radius, order=order, out=Path(out) if out else None)
