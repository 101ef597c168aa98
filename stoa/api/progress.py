"""A run in the output of a cell: a bar with buttons if ipywidgets is installed, otherwise lines that change."""

from __future__ import annotations

import threading
import time
from typing import Any, Protocol

from stoa.commands.stop import StopReport
from stoa.errors import StoaError
from stoa.show.notebook import failure_lines, fragment, html_of, paragraphs, watched_lines
from stoa.show.stopping import stop_in_words
from stoa.workspace.watch import STOPPED, Watched

EVERY_S = 1.0


class Follows(Protocol):
    """What is drawn."""

    def look(self) -> Watched: ...
    def stop(self, *, now: bool = False) -> StopReport: ...


def show_progress(run: Follows, shell: Any) -> None:
    """Show a run in the present cell and keep what is shown up to date from a thread, until the run has ended."""
    if not hasattr(shell, "kernel"):
        print("\n".join(watched_lines(run.look())))  # noqa: T201 - a terminal, where a value prints itself
        return
    try:
        import ipywidgets
    except ImportError:
        _Lines(run).show()
        return
    _Panel(run, ipywidgets).show()


def _watch(run: Follows, draw: Any, trouble: Any) -> None:
    """Draw a run until it has ended; a look that fails is reported, and the next one follows."""
    while True:
        try:
            seen = run.look()
        except (StoaError, OSError) as problem:
            trouble(str(problem))
        else:
            draw(seen)
            if seen.over:
                return
        time.sleep(EVERY_S)


def _in_thread(run: Follows, draw: Any, trouble: Any) -> None:
    threading.Thread(target=_watch, args=(run, draw, trouble), daemon=True, name="stoa-progress").start()


class _Lines:
    """Progress without widgets: one output whose text changes."""

    def __init__(self, run: Follows) -> None:
        self._run = run

    def show(self) -> None:
        from IPython.display import HTML, display

        handle = display(HTML(html_of(self._run.look()) + _HOW_TO_STOP), display_id=True)
        _in_thread(
            self._run,
            lambda seen: handle.update(HTML(html_of(seen) + ("" if seen.over else _HOW_TO_STOP))),
            lambda words: handle.update(HTML(fragment([paragraphs([words])]))),
        )


_HOW_TO_STOP = fragment([paragraphs(["`.stop()` of this run stops it; with ipywidgets there is a button"])])


class _Panel:
    """A bar, two buttons, and the newest failures."""

    def __init__(self, run: Follows, widgets: Any) -> None:
        self._run = run
        self._bar = widgets.IntProgress(min=0, max=1, value=0, layout={"width": "22em"})
        self._words = widgets.HTML()
        self._below = widgets.HTML()
        self._note = widgets.HTML()
        self._buttons = (
            self._button(widgets, "Stop", "Start no more jobs; the running ones end.", now=False),
            self._button(widgets, "Stop at once", "End the running jobs, too.", now=True),
        )
        row = widgets.HBox([self._bar, *self._buttons])
        self._box = widgets.VBox([self._words, row, self._note, self._below])

    def _button(self, widgets: Any, label: str, what: str, *, now: bool) -> Any:
        made = widgets.Button(description=label, tooltip=what)
        made.on_click(lambda _button: self._stop(now=now))
        return made

    def show(self) -> None:
        from IPython.display import display

        self._draw(self._run.look())
        display(self._box)
        _in_thread(self._run, self._draw, self._tell)

    def _stop(self, *, now: bool) -> None:
        try:
            self._tell(stop_in_words(self._run.stop(now=now)))
        except StoaError as problem:
            self._tell(str(problem))

    def _tell(self, words: str) -> None:
        self._note.value = fragment([paragraphs([words])])

    def _draw(self, seen: Watched) -> None:
        self._bar.max = max(seen.jobs, 1)
        self._bar.value = seen.ended
        if not seen.over:
            self._words.value = fragment([paragraphs(watched_lines(seen))])
            self._below.value = fragment([paragraphs(failure_lines(seen))])
            return
        self._words.value = html_of(seen)
        self._below.value = ""
        self._tell("run the cell again to continue" if seen.state == STOPPED else "")
        for button in self._buttons:
            button.disabled = True
