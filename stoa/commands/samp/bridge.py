"""A dashboard on a server and the applications on this desktop, joined by connections that all begin here."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from stoa.vo.bridge import PAUSES_S, Bridge, Line, RefusedError, Upwards, folder_for_files
from stoa.vo.samp import NoHubError, connected
from stoa.vo.web import ServiceError

HUB_S = 2.0
"""How often a hub is looked for after one has gone."""

LEAVE_S = 5.0
WHO_S = 10.0
"""How often the dashboard is told which applications are there."""


def bridge(address: str, token: str, say: Callable[[str], None] = lambda _words: None) -> None:
    """Join a dashboard and the hub of this desktop until it is interrupted.

    Parameters
    ----------
    address
        Of the dashboard, as in the browser.
    token
        As the dashboard shows it.
    say
        Told in words what happens.

    Raises
    ------
    NoHubError
        If there is no hub at first; later ones are waited for.
    StoaError
        If the dashboard cannot be reached at first, or does not take the token, at any time. A dashboard that was
        there is waited for.
    """
    line = Line(address, token)
    last, _ = line.messages(None)
    there = False
    with tempfile.TemporaryDirectory(prefix="stoa-bridge-") as place:
        for number in range(1 << 30):
            try:
                with connected() as hub, folder_for_files(Path(place, str(number))) as folder:
                    there = True
                    joined = Bridge(line, hub, folder, say)
                    upwards = Upwards(joined, hub)
                    upwards.start()
                    try:
                        upwards.listening.wait()
                        say(f"joined {line.base} and this desktop")
                        last = _carry(line, joined, upwards, last, say)
                    finally:
                        hub.stop()
                        upwards.join(LEAVE_S)
            except NoHubError:
                if not there:
                    raise
            else:
                say("the hub of this desktop has gone; waiting for another one")
            time.sleep(HUB_S)


def _carry(line: Line, joined: Bridge, upwards: Upwards, last: int, say: Callable[[str], None]) -> int:
    """Carry messages until the hub has gone; gives the number of the last one."""
    failures, told_at = 0, -WHO_S
    while upwards.is_alive():
        try:
            if time.monotonic() > told_at + WHO_S:
                joined.applications()
                told_at = time.monotonic()
            last, messages = line.messages(last)
        except RefusedError:
            raise
        except ServiceError as problem:
            if not failures:
                say(f"{problem.message}; trying again")
            time.sleep(PAUSES_S[min(failures, len(PAUSES_S) - 1)])
            failures += 1
            continue
        if failures:
            say(f"{line.base} answers again")
            failures = 0
        for told in messages:
            with suppress(ServiceError):  # a dashboard that goes away now is waited for above
                joined.down(told)
    return last
