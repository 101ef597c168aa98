"""The application that is served: Streamlit's own, with our routes, behind our guard."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stoa.commands.ui import Serving, is_loopback
from stoa.ui.guard import Guard
from stoa.ui.routes import routes
from stoa.ui.warm import warm

if TYPE_CHECKING:
    import streamlit as st

SCRIPT = Path(__file__).with_name("script") / "app.py"
"""Not beside the folder `pages`, which Streamlit would take for pages of its own kind."""


def application(serving: Serving, started: Callable[[], None]) -> st.App:
    """What `stoa ui` serves; `started` is called when it can be reached."""
    import streamlit as st
    from starlette.middleware import Middleware

    public = [name for name in serving.names if not is_loopback(name.strip("[]"))]
    middleware = [Middleware(Guard, names=serving.names, public=public)]
    hidden = {"auth": _login(serving)} if serving.login == "oidc" else None

    @asynccontextmanager
    async def lifespan(_app: st.App) -> AsyncIterator[None]:
        started()
        warm(serving.project)
        yield

    return st.App(SCRIPT, routes=routes(serving.project), middleware=middleware, lifespan=lifespan, secrets=hidden)


def _login(serving: Serving) -> dict[str, Any]:
    """What Streamlit wants to know of an OpenID Connect provider."""
    oidc = serving.oidc
    return {
        "redirect_uri": oidc["redirect"],
        "client_id": oidc["client_id"],
        "client_secret": oidc["client_secret"],
        "server_metadata_url": oidc["server"],
        "cookie_secret": secrets.token_hex(32),  # of this start: whoever was logged in logs in again
    }
