"""Metadata documents as XML: an existing format for image products, with STOA's additions in elements of their own.

One line a file, in canonical order, so that a re-delivered file is a small difference. The attributes of ``file`` are
those of the header; ``derived`` has what follows from them; ``package`` what is beside the images.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, cast

from stoa.meta.document import Document, FileEntry, ImageGroup, MetadataError, ordered
from stoa.meta.rules import OTHER
from stoa.meta.scan import writable
from stoa.meta.siblings import complete
from stoa.meta.table import BUILT_IN

if TYPE_CHECKING:
    from lxml import etree

SCHEMA = 1
"""Number of the document format; is in ``package``."""

MAX_BYTES = 64 * 1024 * 1024
MAX_ATTRIBUTE = 64 * 1024
MAX_NAME = 4096
IMAGES = "Products"
OTHERS = "Others"
_BREAKS = ("\n", "\r", "\t")
_ESCAPES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
)


def to_xml(document: Document) -> bytes:
    """The document as UTF-8, byte for byte the same for equal documents."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<project>", f'  <group key="{IMAGES}">']
    for group in document.groups:
        lines += [f"    <group{_attributes({'key': group.key})}>", *_files(group.files, "      "), "    </group>"]
    lines.append("  </group>")
    if document.others:
        lines += [f'  <group key="{OTHERS}">', *_files(document.others, "    "), "  </group>"]
    package = {"schema": str(SCHEMA), **document.package}
    if document.problems:
        package["problems"] = " ".join(document.problems)
    lines += [f"  <package{_attributes(package)}/>", "</project>", ""]
    return "\n".join(lines).encode("utf-8")


def _files(entries: tuple[FileEntry, ...], indent: str) -> Iterator[str]:
    for entry in entries:
        role, name = _escaped((entry.role, entry.name))
        yield f'{indent}<file FILETYPE="{role}"{_attributes(entry.header)}>{name}</file>'
    for entry in entries:
        derived = {"file": entry.name, **entry.derived}
        if entry.problems:
            derived["problems"] = " ".join(entry.problems)
        yield f"{indent}<derived{_attributes(derived)}/>"


def _attributes(values: Mapping[str, str]) -> str:
    return _form(tuple(values)) % _escaped(tuple(values.values()))


@lru_cache(maxsize=256)  # the attributes of a file's header are always the same
def _form(names: tuple[str, ...]) -> str:
    return "".join([f' {name}="%s"' for name in names])


def _escaped(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Texts as they are in XML; nearly always they are what they are."""
    joined = "".join(texts)
    if joined.isprintable() and not ("&" in joined or "<" in joined or ">" in joined or '"' in joined):
        return texts
    return tuple([writable(text).translate(_ESCAPES) for text in texts])


def is_built(data: bytes) -> bool:
    """Whether a document was written by STOA, which puts the number of the format in each."""
    return b"<package schema=" in data


def from_xml(data: bytes) -> Document:
    """Read a document, by STOA or from elsewhere.

    ``file`` elements alone are enough: roles, groups and derived facts that it lacks are made from the file names
    and attributes. Elements and attributes that are not known are passed over.

    Raises
    ------
    MetadataError
        If it is not well-formed, has a document type or entities, is larger than 64 MiB, has a name or value of
        unreasonable length, names a file twice, is of a newer format, or has no ``project``.
    """
    root = _parse(data)
    if root.tag != "project":
        raise MetadataError(f"the root of a metadata document is <project>, not <{_shown(root.tag)}>")
    package = next((_texts(element) for element in root.iterchildren("package")), {})
    _check_schema(package.pop("schema", str(SCHEMA)))
    problems = tuple(package.pop("problems", "").split())
    derived = {str(element.get("file", "")): _texts(element) for element in root.iter("derived")}
    groups: dict[str, list[FileEntry]] = {}
    others = []
    names: set[str] = set()
    for element in root.iter("file"):
        entry = _entry(element, derived)
        if entry.name in names:
            raise MetadataError(f"{_shown(entry.name)!r} in line {element.sourceline} is there a second time")
        names.add(entry.name)
        key = _group_key(element, entry)
        if key is None:
            others.append(entry)
        else:
            groups.setdefault(key, []).append(entry)
    return Document(
        groups=tuple(ImageGroup(key, complete(ordered(groups[key]))) for key in sorted(groups)),
        others=ordered(others),
        package=package,
        problems=problems,
    )


def _parse(data: bytes) -> etree._Element:
    from lxml import etree  # 15 ms to import

    if len(data) > MAX_BYTES:
        raise MetadataError(f"a metadata document of more than {MAX_BYTES // 2**20} MiB is too large")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip
    if b"<!DOCTYPE" in data[:MAX_ATTRIBUTE]:
        raise MetadataError("a metadata document may not have a document type")
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise MetadataError(f"the metadata document is not well-formed XML: {_shown(str(error))}") from error
    if root.getroottree().docinfo.internalDTD is not None:  # in an encoding where the search above found nothing
        raise MetadataError("a metadata document may not have a document type")
    return root


def _check_schema(text: str) -> None:
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise MetadataError(f"{_shown(text)!r} is not the number of a document format")
    if int(text) > SCHEMA:
        raise MetadataError(
            f"the metadata document has format {text}, this STOA reads up to {SCHEMA}", "upgrade STOA on this machine"
        )


def _texts(element: etree._Element) -> dict[str, str]:
    """Attributes without a namespace, their lengths checked."""
    found = {str(name): str(value) for name, value in element.attrib.items() if not str(name).startswith("{")}
    for name, value in found.items():
        if len(name) > MAX_NAME or len(value) > MAX_ATTRIBUTE:
            raise MetadataError(f"attribute {_shown(name)} in line {element.sourceline} has {len(value)} characters")
    return found


def _entry(element: etree._Element, derived: Mapping[str, dict[str, str]]) -> FileEntry:
    name = _name(element)
    header = _texts(element)
    role = header.pop("FILETYPE", "")
    known = derived.get(name)
    if known is None:
        from stoa.meta.build import described  # documents of STOA need no reader of headers: 10 ms to import

        return described(name, header, role)
    more = {fact: text for fact, text in known.items() if fact not in ("file", "problems")}
    problems = tuple(known.get("problems", "").split())
    return FileEntry(name=name, role=role or OTHER, header=header, derived=more, problems=problems)


def _name(element: etree._Element) -> str:
    name = element.text or ""
    if name[:1] in _BREAKS or name[-1:] in _BREAKS:
        name = name.strip()
    if not name or len(name) > MAX_NAME or len(element):
        raise MetadataError(f"<file> in line {element.sourceline} does not hold the name of a file")
    if name.startswith("/") or ".." in name.split("/"):
        raise MetadataError(f"{_shown(name)!r} in line {element.sourceline} leaves the folder")
    return name


def _group_key(element: etree._Element, entry: FileEntry) -> str | None:
    """Key of the image group that a file is in; of its own name outside one; None for the others."""
    parent = element.getparent()
    if parent is not None and parent.tag == "group":
        key = str(parent.get("key", ""))
        above = parent.getparent()
        nested = above is not None and above.tag == "group"
        if key and (nested or key not in (IMAGES, OTHERS)):
            return key
    return None if entry.role == OTHER else BUILT_IN.group_key(entry.name)


def _shown(text: object) -> str:
    """The beginning of a text from outside, on one line and without control characters."""
    plain = "".join(c if c.isprintable() else " " for c in str(text)[:80])
    return " ".join(plain.split())


def validate(data: bytes) -> tuple[str, ...]:
    """What is wrong with a document by the schema that STOA ships; empty if nothing is.

    Raises
    ------
    MetadataError
        If it cannot be parsed at all, as in `from_xml`.
    """
    schema = _schema()
    if schema.validate(_parse(data)):
        return ()
    errors = cast("Iterable[etree._LogEntry]", schema.error_log)  # the stubs do not know that it is one
    return tuple(f"line {error.line}: {_shown(error.message)}" for error in errors)


@lru_cache(maxsize=1)
def _schema() -> etree.XMLSchema:
    from importlib.resources import files  # with `tempfile` 3 ms to import

    from lxml import etree

    return etree.XMLSchema(etree.fromstring(files("stoa.meta").joinpath("stoa-meta.xsd").read_bytes()))
