"""A real data centre, asked by ours: GAVO DaCHS with PostgreSQL, on loopback."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import threading
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Table
from data_centre import DataCentre

from stoa.commands.vo.serve import cone_service
from stoa.vo import asking
from stoa.vo.answers import Memory
from stoa.vo.obscore import Wish, observations, votable
from stoa.vo.serving import Server
from stoa.vo.web import ServiceError

pytestmark = [pytest.mark.service, pytest.mark.xdist_group("data centre")]


def names(memory: Memory, answer) -> list[str]:
    table = Table.read(memory.file(answer), format="votable")
    return sorted(str(name) for name in table["name"])


def test_tap_at_once(survey, data_centre):
    query = "SELECT name, ra, dec FROM stoa.sources WHERE name = 'pole'"
    said = survey.json("vo", "tap", data_centre.tap, query, "--out", "pole.vot")
    assert (said["rows"], said["columns"]) == (1, 3)
    assert Table.read(survey.top / "pole.vot", format="votable")["dec"][0] == 90


def test_tap_as_a_job(survey, data_centre):
    query = "SELECT COUNT(*) AS n FROM stoa.sources"
    result = survey("vo", "tap", data_centre.tap, query, "--job", "--out", "n.vot")
    assert result.exit_code == 0, result.stderr
    assert result.stderr.splitlines()[-1] == "job: completed"
    assert Table.read(survey.top / "n.vot", format="votable")["n"][0] == len(Table.read(data_centre.sources))


def test_the_same_rows_at_once_and_as_a_job(memory, data_centre):
    query = "SELECT name FROM stoa.sources WHERE dec > 60"
    at_once, _ = asking.tap(memory, data_centre.tap, query)
    as_job, _ = asking.tap(memory, data_centre.tap, query, as_job=True, again=True)
    assert names(memory, at_once) == names(memory, as_job) != []


def test_what_it_cuts_says_so(survey, data_centre):
    result = survey("vo", "tap", data_centre.tap, "SELECT name FROM stoa.sources", "--most", "3", "--out", "q.vot")
    assert result.stdout.startswith("3 rows, 1 column")
    assert "this is not all: the service cut its answer (OVERFLOW)" in result.stderr


@pytest.mark.parametrize("words", [(), ("--job",)], ids=["at once", "as a job"])
def test_its_refusal_is_an_error_with_its_words(survey, data_centre, words):
    said = survey.error("vo", "tap", data_centre.tap, "SELECT nothing FROM stoa.sources", *words)
    assert "column 'nothing' could not be located" in said[-1]
    assert not (survey.top / "catalogues").exists()


def test_the_observation_log_is_obscore(survey, data_centre):
    survey.ok("vo", "tap", data_centre.tap, "SELECT * FROM ivoa.obscore", "--out", "log.vot")
    log = Table.read(survey.top / "log.vot", format="votable")
    assert len(log) == len(data_centre.log)
    assert {"s_ra", "s_dec", "s_fov", "member_ous_uid", "access_url"} <= set(log.colnames)


CONES = [(0, 90, 2.5), (77, -90, 5), (0, 0, 3), (359.9, 0.2, 1), (180, 45, 10), (12, 88, 4), (200, -30, 8)]


def test_cones_have_the_rows_that_all_agree_on(memory, data_centre, tmp_path):
    """The data centre, ours over the same table, and every separation on the sphere."""
    sources = Table.read(data_centre.sources)
    sky = SkyCoord(sources["ra"], sources["dec"], unit="deg")
    with Server("127.0.0.1", 0, cone_service(sources, "sources", tmp_path).answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            for ra, dec, radius in CONES:
                near = sky.separation(SkyCoord(ra, dec, unit="deg")).deg <= radius
                truth = sorted(np.array(sources["name"])[near].tolist())
                for service in (data_centre.cone, f"{server.address}/cone?"):
                    assert names(memory, asking.cone(memory, service, ra, dec, radius)[0]) == truth != []
        finally:
            server.shutdown()
            thread.join()


def test_a_cone_that_it_refuses(memory, data_centre):
    with pytest.raises(ServiceError, match="refuses"):
        asking.cone(memory, data_centre.cone, 10, 10, -5)


def test_all_of_it_ends_when_something_fails(data_centre):
    """Also where starting it fails half way: here for a log with a number that is none."""
    absent = [{**data_centre.log[0], "s_ra": "nowhere"}]
    centre = DataCentre(Path(tempfile.mkdtemp(prefix="stoa-centre-")))
    with pytest.raises(RuntimeError, match="nowhere"), closing(centre):
        centre.start(absent, data_centre.sources)
    assert [process.poll() is None for process in centre.processes()] == [False]
    assert not centre.folder.exists()


def stilts(*words: str) -> str:
    done = subprocess.run(["stilts", *words], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def with_stilts(require_service) -> None:
    require_service("stilts", shutil.which("stilts"), "Debian package stilts")


PLACES = [(190.0, 89.9985), (0.0002, 1.0), (40.2, -20.1), (77.0, 77.0)]


def test_stilts_finds_nothing_wrong_with_the_table_that_is_sent(with_stilts, tmp_path):
    (tmp_path / "places.vot").write_bytes(votable(PLACES))
    assert stilts("votlint", str(tmp_path / "places.vot")) == ""


def test_stilts_gets_the_same_by_the_same_query(memory, data_centre, with_stilts, tmp_path):
    """Another client, with the table and the query that ours sends."""
    wish = Wish(radius=1 / 60)
    (tmp_path / "places.vot").write_bytes(votable(PLACES))
    (part,) = observations(memory, data_centre.tap, wish, PLACES, upload=True)
    ours = Table.read(memory.file(part.answer), format="votable")
    said = stilts(
        "tapquery", f"tapurl={data_centre.tap}", "sync=true", "nupload=1", f"upload1={tmp_path / 'places.vot'}",
        "upname1=places", f"adql={wish.query()}", "ofmt=csv", "ocmd=keepcols target_name",
    )  # fmt: skip
    theirs = [line for line in said.splitlines() if line in ("pole", "wrap", "mosaic")]
    assert sorted(theirs) == sorted(map(str, ours["target_name"])) == ["mosaic", "pole", "wrap"]


def test_stilts_matches_the_same_by_ours_and_by_theirs(data_centre, with_stilts, tmp_path):
    sources = Table.read(data_centre.sources)
    (tmp_path / "mine.csv").write_text(
        "id,lon,lat\n" + "".join(f"m{n},{ra},{dec}\n" for n, (ra, dec, _) in enumerate(CONES)), encoding="utf-8"
    )
    with Server("127.0.0.1", 0, cone_service(sources, "sources", tmp_path).answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            found = [
                stilts(
                    "coneskymatch", f"serviceurl={service}", f"in={tmp_path / 'mine.csv'}", "ifmt=csv", "ra=lon",
                    "dec=lat", "sr=2.5", "find=all", "parallel=1", "ofmt=csv", "ocmd=keepcols 'id name'",
                )
                for service in (f"{server.address}/cone?", data_centre.cone)
            ]  # fmt: skip
        finally:
            server.shutdown()
            thread.join()
    ours, theirs = (sorted(line for line in said.splitlines() if line.startswith("m")) for said in found)
    assert ours == theirs
    assert len(ours) > 100
