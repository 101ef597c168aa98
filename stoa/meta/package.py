"""What is beside the images of an ALMA package: README, QA report, scripts, and the names of the folders."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from msgspec import Struct

from stoa.meta.scan import Entry, entries

_READ_BYTES = 64 * 1024
_MAX_FILES = 20
_READMES = ("README", "README.txt")
_REPORTS = (".txt", ".html")
_SCRIPTS = (".py", "pipeline_manifest.xml")
_OUS = r"uid___A\d+_X[0-9a-f]+_X[0-9a-f]+"
_MEMBER = re.compile(rf"(?i)member[ ._]*(?:ous|ouss|ouset|status)?[ :._a-z]*({_OUS})")
_UID = re.compile(rf"(?i)({_OUS})")
_GROUP = re.compile(rf"group\.({_OUS})")
_GOAL = re.compile(rf"science_goal\.({_OUS})")
_START = re.compile(rf"(?:member\.)?({_OUS})\.")
_PROJECT = re.compile(r"\b(\d{4}\.[0-9A]\.\d{5}\.[A-Z]{1,3})\b")
_QA2 = re.compile(r"(?i)\bQA2(?:\s+status)?\s*[:=]?\s*\b(semi[ -]?pass|pass|fail)")
_CASA = re.compile(
    r"(?i)\bCASA(?:[ _]?version)?(?: name=\"| that you used for generating the script)?[ :=]*v?"
    r"(\d+\.\d+(?:\.\d+)?(?:-\d+)?)\b"
)
_PIPELINE = re.compile(r"(?i)\bpipeline(?:[ _]version)?(?: name=\")?[ :=]*((?:r?\d[\w.]*\d|\d{4}\.\d+\.\d+\.\d+))\b")

FACTS = ("project_code", "member_ous", "group_ous", "science_goal", "qa2", "casa", "casa_origin", "pipeline", "made_by")
"""Names of the facts of a package, in their order in the document."""


class PackageFiles(Struct, frozen=True):
    """Paths of what tells about a target's package."""

    reports: tuple[str, ...] = ()  # READMEs and reports of quality assurance
    scripts: tuple[str, ...] = ()


def package_facts(
    folder: Path, beside: PackageFiles, names: Iterable[str] = (), origins: Iterable[tuple[str, str]] = ()
) -> dict[str, str]:
    """Facts of the package that a target folder belongs to; what is not found is left out.

    The README and the QA reports come first, then the names of the images, then those of the folders above; for
    versions the scripts and the manifest of the pipeline as well. At most 64 KiB of 20 files of each kind are read.

    Parameters
    ----------
    folder
        The target's folder: ``product``, or the member folder that holds it.
    beside
        What `package_files` found.
    names
        Names of the target's files.
    origins
        Names and ORIGIN cards of the images. The first with a version of CASA is taken where the package tells
        none, and ``casa_origin`` says so.
    """
    texts = [_text(path) for path in beside.reports]
    told = [*texts, "\n".join(names)]
    path = "/".join(folder.parts[-6:])
    found = {
        "project_code": _first(_PROJECT, [*texts, path]),
        "member_ous": _first(_MEMBER, told) or _first(_UID, told) or _first(_MEMBER, [path]),
        "group_ous": _first(_GROUP, [path]),
        "science_goal": _first(_GOAL, [path]),
        "qa2": _first(_QA2, texts).upper().replace(" ", "").replace("-", ""),
        "made_by": _maker(beside.scripts),
    }
    texts += [_text(path) for path in beside.scripts]
    if any("CASA" in text or "ipeline" in text for text in texts):
        found |= {"casa": _first(_CASA, texts), "pipeline": _first(_PIPELINE, texts)}
    if not found.get("casa"):
        found |= _casa_of_images(origins)
    return {name: found[name] for name in FACTS if found.get(name)}


def _casa_of_images(origins: Iterable[tuple[str, str]]) -> dict[str, str]:
    for name, origin in origins:
        if version := _CASA.match(origin):
            return {"casa": version[1], "casa_origin": f"ORIGIN of {name}"}
    return {}


def member_uids(names: Iterable[str]) -> list[str]:
    """The distinct member OUS uids at the start of file names, sorted."""
    return sorted({found[1] for name in names if (found := _START.match(name.rpartition("/")[2]))})


def _first(pattern: re.Pattern[str], texts: Iterable[str]) -> str:
    return next((found[1] for text in texts if (found := pattern.search(text))), "")


def package_files(folder: Path, listed: Mapping[str, Iterable[Entry]] | None = None) -> PackageFiles:
    """The READMEs, QA reports and scripts of a target's package; none of them is opened.

    Parameters
    ----------
    listed
        What is in the folder ("") and in folders of it by their names, where that is known.
    """
    above = folder.name.startswith("product")
    member = str(folder.parent if above else folder)
    known = {} if above or listed is None else listed
    here = tuple(known.get("") or entries(member))
    folders = {entry.name for entry in here if entry.is_folder}

    def files(name: str, ends: tuple[str, ...]) -> list[str]:
        if name not in folders:
            return []
        return _files(f"{member}/{name}", known.get(name) or entries(f"{member}/{name}"), ends)

    readmes = _files(member, here, _READMES)
    return PackageFiles((*readmes, *files("qa", _REPORTS)), tuple(files("script", _SCRIPTS)))


def _files(folder: str, listed: Iterable[Entry], ends: tuple[str, ...]) -> list[str]:
    """Paths of regular files with one of the ends, sorted, no links."""
    names = sorted(entry.name for entry in listed if entry.is_file and entry.name.endswith(ends))
    return [f"{folder}/{name}" for name in names[:_MAX_FILES]]


def _text(path: str) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return os.read(descriptor, _READ_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
    finally:
        os.close(descriptor)


def _maker(scripts: Iterable[str]) -> str:
    """``pipeline`` or ``hand``, by the scripts that were delivered."""
    names = " ".join(scripts)
    if "casa_pipescript" in names or "casa_piperestorescript" in names:
        return "pipeline"
    return "hand" if "scriptForImaging" in names else ""
