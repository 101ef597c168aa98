"""Which jobs a target has, by its metadata document: image groups, input files, and what is missing.

The choice rests on the document, on what the process declares and on the code that chooses, and
on nothing else. It is therefore remembered in the index, so that a document that has not changed
is neither read nor searched again.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from zlib import crc32

import msgspec

from stoa import meta
from stoa.errors import StoaError
from stoa.meta.document import Document
from stoa.meta.inputs import MissingInput, find_inputs, image_groups
from stoa.model import Process
from stoa.workspace.open import Workspace, unpacked

_SQL = """
SELECT d.oid, c.jobs, iif(c.jobs IS NULL, d.document, NULL), d.problem
FROM documents d LEFT JOIN choices c ON c.process = ? AND c.oid = d.oid WHERE d.target = ?
"""


class Choice(msgspec.Struct, frozen=True, array_like=True):
    """A job of a target: its image group, a file below the target's folder for each input, what is missing."""

    group: str
    inputs: dict[str, str | None]
    missing: str = ""
    skips: bool = False  # what is missing says that the process is not for this target


_CHOICES = msgspec.msgpack.Decoder(tuple[Choice, ...])
_UNDESCRIBED = "no metadata yet (`stoa run` builds it first)"


class Choices:
    """The jobs of one target after the other."""

    def __init__(self, ws: Workspace, process: Process) -> None:
        self._index = ws.index
        by_role = {name: spec for name, spec in process.inputs.items() if spec.role}
        self._process = msgspec.structs.replace(process, inputs=by_role)  # the others are looked for on the disk
        self._needs_document = bool(by_role) or process.over == "image"
        self._key = _key(self._process)
        self._fresh: dict[str, bytes] = {}  # object id of the document -> packed choices

    def of(self, target: str) -> tuple[str, tuple[Choice, ...]]:
        """Object id of the target's document, "" if it has none, and its jobs."""
        rows = self._index.rows(_SQL, (self._key, target))
        oid, known, document, problem = rows[0] if rows else ("", None, None, "")
        if not self._needs_document:
            return oid, (Choice("", {}),)
        if known is not None:
            return oid, _CHOICES.decode(known)
        if not oid:
            return "", (Choice("", {}, _UNDESCRIBED),)
        found = tuple(_chosen(unpacked(document, problem), self._process))
        self._fresh[oid] = msgspec.msgpack.encode(found)
        return oid, found

    def keep(self) -> None:
        """Remember what was chosen; not inside of `Index.reading`."""
        self._index.remember(self._key, self._fresh)
        self._fresh = {}


def _key(process: Process) -> str:
    declared = msgspec.json.encode((process.inputs, process.over, process.intent))
    return f"{_code():08x}-{crc32(declared):08x}"


@cache
def _code() -> int:
    """Checksum of the code that chooses, so that a version that chooses otherwise remembers nothing."""
    total = 0
    for file in sorted(Path(meta.__file__).parent.glob("*.py")):
        total = crc32(file.read_bytes(), total)
    return total


def _chosen(document: Document | StoaError, process: Process) -> Iterator[Choice]:
    if isinstance(document, StoaError):
        yield Choice("", {}, f"the metadata document cannot be read: {document.message}")
        return
    groups: list[str | None] = [None]
    if process.over == "image":
        groups = list(image_groups(document, process.inputs, process.intent)) or [None]
    for group in groups:
        try:
            found = find_inputs(document, process.inputs, group, process.intent)
            yield Choice(group or "", {name: entry.name if entry else None for name, entry in found.items()})
        except MissingInput as problem:
            yield Choice(group or "", {}, problem.message)
