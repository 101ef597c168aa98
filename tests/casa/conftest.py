"""Measurement sets of CASA's simulator, each made once."""

from __future__ import annotations

from pathlib import Path

import pytest
import real_casa


@pytest.fixture(scope="session")
def visibilities(tmp_path_factory) -> Path:
    """Two fields, one of them flagged, and three windows, one of them without data."""
    return real_casa.simulate("double", tmp_path_factory.mktemp("double"))


@pytest.fixture(scope="session")
def compact_visibilities(tmp_path_factory) -> Path:
    """One field of an array of 7 m dishes."""
    return real_casa.simulate("compact", tmp_path_factory.mktemp("compact"))


@pytest.fixture(scope="session")
def line_visibilities(tmp_path_factory) -> Path:
    """One field in band 3, with a line in channel 3 of 5."""
    return real_casa.simulate("line", tmp_path_factory.mktemp("line"))
