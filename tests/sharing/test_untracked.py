"""Sync never takes the place of a file that git does not track, ignored ones included."""

from __future__ import annotations

import pytest

from stoa.errors import StoaError


def ignoring(person, *lines: str) -> None:
    (person.folder / ".git/info/exclude").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def bring(person, path: str, text: str = "theirs\n") -> None:
    person.save(path, text)
    person.git("push", "-q")


@pytest.mark.parametrize(
    ("theirs", "mine"),
    [("catalogue.vot", "catalogue.vot"), ("tables", "tables/mine.vot"), ("tables/theirs.vot", "tables")],
)
def test_an_ignored_file_in_the_way_is_kept_and_named(anna, ben, theirs, mine):
    ignoring(ben, "/catalogue.vot", "/tables")
    (ben.folder / mine).parent.mkdir(exist_ok=True)
    (ben.folder / mine).write_text("mine\n", encoding="utf-8")
    bring(anna, theirs)
    before = ben.head()
    with pytest.raises(StoaError, match=f"brings {theirs}, where you have {mine}, which git does not track") as caught:
        ben.sync()
    assert "move it out of the way" in str(caught.value.hint)
    assert (ben.folder / mine).read_text(encoding="utf-8") == "mine\n"
    assert ben.head() == before
    (ben.folder / mine).rename(ben.folder / "aside.txt")
    if mine == "tables/mine.vot":
        (ben.folder / "tables").rmdir()
    ben.sync()
    assert (ben.folder / theirs).read_text(encoding="utf-8") == "theirs\n"


def test_a_file_that_is_the_same_is_not_in_the_way(anna, ben):
    ignoring(ben, "/catalogue.vot")
    (ben.folder / "catalogue.vot").write_text("theirs\n", encoding="utf-8")
    bring(anna, "catalogue.vot")
    ben.sync()
    assert ben.git("ls-files", "catalogue.vot") == "catalogue.vot"


def test_ignored_files_beside_what_comes_stay(anna, ben):
    ignoring(ben, "/tables/mine.vot")
    (ben.folder / "tables").mkdir()
    (ben.folder / "tables/mine.vot").write_text("mine\n", encoding="utf-8")
    bring(anna, "tables/theirs.vot")
    ben.sync()
    assert sorted(file.name for file in (ben.folder / "tables").iterdir()) == ["mine.vot", "theirs.vot"]
