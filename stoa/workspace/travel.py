"""Large products on their way to the store of the project and back: which there are, and moving them."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from stoa.durable import make_folder, take, write_hint
from stoa.errors import StoaError
from stoa.hashing import sha256_of
from stoa.model import FileRef
from stoa.opening import open_regular
from stoa.provenance.contents import ContentError, Item, Place, open_place
from stoa.workspace.frozen import frozen_process
from stoa.workspace.names import resolve_run
from stoa.workspace.open import Workspace

AT_ONCE = 8
"""Products that are moved at the same time."""

PIECE = 8 << 20
"""Bytes that are asked for at once; what came before an interruption is not asked for again."""

_BATCH_BYTES = 64 << 20
_LOOK_AGAIN_S = 0.1
_OTHER_BYTES = (
    "the store has other bytes under {}, which were not taken; whoever has the product removes that object and"
    " pushes again"
)

_ALL = "SELECT o.run, o.target, o.record FROM outcomes o ORDER BY o.id"
_CURRENT = "SELECT o.run, o.target, o.record FROM current l JOIN outcomes o ON o.id = l.outcome{} ORDER BY o.id"

Progress = Callable[[int, int, int], None]
"""Is told how many products are done, of how many, and how many bytes were moved."""


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """A product that is to travel, as its outcome names it."""

    ref: FileRef
    run: str
    target: str
    output: str


class Refusal(msgspec.Struct, frozen=True):
    """A product that did not travel, and why."""

    path: str
    why: str


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """What became of products that were to travel; each content is counted once."""

    store: str  # where it is
    moved: int = 0
    size: int = 0  # bytes that were moved
    there: int = 0  # were where they were to go before
    absent: tuple[str, ...] = ()  # of a push: not on this machine; of a fetch: not in the store
    problems: tuple[Refusal, ...] = ()


class _Files(msgspec.Struct, frozen=True):
    """The part of an outcome that names its products."""

    outputs: dict[str, FileRef] = {}
    restored: str = ""


_FILES = msgspec.json.Decoder(_Files)


def has_store(ws: Workspace) -> bool:
    """Whether the project has a store, or this machine knows one for it."""
    return bool(ws.project.local.store.url or ws.project.config.store)


def store_of(ws: Workspace) -> Place:
    """The store of the project.

    Raises
    ------
    StoaError
        If none is named, or it cannot be reached.
    """
    config, local = ws.project.config, ws.project.local.store
    url = local.url or config.store
    if not url:
        raise StoaError(
            "the project has no store for large products",
            "write `store: ADDRESS` into .stoa/config.yaml: a folder that all can reach, sftp://HOST/FOLDER or s3://BUCKET",
        )
    return open_place(url, local.options, config.project, ws.home)


def products(ws: Workspace, source: str = "", output: str = "", *, current: bool = True) -> list[Product]:
    """Products whose output says ``share: remote``, each content once.

    Parameters
    ----------
    source
        A target, a run or ``PROCESS@SET``; "" for everything.
    output
        Only the output of this name.
    current
        Without `source`: only those of current outcomes.
    """
    found: dict[str, Product] = {}
    shared: dict[str, frozenset[str]] = {}
    names: set[str] = set()
    for run, target, record in ws.index.rows(*_question(ws, source, current=current)):
        files = _FILES.decode(record)
        if not files.outputs:
            continue
        if run not in shared:
            shared[run] = _shared(ws, run)
        for name in shared[run] & files.outputs.keys():
            names.add(name)
            ref = files.outputs[name]
            if ref.sha256 and output in ("", name):
                found.setdefault(ref.sha256, Product(ref=ref, run=run, target=target, output=name))
    if output and output not in names:
        raise StoaError(
            f"no outcome of {source or 'the project'} has a shared output {output!r}",
            f"there are: {', '.join(sorted(names))}" if names else "`share: remote` on an output shares its files",
        )
    return list(found.values())


def _question(ws: Workspace, source: str, *, current: bool) -> tuple[str, tuple[str, ...]]:
    if not source:
        return (_CURRENT.format("") if current else _ALL), ()
    if source in ws.targets:
        return _CURRENT.format(" WHERE o.target = ?"), (source,)
    name = resolve_run(ws, source)
    if name.run:
        return "SELECT run, target, record FROM outcomes WHERE run = ? ORDER BY id", (name.run,)
    where = " WHERE l.process = ? AND l.params = ? AND l.environment = ?"
    return _CURRENT.format(where), tuple(msgspec.structs.astuple(name.pair))


def _shared(ws: Workspace, run: str) -> frozenset[str]:
    """Names of the outputs of a run that travel, as its process said then."""
    try:
        process = frozen_process(ws, run)
    except StoaError:
        return frozenset()
    return (
        frozenset(name for name, spec in process.outputs.items() if spec.share == "remote") if process else frozenset()
    )


def push(ws: Workspace, wanted: Iterable[Product], progress: Progress | None = None) -> Moved:
    """Put products into the store that it lacks; what another person puts there at the same time is the same."""
    place = store_of(ws)
    known = {each.ref.sha256: each for each in wanted}
    present = place.present(known)
    items, absent = [], []
    there = 0
    for sha256, each in known.items():
        if present.get(sha256, -1) == each.ref.size:
            there += 1
        elif (file := ws.products.here(each.ref, each.run)) is None:
            absent.append(each.ref.path)
        else:
            items.append(Item(file, sha256, each.ref.size))
    problems: list[Refusal] = []
    size = 0
    batches = list(_batches(items, place.batch))
    for batch, answer in _at_once(place.put, batches, progress, len(items)):
        problems += [Refusal(known[sha256].ref.path, why) for sha256, why in answer.items()]
        size += sum(item.size for item in batch if item.sha256 not in answer)
    return Moved(
        store=place.words, moved=len(items) - len(problems), size=size, there=there, absent=tuple(absent),
        problems=tuple(problems),
    )  # fmt: skip


def fetch(ws: Workspace, wanted: Iterable[Product], progress: Progress | None = None) -> Moved:
    """Fetch products that are not on this machine; each is compared with its recorded checksum before it counts."""
    place = store_of(ws)
    lacking: dict[str, Product] = {}
    there = 0
    for each in wanted:
        if ws.products.here(each.ref, each.run) is None:
            lacking[each.ref.sha256] = each
        else:
            there += 1
    present = place.present(lacking)
    absent = tuple(each.ref.path for sha256, each in lacking.items() if sha256 not in present)
    items = []
    problems: list[Refusal] = []
    for sha256, length in present.items():
        ref = lacking[sha256].ref
        if length == ref.size:
            items.append([Item(ws.project.kept_product(ref), sha256, length)])
        else:
            problems.append(Refusal(ref.path, _OTHER_BYTES.format(sha256)))
    make_folder(ws.project.fetched)
    wrong = len(problems)
    size = 0

    def bring(batch: Sequence[Item]) -> dict[str, str]:
        return {item.sha256: why for item in batch if (why := _fetched(place, item, ws.project.fetched))}

    for batch, answer in _at_once(bring, items, progress, len(items)):
        problems += [Refusal(lacking[sha256].ref.path, why) for sha256, why in answer.items()]
        size += sum(item.size for item in batch if item.sha256 not in answer)
    return Moved(
        store=place.words, moved=len(items) + wrong - len(problems), size=size, there=there, absent=absent,
        problems=tuple(problems),
    )  # fmt: skip


def _batches(items: Sequence[Item], most: int) -> Iterator[list[Item]]:
    """Files in batches that are neither too many nor too large; in four at least, so that all hands have work."""
    most = max(1, min(most, -(-len(items) // AT_ONCE)))
    batch: list[Item] = []
    size = 0
    for item in items:
        if batch and (len(batch) >= most or size + item.size > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += item.size
    if batch:
        yield batch


def _at_once(
    move: Callable[[Sequence[Item]], dict[str, str]],
    batches: Sequence[Sequence[Item]],
    progress: Progress | None,
    total: int,
) -> Iterator[tuple[Sequence[Item], dict[str, str]]]:
    """Move batches in several threads; the first error of the store ends it, and what was moved stays moved."""
    done = size = 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        waiting: dict[Future[dict[str, str]], Sequence[Item]] = {pool.submit(move, each): each for each in batches}
        try:
            while waiting:
                ended, _ = wait(waiting, return_when="FIRST_COMPLETED")
                for future in ended:
                    batch = waiting.pop(future)
                    answer = future.result()
                    done += len(batch)
                    size += sum(item.size for item in batch if item.sha256 not in answer)
                    if progress:
                        progress(done, total, size)
                    yield batch, answer
        finally:
            for future in waiting:
                future.cancel()


def _fetched(place: Place, item: Item, parts: Path) -> str:
    """Fetch one product into its place; says what is wrong with the object, "" if it is there.

    Raises
    ------
    StoaError
        If the disk is full or refuses, or the store does.
    """
    part = parts / item.sha256
    try:
        with _held(part) as descriptor:
            if _is_there(item):  # another command has fetched it meanwhile
                return ""
            digest = _continued(place, item, descriptor)
            if digest != item.sha256:
                part.unlink(missing_ok=True)
                return _OTHER_BYTES.format(item.sha256)
            make_folder(item.file.parent)
            part.replace(item.file)
    except OSError as problem:
        raise StoaError(
            f"{parts} cannot be written: {problem.strerror}", f"{write_hint(problem)}; `stoa fetch` then continues"
        ) from None
    return ""


def _is_there(item: Item) -> bool:
    """Whether what is in the place of a product is the product, and was not changed there."""
    try:
        with open_regular(item.file, follow_links=False) as stream:
            return sha256_of(stream) == item.sha256
    except OSError:
        return False


@contextmanager
def _held(part: Path) -> Iterator[int]:
    """A file that takes what is fetched, for this command alone; it waits for another one that fetches the same."""
    while True:
        descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
        try:
            if take(descriptor) is False:
                time.sleep(_LOOK_AGAIN_S)
                continue
            is_same = False  # the other one has moved it to its place
            with suppress(FileNotFoundError):
                is_same = os.stat(part).st_ino == os.fstat(descriptor).st_ino
            if is_same:
                yield descriptor
                return
        finally:
            os.close(descriptor)


def _continued(place: Place, item: Item, descriptor: int) -> str:
    """Read what is left of an object behind what is there of it; gives the checksum of the whole."""
    digest = hashlib.sha256()
    at = 0
    while at < item.size and (piece := os.pread(descriptor, min(PIECE, item.size - at), at)):
        digest.update(piece)
        at += len(piece)
    os.ftruncate(descriptor, at)
    while at < item.size:
        piece = place.read(item.sha256, at, min(at + PIECE, item.size))
        if not piece:
            return ""  # it is shorter than recorded
        view = memoryview(piece)
        while view:
            written = os.pwrite(descriptor, view, at)
            at += written
            view = view[written:]
        digest.update(piece)
    return digest.hexdigest()


def fetch_one(ws: Workspace, ref: FileRef) -> None:
    """Fetch one product, whatever its output says of sharing.

    Raises
    ------
    StoaError
        If it is not in the store, or is not what its record names.
    """
    report = fetch(ws, [Product(ref=ref, run="", target="", output="")])
    if report.absent:
        raise ContentError(f"{ref.path} is not in the store {report.store}", "whoever has it: `stoa push`")
    for refusal in report.problems:
        raise ContentError(f"{refusal.path}: {refusal.why}")


__all__ = [
    "Moved", "Product", "Progress", "Refusal", "fetch", "fetch_one", "has_store", "products", "push", "store_of",
]  # fmt: skip
