"""Tables as text: delimited columns, VizieR's forms, and tables of CDS and journals with their ReadMe."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from stoa.catalogue.formats import CatalogueError, content
from stoa.catalogue.sexagesimal import number_texts
from stoa.csvcells import unguarded

if TYPE_CHECKING:
    from astropy.table import Column, Table

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DELIMITERS = (",", ";", "\t", "|")
_LOOKED_AT = 500  # lines by which a delimiter is found
_DASHES = re.compile(r"[-=][-=\s|;,\t+]*")
_COLUMN = re.compile(
    r"#Column\s+(?P<name>\S+)\s+\((?P<form>[^)]*)\)\s*(?P<words>.*?)\s*(?:\[ucd=(?P<ucd>[^\]]*)\])?\s*"
)
_DETAIL = re.compile(
    r"#\s+(?P<name>\S+)\s+(?:\((?P<unit>[^)]*)\)\s+)?\((?P<form>[AFIEaifeD]\d*[.\d]*)\)\s*(?P<words>.*?)"
    r"\s*(?:\[ucd=(?P<ucd>[^\]]*)\])?\s*"
)
_COOSYS = re.compile(r"#Coosys\s+\S+\s+(?P<system>\S.*?)\s*")
_BYTES = re.compile(r"\s*Byte-by-byte Description of file\s*:\s*(?P<files>.+)", re.IGNORECASE)


class _Described(Struct, frozen=True):
    """What VizieR says of a column."""

    unit: str
    form: str
    words: str
    ucd: str


def read_text(path: Path, kind: str) -> dict[str, Table]:
    """The tables of a text file, by name.

    Parameters
    ----------
    kind
        ``csv``, or ``text`` for columns that are separated or aligned in any way.

    Raises
    ------
    CatalogueError
        If it is not text, or its columns are not clear; the message has the line.
    """
    lines = lines_of(content(path), path)
    if lines and lines[0].startswith("# %ECSV"):
        return {path.name: read_ecsv(lines)}
    if any(_BYTES.fullmatch(line) for line in lines[:_LOOKED_AT]):
        return {path.name: _read_cds(lines)}
    if kind == "text" and (readme := _readme(path)):
        return {path.name: _read_cds(str(path), readme)}
    if _is_vizier(lines):
        return _read_vizier(lines, path)
    return {path.name: _read_columns(lines, kind, path)}


def read_ecsv(lines: Sequence[str]) -> Table:
    """A table in ECSV."""
    from astropy.table import Table

    return Table.read(list(lines), format="ascii.ecsv")


def lines_of(data: bytes, path: Path) -> list[str]:
    """Lines of a text in UTF-8, or in what its byte order mark says.

    Raises
    ------
    CatalogueError
        If it is in another encoding, or no text.
    """
    encoding = next((name for mark, name in _BOMS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as problem:
        line = data[: problem.start].count(b"\n") + 1
        raise CatalogueError(
            f"{str(path)!r} is not text in {problem.encoding.upper()}: byte {problem.object[problem.start]:#04x} in"
            f" line {line}",
            "`iconv -f LATIN1 -t UTF-8` converts an older encoding",
        ) from None
    if "\0" in text:
        raise CatalogueError(f"{str(path)!r} cannot be read as text: it has bytes of zero")
    return re.split(r"\r\n|\n|\r", text.rstrip("\r\n"))


def _readme(path: Path) -> str:
    """The ReadMe beside a table of CDS that describes its columns; "" without one."""
    name = path.name.removesuffix(".gz")
    for file in sorted(path.parent.iterdir()):
        if file.name.lower() in ("readme", "readme.txt") and file.is_file():
            text = "\n".join(lines_of(content(file), file))
            described = [found["files"] for line in text.splitlines() if (found := _BYTES.fullmatch(line))]
            if any(fnmatch(name, pattern) for files in described for pattern in re.split(r"[,\s]+", files) if pattern):
                return text
    return ""


def _read_cds(table: str | list[str], readme: str = "") -> Table:
    from astropy.table import Table

    return Table.read(table, format="ascii.cds", **({"readme": readme} if readme else {}))


def _is_vizier(lines: Sequence[str]) -> bool:
    heads = ("#RESOURCE=", "#Column\t", "#---Details of Columns", "#Table\t", "#Coosys")
    if any(line.startswith(heads) for line in lines[:_LOOKED_AT]):
        return True
    bare = [line for line in lines[:_LOOKED_AT] if line.strip() and not line.startswith("#")]
    return any(_DASHES.fullmatch(line) and "---" in line for line in bare[1:4])


def _read_vizier(lines: Sequence[str], path: Path) -> dict[str, Table]:
    """Every table of an answer of VizieR: separated by a character, or aligned below a line of dashes."""
    tables: dict[str, Table] = {}
    described: dict[str, _Described] = {}
    systems: list[str] = []
    name, block = "", list[tuple[int, str]]()
    for number, line in enumerate([*lines, "#Table\t"], 1):
        if line.startswith(("#RESOURCE=", "#Table")):
            if block:
                name = name or f"table {len(tables) + 1}"
                tables[name] = _vizier_table(block, described, systems, path)
                block, described, name = [], {}, ""
        elif line.startswith("#Name:"):
            name = line.removeprefix("#Name:").strip()
        elif found := _COOSYS.fullmatch(line):
            systems.append(found["system"])
        elif found := _COLUMN.fullmatch(line):
            described[found["name"]] = _Described("", found["form"], found["words"], found["ucd"] or "")
        elif found := _DETAIL.fullmatch(line):
            described[found["name"]] = _Described(
                found["unit"] or "", found["form"], found["words"], found["ucd"] or ""
            )
        elif line.strip() and not line.startswith("#"):
            block.append((number, line))
    if not tables:
        raise CatalogueError(f"{str(path)!r} cannot be read as an answer of VizieR: it has no table")
    return tables


def _vizier_table(
    block: Sequence[tuple[int, str]], described: dict[str, _Described], systems: Sequence[str], path: Path
) -> Table:
    rules = [place for place, (_, line) in enumerate(block) if _DASHES.fullmatch(line) and "-" in line]
    head = next((place for place in rules if place > 0), None)
    if head is None or head > 4:
        raise CatalogueError(
            f"{str(path)!r}, line {block[0][0]}: there is no line of dashes below the names of columns"
        )
    first = 1 if rules[0] == 0 else 0
    delimiter = next((mark for mark in ("\t", "|", ";", ",") if mark in block[first][1]), "")
    spans = [found.span() for found in re.finditer(r"\S+", block[head][1])]

    def cells(line: str) -> list[str]:
        if delimiter:
            return [cell.strip().strip('"').strip() for cell in line.split(delimiter)]
        return [line[start:end].strip().strip('"').strip() for start, end in spans]

    names = cells(block[first][1])
    units = cells(block[first + 1][1]) if head > first + 1 else [""] * len(names)
    rows = []
    for number, line in block[head + 1 :]:
        row = cells(line)
        if len(row) != len(names):
            raise _ragged(path, number, len(row), len(names))
        rows.append(row)
    forms = {name: facts.form.lower().lstrip("0123456789") for name, facts in described.items()}
    texts = [name for name in names if forms.get(name, "").startswith("a")]
    table = table_of(names, rows, texts=texts, may_have_commas=delimiter != ",")
    for name, unit in zip(names, units, strict=True):
        facts = described.get(name)
        table[name].unit = unit or (facts.unit if facts else "") or None
        if facts:
            table[name].description = facts.words or None
            if facts.ucd:
                table[name].meta["ucd"] = facts.ucd
    if len(set(systems)) == 1:
        table.meta["frame"] = systems[0]
    return table


def _read_columns(lines: Sequence[str], kind: str, path: Path) -> Table:
    """Columns with a line of names above them, perhaps below comments with ``#``."""
    numbered = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    start = next((n for n, (_, line) in enumerate(numbered) if not line.lstrip().startswith("#")), len(numbered))
    comments, body = numbered[:start], numbered[start:]
    if not numbered:
        raise CatalogueError(f"{str(path)!r} cannot be read as {kind}: it has no columns")
    delimiter = _delimiter([line for _, line in (body or comments)], kind, path)
    if comments and (not body or _is_header(comments[-1][1], body[0][1], delimiter)):
        number, line = comments[-1]
        body = [(number, line.lstrip().lstrip("#").strip()), *body]
    if kind == "text":
        body = [(number, line) for number, line in body if not line.lstrip().startswith("#")]
    rows = list(_split(body, delimiter, path))
    names = [name.strip() for name in rows[0][1]]
    _check_names(names, f"{str(path)!r}, line {rows[0][0]}")
    for number, row in rows[1:]:
        if len(row) != len(names):
            raise _ragged(path, number, len(row), len(names))
    cells = [[unguarded(cell) for cell in row] for _, row in rows[1:]]
    return table_of(names, cells, may_have_commas=delimiter != ",")


def _check_names(names: Sequence[str], where: str) -> None:
    """See that a line has the names of columns, and is not the first row of a table without names."""
    numbers = [name for name in names if any(number_texts([name]) or [])]
    if number := next((name for name in numbers if not name.isdigit() or len(numbers) == len(names)), ""):
        raise CatalogueError(
            f"{where}: {number!r} is a number and not the name of a column",
            "write a line of names above the first row, such as `# ra dec flux`, one for each column",
        )
    if "" in names:
        raise CatalogueError(f"{where}: there is a column without a name", "give it one, or take the column out")
    if len(set(names)) < len(names):
        raise CatalogueError(f"{where}: there is the column {_twice(names)!r} twice", "give one of them another name")


def _delimiter(lines: Sequence[str], kind: str, path: Path) -> str:
    """The character that divides every line into the same number of cells; "" for blanks."""
    looked = lines[:_LOOKED_AT]
    counts = {mark: [len(row) for row in csv.reader(looked, delimiter=mark)] for mark in _DELIMITERS}
    even = [mark for mark, numbers in counts.items() if numbers[0] > 1 and len(set(numbers)) == 1]
    if len(even) == 1:
        return even[0]
    named = [mark for mark in _DELIMITERS if counts[mark][0] > 1]
    if even or len(named) > 1:
        marks = " and ".join(repr(mark) for mark in even or named)
        raise CatalogueError(f"{str(path)!r}: its columns may be separated by {marks}", "write it with one of them")
    if named:
        return named[0]
    return "," if kind == "csv" else ""


def _is_header(comment: str, line: str, delimiter: str) -> bool:
    """Whether a comment names the columns of the line below it, which has numbers."""
    bare = [text.strip().lstrip("#").strip() for text in (comment, line)]
    names, cells = (_cells(text, delimiter) for text in bare)
    has_number = any(cell.strip() and number_texts([cell]) for cell in cells)
    return len(names) == len(cells) > 1 and has_number and not any(number_texts([name]) for name in names if name)


def _cells(line: str, delimiter: str) -> list[str]:
    """Cells of one line; a cell in quotes may hold the delimiter."""
    if delimiter:
        return next(csv.reader([line], delimiter=delimiter))
    return next(csv.reader([re.sub(r"\s+", " ", line.strip())], delimiter=" "))


def _split(lines: Iterable[tuple[int, str]], delimiter: str, path: Path) -> Iterable[tuple[int, list[str]]]:
    if not delimiter:
        for number, line in lines:
            yield number, _cells(line, "")
        return
    given = list(lines)
    reader = csv.reader((f"{line}\n" for _, line in given), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            yield given[reader.line_num - 1][0], [cell.strip() for cell in row]
    except csv.Error as problem:
        raise CatalogueError(f"{str(path)!r}, line {given[reader.line_num - 1][0]}: {problem}") from problem


def _ragged(path: Path, line: int, found: int, wanted: int) -> CatalogueError:
    return CatalogueError(f"{str(path)!r}, line {line}: it has {found} columns, the line of names {wanted}")


def _twice(names: Sequence[str]) -> str:
    return next(name for number, name in enumerate(names) if name in names[:number])


def table_of(
    names: Sequence[str], rows: Sequence[Sequence[str]], *, texts: Iterable[str] = (), may_have_commas: bool
) -> Table:
    """Texts as a table, a column of numbers where all that is in it are numbers.

    Decimal commas are read where no number of the table has a point.

    Parameters
    ----------
    texts
        Columns that hold text whatever it looks like.
    """
    from astropy.table import Table

    kept = set(texts)
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    named = list(zip(names, columns, strict=True))
    numbers = [None if name in kept else number_texts(list(column)) for name, column in named]
    has_points = any("." in cell for column in numbers if column for cell in column)
    made = []
    for (name, column), found in zip(named, numbers, strict=True):
        values = found
        if values is None and may_have_commas and not has_points and name not in kept:
            values = number_texts(list(column), decimal_comma=True)
        made.append(_column(name, list(column), values))
    return Table(made, copy=False)


def _column(name: str, texts: list[str], numbers: list[str] | None) -> Column:
    import numpy as np
    from astropy.table import Column, MaskedColumn

    if numbers is None or not any(numbers):
        return Column(np.array(texts, dtype=str), name=name)
    mask = np.array([not cell for cell in numbers])
    filled = np.array([cell or "0" for cell in numbers])
    values: Any = None
    if not any(cell.startswith("-") and not cell.strip("-0") for cell in numbers):  # an integer would lose the sign
        for kind in (np.int64, np.uint64):
            try:
                values = filled.astype(kind)
                break
            except (ValueError, OverflowError):
                continue
    values = filled.astype(np.float64) if values is None else values
    return MaskedColumn(values, name=name, mask=mask) if mask.any() else Column(values, name=name)
