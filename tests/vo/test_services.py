"""Services that are asked: one that works, ours, and many that are broken, slow, or lie."""

from __future__ import annotations

import gzip
import json
import threading
import time
from pathlib import Path

import pytest
import urllib3
from astropy.table import Table
from odd_service import Handler, Service, a_votable, an_error

import stoa
from stoa.commands.vo.cone import place
from stoa.commands.vo.serve import cone_service
from stoa.errors import StoaError
from stoa.vo import asking, web
from stoa.vo.answers import Memory, examine
from stoa.vo.serving import Server
from stoa.vo.web import ServiceError

GOOD = a_votable(before='<INFO name="QUERY_STATUS" value="OK"/>')


def ask(memory: Memory, service: Service, path: str = "/cone") -> bytes:
    """The content of the answer to a cone search."""
    answer, _ = asking.cone(memory, f"{service.url}{path}", 10, -30, 0.1)
    return memory.file(answer).read_bytes()


# A service that works.


def test_a_cone_becomes_a_table_with_its_origin(survey, service):
    service.says("GET /cone", GOOD)
    said = survey.json(
        "vo", "cone", f"{service.url}/cone?", "--around", "10 -30", "--radius", "36arcsec", "--out", "q.vot"
    )
    assert (said["rows"], said["is_known"], said["files"]) == (1, False, ["q.vot"])
    assert service.asked == [("GET /cone", {"RA": "10.0", "DEC": "-30.0", "SR": "0.01"})]
    facts = {info.name: info.value for info in _infos(survey.top / "q.vot")}
    assert facts["service"] == f"{service.url}/cone?"
    assert facts["query"] == "RA=10.0&DEC=-30.0&SR=0.01"
    assert facts["retrieved"].startswith("20")
    assert len(facts["sha256"]) == 64


def _infos(file: Path) -> list:
    from astropy.io.votable import parse

    return parse(file).get_first_table().infos


def test_an_answer_is_a_catalogue_to_match_with(survey, service):
    service.says("GET /cone", GOOD)
    (survey.top / "mine.csv").write_text("target,ra,dec\na,10.0001,-30\n", encoding="utf-8")
    survey.ok("vo", "cone", f"{service.url}/cone", "--around", "00:40:00 -30:00:00", "--out", "q.vot")
    assert survey.ok("catalogue", "match", "mine.csv", "q.vot").startswith("1 of 1 source within 5 arcsec")


def test_the_same_question_is_asked_once(survey, service):
    service.says("POST /tap/sync", GOOD)
    words = ("vo", "tap", f"{service.url}/tap", "SELECT *\nFROM quasars")
    assert "--again" not in survey(*words).stderr
    result = survey(*words)
    assert "as the service answered on 20" in result.stderr
    assert len(service.asked) == 1
    survey.ok(*words, "--again")
    assert len(service.asked) == 2
    assert service.asked[0][1]["QUERY"] == "SELECT *\nFROM quasars"
    assert service.asked[0][1]["LANG"] == "ADQL"
    assert survey.git("status", "--porcelain") == "?? catalogues/\n"


def test_a_damaged_memory_is_asked_again(memory, service):
    service.says("GET /cone", GOOD)
    ask(memory, service)
    (file,) = memory._folder.glob("*.vot")
    file.write_bytes(b"damaged")
    assert ask(memory, service) == GOOD
    (entry,) = memory._folder.glob("*.json")
    entry.write_text("[]", encoding="utf-8")
    assert ask(memory, service) == GOOD
    assert len(service.asked) == 3


@pytest.mark.parametrize("base", ["/cone", "/cone?", "/cone?&", "/cone?cat=x", "/cone?cat=x&"])
def test_base_addresses_of_every_shape(memory, service, base):
    service.says("GET /cone", GOOD)
    ask(memory, service, base)
    assert service.asked[0][1]["SR"] == "0.1"
    assert ("cat" in service.asked[0][1]) == ("cat" in base)


def test_ours_is_asked_by_ours(survey, tmp_path):
    table = Table({"name": ["Q1", "Q2"], "ra": [0.01, 359.99], "dec": [89.0, 89.0]})
    with Server("127.0.0.1", 0, cone_service(table, "quasars", tmp_path, most=1).answer) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        cut = survey("vo", "cone", f"{server.address}/cone?", "--around", "0 89", "--radius", "1deg", "--out", "q.fits")
        refused = survey.error("vo", "cone", f"{server.address}/cone?", "--around", "0 89", "--radius", "200deg")
        server.shutdown()
    assert cut.stdout.splitlines()[0] == f"1 row, 3 columns from {server.address}/cone?"
    assert "this is not all: the service cut its answer (OVERFLOW)" in cut.stderr
    assert refused[0].endswith("/cone? refuses: SR is 200.0, not between 0 and 180 degrees (status 400)")


def test_python_asks(survey, service):
    service.says("GET /cone", GOOD)
    service.says("POST /tap/sync", GOOD)
    with stoa.open(survey.top) as project:
        assert project.cone(f"{service.url}/cone", "10 -30", out=survey.top / "a.vot").rows == 1
        assert project.tap(f"{service.url}/tap", "SELECT 1", most=5, out=survey.top / "b.vot").rows == 1
    assert service.asked[1][1]["MAXREC"] == "5"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("187.5 2", (187.5, 2)),
        ("12:30:00 +02:00:00", (187.5, 2)),
        ("12h30m00s -02d30m00s", (187.5, -2.5)),
        ("12 30 00 -02 30 00", (187.5, -2.5)),
        ("187.5, -2", (187.5, -2)),
    ],
)
def test_places(text, found):
    assert place(text) == pytest.approx(found)


@pytest.mark.parametrize("text", ["", "10", "10 95", "a b", "10 20 30"])
def test_what_is_no_place(text):
    with pytest.raises(StoaError, match="is not a place on the sky"):
        place(text)


# Jobs.


def with_job(service: Service, *phases: str, error: bytes = b"") -> None:
    """A job that is in one phase after the other."""
    left = list(phases)
    service.says("POST /tap/async", b"", 303, Location="/tap/async/7")
    service.answers["GET /tap/async/7/phase"] = lambda handler: handler.reply(
        (left.pop(0) if len(left) > 1 else left[0]).encode()
    )
    service.says("POST /tap/async/7/phase", b"", 200)
    service.says("GET /tap/async/7/results/result", GOOD)
    service.says("GET /tap/async/7/error", error)
    service.says("DELETE /tap/async/7", b"", 200)


def test_a_job_is_waited_for_and_deleted(survey, service):
    with_job(service, "PENDING", "QUEUED", "EXECUTING", "EXECUTING", "COMPLETED")
    result = survey("vo", "tap", f"{service.url}/tap", "SELECT 1", "--job")
    assert result.exit_code == 0
    assert result.stderr.splitlines() == ["job: pending", "job: queued", "job: executing", "job: completed"]
    assert service.words()[0] == "POST /tap/async"
    assert service.asked[0][1]["PHASE"] == "RUN"
    assert service.words().count("POST /tap/async/7/phase") == 1
    assert service.words()[-1] == "DELETE /tap/async/7"


def test_why_a_job_failed_is_said(survey, service):
    with_job(service, "ERROR", error=an_error("no column &lt;s_ra&gt;"))
    said = survey.error("vo", "tap", f"{service.url}/tap", "SELECT 1", "--job")
    assert "error: " + f"{service.url}/tap: the job has ended as error: no column <s_ra>" in said
    assert service.words()[-1] == "DELETE /tap/async/7"


def test_a_job_that_never_ends_is_given_up(memory, service):
    with_job(service, "EXECUTING")
    with pytest.raises(ServiceError, match="took longer than 1 s, and was deleted"):
        asking.tap(memory, f"{service.url}/tap", "SELECT 1", as_job=True, patience_s=1)
    assert service.words()[-1] == "DELETE /tap/async/7"


@pytest.mark.parametrize("phase", ["", "DONE", "<html>busy</html>", "COMPLETED\x00"])
def test_a_phase_that_is_none(memory, service, phase):
    with_job(service, phase)
    with pytest.raises(ServiceError, match="does not say how the job is"):
        asking.tap(memory, f"{service.url}/tap", "SELECT 1", as_job=True)


def test_a_job_without_a_place(memory, service):
    service.says("POST /tap/async", b"done")
    with pytest.raises(ServiceError, match="did not say where the job is"):
        asking.tap(memory, f"{service.url}/tap", "SELECT 1", as_job=True)
    service.says("POST /tap/async", an_error("no async here"), 400)
    with pytest.raises(ServiceError, match=r"refuses: no async here \(status 400\)"):
        asking.tap(memory, f"{service.url}/tap", "SELECT 1", as_job=True)


# Refusals.


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (an_error("syntax error at 'FORM'"), 400, "refuses: syntax error at 'FORM' (status 400)"),
        (an_error("syntax error at 'FORM'"), 200, "refuses: syntax error at 'FORM'"),
        (b"<VOTABLE><INFO name='Error' value='no such RA'/></VOTABLE>", 200, "refuses: no such RA"),
        (b"<VOTABLE><RESOURCE><PARAM name='Error' value='bad &amp; worse'/></RESOURCE></VOTABLE>", 200, "bad & worse"),
        (b"<html><head><title>x</title></head><body><h1>Down</h1> for repair</body></html>", 200, "Down for repair"),
        (b"<html><body>gone</body></html>", 404, "refuses: gone (status 404)"),
        (b"name,ra,dec\nQ1,10,-30\n", 200, "did not answer with a VOTable: name,ra,dec Q1,10,-30"),
        (b"", 200, "did not answer with a VOTable: nothing"),
        (GOOD.decode().encode("utf-16"), 200, "did not answer with a VOTable"),
        (b"", 204, "did not answer with a VOTable"),
        (b"", 401, "(status 401)"),
    ],
)
def test_no_error_is_taken_for_a_table(survey, service, body, status, message):
    service.says("GET /cone", body, status)
    said = survey.error("vo", "cone", f"{service.url}/cone", "--around", "10 -30")
    assert message in said[0]
    assert not (survey.top / "catalogues").exists()
    assert not list((survey.top / ".stoa/cache").rglob("*.vot"))


def test_a_column_called_error_is_no_error(memory, service):
    service.says("GET /cone", a_votable(before='<PARAM name="Error" datatype="double" value="0.1"/>'))
    assert b"Q1" in ask(memory, service)


def test_overflow_after_the_table_is_seen():
    status = examine(a_votable(after='<INFO name="QUERY_STATUS" value="OVERFLOW">at 1</INFO>'), "x")
    assert (status.is_cut, status.remark) == (True, "at 1")


# Broken and slow ones.


def test_a_service_that_is_busy_is_asked_again(memory, service):
    left = [503, 429, 502]

    def answer(handler: Handler) -> None:
        if left:
            handler.reply(b"busy", left.pop(0), Retry_After="0")
        else:
            handler.reply(GOOD)

    service.answers["GET /cone"] = answer
    assert ask(memory, service) == GOOD
    assert len(service.asked) == 4


def test_a_service_that_stays_busy_is_given_up(memory, service):
    service.says("GET /cone", b"busy", 503, Retry_After="0")
    with pytest.raises(ServiceError, match=r"refuses: busy \(status 503\)"):
        ask(memory, service)
    assert len(service.asked) == web.RETRIES + 1


def test_nobody_sleeps_for_a_day_because_a_service_says_so():
    retry = web._Retry(total=1)

    late = urllib3.HTTPResponse(headers={"Retry-After": "86400"})
    assert retry.get_retry_after(late) == 30


def test_a_service_that_is_not_there(memory, service):
    service.server_close()
    with pytest.raises(ServiceError, match="does not answer: .*refused"):
        ask(memory, service)


def test_an_answer_that_ends_too_early(memory, service):
    service.says("GET /cone", GOOD, Content_Length=str(len(GOOD) + 10))
    with pytest.raises(ServiceError, match="does not answer|ends after"):
        ask(memory, service)


def test_an_answer_that_drips(memory, service, monkeypatch):
    def drip(handler: Handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        for _ in range(100):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.05)

    service.answers["GET /cone"] = drip
    question = web.Question(service.url, patience_s=0.3)
    began = time.monotonic()
    with pytest.raises(ServiceError, match="took longer than 0.3 s"):
        question.content(question.ask("GET", f"{service.url}/cone"))
    assert time.monotonic() - began < 4


def test_a_service_that_says_nothing(memory, service, monkeypatch):
    monkeypatch.setattr(web, "SILENT_S", 0.2)
    monkeypatch.setattr(web, "RETRIES", 0)
    service.answers["GET /cone"] = lambda _handler: time.sleep(1)
    with pytest.raises(ServiceError, match="it took longer than 0.2 s"):
        ask(memory, service)


# Ones that lie.


def test_an_answer_without_an_end_is_left(service):
    def endless(handler: Handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b" " * 65536)

    service.answers["GET /cone"] = endless
    question = web.Question(service.url)
    with pytest.raises(ServiceError, match="is larger than 1 MB"):
        question.content(question.ask("GET", f"{service.url}/cone"), 1_000_000)
    assert len(question.words(question.ask("GET", f"{service.url}/cone"))) == web.MOST_WORDS


def test_a_bomb_of_gzip_is_left(service):
    service.says("GET /cone", gzip.compress(b" " * 50_000_000), Content_Encoding="gzip")
    question = web.Question(service.url)
    with pytest.raises(ServiceError, match="is larger than 1 MB"):
        question.content(question.ask("GET", f"{service.url}/cone"), 1_000_000)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (b"<!DOCTYPE VOTABLE [<!ENTITY a 'x'>]><VOTABLE>&a;</VOTABLE>", "did not answer with a VOTable"),
        (b"<?xml version='1.0'?><VOTABLE><!-- --><!DOCTYPE a [<!ENTITY a 'x'>]></VOTABLE>", "defines entities"),
        (GOOD.replace(b"<TABLE>", b"<TABLE nrows='100000000000'>"), "declares 100000000000 rows"),
        (GOOD.replace(b"<TABLE>", b"<TABLE nrows='" + b"9" * 5000 + b"'>"), "more than can be read"),
        (GOOD.replace(b'arraysize="*"', b'arraysize="2000000000"'), "more than can be read"),
        (GOOD.replace(b'arraysize="*"', b'arraysize="99999x99999"'), "more than can be read"),
    ],
)
def test_hostile_documents(document, message):
    with pytest.raises(ServiceError, match=message):
        examine(document, "x")


def test_data_that_are_elsewhere_are_not_fetched(survey, service):
    elsewhere = f'<BINARY><STREAM href="{service.url}/more"/></BINARY>'.encode()
    service.says(
        "GET /cone", GOOD.replace(b"<TABLEDATA>", b"").split(b"<TR>")[0] + elsewhere + GOOD.split(b"</TABLEDATA>")[1]
    )
    assert "has its data elsewhere" in survey.error("vo", "cone", f"{service.url}/cone", "--around", "10 -30")[0]
    assert service.words() == ["GET /cone"]


@pytest.mark.parametrize(
    ("leads", "message"),
    [
        ("file:///etc/passwd", "an address that is not HTTP"),
        ("ftp://127.0.0.1/x", "an address that is not HTTP"),
        ("http://127.0.0.1:9/x", "not on the Internet"),
        ("/cone", "from address to address"),
        ("http://", "does not answer"),
        ("http://[", "does not answer"),
    ],
)
def test_where_a_service_must_not_lead(memory, service, leads, message):
    secret = Service()  # another service of this machine
    thread = threading.Thread(target=secret.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    service.says("GET /cone", b"", 302, Location=leads.replace(":9/", f":{secret.server_port}/"))
    try:
        with pytest.raises(ServiceError, match=message):
            ask(memory, service)
    finally:
        secret.shutdown()
        secret.server_close()
        thread.join()
    assert secret.asked == []


def test_a_job_elsewhere_is_not_asked_for(memory, service):
    other = Service()
    service.says("POST /tap/async", b"", 303, Location=f"{other.url}/tap/async/7")
    with pytest.raises(ServiceError, match="not on the Internet"):
        asking.tap(memory, f"{service.url}/tap", "SELECT 1", as_job=True)
    other.server_close()


def test_a_name_that_leads_into_this_machine(memory, service, monkeypatch):
    """A name of the Internet that resolves to a private address, as a page of someone else may arrange."""
    monkeypatch.setattr(web, "_LOOPBACK", frozenset())
    service.says("GET /cone", b"", 302, Location=f"http://localhost:{service.server_port}/more")
    with pytest.raises(ServiceError, match=r"leads to localhost:\d+ \(127.0.0.1\), which is not on the Internet"):
        ask(memory, service)


def test_a_redirect_to_itself_is_followed(memory, service):
    service.says("GET /cone", b"", 302, Location=f"http://localhost:{service.server_port}/new")
    service.says("GET /new", GOOD)
    assert ask(memory, service) == GOOD


@pytest.mark.parametrize(
    "address", ["ftp://example.org/tap", "/etc/passwd", "file:///etc/passwd", "http://", "x", "http://["]
)
def test_what_is_no_address_of_a_service(survey, address):
    said = survey.error("vo", "tap", address, "SELECT 1")
    assert said[0].endswith("is not an address of a service")


def test_a_query_from_a_file(survey, service):
    service.says("POST /tap/sync", GOOD)
    (survey.top / "q.adql").write_text("SELECT 1\n", encoding="utf-8")
    survey.ok("vo", "tap", f"{service.url}/tap/", "@q.adql")
    assert service.asked[0][1]["QUERY"] == "SELECT 1"
    assert "cannot be read" in survey.error("vo", "tap", service.url, "@missing.adql")[0]
    assert "the query is empty" in survey.error("vo", "tap", service.url, " ")[0]


def test_json_says_where_it_is_from(survey, service):
    service.says("POST /tap/sync", a_votable(after='<INFO name="QUERY_STATUS" value="OVERFLOW"/>'))
    said = json.loads(survey.ok("vo", "tap", f"{service.url}/tap", "SELECT 1", "--json"))
    assert said["origin"]["is_cut"] is True
    assert said["origin"]["query"] == "SELECT 1"
