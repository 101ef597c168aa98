"""What a repository such as Zenodo asks for beside the files: how to cite them, metadata, and what is still missing."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from stoa.model import Author
from stoa.publish.facts import Publication

LICENCES = {
    "creativecommons.org/licenses/by/4.0": "CC-BY-4.0", "creativecommons.org/licenses/by-sa/4.0": "CC-BY-SA-4.0",
    "creativecommons.org/licenses/by-nc/4.0": "CC-BY-NC-4.0", "creativecommons.org/publicdomain/zero/1.0": "CC0-1.0",
    "opensource.org/licenses/mit": "MIT", "opensource.org/licenses/bsd-3-clause": "BSD-3-Clause",
    "www.gnu.org/licenses/gpl-3.0": "GPL-3.0-or-later",
}  # fmt: skip
"""Address without scheme and final slash -> its name in the SPDX list."""

MANY_FILES = 100
"""Zenodo takes at most so many files in one record."""


def citation(publication: Publication) -> dict[str, Any]:
    """Fields of ``CITATION.cff``, Citation File Format 1.2.0."""
    spdx = spdx_of(publication.licence)
    found: dict[str, Any] = {
        "cff-version": "1.2.0",
        "message": "If you use these data, please cite them as below.",
        "type": "dataset",
        "title": publication.title,
        "abstract": _abstract(publication),
        "authors": [_person(author) for author in publication.authors],
        "date-released": publication.written[:10],
        "version": publication.commit[:10],
    }
    if spdx:
        found["license"] = spdx
    elif publication.licence:
        found["license-url"] = publication.licence
    if is_address(publication.origin):
        found["repository"] = publication.origin
    found["keywords"] = _keywords(publication)
    return found


def zenodo(publication: Publication) -> str:
    """Content of ``.zenodo.json``: metadata of a deposit, as Zenodo's interface takes them."""
    found: dict[str, Any] = {
        "upload_type": "dataset",
        "title": publication.title,
        "description": f"<p>{escape(_abstract(publication))}</p>",
        "creators": [{"name": _inverted(author)} for author in publication.authors],
        "publication_date": publication.written[:10],
        "version": publication.commit[:10],
        "keywords": _keywords(publication),
        "access_right": "open",
        "notes": " ".join(publication.caveats),
    }
    if spdx := spdx_of(publication.licence):
        found["license"] = spdx.lower()
    if is_address(publication.origin):
        found["related_identifiers"] = [
            {"identifier": publication.origin, "relation": "isDerivedFrom", "resource_type": "software"}
        ]
    return json.dumps({name: value for name, value in found.items() if value}, indent=2, ensure_ascii=False) + "\n"


def lacking(publication: Publication, missing: tuple[str, ...], files: int, *, titled: bool) -> tuple[str, ...]:
    """What a person has to add or to decide before the folder can be deposited, as sentences.

    Parameters
    ----------
    missing
        What could not be written.
    files
        How many files the folder has.
    titled
        Whether the title was given, rather than made.
    """
    said = [
        (not titled, "Title: it was made from the name of the process; give one with --title."),
        (not publication.licence, "Licence: none is stated, so no one may use the data; --licence ADDRESS states one."),
        (
            bool(publication.licence) and not spdx_of(publication.licence),
            "Licence: it is not one that Zenodo knows by its address; choose it there.",
        ),
        (True, f"Authors: {_names(publication)} ran the jobs; add who else worked on it, and ORCIDs and affiliations."),
        (
            any(len(author.name.split()) != 2 for author in publication.authors),
            "Names: the last word of each name was taken for the family name; check CITATION.cff and .zenodo.json.",
        ),
        (True, "Grants, the paper's DOI, and the archive's rules for acknowledging its data: add them."),
        (
            not is_address(publication.origin),
            "Repository: it has no address that others can reach, so the records cannot be found from here.",
        ),
        (bool(publication.stale), "Outcomes: some are stale; `stoa run` makes them again."),
        (bool(publication.flagged), f"Flags: {len(publication.flagged)} targets have open ones."),
        (bool(missing), f"Files: {len(missing)} could not be written: {'; '.join(missing[:3])}."),
        (
            files > MANY_FILES,
            f"Files: these are {files}, and a record of Zenodo takes {MANY_FILES}: upload the folder as one archive.",
        ),
    ]  # fmt: skip
    return tuple(words for holds, words in said if holds)


def deposit_page(publication: Publication, left: tuple[str, ...]) -> str:
    """Content of ``DEPOSIT.md``: a checklist, and how to deposit."""
    return "\n".join(
        [
            f"# Before these data are deposited: {publication.title}",
            "",
            "What is still missing:",
            "",
            *(f"- [ ] {words}" for words in left),
            "",
            "How it goes:",
            "",
            "1. Edit `.zenodo.json` and `CITATION.cff`: they have the metadata as far as the records know them.",
            "2. A record of Zenodo holds files and no folders: `zip -r deposit.zip . -x DEPOSIT.md` makes one.",
            "   Upload `README.md` and `catalogue.fits` beside it, so that both can be seen there.",
            "3. Reserve the DOI first, and write it into `CITATION.cff` (`doi: ...`) and the paper.",
            "4. Delete this page from what you upload.",
            "",
        ]
    )


def spdx_of(licence: str) -> str:
    """The name of a licence in the SPDX list, "" if it is none that is known here."""
    short = licence.strip().partition("://")[2] or licence.strip()
    short = short.rstrip("/").removesuffix("/legalcode").removesuffix("/deed.en")
    known = {address.casefold(): name for address, name in LICENCES.items()}
    names = {name.casefold(): name for name in LICENCES.values()}
    return known.get(short.casefold(), names.get(short.casefold(), ""))


def is_address(text: str) -> bool:
    """Whether others can open a text as an address."""
    return text.startswith(("https://", "http://")) and "@" not in text.partition("://")[2].partition("/")[0]


def _person(author: Author) -> dict[str, str]:
    given, family = _split(author)
    return {"family-names": family} | ({"given-names": given} if given else {})


def _inverted(author: Author) -> str:
    given, family = _split(author)
    return f"{family}, {given}" if given else family


def _split(author: Author) -> tuple[str, str]:
    """Given and family names; git keeps one text, whose last word is taken for the family name."""
    words = author.name.split()
    return (" ".join(words[:-1]), words[-1]) if words else ("", author.email or "unknown")


def _names(publication: Publication) -> str:
    return ", ".join(author.name for author in publication.authors)


def _abstract(publication: Publication) -> str:
    counts = ", ".join(f"{number} {status}" for status, number in publication.counts.items())
    sources = f" The catalogue has {publication.catalogue.rows} rows." if publication.catalogue else ""
    what = publication.process.doc.rstrip(".") or f"Outcomes of {publication.source}"
    return (
        f"{what}: {len(publication.outcomes)} jobs over {publication.targets} targets ({counts}), with definitions,"
        f" every outcome and provenance.{sources}"
    )


def _keywords(publication: Publication) -> list[str]:
    return ["astronomy", "provenance", publication.process.name]
