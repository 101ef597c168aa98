"""A real SAMP hub that only the tests know, and applications at it; a real data centre."""

from __future__ import annotations

import csv
import queue
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import data_centre as data_centres
import numpy as np
import pytest
from astropy.table import Table
from odd_service import Service, running_service
from pyvo import samp

from stoa.vo.answers import Memory

samp.conf.use_internet = False


class Desktop:
    """An application that takes what it subscribes to, and remembers it.

    Parameters
    ----------
    answers
        What it replies; by default that all is well.
    """

    def __init__(self, name: str, mtypes: tuple[str, ...], answers: dict[str, Any] | None = None) -> None:
        self.taken: queue.SimpleQueue[tuple[str, dict[str, str]]] = queue.SimpleQueue()
        self.client = samp.SAMPIntegratedClient(name=name, addr="127.0.0.1")
        self.client.connect()
        self._answers = answers or {"samp.status": "samp.ok", "samp.result": {}}
        for mtype in mtypes:
            self.client.bind_receive_call(mtype, self._take)

    def _take(self, _key: str, _sender: str, message: str, mtype: str, params: Any, _extra: Any) -> None:
        self.taken.put((mtype, params))
        time.sleep(0.1)  # pyvo's hub loses an answer that comes before it has noted that it waits for one
        self.client.reply(message, self._answers)

    def next(self) -> tuple[str, dict[str, str]]:
        return self.taken.get(timeout=60)

    def says(self, mtype: str, **params: Any) -> None:
        """Broadcast a message: as a call, as TOPCAT does, which waits for no one here."""
        named = {key.replace("_", "-"): value for key, value in params.items()}
        self.client.call_all("tag", {"samp.mtype": mtype, "samp.params": named})


@pytest.fixture
def lockfile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a hub would be; there is none yet."""
    file = tmp_path / "hub" / "samp"
    file.parent.mkdir()
    monkeypatch.setenv("SAMP_HUB", f"std-lockurl:{file.as_uri()}")
    return file


@pytest.fixture
def hub(lockfile: Path) -> Iterator[samp.SAMPHubServer]:
    """pyvo's hub, on loopback, without a Web Profile."""
    server = samp.SAMPHubServer(addr="127.0.0.1", web_profile=False)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def desktop(hub: samp.SAMPHubServer) -> Iterator[Callable[..., Desktop]]:
    """Maker of applications: `desktop("topcat", "table.load.votable")`."""
    made: list[Desktop] = []

    def make(name: str, *mtypes: str, answers: dict[str, Any] | None = None) -> Desktop:
        made.append(Desktop(name, mtypes, answers))
        return made[-1]

    yield make
    for each in made:
        each.client.disconnect()


@pytest.fixture
def service() -> Iterator[Service]:
    """A service whose answers the test writes."""
    with running_service() as server:
        yield server


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    return Memory(tmp_path / "answers")


@pytest.fixture(scope="session")
def data_centre(
    tmp_path_factory: pytest.TempPathFactory, require_service: Callable[[str, object, str], None]
) -> Iterator[data_centres.DataCentre]:
    """A real data centre with ALMA's log and 3000 sources, for as long as the tests run."""
    absent = data_centres.missing()
    require_service("DaCHS", not absent, absent)
    sources = tmp_path_factory.mktemp("centre") / "sources.csv"
    sky_of_sources().write(sources)
    running = data_centres.running_data_centre(alma_log(), sources)
    try:
        centre = running.__enter__()
    except (RuntimeError, OSError, subprocess.SubprocessError) as problem:
        require_service("DaCHS", None, f"it does not start: {problem}")
        raise AssertionError from problem
    yield centre
    running.__exit__(None, None, None)


def sky_of_sources() -> Table:
    """Sources all over the sky, more of them at the poles and at RA = 0."""
    random = np.random.default_rng(7)
    ra = np.concatenate([random.uniform(0, 360, 2600), random.uniform(-1, 1, 200) % 360])
    dec = np.concatenate([np.degrees(np.arcsin(random.uniform(-1, 1, 2600))), random.uniform(-1, 1, 200)])
    ra, dec = np.append(ra, random.uniform(0, 360, 200)), np.append(dec, np.repeat([88, -88], 100))
    names = [f"S{n}" for n in range(len(ra))]
    return Table({
        "name": [*names, "pole", "south"], "ra": [*ra, 0, 0], "dec": [*dec, 90, -90],
        "flux": random.lognormal(0, 1, len(ra) + 2),
    })  # fmt: skip


def alma_log() -> list[dict[str, object]]:
    """Real rows of ALMA's log, of NGC 3504, and fields that are made up: one at the pole, one at RA = 0, a mosaic."""
    with (Path(__file__).parents[1] / "data/alma_log/obscore_ngc3504.csv").open(encoding="utf-8") as file:
        rows: list[dict[str, object]] = list(csv.DictReader(file))
    made = [("pole", 10.0, 89.999, 0.01), ("wrap", 359.9995, 1.0, 0.01), ("mosaic", 40.0, -20.0, 0.5)]
    made += [(f"field{n}", 100.0 + n, -40.0, 0.01) for n in range(20)]
    for number, (name, ra, dec, fov) in enumerate(made):
        rows.append({
            "proposal_id": "2019.1.00001.S", "target_name": name, "s_ra": ra, "s_dec": dec, "s_fov": fov,
            "frequency": 230.0, "is_mosaic": "T" if name == "mosaic" else "F",
            "member_ous_uid": f"uid://A001/X{number:x}/X1",
        })  # fmt: skip
    for number, row in enumerate(rows):
        row |= {
            "obs_publisher_did": f"ivo://stoa.test/{number}", "obs_id": row["member_ous_uid"], "obs_collection": "ALMA",
            "em_min": 0.0013, "em_max": 0.0013, "t_min": 57000.0, "t_max": 57000.1, "dataproduct_type": "image",
            "calib_level": 2, "access_url": "http://example.org/datalink", "facility_name": "JAO",
            "access_format": "application/x-votable+xml;content=datalink",
        }  # fmt: skip
    return rows
