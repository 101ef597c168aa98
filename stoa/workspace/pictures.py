"""Pictures of comments: small, and looked at before they are kept and before they are shown."""

from __future__ import annotations

import warnings
from io import BytesIO
from pathlib import Path

import msgspec

from stoa.errors import StoaError
from stoa.model import Review
from stoa.opening import TooLargeError, read_bounded
from stoa.project import Project
from stoa.workspace.open import Workspace

MAX_PICTURE = 64 * 1024
"""Bytes."""

MOST_PIXELS = 4_000_000
"""A few kilobytes can hold billions of equal pixels."""

SUFFIXES = {"PNG": ".png", "JPEG": ".jpg"}
"""Format as its content says -> ending of the file in git."""


class Picture(msgspec.Struct, frozen=True):
    """A picture whose content was looked at."""

    suffix: str
    content: bytes


def read_picture(file: Path) -> Picture:
    """A picture from a file that the user names.

    Raises
    ------
    StoaError
        If it cannot be read, is too large, or is no PNG or JPEG whatever its name.
    """
    try:
        content = read_bounded(file, MAX_PICTURE)
    except TooLargeError:
        raise _too_large(repr(str(file))) from None
    except OSError as problem:
        raise StoaError(f"cannot read picture {str(file)!r}: {problem.strerror}") from None
    return checked_picture(content, repr(str(file)))


def checked_picture(content: bytes, name: str) -> Picture:
    """A picture from its content; the content alone says what it is.

    Parameters
    ----------
    name
        What it is called in messages.
    """
    from PIL import Image  # late, as few commands look at pictures

    if len(content) > MAX_PICTURE:
        raise _too_large(name)
    wrong = StoaError(f"{name} is not a PNG or JPEG picture", "save it as one; SVG and other formats are not shown")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a header that promises too much is a warning of Pillow's
            with Image.open(BytesIO(content), formats=tuple(SUFFIXES)) as image:
                width, height = image.size
                if width * height > MOST_PIXELS:
                    raise StoaError(
                        f"picture {name} has {width} x {height} pixels, which is more than {MOST_PIXELS:,}",
                        "make it smaller, or cut a part out",
                    )
                image.load()
                kind = str(image.format)
    except (OSError, SyntaxError, ValueError, Warning, EOFError, OverflowError, Image.DecompressionBombError):
        raise wrong from None
    if kind not in SUFFIXES:
        raise wrong
    return Picture(SUFFIXES[kind], content)


def _too_large(name: str) -> StoaError:
    return StoaError(f"picture {name} is larger than {MAX_PICTURE // 1024} kB", "cut a part out, or save it as JPEG")


def picture_of(ws: Workspace, review: Review) -> Picture | None:
    """The picture of a comment from git; None where it has none, or what is there is no picture."""
    if not review.picture:
        return None
    target = ws.targets.get(review.target)
    snapshot = ws.store.snapshot()
    for about in (review.about, *(target.formerly if target else ())):  # it stays where it was when a target is renamed
        path = f"{ws.store.prefix}/{Project.picture_file(about, review.picture)}"
        try:
            if content := snapshot.read_record(path):
                return checked_picture(content, review.picture)
        except StoaError:
            return None
    return None
