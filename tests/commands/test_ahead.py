"""Runs and reviews whose ids are far ahead of the clock, or whose ids are no time at all, do not win for ever."""

from __future__ import annotations

import pytest
from survey import Survey

FAR = "20990101T120000-zzzzzz"


def plant(survey: Survey, fake: str) -> None:
    """Commit a copy of the latest run under another id."""
    run = survey.runs()[-1]
    for name in survey.git("ls-files", f".stoa/runs/{run}").split():
        text = survey.committed(name).replace(run, fake)
        place = survey.top / name.replace(run, fake)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    survey.git("add", ".stoa/runs")
    survey.git("commit", "--quiet", "--message", "planted")


@pytest.fixture
def ahead(survey) -> Survey:
    """A run of the three targets and a copy of it that is dated 2099; then the script was changed."""
    survey.ok("run", "measure")
    plant(survey, FAR)
    survey.edit("measure.sh", 'echo "snr $2"', 'echo "snr: $2"')
    return survey


def latest(survey: Survey) -> set[str]:
    return {row[0] for row in survey.json("query", "SELECT DISTINCT run FROM current")["rows"]}


def test_it_is_the_latest_until_somebody_runs_again(ahead):
    assert latest(ahead) == {FAR}
    run = ahead.json("run", "measure")["run"]
    assert run < "2090"
    assert latest(ahead) == {run}
    assert ahead.json("show", "last")["run"]["id"] == run
    assert ahead.json("runs")[-1]["run"] == run
    assert ahead.json("status")["pairs"][0]["run"] == run
    assert "nothing to do" in ahead.ok("run", "measure")


def test_the_next_run_is_later_again(ahead):
    first = ahead.json("run", "measure")["run"]
    second = ahead.json("run", "measure", "--force")["run"]
    assert latest(ahead) == {second}
    assert first < second < "2090"


def test_whoever_builds_the_index_anew_agrees(ahead):
    run = ahead.json("run", "measure")["run"]
    (ahead.top / ".stoa/cache/index.sqlite").unlink()
    assert latest(ahead) == {run}


def test_a_run_that_counts_after_it_still_does_when_it_is_gone(ahead):
    ahead.ok("run", "measure")
    ahead.git("rm", "-rq", f".stoa/runs/{FAR}")
    ahead.git("commit", "-qm", "never happened")
    run = ahead.json("run", "measure", "--force")["run"]
    assert latest(ahead) == {run}


def test_it_is_named_by_status_fsck_and_doctor(ahead):
    words = f"runs/{FAR} is dated 2099-01-01, more than a day ahead of this machine's clock"
    assert words in ahead("status").stderr
    assert (f"runs/{FAR}", words.partition(" is ")[2]) in [
        (found["where"], found["message"]) for found in ahead.json("fsck")["findings"]
    ]
    assert [remark["message"] for remark in ahead.json("doctor") if remark["what"] == "clock"] == [words]


def test_what_has_no_real_time_is_no_run(survey):
    survey.ok("run", "measure")
    run = survey.runs()[-1]
    plant(survey, "20269999T999999-zzzzzz")
    assert latest(survey) == {run}
    assert "cannot read runs/20269999T999999-zzzzzz: '20269999T999999-zzzzzz' is not a run" in survey("status").stderr


def test_a_review_that_is_dated_ahead_does_not_pull_others_after_it(survey):
    event = survey.json("flag", "a")["id"]
    fake = "20990101T120000-zzzzzz"
    file = survey.top / f".stoa/reviews/a/{fake}.yaml"
    file.write_text(survey.committed(f".stoa/reviews/a/{event}.yaml").replace(event, fake), encoding="utf-8")
    survey.git("add", ".stoa/reviews")
    survey.git("commit", "-qm", "planted")
    assert survey.json("comment", "a", "-m", "seen")["id"] < "2090"
    assert f"reviews/a/{fake}.yaml is dated 2099-01-01" in survey("status").stderr
