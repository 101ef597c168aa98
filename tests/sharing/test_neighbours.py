"""What two people do with the verbs at the same time merges, also where it goes into one file."""

from __future__ import annotations

import pytest
from collaborators import Person

from stoa.commands.meta import build_documents
from stoa.commands.root import add_root
from stoa.errors import StoaError


def add(person: Person, name: str, doc: str = "") -> None:
    with person.open() as ws:
        add_root(ws, name, str(person.folder / "data"), doc)


def roots(person: Person) -> dict[str, str]:
    with person.open() as ws:
        return ws.project.config.roots


def build(person: Person) -> tuple[str, ...]:
    with person.open() as ws:
        return build_documents(ws, ("a",)).changed


def test_roots_that_two_people_add_are_both_there(anna, ben):
    add(anna, "alma")
    anna.sync()
    add(ben, "vla", "VLA images")
    ben.sync()
    anna.sync()
    assert roots(anna) == roots(ben)
    assert roots(ben).keys() == {"products", "data", "alma", "vla"}
    assert "# Named places where data are" in (anna.folder / ".stoa/config.yaml").read_text()
    assert ben.git("status", "--porcelain") == ""
    ben.git("fsck", "--strict", "--no-dangling")


def test_a_new_root_and_other_words_for_one_are_both_there(anna, ben):
    add(anna, "alma")
    add(ben, "data", "our data")
    anna.sync()
    ben.sync()
    assert roots(ben) == {**roots(anna), "data": "our data"}


def test_a_root_that_both_add_with_other_words_is_told_with_both(anna, ben):
    add(anna, "alma", "one")
    add(ben, "alma", "other")
    anna.sync()
    with pytest.raises(StoaError, match=r"config\.yaml: roots\.alma: you other, origin/main one"):
        ben.sync()


def test_one_conflict_that_only_a_person_can_settle_leaves_all_as_it_was(anna, ben):
    for person, name in ((anna, "alma"), (ben, "vla")):
        add(person, name)
        person.save("count.sh", f"echo {name}\n")
    anna.sync()
    before = ben.head()
    with pytest.raises(StoaError, match=r"count\.sh"):
        ben.sync()
    assert ben.head() == before


@pytest.fixture
def deliveries(anna, ben) -> None:
    """Metadata of one target, built by two people from different files, and shared."""
    for person, header in ((anna, "one"), (ben, "other")):
        (person.folder / "data/a/readme.txt").write_text(header)
        (person.folder / f"data/a/{header}.fits").write_text("no FITS file\n")
        assert build(person) == ("a",)
    anna.sync()


def test_metadata_that_two_people_built_from_different_files_does_not_stop_them(anna, ben, deliveries):
    report = ben.sync()
    assert report.rebuild == (".stoa/meta/a.xml",)
    assert anna.sync().rebuild == ()
    assert anna.head() == ben.head()


def test_the_command_says_how_it_is_made_anew(ben, cli, deliveries):
    told = cli("sync", cwd=ben.folder).stderr
    assert ".stoa/meta/a.xml" in told
    assert "`stoa meta build`" in told


def test_building_again_makes_it_fit_the_files_that_are_here(anna, ben, deliveries):
    ben.sync()
    anna.sync()
    assert {build(anna), build(ben)} == {(), ("a",)}


@pytest.mark.parametrize("verb", ["status", "doctor", "fsck"])
def test_while_a_merge_of_the_settings_is_open_each_verb_says_so(anna, ben, cli, verb):
    for person, doc in ((anna, "one"), (ben, "other")):
        add(person, "alma", doc)
    anna.sync()
    ben.git("fetch", "-q")
    ben.git("merge", "-q", "-X", "ours", "--no-commit", "origin/main")
    text = (ben.folder / ".stoa/config.yaml").read_text()
    line = "  alma: other\n"
    marked = f"<<<<<<< HEAD\n{line}=======\n  alma: one\n>>>>>>> origin/main\n"
    ben.write(".stoa/config.yaml", text.replace(line, marked))
    result = cli(verb, cwd=ben.folder)
    assert result.exit_code == 1
    assert "an unfinished merge (.stoa/config.yaml, line " in result.stderr
    assert "`git commit`; `git merge --abort`" in result.stderr


def test_an_object_that_git_replaces_is_read_as_it_is(anna):
    """References below refs/replace come with a mirror clone, and let git show another commit."""
    anna.flag("a")
    flagged = anna.head()
    empty = anna.git("commit-tree", "-m", "nothing", f"{flagged}~1^{{tree}}").strip()
    anna.git("replace", flagged, empty)
    assert anna.rows("SELECT target FROM open_flags") == [("a",)]
    anna.flag("b")
    anna.sync()
    anna.git("replace", "-d", flagged)
    assert anna.git("rev-parse", "HEAD~1").strip() == flagged
    assert anna.rows("SELECT target FROM open_flags ORDER BY target") == [("a",), ("b",)]
