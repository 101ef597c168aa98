"""Settings of Sphinx; the pages are Markdown, read by MyST."""

from __future__ import annotations

import tomllib
from pathlib import Path

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]

project = "STOA"
author = copyright = "The STOA developers"  # noqa: A001 - Sphinx calls it so
version = release = PROJECT["version"]

extensions = ["myst_parser"]
exclude_patterns = ["_build"]
myst_heading_anchors = 3
nitpicky = True

html_theme = "alabaster"
html_theme_options = {"description": "Script Tracking for Observational Astronomy", "fixed_sidebar": True}
html_show_sphinx = False
