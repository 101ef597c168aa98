"""A table as a cone search service: what is asked over HTTP, and what comes back."""

from __future__ import annotations

import http.client
import io
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import pyvo
import requests
from astropy.io import votable
from astropy.table import MaskedColumn, Table
from lxml import etree

from stoa.commands.vo.serve import cone_service, searchable
from stoa.errors import StoaError
from stoa.vo.serving import MOST_CONNECTIONS, Server

NOTE = "a < b & \"c\" 'd' \x07 ü"


def a_table() -> Table:
    """Rows at both poles, at RA = 0 on both sides, one without a position; every type that a cell may have."""
    table = Table(
        {
            "name": ["north", "south", "east", "west", "here", "nowhere"],
            "ra": [0, 120, 0.1, 359.9, 150, np.nan],
            "dec": [90.0, -90, 0, 0, 2, np.nan],
            "flux": np.array([0.1, np.nan, np.inf, -np.inf, 1e-30, 3], dtype="f4"),
            "count": MaskedColumn([1, 2, 3, 4, 5, 6], mask=[0, 1, 0, 0, 0, 0]),
            "is_good": [True, False, True, False, True, False],
            "note": ["", NOTE, "x", "y", "z", "-"],
            "shape": np.arange(12.0).reshape(6, 2),
            "small": np.arange(6, dtype="u2"),
        }
    )
    table["flux"].unit = "Jy"
    table.meta = {"source": "sep@deep", "kept": 6}
    return table


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Server of a table: `serve(table, most=2).address`."""
    running: list[tuple[Server, threading.Thread]] = []

    def start(table: Table | None = None, *, host: str = "127.0.0.1", **options: int) -> Server:
        service = cone_service(a_table() if table is None else table, "table", tmp_path, **options)
        server = Server(host, 0, service.answer)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        running.append((server, thread))
        return server

    yield start
    for server, thread in running:
        server.shutdown()
        server.server_close()
        thread.join()


def ask(server: Server, **parameters: object) -> requests.Response:
    return requests.get(f"{server.address}/cone", params=parameters, timeout=30)


def names(answer: requests.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    table = votable.parse_single_table(io.BytesIO(answer.content)).to_table()
    return [str(name) for name in table["name"]]


@pytest.mark.parametrize(
    ("cone", "found"),
    [
        ((0, 0, 0.11), ["east", "west"]),
        ((360, 0, 0.11), ["east", "west"]),
        ((200, 89.5, 0.6), ["north"]),
        ((33, -90, 0.001), ["south"]),
        ((150, 2, 0.0001), ["here"]),
        ((150, 2, 180), ["north", "south", "east", "west", "here"]),
        ((150, 2, 0), []),
        ((10, 10, 0.1), []),
    ],
)
def test_cones(serve, cone, found):
    ra, dec, radius = cone
    assert names(ask(serve(), RA=ra, DEC=dec, SR=radius)) == found


def test_values_come_back_as_they_are(serve):
    answer = ask(serve(), RA=0, DEC=0, SR=180)
    table = votable.parse_single_table(io.BytesIO(answer.content)).to_table()
    assert table["flux"].dtype == np.float32
    assert np.array_equal(table["flux"].filled(np.nan), a_table()["flux"][:5], equal_nan=True)
    assert list(table["count"].mask) == [False, True, False, False, False]
    assert [bool(value) for value in table["is_good"]] == [True, False, True, False, True]
    assert table["note"][1] == NOTE.replace("\x07", "\ufffd")
    assert table["shape"].shape == (5, 2)
    assert str(table["flux"].unit) == "Jy"


def test_the_columns_that_a_cone_search_must_have(serve):
    root = etree.fromstring(ask(serve(), RA=0, DEC=0, SR=0).content)
    fields = {each.get("ucd"): each for each in root.iter("{*}FIELD") if each.get("ucd")}
    assert (fields["ID_MAIN"].get("datatype"), fields["ID_MAIN"].get("arraysize")) == ("char", "*")
    assert [fields[ucd].get("datatype") for ucd in ("POS_EQ_RA_MAIN", "POS_EQ_DEC_MAIN")] == ["double", "double"]
    assert [each.get("value") for each in root.iter("{*}INFO") if each.get("name") == "QUERY_STATUS"] == ["OK"]
    assert len(list(root.iter("{*}TR"))) == 0


def test_names_of_parameters_have_any_case(serve):
    assert names(ask(serve(), ra=150, Dec=2, sr=1, VERB=3, unknown="x")) == ["here"]
    answer = requests.post(f"{serve().address}/cone", data={"RA": 150, "DEC": 2, "SR": 1}, timeout=30)
    assert names(answer) == ["here"]


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ("DEC=0&SR=1", "RA is missing"),
        ("RA=0&SR=1", "DEC is missing"),
        ("RA=0&DEC=0", "SR is missing"),
        ("RA=&DEC=0&SR=1", "RA is missing"),
        ("RA=abc&DEC=0&SR=1", "RA is 'abc', not a decimal number"),
        ("RA=nan&DEC=0&SR=1", "RA is 'nan', not a decimal number"),
        ("RA=1_0&DEC=0&SR=1", "RA is '1_0', not a decimal number"),
        ("RA=1e999&DEC=0&SR=1", "RA is 1e999, not between 0 and 360 degrees"),
        ("RA=0&DEC=91&SR=1", "DEC is 91, not between -90 and 90 degrees"),
        ("RA=0&DEC=0&SR=-1", "SR is -1, not between 0 and 180 degrees"),
        ("RA=0&DEC=0&SR=181", "SR is 181, not between 0 and 180 degrees"),
        ("RA=0&ra=1&DEC=0&SR=1", "RA is given 2 times"),
        ("RA=0&DEC=0&SR=1&MAXREC=-1", "MAXREC is '-1', not a whole number"),
        ("RA=0&DEC=0&SR=1&RESPONSEFORMAT=csv", "RESPONSEFORMAT csv is not offered"),
        ("RA=%3Cb%3E%26%22&DEC=0&SR=1", "not a decimal number"),
    ],
)
def test_what_is_wrong_is_told_in_a_votable(serve, question, message):
    answer = requests.get(f"{serve().address}/cone?{question}", timeout=30)
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/x-votable+xml")
    root = etree.fromstring(answer.content)
    old, new = root.iter("{*}INFO")
    assert (old.getparent(), old.get("name")) == (root, "Error")  # SCS 1.03
    assert (new.get("name"), new.get("value")) == ("QUERY_STATUS", "ERROR")  # DALI 1.1
    assert message in old.get("value")
    assert new.text == f"UsageError: {old.get('value')}"


def test_an_answer_that_was_cut_says_so(serve):
    server = serve(most=3)
    for parameters, count in (({}, 3), ({"MAXREC": 2}, 2), ({"MAXREC": 99}, 3)):
        answer = ask(server, RA=0, DEC=0, SR=180, **parameters)
        assert len(names(answer)) == count
        assert b'value="OVERFLOW"' in answer.content
    assert b"OVERFLOW" not in ask(server, RA=0, DEC=0, SR=180, MAXREC=0).content
    assert b"OVERFLOW" not in ask(server, RA=0, DEC=0, SR=10).content


def test_the_service_describes_itself(serve):
    server = serve()
    capabilities = etree.fromstring(requests.get(f"{server.address}/capabilities", timeout=30).content)
    assert "ivo://ivoa.net/std/ConeSearch" in capabilities.xpath("//capability/@standardID")
    assert capabilities.findtext(".//{*}accessURL") == f"{server.address}/cone?"
    test = {each.tag: each.text for each in capabilities.find(".//testQuery")}
    assert names(ask(server, RA=test["ra"], DEC=test["dec"], SR=test["sr"])) == ["north"]
    available = etree.fromstring(requests.get(f"{server.address}/availability", timeout=30).content)
    assert available.findtext("{*}available") == "true"


def test_the_whole_table_can_be_had(serve, tmp_path):
    table = a_table()
    table["note"][1] = "plain"
    server = serve(table)
    whole = votable.parse_single_table(io.BytesIO(requests.get(f"{server.address}/table.vot", timeout=30).content))
    assert len(whole.array) == 6
    (tmp_path / "got.fits").write_bytes(requests.get(f"{server.address}/table.fits", timeout=30).content)
    assert list(Table.read(tmp_path / "got.fits")["name"]) == list(table["name"])


def test_what_fits_lacks_is_not_offered_as_fits(serve):
    assert requests.get(f"{serve().address}/table.fits", timeout=30).status_code == 404


def test_only_what_there_is_can_be_asked_for(serve):
    server = serve()
    for path in ("/nothing", "/../../etc/passwd", "/%2e%2e/etc/passwd", "/table.vot/.."):
        connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=30)
        connection.request("GET", path)
        assert connection.getresponse().status == 404
        connection.close()
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
        assert requests.request(method, f"{server.address}/cone", timeout=30).status_code == 501


def test_a_page_that_poses_as_this_machine_gets_nothing(serve):
    server = serve()
    answer = requests.get(f"{server.address}/table.vot", headers={"Host": "evil.example"}, timeout=30)
    assert answer.status_code == 403


def test_questions_are_bounded(serve):
    address = f"{serve().address}/cone"
    assert requests.get(address, params=[("RA", "1")] * 101, timeout=30).status_code == 400
    assert requests.post(address, data="RA=" + "1" * 70_000, timeout=30).status_code == 413
    assert requests.get(f"{address}?RA={'1' * 70_000}", timeout=30).status_code == 414


def test_more_connections_than_there_are_threads_wait_their_turn(serve):
    server = serve()
    idle = [socket.create_connection(("127.0.0.1", server.server_port)) for _ in range(MOST_CONNECTIONS)]
    last = socket.create_connection(("127.0.0.1", server.server_port))
    last.settimeout(30)
    assert last.recv(100).startswith(b"HTTP/1.1 503 ")
    for each in (*idle, last):
        each.close()


def test_a_column_of_its_own_where_a_table_lacks_what_is_wanted(tmp_path):
    table = Table({"name": ["a", "a"], "RAh": [1, 2], "RAm": [0, 0], "RAs": [0.0, 0], "DEd": [5, 6], "DEm": [0, 0]})
    table["DEs"], table["DE-"] = [0.0, 0], ["-", "+"]
    made, ra, dec = searchable(table, "table")
    assert made.colnames[:3] == ["row", "ra_icrs", "dec_icrs"]
    assert (list(ra), list(dec)) == ([15, 30], [-5, 6])
    assert list(made["row"]) == ["1", "2"]
    assert "row" not in table.colnames


def test_positions_of_another_frame_are_searched_in_icrs(serve):
    table = Table({"name": ["centre"], "GLON": [0.0], "GLAT": [0.0]})
    answer = ask(serve(table), RA=266.40499, DEC=-28.93617, SR=0.001)
    assert names(answer) == ["centre"]


def test_only_one_column_has_the_words_of_the_main_one():
    table = Table({"ra": [1.0], "dec": [2.0], "id": ["x"], "old": ["y"], "ra2": [3.0]})
    for name, ucd in (("ra", "pos.eq.ra;meta.main"), ("dec", "pos.eq.dec;meta.main"), ("ra2", "POS_EQ_RA_MAIN")):
        table[name].meta["ucd"] = ucd
    table["id"].meta["ucd"], table["old"].meta["ucd"] = "meta.id;meta.main", "ID_MAIN"
    made, _, _ = searchable(table, "table")
    assert {name: made[name].meta.get("ucd") for name in made.colnames} == {
        "ra": "POS_EQ_RA_MAIN", "dec": "POS_EQ_DEC_MAIN", "id": "ID_MAIN", "old": "", "ra2": "",
    }  # fmt: skip
    assert table["ra"].meta["ucd"] == "pos.eq.ra;meta.main"


def test_a_table_without_positions_is_refused(tmp_path):
    with pytest.raises(StoaError, match="no columns for right ascension and declination"):
        cone_service(Table({"a": [1]}), "table", tmp_path)


def test_a_taken_port_is_told(serve):
    server = serve()
    with pytest.raises(StoaError, match=f"port {server.server_port} of 127.0.0.1 cannot be used"):
        Server("127.0.0.1", server.server_port, server.answer)


def test_a_table_of_no_rows(serve):
    assert names(ask(serve(a_table()[:0]), RA=0, DEC=0, SR=180)) == []


def test_pyvo_is_content(serve):
    server = serve()
    service = pyvo.dal.SCSService(f"{server.address}/cone?")
    found = service.search(pos=(0, 0), radius=0.2)
    assert [(record.id, round(record.pos.ra.deg, 3)) for record in found] == [("east", 0.1), ("west", 359.9)]
    assert "flux" in [column.name for column in service.columns]
    with pytest.raises(pyvo.dal.DALQueryError, match="RA is missing"):
        pyvo.dal.SCSQuery(f"{server.address}/cone?", DEC=0, SR=1).execute()


@pytest.mark.service
def test_stilts_is_content(serve, require_service, tmp_path):
    require_service("stilts", shutil.which("stilts"), "Debian package stilts")
    server = serve()

    def stilts(*words: str) -> str:
        done = subprocess.run(["stilts", *words], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    for number, question in enumerate(("RA=0&DEC=0&SR=180", "RA=0&DEC=0&SR=0", "RA=0&DEC=0&SR=180&MAXREC=1", "RA=x")):
        file = tmp_path / f"{number}.vot"
        file.write_bytes(requests.get(f"{server.address}/cone?{question}", timeout=30).content)
        said = [line for line in stilts("votlint", str(file)).splitlines() if "UCD1" not in line]
        assert said == []
    said = stilts("cone", f"serviceurl={server.address}/cone?", "lon=0", "lat=0", "radius=0.2", "ofmt=csv")
    assert [line.split(",")[0] for line in said.splitlines()] == ["name", "east", "west"]
    (tmp_path / "mine.csv").write_text("id,ra,dec\na,0,0.05\nb,150,2\nc,50,50\n", encoding="utf-8")
    said = stilts(
        "coneskymatch", f"serviceurl={server.address}/cone?", f"in={tmp_path / 'mine.csv'}", "ifmt=csv", "ra=ra",
        "dec=dec", "sr=0.2", "find=all", "ofmt=csv", "ocmd=keepcols 'id name'",
    )  # fmt: skip
    assert said.splitlines()[:1] == ["id,name"]
    assert sorted(said.splitlines()[1:4]) == ["a,east", "a,west", "b,here"]
