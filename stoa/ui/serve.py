"""Starting and stopping the dashboard: one process, one port, Streamlit with routes of our own."""

from __future__ import annotations

import io
import logging
import os
import signal
import sys
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from pathlib import Path
from types import FrameType
from typing import Any

from stoa.commands.ui import Serving
from stoa.ui.application import application

PROJECT = "STOA_UI_PROJECT"
"""Environment variable with the project's folder, for the scripts of the pages."""

READ_ONLY = "STOA_UI_READ_ONLY"
LOGIN = "STOA_UI_LOGIN"
HERE = Path(__file__).resolve().parent


def serve(serving: Serving, started: Callable[[], None]) -> None:
    """Serve the dashboard until it is interrupted or terminated.

    Parameters
    ----------
    started
        Called when the dashboard can be reached.
    """
    os.environ[PROJECT] = str(serving.project)
    os.environ[READ_ONLY] = "1" if serving.read_only else ""
    os.environ[LOGIN] = serving.login
    os.chdir(HERE)  # a repository's own .streamlit folder has no say over what is safe here
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    real = sys.stdout

    def say() -> None:
        with redirect_stdout(real):
            started()

    app = application(serving, say)
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's `&` has them ignored
        signal.signal(number, _stop)
    nowhere = io.StringIO()  # for the address that Streamlit itself would name
    with suppress(KeyboardInterrupt), redirect_stdout(nowhere):
        app.run(config=settings(serving))


def settings(serving: Serving) -> dict[str, Any]:
    """Streamlit's options: nothing that asks the outside, nothing for developers."""
    return {
        "server.address": serving.host,
        "server.port": serving.port,
        "server.headless": True,
        "server.fileWatcherType": "none",
        "server.allowedHosts": list(serving.names),
        "server.enableCORS": True,
        "server.enableXsrfProtection": True,
        "server.trustedUserHeaders": {serving.proxy[part]: part for part in serving.proxy},
        "browser.gatherUsageStats": False,
        "runner.postScriptGC": False,  # it stops all sessions for a tenth of a second after each drawing
        "browser.serverAddress": serving.names[0],
        "client.toolbarMode": "viewer",
        "client.showErrorDetails": "type",
        "global.developmentMode": False,
        "theme.light.primaryColor": "#2f6fb7",  # red is for what failed; one for both schemes would end the dark one
        "theme.dark.primaryColor": "#6ea8e8",
    }


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
