"""Large products through a store, over a folder, a real sftp server and a real S3 server."""

from __future__ import annotations

import hashlib
import itertools
import os
import random
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from killed_store import VERBS, Victims
from stores import MAKERS, NEEDED, SECRET, Store
from survey import REPOSITORY, Survey

import stoa

BIG = """\
name: big
script: big.sh
command: [sh, "{script}", "{target}"]
outputs:
  cube: {path: cube.bin, share: remote}
  side: {path: side.bin, share: remote, optional: true}
"""
SIZE = 200_000
POINTS = 12
"""So many parts of a command's steps; a kill comes in each."""
KILLS = int(os.environ.get("STOA_KILLS", "1"))
"""In each part; other ones with another `STOA_KILLS_SEED`."""
SEED = os.environ.get("STOA_KILLS_SEED", "")

FULL = """\
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))
sys.argv = ["stoa", "fetch"]
runpy.run_module("stoa", run_name="__main__")
"""


def content(seed: int, size: int = SIZE) -> bytes:
    return random.Random(seed).randbytes(size)


@pytest.fixture
def made(survey) -> Survey:
    """A run with a large product for each target, and a second one for a."""
    (survey.top / ".stoa/processes/big.yaml").write_text(BIG, encoding="utf-8")
    script = 'cp "$1/cube" cube.bin\nif [ -f "$1/side" ]; then cp "$1/side" side.bin; fi\n'
    (survey.top / "big.sh").write_text(script, encoding="utf-8")
    for seed, name in enumerate("abc"):
        (survey.top / "data" / name / "cube").write_bytes(content(seed))
    (survey.top / "data/a/side").write_bytes(content(7))
    survey.ok("run", "big")
    return survey


@pytest.fixture(params=["folder", *(pytest.param(name, marks=pytest.mark.service) for name in ("sftp", "s3"))])
def store(request, tmp_path, require_service) -> Iterator[Store]:
    require_service(request.param, *NEEDED[request.param])
    with ExitStack() as stack:
        (tmp_path / "server").mkdir()
        yield stack.enter_context(MAKERS[request.param](tmp_path / "server"))


def name_store(survey: Survey, store: Store) -> None:
    file = survey.top / ".stoa/config.yaml"
    file.write_text(f"{file.read_text(encoding='utf-8')}store: {store.url}\n", encoding="utf-8")
    survey.git("add", "--all")
    survey.git("commit", "--quiet", "--message", "store")
    give_options(survey, store)


def give_options(survey: Survey, store: Store) -> None:
    file = survey.top / ".stoa/local.yaml"
    known = yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else {}
    file.write_text(yaml.safe_dump((known or {}) | {"store": {"options": store.options}}), encoding="utf-8")


def clone_of(survey: Survey, place: Path, store: Store | None = None) -> Survey:
    subprocess.run(["git", "clone", "--quiet", survey.top, place], check=True)
    clone = Survey(place, survey.terminal)
    if store:
        give_options(clone, store)
    return clone


@pytest.fixture
def pushed(made, store) -> Survey:
    name_store(made, store)
    made.ok("push")
    return made


def objects(store: Store) -> dict[str, bytes]:
    """Objects by their names in the store; what uploads have left is not among them."""
    return {name.rpartition("/")[2]: store.read(name) for name in store.names() if "/objects/" in name}


def damage(store: Store, seed: int, data: bytes) -> None:
    wanted = hashlib.sha256(content(seed)).hexdigest()
    store.write(next(name for name in store.names() if name.endswith(wanted)), data)


def refs(survey: Survey) -> list[dict]:
    return [ref for each in survey.outcomes(survey.runs()[0]).values() for ref in each["outputs"].values()]


def kept(survey: Survey) -> set[str]:
    parts = (survey.top / ".stoa/cache/products").glob("??/*/*.bin")
    found = {file.parent.name: file.read_bytes() for file in parts}
    assert all(hashlib.sha256(data).hexdigest() == sha256 for sha256, data in found.items())
    return set(found)


def test_products_go_to_the_store_and_come_back(made, store, tmp_path):
    name_store(made, store)
    said = made.json("push")
    assert (said["moved"], said["there"], said["size"], said["problems"]) == (4, 0, 4 * SIZE, [])
    assert objects(store) == {hashlib.sha256(content(n)).hexdigest(): content(n) for n in (0, 1, 2, 7)}
    assert made.json("push")["there"] == 4
    clone = clone_of(made, tmp_path / "clone", store)
    assert clone.json("fetch", "a", "--output", "side")["moved"] == 1
    assert kept(clone) == {hashlib.sha256(content(7)).hexdigest()}
    assert clone.json("fetch", "last")["moved"] == 3
    assert kept(clone) == {ref["sha256"] for ref in refs(made)}
    assert clone.json("fetch", "big@default")["there"] == 4


def test_other_bytes_in_the_store_are_not_taken(pushed, store, tmp_path):
    damage(store, 1, b"x" * SIZE)
    damage(store, 2, content(2)[:100])
    clone = clone_of(pushed, tmp_path / "clone", store)
    result = clone("fetch")
    assert result.exit_code == 1
    assert result.stderr.count("other bytes") == 2
    assert kept(clone) == {hashlib.sha256(content(n)).hexdigest() for n in (0, 7)}
    assert list((clone.top / ".stoa/cache/products/parts").iterdir()) == []


def test_an_object_that_was_cut_is_sent_again(pushed, store):
    damage(store, 2, content(2)[:100])
    assert pushed.json("push")["moved"] == 1
    assert content(2) in objects(store).values()


def test_what_came_before_an_interruption_is_not_asked_for_again(pushed, store, tmp_path):
    clone = clone_of(pushed, tmp_path / "clone", store)
    parts = clone.top / ".stoa/cache/products/parts"
    parts.mkdir(parents=True)
    (parts / hashlib.sha256(content(0)).hexdigest()).write_bytes(content(0)[:150_000])
    (parts / hashlib.sha256(content(1)).hexdigest()).write_bytes(b"other" * 100)
    result = clone("fetch")
    assert result.stderr.count("other bytes") == 1, result.stderr
    assert "other bytes" in result.stderr, "a part that was damaged here is thrown away"
    assert clone.json("fetch")["moved"] == 1
    assert len(kept(clone)) == 4


def test_a_product_that_was_changed_is_not_sent(made, store):
    name_store(made, store)
    place = made.top / refs(made)[0]["path"].replace(":", "/", 1)
    place.write_bytes(content(99))
    result = made("push")
    assert result.exit_code == 1
    assert "not what its record names" in result.stderr
    assert len(objects(store)) == 3


def test_two_push_at_once(made, store, tmp_path):
    name_store(made, store)
    other = clone_of(made, tmp_path / "other", store)
    (other.top / "products").symlink_to(made.top / "products")
    other.ok("root", "add", "products", str(made.top / "products"))
    both = [survey.start("push", "--json") for survey in (made, other)]
    ends = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0], ends
    assert set(objects(store)) == {ref["sha256"] for ref in refs(made)}
    assert not [name for name in store.names() if "/tmp/" in name]


def forget(survey: Survey, store: Store, verb: str) -> None:
    """Make a verb have everything to do again."""
    if verb == "fetch":
        shutil.rmtree(survey.top / ".stoa/cache/products")
        return
    for name in store.names():
        store.remove(name)


def check_whole(survey: Survey, store: Store) -> None:
    for sha256, data in objects(store).items():
        assert hashlib.sha256(data).hexdigest() == sha256
    kept(survey)


@pytest.mark.slow
@pytest.mark.parametrize("verb", VERBS)
def test_a_kill_leaves_nothing_half(made, store, tmp_path, verb):
    """After each kill all is whole, and the same command then does the rest."""
    name_store(made, store)
    if verb == "fetch":
        made.ok("push")
    survey = made if verb == "push" else clone_of(made, tmp_path / "clone", store)
    there = {"push": objects, "fetch": lambda _store: kept(survey)}[verb]
    products = {ref["sha256"] for ref in refs(made)}
    survey("status")
    with Victims(*store.modules) as victims:
        code, steps = victims.do(survey.top, verb)
        assert code == 0
        for point, kill in itertools.product(range(POINTS), range(KILLS)):
            forget(survey, store, verb)
            seed = f"{SEED}{store.url.partition(':')[0]}{verb}{point}.{kill}"
            step = int(steps * (point + random.Random(seed).random()) / POINTS) + 1
            assert victims.do(survey.top, verb, step, seed)[0] == -9
            check_whole(survey, store)
            assert victims.do(survey.top, verb)[0] == 0, seed
            check_whole(survey, store)
            assert set(there(store)) == products
    assert not list((survey.top / ".stoa/cache/products/parts").glob("*"))


def test_a_disk_that_takes_no_more_is_said_and_the_rest_comes_later(pushed, store, tmp_path):
    clone = clone_of(pushed, tmp_path / "clone", store)
    clone("status")
    big = clone.top / ".stoa/cache/products/parts"
    result = subprocess.run(
        [sys.executable, "-c", FULL],
        cwd=clone.top, env=os.environ | {"PYTHONPATH": str(REPOSITORY)}, capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 1
    assert "cannot be written: File too large" in result.stderr, result.stderr
    assert kept(clone) == set()
    report = clone.json("fetch")
    assert report["moved"] == 4, report
    assert list(big.iterdir()) == []


@pytest.mark.parametrize("kind", ["folder", pytest.param("sftp", marks=pytest.mark.service)])
def test_a_store_whose_disk_is_full_has_nothing_half(made, disk, require_service, kind):
    require_service(kind, *NEEDED[kind])
    (disk.place / "server").mkdir()
    with MAKERS[kind](disk.place / "server") as store:
        name_store(made, store)
        disk.fill(left_kb=300)
        message, hint = made.error("push")
        assert "cannot be written" in message
        assert "full" in hint
        there = objects(store)
        assert len(there) < 4
        check_whole(made, store)
        assert len(store.names()) == len(there), "what could not be written takes no room"
        disk.empty()
        assert made.json("push")["moved"] == 4 - len(there)
        check_whole(made, store)


def test_no_secret_is_in_a_record_or_message(pushed, store, tmp_path):
    everything = pushed.git("log", "--all", "-p")
    assert SECRET not in everything
    give_options(pushed, store._replace(options=store.options | {"key": "wrong", "nonsense": SECRET}))
    result = pushed("push")
    assert SECRET not in result.output


@pytest.mark.parametrize(
    ("address", "word"),
    [("sftp://ada:secret@host/x", "password"), ("shell://x", "kind"), ("s3://", "bucket"), ("sftp://host", "folder")],
)
def test_an_address_that_is_no_store_is_refused(made, address, word):
    made.edit(".stoa/config.yaml", "schema: 1", f"schema: 1\nstore: {address}")
    (message, *_) = made.error("push")
    assert word in message
    assert "config.yaml" in message


def test_without_a_store_it_is_said_how_to_name_one(made):
    message, hint = made.error("fetch")
    assert "no store" in message
    assert ".stoa/config.yaml" in hint


def test_from_python(made, tmp_path):
    with MAKERS["folder"](tmp_path) as store:
        name_store(made, store)
        with stoa.open(made.top) as project:
            assert project.push("big@default", output="cube").moved == 3
            assert project.fetch_products().there == 4
            assert project.store_garbage().unnamed == ()


@pytest.mark.service
def test_a_key_that_the_server_takes_no_more_is_an_error_and_loses_nothing(made, tmp_path, require_service):
    require_service("sftp", *NEEDED["sftp"])
    (tmp_path / "server").mkdir()
    with MAKERS["sftp"](tmp_path / "server") as store:
        name_store(made, store)
        keys = tmp_path / "server" / "authorized"
        before = keys.read_text(encoding="utf-8")
        keys.write_text("", encoding="utf-8")
        message, *hints = made.error("push")
        assert "sftp://" in message
        assert "ermission denied" in " ".join([message, *hints]), (message, hints)
        assert objects(store) == {}
        keys.write_text(before, encoding="utf-8")
        assert made.json("push")["moved"] == 4
        clone = clone_of(made, tmp_path / "clone", store)
        keys.write_text("", encoding="utf-8")
        assert "ermission denied" in " ".join(clone.error("fetch"))
        assert kept(clone) == set()
        keys.write_text(before, encoding="utf-8")
        assert clone.json("fetch")["moved"] == 4


class Refusing(BaseHTTPRequestHandler):
    """Answers every question as S3 does when it refuses."""

    protocol_version = "HTTP/1.1"  # so that a client that asks whether it may send its body gets an answer
    status = 400
    code = "ExpiredToken"

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.say(self.status, f"<Error><Code>{self.code}</Code><Message>refused: {self.code}</Message></Error>")

    def say(self, status: int, words: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(words)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(words.encode())

    do_GET = do_HEAD = do_PUT = do_POST = answer  # noqa: N815 - names of the library

    def log_message(self, *_: object) -> None:
        pass


class Full(Refusing):
    """An empty server without room."""

    status = 507
    code = "XMinioStorageFull"

    def do_HEAD(self) -> None:
        self.say(404, "")

    def do_GET(self) -> None:
        self.say(200, "<ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>")


def imitated_s3(survey: Survey, place: Path, handler: type[Refusing], verb: str) -> str:
    """The words of a verb's error when a server that imitates S3 refuses."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            address = f"http://127.0.0.1:{server.server_port}"
            options = {"key": "x", "secret": SECRET, "token": f"token-{SECRET}", "endpoint_url": address}
            with MAKERS["folder"](place) as store:
                store = store._replace(url="s3://bucket/sky", options=options)
            name_store(survey, store)
            return " ".join((survey if verb == "push" else clone_of(survey, place / "clone", store)).error(verb))
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("verb", ["push", "fetch"])
def test_a_token_that_expired_is_an_error_by_a_server_that_imitates_s3(made, tmp_path, require_service, verb):
    require_service("s3", *NEEDED["s3"])
    words = imitated_s3(made, tmp_path, Refusing, verb)
    assert "s3://bucket/sky" in words
    assert "are your credentials valid" in words
    assert SECRET not in words


def test_an_s3_server_that_is_full_is_named(made, tmp_path, require_service):
    require_service("s3", *NEEDED["s3"])
    words = imitated_s3(made, tmp_path, Full, "push")
    assert "s3://bucket/sky cannot be written" in words
    assert "full" in words.partition("hint:")[2]
    assert SECRET not in words
