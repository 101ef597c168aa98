"""Upper limits in words."""

from __future__ import annotations

import pytest

from stoa.commands.catalogue.limits import LimitsReport
from stoa.show.catalogues import limits_lines


@pytest.mark.parametrize(("unseen", "said"), [(0, []), (1, ["1 image not"]), (37, ["37 images not"])])
def test_images_that_are_not_here_are_said(unseen, said):
    report = LimitsReport(
        source="sep@deep", catalogue="q.vot", sigma=5.0, files=(), images=40, unknown=0, limits=9, objects=6,
        unseen=unseen,
    )  # fmt: skip
    first, *others = limits_lines(report)
    assert first == "6 objects of q.vot not detected, 9 limits of 5 sigma in 40 images"
    assert [
        line.strip().removesuffix(" on this machine: their limits start from the search's threshold") for line in others
    ] == said
