"""The browser libraries that the build has put beside this module, if it could."""

from __future__ import annotations

from pathlib import Path

from stoa.errors import StoaError

FOLDER = Path(__file__).with_name("lib")
VERSIONS = {"js9": "3.9.0", "sampjs": "1.0.3"}
MAIN = {"js9": "js9.min.js", "sampjs": "samp.js"}


def is_there(name: str) -> bool:
    """Whether a library is in this build."""
    return (FOLDER / f"{name}-{VERSIONS[name]}" / MAIN[name]).is_file()


def has_viewer() -> bool:
    """Whether images can be shown in the viewer."""
    return is_there("js9")


def address(name: str) -> str:
    """Where the browser finds a library; the version is in it, so that it may be kept for ever."""
    return f"/stoa/lib/{name}-{VERSIONS[name]}"


def file(path: str) -> Path:
    """A file of the libraries; `StoaError` for any other path."""
    place = (FOLDER / path).resolve()
    if not place.is_relative_to(FOLDER.resolve()) or not place.is_file():
        raise StoaError("there is no such file")
    return place
