"""The base of every error that STOA shows to a person."""

from __future__ import annotations


class StoaError(Exception):
    """Something that a person can mend; its message names the thing and what is wrong.

    Parameters
    ----------
    message
        One sentence without a final full stop.
    hint
        The command or change that mends it, or None.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class NotFoundError(StoaError):
    """A name that stands for nothing; carries what was asked for and what comes nearest.

    Parameters
    ----------
    renamed
        The present name, of something that had the name before.
    """

    def __init__(self, kind: str, name: str, known: list[str], hint: str | None = None, renamed: str = "") -> None:
        end = f"; it was renamed {renamed!r}" if renamed else guess(name, known)
        super().__init__(f"no {kind} named {name!r}{end}", hint)
        self.kind = kind
        self.name = name
        self.near = nearest(name, known)


def guess(name: str, known: list[str]) -> str:
    """The end of a message about an unknown name: ``; did you mean 'sep'?``, or "" if no known name comes near."""
    near = nearest(name, known)
    return f"; did you mean {near!r}?" if near else ""


def nearest(name: str, known: list[str]) -> str | None:
    """The known name that a misspelt one most likely meant, or None."""
    from difflib import get_close_matches  # 5 ms to import, needed for errors only

    lower = {k.lower(): k for k in known}
    found = get_close_matches(name.lower(), list(lower), n=1, cutoff=0.6)
    return lower[found[0]] if found else None
