"""The desktop of the person at a page: tables, images, selections and positions on their way there and back, and files.

There are two ways: through the browser, which speaks to the SAMP hub beside it (Web Profile), and through a bridge
(`stoa samp bridge`) where one has joined. A bridge goes first, as someone has started it for this.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import streamlit as st

from stoa.ui import bridge, libraries, sent
from stoa.ui.identity import who
from stoa.ui.links import offer, sign
from stoa.ui.serve import LOGIN, READ_ONLY
from stoa.vo.bridge import Event, event_of
from stoa.vo.samp import HIGHLIGHT, LOAD_FITS, LOAD_IMAGE, POINT_AT, ROW_LIST, Message

COMMANDS = "stoa commands"
"""Where the session keeps what the browser is to send."""

HEARD, BRIDGED = "stoa heard", "stoa bridged"
"""Where the session keeps the numbers of the last events of the browser and of the bridge that it has seen."""

SAVE = "save"
"""What the browser does itself, beside messages of SAMP."""

SENT = "stoa sent"
"""Where the session keeps which tables it has sent: key and digest -> id."""

WORDS = "stoa bridge words"
KEPT = 10
LISTEN_S = 1.0
"""How often a page looks whether a bridge has heard something."""

NO_WAY = "This build has no sampjs, and no bridge has joined: `stoa samp bridge` on your desktop is a way."

_WEB = Path(__file__).with_name("web")


@cache
def _component() -> Any:
    script = (_WEB / "desk.js").read_text(encoding="utf-8")
    return st.components.v2.component("stoa_desk", js=script, isolate_styles=False)


def channel() -> bridge.Channel:
    """The channel of the person at this page: of one who is known the same in all their pages, else of this page."""
    person = who()
    if os.environ.get(LOGIN):
        name = f"person {person.email}" if person.is_known else ""
    else:
        name = "" if os.environ.get(READ_ONLY) else "this machine"
    return bridge.channel(name or st.session_state.setdefault("stoa channel", secrets.token_hex(16)))


def desk() -> list[Event]:
    """Mount the component and the menu of the bridge, and give what was picked since the last drawing.

    Every page has the component, so that a registration at the hub outlives a change of the page.
    """
    data = {"sampjs": libraries.address("sampjs"), "commands": st.session_state.get(COMMANDS, [])}
    data["has"] = libraries.is_there("sampjs")
    found = _component()(data=data, key="desk", on_inbox_change=lambda: None, on_hub_change=lambda: None)
    st.session_state["stoa hub"] = found.hub or ""
    events = [*_from_browser(found.inbox or []), *_from_bridge()]
    _bridge_menu()
    return events


def _from_browser(inbox: Sequence[Mapping[str, Any]]) -> list[Event]:
    """Events of a state that is numbered, since a trigger may get lost; they are checked as those of a bridge are."""
    last = st.session_state.get(HEARD, 0)
    fresh = [item for item in inbox if item["seq"] > last]
    if fresh:
        st.session_state[HEARD] = fresh[-1]["seq"]
    messages = (Message(str(item["mtype"]), str(item["sender"]), dict(item["params"])) for item in fresh)
    return [event for event in map(event_of, messages) if event is not None]


def _from_bridge() -> list[Event]:
    here = channel()
    last = st.session_state.setdefault(BRIDGED, here.last)
    fresh = here.events(last)
    if not fresh:
        return []
    st.session_state[BRIDGED] = fresh[-1][0]
    for _, event in fresh:
        if event.words:
            st.session_state[WORDS] = event.words
    return [event for _, event in fresh if event.kind in ("picked", "point")]


def _bridge_menu() -> None:
    here = channel()
    is_joined = here.is_connected
    st.session_state["stoa joined"] = is_joined
    with st.popover("Bridge: joined" if is_joined else "Bridge"):
        if is_joined:
            st.text("A desktop has joined. Its applications: " + (", ".join(here.applications) or "none"))
        else:
            st.text("Is this dashboard on a server? On your desktop, start TOPCAT, then type this and paste the token:")
            parts = urlsplit(st.context.url or "")
            st.code(f"stoa samp bridge {parts.scheme}://{parts.netloc}", language="bash")
        if st.button("Show a token", help="It lets a bridge in for half a day, as you. Keep it to yourself."):
            st.code(here.token(), language=None, wrap_lines=True)
        if st.button("Refuse all earlier tokens"):
            here.renew()
            st.rerun()
    if is_joined and (words := st.session_state.get(WORDS)):
        st.caption("Bridge")
        st.text(words)


def listen() -> None:
    """Draw the page again when a bridge has heard something; to be called when what it had heard is taken."""
    st.fragment(_listen, run_every=LISTEN_S if st.session_state.get("stoa joined") else None)()


def _listen() -> None:
    if channel().events(st.session_state.get(BRIDGED, 0)):
        st.rerun()


def has_changed() -> bool:
    """Whether a bridge has come or gone since the page was drawn."""
    return bool(st.session_state.get("stoa joined", False) != channel().is_connected)


def is_connected() -> bool:
    """Whether what is sent now arrives without a question: a bridge, or a browser that is registered."""
    return channel().is_connected or st.session_state.get("stoa hub") == "on"


def can_send() -> bool:
    """Whether there is a way to a desktop at all."""
    return libraries.is_there("sampjs") or channel().is_connected


def send_table(table: sent.Sent, content: bytes) -> None:
    """Send a table to all applications that take tables.

    Parameters
    ----------
    content
        The table as FITS. It can be fetched for a quarter of an hour, by a link that no one can guess.
    """
    sent.keep(table)
    st.session_state.setdefault(SENT, {})[(table.where, table.digest)] = table.id
    path = offer(f"{table.name}.fits", "application/fits", content)
    _tell(LOAD_FITS, {"path": path, "name": table.name, "table-id": table.id})


def save(name: str, media_type: str, content: bytes) -> None:
    """Have the browser save a file, as if a link to it had been clicked."""
    _command(SAVE, {"path": offer(name, media_type, content), "file": name})


def sent_as(where: str, digest: str) -> str:
    """The id by which this session has sent a table of a page, "" if it has not."""
    return str(st.session_state.get(SENT, {}).get((where, digest), ""))


def send_image(name: str, ref: str, sha256: str) -> None:
    """Send an image, as a record names it, to all applications that take images."""
    _tell(LOAD_IMAGE, {"path": sign("product", ref, sha256), "name": name, "image-id": sent.new_id()})


def select(table: str, rows: Sequence[int]) -> None:
    """Select rows of a table that was sent; a single one is highlighted, too."""
    _tell(ROW_LIST, {"table-id": table, "row-list": list(rows)})
    if len(rows) == 1:
        _tell(HIGHLIGHT, {"table-id": table, "row": rows[0]})


def point(ra: float, dec: float) -> None:
    """Point at a place in the sky, in ICRS degrees."""
    _tell(POINT_AT, {"ra": ra, "dec": dec})


def _tell(mtype: str, params: dict[str, Any]) -> None:
    here = channel()
    if here.is_connected:
        here.tell(mtype, params)
    else:
        _command(mtype, params)


def _command(mtype: str, params: dict[str, Any]) -> None:
    """Give the browser something to do at the next drawing."""
    commands = st.session_state.get(COMMANDS, [])
    seq = max(time.time_ns() // 1_000_000, commands[-1]["seq"] + 1 if commands else 0)
    st.session_state[COMMANDS] = [*commands, {"seq": seq, "mtype": mtype, "params": params}][-KEPT:]
