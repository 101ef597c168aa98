"""VOTable documents (IVOA, 1.1 to 1.5), read without following an address, written with a coordinate system."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stoa.catalogue.formats import CatalogueError, content, pick
from stoa.catalogue.frames import Frame, frame_of
from stoa.catalogue.plain_tables import plain
from stoa.catalogue.positions import MAIN, frame_of_positions, has_positions, position_columns

if TYPE_CHECKING:
    from astropy.io.votable.tree import CooSys, Resource, TableElement, VOTableFile
    from astropy.table import Table

_HREF = (b"href", b"h\0r\0e\0f", b"<!ENTITY", b"E\0N\0T\0I\0T\0Y")


def read_votable(path: Path, wanted: str = "") -> Table:
    """A table of a VOTable document.

    Of several, those of the RESOURCE of type "results" come first, then those with positions. A STREAM with an address
    is refused: nothing is fetched, from the network or from another file.

    Raises
    ------
    CatalogueError
        If the document refers to data elsewhere, says that its query failed, or has several tables that match.
    """
    from astropy.io.votable import parse

    data = content(path)
    _check_streams(data, path)
    document = parse(BytesIO(data), verify="ignore")
    resources = list(_walk(document.resources))
    for resource in resources:
        for info in resource.infos:
            if info.name == "QUERY_STATUS" and str(info.value).upper() == "ERROR":
                raise CatalogueError(
                    f"{str(path)!r} is the answer of a query that failed: {info.content or 'no reason'}"
                )
    types = _types(data) if sum(bool(each.tables) for each in resources) > 1 and not wanted else []
    results = [each for each, kind in zip(resources, types, strict=False) if kind == "results" and each.tables]
    inner = [
        table
        for resource in (results or resources)
        for table in resource.tables
        if not table.is_empty() or table.fields
    ]
    if not inner:
        raise CatalogueError(f"{str(path)!r} cannot be read as votable: it has no table")
    systems = {each.ID: each for holder in (document, *resources) for each in holder.coordinate_systems}
    tables: dict[str, Table] = {}
    for number, element in enumerate(inner, 1):
        name = element.name or element.ID or f"table {number}"
        tables[name if name not in tables else f"{name} ({number})"] = _table(element, systems, path)
    return pick(tables, wanted, path, {name: has_positions(table) for name, table in tables.items()})


def _walk(resources: list[Resource]) -> Iterator[Resource]:
    for resource in resources:
        yield resource
        yield from _walk(resource.resources)


def _events(data: bytes) -> Iterator[tuple[str, dict[str, str]]]:
    from astropy.utils.xml.iterparser import get_xml_iterator

    with get_xml_iterator(BytesIO(data)) as events:
        for starts, tag, attributes, _ in events:
            if starts:
                yield tag, attributes


def _check_streams(data: bytes, path: Path) -> None:
    """Refuse data that are elsewhere; documents without the word ``href`` are not looked through."""
    if not any(word in data for word in _HREF):
        return
    for tag, attributes in _events(data):
        if tag.rpartition(":")[2] == "STREAM" and any(name.rpartition(":")[2] == "href" for name in attributes):
            raise CatalogueError(
                f"{str(path)!r} has its data elsewhere ({attributes.get('href', '')[:80]}), and STOA fetches nothing",
                "save the table with its data in it, in TOPCAT for example",
            )


def _types(data: bytes) -> list[str]:
    return [attributes.get("type", "") for tag, attributes in _events(data) if tag.rpartition(":")[2] == "RESOURCE"]


def _table(element: TableElement, systems: dict[str, CooSys], path: Path) -> Table:
    table = plain(element.to_table(use_names_over_ids=True), str(path))
    referred = {
        member.get_ref().ID: group.ref
        for group in element.iter_groups()
        if group.ref in systems
        for member in group.entries
        if hasattr(member, "get_ref")
    }
    for field, name in zip(element.fields, table.colnames, strict=True):
        system = systems.get(field.ref or referred.get(field.ID, ""))
        if system is not None:
            table[name].meta["frame"] = _words(system, path)
    if len(systems) == 1 and not any("frame" in table[name].meta for name in table.colnames):
        table.meta["frame"] = _words(next(iter(systems.values())), path)
    facts = {info.name: int(info.value) if info.value.isdecimal() else info.value for info in element.infos}
    table.meta |= facts
    return table


def _words(system: CooSys, path: Path) -> str:
    """A coordinate system in words; one that is not understood is left to who needs the positions."""
    where = f"{str(path)!r}, COOSYS {system.ID}"
    name = str(system.system or getattr(system, "refframe", "") or "")
    try:
        return frame_of(name, where, str(system.equinox or ""), str(system.epoch or "")).words
    except CatalogueError:
        return " ".join(filter(None, (name, str(system.equinox or ""))))


def votable(table: Table, name: str) -> VOTableFile:
    """A plain table as a document, with a coordinate system that its positions refer to."""
    from astropy.io.votable.tree import Info, VOTableFile

    bare = table.copy(copy_data=False)
    bare.meta = {}
    for column in bare.itercols():
        column.meta.pop("frame", None)
    document = VOTableFile.from_table(bare)
    resource = document.resources[0]
    inner = resource.tables[0]
    frame = Frame()
    own: set[str] = set()
    if has_positions(table):
        columns = position_columns(table, name)
        frame = frame_of_positions(table, columns, name)
        own = {columns.ra, columns.dec}
    system = _coosys(frame)
    resource.coordinate_systems.append(system)
    for field in inner.fields:
        if field.name in own or (field.ucd in MAIN and frame.is_icrs):
            field.ref = system.ID
        if field.datatype in ("unicodeChar", "char") and table[field.name].ndim == 1:
            field.arraysize = "*"  # also where no row, or one letter, would make it a character
    inner.infos.extend(  # with an ID of their own: astropy takes the name, which may be that of a column
        Info(ID=f"fact_{number}", name=str(key), value=fact(value))
        for number, (key, value) in enumerate(table.meta.items(), 1)
        if key != "frame"
    )
    return document


def _coosys(frame: Frame) -> CooSys:
    from astropy.io.votable.tree import CooSys

    facts: dict[str, Any] = {"epoch": frame.epoch} if frame.epoch else {}
    if frame.name in ("fk5", "fk4"):
        equinox = frame.equinox or {"fk5": "J2000", "fk4": "B1950"}[frame.name]
        return CooSys(ID="sky", system=f"eq_{frame.name.upper()}", equinox=equinox.removesuffix(".0"), **facts)
    if frame.is_icrs:
        return CooSys(ID="sky", system="ICRS", **facts)
    if frame.name in ("galactic", "supergalactic"):
        return CooSys(ID="sky", system=frame.name, **facts)
    raise CatalogueError(f"a VOTable has no name for the frame {frame.words}")


def fact(value: Any) -> str:
    """A fact of a table as text."""
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
