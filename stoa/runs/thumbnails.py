"""Thumbnails of the images of a run, drawn by a process beside it while its jobs run."""

from __future__ import annotations

import json
import select
import subprocess
import sys
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread

from stoa.errors import StoaError
from stoa.model import FileRef, Outcome, Process
from stoa.project import Project
from stoa.provenance.checksums import Checksums
from stoa.provenance.thumbnails import has_thumbnails, images_to_show

PATIENCE_S = 60.0
"""For one image; the disk may be slow and the image a large cube."""


class Drawing:
    """Draws the images of outcomes, one after the other; what cannot be drawn is counted.

    Parameters
    ----------
    project
        Where images are, and where pictures are put.
    process
        Says which images are drawn.
    checksums
        Those of files that were read before.
    known
        Checksums of images whose picture is in git already.
    """

    def __init__(self, project: Project, process: Process, checksums: Checksums, known: set[str]) -> None:
        self._project = project
        self._process = process
        self._checksums = checksums
        self._seen = known
        self._is_on = has_thumbnails(process)
        self._wanted: SimpleQueue[tuple[str, str] | None] = SimpleQueue()
        self._thread: Thread | None = None
        self._child: subprocess.Popen[str] | None = None
        self.problems: list[str] = []

    def add(self, outcome: Outcome) -> None:
        """Have the images of an outcome drawn."""
        if not self._is_on or outcome.restored:
            return
        for ref in images_to_show(self._process, outcome):
            if ref.sha256 in self._seen:
                continue
            self._seen.add(ref.sha256)
            place = self._project.thumbnail_file(ref.sha256)
            if not place.exists() and (image := self._image(ref)):
                self._wanted.put((image, str(place)))
                self._start()

    def _image(self, ref: FileRef) -> str:
        """Where an image is, "" if it is no longer what the record names."""
        try:
            file = self._project.file(ref)
            size, sha256 = self._checksums.known(file)
        except (OSError, StoaError):
            return ""
        return str(file) if size == ref.size and sha256 in ("", ref.sha256) else ""

    def settle(self) -> None:
        """Wait until all that was added is drawn, or cannot be."""
        if self._thread:
            self._wanted.put(None)
            self._thread.join()
            self._thread = None

    def close(self) -> None:
        """End what draws, without waiting for what is left."""
        self._is_on = False
        if self._child:
            self._child.kill()
        self.settle()
        self._let_go()

    def _start(self) -> None:
        if self._thread is None:
            self._thread = Thread(target=self._work, name="thumbnails", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while (wanted := self._wanted.get()) is not None:
            if self._is_on and (problem := self._draw(*wanted)):
                self.problems.append(problem)

    def _draw(self, image: str, place: str) -> str:
        if self._child is None:
            self._child = subprocess.Popen(
                [sys.executable, "-P", "-m", "stoa.meta.thumbnailer"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                start_new_session=True,  # Ctrl-C is for the run, which ends this process itself
            )  # fmt: skip
        with suppress(OSError, ValueError):
            assert self._child.stdin
            assert self._child.stdout
            self._child.stdin.write(f"{json.dumps([image, place])}\n")
            self._child.stdin.flush()
            if select.select([self._child.stdout], [], [], PATIENCE_S)[0] and (line := self._child.stdout.readline()):
                return str(json.loads(line))
        self._let_go()  # it crashed or hangs; the next image gets another one
        return f"{image.rpartition('/')[2]} cannot be drawn"

    def _let_go(self) -> None:
        if self._child:
            self._child.kill()
            with suppress(OSError):
                self._child.communicate()
            self._child = None
