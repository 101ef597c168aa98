"""Tables, images and selections by way of a real hub, that of pyvo, with applications of our own at it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from survey import Survey, wait_for

import stoa
from stoa.vo.samp import HIGHLIGHT, LOAD_FITS, LOAD_IMAGE, LOAD_VOTABLE, ROW_LIST, Message, connected


def file_of(params: dict[str, str]) -> Path:
    return Path(unquote(urlsplit(params["url"]).path))


@pytest.fixture
def sources(survey: Survey) -> Path:
    """A table with two rows of target b, one of a, and one of a target that is not in the project."""
    file = survey.top / "sources.csv"
    file.write_text("target,ra,dec\nb,10,-30\na,11,-30\nb,12,-30\nelsewhere,13,-30\n", encoding="utf-8")
    return file


class Listening:
    """`stoa samp listen` as a process of its own."""

    def __init__(self, survey: Survey, *words: str) -> None:
        self.process = survey.start("samp", "listen", *words)
        stderr = self.process.stderr
        assert stderr is not None
        assert stderr.readline() == "listening; Ctrl-C ends it\n"

    def line(self) -> str:
        """A line of its output, waited for: a hub delivers two messages in any order."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")

    def end(self) -> tuple[str, str]:
        out, err = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, err
        return out, err


def test_a_table_is_sent_to_all_that_take_it(survey, sources, desktop):
    topcat, aladin = desktop("topcat", LOAD_VOTABLE, LOAD_FITS), desktop("Aladin", LOAD_VOTABLE)
    desktop("SAOImageDS9", LOAD_IMAGE)
    assert survey.ok("samp", "send", "sources.csv") == "sent sources (4 rows) to Aladin, topcat\n"
    ids = set()
    for application in (topcat, aladin):
        mtype, params = application.next()
        assert (mtype, params["name"]) == (LOAD_VOTABLE, "sources")
        assert list(Table.read(file_of(params))["target"]) == ["b", "a", "b", "elsewhere"]
        ids.add(params["table-id"])
    assert len(ids) == 1  # so that one application's clicks are another one's, too


def test_a_table_is_sent_to_the_one_that_is_named(survey, sources, desktop):
    topcat, aladin = desktop("topcat", LOAD_VOTABLE), desktop("Aladin", LOAD_VOTABLE)
    assert survey.json("samp", "send", "sources.csv", "--to", "TOPCAT")["applications"] == ["topcat"]
    first = topcat.next()[1]["table-id"]
    survey.ok("samp", "send", "sources.csv", "--to", "topcat")
    assert topcat.next()[1]["table-id"] != first  # TOPCAT refuses an id that it has
    assert aladin.taken.empty()
    assert survey.error("samp", "send", "sources.csv", "--to", "topcats") == [
        "error: no application 'topcats' at the SAMP hub takes tables; did you mean 'topcat'?",
        "hint: there are: Aladin, topcat",
    ]


def test_a_part_of_a_name_is_enough_where_no_name_is_the_whole(survey, sources, desktop):
    desktop("topcat-2", LOAD_VOTABLE), desktop("topcat", LOAD_VOTABLE), desktop("SAOImageDS9", LOAD_VOTABLE)
    for to, found in (("ds9", ["SAOImageDS9"]), ("topcat", ["topcat"]), ("cat", ["topcat", "topcat-2"])):
        assert survey.json("samp", "send", "sources.csv", "--to", to)["applications"] == found


def test_many_rows_go_as_fits_to_those_that_take_it(survey, desktop):
    many = Table({"target": ["a"] * 5001, "ra": np.arange(5001) % 360.0, "dec": np.zeros(5001)})
    many.write(survey.top / "many.fits")
    topcat, old = desktop("topcat", LOAD_VOTABLE, LOAD_FITS), desktop("old", LOAD_VOTABLE)
    assert "(5001 rows) to old, topcat" in survey.ok("samp", "send", "many.fits")
    assert [each.next()[0] for each in (topcat, old)] == [LOAD_FITS, LOAD_VOTABLE]


def test_text_that_fits_lacks_goes_as_votable(survey, desktop):
    many = Table({"name": ["é"] * 5001, "ra": np.arange(5001) % 360.0, "dec": np.zeros(5001)})
    many.write(survey.top / "many.ecsv")
    topcat = desktop("topcat", LOAD_VOTABLE, LOAD_FITS)
    survey.ok("samp", "send", "many.ecsv")
    assert topcat.next()[0] == LOAD_VOTABLE


def test_without_a_hub_there_is_a_file_and_a_sentence(survey, sources, lockfile):
    said, hint = survey.error("samp", "send", "sources.csv")
    head = "error: there is no SAMP hub on this desktop; the table is in "
    assert said.startswith(head)
    assert len(Table.read(said.removeprefix(head))) == 4
    assert hint == "hint: start TOPCAT, Aladin or DS9: each of them runs a hub"
    assert survey.error("samp", "listen")[0] == "error: there is no SAMP hub on this desktop"


def test_nothing_is_written_beside_the_project(survey, sources, desktop, lockfile):
    desktop("topcat", LOAD_VOTABLE)
    survey.ok("samp", "send", "sources.csv")
    assert survey.git("status", "--porcelain") == "?? sources.csv\n"
    assert list((survey.top / ".stoa/cache/samp").glob("new-*")) == []


def test_what_an_application_refuses_is_said(survey, sources, desktop):
    desktop(
        "topcat", LOAD_VOTABLE,
        answers={"samp.status": "samp.error", "samp.error": {"samp.errortxt": "no more memory"}, "samp.result": {}},
    )  # fmt: skip
    assert survey.error("samp", "send", "sources.csv")[0] == (
        "error: topcat did not take table.load.votable: no more memory"
    )


def test_an_answer_that_is_none_is_an_error_too(survey, sources, desktop):
    desktop("topcat", LOAD_VOTABLE, answers={"samp.status": "maybe", "samp.result": {}})
    assert "did not take table.load.votable: no reason given" in survey.error("samp", "send", "sources.csv")[0]


def test_images_go_to_viewers(repo, archive, cli, desktop):
    sky = archive(1)
    for words in (["init"], ["root", "add", "alma", str(sky.top)], ["target", "add", "alma", "**/product"]):
        cli.ok(*words, cwd=repo)
    (target,) = cli.json("target", "list", cwd=repo)
    ds9 = desktop("SAOImageDS9", LOAD_IMAGE)
    failed = cli("samp", "send", target["name"], cwd=repo)
    assert "has no metadata yet" in failed.stderr
    cli.ok("meta", "build", cwd=repo)
    assert cli.ok("samp", "send", target["name"], cwd=repo).endswith("to SAOImageDS9\n")
    mtype, params = ds9.next()
    assert (mtype, params["name"]) == (LOAD_IMAGE, target["name"])
    assert fits.getheader(file_of(params))["OBJECT"] == "J0000"
    assert "has no image in the group 'x'" in cli("samp", "send", target["name"], "--group", "x", cwd=repo).stderr
    next(sky.top.rglob("*pbcor.fits")).unlink()
    assert "is not on this machine" in cli("samp", "send", target["name"], cwd=repo).stderr


def test_picked_rows_are_shown_as_targets(survey, sources, desktop):
    topcat = desktop("topcat", LOAD_VOTABLE)
    survey.ok("samp", "send", "sources.csv")
    table = topcat.next()[1]["table-id"]
    listening = Listening(survey, "--once")
    topcat.says(HIGHLIGHT, table_id=table, row="1")
    assert listening.line() == "topcat: row 2 of sources.csv: 1 target: a"
    topcat.says(ROW_LIST, table_id=table, row_list=["0", "2", "3", "77"])
    out, _ = listening.end()
    assert out.splitlines() == [
        "topcat: 3 rows of sources.csv: 1 target: b",
        "  1 row without a target of this project",
        "  1 of the rows are not in the table",
    ]


def test_a_table_that_was_loaded_from_the_project_is_known(survey, sources, desktop):
    topcat = desktop("topcat")
    listening = Listening(survey, "--once", "--json")
    topcat.says(ROW_LIST, url=sources.as_uri(), row_list=["0", "1"])
    out, _ = listening.end()
    assert '"targets": ["b", "a"]' in " ".join(out.split()).replace("[ ", "[").replace(" ]", "]")


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ({"url": "file:///etc/passwd"}, "not one of this project"),
        ({"url": "http://127.0.0.1:9/x.vot"}, "not one of this project"),
        ({"url": "file://elsewhere/x.vot"}, "not one of this project"),
        ({"table_id": "stoa-../../../../etc-00000000"}, "not one of this project"),
        ({"table_id": "stoa-0123456789abcdef-01234567"}, "its copy is gone"),
        ({"table_id": ["a"], "row_list": "all"}, "not one of this project"),
        ({}, "not one of this project"),
    ],
)  # fmt: skip
def test_what_others_say_opens_nothing_else(survey, desktop, params, problem):
    topcat = desktop("topcat")
    before = survey.head()
    listening = Listening(survey, "--once", "--then", "flag", "--yes")
    topcat.says(ROW_LIST, **{"row_list": ["0"], **params})
    out, _ = listening.end()
    assert problem in out
    assert survey.head() == before


@pytest.mark.parametrize(
    ("params", "rows"),
    [
        ({"row": "5"}, (5,)),
        ({"row": "-5"}, ()),
        ({"row": "5.0"}, ()),
        ({"row": "\u0665"}, ()),
        ({"row": 5}, ()),
        ({"row": ["5"]}, ()),
        ({}, ()),
    ],
)
def test_a_row_is_a_number_or_none(params, rows):
    assert Message(HIGHLIGHT, "topcat", params).rows() == rows


def test_a_subset_becomes_one_commit(survey, sources, desktop):
    topcat = desktop("topcat", LOAD_VOTABLE)
    survey.ok("samp", "send", "sources.csv")
    table = topcat.next()[1]["table-id"]
    before = survey.head()
    listening = Listening(survey, "--once", "--then", "flag", "--reason", "artefacts", "-m", "rings", "--yes")
    topcat.says(HIGHLIGHT, table_id=table, row="0")
    topcat.says(ROW_LIST, table_id=table, row_list=["0", "1", "2"])
    _, err = listening.end()
    assert err.startswith("flagged 2 targets (commit ")
    assert survey.subjects(before) == ["flag 2 targets (artefacts): rings"]
    assert [flag["target"] for flag in survey.json("reviews", "--flags")] == ["a", "b"]


def test_nothing_is_flagged_before_a_person_agrees(survey, sources, desktop):
    topcat = desktop("topcat", LOAD_VOTABLE)
    survey.ok("samp", "send", "sources.csv")
    table = topcat.next()[1]["table-id"]
    before = survey.head()
    listening = Listening(survey, "--once", "--then", "flag", "--reason", "artefacts")
    topcat.says(ROW_LIST, table_id=table, row_list=["0", "1"])
    _, err = listening.end()
    assert err == "would flag 2 targets: b a with artefacts; --yes does it\n"
    assert survey.head() == before


def test_a_wrong_reason_is_said_before_anything_is_listened_to(survey, hub):
    assert (
        "no reason code 'artifacts'; did you mean 'artefacts'?"
        in (survey.error("samp", "listen", "--then", "flag", "--reason", "artifacts")[0])
    )
    assert survey("samp", "listen", "--then", "rerun").exit_code == 2


def test_the_end_of_the_hub_ends_listening(survey, hub):
    listening = Listening(survey)
    hub.stop()
    assert listening.end() == ("", "")


def test_python_sends_and_listens(survey, sources, desktop):
    topcat = desktop("topcat", LOAD_VOTABLE)
    with stoa.open(survey.top) as project:
        assert project.send(str(sources)).rows == 4
        table = topcat.next()[1]["table-id"]
        timer = threading.Timer(0.5, lambda: topcat.says(ROW_LIST, table_id=table, row_list=["1"]))
        timer.start()
        picked = next(project.listen())
        timer.join()
    assert (picked.targets, picked.rows, picked.is_subset) == (("a",), (2,), True)


class _Liar(BaseHTTPRequestHandler):
    answer = b""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.answer)))
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def liar(lockfile: Path) -> Iterator[type[_Liar]]:
    """A hub that answers everything with the same bytes."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Liar)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}/"
    lockfile.write_text(f"samp.secret=x\nsamp.hub.xmlrpc.url={url}\nsamp.profile.version=1.3\n", encoding="utf-8")
    yield _Liar
    server.shutdown()
    server.server_close()
    thread.join()


VALUE = b"<?xml version='1.0'?><methodResponse><params><param><value>%s</value></param></params></methodResponse>"
BOMB = (
    b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY a 'aaaaaaaaaa'>"
    + b"".join(b"<!ENTITY a%d '%s'>" % (n, b"&a%s;" % (b"%d" % (n - 1) if n else b"") * 10) for n in range(9))
    + b"]><methodResponse><params><param><value>&a8;</value></param></params></methodResponse>"
)


@pytest.mark.parametrize(
    "answer",
    [b"", b"hello", b"<html>", VALUE % b"", VALUE % b"<array><data/></array>", VALUE % b"<string>x</string>", BOMB],
)  # fmt: skip
def test_a_hub_that_lies_is_an_error_and_not_a_trace(survey, sources, liar, answer):
    liar.answer = answer
    said = survey.error("samp", "send", "sources.csv")
    assert said[0].startswith("error: ")


def test_a_hub_is_left_in_order(hub, desktop):
    before = threading.active_count()
    with connected() as connection:
        assert connection.receivers(LOAD_VOTABLE) == []
    wait_for(lambda: threading.active_count() <= before, "the end of the threads")
