"""Files into a root: from a service that works, and from ones that break off, lie, and mean harm."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from odd_service import Handler, Service, a_votable, an_error, running_service
from survey import wait_for

import stoa
from stoa.vo import fetching, web
from stoa.vo.fetching import file_name, safe_name
from stoa.vo.tars import TarError, unpack

MEMBER = "member.uid___A001_X1_X2"


def an_image(side: int = 40) -> bytes:
    stream = io.BytesIO()
    fits.PrimaryHDU(np.arange(side * side, dtype="f4").reshape(side, side)).writeto(stream)
    return stream.getvalue()


IMAGE = an_image()


def a_tar(*members: tuple[str, bytes], **odd: bytes) -> bytes:
    """An archive of files; `odd` gives further members a type: ``link=tarfile.SYMTYPE``."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        for name, kind in odd.items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            tar.addfile(info)
    return stream.getvalue()


@pytest.fixture
def archive(survey) -> Path:
    """The root that files come into."""
    folder = survey.top.parent / "archive"
    folder.mkdir()
    survey.ok("root", "add", "archive", folder)
    return folder


@pytest.fixture
def fetch(survey, archive, service: Service) -> Callable[..., list[dict]]:
    """Outcomes of fetching what a log of some addresses names, below the service."""

    def run(*paths: str, media_type: str = "", words: tuple[str, ...] = (), allowed: bool = True) -> list[dict]:
        urls = [path if "://" in path else f"{service.url}{path}" for path in paths]
        Table({
            "access_url": urls, "access_format": [media_type] * len(urls),
            "member_ous_uid": ["uid://A001/X1/X2"] * len(urls),
        }).write(survey.top / "log.csv", overwrite=True)  # fmt: skip
        given = ("--service", service.url) if allowed else ()
        return survey.json("vo", "fetch", "log.csv", "--root", "archive", *given, *words)["files"]

    return run


def kept(archive: Path) -> list[str]:
    """Files in the root, beside the notes."""
    return sorted(
        str(path.relative_to(archive))
        for path in archive.rglob("*")
        if path.is_file() and ".stoa-fetch" not in path.parts
    )


def links(service: Service, *rows: tuple[str, str, str, str], path: str = "/links") -> None:
    """A DataLink document: address, semantics, media type, length."""
    fields = "".join(
        f'<FIELD name="{name}" datatype="char" arraysize="*"/>'
        for name in ("ID", "access_url", "error_message", "semantics", "content_type", "content_length")
    )
    cells = "".join(
        f"<TR><TD>x</TD><TD>{url}</TD><TD/><TD>{what}</TD><TD><![CDATA[{kind}]]></TD><TD>{length}</TD></TR>"
        for url, what, kind, length in rows
    )
    document = f"""<VOTABLE version="1.3"><RESOURCE type="results"><TABLE>{fields}<DATA><TABLEDATA>{cells}
    </TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"""
    service.says(f"GET {path}", document.encode())


DATALINK = "application/x-votable+xml;content=datalink"


# What works.


def test_a_file_comes_into_the_folder_of_its_observation(survey, service, archive, fetch):
    service.says("GET /data/a.fits", IMAGE)
    (file,) = fetch("/data/a.fits")
    assert (file["outcome"], file["place"], file["size"]) == ("fetched", f"{MEMBER}/a.fits", len(IMAGE))
    assert (archive / MEMBER / "a.fits").read_bytes() == IMAGE


def test_it_is_a_target_then(survey, service, archive, fetch):
    service.says("GET /data/a.fits", IMAGE)
    fetch("/data/a.fits")
    survey.ok("target", "add", "archive", "member*")
    assert "A001_X1_X2" in survey.ok("target", "list")


def test_what_is_there_is_not_asked_for(service, fetch, archive):
    service.says("GET /a.fits", IMAGE)
    fetch("/a.fits")
    assert [each["outcome"] for each in fetch("/a.fits")] == ["there"]
    assert service.words() == ["GET /a.fits"]
    (archive / MEMBER / "a.fits").unlink()
    assert [each["outcome"] for each in fetch("/a.fits")] == ["fetched"]


def test_datalink_leads_to_the_files(service, fetch, archive):
    links(service, ("/links2", "#this", DATALINK, ""), ("/p.png", "#preview", "image/png", ""))
    links(service, ("/a.fits", "#this", "application/fits", str(len(IMAGE))), ("raw", "#progenitor", "", ""),
          path="/links2")  # fmt: skip
    service.says("GET /a.fits", IMAGE)
    assert [each["place"] for each in fetch("/links", media_type=DATALINK)] == [f"{MEMBER}/a.fits"]
    assert service.words() == ["GET /links", "GET /links2", "GET /a.fits"]


def test_names_can_be_chosen_and_listed(service, fetch, archive):
    rows = [(f"/{name}", "#this", "", "7000000") for name in ("a.pbcor.fits", "a.pb.fits")]
    links(service, *rows)
    (file,) = fetch("/links", media_type=DATALINK, words=("--only", "*.pbcor.fits", "--dry-run"))
    assert (file["outcome"], file["size"], file["place"]) == ("listed", 7_000_000, f"{MEMBER}/a.pbcor.fits")
    assert service.words() == ["GET /links"]


def test_an_archive_is_unpacked(service, fetch, archive):
    service.says("GET /x_001_of_001.tar", a_tar(("2013.1/product/a.fits", IMAGE), ("2013.1/README", b"read")))
    (file,) = fetch("/x_001_of_001.tar")
    assert (file["place"], file["unpacked"]) == (f"{MEMBER}/x_001_of_001", 2)
    assert kept(archive) == [f"{MEMBER}/x_001_of_001/2013.1/{name}" for name in ("README", "product/a.fits")]


def test_the_service_says_the_name(service, fetch, archive):
    service.says("GET /get", IMAGE, Content_Disposition='attachment; filename="../../M 83.fits"')
    assert [each["place"] for each in fetch("/get?id=5")] == [f"{MEMBER}/M_83.fits"]


def test_a_file_without_a_name_is_called_fits(service, fetch):
    service.says("GET /get", IMAGE)
    assert [each["place"] for each in fetch("/get?id=5")] == [f"{MEMBER}/get.fits"]


def test_what_is_printed(survey, service, archive, fetch):
    service.says("GET /a.fits", IMAGE)
    fetch("/a.fits", "/gone.fits")
    result = survey("vo", "fetch", "log.csv", "--root", "archive", "--service", service.url)
    assert result.exit_code == 3
    assert result.stdout.splitlines() == [
        f"there      {MEMBER}/a.fits 0.0 MB",
        f"failed     {service.url}/gone.fits: {service.url}/gone.fits answers with status 404: no such page",
        "2 files for root archive: 1 there, 1 failed",
    ]


def test_python_fetches(survey, service, archive, fetch):
    service.says("GET /a.fits", IMAGE)
    fetch("/a.fits", words=("--dry-run",))
    with stoa.open(survey.top) as project:
        assert project.fetch(survey.top / "log.csv", "archive", service=service.url).failed == 0


# What breaks off.


def in_parts(service: Service, content: bytes, cuts: list[int], tag: str = '"v1"') -> list[str]:
    """A service that ends its answers early, and continues where it is asked to; gives the ranges it was asked for."""
    asked: list[str] = []

    def answer(handler: Handler) -> None:
        wanted = handler.headers.get("Range", "")
        same = handler.headers.get("If-Range") == tag
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and same else 0
        asked.append(wanted)
        handler.send_response(206 if start else 200)
        handler.send_header("Content-Length", str(len(content) - start))
        handler.send_header("ETag", tag)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        handler.end_headers()
        handler.wfile.write(content[start : start + cuts.pop(0)] if cuts else content[start:])
        handler.close_connection = True

    service.answers["GET /a.fits"] = answer
    return asked


def test_what_breaks_off_is_continued_at_once(service, fetch, archive, monkeypatch):
    monkeypatch.setattr(fetching, "_FIRST_PAUSE_S", 0.01)
    asked = in_parts(service, IMAGE, [1000, 2000])
    assert [each["outcome"] for each in fetch("/a.fits")] == ["continued"]
    assert asked == ["", "bytes=1000-", "bytes=3000-"]
    assert (archive / MEMBER / "a.fits").read_bytes() == IMAGE


def test_what_breaks_off_for_long_is_continued_the_next_time(service, fetch, archive, monkeypatch):
    monkeypatch.setattr(fetching, "_FIRST_PAUSE_S", 0.01)
    in_parts(service, IMAGE, [1000] * 5)
    (file,) = fetch("/a.fits")
    assert "ends after 5000 of" in file["reason"] or "does not answer" in file["reason"]
    assert kept(archive) == []
    asked = in_parts(service, IMAGE, [])
    assert [each["outcome"] for each in fetch("/a.fits")] == ["continued"]
    assert asked == ["bytes=5000-"]
    assert (archive / MEMBER / "a.fits").read_bytes() == IMAGE


def test_a_file_that_has_changed_is_begun_anew(service, fetch, archive, monkeypatch):
    monkeypatch.setattr(fetching, "_FIRST_PAUSE_S", 0.01)
    in_parts(service, IMAGE, [1000] * 5)
    fetch("/a.fits")
    other = an_image(50)
    asked = in_parts(service, other, [], tag='"v2"')
    assert [each["outcome"] for each in fetch("/a.fits")] == ["fetched"]
    assert asked == ["bytes=5000-"]
    assert (archive / MEMBER / "a.fits").read_bytes() == other


def test_after_a_kill_the_rest_is_asked_for(survey, service, fetch, archive):
    half, over = threading.Event(), threading.Event()
    tag, image = '"v1"', an_image(200)

    def answer(handler: Handler) -> None:
        start = int(handler.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
        handler.send_response(206 if start else 200)
        handler.send_header("Content-Length", str(len(image) - start))
        handler.send_header("Content-Range", f"bytes {start}-{len(image) - 1}/{len(image)}")
        handler.send_header("ETag", tag)
        handler.end_headers()
        if start or over.is_set():
            handler.wfile.write(image[start:])
            return
        handler.wfile.write(image[:100_000])
        handler.wfile.flush()
        half.set()
        over.wait(60)

    service.answers["GET /a.fits"] = answer
    fetch("/a.fits", words=("--dry-run",))
    process = survey.start("vo", "fetch", "log.csv", "--root", "archive", "--service", service.url)
    try:
        assert half.wait(60)
        wait_for(lambda: any(each.stat().st_size for each in (archive / ".stoa-fetch").glob("?" * 32)), "a part")
    finally:
        process.kill()
        process.communicate()
        over.set()
    assert kept(archive) == []
    assert [each["outcome"] for each in fetch("/a.fits")] == ["continued"]
    assert (archive / MEMBER / "a.fits").read_bytes() == image


def test_a_part_of_another_place_is_not_taken(service, fetch, archive, monkeypatch):
    monkeypatch.setattr(fetching, "_FIRST_PAUSE_S", 0.01)
    in_parts(service, IMAGE, [1000] * 5)
    fetch("/a.fits")
    service.says("GET /a.fits", IMAGE[:100], 206, Content_Range=f"bytes 0-99/{len(IMAGE)}", ETag='"v1"')
    assert "sends another part" in fetch("/a.fits")[0]["reason"]
    assert kept(archive) == []


# What is no file.


@pytest.mark.parametrize(
    ("name", "body", "reason"),
    [
        ("a.fits", b"<html><body>not found</body></html>", "a page came in its place: not found"),
        ("a.fits", an_error("no such file"), "an error document came in its place"),
        ("a.fits", b"", "nothing came"),
        ("a.fits", b"hello", "it is not whole FITS: not-fits"),
        ("a.fits", IMAGE[:-2880], "it is not whole FITS: truncated"),
        ("a.fits", IMAGE[:1000], "it is not whole FITS: truncated"),
        ("a.fits.gz", gzip.compress(IMAGE, mtime=0)[:-200], "it is not whole FITS"),
        ("a.fits.gz", gzip.compress(IMAGE, mtime=0)[:-8] + bytes(8), "it is not whole FITS"),
        ("get", IMAGE[:-2880], "it is not whole FITS: truncated"),
        ("notes.txt", b"<!DOCTYPE html><p>log in first", "a page came in its place: log in first"),
        ("a.tar", b"", "nothing came"),
        ("a.tar", b"<html>down", "a page came"),
        ("a.tar", bytes(10240), "has no file in it"),
        ("a.tar", a_tar(), "has no file in it"),
        ("a.tar", a_tar(folder=tarfile.DIRTYPE), "has no file in it"),
        ("a.tar", a_tar(("a", b"x" * 5000))[:3000], "cannot be unpacked: unexpected end of data"),
        ("a.tar", a_tar(("a", b"x" * 512))[:1024], "has no end: only a part of it came"),
        ("a.tar", a_tar(("a.fits", IMAGE[:-2880])), "a.fits in the archive: it is not whole FITS: truncated"),
        ("a.tar", b"x" * 2000, "cannot be unpacked"),
        ("a.tar.gz", gzip.compress(a_tar(("a", b"x")), mtime=0)[:-9], "cannot be unpacked"),
    ],
)
def test_no_failure_is_taken_for_a_file(service, fetch, archive, name, body, reason):
    service.says(f"GET /{name}", body)
    (file,) = fetch(f"/{name}")
    assert file["outcome"] == "failed"
    assert reason in file["reason"]
    assert kept(archive) == []
    assert not [path for path in (archive / ".stoa-fetch").iterdir() if path.name != "lock"]


def test_a_size_that_was_announced_is_kept_to(service, fetch, archive):
    links(service, ("/a.fits", "#this", "", str(len(IMAGE) + 2880)))
    service.says("GET /a.fits", IMAGE)
    assert "where 14400 were announced" in fetch("/links", media_type=DATALINK)[0]["reason"]
    assert kept(archive) == []


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (an_error("no such ID"), "refuses: no such ID"),
        (a_votable(), "has no columns access_url and semantics"),
        (b"<html>down</html>", "did not answer with a VOTable: down"),
    ],
)
def test_what_is_no_datalink_document(service, fetch, document, reason):
    service.says("GET /links", document)
    assert reason in fetch("/links", media_type=DATALINK)[0]["reason"]


@pytest.mark.parametrize("piece", [b"<TR>", b"<TD", b"<TD>", b"<FIELD ", b"<![CDATA[", b"<TR", b"</TD>"])
def test_documents_full_of_beginnings(service, fetch, piece):
    """Each is read in one go: where every beginning looked for its end this would take hours."""
    head = b'<VOTABLE><TABLE><FIELD name="access_url"/><FIELD name="semantics"/>'
    service.says("GET /links", head + piece * (8_000_000 // len(piece)))
    assert fetch("/links", media_type=DATALINK) == []


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b"<VOTABLE><!DOCTYPE x [<!ENTITY a 'b'>]><TABLE/></VOTABLE>", "defines entities"),
        (b'<VOTABLE><TABLE nrows="99999999999"><FIELD name="access_url" datatype="int"/></TABLE></VOTABLE>', "rows of"),
        (b'<VOTABLE><FIELD name="access_url"/><FIELD name="semantics"/><STREAM href="file:///etc/passwd"/></VOTABLE>',
         "in binary form"),
    ],
)  # fmt: skip
def test_hostile_datalink_documents(service, fetch, document, reason):
    service.says("GET /links", document)
    assert reason in fetch("/links", media_type=DATALINK)[0]["reason"]


def test_a_service_that_drips_is_given_up(service, fetch, archive):
    def drip(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "14400")
        handler.end_headers()
        with suppress(OSError):
            for _ in range(200):
                handler.wfile.write(b" ")
                handler.wfile.flush()
                time.sleep(0.05)

    service.answers["GET /a.fits"] = drip
    (file,) = fetch("/a.fits", words=("--patience", "1"))
    assert "took longer than 1 s" in file["reason"]
    assert service.words() == ["GET /a.fits"]


def test_documents_that_lead_in_a_circle(service, fetch):
    links(service, ("/links", "#this", DATALINK, ""))
    assert "from DataLink document to DataLink document" in fetch("/links", media_type=DATALINK)[0]["reason"]
    assert len(service.asked) == 3


def test_an_error_in_a_document_is_told(service, fetch):
    links(service, ("", "#this", "", ""))
    content = service.answers["GET /links"]
    assert content
    service.says(
        "GET /links",
        b"""<VOTABLE><RESOURCE><TABLE><FIELD name="access_url"/><FIELD name="error_message"/><FIELD name="semantics"/>
        <DATA><TABLEDATA><TR><TD></TD><TD>NotFoundFault: x</TD><TD>#this</TD></TR></TABLEDATA></DATA></TABLE></RESOURCE>
        </VOTABLE>""",
    )
    assert fetch("/links", media_type=DATALINK)[0]["reason"] == "NotFoundFault: x"


# What means harm.


@pytest.mark.parametrize(
    "content",
    [
        a_tar(("ok", b"x"), ("../../evil", b"x")),
        a_tar(("ok", b"x"), ("/tmp/evil", b"x")),
        a_tar(("ok", b"x"), ("a/../../evil", b"x")),
        a_tar(("ok", b"x"), ("a\\..\\evil", b"x")),
        a_tar(("ok", b"x"), link=tarfile.SYMTYPE),
        a_tar(("ok", b"x"), link=tarfile.LNKTYPE),
        a_tar(("ok", b"x"), device=tarfile.CHRTYPE),
        a_tar(("ok", b"x"), device=tarfile.BLKTYPE),
        a_tar(("ok", b"x"), pipe=tarfile.FIFOTYPE),
        a_tar(("ok", b"x"), ("ok", b"y")),
    ],
)
def test_archives_that_lead_elsewhere(service, fetch, archive, content):
    service.says("GET /a.tar", content)
    (file,) = fetch("/a.tar")
    assert "in the archive" in file["reason"] or "the archive has" in file["reason"]
    assert kept(archive) == []
    assert not (archive.parent / "evil").exists()
    assert not (archive / "evil").exists()


def test_a_bomb_of_an_archive(tmp_path, monkeypatch):
    monkeypatch.setattr("stoa.vo.tars.MOST_FREE_BYTES", 1_000_000)
    (tmp_path / "a.tgz").write_bytes(gzip.compress(a_tar(("zeros", bytes(20_000_000)))))
    with pytest.raises(TarError, match="more in it than 50 times its size"):
        unpack(tmp_path / "a.tgz", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.XGLTYPE])
def test_a_name_as_long_as_the_memory(tmp_path, kind):
    info = tarfile.TarInfo("long")
    info.type, info.size = kind, 4_000_000_000
    with gzip.open(tmp_path / "a.tgz", "wb", compresslevel=1) as stream:
        stream.write(info.tobuf(tarfile.GNU_FORMAT))
        for _ in range(40):
            stream.write(bytes(1_000_000))
    with pytest.raises(TarError, match="a name or a header of unusual size"):
        unpack(tmp_path / "a.tgz", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_rights_of_an_archive_play_no_part(tmp_path):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        info = tarfile.TarInfo("a")
        info.size, info.mode, info.uid = 1, 0o6777, 1234
        tar.addfile(info, io.BytesIO(b"x"))
    (tmp_path / "a.tar").write_bytes(stream.getvalue())
    assert unpack(tmp_path / "a.tar", tmp_path / "out") == 1
    status = (tmp_path / "out/a").stat()
    assert (status.st_mode & 0o7111, status.st_uid) == (0, os.getuid())


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("file:///etc/passwd", "is not an address of a service"),
        ("ftp://127.0.0.1/a.fits", "is not an address of a service"),
        ("http://169.254.169.254.nip.invalid/a.fits", "does not answer"),
    ],
)
def test_addresses_that_are_not_asked(fetch, monkeypatch, address, reason):
    monkeypatch.setattr(web, "RETRIES", 0)
    assert reason in fetch(address)[0]["reason"]


def test_a_table_cannot_lead_into_this_machine(service, fetch, archive):
    service.says("GET /a.fits", IMAGE)
    (file,) = fetch("/a.fits", allowed=False)
    assert "(127.0.0.1), which is not on the Internet" in file["reason"]
    assert (service.asked, kept(archive)) == ([], [])


@pytest.mark.parametrize("leads", ["file:///etc/passwd", "http://127.0.0.1:1/a.fits", "OTHER"])
def test_a_service_cannot_lead_into_this_machine(service, fetch, archive, leads):
    with running_service() as other:
        other.says("GET /secret.fits", IMAGE)
        service.says("GET /a.fits", b"", 302, Location=leads.replace("OTHER", f"{other.url}/secret.fits"))
        links(service, (f"{other.url}/secret.fits", "#this", "", ""))
        assert fetch("/a.fits")[0]["outcome"] == "failed"
        assert "not on the Internet" in fetch("/links", media_type=DATALINK)[0]["reason"]
        assert other.asked == []
    assert kept(archive) == []


def test_nothing_is_written_through_a_link(service, fetch, archive, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (archive / MEMBER).symlink_to(elsewhere)
    service.says("GET /a.fits", IMAGE)
    assert "is a link" in fetch("/a.fits")[0]["reason"]
    assert list(elsewhere.iterdir()) == []


def test_nothing_that_is_there_is_replaced(service, fetch, archive):
    (archive / MEMBER).mkdir()
    (archive / MEMBER / "a.fits").write_bytes(b"mine")
    service.says("GET /a.fits", IMAGE)
    assert "is there already, and is not from this address" in fetch("/a.fits")[0]["reason"]
    assert (archive / MEMBER / "a.fits").read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("disposition", "url", "name"),
    [
        ("attachment; filename=a.fits", "http://x/b", "a.fits"),
        ('attachment; filename="/etc/passwd"', "http://x/b", "passwd"),
        ('attachment; filename="..\\\\..\\\\a.fits"', "http://x/b", "a.fits"),
        ("attachment; filename*=UTF-8''a%2Fb%20c.fits", "http://x/b", "b_c.fits"),
        ("attachment; filename=..", "http://x/d/b.fits?x=1", "b.fits"),
        ("", "http://x/a%2F..%2F.ssh", "ssh"),
        ("", "http://x/", ""),
    ],
)
def test_names_of_files_are_harmless(disposition, url, name):
    assert file_name(disposition, url) == name


@pytest.mark.parametrize("name", ["-rf", ".", "..", "a/..", "\0", "x" * 999, "a\nb", ".hidden", "$(x)"])
def test_no_name_is_an_option_or_hidden(name):
    made = safe_name(name)
    assert len(made) <= 200
    assert not made.startswith(("-", "."))
    assert not set(made) & set("/\0\n$")
