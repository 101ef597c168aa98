"""A Docker image, by name or built from a Dockerfile; podman's socket does as well."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stoa.durable import write_whole
from stoa.errors import StoaError
from stoa.exec.environments.base import (
    EnvironmentProblem,
    NotBuilt,
    Prepared,
    Setting,
    chosen_variables,
    first_line,
    package_facts,
)
from stoa.exec.environments.venv import digest_of
from stoa.exec.job.container.creation import output_of
from stoa.exec.job.container.server import Rights, ServerProblem, rights, server, sweep
from stoa.model import Container, Environment

if TYPE_CHECKING:
    import docker

_INQUIRY = Path(__file__).with_name("inquiry.py")
_ASK = """\
python=$(command -v python3 || command -v python) && "$python" -I -c "$1" || echo
shift
while [ $# -gt 0 ]; do
    if said=$(eval "$1" 2>&1 </dev/null); then echo "$said" | head -n 1; else echo "exit code $?: $said" | head -n 1; fi
    shift
done
"""


def prepare_docker(environment: Environment, setting: Setting) -> Prepared:
    """The image, with what is known about it; containers that dead runs have left are removed.

    Raises
    ------
    EnvironmentProblem
        If the server does not answer, the image is not there, or it cannot be built.
    """
    address = setting.caller.get("DOCKER_HOST", "")
    try:
        with server(address) as client:
            sweep(client)
            image = _image(client, environment, setting)
            may = rights(client)
            facts = _facts(client, environment, image, rootless=may.rootless)
            asked = _asked(client, environment, setting, image.id, may)
    except ServerProblem as problem:
        raise EnvironmentProblem(
            f"environment {environment.name!r} cannot be made ready: {problem.message}", problem.hint
        ) from None
    about, files = _about(environment, asked)
    return Prepared(
        environ=_environ(environment, setting.caller),
        facts=facts | about,
        identity=image.id,
        files=files,
        umask=environment.umask,
        container=Container(
            server=address,
            image=image.id,
            user=may.user,
            groups=may.groups,
            rootless=may.rootless,
            network=environment.network,
            isolation=environment.isolation,
            cpus=environment.cpus,
        ),
    )


def docker_identity(environment: Environment, setting: Setting) -> str:
    """Id of the image, "" where it is not there or no one can be asked."""
    try:
        with server(setting.caller.get("DOCKER_HOST", "")) as client:
            return str(_image(client, environment, Setting(caller={}, top=setting.top)).id)
    except StoaError:
        return ""


def _environ(environment: Environment, caller: Mapping[str, str]) -> dict[str, str]:
    """Variables beside those of the image: nothing of the caller's that is not asked for."""
    fixed = {"PYTHONUNBUFFERED": "1", "HOME": "/tmp", "TMPDIR": "/tmp"}  # noqa: S108 - the container's own
    return fixed | chosen_variables(caller, environment.inherit) | environment.environ


def _image(client: docker.DockerClient, environment: Environment, setting: Setting) -> Any:
    import docker

    name = environment.image or _tag(environment, setting)
    try:
        if not (environment.dockerfile and setting.again):
            return client.images.get(name)
    except docker.errors.ImageNotFound:
        if environment.image:
            raise EnvironmentProblem(
                f"image {name!r} of environment {environment.name!r} is not on this machine",
                f"`docker pull {name}` fetches it; `docker image ls` shows those that are here",
            ) from None
        if not setting.build:
            raise NotBuilt(environment.name) from None
    return _build(client, environment, setting, name)


def _tag(environment: Environment, setting: Setting) -> str:
    return f"stoa-environment:{digest_of(_dockerfile(environment, setting))}"


def _dockerfile(environment: Environment, setting: Setting) -> bytes:
    try:
        return setting.read(environment.dockerfile)
    except OSError as problem:
        raise EnvironmentProblem(
            f"cannot read {environment.dockerfile!r} of environment {environment.name!r}: {problem.strerror}",
            "its path is relative to the project's folder",
        ) from None


def _build(client: docker.DockerClient, environment: Environment, setting: Setting, tag: str) -> Any:
    import docker

    content = _dockerfile(environment, setting)
    try:
        image, _ = client.images.build(
            fileobj=io.BytesIO(content), tag=tag, rm=True, forcerm=True, nocache=setting.again
        )
    except docker.errors.BuildError as problem:
        said = [str(line.get("stream") or line.get("error") or "") for line in problem.build_log]
        tail = "\n  ".join(["", *(line.rstrip() for line in said if line.strip())][-12:])
        raise EnvironmentProblem(
            f"environment {environment.name!r} cannot be built from {environment.dockerfile}: {problem.msg}",
            f"the server says more: {tail}",
        ) from None
    except (docker.errors.APIError, TypeError) as problem:
        raise EnvironmentProblem(
            f"environment {environment.name!r} cannot be built from {environment.dockerfile}: "
            f"{getattr(problem, 'explanation', None) or problem}",
            "the Dockerfile is all that the server gets: COPY finds no files",
        ) from None
    return image


def _facts(client: docker.DockerClient, environment: Environment, image: Any, *, rootless: bool) -> dict[str, str]:
    attributes = image.attrs
    layers = attributes.get("RootFS", {}).get("Layers") or []
    version = client.version()
    podman = any("podman" in str(part.get("Name", "")).lower() for part in version.get("Components") or [])
    facts = {
        "kind": environment.kind,
        "image": environment.image or environment.dockerfile,
        "image_id": str(image.id),
        "image_digests": " ".join(attributes.get("RepoDigests") or []),
        "layers": digest_of("\n".join(layers).encode()),
        "machine": str(attributes.get("Architecture", "")),
        "server": f"{'podman' if podman else 'Docker'} {version.get('Version', '')}{', rootless' if rootless else ''}",
    }
    return {name: value for name, value in facts.items() if value}


def _asked(
    client: docker.DockerClient, environment: Environment, setting: Setting, image: str, may: Rights
) -> list[str]:
    """Lines that the image says about itself: Python, then each tool; kept, for an image never changes."""
    tools = [" ".join(map(_quoted, command)) for command in environment.versions.values()]
    key = digest_of(json.dumps([image, tools]).encode())
    file = setting.cache / "environments" / f"image-{key}.json"
    try:
        return [str(line) for line in json.loads(file.read_bytes())]
    except (OSError, ValueError):
        pass
    argv = ["/bin/sh", "-c", _ASK, "ask", _INQUIRY.read_text(encoding="utf-8"), *tools]
    lines = output_of(client, image, argv, may).decode("utf-8", "replace").splitlines()
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, json.dumps(lines).encode())
    return lines


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "'\\''") + "'"


def _about(environment: Environment, lines: list[str]) -> tuple[dict[str, str], dict[str, bytes]]:
    facts: dict[str, str] = {}
    files: dict[str, bytes] = {}
    try:
        version, implementation, packages = json.loads(lines[0])
        found, files = package_facts(packages)
        facts = {"python": str(version), "implementation": str(implementation)} | found
    except (ValueError, TypeError, IndexError):
        pass  # an image without Python
    said = lines[1:] + [""] * len(environment.versions)
    return facts | {
        name: first_line(line.encode()) for name, line in zip(environment.versions, said, strict=False)
    }, files
