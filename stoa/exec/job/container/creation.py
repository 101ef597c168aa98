"""What a container is created with: mounts, rights and limits; and one that only says what is in its image."""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING, Any

import msgspec

from stoa.exec.job.container.server import OWNER_LABEL, Rights, ServerProblem
from stoa.exec.job.container.shell import Limits, cpu_seconds
from stoa.exec.liveness import Owner
from stoa.model import Container

if TYPE_CHECKING:
    import docker

_ASKED_S = 300  # how long an image may take to say what is in it
_MOST_PROCESSES = 4096
_MOST_ULIMIT = 16384
_TMPFS = "rw,exec,nosuid,nodev,size=1g,mode=1777"


def options(container: Container, limits: Limits, writable: tuple[str, ...]) -> dict[str, Any]:
    """What a container is created with, in the words of the Docker SDK."""
    from docker.types import LogConfig, Mount, Ulimit

    mounts = [Mount(target=path, source=path, type="bind", read_only=True) for path in container.readable]
    mounts += [Mount(target=path, source=path, type="bind") for path in writable]
    # podman asks for a million of those that are not named, which the kernel refuses where the user may have less.
    ulimits = [Ulimit(name=name, soft=most, hard=most) for name, most in _usual_limits().items()]
    ulimits.append(Ulimit(name="core", soft=0, hard=0))
    if limits.cpu_s:
        ulimits.append(Ulimit(name="cpu", soft=cpu_seconds(limits), hard=cpu_seconds(limits) + 5))
    if limits.file_mb:
        ulimits.append(Ulimit(name="fsize", soft=limits.file_mb * 1_000_000, hard=limits.file_mb * 1_000_000))
    found: dict[str, Any] = {
        "user": container.user,
        "group_add": [str(group) for group in container.groups],
        "network_mode": container.network,
        "read_only": True,
        "tmpfs": {"/tmp": _TMPFS},  # noqa: S108 - the container's own
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "pids_limit": limits.processes + 1 if limits.processes else _MOST_PROCESSES,
        "ulimits": ulimits,
        "mounts": mounts,
        "labels": container.labels | {OWNER_LABEL: msgspec.json.encode(Owner.here()).decode()},
        "log_config": LogConfig(type="json-file", config={"max-size": "100k"}),
        "working_dir": "/",
        "stdin_open": False,
    }
    if limits.memory_mb:
        # Equal limits leave no swap: a job that would need it is ended, and not slow.
        found |= {"mem_limit": limits.memory_mb * 1_000_000, "memswap_limit": limits.memory_mb * 1_000_000}
    if container.cpus:
        found["nano_cpus"] = round(container.cpus * 1e9)
    return found


def _usual_limits() -> dict[str, int]:
    """Open files and processes that a user may have, as far as this process may, too."""
    kinds = {"nofile": resource.RLIMIT_NOFILE, "nproc": resource.RLIMIT_NPROC}
    own = {name: resource.getrlimit(kind)[1] for name, kind in kinds.items()}
    return {
        name: _MOST_ULIMIT if most == resource.RLIM_INFINITY else min(most, _MOST_ULIMIT) for name, most in own.items()
    }


def output_of(client: docker.DockerClient, image: str, argv: list[str], may: Rights) -> bytes:
    """What a command prints in a container of its own, which sees nothing of this machine.

    Raises
    ------
    ServerProblem
        If it exits with another code than 0, or not within five minutes.
    """
    from docker.types import LogConfig

    given = options(Container(server="", image=image, user=may.user), Limits(memory_mb=2000), ())
    given["log_config"] = LogConfig(type="json-file", config={"max-size": "20m"})
    # What it prints is asked for after its end: podman may continue sending it for ever if the end comes between.
    made = client.containers.create(image, entrypoint=argv[:1], command=argv[1:], **given)
    try:
        made.start()
        code = int(made.wait(timeout=_ASKED_S)["StatusCode"])
        said = bytes(made.logs(stdout=True, stderr=code != 0))
    finally:
        made.remove(force=True)
    if code:
        words = said.decode("utf-8", "replace")[:200]
        raise ServerProblem(f"a container of the image ended with exit code {code}: {words}")
    return said
