"""stoa doctor: one line per thing that work needs."""

from __future__ import annotations


def test_a_sound_clone_is_fit_for_work(survey):
    lines = survey.ok("doctor").splitlines()
    assert {line.split()[0] for line in lines[1:]} == {"ok"}
    assert survey("doctor").stderr == ""


def test_a_root_that_is_not_there_is_named_with_what_to_do(survey):
    (survey.top / "data").rename(survey.top / "moved")
    result = survey("doctor")
    assert result.exit_code == 1
    assert [line.split()[:3] for line in result.stdout.splitlines() if line.startswith("NOT OK")] == [
        ["NOT", "OK", "root"]
    ]
    assert "`stoa root add data PATH`" in result.stderr
    assert {remark["fine"] for remark in survey.json("doctor")} == {True, False}
