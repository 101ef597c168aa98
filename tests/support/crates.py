"""Whether a folder is a Process Run RO-Crate, asked of the profile's own validator."""

from __future__ import annotations

import warnings
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest


def crate_problems(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What `rocrate-validator` finds of severity REQUIRED; the JSON-LD context is the copy that rocrate carries."""
    import requests
    from rocrate_validator import models, services
    from rocrate_validator.utils.http import HttpRequester

    context = (files("rocrate") / "data" / "ro-crate.jsonld").read_bytes()

    def answer(url: str, *_args: Any, **_options: Any) -> requests.Response:
        response = requests.Response()
        known = url.startswith("https://w3id.org/ro/crate/")
        response.status_code, response.url = (200 if known else 404), url
        response._content = context if known else b""
        response.headers["Content-Type"] = "application/ld+json"
        return response

    monkeypatch.setattr(HttpRequester, "__getattr__", lambda _self, _name: answer, raising=True)
    asked = models.ValidationSettings(
        rocrate_uri=str(folder), profile_identifier="process-run-crate",
        requirement_severity=models.Severity.REQUIRED, abort_on_first=False,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the validator's own libraries
        return [str(issue.message) for issue in services.validate(asked).get_issues()]
