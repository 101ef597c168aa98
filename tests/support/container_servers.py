"""Docker's daemon, podman's service, and that of another user, on sockets of their own; images without a registry."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker

DOCKERD = shutil.which("dockerd", path=os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/usr/local/sbin"]))
PODMAN = shutil.which("podman")
RUNC = shutil.which("runc", path=os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/usr/local/sbin"]))
BUSYBOX = shutil.which("busybox")
IMAGE = "stoa-test-busybox:1"
SOMEBODY = 64242  # a user whom no machine knows: alone in the user namespace, as those of a directory service are
_START_S = 60.0


@dataclass
class Server:
    """A server that answers Docker's API."""

    kind: str
    address: str
    process: subprocess.Popen[bytes]
    folder: Path
    uid: int = 0  # of the user who runs it, and may use it

    def client(self) -> docker.DockerClient:
        return docker.DockerClient(base_url=self.address, version="1.41", timeout=60)


def missing(kind: str) -> str:
    """Why a server cannot be started here, or ""."""
    if os.geteuid() != 0:
        return "only root can start one"
    if not BUSYBOX or subprocess.run([BUSYBOX, "true"], check=False).returncode:
        return "no busybox to make images of (Debian: busybox-static)"
    if kind == "docker":
        return "" if DOCKERD else "no dockerd (Debian: docker.io)"
    if not (PODMAN and RUNC):
        return "no podman or runc (Debian: podman runc)"
    if kind == "rootless" and subprocess.run(["unshare", "-Ur", "true"], user=SOMEBODY, check=False).returncode:
        return "users may not make user namespaces here"
    return ""


@contextmanager
def container_server(kind: str) -> Iterator[Server]:
    """A server of kind `docker`, `podman` or `rootless` (podman of another user), with the image `IMAGE`.

    It is ended by its process id.
    """
    # Sockets have short names; pytest's folders are too deep for them.
    folder = Path(tempfile.mkdtemp(prefix="stoa-ct-"))
    address = f"unix://{folder}/sock"
    command, environ = _docker(folder, address) if kind == "docker" else _podman(folder, address)
    given: dict[str, Any] = {}
    if uid := SOMEBODY if kind == "rootless" else 0:
        environ |= {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
        given = {"user": uid, "group": uid, "extra_groups": []}
        for path in (folder, *folder.iterdir()):
            os.chown(path, uid, uid)
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, env=os.environ | environ, cwd=folder, start_new_session=True, **given
        )
    server = Server(kind, address, process, folder, uid)
    try:
        _wait_for(server)
        load_image(server, busybox_tree(folder / "tree"), IMAGE)
        yield server
    finally:
        _stop(server)
        _unmount(folder)
        shutil.rmtree(folder, ignore_errors=True)


def _docker(folder: Path, address: str) -> tuple[list[str], dict[str, str]]:
    (folder / "config.json").write_text("{}")
    words = ["--config-file", folder / "config.json", "--data-root", folder / "root", "--exec-root", folder / "exec"]
    words += ["--pidfile", folder / "pid", "-H", address, "--bridge=none", "--iptables=false", "--ip6tables=false"]
    words += ["--ip-forward=false", "--ip-masq=false", "--storage-driver", "overlay2"]
    return [str(DOCKERD), *map(str, words)], {}


def _podman(folder: Path, address: str) -> tuple[list[str], dict[str, str]]:
    settings = folder / "containers.conf"
    settings.write_text(
        '[containers]\ndefault_ulimits=["nofile=16384:16384","nproc=4096:4096"]\n'
        f'[engine]\nruntime="runc"\ncgroup_manager="cgroupfs"\nevents_logger="file"\n[engine.runtimes]\nrunc=["{RUNC}"]\n'
    )
    words = ["--root", folder / "root", "--runroot", folder / "run", "--storage-driver", "overlay", "system", "service"]
    return [str(PODMAN), *map(str, words), "--time=0", address], {"CONTAINERS_CONF": str(settings)}


def _wait_for(server: Server) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and server.process.poll() is None:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(server.folder / "sock"))
            return
        time.sleep(0.1)
    raise RuntimeError(f"{server.kind} does not answer: {(server.folder / 'log').read_text(errors='replace')[-2000:]}")


def _stop(server: Server) -> None:
    """End what it runs, then itself."""
    with contextlib.suppress(Exception):
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(server.folder / "sock"))  # the SDK leaves its socket open where no one answers
        client = server.client()
        try:
            for found in client.containers.list(all=True):
                found.remove(force=True)
        finally:
            client.close()
    server.process.terminate()
    try:
        server.process.wait(20)
    except subprocess.TimeoutExpired:
        server.process.kill()
        server.process.wait()
    with contextlib.suppress(OSError, ValueError):  # a daemon that was killed leaves its containerd
        os.kill(int((server.folder / "exec/containerd/containerd.pid").read_text()), signal.SIGTERM)
    with contextlib.suppress(OSError, ValueError):  # what holds the user namespace of podman without root
        os.kill(int((server.folder / "libpod/tmp/pause.pid").read_text()), signal.SIGKILL)
    deadline = time.monotonic() + 5
    while _end_rest(server) and time.monotonic() < deadline:
        time.sleep(0.2)


def _end_rest(server: Server) -> int:
    """End the guards of containers, and other processes that an ended daemon has left; how many there were."""
    found = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if any(word.startswith(bytes(server.folder)) for word in words):
                found += 1
                os.kill(int(folder.name), signal.SIGKILL)
    return found


def _unmount(folder: Path) -> None:
    for line in reversed(Path("/proc/mounts").read_text().splitlines()):
        place = line.split()[1]
        if place.startswith(f"{folder}/"):
            subprocess.run(["umount", "-l", place], check=False, capture_output=True)


def busybox_tree(folder: Path) -> Path:
    """A file tree with a shell and its tools."""
    (folder / "bin").mkdir(parents=True)
    (folder / "tmp").mkdir()
    (folder / "etc").mkdir()
    (folder / "etc/passwd").write_text("root:x:0:0:root:/:/bin/sh\n")
    shutil.copy(str(BUSYBOX), folder / "bin/busybox")
    names = subprocess.run([str(BUSYBOX), "--list"], capture_output=True, text=True, check=True).stdout.split()
    for name in names:
        if name != "busybox":
            (folder / "bin" / name).symlink_to("busybox")
    return folder


def load_image(server: Server, tree: Path, name: str, environ: Mapping[str, str] | None = None) -> str:
    """Load an image whose id depends on the file tree and variables alone; gives the id."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for path in sorted(tree.rglob("*")):
            info = tar.gettarinfo(str(path), str(path.relative_to(tree)))
            info.mtime = info.uid = info.gid = 0
            info.uname = info.gname = ""
            with open(path, "rb") if info.isreg() else io.BytesIO() as content:
                tar.addfile(info, content if info.isreg() else None)
    diff = "sha256:" + hashlib.sha256(layer.getvalue()).hexdigest()
    settings = {"Env": [f"{k}={v}" for k, v in (environ or {"PATH": "/bin"}).items()], "Cmd": ["/bin/sh"]}
    config = json.dumps(
        {
            "architecture": "amd64", "os": "linux", "created": "1970-01-01T00:00:00Z", "config": settings,
            "rootfs": {"type": "layers", "diff_ids": [diff]}, "history": [{"created": "1970-01-01T00:00:00Z"}],
        },
        sort_keys=True,
    ).encode()  # fmt: skip
    oid = hashlib.sha256(config).hexdigest()
    manifest = json.dumps([{"Config": f"{oid}.json", "RepoTags": [name], "Layers": ["layer.tar"]}]).encode()
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for member, data in (("layer.tar", layer.getvalue()), (f"{oid}.json", config), ("manifest.json", manifest)):
            info = tarfile.TarInfo(member)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    client: Any = server.client()
    try:
        client.images.load(archive.getvalue())
        return str(client.images.get(name).id)
    finally:
        client.close()
