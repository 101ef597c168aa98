"""Whether two files are on one pixel grid, and which of a group's files may be used together."""

from __future__ import annotations

import math

from stoa.meta.document import FileEntry
from stoa.meta.rules import IMAGE_ROLES
from stoa.meta.sky import number, separation

_GRIDDED = (*IMAGE_ROLES, "primaryBeam", "mask", "residual", "model", "taylorTerm1", "spectralIndex")
"""Roles whose files share the pixels of the image; a psf may be smaller."""


def same_grid(one: FileEntry, two: FileEntry) -> bool:
    """Whether two files have the same pixels on the sky, as far as their headers say.

    Lengths of the first two axes are equal, pixel sizes to 1e-4 and centres to a tenth of a pixel. What one of the
    two does not say (a document by hand may have few attributes) is no contradiction.
    """
    return all(
        _agree(one.header.get(keyword, ""), two.header.get(keyword, ""), 1e-4)
        for keyword in ("NAXIS1", "NAXIS2", "CDELT1", "CDELT2")
    ) and _same_centre(one, two)


def _agree(one: str, two: str, tolerance: float) -> bool:
    if not one or not two or one == two:
        return True
    a, b = number(one), number(two)
    return a is not None and b is not None and math.isclose(a, b, rel_tol=tolerance)


def _same_centre(one: FileEntry, two: FileEntry) -> bool:
    if all(one.header.get(k) == two.header.get(k) for k in ("CRVAL1", "CRVAL2", "CRPIX1", "CRPIX2")):
        return True
    centres = [(number(f.derived.get("ra_deg", "")), number(f.derived.get("dec_deg", ""))) for f in (one, two)]
    (ra1, dec1), (ra2, dec2) = centres
    pixel = number(one.derived.get("pixel_arcsec", ""))
    if ra1 is None or dec1 is None or ra2 is None or dec2 is None or pixel is None:
        return True
    return separation((ra1, dec1), (ra2, dec2)) * 3600 < max(0.1 * pixel, 1e-3)


def reference_image(files: tuple[FileEntry, ...]) -> FileEntry | None:
    """The file that gives a group its grid: the first image with a header."""
    return next((file for file in files if file.role in IMAGE_ROLES and file.header), None)


def off_grid(files: tuple[FileEntry, ...]) -> tuple[FileEntry, ...]:
    """Files of a group that are on another grid than its image."""
    image = reference_image(files)
    if image is None:
        return ()
    return tuple(file for file in files if file.role in _GRIDDED and file.header and not same_grid(image, file))
