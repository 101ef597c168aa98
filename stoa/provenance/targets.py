"""Names of targets: the shortest end of the path that is unique and safe everywhere."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from stoa.model import Target

MAX_NAME = 120
_MEMBER = re.compile(r"(?:member\.)?uid___(A[0-9]+_X[0-9a-f]+_X[0-9a-f]+)", re.IGNORECASE | re.ASCII)
_UNSAFE = re.compile(r"[^A-Za-z0-9._+-]+")


def safe(text: str) -> str:
    """A text as part of a name: unsafe runs of characters become one ``_``."""
    return _UNSAFE.sub("_", text).strip("_").lstrip("._+-") or "x"


def candidates(root: str, path: str) -> Iterator[str]:
    """Names for a path, shortest first; the last one is made of the whole path.

    The folder ``.../member.uid___A001_X121_X28b/product`` of the ALMA archive's layout is
    named by its member observation unit set, any other by its last folders, the root itself
    by the root's name.
    """
    parts = [part for part in path.split("/") if part] or [root]
    for number, part in enumerate(parts):
        if member := _MEMBER.fullmatch(part):
            below = parts[number + 1 :]
            yield _joined(root, path, [member[1], *(part for part in below if part != "product")])
            yield _joined(root, path, [member[1], *below])
            break
    for count in range(1, len(parts) + 1):
        yield _joined(root, path, parts[-count:])


def _joined(root: str, path: str, parts: Sequence[str]) -> str:
    name = "_".join(map(safe, parts))
    return name if len(name) <= MAX_NAME else _with_digest(name, root, path)


def _with_digest(name: str, root: str, path: str, digits: int = 8) -> str:
    digest = hashlib.sha256(f"{root}:{path}".encode("utf-8", "surrogateescape")).hexdigest()[:digits]
    return f"{name[: MAX_NAME - 1 - digits]}-{digest}"


def name_targets(root: str, paths: Iterable[str], taken: Iterable[str]) -> list[Target]:
    """Targets for new paths.

    Parameters
    ----------
    paths
        Relative to the root, posix; one that is given twice counts once.
    taken
        Names in use; names are told apart without case.

    Returns
    -------
    targets
        In the order of the paths. A name that would fit several of the new paths goes to the
        one that it names in full, or to none of them, so that names do not depend on the order.
        Where no candidate is left, a digest of the path makes the name unique.
    """
    used = {name.casefold() for name in taken}
    choices = {path: list(dict.fromkeys(candidates(root, path))) for path in paths}
    wanted = Counter(key for names in choices.values() for key in {name.casefold() for name in names})
    in_full = Counter(names[-1].casefold() for names in choices.values())
    found = []
    for path, names in choices.items():
        free = [name for name in names if name.casefold() not in used]
        alone = (name for name in free if wanted[name.casefold()] == 1)
        full = (name for name in free if name == names[-1] and in_full[name.casefold()] == 1)
        longer = (_with_digest(names[-1], root, path, digits) for digits in range(8, 65))
        name = next(alone, None) or next(full, None) or next(n for n in longer if n.casefold() not in used)
        used.add(name.casefold())
        found.append(Target(name, root, path))
    return found
