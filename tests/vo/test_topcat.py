"""Tables and selections with a real TOPCAT: what is drawn and broadcast there becomes flags in git."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import topcat

from stoa.vo.samp import HIGHLIGHT, LOAD_FITS, LOAD_VOTABLE, ROW_LIST, Application, Hub, SampError, connected

pytestmark = [pytest.mark.slow, pytest.mark.service]

FIRST_SUBSET_OF_OURS, BROADCAST = (219, 145), (399, 39)
"""Where they are in the window of row subsets: the third row, after All and Activated; and the button."""


@pytest.fixture(scope="module")
def screen(tmp_path_factory, require_service) -> Iterator[tuple[topcat.Screen, Path]]:
    absent = topcat.missing()
    require_service("TOPCAT", not absent, f"no {absent} (Debian: topcat, xvfb, xdotool)")
    home = tmp_path_factory.mktemp("desktop")
    with topcat.running_topcat(home) as screen:
        yield screen, home


@pytest.fixture
def sources(survey, screen, monkeypatch) -> Path:
    monkeypatch.setenv("SAMP_HUB", f"std-lockurl:{(screen[1] / '.samp').as_uri()}")
    with connected() as hub:  # it registers before it says what it takes
        topcat.until(lambda: all(hub.receivers(each) for each in (LOAD_FITS, LOAD_VOTABLE, ROW_LIST)), "TOPCAT")
    file = survey.top / "sources.csv"
    file.write_text("target,ra,dec\nb,10,-30\na,11,-30\nb,12,-30\nc,13,-30\n", encoding="utf-8")
    return file


def the_topcat(hub: Hub) -> Application:
    return next(each for each in hub.receivers(LOAD_FITS) if each.name == "topcat")


def takes(hub: Hub, mtype: str, params: dict[str, object]) -> bool:
    """Whether TOPCAT knows the table; it says that it has loaded one a moment before that is so."""
    try:
        hub.send(the_topcat(hub), mtype, params)
    except SampError:
        return False
    return True


@pytest.mark.parametrize("rows", [4, 5001])
def test_topcat_holds_what_was_sent(survey, sources, rows):
    sources.write_text("target,ra,dec\n" + "b,10,-30\n" * rows, encoding="utf-8")
    said = survey.json("samp", "send", "sources.csv", "--to", "topcat")
    assert (said["applications"], said["rows"]) == (["topcat"], rows)
    assert [Path(file).suffix for file in said["files"]] == [".vot" if rows == 4 else ".fits"]


def test_a_subset_that_is_broadcast_in_topcat_becomes_flags_in_git(survey, sources, screen):
    mouse, _ = screen
    before = survey.head()
    with connected() as hub:
        hub._client.bind_receive_call(LOAD_VOTABLE, hub._call)  # an application beside TOPCAT, which gets the same id
        survey.ok("samp", "send", "sources.csv")
        _, _, params = hub._heard.get(timeout=60)
        table = {"table-id": params["table-id"]}
        topcat.until(lambda: takes(hub, HIGHLIGHT, {**table, "row": "1"}), "TOPCAT to show a row")
        assert takes(hub, ROW_LIST, {**table, "row-list": ["0", "1", "2"]})
    listening = survey.start("samp", "listen", "--once", "--then", "flag", "--reason", "artefacts", "--yes")
    assert listening.stderr.readline() == "listening; Ctrl-C ends it\n"

    def broadcast() -> bool:
        if not (window := mouse.window("TOPCAT.*Row Subsets")):
            mouse.click(mouse.window("^TOPCAT$"), 269, 40)
            return False
        mouse.click(window, *FIRST_SUBSET_OF_OURS)
        mouse.click(window, *BROADCAST)
        return listening.poll() is not None

    topcat.until(broadcast, "the subset", pause=2)
    out, err = listening.communicate()
    assert out == "topcat: 3 rows of sources.csv: 2 targets: b a\n"
    assert err.startswith("flagged 2 targets (commit ")
    assert survey.subjects(before) == ["flag 2 targets (artefacts)"]
