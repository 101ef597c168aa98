"""Names of targets: the shortest end of the path that is unique and safe everywhere."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from stoa.errors import StoaError
from stoa.model import Target

MAX_NAME = 120
_MEMBER = re.compile(r"(?:member\.)?uid___(A[0-9]+_X[0-9a-f]+_X[0-9a-f]+)", re.IGNORECASE | re.ASCII)
_UNSAFE = re.compile(r"[^A-Za-z0-9._+-]+")


def safe(text: str) -> str:
    """A text as part of a name: accents go, Greek letters are spelled, other unsafe runs become one ``_``."""
    spelled = _GREEK.sub(_spelled, text)
    text = "".join(c for c in unicodedata.normalize("NFKD", spelled) if not unicodedata.combining(c))
    return _UNSAFE.sub("_", text).strip("_").lstrip("._+-") or "x"


_GREEK = re.compile("[\u0391-\u03c9]")


def _spelled(letter: re.Match[str]) -> str:
    """The name of a Greek letter, as astronomers write it: ``sigma``."""
    word = unicodedata.name(letter[0]).partition(" LETTER ")[2].replace("FINAL ", "").partition(" ")[0]
    return word.lower() if letter[0].islower() else word.title()


def is_named_in_full(path: str) -> bool:
    """Whether a path has the identifier of a member observation unit set, which is its own in the whole archive."""
    return any(_MEMBER.fullmatch(part) for part in path.split("/"))


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


def name_targets(root: str, paths: Iterable[str], taken: Iterable[str], others: Iterable[str] = ()) -> list[Target]:
    """Targets for new paths.

    Parameters
    ----------
    paths
        Relative to the root, posix; one that is given twice counts once.
    taken
        Names in use; case does not distinguish names.
    others
        Further folders of the root, which may become targets later: no name is given that would suit one of them as
        well, so that names do not depend on the order of adding.

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
    for path in others:
        wanted.update({name.casefold() for name in candidates(root, path)})
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


_PLACEHOLDER = re.compile(r"\{(?:(?P<number>-?\d+)|(?P<word>[a-z]+))\}")


def name_by_pattern(root: str, paths: Iterable[str], taken: Iterable[str], pattern: str) -> list[Target]:
    """Targets whose names are made by a pattern: ``{1}-{-1}``, ``{root}_{-1}``, ``{path}``.

    Parameters
    ----------
    pattern
        ``{1}`` is the first folder below the root, ``{-1}`` the last, ``{root}`` the root's name, ``{path}`` all.

    Raises
    ------
    StoaError
        If a placeholder is unknown or names no part of a path, or a name would be given twice.
    """
    used = {name.casefold() for name in taken}
    found = []
    for path in paths:
        name = _by_pattern(root, path, pattern)
        if name.casefold() in used:
            raise StoaError(
                f"the name pattern {pattern!r} gives {name!r} to more than one target, such as {path!r}",
                "add a part of the path that tells them apart: {-2}_{-1}",
            )
        used.add(name.casefold())
        found.append(Target(name, root, path))
    return found


def _by_pattern(root: str, path: str, pattern: str) -> str:
    parts = [part for part in path.split("/") if part] or [root]

    def filled(match: re.Match[str]) -> str:
        number, word = match["number"], match["word"]
        if word in ("root", "path"):
            return safe(root) if word == "root" else "_".join(map(safe, parts))
        place = int(number or 0)
        if not place or not -len(parts) <= place <= len(parts):
            raise StoaError(
                f"the name pattern {pattern!r} has {match[0]}, and {path!r} has {len(parts)} parts",
                "{1} is the first folder below the root, {-1} the last; {root}, {path}",
            )
        return safe(parts[place - 1 if place > 0 else place])

    name = _PLACEHOLDER.sub(filled, pattern)
    if not name or len(name) > MAX_NAME or _UNSAFE.search(name) or name[0] in "._+-":
        raise StoaError(
            f"the name pattern {pattern!r} gives {name!r}, which cannot name a target",
            f"letters, digits, `. _ + -`, at most {MAX_NAME}, and a letter or digit first",
        )
    return name
