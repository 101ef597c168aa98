"""Who is at a page, what they may do, and the line that is kept of what they did."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

import msgspec
import streamlit as st

from stoa.durable import make_folder, open_shared
from stoa.errors import StoaError
from stoa.model import Author
from stoa.project import Role, UiSettings
from stoa.provenance.ids import now
from stoa.ui.serve import LOGIN, PROJECT, READ_ONLY
from stoa.workspace.open import Workspace

RIGHTS: dict[Role, frozenset[str]] = {
    "read": frozenset({"read"}),
    "review": frozenset({"read", "review"}),
    "run": frozenset({"read", "review", "run"}),
}
"""What comes with each role."""

KNOWN_S = 20.0
"""For this long git's identity and the settings are not read again."""


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Who is at a page.

    Attributes
    ----------
    may
        Some of read, review and run.
    why_not
        Why it is not all of them, in words; "" where it is.
    is_known
        Whether a provider, or the proxy before us, vouches for the address.
    """

    name: str
    email: str
    may: frozenset[str]
    why_not: str = ""
    is_known: bool = False

    @property
    def author(self) -> Author:
        return Author(self.name, self.email)


def who() -> Person:
    """The person at this page."""
    login = os.environ.get(LOGIN, "")
    if login:
        return _logged_in(login, dict(st.user))
    person = _settings()[1]
    if os.environ.get(READ_ONLY):
        return msgspec.structs.replace(person, may=RIGHTS["read"], why_not="this dashboard is read-only")
    return person


def must_log_in() -> bool:
    """Whether nothing is to be shown yet: people log in here, and this one has not."""
    return os.environ.get(LOGIN, "") == "oidc" and not st.user.get("is_logged_in", False)


def _logged_in(login: str, facts: dict[str, Any]) -> Person:
    """A person as their provider, or the proxy before us, names them."""
    email = str(facts.get("email") or "").strip()
    name = _printable(str(facts.get("name") or facts.get("user") or email.partition("@")[0] or "somebody"))
    verified = login == "proxy" or facts.get("email_verified") is True
    if not email or not verified or not _is_address(email):
        why = "your email address is not verified, and every record names its author"
        return Person(name=name, email=email if _is_address(email) else "", may=RIGHTS["read"], why_not=why)
    if os.environ.get(READ_ONLY):
        return Person(name=name, email=email, may=RIGHTS["read"], why_not="this dashboard is read-only", is_known=True)
    role = role_of(email, _settings()[0])
    lacking = "" if role == "run" else f"{email} has the role {role} here (`ui: roles:` of .stoa/local.yaml)"
    return Person(name=name, email=email, may=RIGHTS[role], why_not=lacking, is_known=True)


def role_of(email: str, settings: UiSettings) -> Role:
    """The role of an address: its own line, or else the first pattern that fits; without either it may read."""
    wanted = email.lower()
    if wanted in settings.roles:
        return settings.roles[wanted]
    return next((role for pattern, role in settings.roles.items() if fnmatchcase(wanted, pattern)), "read")


def _printable(name: str) -> str:
    """A name as git can hold it."""
    return "".join(c for c in name if c.isprintable() and c not in "<>").strip() or "somebody"


def _is_address(email: str) -> bool:
    local, at, place = email.partition("@")
    return bool(local and at and place) and email.isprintable() and not set(email) & set("<> @,;") - {"@"}


_known: dict[str, tuple[float, tuple[UiSettings, Person]]] = {}
_knowing = threading.Lock()


def _settings() -> tuple[UiSettings, Person]:
    """The settings, and the person whom git names, who may do everything."""
    place = os.environ[PROJECT]
    with _knowing:
        at, found = _known.get(place, (0.0, None))
        if found is None or time.monotonic() > at + KNOWN_S:
            found = _read(Path(place))
            _known[place] = time.monotonic(), found
        return found


def _read(place: Path) -> tuple[UiSettings, Person]:
    ws = Workspace(place)
    try:
        author = ws.repository.author()
        person = Person(name=author.name, email=author.email, may=RIGHTS["run"])
    except StoaError as problem:
        person = Person(name="", email="", may=RIGHTS["read"], why_not=problem.message)
    finally:
        ws.close()
    return ws.project.local.ui, person


@contextmanager
def acting(right: Literal["review", "run"], doing: str, names: Sequence[str] = ()) -> Iterator[Workspace]:
    """The project, open for an action of the person at this page, of which a line is kept.

    What is committed inside has the person as its author; where they have logged in, git's identity of this machine
    is the committer.

    Parameters
    ----------
    doing, names
        What is done to which targets, for the line.

    Raises
    ------
    StoaError
        If the person may not; a line is kept of that, too.
    """
    person = who()
    if right not in person.may:
        audit(person, doing, names, "refused")
        raise StoaError(person.why_not or f"you may not {right} here", "ask whoever runs this dashboard")
    ws = Workspace(Path(os.environ[PROJECT]), person.author if os.environ.get(LOGIN) else None)
    try:
        yield ws
    except BaseException:
        audit(person, doing, names, "failed")
        raise
    else:
        audit(person, doing, names, "done")
    finally:
        ws.close()


def audit(person: Person, doing: str, names: Sequence[str], end: str) -> None:
    """Add a line to the list of actions, which no one rewrites; an action is not lost because it cannot be written."""
    line = {
        "time": now(),
        "name": person.name,
        "email": person.email,
        "action": doing,
        "targets": list(names),
        "end": end,
    }
    with suppress(OSError):
        file = Workspace(Path(os.environ[PROJECT])).project.audit_file
        make_folder(file.parent)
        with open(open_shared(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT), "ab") as stream:
            stream.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
