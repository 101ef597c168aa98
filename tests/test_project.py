"""Places in a project: no two jobs have one, and none lies inside that of another."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stoa.project import Project

RUN = "20261122T103000-k3f9q2"
names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,5}", fullmatch=True)
parts = st.text(st.sampled_from("ab%2F5.é/ "), min_size=1, max_size=6).filter(
    lambda text: not {"", ".", ".."} & set(text.split("/"))
)
groups = st.just("") | parts
kinds = st.sampled_from(["", ".work", "failed"])
job = st.tuples(names | st.sampled_from(["failed", ".work", "latest"]), groups)


@given(st.lists(job, min_size=2, max_size=8, unique=True), kinds)
@example([("x", "a"), ("x", "a/b")], "")
@example([("x", "a%2Fb"), ("x", "a/b")], "")
@example([("failed", ""), ("x", "")], "")
@example([("failed", "x"), ("x", "")], "failed")
def test_places_of_the_jobs_of_a_run_are_apart(jobs, kind):
    """Jobs over targets and jobs over image groups are never in one run."""
    for over_groups in (False, True):
        chosen = [each for each in jobs if bool(each[1]) is over_groups]
        found = [Project.job_place("p", RUN, target, group, kind=kind).split("/") for target, group in chosen]
        assert len({"/".join(place) for place in found}) == len(chosen)
        for one in found:
            assert not {"", ".", ".."} & set(one)
            assert not [other for other in found if other is not one and other[: len(one)] == one]


@given(job, job)
def test_final_places_are_apart_from_those_of_failed_and_running_jobs(first, second):
    final = Project.job_place("p", RUN, *first).split("/")
    for kind in (".work", "failed"):
        other = Project.job_place("p", RUN, *second, kind=kind).split("/")
        shorter = min(len(final), len(other))
        assert final[:shorter] != other[:shorter]


@pytest.mark.parametrize("target", ["failed", ".work"])
def test_a_target_may_have_the_name_of_a_folder_of_ours(target):
    assert Project.job_place("p", RUN, target).split("/")[2] != target
