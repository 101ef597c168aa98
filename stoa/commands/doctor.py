"""Whether this machine and this clone are fit for work."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator

import msgspec

from stoa import __version__
from stoa.durable import open_shared, take
from stoa.errors import StoaError
from stoa.exec.engines import ENGINES
from stoa.provenance.git import check_ready, git_version
from stoa.provenance.spool import check_writable
from stoa.runs.definitions import check_line_ends, check_mark, read_script
from stoa.workspace.ahead import AHEAD_HINT, ahead
from stoa.workspace.open import Workspace
from stoa.workspace.roots import list_roots

OLDEST_GIT = (2, 38)
LITTLE_DISK_GB = 1.0
_LOOKED_AT = "what could be read of it is in git; remove the folder when you have looked at it"


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at."""

    what: str
    fine: bool
    message: str
    hint: str = ""


def doctor(ws: Workspace) -> list[Remark]:
    """What was looked at: software, git, roots, disk, locks, line ends of scripts, records."""
    return [*_software(), *_git(ws), *_roots(ws), *_disk(ws), *_scripts(ws), *_records(ws)]


def _software() -> Iterator[Remark]:
    yield Remark(what="STOA", fine=True, message=f"{__version__} on Python {sys.version.split()[0]}, {sys.platform}")
    yield Remark(what="engines", fine=True, message=", ".join(ENGINES))
    found = git_version()
    numbers = tuple(int(part) for part in re.findall(r"\d+", found)[:2])
    fine = numbers >= OLDEST_GIT
    yield Remark(
        what="git", fine=fine, message=found or "not found", hint="" if fine else "`stoa sync` needs git 2.38 or newer"
    )


def _git(ws: Workspace) -> Iterator[Remark]:
    yield _tried("branch", lambda: _branch(ws))
    yield _tried("identity", lambda: _identity(ws))
    try:
        with ws.repository.lock():
            yield Remark(what="locks", fine=True, message="the lock for commits can be taken")
    except (StoaError, OSError) as problem:
        yield Remark(what="locks", fine=False, message=str(problem))
    for lock in ws.repository.locks():  # after ours was taken, which removes what killed STOA commands left
        yield Remark(what="locks", fine=False, message=lock.message, hint=lock.hint)


def _branch(ws: Workspace) -> str:
    check_ready(ws.repository)
    return ws.repository.branch().removeprefix("refs/heads/")


def _identity(ws: Workspace) -> str:
    author = ws.repository.author()
    return f"{author.name} <{author.email}>"


def _spool(ws: Workspace) -> str:
    check_writable(ws.project)
    return "can be written"


def _tried(what: str, look: Callable[[], str]) -> Remark:
    try:
        return Remark(what=what, fine=True, message=look())
    except StoaError as problem:
        return Remark(what=what, fine=False, message=problem.message, hint=problem.hint or "")


def _roots(ws: Workspace) -> Iterator[Remark]:
    for root in list_roots(ws):
        message = f"{root.name} at {root.path}" if root.path else f"{root.name} has no path on this machine"
        if root.path and not root.exists:
            message += ", where nothing is"
        fine = root.exists or root.name == "products"
        yield Remark(what="root", fine=fine, message=message, hint="" if fine else f"`stoa root add {root.name} PATH`")


def _disk(ws: Workspace) -> Iterator[Remark]:
    for what, place in (("repository", ws.project.top), ("products", ws.project.root("products"))):
        while not place.exists():
            place = place.parent
        free = shutil.disk_usage(place).free / 1e9
        yield Remark(what=f"disk of the {what}", fine=free > LITTLE_DISK_GB, message=f"{free:.1f} GB free")
    yield _tried("spool", lambda: _spool(ws))
    yield from _flock(ws)


def _flock(ws: Workspace) -> Iterator[Remark]:
    """Whether the file system has locks that die with their holder (some network file systems have none)."""
    try:
        descriptor = open_shared(ws.project.spool / ".probe", os.O_RDWR | os.O_CREAT)
    except OSError:
        return  # the remark on the spool says so
    try:
        if take(descriptor) is None:
            hint = "keep the repository on a local disk; the data may be anywhere"
            message = "has no locks that die with their holder: what a kill leaves may have to be unlocked by hand"
            yield Remark(what="file system", fine=False, message=message, hint=hint)
        else:
            yield Remark(what="file system", fine=True, message="has locks that die with their holder")
    finally:
        os.close(descriptor)


def _scripts(ws: Workspace) -> Iterator[Remark]:
    """Scripts that git has given line ends with which they cannot run; `stoa process check` says what else is wrong."""
    fine = True
    for name in ws.library.processes():
        try:
            process = ws.library.process(name)
            content = read_script(ws.project, process)
        except StoaError:
            continue
        try:
            check_line_ends(process, content)
            check_mark(process, content)
        except StoaError as problem:
            fine = False
            yield Remark(what="script", fine=False, message=problem.message, hint=problem.hint or "")
    if fine:
        yield Remark(what="scripts", fine=True, message="have line ends with which they run")


def _records(ws: Workspace) -> Iterator[Remark]:
    live = [f"{run} ({found.state})" for run, found in ws.live().items()]
    yield Remark(what="live runs", fine=True, message=", ".join(live) or "none")
    for folder in ws.store.spool.damaged():
        yield Remark(what="spool", fine=False, message=f"a damaged journal is kept in {folder}", hint=_LOOKED_AT)
    for found in ahead(ws.index):
        yield Remark(what="clock", fine=False, message=f"{found.where} is {found.message}", hint=AHEAD_HINT)
    number = ws.index.rows("SELECT count(*) FROM problems")[0][0]
    message = f"{number} cannot be read" if number else "all can be read"
    yield Remark(what="records", fine=not number, message=message, hint="`stoa fsck` names them" if number else "")
