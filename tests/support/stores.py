"""Stores for large products: a folder, a real sshd with sftp, a real S3 server; all on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import git_servers
from ports import free_port

SECRET = "s3cr3t-of-the-tests"


class Store(NamedTuple):
    """A store that runs, and how it is looked at and damaged without STOA."""

    url: str
    options: dict[str, Any]
    names: Callable[[], list[str]]
    read: Callable[[str], bytes]
    write: Callable[[str, bytes], object]
    remove: Callable[[str], object]
    modules: tuple[str, ...] = ()  # that its driver is in


def _of_folder(top: Path, url: str, options: dict[str, Any]) -> Store:
    def names() -> list[str]:
        return sorted(str(file.relative_to(top)) for file in top.rglob("*") if file.is_file())

    def read(name: str) -> bytes:
        return (top / name).read_bytes()

    def write(name: str, content: bytes) -> object:
        return (top / name).write_bytes(content)

    return Store(url, options, names, read, write, lambda name: (top / name).unlink())


@contextmanager
def folder_store(place: Path) -> Iterator[Store]:
    yield _of_folder(place / "store", str(place / "store"), {})


@contextmanager
def sftp_store(place: Path) -> Iterator[Store]:
    with git_servers.real_sshd(place) as (host, _):
        user, _, address = host.partition("@")
        options = {"client_keys": [str(place / "user")], "known_hosts": str(place / "known"), "config": []}
        store = _of_folder(place / "store", f"sftp://{user}@{address}{place}/store", options)
        yield store._replace(modules=("sshfs",))


@contextmanager
def s3_store(_place: Path) -> Iterator[Store]:
    import boto3

    with s3_server() as address:
        client = boto3.client(
            "s3", endpoint_url=address, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key=SECRET
        )
        client.create_bucket(Bucket="bucket")

        def names() -> list[str]:
            pages = client.get_paginator("list_objects_v2").paginate(Bucket="bucket", Prefix="sky/")
            return [each["Key"].removeprefix("sky/") for page in pages for each in page.get("Contents", ())]

        def read(name: str) -> bytes:
            return bytes(client.get_object(Bucket="bucket", Key=f"sky/{name}")["Body"].read())

        def write(name: str, content: bytes) -> object:
            return client.put_object(Bucket="bucket", Key=f"sky/{name}", Body=content)

        def remove(name: str) -> object:
            return client.delete_object(Bucket="bucket", Key=f"sky/{name}")

        options = {"key": "x", "secret": SECRET, "endpoint_url": address}
        yield Store("s3://bucket/sky", options, names, read, write, remove, ("s3fs",))


@contextmanager
def s3_server() -> Iterator[str]:
    """A real S3 server on loopback; gives its address."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("s3_service.py"), str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=os.environ | {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"},
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(address, timeout=5).close()
                break
            except OSError:
                if time.monotonic() > deadline or server.poll() is not None:
                    raise
                time.sleep(0.2)
        yield address
    finally:
        server.kill()
        server.wait()


MAKERS = {"folder": folder_store, "sftp": sftp_store, "s3": s3_store}
NEEDED = {
    "folder": (True, ""),
    "sftp": (git_servers.SSHD and find_spec("sshfs"), "no sshd (Debian: openssh-server), or no sshfs"),
    "s3": (find_spec("moto") and find_spec("s3fs"), "no moto, or no s3fs"),
}
