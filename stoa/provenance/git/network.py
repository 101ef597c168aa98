"""The user's git on the network, through GitPython: which addresses it may reach, and for how long it may be silent.

The user's ssh, credential helpers and prompts stay in use.
"""

from __future__ import annotations

import os
import re
import selectors
import subprocess
from pathlib import Path
from typing import IO, Any

import msgspec

from stoa.provenance.git.leftovers import lock_in_the_way
from stoa.provenance.git.plumbing import SAFE, GitError, environ, foreign

PROTOCOLS = ("file", "git", "http", "https", "ssh")
SILENCE_S = 120.0
"""A transfer that says nothing for so long is given up; git tells its progress every second."""
KEPT_BYTES = 64_000

_HELPER = re.compile(r"([A-Za-z0-9][A-Za-z0-9+.-]*)::")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_SECRET = re.compile(
    r"(?<=://)[^/@\s'\"]+@|(?<=[?&])((?:access_|private_)?(?:token|key)|password)=[^&\s'\"]+", re.IGNORECASE
)
_LOST = re.compile(
    r"hung up|early EOF|reset by peer|timed out|Timeout|RPC failed|disconnect|Connection closed|closed by remote"
    r"|kex_exchange_identification|Broken pipe|cannot lock ref|unable to lock|bad line length|invalid index-pack"
    r"|HTTP 5\d\d|error: 5\d\d|remote failed to report|Connection was",
    re.IGNORECASE,
)
_EMPTY_WORDS = (
    "fatal: Could not read from remote repository", "Please make sure you have the correct access rights",
    "and the repository exists", "error: failed to push some refs", "To ", "Everything up-to-date",
)  # fmt: skip


class LostConnection(GitError):
    """The other side was reached or nearly so, and then was not; whether it did anything is unknown."""


class Said(msgspec.Struct, frozen=True):
    """How a git command ended and what it printed, without secrets."""

    code: int
    output: str
    errors: str
    folder: Path  # of git, on this side

    def reason(self) -> str:
        """The line that says best why it failed."""
        lines = [text.strip() for text in self.errors.splitlines()]
        told = [text for text in lines if text and not text.startswith(_EMPTY_WORDS)]
        fatal = [text for text in told if text.startswith(("fatal:", "error:"))]
        return re.sub(r"^(fatal|error): ", "", (fatal[:1] or told[-1:] or [f"exit code {self.code}"])[0])

    def remark(self) -> str:
        """What the other side said, at most five lines of it in one."""
        return "; ".join(re.findall(r"^remote: +(.*\S)", self.errors, re.MULTILINE)[:5])

    def problem(self, what: str, hint: str) -> GitError:
        """The error to raise: a lost connection, which may be tried again, or a refusal."""
        lock = lock_in_the_way(self.errors, self.folder)
        if lock and lock.left_over:
            return GitError(f"{what}: {lock.message}", self.errors, lock.hint)
        kind = LostConnection if _LOST.search(self.errors) else GitError
        return kind(f"{what}: {self.reason()}", self.errors, hint)


def check_url(url: str) -> None:
    """Raise `GitError` unless an address is of a kind that fetches data and runs nothing."""
    helper, scheme = _HELPER.match(url), _SCHEME.match(url)
    if url.startswith("-") or not url.isprintable() or not url.strip():
        raise GitError(f"{without_secrets(url)!r} is not an address of a repository")
    if helper or (scheme and scheme[1].lower().removeprefix("git+").removesuffix("+git") not in PROTOCOLS):
        kind = (helper or scheme)[1]  # type: ignore[index]  # one of the two matched
        raise GitError(
            f"addresses of the kind {kind!r} are not used: they can run commands here",
            hint=f"kinds that are: {', '.join(PROTOCOLS)}, or a path",
        )


def without_secrets(text: str) -> str:
    """A text whose addresses have lost user names, passwords and tokens."""
    return _SECRET.sub(lambda found: f"{found[1]}=***" if found[1] else "", text)


def run_network(top: Path, *arguments: str, silence_s: float | None = None) -> Said:
    """Run a git command that talks to another machine.

    A command that stays silent for too long is ended; what it did is unknown then.
    """
    from git import Git  # 0.1 s to import, needed for the network only

    command = Git(str(top))
    command.update_environment(**environ(), GIT_ALLOW_PROTOCOL=_allowed())
    process = command.execute([*_without_foreign(), "git", *SAFE, *arguments], as_process=True)
    assert process.proc is not None
    code, output, errors = _watch(process.proc, SILENCE_S if silence_s is None else silence_s)
    return Said(code, without_secrets(output), without_secrets(errors), top / ".git")


def _allowed() -> str:
    """The protocols that both STOA and the user allow."""
    users = os.environ.get("GIT_ALLOW_PROTOCOL")
    return ":".join(name for name in PROTOCOLS if users is None or name in users.split(":"))


def _without_foreign() -> list[str]:
    # GitPython adds to the environ and takes nothing from it.
    present = [word for name in foreign() for word in ("-u", name)]
    return ["env", *present] if present else []


def _watch(process: subprocess.Popen[bytes], silence_s: float) -> tuple[int, str, str]:
    """Read what a process prints until it ends or says nothing for too long."""
    assert process.stdout is not None
    assert process.stderr is not None
    said: dict[IO[bytes], bytes] = {process.stdout: b"", process.stderr: b""}
    quiet_s, tick_s = 0.0, 0.2
    with selectors.DefaultSelector() as selector:
        for stream in said:
            selector.register(stream, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(min(tick_s, silence_s))
            for key, _ in ready:
                _read(key.fileobj, said, selector)
            quiet_s = 0.0 if ready else quiet_s + tick_s
            if not ready and process.poll() is not None:
                break  # a child that stays, such as a shared ssh connection, may hold the pipe open
            if quiet_s > silence_s:
                process.terminate()
                said[process.stderr] += f"\nfatal: timed out: nothing was heard for {silence_s:.0f} s".encode()
                break
    output, errors = (said[stream].decode("utf-8", "replace") for stream in (process.stdout, process.stderr))
    return _ended(process), output, errors


def _read(stream: Any, said: dict[IO[bytes], bytes], selector: selectors.BaseSelector) -> None:
    data = os.read(stream.fileno(), 65536)
    if data:
        said[stream] = (said[stream] + data)[-KEPT_BYTES:]
    else:
        selector.unregister(stream)


def _ended(process: subprocess.Popen[bytes]) -> int:
    try:
        return process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
