"""A job's directory: fresh, and moved whole."""

from __future__ import annotations

import pytest

from stoa.exec.job.folder import move_folder, remove


def test_a_directory_is_moved_and_parents_are_made(tmp_path):
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "a").touch()
    move_folder(str(tmp_path / "work"), str(tmp_path / "x" / "y" / "place"))
    assert (tmp_path / "x" / "y" / "place" / "a").exists()


@pytest.mark.parametrize("old", ["directory", "file", "link"])
def test_what_lay_at_the_place_is_replaced(tmp_path, old):
    (tmp_path / "work").mkdir()
    (tmp_path / "other").mkdir()
    place = tmp_path / "place"
    if old == "directory":
        (place / "sub").mkdir(parents=True)
    elif old == "file":
        place.touch()
    else:
        place.symlink_to(tmp_path / "other")
    move_folder(str(tmp_path / "work"), str(place))
    assert place.is_dir()
    assert not place.is_symlink()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["other", "place"]


def test_a_move_that_fails_leaves_the_old_place(tmp_path):
    (tmp_path / "place").mkdir()
    (tmp_path / "place" / "a").touch()
    with pytest.raises(FileNotFoundError):
        move_folder(str(tmp_path / "missing"), str(tmp_path / "place"))
    assert [p.name for p in tmp_path.iterdir()] == ["place"]
    assert (tmp_path / "place" / "a").exists()


def test_a_link_is_removed_and_not_what_it_points_to(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "data")
    remove(str(tmp_path / "link"))
    assert [p.name for p in tmp_path.iterdir()] == ["data"]


def test_removing_what_is_absent_is_no_error(tmp_path):
    remove(str(tmp_path / "nothing"))
    assert list(tmp_path.iterdir()) == []
