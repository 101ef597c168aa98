"""Notes: why a run was made, comments with pictures, and replies."""

from __future__ import annotations

import json
import struct
import zlib
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

import stoa


def drawn(kind: str = "PNG", size: tuple[int, int] = (40, 30)) -> bytes:
    """A picture of one colour."""
    out = BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(out, kind)
    return out.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A PNG of few bytes that says it has many pixels, and has them."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress(b"\0" * ((width // 8 + 1) * height), 9)
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.fixture
def cutout(tmp_path: Path) -> Path:
    file = tmp_path / "cutout.png"
    file.write_bytes(drawn())
    return file


def test_why_a_run_was_made(survey):
    survey.ok("run", "measure", "-m", "the referee asks for it")
    survey.ok("rerun", "last", "--target", "a", "--message", "once more")
    assert [row["message"] for row in survey.json("runs")] == ["the referee asks for it", "once more"]
    assert "message: once more\n" in survey.committed(f".stoa/runs/{survey.runs()[-1]}/run.yaml")
    assert "  why: once more" in survey.ok("show", "last")
    assert "once more" in survey("log", "a").stderr
    assert survey.json("log", "b")["message"] == "the referee asks for it"


def test_a_run_without_a_message_has_none(looked):
    assert "message" not in looked.committed(f".stoa/runs/{looked.runs()[-1]}/run.yaml")
    assert "why" not in looked.ok("runs")


def test_a_message_that_is_too_long_is_refused_before_anything_runs(survey):
    assert "is too long" in survey.error("run", "measure", "-m", "x" * 10_001)[0]
    assert survey.runs() == []


def test_a_picture_is_kept_beside_the_comment_and_once_for_all_targets(survey, cutout):
    before = survey.head()
    survey.ok("comment", "a", "b", "-m", "a second source?", "--picture", cutout)
    (event,) = {row["id"] for row in survey.json("reviews")}
    folders = [f".stoa/reviews/{name}/{event}" for name in "ab"]
    assert survey.changed(before) == sorted(f"{each}.{end}" for each in folders for end in ("png", "yaml"))
    assert len({survey.git("rev-parse", f"HEAD:{each}.png") for each in folders}) == 1
    assert f"picture: .stoa/reviews/a/{event}.png" in survey.ok("show", "a")
    assert "[picture]" in survey.ok("reviews")
    assert survey("fsck").exit_code == 0


def test_the_content_says_what_a_picture_is(survey, tmp_path):
    file = tmp_path / "really-jpeg.png"
    file.write_bytes(drawn("JPEG"))
    survey.ok("comment", "a", "-m", "x", "--picture", file)
    assert survey.json("reviews")[0]["picture"].endswith(".jpg")


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (SVG, "is not a PNG or JPEG picture"),
        (b"<html><script>alert(1)</script></html>", "is not a PNG or JPEG picture"),
        (drawn("GIF"), "is not a PNG or JPEG picture"),
        (drawn()[:60], "is not a PNG or JPEG picture"),
        (b"", "is not a PNG or JPEG picture"),
        (drawn() + b"x" * 70_000, "is larger than 64 kB"),
        (bomb(8000, 10_000), "has 8000 x 10000 pixels"),
        (bomb(200_000, 20_000)[:60_000], "is not a PNG or JPEG picture"),
    ],
)
def test_what_is_no_small_picture_is_refused(survey, tmp_path, content, said):
    file = tmp_path / "bad.png"
    file.write_bytes(content)
    before = survey.head()
    assert said in survey.error("comment", "a", "-m", "x", "--picture", file)[0]
    assert survey.head() == before


def test_a_picture_that_is_missing_or_no_file_is_named(survey, tmp_path):
    assert "cannot read picture" in survey.error("comment", "a", "-m", "x", "--picture", tmp_path / "none.png")[0]
    assert "cannot read picture" in survey.error("comment", "a", "-m", "x", "--picture", tmp_path)[0]


def test_replies_are_below_their_comment(survey):
    survey.ok("comment", "a", "b", "-m", "a second source?")
    first = survey.json("reviews")[0]["id"]
    survey.ok("comment", "a", "-m", "another matter")
    survey.ok("comment", "--reply-to", first[:-2], "-m", "a side lobe")
    survey.ok("comment", "a", "--reply-to", "last", "-m", "sure?")
    rows = survey.json("reviews", "a")
    assert [bool(row.get("reply_to")) for row in rows] == [False, False, True, True]
    assert {row["target"] for row in survey.json("reviews") if row["text"] == "a side lobe"} == {"a", "b"}
    text = survey.ok("show", "a")
    places = [text.index(word) for word in ("a second source?", "a side lobe", "sure?", "another matter")]
    assert places == sorted(places)
    assert "\n    reply by " in text
    table = survey.ok("reviews", "a")
    assert table.index("↳ a side lobe") < table.index("↳ ↳ sure?") < table.index("another matter")


def test_a_comment_on_a_run_is_answered(looked):
    looked.ok("comment", "--run", "last", "-m", "good beams")
    looked.ok("comment", "--reply-to", "last", "-m", "indeed")
    rows = looked.json("show", "last")["reviews"]
    assert [row["text"] for row in rows] == ["good beams", "indeed"]
    assert rows[1]["reply_to"] == rows[0]["id"]
    assert "\n  reply by " in looked.ok("show", "last")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--reply-to", "20200101", "-m", "x"), "there is no comment '20200101'"),
        (("--reply-to", "2", "-m", "x"), "is the start of 2 comments"),
        (("c", "--reply-to", "last", "-m", "x"), "there is no comment to answer"),
        (("--reply-to", "last", "--group", "g", "-m", "x"), "a reply is about what its comment is about"),
        (("--reply-to", "last", "-m", " "), "a comment needs a text"),
    ],
)
def test_a_reply_to_nothing_is_refused(survey, words, said):
    survey.ok("comment", "a", "-m", "one")
    survey.ok("comment", "b", "-m", "two")
    assert said in survey.error("comment", *words)[0]


def test_a_reply_about_another_target_is_refused(survey):
    survey.ok("comment", "a", "-m", "one")
    event = survey.json("reviews")[0]["id"]
    assert f"comment {event} is not about target 'b'" in survey.error("comment", "b", "--reply-to", event, "-m", "x")[0]


def _by_hand(survey, target: str, event: str, **fields: object) -> str:
    record = {
        "schema": 1, "id": event, "kind": "comment", "target": target, "text": "x",
        "author": {"name": "Ben", "email": "ben@example.org"}, "time": "2026-11-22T10:30:00+00:00", **fields,
    }  # fmt: skip
    file = survey.top / f".stoa/reviews/{target}/{event}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(record), encoding="utf-8")
    survey.git("add", "-f", str(file))
    survey.git("commit", "-qm", "by hand")
    return survey("fsck").output


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"reply_to": "20261122T103000-aaaaaa"}, "which is no earlier one"),
        ({"reply_to": "20271122T103000-aaaaaa"}, "which is no earlier one"),
        ({"picture": "../../config.yaml"}, "is not the picture of comment"),
        ({"picture": "20261122T103000-bbbbbb.png"}, "is not the picture of comment"),
        ({"picture": "20261122T103000-aaaaaa.svg"}, "is not the picture of comment"),
        ({"kind": "flag", "reason": "check", "picture": "20261122T103000-aaaaaa.png"}, "a flag has no picture"),
    ],
)
def test_odd_records_are_named_and_do_not_count(survey, fields, said):
    assert said in " ".join(_by_hand(survey, "a", "20261122T103000-aaaaaa", **fields).split())
    assert survey.json("reviews") == []


def test_a_picture_from_git_that_is_none_is_not_shown(looked, tmp_path):
    """A colleague's file may be anything: the report leaves it out and keeps the words."""
    event = "20261122T103000-aaaaaa"
    file = looked.top / f".stoa/reviews/a/{event}.png"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(SVG)
    looked.git("add", "-f", str(file))
    _by_hand(looked, "a", event, picture=f"{event}.png")
    looked.ok("report", "last", "--out", tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "alert(1)" not in page
    assert f"{event}.png" in page
    assert '<img class="note"' not in page


def test_the_report_shows_pictures_and_replies(looked, cutout, tmp_path):
    looked.ok("comment", "a", "-m", "look <here>", "--picture", cutout)
    looked.ok("comment", "--reply-to", "last", "-m", "nothing there")
    looked.ok("report", "last", "--out", tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert page.count('<img class="note"') == 1
    assert "data:image/png;base64," in page
    assert "look &lt;here&gt;" in page
    assert page.index("look &lt;here&gt;") < page.index("reply on a by")


def test_pictures_stay_with_a_target_that_is_renamed(looked, cutout, tmp_path):
    looked.ok("comment", "a", "-m", "look", "--picture", cutout)
    looked.ok("target", "rename", "a", "z")
    looked.ok("report", "last", "--out", tmp_path / "r.html")
    assert (tmp_path / "r.html").read_text(encoding="utf-8").count('<img class="note"') == 1


def test_a_colleague_gets_picture_and_reply(pair, cutout):
    ann, ben = pair
    ann.ok("comment", "a", "-m", "look", "--picture", cutout)
    ann.ok("sync")
    ben.ok("sync")
    ben.ok("comment", "--reply-to", "last", "-m", "I see")
    ben.ok("sync")
    ann.ok("sync")
    assert [row["text"] for row in ann.json("reviews", "a")] == ["look", "I see"]
    name = ann.json("reviews", "a")[0]["picture"]
    assert ben.git("rev-parse", f"HEAD:.stoa/reviews/a/{name}") == ann.git("rev-parse", f"HEAD:.stoa/reviews/a/{name}")
    assert ben("fsck").exit_code == 0


def test_from_python(survey, cutout):
    with stoa.open(survey.top) as project:
        project.run("measure", message="from a notebook")
        said = project.comment("a", text="look", picture=cutout)
        project.comment(text="yes", reply_to=said.id)
        assert [each.reply_to for each in project.reviews("a")] == ["", said.id]
        assert project.show_run("last").run.message == "from a notebook"
