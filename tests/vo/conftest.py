"""A real SAMP hub that only the tests know, and applications at it."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pyvo import samp

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
        self.client.reply(message, self._answers)

    def next(self) -> tuple[str, dict[str, str]]:
        return self.taken.get(timeout=10)

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
