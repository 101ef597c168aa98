"""An open project: the handles that every verb takes as its first argument."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import msgspec

from stoa.durable import exclusive, make_folder
from stoa.errors import StoaError
from stoa.meta.columns import COLUMNS
from stoa.meta.document import READER, Document, MetadataError
from stoa.model import Author, Target
from stoa.project import Project
from stoa.provenance.checksums import Checksums
from stoa.provenance.git import Remains, Repository, check_ready, find
from stoa.provenance.index import Index
from stoa.provenance.library import Library, open_project
from stoa.provenance.store import Store
from stoa.provenance.thumbnails import Thumbnails
from stoa.workspace.healing import Healing, has_runs_to_heal, heal_repository
from stoa.workspace.products import Products

if TYPE_CHECKING:
    from stoa.workspace.live import LiveRun

_SQL_TYPES = {"str": "TEXT", "int": "INTEGER", "float": "REAL", "bool": "INTEGER"}


CHANGE_WAIT_S = 120.0
P = ParamSpec("P")
T = TypeVar("T")


class Past(msgspec.Struct, frozen=True):
    """What an earlier state of a project is a copy of."""

    commit: str
    home: Path  # the project itself, where results are written


class Workspace:
    """Handles to one project; what is not asked for is not opened.

    Parameters
    ----------
    start
        A folder in the project.
    acting
        The person on whose behalf records are written, who becomes their author and that of the commits; None for
        the one whom git names.
    """

    def __init__(self, start: Path, acting: Author | None = None) -> None:
        self._acting = acting
        self.project: Project = open_project(start)
        self.library = Library(self.project)
        self.remarks: list[str] = []  # what was mended on the way, for the one who typed the command
        self.put_back: frozenset[str] = frozenset()  # runs whose records were just put back on the branch
        self.past: Past | None = None
        self._noticed = False
        self._changing = False

    def reread(self) -> None:
        """Forget what was read of settings and targets; they may have changed since."""
        self.project = open_project(self.project.top)
        self.library = Library(self.project)
        if "thumbnails" in self.__dict__:
            self.thumbnails.close()
        for name in ("targets", "store", "products", "thumbnails"):
            self.__dict__.pop(name, None)

    @property
    def home(self) -> Path:
        """The project's folder, also for an earlier state of it."""
        return self.past.home if self.past else self.project.top

    @cached_property
    def repository(self) -> Repository:
        repository = find(self.project.top)
        repository.acting = self._acting
        return repository

    @cached_property
    def store(self) -> Store:
        store = Store(self.project, self.repository)
        store.is_past = self.past is not None
        return store

    @cached_property
    def checksums(self) -> Checksums:
        return Checksums(self.project.cache / "checksums.sqlite")

    @cached_property
    def products(self) -> Products:
        return Products(self.store, self.checksums)

    @cached_property
    def thumbnails(self) -> Thumbnails:
        return Thumbnails(self.store)

    @cached_property
    def targets(self) -> dict[str, Target]:
        return self.library.targets()

    @cached_property
    def _index(self) -> Index:
        return _make_index(self.project.index_file)

    def fresh_index(self, file: Path) -> Index:
        """An index of what can be read of the commit that is checked out, built again in another file."""
        index = _make_index(file)
        self.store.update(index, _read_meta, self.repository.snapshot(kind=Remains))
        return index

    @property
    def index(self) -> Index:
        """The index, up to date with the commit that is checked out."""
        self._notice()
        self.store.update(self._index, _read_meta)
        return self._index

    def _notice(self) -> None:
        """Put records back that git by hand took from the branch; where that cannot be now, say so."""
        if self._noticed:
            return
        self._noticed = True
        try:
            returned = self.store.bring_back()
            self.remark(str(returned or ""))
            self.put_back = returned.runs if returned else frozenset()
        except StoaError as problem:
            self.remark(str(problem))

    def remark(self, words: str) -> None:
        """Keep words for the one who typed the command; "" is nothing."""
        if words and words not in self.remarks:
            self.remarks.append(words)

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Read, change and commit definitions while no other command does; what was read before is forgotten.

        Raises
        ------
        StoaError
            If another command holds this for two minutes.
        """
        if self._changing:
            yield
            return
        folder = self.project.spool.parent
        with suppress(OSError):  # the lock says what is wrong
            make_folder(folder)
        with exclusive(folder / "definitions.lock", "has been changing definitions", CHANGE_WAIT_S):
            self._changing = True
            try:
                self.reread()
                yield
            finally:
                self._changing = False

    def ready(self) -> None:
        """Raise `StoaError` unless records can be committed now; heals runs that were cut off."""
        check_ready(self.repository)
        healing = self.heal()
        if healing.hindered:
            raise StoaError(healing.hindered)

    def heal(self) -> Healing:
        """Put runs that were cut off into git, where that is possible now."""
        healing = heal_repository(self.store)
        if not healing.hindered and has_runs_to_heal(self.store):
            from stoa.workspace.live import heal_runs  # the engines that had them: 20 ms to import

            healing = heal_runs(self.store, healing.returned)
        self._noticed = True
        self.remark(healing.returned)
        return healing

    def live(self) -> dict[str, LiveRun]:
        """Runs that are not in git as a whole, by id."""
        if not self.store.spool.runs():
            return {}
        from stoa.workspace.live import live_runs  # the engines that have them: 20 ms to import

        return live_runs(self.store)

    def document(self, target: str) -> Document | None:
        """The metadata document of a target as it is in git, or None."""
        from stoa.meta.xml import from_xml  # most commands take what the index has

        data = self.store.snapshot().read_record(f"{self.store.prefix}/{Project.meta_record(target)}")
        return from_xml(data) if data is not None else None

    def indexed_document(self, target: str) -> Document | None:
        """The same as the index has it, which is quicker; None too if it cannot be read."""
        rows = self.index.rows("SELECT document FROM documents WHERE target = ?", (target,))
        return _DOCUMENT.decode(rows[0][0]) if rows and rows[0][0] is not None else None

    def documents(self) -> dict[str, tuple[str, Document | StoaError]]:
        """Object id and metadata document (or what is wrong with it) of every target that has one."""
        rows = self.index.rows("SELECT target, oid, document, problem FROM documents ORDER BY target")
        return {target: (oid, unpacked(document, problem)) for target, oid, document, problem in rows}

    def check_given(self, *files: Path | str | None) -> None:
        """Raise `StoaError` for a file that someone has named which is a link of the repository to elsewhere.

        Parameters
        ----------
        files
            Paths, with ``#TABLE`` after them or not.
        """
        for file in files:
            if file is None:
                continue
            path, _, table = str(file).rpartition("#")
            self.project.check_inside(Path(path if table and path else file).absolute())
            self.project.check_inside(Path(file).absolute())

    def close(self) -> None:
        """Close the files that were opened."""
        for name in ("_index", "products", "thumbnails", "checksums", "repository"):
            if name in self.__dict__:
                self.__dict__.pop(name).close()


def alone(verb: Callable[Concatenate[Workspace, P], T]) -> Callable[Concatenate[Workspace, P], T]:
    """A verb that changes definitions, which waits until no other one does; see `Workspace.changing`."""

    @wraps(verb)
    def waiting(ws: Workspace, /, *arguments: P.args, **named: P.kwargs) -> T:
        with ws.changing():
            return verb(ws, *arguments, **named)

    return waiting


def _read_meta(_target: str, data: bytes) -> tuple[Mapping[str, Any], bytes]:
    from stoa.meta.select import columns  # 15 ms to import, and nearly always the index has all documents
    from stoa.meta.xml import from_xml

    document = from_xml(data)
    return columns(document), msgspec.msgpack.encode(document)


def _make_index(file: Path) -> Index:
    # What a packed document looks like is part of the version, so that one of an older STOA is not read.
    layout = msgspec.json.encode(msgspec.json.schema(Document)).decode()
    return Index(file, {name: _SQL_TYPES[spec.type] for name, spec in COLUMNS.items()}, f"{READER} {layout}")


_DOCUMENT = msgspec.msgpack.Decoder(Document)


def unpacked(document: bytes | None, problem: str) -> Document | StoaError:
    """A document as the index has it, or what is wrong with it."""
    return _DOCUMENT.decode(document) if document is not None else MetadataError(problem)
