"""Images with a real DS9."""

from __future__ import annotations

import pytest
import topcat

from stoa.vo.samp import LOAD_IMAGE, connected

pytestmark = [
    pytest.mark.slow,
    pytest.mark.service,
    # DS9 goes without a word, and the threads of pyvo's hub, which is the test's, trip over its closed port.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:samp.hub.event"),
]


def test_ds9_shows_the_image_of_a_target(repo, archive, cli, hub, tmp_path, require_service):
    absent = topcat.missing("ds9", "Xvfb")
    require_service("DS9", not absent, f"no {absent} (Debian: saods9, xvfb)")
    sky = archive(1)
    for words in (["init"], ["root", "add", "alma", str(sky.top)], ["target", "add", "alma", "**/product"]):
        cli.ok(*words, cwd=repo)
    cli.ok("meta", "build", cwd=repo)
    (target,) = cli.json("target", "list", cwd=repo)
    (tmp_path / "home").mkdir()
    with topcat.running_ds9(tmp_path / "home"), connected() as mine:
        topcat.until(lambda: mine.receivers(LOAD_IMAGE), "DS9 at the hub")
        (sent,) = cli.json("samp", "send", target["name"], "--to", "ds9", cwd=repo)["files"]
        (ds9,) = mine.receivers("ds9.get")
        asked = {"samp.mtype": "ds9.get", "samp.params": {"cmd": "file"}}
        shown = mine._client.call_and_wait(ds9.id, asked, "30")
        mine._client.notify(ds9.id, {"samp.mtype": "ds9.set", "samp.params": {"cmd": "exit"}})
        topcat.until(lambda: not mine.receivers(LOAD_IMAGE), "the end of DS9")
    assert shown["samp.result"]["value"] == sent
