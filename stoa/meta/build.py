"""From a target folder to its description: its files are listed, read, grouped, and completed from one another."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import closing
from functools import partial
from operator import itemgetter
from pathlib import Path

import msgspec
from msgspec import Struct

from stoa.meta import roles
from stoa.meta.defects import UNREADABLE, Defect
from stoa.meta.document import KEYWORDS, READER, Document, FileEntry, ImageGroup, MetadataError, ordered
from stoa.meta.facts import facts
from stoa.meta.gain import central_row, is_blank, measured, sampled_rows
from stoa.meta.header import FitsFile, Header, Span, pixels_of, read
from stoa.meta.package import PackageFiles, package_facts, package_files
from stoa.meta.rules import IMAGE_ROLES, OTHER
from stoa.meta.rules import UNREADABLE as UNREADABLE_ROLE  # UNREADABLE is a problem here
from stoa.meta.scan import Found, Scan, scan
from stoa.meta.siblings import complete, with_dish
from stoa.meta.sky import WORLD, Getter
from stoa.meta.table import BUILT_IN, RoleTable
from stoa.meta.units import why_no_flux
from stoa.opening import open_regular


class Seen(Struct, frozen=True):
    """A file's entry as it was made once, with what tells whether it still holds."""

    size: int
    mtime_ns: int
    made_by: str
    entry: FileEntry


class Listing(Struct, frozen=True):
    """What a document is made from, without any file having been opened."""

    folder: Path
    scan: Scan
    package: PackageFiles

    def stamp(self, table: RoleTable, *, checksums: bool = False) -> str:
        """Digest that changes when a file comes, goes, grows, shrinks or is written, or the rules change."""
        lines = [f"{made_by(table, checksums=checksums)} {self.folder}", *self.scan.problems]
        lines += [f"{file.name}/{file.size} {file.mtime_ns} {file.problem}" for file in self.scan.files]
        lines += [_file_stamp(path) for path in (*self.package.reports, *self.package.scripts)]
        return hashlib.sha256("\0".join(lines).encode("utf-8", "surrogateescape")).hexdigest()[:32]


def _file_stamp(path: str) -> str:
    try:
        status = os.stat(path)
    except OSError:
        return path
    return f"{path}/{status.st_size} {status.st_mtime_ns}"


def made_by(table: RoleTable, *, checksums: bool) -> str:
    """What tells entries apart that would come out differently for the same file."""
    return f"{READER}-{table.digest}{'-sha256' if checksums else ''}"


def look(folder: Path) -> Listing:
    """List a target folder and the files of its package.

    Raises
    ------
    MetadataError
        If there is no such folder.
    """
    found = scan(folder)
    # Only a folder that cannot be listed is looked at again: a further call for each costs on a network disk.
    # Unlike `Path.is_dir` this does not raise where a folder above may not be entered.
    if not found.listed.get("") and not os.path.isdir(folder):
        raise MetadataError(f"there is no folder {str(folder)!r} to describe")
    return Listing(folder, found, package_files(folder, found.listed))


def build(
    folder: Path | Listing,
    cache: MutableMapping[str, Seen] | None = None,
    table: RoleTable = BUILT_IN,
    *,
    checksums: bool = False,
) -> Document:
    """Describe a target folder.

    Parameters
    ----------
    folder
        The folder, or what `look` gave for it.
    cache
        Entries by file name from an earlier call; a file whose size and modification time are the same is not
        opened. Brought up to date: what is new is added, what is gone is removed.
    table
        The table of roles.
    checksums
        Whether to read every file whole and give its SHA-256.

    Returns
    -------
    document
        Equal for equal folders, whatever the machine, the time and the order in which files were written.

    Raises
    ------
    MetadataError
        If there is no such folder.
    """
    listing = folder if isinstance(folder, Listing) else look(folder)
    maker = made_by(table, checksums=checksums)
    describer = partial(_with_sum if checksums else describe, table=table)
    seen = {file.name: _seen(file, cache, maker, describer) for file in listing.scan.files}
    if cache is not None:
        cache.clear()
        cache.update(seen)
    entries = [one.entry for one in seen.values()]
    origins = [(entry.name, entry.header["ORIGIN"]) for entry in entries if entry.role in IMAGE_ROLES]
    package = package_facts(listing.folder, listing.package, seen, origins)
    return assemble(entries, package, listing.scan.problems, table)


def assemble(
    entries: Iterable[FileEntry], package: dict[str, str], problems: Sequence[str] = (), table: RoleTable = BUILT_IN
) -> Document:
    """A document of entries: grouped, completed from siblings, in canonical order."""
    groups: dict[str, list[FileEntry]] = {}
    others = []
    for entry in with_dish(entries):
        if entry.role == OTHER:
            others.append(entry)
        else:
            groups.setdefault(table.group_key(entry.name), []).append(entry)
    return Document(
        groups=tuple([ImageGroup(key, complete(ordered(groups[key]))) for key in sorted(groups)]),
        others=ordered(others),
        package=package,
        problems=tuple(problems),
    )


def _seen(
    file: Found, cache: MutableMapping[str, Seen] | None, maker: str, describer: Callable[[Found], FileEntry]
) -> Seen:
    known = cache.get(file.name) if cache else None
    if known and (known.size, known.mtime_ns, known.made_by) == (file.size, file.mtime_ns, maker):
        return known
    return Seen(file.size, file.mtime_ns, maker, describer(file))


def _with_sum(file: Found, table: RoleTable) -> FileEntry:
    """The entry of a file with the SHA-256 of its whole content, where it can be read."""
    entry = describe(file, table)
    if file.problem or "size" not in entry.derived:
        return entry
    try:
        with open_regular(file.path, follow_links=True) as content:
            total = hashlib.file_digest(content, "sha256").hexdigest()
    except OSError:
        return entry
    derived = {"size": entry.derived["size"], "sha256": total, **entry.derived}
    return msgspec.structs.replace(entry, derived=derived)


def describe(file: Found, table: RoleTable = BUILT_IN) -> FileEntry:
    """The entry of one file by its own name and content."""
    if roles.is_fits_name(file.name):
        if file.problem:
            return _fits_entry(file.name, FitsFile(defects=(Defect(file.problem),)), "", table)
        return _fits_entry(file.name, *_read(file, table), table)
    if file.problem:
        return FileEntry(name=file.name, role=OTHER, problems=(file.problem,))
    named = table.role_of(file.name, None) if roles.is_tarball_name(file.name) else OTHER
    if named == OTHER:
        return FileEntry(name=file.name, role=OTHER, derived={"size": str(file.size)})
    derived = {"size": str(file.size)} | _shown(file.name, None)
    return FileEntry(name=file.name, role=named, derived=derived, problems=(Defect.TARBALL,))


def _read(file: Found, table: RoleTable) -> tuple[FitsFile, str]:
    """A file and its role; of a primary beam or an image a row of its pixels as well, in the same pass."""
    role = ""

    def row(header: Header) -> Span | None:
        nonlocal role
        role = table.role_of(file.name, header.text)
        return central_row(header) if role in _WITH_ROW else None

    fits = read(file.path, row)
    if fits.header and (fits.image or not role):
        role = table.role_of(file.name, fits.header.text)
    if role in IMAGE_ROLES and not fits.image and _is_blank(file.path, fits):
        fits = msgspec.structs.replace(fits, defects=(*fits.defects, Defect.BLANK))
    return fits, role


_WITH_ROW = frozenset({"primaryBeam", *IMAGE_ROLES})


def _is_blank(path: str, fits: FitsFile) -> bool:
    """Whether an image has no pixel with a value; only where its middle row has none is more of it looked at."""
    header = fits.header
    if header is None or not is_blank(header, fits.pixels):
        return False
    with closing(pixels_of(path, header, sampled_rows(header))) as rows:
        return all(is_blank(header, row) for row in rows)


_OF_DOCUMENT = itemgetter(*KEYWORDS)


def _fits_entry(name: str, fits: FitsFile, role: str, table: RoleTable) -> FileEntry:
    problems: tuple[str, ...] = tuple([str(defect) for defect in fits.defects])
    derived = {"size": str(fits.size)}
    if fits.header is None or not UNREADABLE.isdisjoint(fits.defects):
        derived["named_role"] = table.role_of(name, None)
        return FileEntry(name=name, role=UNREADABLE_ROLE, derived=derived | _shown(name, None), problems=problems)
    get = fits.header.text
    derived["header_sha256"] = fits.digest
    if fits.image:
        derived["hdu"] = str(fits.image)
    derived |= _shown(name, get)
    history = partial(fits.header.history, b"BMAJ=")
    derived |= facts(fits.header.texts, fits.beam, history, name, fits.header.world)
    if role in IMAGE_ROLES:
        unit = get("BUNIT")
        if unit and (why := why_no_flux(unit)):
            derived["no_unit"] = why
        problems = (*problems, *_unclear(unit, derived))
    if role == "primaryBeam":
        derived |= measured(fits, derived.get("pixel_arcsec", ""), name)
    header = dict(zip(KEYWORDS, _OF_DOCUMENT(fits.header.texts), strict=True))
    return FileEntry(name=name, role=role, header=header, derived=derived, problems=problems)


def described(name: str, header: dict[str, str], role: str) -> FileEntry:
    """The entry of a file for which a foreign document gives the name, header texts and perhaps the role."""
    texts = defaultdict(str, header)
    get = texts.__getitem__
    known = tuple(keyword for keyword in header if WORLD.fullmatch(keyword))
    derived = _shown(name, get) | facts(texts, name=name, keywords=known) if header else _shown(name, None)
    return FileEntry(name=name, role=role or BUILT_IN.role_of(name, get), header=header, derived=derived)


def _unclear(unit: str, derived: Mapping[str, str]) -> Iterator[Defect]:
    """What an image says of its place on the sky, its frequency and its unit that is not understood."""
    if "no_position" in derived:
        yield Defect.NO_POSITION
    elif "pixel_arcsec" not in derived:
        yield Defect.NO_CELESTIAL
    if "no_frequency" in derived:
        yield Defect.ODD_SPECTRUM
    if "no_unit" in derived:
        yield Defect.ODD_UNIT
    elif not unit:
        yield Defect.NO_UNIT


def _shown(name: str, get: Getter | None) -> dict[str, str]:
    """Whether it shows the science target or a calibrator, and how the image was made."""
    calibrator = roles.calibrator_of(name, get)
    kind = roles.kind_of(name, get)
    if calibrator:
        return {"intent": "calibrator", "calibrator": calibrator, "kind": kind}
    return {"intent": "science", "kind": kind}
