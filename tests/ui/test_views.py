"""Named views: a page with its filters, kept for all who have the project."""

from __future__ import annotations

import subprocess

import pytest
from pages import texts
from survey import Survey

from stoa.errors import StoaError
from stoa.model import Author, View
from stoa.ui.views import link
from stoa.workspace.open import Workspace
from stoa.workspace.views import named_views, remove_view, save_view


def names(survey: Survey) -> list[str]:
    ws = Workspace(survey.top)
    try:
        return [view.name for view in named_views(ws)]
    finally:
        ws.close()


def test_a_page_is_saved_with_its_filters_and_seen_in_another_clone(judged, page, tmp_path):
    test = page("failures", **{"stoa page": "failures"})
    test.query_params["status"] = ["failed", "timeout"]
    test.query_params["has"] = "no beam"
    test.query_params["at"] = "b"
    test.run()
    test.text_input(key="stoa view name").set_value("no beams & more").run()
    next(button for button in test.button if button.label == "Save view").click().run()
    assert "✓ view no beams & more saved" in texts(test)
    assert judged.subjects()[0] == "view no beams & more"
    (file,) = judged.git("ls-tree", "--name-only", "HEAD:.stoa/views").split()
    assert "removed" not in judged.committed(f".stoa/views/{file}")
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", judged.top, clone], check=True)
    ws = Workspace(clone)
    (view,) = named_views(ws)
    ws.close()
    assert (view.page, view.author.name) == ("failures", judged.git("config", "user.name").strip())
    assert set(view.filters) == {("status", "failed"), ("status", "timeout"), ("has", "no beam")}
    assert "failures?" in link(view)
    assert "status=failed&amp;status=timeout" in link(view)


def test_the_newest_of_a_name_counts_and_removal_is_kept_in_git(judged, page):
    ws = Workspace(judged.top)
    save_view(ws, "bad", "failures", [("has", "a")])
    save_view(ws, " bad ", "wall", [])
    save_view(ws, "good", "review", [])
    assert [(view.name, view.page) for view in named_views(ws)] == [("bad", "wall"), ("good", "review")]
    ws.close()
    test = page("overview")
    remove = [button for button in test.button if button.label == "Remove"]
    remove[0].click().run()
    assert names(judged) == ["good"]
    assert len(judged.git("ls-tree", "--name-only", "HEAD:.stoa/views").split()) == 4
    ws = Workspace(judged.top)
    with pytest.raises(StoaError, match="no view named 'bad'"):
        remove_view(ws, "bad")
    save_view(ws, "bad", "sky", [])
    ws.close()
    assert names(judged) == ["bad", "good"]


def test_two_people_save_views_at_the_same_time(judged, tmp_path):
    """Also of the same name: both files stay, the later one counts, and nothing conflicts."""
    hub, other = tmp_path / "hub.git", tmp_path / "other"
    judged.git("init", "--quiet", "--bare", str(hub))
    judged.git("remote", "add", "origin", str(hub))
    judged.ok("sync")
    subprocess.run(["git", "clone", "--quiet", hub, other], check=True)
    pages = {}
    for place, page in ((judged.top, "wall"), (other, "sky")):
        ws = Workspace(place)
        save_view(ws, "ours", page, [])
        ws.close()
        pages[place] = page
    for place in (judged.top, other, judged.top):
        judged.terminal.ok("sync", cwd=place)
    found = {}
    for place in pages:
        ws = Workspace(place)
        found[place] = [(view.name, view.page) for view in named_views(ws)]
        ws.close()
    assert found[judged.top] == found[other]
    assert found[other] in ([("ours", "sky")], [("ours", "wall")])  # both may be of one second


@pytest.mark.parametrize(
    ("name", "page", "words"),
    [
        ("", "wall", "a view needs a name"),
        ("x" * 81, "wall", "a view needs a name"),
        ("a\nb", "wall", "a view needs a name"),
        ("a", "../x", "is no page of the dashboard"),
        ("a", "javascript:", "is no page of the dashboard"),
    ],
)
def test_what_is_no_view_is_refused(judged, name, page, words):
    ws = Workspace(judged.top)
    with pytest.raises(StoaError, match=words):
        save_view(ws, name, page, [])
    with pytest.raises(StoaError, match="the filters of view 'a' have more than"):
        save_view(ws, "a", "wall", [("has", "x" * 5000)])
    ws.close()
    assert names(judged) == []


def test_views_of_others_are_text_and_stay_on_this_server():
    """A name, a value or an author with markup in it is shown as it is; the address cannot lead elsewhere."""
    author = Author(name="<b>x", email="x@example.org")
    view = View(
        schema=1, id="20261129T000000-abcdef", name="<script>alert(1)</script>\u202e", page="wall",
        filters=(("has", '"><img src=x>'),), author=author, time="2026-11-29T00:00:00Z",
    )  # fmt: skip
    shown = link(view)
    assert "<script" not in shown
    assert "<img" not in shown
    assert "<b>" not in shown
    assert 'href="wall?has=%22%3E%3Cimg+src%3Dx%3E"' in shown


@pytest.mark.parametrize(
    "content",
    ["[]", "schema: 1\n", "name: x\npage: '//evil.example'\n", "\x00", "schema: 99\n", "!!python/object:os.system {}"],
)
def test_a_file_that_is_no_view_is_named_and_the_others_are_shown(judged, page, content):
    ws = Workspace(judged.top)
    save_view(ws, "mine", "wall", [])
    ws.close()
    (judged.top / ".stoa/views/20260101T000000-abcdef.yaml").write_text(content, encoding="utf-8")
    judged.git("add", "--all", ".stoa")
    judged.git("commit", "--quiet", "--message", "no view")
    assert names(judged) == ["mine"]
    assert "views/20260101T000000-abcdef.yaml" in judged("fsck").output
    page("overview")
