"""The observation log for a catalogue: by a real data centre, and by services that break, cut and lie."""

from __future__ import annotations

import threading

import pytest
from astropy.table import Table
from odd_service import Handler, Service, a_votable

import stoa
from stoa.vo.obscore import Wish, observations, votable
from stoa.vo.web import ServiceError

OBJECTS = """\
name,ra,dec
pole,190,89.9985
wrap,0.0002,1
mosaic,40.2,-20.1
none,77,77
NGC3504,165.7966,27.9724
nowhere,,
"""


def catalogue(survey, text: str = OBJECTS) -> str:
    (survey.top / "objects.csv").write_text(text, encoding="utf-8")
    return "objects.csv"


def log(survey, *words: str) -> Table:
    """The log that the command writes."""
    survey.ok("vo", "obscore", *words, "--out", "log.vot")
    return Table.read(survey.top / "log.vot", format="votable")


@pytest.mark.service
@pytest.mark.xdist_group("data centre")
class TestRealOne:
    @pytest.mark.parametrize(
        "words",
        [("--upload",), ("--no-upload",), ("--upload", "--job"), ("--part", "2"), ("--no-upload", "--part", "2")],
        ids=" ".join,
    )
    def test_every_way_gives_the_same_log(self, survey, data_centre, words):
        found = log(survey, data_centre.tap, catalogue(survey), *words)
        assert sorted({str(name) for name in found["target_name"]}) == ["NGC3504", "mosaic", "pole", "wrap"]
        assert sorted(map(str, found["obs_publisher_did"])) == sorted(
            str(row["obs_publisher_did"])
            for row in data_centre.log
            if row["target_name"] in ("NGC3504", "mosaic", "pole", "wrap")
        )

    def test_it_sends_the_positions_where_the_service_takes_them(self, survey, data_centre):
        said = survey.json("vo", "obscore", data_centre.tap, catalogue(survey), "--out", "log.vot")
        assert (said["by_upload"], said["parts"], said["objects"], said["without_position"]) == (True, 1, 5, 1)

    def test_the_log_is_a_log_and_a_catalogue(self, survey, data_centre):
        objects = catalogue(survey)
        log(survey, data_centre.tap, objects)
        said = survey.json("target", "from-log", "log.vot", "--catalogue", objects)
        assert {one["object"] for one in said["found"]} == {"pole", "wrap", "mosaic", "NGC3504"}
        assert survey.ok("catalogue", "match", objects, "log.vot", "--radius", "10arcsec").startswith("3 of ")

    def test_what_it_is_and_from_where_is_in_the_table(self, survey, data_centre):
        log(survey, data_centre.tap, catalogue(survey), "--condition", "target_name = 'pole'")
        from astropy.io.votable import parse

        facts = {info.name: info.value for info in parse(survey.top / "log.vot").get_first_table().infos}
        assert facts["service"] == data_centre.tap
        assert "TAP_UPLOAD.places" in facts["query"]
        assert facts["query"].endswith("WHERE (target_name = 'pole')")
        assert facts["objects"].startswith("objects.csv sha256:")
        assert facts["rows_of_answer"] == "1"

    def test_a_cut_answer_is_asked_for_in_halves(self, survey, data_centre):
        result = survey("vo", "obscore", data_centre.tap, catalogue(survey), "--most", "5", "--out", "log.vot")
        assert "(OVERFLOW) for 1 object;" in result.stderr  # NGC 3504 alone has more than 5
        found = Table.read(survey.top / "log.vot", format="votable")
        assert {"pole", "wrap", "mosaic"} < {str(name) for name in found["target_name"]}

    def test_its_refusal_is_said(self, survey, data_centre):
        said = survey.error("vo", "obscore", data_centre.tap, catalogue(survey), "--condition", "nothing = 1")
        assert "'nothing' could not be located" in said[-1]
        assert not (survey.top / "catalogues").exists()

    def test_python_asks(self, survey, data_centre):
        catalogue(survey)
        with stoa.open(survey.top) as project:
            report = project.obscore(data_centre.tap, survey.top / "objects.csv", out=survey.top / "log.vot")
        assert report.rows == len([row for row in data_centre.log if not str(row["target_name"]).startswith("field")])


def test_after_an_interruption_only_the_rest_is_asked_for(survey, service: Service):
    objects = catalogue(survey, "name,ra,dec\n" + "".join(f"o{n},{n},0\n" for n in range(10)))
    answers = iter([200, 200, 500, 200, 200, 200])
    good = a_votable()
    service.answers["POST /tap/sync"] = lambda handler: handler.reply(good, next(answers))
    words = ("vo", "obscore", f"{service.url}/tap", objects, "--part", "2")
    survey.error(*words)
    assert service.words().count("POST /tap/sync") == 3
    result = survey(*words)
    assert result.exit_code == 0
    assert service.words().count("POST /tap/sync") == 6
    assert result.stderr.splitlines()[:3] == [
        "2 of 10 objects: 1 row (known)", "4 of 10 objects: 1 row (known)", "6 of 10 objects: 1 row",
    ]  # fmt: skip
    assert "2 of 5 answers known from before" in result.stderr
    assert result.stdout.startswith("1 row, 3 columns")  # which each of the five gave


def test_after_a_kill_only_the_rest_is_asked_for(survey, service: Service):
    objects = catalogue(survey, "name,ra,dec\n" + "".join(f"o{n},{n},0\n" for n in range(10)))
    third, over = threading.Event(), threading.Event()

    def answer(handler: Handler) -> None:
        if service.words().count("POST /tap/sync") == 3:
            third.set()
            over.wait(60)
        handler.reply(a_votable())

    service.answers["POST /tap/sync"] = answer
    words = ("vo", "obscore", f"{service.url}/tap", objects, "--part", "2")
    process = survey.start(*words)
    try:
        assert third.wait(60)
    finally:
        process.kill()
        process.communicate()
        over.set()
    assert survey.json(*words)["known_parts"] == 2
    assert service.words().count("POST /tap/sync") == 6


def test_a_service_that_does_not_say_what_it_takes_gets_no_table(survey, service: Service):
    service.says("POST /tap/sync", a_votable())
    said = survey.json("vo", "obscore", f"{service.url}/tap", catalogue(survey))
    assert said["by_upload"] is False
    assert "CIRCLE('ICRS', 190, 89.9985, 0.016666666667)" in service.asked[-1][1]["QUERY"]


def test_a_service_that_always_cuts_comes_to_an_end(memory, service: Service):
    service.says("POST /tap/sync", a_votable(after='<INFO name="QUERY_STATUS" value="OVERFLOW"/>'))
    places = [(float(n), 0.0) for n in range(7)]
    parts = list(observations(memory, f"{service.url}/tap", Wish(radius=0.1), places, upload=False))
    assert [(part.places, part.answer.is_cut) for part in parts] == [(1, True)] * 7


def test_a_catalogue_without_a_position(survey, service: Service):
    said = survey.error("vo", "obscore", service.url, catalogue(survey, "name,ra,dec\na,,\n"))
    assert said[0].startswith("error: ")
    assert service.asked == []


@pytest.mark.parametrize("name", ["", "a b", "ivoa.obscore; DROP TABLE x", "a.b.c.d", "1a", "x--"])
def test_what_is_no_name_of_a_table(name):
    with pytest.raises(ServiceError, match="is not the name of a table"):
        Wish(table=name, radius=1)


def test_small_numbers_are_written_without_exponents():
    assert "CIRCLE('ICRS', 0.000001, -0.00000001, 0.00002)" in Wish(radius=2e-5).query_of([(1e-6, -1e-8)])


def test_positions_are_sent_as_they_are(tmp_path):
    file = tmp_path / "places.vot"
    file.write_bytes(votable([(0.1 + 0.2, -1e-12), (359.99999999999994, 90.0)]))
    table = Table.read(file, format="votable")
    assert [tuple(row) for row in table] == [(0.1 + 0.2, -1e-12), (359.99999999999994, 90.0)]
