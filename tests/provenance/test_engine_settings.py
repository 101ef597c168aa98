"""Engines in `local.yaml`."""

from __future__ import annotations

import pytest

from stoa.project import DaskSettings, SlurmSettings
from stoa.provenance.definitions import read_local
from stoa.provenance.yamltree import DefinitionError

FULL = b"""\
slurm:
  partition: short
  account: alma
  walltime: 2h
  chunk: 50
  cpus: 4
  most_elements: 500
  options: [--mem=4G, --exclude=node7]
  python: /shared/venv/bin/python
  settle: 1m
dask:
  address: tls://head:8786
  tls_ca: ca.pem
  tls_cert: me.pem
  tls_key: me.key
  cluster: SLURMCluster
  options: {queue: main, cores: 1, job_directives_skip: [--mem]}
  chunk: 10
"""


def test_all_settings_are_read():
    local = read_local(FULL, "local.yaml")
    assert local.slurm == SlurmSettings(
        partition="short", account="alma", walltime_s=7200.0, chunk=50, cpus=4, most_elements=500,
        options=("--mem=4G", "--exclude=node7"), python="/shared/venv/bin/python", settle_s=60.0,
    )  # fmt: skip
    assert local.dask == DaskSettings(
        address="tls://head:8786", tls_ca="ca.pem", tls_cert="me.pem", tls_key="me.key", cluster="SLURMCluster",
        options={"queue": "main", "cores": 1, "job_directives_skip": ["--mem"]}, chunk=10,
    )  # fmt: skip


def test_without_settings_the_defaults_hold():
    assert read_local(b"jobs: 2\n", "local.yaml").slurm == SlurmSettings()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("slurm: {chunk: 0}", "slurm.chunk must be at least 1, got 0"),
        ("slurm: {partion: x}", "unknown field 'partion' of slurm; did you mean 'partition'?"),
        ("slurm: {walltime: long}", "slurm.walltime must be a time"),
        ("slurm: {options: [mem=4G]}", "'mem=4G' is not an option of sbatch"),
        ("dask: {tls_ca: x}", "tls_ca, tls_cert and tls_key belong together"),
    ],
)
def test_a_wrong_setting_is_named_with_its_line(text, words):
    with pytest.raises(DefinitionError, match="local.yaml, line 2") as caught:
        read_local(f"jobs: 1\n{text}\n".encode(), "local.yaml")
    assert words in caught.value.message


def test_naming_a_root_keeps_them(survey):
    local = survey.top / ".stoa/local.yaml"
    local.write_bytes(local.read_bytes() + FULL)
    before = read_local(local.read_bytes(), "local.yaml")
    (survey.top / "more").mkdir()
    survey.ok("root", "add", "more", "more")
    after = read_local(local.read_bytes(), "local.yaml")
    assert (after.slurm, after.dask) == (before.slurm, before.dask)
    assert set(after.roots) == {"data", "more"}
