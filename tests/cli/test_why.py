"""stoa why: the reason for one target."""

from __future__ import annotations


def test_why_answers_in_one_sentence(survey):
    assert survey.ok("why", "measure", "a") == "a: runs, no outcome yet\n"
    survey.ok("run", "measure")
    assert survey.ok("why", "measure", "a") == "a: does not run, up to date\n"
    survey.edit("measure.sh", "snr $2", "SNR $2")
    assert survey.ok("why", "measure", "a") == "a: runs, the script changed\n"
