"""A Dask scheduler and workers as processes on loopback, with certificates of an authority of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


class Dask:
    """A running scheduler with workers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = ""
        self.scheduler: subprocess.Popen[bytes] | None = None
        self.workers: list[subprocess.Popen[bytes]] = []
        self._tls = [f"--tls-ca-file={folder}/ca.pem", f"--tls-cert={folder}/cert.pem", f"--tls-key={folder}/key.pem"]

    @property
    def files(self) -> dict[str, str]:
        """The settings of the certificates."""
        return {f"tls_{name}": f"{self.folder}/{name}.pem" for name in ("ca", "cert", "key")}

    @property
    def settings(self) -> str:
        """For `local.yaml`."""
        files = ", ".join(f"{name}: {file}" for name, file in self.files.items())
        return f"dask: {{address: '{self.address}', {files}, chunk: 1}}\n"

    def start(self, workers: int) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        _certificates(self.folder)
        found = self.folder / "scheduler.json"
        self.scheduler = self._process(
            "dask_scheduler", "--host=tls://127.0.0.1:0", "--dashboard-address=127.0.0.1:0",
            f"--scheduler-file={found}",
        )  # fmt: skip
        self.address = str(_await(lambda: json.loads(found.read_text())["address"], self.scheduler))
        for number in range(workers):
            self.add_worker(f"w{number}")

    def add_worker(self, name: str) -> subprocess.Popen[bytes]:
        self.workers.append(
            self._process(
                "dask_worker", self.address, "--nthreads=1", "--no-nanny", "--no-dashboard", f"--name={name}",
                "--memory-limit=0", f"--local-directory={self.folder}",
            )
        )  # fmt: skip
        return self.workers[-1]

    def _process(self, module: str, *words: str) -> subprocess.Popen[bytes]:
        log = (self.folder / f"{module}-{len(self.workers)}.log").open("wb")
        environ = os.environ | {"PYTHONPATH": str(REPOSITORY)}
        with log:
            return subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.{module}", *words, *self._tls],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environ, cwd=self.folder,
            )  # fmt: skip

    def stop(self) -> None:
        for process in [*self.workers, self.scheduler]:
            if process:
                process.terminate()
        for process in [*self.workers, self.scheduler]:
            if process:
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def _await(there, process: subprocess.Popen[bytes]):
    deadline = time.monotonic() + 60
    while True:
        with suppress(OSError, ValueError, KeyError):
            return there()
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("the Dask scheduler does not start")
        time.sleep(0.05)


def _certificates(folder: Path) -> None:
    """An authority and one certificate that it has signed, for everybody."""

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=test authority")
    openssl("req", *curve, "-keyout", "key.pem", "-out", "cert.csr", "-subj", "/CN=node")
    openssl("x509", "-req", "-in", "cert.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out",
            "cert.pem", "-days", "2")  # fmt: skip


@contextmanager
def running_dask(folder: Path, workers: int = 2) -> Iterator[Dask]:
    """Start one in a folder, and stop it whatever happens."""
    dask = Dask(folder)
    try:
        dask.start(workers)
        yield dask
    finally:
        dask.stop()
