"""products/PROCESS/latest: links to the products of current outcomes."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from alma_archive import make_archive

from stoa.workspace import latest
from stoa.workspace.names import Pair
from stoa.workspace.open import Workspace

PAIR = Pair("measure", "default", "host")


def links(survey, params: str = "default") -> dict[str, str]:
    """Link -> the run that it leads to."""
    top = survey.top / "products/measure/latest" / params
    if not top.is_dir():
        return {}
    return {link.name: link.resolve().parent.name for link in top.iterdir() if link.is_symlink()}


def test_links_lead_to_the_products_of_current_ok_outcomes(survey):
    survey.does("b", "exit 3")
    survey("run", "measure")
    first = survey.json("results", "measure")["rows"][0]["run"]
    assert links(survey) == {"a": first, "c": first}
    assert (survey.top / "products/measure/latest/default/a/table.txt").read_text() == "snr 5.0\n"
    assert os.readlink(survey.top / "products/measure/latest/default/a") == f"../../{first}/a"


def test_they_follow_each_run_and_go_where_an_outcome_is_no_longer_ok(survey):
    survey.ok("run", "measure")
    first = links(survey)["a"]
    survey.does("b", "exit 3")
    survey("run", "measure", "--force", "--target", "a", "--target", "b")
    now = links(survey)
    assert set(now) == {"a", "c"}
    assert now["c"] == first != now["a"]


def test_each_set_has_its_own_and_a_renamed_process_too(survey):
    survey.ok("run", "measure", "--set", "snr=7")
    survey.ok("run", "measure", "--target", "a")
    assert set(links(survey, "default+snr=7")) == {"a", "b", "c"}
    assert set(links(survey)) == {"a"}
    survey.ok("process", "rename", "measure", "gauge")
    survey.ok("run", "gauge")
    names = {path.name for path in (survey.top / "products/gauge/latest/default").iterdir()}
    assert names == {"a", "b", "c"}


def test_images_have_links_below_their_target(survey):
    make_archive(survey.top / "archive", 1, {}, size=16)
    survey.ok("root", "add", "archive", "archive")
    survey.ok("target", "add", "archive", "**/product")
    (survey.top / ".stoa/processes/look.yaml").write_text(
        'schema: 1\nname: look\ncommand: [cp, "{image}", out.fits]\nover: image\n'
        "inputs: {image: {role: [correctedImage, image]}}\noutputs: {copy: {path: out.fits}}\n"
    )
    survey("run", "look")
    found = [path for path in (survey.top / "products/look/latest/default").rglob("*") if path.is_symlink()]
    assert len(found) == 1
    assert (found[0] / "out.fits").is_file()
    assert found[0].parent.parent.name == "default"


def test_what_a_kill_has_left_is_mended_by_the_next_run(survey):
    survey.ok("run", "measure")
    top = survey.top / "products/measure/latest/default"
    (top / "a").unlink()
    (top / "b.part").symlink_to("nowhere")
    (top / "b").unlink()
    (top / "b").symlink_to("../../gone/b")
    survey.ok("run", "measure", "--force", "--target", "c")
    assert set(links(survey)) == {"a", "b", "c"}


def test_files_of_the_user_stay(survey):
    survey.ok("run", "measure")
    top = survey.top / "products/measure/latest/default"
    (top / "notes.txt").write_text("mine")
    survey.ok("target", "remove", "b")
    survey.ok("run", "measure", "--force", "--target", "a")
    assert sorted(path.name for path in top.iterdir()) == ["a", "c", "notes.txt"]


def test_adopted_products_have_links_too(survey):
    place = survey.top / "old/a"
    place.mkdir(parents=True)
    (place / "table.txt").write_text("old")
    survey.ok("root", "add", "old", "old")
    survey.ok("adopt", "measure", "--from", "old")
    assert (survey.top / "products/measure/latest/default/a/table.txt").read_text() == "old"


@pytest.mark.parametrize("code", [errno.EPERM, errno.ENOTSUP])
def test_a_file_system_without_links_is_named_and_the_run_counts(survey, monkeypatch, code):
    def refused(*_args: object, **_named: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(Path, "symlink_to", refused)
    result = survey("run", "measure")
    assert result.exit_code == 0
    assert "the links in products/measure/latest are not kept: this file system has no symbolic links" in result.stderr


def test_of_very_many_only_those_of_the_run_are_looked_at(survey, monkeypatch):
    survey.ok("run", "measure")
    monkeypatch.setattr(latest, "MOST_LINKS", 2)
    top = survey.top / "products/measure/latest/default"
    (top / "b").unlink()
    survey.ok("run", "measure", "--force", "--target", "a")
    assert set(links(survey)) == {"a", "c"}
    ws = Workspace(survey.top)
    monkeypatch.undo()
    assert latest.refresh(ws, PAIR) == ""
    ws.close()
    assert set(links(survey)) == {"a", "b", "c"}
