"""Questions to services: a cone search (SCS), and ADQL to a TAP service, at once or as a job (UWS).

pyvo would ask them, too; it reads answers of any size, and knows nothing of where a service may lead.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

import requests

from stoa.vo.answers import Answer, Memory, error_in, examine
from stoa.vo.web import MOST_WORDS, Question, ServiceError, absolute

_ENDS = frozenset(("COMPLETED", "ERROR", "ABORTED", "ARCHIVED"))
_PHASES = _ENDS | {"PENDING", "QUEUED", "EXECUTING", "HELD", "SUSPENDED", "UNKNOWN"}
_MOST_CAPABILITIES = 10_000_000
VOTABLE = "application/x-votable+xml"
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.3, 10.0


def cone(
    memory: Memory, service: str, ra: float, dec: float, radius: float, *, most: int = 0, again: bool = False
) -> tuple[Answer, bool]:
    """The rows of a catalogue around a place.

    Parameters
    ----------
    ra, dec, radius
        ICRS degrees.
    most
        Rows; 0: as many as the service gives.
    again
        Ask even where the answer is known.

    Returns
    -------
    answer, is_known
        The answer, and whether it was known from before.

    Raises
    ------
    ServiceError
        If the service is not reached, refuses, or answers with something else.
    """
    given = {"RA": repr(ra), "DEC": repr(dec), "SR": repr(radius), **({"MAXREC": str(most)} if most else {})}
    query = urlencode(given)

    def ask() -> bytes:
        question = Question(service)
        return _read(question, question.ask("GET", _with_query(service, query)))

    return _known_or(memory, service, query, ask, again=again)


def tap(
    memory: Memory,
    service: str,
    adql: str,
    *,
    tables: Mapping[str, bytes] | None = None,
    most: int = 0,
    as_job: bool = False,
    patience_s: float = 3600.0,
    again: bool = False,
    phase: Callable[[str], None] = lambda _phase: None,
) -> tuple[Answer, bool]:
    """The answer of a TAP service to a query.

    Parameters
    ----------
    tables
        VOTables by the names that the query has for them below ``TAP_UPLOAD``.
    most
        Rows; 0: as many as the service gives.
    as_job
        Whether the service works on it as a job, which is asked for until it has ended, and then deleted.
    patience_s
        How long a job may take.
    phase
        Called with the phase of the job whenever that changes.

    Raises
    ------
    ServiceError
        As for `cone`, or if the job ends without a result.
    """
    given = {"REQUEST": "doQuery", "LANG": "ADQL", "RESPONSEFORMAT": "votable", "FORMAT": "votable", "QUERY": adql}
    if most:
        given["MAXREC"] = str(most)
    sent = {"data": given, **_uploads(tables or {})}

    def ask() -> bytes:
        question = Question(service, patience_s)
        if as_job:
            return _by_job(question, service, sent, patience_s, phase)
        return _read(question, question.ask("POST", _below(service, "sync"), **sent))

    known = [adql, *([f"MAXREC {most}"] if most else ())]
    known += [f"{name} {hashlib.sha256(content).hexdigest()}" for name, content in (tables or {}).items()]
    return _known_or(memory, service, " -- ".join(known), ask, again=again)


def _uploads(tables: Mapping[str, bytes]) -> dict[str, Any]:
    """Tables that go along with a query (TAP 1.1, section 2.5), as parts of one message."""
    if not tables:
        return {}
    files: dict[str, Any] = {"UPLOAD": (None, ";".join(f"{name},param:{name}" for name in tables))}
    return {"files": files | {name: (name, content, VOTABLE) for name, content in tables.items()}}


def capabilities(service: str) -> str:
    """What a TAP service says that it can do (VOSI).

    Raises
    ------
    ServiceError
        If it does not say.
    """
    question = Question(service)
    return question.content(question.ask("GET", _below(service, "capabilities")), _MOST_CAPABILITIES).decode(
        "utf-8", "replace"
    )


def _known_or(
    memory: Memory, service: str, query: str, ask: Callable[[], bytes], *, again: bool
) -> tuple[Answer, bool]:
    known = None if again else memory.find(service, query)
    if known:
        return known, True
    content = ask()
    status = examine(content, service)
    answer = Answer(
        service=service, query=query, retrieved=datetime.now(UTC).isoformat(timespec="seconds"),
        sha256=hashlib.sha256(content).hexdigest(), is_cut=status.is_cut,
    )  # fmt: skip
    memory.keep(answer, content)
    return answer, False


def _read(question: Question, response: requests.Response) -> bytes:
    """The content of an answer; the reason of a refusal as an error."""
    if response.ok:
        return question.content(response)
    reason = error_in(question.words(response).encode())
    raise ServiceError(f"{question.service} refuses: {reason} (status {response.status_code})")


def _by_job(
    question: Question, service: str, sent: Mapping[str, Any], patience_s: float, phase: Callable[[str], None]
) -> bytes:
    given = {**sent, "data": {**sent["data"], "PHASE": "RUN"}}
    started = question.ask("POST", _below(service, "async"), follow=False, **given)
    if not started.is_redirect:
        if started.ok:
            raise ServiceError(f"{service} did not say where the job is")
        _read(question, started)
    job = absolute(started.url, started.headers["Location"]).rstrip("/")
    started.close()
    try:
        _wait(question, job, patience_s, phase)
        return _read(question, question.ask("GET", f"{job}/results/result"))
    finally:
        with suppress(ServiceError):  # it would be deleted by itself, only later
            question.ask("DELETE", job, follow=False).close()


def _wait(question: Question, job: str, patience_s: float, phase: Callable[[str], None]) -> None:
    end = time.monotonic() + patience_s
    pause, last = _FIRST_PAUSE_S, ""
    while True:
        response = question.ask("GET", f"{job}/phase")
        now = question.words(response).strip().upper()
        if not response.ok or now not in _PHASES:
            raise ServiceError(f"{question.service} does not say how the job is: {now[:80] or 'nothing'!r}")
        if now != last:
            phase(now.lower())
            last = now
        if now in ("PENDING", "HELD"):
            question.ask("POST", f"{job}/phase", follow=False, data={"PHASE": "RUN"}).close()
        if now == "COMPLETED":
            return
        if now in _ENDS:
            reason = error_in(question.words(question.ask("GET", f"{job}/error")).encode()[:MOST_WORDS])
            raise ServiceError(f"{question.service}: the job has ended as {now.lower()}: {reason}")
        if time.monotonic() > end:
            raise ServiceError(f"{question.service}: the job took longer than {patience_s:g} s, and was deleted")
        time.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE_S)


def _below(service: str, word: str) -> str:
    """The address of a resource below a service, whatever that ends with."""
    parts = urlsplit(service)
    path = parts.path.rstrip("/")
    for known in ("/sync", "/async"):
        path = path.removesuffix(known)
    return urlunsplit((parts.scheme, parts.netloc, f"{path}/{word}", parts.query, ""))


def _with_query(service: str, query: str) -> str:
    """A base address of a cone search with parameters: it may end with ``?`` or have fixed parameters of its own."""
    bare = service.partition("#")[0].rstrip("?&")
    return f"{bare}{'&' if '?' in bare else '?'}{query}"
