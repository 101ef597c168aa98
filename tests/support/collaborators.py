"""People who work on one project, each with a clone and a name of their own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stoa.commands import comment, flag, sync, unflag
from stoa.commands.init import init
from stoa.commands.root import add_root
from stoa.commands.run import run
from stoa.commands.status import StatusReport
from stoa.commands.status import status as get_status
from stoa.provenance.git import SyncReport
from stoa.request import Request, Selection
from stoa.runs.launch import Ended
from stoa.workspace.open import Workspace

TARGETS = ("a", "b", "c", "d")
PROCESS = """\
schema: 1
name: count
script: count.sh
command: ["/bin/sh", "{script}", "{params.answer}"]
params:
  answer: {type: float, default: 1.0}
  limit: {type: int, default: 10}
results:
  answer: {type: float, tolerance: 5%}
"""
SCRIPT = """\
printf '{"answer": %s}' "$1" > stoa-result.json
"""


class Person:
    """Someone with a clone of the project."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder

    def git(self, *words: str, stdin: bytes = b"") -> str:
        done = subprocess.run(["git", *words], cwd=self.folder, input=stdin, capture_output=True, check=False)
        assert done.returncode == 0, f"git {' '.join(words)}: {done.stderr.decode()}"
        return done.stdout.decode("utf-8", "surrogateescape").strip()

    def introduce(self) -> Person:
        """Tell git who this is."""
        self.git("config", "user.name", self.name)
        self.git("config", "user.email", f"{self.name.split()[0].lower()}@example.org")
        return self

    @contextmanager
    def open(self) -> Iterator[Workspace]:
        ws = Workspace(self.folder)
        try:
            yield ws
        finally:
            ws.close()

    def sync(self, **options: Any) -> SyncReport:
        with self.open() as ws:
            return sync.sync(ws, **options)

    def flag(self, target: str = "a", reason: str = "check", text: str = "") -> str:
        with self.open() as ws:
            return flag.flag(ws, [target], reason=reason, text=text).id

    def unflag(self, target: str = "a", text: str = "") -> str:
        with self.open() as ws:
            return unflag.unflag(ws, [target], text=text).id

    def comment(self, target: str = "a", text: str = "seen") -> str:
        with self.open() as ws:
            return comment.comment(ws, [target], text=text).id

    def run(self, target: str = "a") -> str:
        with self.open() as ws:
            request = Request(process="count", selection=Selection(targets=(target,), force=True), workers=1)
            (ended,) = [event for event in run(ws, request) if isinstance(event, Ended)]
            return ended.report.run

    def status(self) -> StatusReport:
        with self.open() as ws:
            return get_status(ws)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Answer of the index."""
        with self.open() as ws:
            return ws.index.rows(sql)

    def head(self) -> str:
        return self.git("rev-parse", "HEAD")

    def write(self, path: str, text: str) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def save(self, path: str, text: str) -> None:
        """Commit a file as someone with an editor would."""
        self.write(path, text)
        self.git("add", "--", path)
        self.git("commit", "-q", "-m", f"edit {path}")

    def plant(self, path: str | bytes, content: bytes = b"x\n", mode: str = "100644") -> None:
        """Commit an entry that need not be possible in a work tree, and push it with plain git."""
        oid = self.head() if mode == "160000" else self.git("hash-object", "-w", "--stdin", stdin=content)
        name = path.encode() if isinstance(path, str) else path
        self.git("update-index", "-z", "--index-info", stdin=f"{mode} {oid}\t".encode() + name + b"\0")
        self.git("commit", "-q", "-m", "planted")
        self.git("push", "-q", "origin", "main")


def make_project(folder: Path) -> Path:
    """A bare repository that holds a project with four targets and one process."""
    top = folder / "founder"
    for name in TARGETS:
        (top / "data" / name).mkdir(parents=True)
    founder = Person("Founder", top)
    founder.git("init", "-q")
    founder.introduce()
    init(top)
    with founder.open() as ws:
        add_root(ws, "data", str(top / "data"))
    lines = "".join(f'- {{"name": "{n}", "root": "data", "path": "{n}"}}\n' for n in TARGETS)
    founder.save(".stoa/targets/all.yaml", lines)
    founder.save("count.sh", SCRIPT)
    founder.save(".stoa/processes/count.yaml", PROCESS)
    hub = folder / "hub.git"
    subprocess.run(["git", "init", "-q", "--bare", str(hub)], check=True)
    subprocess.run(["git", "config", "http.receivepack", "true"], cwd=hub, check=True)
    founder.git("push", "-q", str(hub), "main")
    return hub


def clone_for(name: str, url: str, folder: Path) -> Person:
    """A clone made with plain git, with its own data folder."""
    subprocess.run(["git", "clone", "-q", url, str(folder)], check=True, capture_output=True)
    person = Person(name, folder).introduce()
    for target in TARGETS:
        (folder / "data" / target).mkdir(parents=True)
    (folder / ".git" / "info" / "exclude").write_text("/data/\n/products/\n")
    person.write(".stoa/local.yaml", "schema: 1\nroots: {data: data}\n")
    return person
