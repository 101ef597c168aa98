"""Real FITS files of many programs: each is searched, with sources where astropy has them, or a cause is told."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from finder_truth import FINDERS, REPOSITORY, program
from real_images import files, searched

CAUSES = (
    "no celestial coordinates", "no HDU has a plane", "not understood", "exactly zero", "cut off", "no beam",
    "narrower than a pixel",
)  # fmt: skip


@pytest.mark.service
@pytest.mark.parametrize("finder", FINDERS)
def test_real_files_are_searched_or_explained(finder: str, require_service: Callable[..., None]) -> None:
    require_service(finder, program(finder), "Debian package source-extractor, PyPI package AegeanTools")
    found = list(searched(finder, files(REPOSITORY / "tests" / "data" / "fits")))
    looked_at = [one for one in found if not one.cause]
    assert max(one.off_arcsec for one in looked_at) < 0.01
    assert len(looked_at) > 5
    assert [one.cause for one in found if one.cause and not any(words in one.cause for words in CAUSES)] == []
