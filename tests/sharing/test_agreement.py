"""Outcomes and flags of two people stand side by side."""

from __future__ import annotations

import pytest
from collaborators import Person


def exchange(*people: Person) -> None:
    for person in (*people, *people):
        person.sync()


def answers(person: Person, number: str) -> None:
    """Let the script find something else on this person's machine."""
    person.write("count.sh", f"printf '{{\"answer\": {number}}}' > stoa-result.json\n")


@pytest.fixture
def differing(anna: Person, ben: Person) -> tuple[str, str]:
    """Runs of Anna and then of Ben on one target, with different results."""
    answers(anna, "1.5")
    answers(ben, "2.5")
    first = anna.run("a")
    second = _later(ben, first)
    exchange(anna, ben)
    return first, second


def _later(person: Person, run: str) -> str:
    """A run whose id sorts after another one, which ids of the same second do by chance."""
    while (found := person.run("a")) < run:
        pass
    return found


def test_both_outcomes_survive(anna, ben, differing):
    sql = "SELECT author, value FROM outcomes JOIN runs USING (run) JOIN results ON outcome = id ORDER BY author"
    assert anna.rows(sql) == ben.rows(sql)
    assert set(anna.rows(sql)) == {("Anna Jansky", 1.5), ("Ben Cook", 2.5)}


def test_results_that_differ_are_told_with_names(anna, ben, differing):
    (found,) = anna.status().disagreements
    assert (found.target, found.process, found.params) == ("a", "count", "default")
    assert [voice.author for voice in found.voices] == ["Anna Jansky", "Ben Cook"]
    assert [(d.name, d.values) for d in found.differences] == [("answer", (1.5, 2.5))]
    assert ben.status().disagreements == anna.status().disagreements


def test_status_shows_them(anna, differing, cli):
    printed = cli.ok("status", cwd=anna.folder)
    assert "Conflicting results: 1 job" in printed
    assert "a (count @ default): answer 1.5 by Anna Jansky, answer 2.5 by Ben Cook" in printed


def test_show_does_too(anna, differing, cli):
    assert "answer 2.5 by Ben Cook" in cli.ok("show", "a", cwd=anna.folder)
    assert "differ" not in cli.ok("show", "b", cwd=anna.folder)


def test_results_within_the_tolerance_agree(anna, ben):
    answers(anna, "100")
    answers(ben, "104.9")  # the process allows 5 %
    anna.run()
    ben.run()
    exchange(anna, ben)
    assert anna.status().disagreements == ()


def test_statuses_that_differ_are_told(anna, ben):
    anna.write("count.sh", "exit 1\n")
    first = anna.run()
    _later(ben, first)
    exchange(anna, ben)
    (found,) = ben.status().disagreements
    assert [(d.name, d.values) for d in found.differences] == [("status", ("failed", "ok"))]


def test_two_runs_of_one_person_are_no_disagreement(anna, ben):
    answers(anna, "1.0")
    anna.run()
    answers(anna, "2.0")
    anna.run()
    ben.run("b")
    exchange(anna, ben)
    assert anna.status().disagreements == ()


def test_a_third_run_that_agrees_settles_it(anna, ben, differing):
    answers(anna, "2.5")
    _later(anna, differing[1])
    assert anna.status().disagreements == ()


def test_targets_of_one_person_only_are_not_compared(anna, ben):
    answers(anna, "1.0")
    anna.run("a")
    answers(ben, "2.0")
    ben.run("b")
    exchange(anna, ben)
    assert ben.status().disagreements == ()


def test_flags_with_different_reasons_do_not_contradict_each_other(anna, ben, cli):
    anna.flag("a", "no-detection", "nothing there")
    ben.flag("a", "spurious", "sidelobes")
    exchange(anna, ben)
    assert cli.json("show", "a", cwd=anna.folder)["contradictions"] == []
    assert sorted(anna.status().targets[0].flags) == ["no-detection", "spurious"]


def test_identical_flags_of_one_person_are_one(anna, ben, cli):
    anna.flag("a", "artefacts", "stripes")
    anna.flag("a", "artefacts", "stripes")
    report = anna.status()
    assert (report.targets[0].flags, report.flags) == (("artefacts",), {"artefacts": ("a",)})
    exchange(anna, ben)
    ben.unflag("a")
    assert ben.status().flags == {}


def test_contradictory_judgements_stand_side_by_side(anna, ben, cli):
    anna.flag("a", "artefacts")
    exchange(anna, ben)
    anna.unflag("a", "cleaned")
    ben.flag("a", "artefacts", "still there")
    exchange(anna, ben)
    for words in (("show", "a"), ("reviews",), ("reviews", "--flags")):
        shown = cli.ok(*words, cwd=anna.folder).partition("Contradictory flags\n")[2]
        assert {line.split()[1] for line in shown.splitlines()[1:3]} == {"Anna", "Ben"}


def test_a_flag_that_one_clears_and_another_sets_again_is_contradictory(anna, ben, cli):
    anna.flag("a", "artefacts")
    exchange(anna, ben)
    anna.unflag("a", "cleaned")
    ben.flag("a", "artefacts", "still there")
    exchange(anna, ben)
    (found,) = cli.json("show", "a", cwd=ben.folder)["contradictions"]
    assert {(j["author"], j["says"], j["text"]) for j in found["judgements"]} == {
        ("Ben Cook", "artefacts", "still there"),
        ("Anna Jansky", "not artefacts", "cleaned"),
    }


def test_people_who_say_the_same_do_not_contradict_each_other(anna, ben, cli):
    anna.flag("a", "artefacts")
    ben.flag("a", "artefacts")
    exchange(anna, ben)
    assert cli.json("show", "a", cwd=anna.folder)["contradictions"] == []


def test_one_person_with_two_reasons_is_no_contradiction(anna, cli):
    anna.flag("a", "artefacts")
    anna.flag("a", "calibration")
    assert "contradictory" not in cli.ok("reviews", cwd=anna.folder)


def test_a_flag_that_somebody_cleared_for_good_is_settled(anna, ben, cli):
    anna.flag("a", "artefacts")
    exchange(anna, ben)
    ben.unflag("a")
    exchange(anna, ben)
    assert cli.json("show", "a", cwd=anna.folder)["contradictions"] == []
