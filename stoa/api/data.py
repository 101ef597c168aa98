"""Roots, targets and their metadata."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from stoa.api.opened import AnyPath, Opened
from stoa.commands import meta, root
from stoa.commands.target import AddReport, TargetRow, add_targets, list_targets, remove_targets, rename_target
from stoa.meta.explain import Explanation
from stoa.request import Selection
from stoa.sources.observed import HWHM, ObservedReport, from_log
from stoa.workspace import removal, renaming, roots

if TYPE_CHECKING:
    pass


class Data(Opened):
    """Roots, targets and their metadata."""

    def add_root(self, name: str, path: AnyPath, doc: str = "") -> roots.RootState:
        """Name the folder in which data are; the path is that of this machine alone."""
        return root.add_root(self.workspace, name, os.fspath(path), doc)

    def remove_root(self, name: str) -> removal.Removed:
        """Take a root from the project; nothing in the folder is touched."""
        return root.remove_root(self.workspace, name)

    def remove_targets(self, *names: str) -> removal.Removed:
        """Take targets, by name or glob, from their lists; what was recorded of them stays."""
        return remove_targets(self.workspace, names)

    def rename_target(self, name: str, new: str) -> renaming.Renamed:
        """Give a target another name; outcomes, flags, comments and metadata go with it."""
        return rename_target(self.workspace, name, new)

    def roots(self) -> list[roots.RootState]:
        """The roots, and where they are on this machine."""
        return roots.list_roots(self.workspace)

    def add_targets(
        self,
        root: str,
        *patterns: str,
        paths: Iterable[str] = (),
        list_name: str = "",
        name: str = "",
        once: bool = False,
    ) -> AddReport:
        """Take the folders of a root that match some patterns, or `paths` themselves, into a list of targets."""
        return add_targets(self.workspace, root, patterns, paths, list_name, name, remember=not once)

    def target(self, name: str) -> TargetRow:
        """Where a target is, its open flags and what its metadata say."""
        return list_targets(self.workspace, Selection(targets=(name,)))[0]

    def targets_from_log(
        self, log: AnyPath, catalogue: AnyPath, radius: str = HWHM, out: AnyPath = "", moc: AnyPath = ""
    ) -> ObservedReport:
        """Which objects of a catalogue an observation log has in its fields, and which of those are targets."""
        return from_log(
            self.workspace, Path(log), Path(catalogue), radius, Path(out) if out else None, Path(moc) if moc else None
        )

    def build_metadata(self, *targets: str, jobs: int = 0, replace: bool = False) -> meta.BuildReport:
        """Describe the files of targets, by default of all, in one metadata document each."""
        return meta.build_documents(self.workspace, targets, jobs, replace=replace)

    def check_metadata(self, *targets: str) -> list[meta.CheckedTarget]:
        """What the files of targets, by default of all, lack."""
        return meta.check_documents(self.workspace, targets)

    def show_metadata(self, name: str) -> bytes:
        """The XML of a target's metadata document."""
        return meta.show_document(self.workspace, name)

    def explain_file(self, file: AnyPath) -> Explanation:
        """Which rule gives a file its role, and which rules nearly did."""
        return meta.explain_file(self.workspace.project.top, Path(file))
