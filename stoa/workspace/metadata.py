"""Building metadata documents: describing the folders of targets and committing what changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from stoa.errors import StoaError
from stoa.meta.cache import Descriptions, Known, Remembered
from stoa.meta.many import Described, Gone, Request, describe_many
from stoa.meta.xml import from_xml, is_built
from stoa.project import Project
from stoa.provenance.git import Content, Snapshot, packed
from stoa.workspace.build_report import BuildReport
from stoa.workspace.open import Workspace
from stoa.workspace.roles import ROLES, role_table
from stoa.workspace.selection import match_names

BATCH = 10_000
"""Documents in one commit; more would fill the memory."""

LINES = 100
"""Lines that the cache takes at once, while other processes describe."""


Progress = Callable[[int, int], None]


def build_documents(
    ws: Workspace,
    targets: tuple[str, ...] = (),
    jobs: int = 0,
    progress: Progress | None = None,
    *,
    replace: bool = False,
) -> BuildReport:
    """Describe the folders of targets and commit the documents that changed, with the rules that made them.

    Parameters
    ----------
    jobs
        How many processes; 0: as many as the settings or the processors say.
    progress
        Is told how many of how many targets are done.
    replace
        Whether documents that were not written by STOA make room for its own.

    Raises
    ------
    StoaError
        If there are no targets, a root is not on this machine, or the rules of the project are wrong.
    """
    ws.ready()
    names = match_names(targets, ws.targets) if targets else list(ws.targets)
    if not names:
        raise StoaError("this project has no targets yet", "`stoa target add ROOT GLOB` adds some")
    roots = {root: ws.project.root(root) for root in {ws.targets[name].root for name in names}}
    for root, place in roots.items():
        if not place.is_dir():
            raise StoaError(f"root {root!r} is not at {place}", f"`stoa root add {root} PATH`")
    table = role_table(ws.project)
    builder = _Builder(ws, replace=replace)
    try:
        requests = [builder.request(name, roots[ws.targets[name].root]) for name in names]
        sums = ws.project.config.checksums == "files"
        workers = jobs or ws.project.jobs_at_once
        made = describe_many(requests, table, ws.project.descriptions_file, workers, _sealed, checksums=sums)
        for done, one in enumerate(made, 1):
            builder.take(one)
            if progress:
                progress(done, len(names))
        return builder.report()
    finally:
        builder.close()


def _sealed(xml: bytes) -> bytes:
    """A document packed for git, as bytes of a `Content`."""
    return msgspec.msgpack.encode(packed(xml))


_CONTENT = msgspec.msgpack.Decoder(Content)


class _Builder:
    """Takes descriptions as they come, and commits those that differ from what git holds."""

    def __init__(self, ws: Workspace, *, replace: bool) -> None:
        self._ws = ws
        self._replace = replace
        self._snapshot = ws.store.snapshot()
        self._oids = document_oids(ws, self._snapshot)
        self._cache = Descriptions(ws.project.descriptions_file)
        self._known = self._cache.known()
        self._changes: dict[str, Content] = {}  # by target
        self._lines: list[Remembered] = []
        self._vanished: list[str] = []
        self._changed: list[str] = []
        self._kept: list[str] = []
        self._files = self._targets = self._read = 0
        self._commit = ""

    def request(self, name: str, root: Path) -> Request:
        """What is to be looked at, and what is known of it."""
        known = self._known.get(name, Known("", ""))
        holds = bool(known.document) and known.document == self._oids.get(name)
        return Request(name, root / self._ws.targets[name].path, known.stamp, holds)

    def take(self, one: Described | Gone) -> None:
        self._targets += 1
        if isinstance(one, Gone):
            self._vanished.append(one.target)
            return
        self._files += one.files
        if not one.document:
            return
        self._read += 1
        made = _CONTENT.decode(one.document)
        oid = self._oids.get(one.target)
        if oid and oid != made.oid and not self._replace and _is_foreign(self._snapshot.blob(oid)):
            self._kept.append(one.target)
            return
        self._lines.append(Remembered(one.target, one.stamp, made.oid, one.entries))
        if len(self._lines) >= LINES:
            self._remember()
        if oid != made.oid:
            self._changes[one.target] = made
        if len(self._changes) >= BATCH:
            self._flush()

    def report(self) -> BuildReport:
        """Remember and commit what is left."""
        self._remember()
        self._flush()
        return BuildReport(
            targets=self._targets,
            read=self._read,
            changed=tuple(self._changed),
            vanished=tuple(self._vanished),
            kept=tuple(self._kept),
            files=self._files,
            commit=self._commit,
        )

    def _remember(self) -> None:
        """Put what was described into the cache; it counts only if git, too, has the document that is named there."""
        self._cache.remember(self._lines)
        self._lines = []

    def _flush(self) -> None:
        if not self._changes:
            return
        with self._ws.changing():  # a target may have been renamed or removed since it was looked at
            made = {name: content for name, content in self._changes.items() if name in self._ws.targets}
            self._changes = {}
            if not made:
                return
            documents = {Project.meta_record(name): content for name, content in made.items()}
            changes = {**documents, **_changed_rules(self._ws, self._snapshot)}
            self._commit = self._ws.store.commit(changes, f"metadata of {len(made)} target{'s' * (len(made) != 1)}")
        self._changed += made

    def close(self) -> None:
        self._cache.close()


def _is_foreign(data: bytes) -> bool:
    """Whether a document tells of files and was not written by STOA."""
    if is_built(data):
        return False
    try:
        document = from_xml(data)
    except StoaError:
        return False
    return bool(document.groups or document.others)


def document_oids(ws: Workspace, snapshot: Snapshot) -> dict[str, str]:
    """Object id of the metadata document of every target that has one."""
    files = snapshot.files(f"{ws.store.prefix}/meta")
    return {name.removesuffix(".xml"): oid for name, oid in files if name.endswith(".xml")}


def _changed_rules(ws: Workspace, snapshot: Snapshot) -> dict[str, bytes | None]:
    """The project's rules, where they are not in git as they are here: others have to come to the same documents."""
    file = ws.project.roles_file
    data = ws.project.read(file) if file.is_file() else None
    return {ROLES: data} if data is not None and snapshot.read(f"{ws.store.prefix}/{ROLES}") != data else {}
