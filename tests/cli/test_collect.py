"""stoa collect, where no cluster is; `test_slurm.py` has the others."""

from __future__ import annotations


def test_there_is_nothing_to_collect(survey):
    assert survey.json("collect") == []
    assert survey("collect").exit_code == 0


def test_a_run_that_is_not_on_a_cluster_is_refused(survey):
    error, hint = survey.error("collect", "2026")
    assert "'2026'" in error
    assert "`stoa runs`" in hint
