"""stoa select: named conditions, and --tag and --select wherever targets are chosen."""

from __future__ import annotations

import pytest

import stoa


@pytest.fixture
def chosen(looked):
    """Of the run: a is ok, b failed, c was skipped; a and b are tagged, and two selections are saved."""
    looked.ok("tag", "a", "b", "paper I")
    looked.ok("select", "good one", "--where", "status = 'ok' -- by the pair", "--tag", "paper I", "-m", "figure 3")
    looked.ok("select", "bad", "--failed")
    return looked


def test_a_selection_is_saved_listed_used_and_removed(chosen):
    assert chosen.ok("select", "good one") == "a\n"
    assert chosen.ok("select", "bad") == "b\n"
    rows = chosen.ok("select")
    assert "status = 'ok' -- by the pair, tag paper I" in rows
    assert "figure 3" in rows
    assert chosen.ok("select", "bad", "--remove").startswith("removed selection bad (commit ")
    assert [each["selection"]["name"] for each in chosen.json("select")] == ["good one"]
    assert "no selection named 'bad'" in chosen.error("select", "bad")[0]


def test_a_selection_follows_the_data(chosen):
    chosen.does("c", "true")
    chosen("run", "measure", "--force", "--target", "c")
    chosen.ok("tag", "c", "paper I")
    assert chosen.ok("select", "good one") == "a\nc\n"


def test_one_that_is_saved_again_replaces_the_earlier_one(chosen):
    chosen.ok("select", "bad", "--target", "[!ab]")
    assert chosen.ok("select", "bad") == "c\n"
    assert len(chosen.json("select")) == 2


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("target", "list", "--select", "bad"), {"b"}),
        (("target", "list", "--tag", "paper I"), {"a", "b"}),
        (("target", "list", "--tag", "paper I", "--select", "bad", "--where", "name > 'a'"), {"b"}),
        (("target", "list", "a", "--tag", "paper I"), {"a"}),
    ],
)
def test_targets_are_listed(chosen, words, expected):
    assert {row["name"] for row in chosen.json(*words)} == expected


def test_every_kind_of_review_takes_them(chosen):
    chosen.ok("flag", "--select", "good one")
    chosen.ok("comment", "--tag", "paper I", "-m", "x")
    chosen.ok("unflag", "--tag", "paper I")
    chosen.ok("tag", "--select", "bad", "to do")
    kinds = [(row["kind"], row["target"]) for row in chosen.json("reviews") if row["kind"] != "tag"]
    assert kinds == [("flag", "a"), ("comment", "a"), ("comment", "b"), ("unflag", "a")]
    assert chosen.json("tag")["tags"]["to do"] == ["b"]


def test_runs_take_them_and_the_run_says_what_was_asked(chosen):
    chosen("run", "measure", "--force", "--tag", "paper I")
    assert set(chosen.statuses()) == {"a", "b"}
    chosen("rerun", "measure@default", "--select", "bad")
    assert set(chosen.statuses()) == {"b"}
    assert chosen.json("plan", "measure", "--force", "--select", "good one")["to_run"] == 1


def test_results_and_diff_are_of_the_chosen_targets(chosen):
    assert [row["target"] for row in chosen.json("results", "measure", "--tag", "paper I")["rows"]] == ["a", "b"]
    first = chosen.runs()[-1]
    chosen.does("a", "exit 3")
    chosen.does("b", "true")
    chosen("run", "measure", "--force")
    second = chosen.runs()[-1]
    assert len(chosen.json("diff", first, second)["transitions"]) == 2
    (change,) = chosen.json("diff", first, second, "--select", "bad")["transitions"]
    assert change["jobs"] == [["a", ""]]


def test_a_stacked_table_of_some_targets_gets_a_file_of_its_own(found):
    found.ok("tag", "a", "golden")
    assert "needs a file of its own" in found.error("catalogue", "stack", "find@default", "--tag", "golden")[0]
    report = found.json("catalogue", "stack", "find@default", "--tag", "golden", "--out", "golden.csv")
    assert (report["sources"], report["targets"], report["new"]) == (2, 1, 0)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("select", "x", "--where", "frequency > 3"), "no such column: frequency"),
        (("select", "x", "--tag", "papr I"), "no tag named 'papr I'; did you mean 'paper I'?"),
        (("select", "x", "--target", "zz"), "selection 'x': no target named 'zz'"),
        (("select", "x", "-m", "why"), "a selection needs a condition"),
        (("select", " x", "--flagged"), "cannot name a selection"),
        (("flag", "--select", "god one"), "no selection named 'god one'; did you mean 'good one'?"),
        (("run", "measure", "--tag", "zz"), "no tag named 'zz'"),
    ],
)
def test_what_is_wrong_is_named(chosen, words, said):
    assert said in chosen.error(*words)[0]


def test_without_a_name_nothing_is_saved(survey):
    assert survey("select", "--flagged").exit_code == 2


def test_a_selection_that_cannot_be_answered_any_more_says_so(chosen):
    name = chosen.git("ls-tree", "--name-only", "HEAD:.stoa/selections").split()[0]
    text = chosen.committed(f".stoa/selections/{name}").replace("status = 'ok' -- by the pair", "gone = 1")
    path = chosen.top / ".stoa/selections" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    chosen.git("add", "-f", str(path))
    chosen.git("commit", "-qm", "by hand")
    assert "selection 'good one'" in chosen.error("flag", "--select", "good one")[0]
    assert "cannot be answered" in chosen.ok("select")


def test_fsck_names_a_file_that_is_no_selection(chosen):
    path = chosen.top / ".stoa/selections/20260101T000000-aaaaaa.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text("schema: 1\nid: 20260101T000000-aaaaaa\nname: ''\n", encoding="utf-8")
    chosen.git("add", "-f", str(path))
    chosen.git("commit", "-qm", "by hand")
    assert "selections/20260101T000000-aaaaaa.yaml" in chosen("fsck").output
    assert chosen.ok("select", "bad") == "b\n"


def test_as_it_was_then(chosen):
    before = chosen.head()
    chosen.ok("select", "bad", "--remove")
    assert chosen.ok("select", "bad", "--at", before) == "b\n"


def test_from_python(chosen):
    with stoa.open(chosen.top) as project:
        assert project.selected("good one") == ["a"]
        assert project.select("both", tags="paper I").targets == ("a", "b")
        assert [each.selection.name for each in project.selections()] == ["bad", "both", "good one"]
        project.remove_selection("both")
        where = project.condition("name != 'a'", tags="paper I")
        assert list(project.targets(where)["name"]) == ["b"]
