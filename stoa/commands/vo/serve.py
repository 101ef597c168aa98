"""A catalogue as a cone search service."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from stoa.catalogue.formats import CatalogueError
from stoa.catalogue.positions import position_columns, positions
from stoa.catalogue.tables import write_table
from stoa.sources.stack import sources_of
from stoa.vo.cone_service import MOST_ROWS, ConeService
from stoa.vo.serving import Server
from stoa.workspace.open import Workspace

if TYPE_CHECKING:
    import numpy as np
    from astropy.table import Table
    from numpy.typing import NDArray

PORT = 8481
MOST = MOST_ROWS
_RA, _DEC, _ID = "POS_EQ_RA_MAIN", "POS_EQ_DEC_MAIN", "ID_MAIN"  # the words of 1995 that the standard wants
_MAIN = ("meta.main", "_main")
_NAMES = ("name", "id", "designation", "source_id", "object")


class Served(msgspec.Struct, frozen=True):
    """A service that answers."""

    address: str  # of the cone search, to be given to clients
    rows: int
    without_position: int


def serve(
    ws: Workspace,
    source: str,
    *,
    host: str = "127.0.0.1",
    port: int = PORT,
    most: int = MOST,
    keep: Iterable[str] = (),
    quality: bool = False,
    started: Callable[[Served], None],
) -> None:
    """Serve a run's stacked sources, or a table file, until it is interrupted.

    Parameters
    ----------
    most
        Rows of one answer.
    started
        Called when the service can be asked.

    Raises
    ------
    StoaError
        If the table has no positions, or the port is taken.
    """
    table = sources_of(ws, source, keep, quality=quality)
    with tempfile.TemporaryDirectory(prefix="stoa-vo-") as folder:
        service = cone_service(table, source, Path(folder), most)
        with Server(host, port, service.answer) as server:
            started(Served(f"{server.address}/cone?", len(table), len(table) - service.searchable))
            server.serve_forever()


def cone_service(table: Table, name: str, folder: Path, most: int = MOST) -> ConeService:
    """A table as a cone search service.

    Parameters
    ----------
    folder
        Where files are written that the service needs, as long as it is used.
    """
    table, ra, dec = searchable(table, name)
    write_table(_as_declared(table), folder / "empty.vot")
    fits = folder / "table.fits"
    with suppress(CatalogueError):  # text that FITS lacks: then there is no such download
        write_table(table, fits)
    empty = (folder / "empty.vot").read_text(encoding="utf-8")
    return ConeService(table, empty, ra, dec, fits=fits if fits.is_file() else None, most=most)


def searchable(table: Table, name: str) -> tuple[Table, NDArray[np.float64], NDArray[np.float64]]:
    """A table with the three columns that a cone search must have, and the positions in ICRS degrees.

    Its own columns are taken if they are what the standard wants: decimal degrees in ICRS, and texts of which each is
    there once. Otherwise columns are put in front: ``ra_icrs`` and ``dec_icrs``, and ``row``, counted from 1.
    """
    import numpy as np
    from astropy.table import Column

    made = table.copy(copy_data=False)
    ra, dec = positions(made, name)
    found = position_columns(made, name)
    for title in made.colnames:  # only one column may have each of these words
        ucd = str(made[title].meta.get("ucd", ""))
        if ucd.lower().endswith(_MAIN):
            made[title].meta["ucd"] = ucd.partition(";")[0] if ";" in ucd else ""
    own = [found.ra, found.dec]
    if not all(each in made.colnames and _holds(made[each], here) for each, here in zip(own, (ra, dec), strict=True)):
        own = [_free(made, "ra_icrs"), _free(made, "dec_icrs")]
        made.add_columns([Column(ra), Column(dec)], names=own, indexes=[0, 0])
    for title, ucd in zip(own, (_RA, _DEC), strict=True):
        made[title].meta["ucd"] = ucd
        made[title].unit = "deg"
    identity = _identity(made)
    if not identity:
        identity = _free(made, "row")
        made.add_column(Column(np.arange(1, len(made) + 1).astype(str)), name=identity, index=0)
    made[identity].meta["ucd"] = _ID
    made.meta.pop("frame", None)
    return made, ra, dec


def _holds(column: Any, degrees: NDArray[np.float64]) -> bool:
    """Whether a column has positions in ICRS degrees as they are."""
    import numpy as np

    if column.dtype.kind != "f" or column.ndim > 1:
        return False
    values = np.ma.filled(np.ma.asarray(column), np.nan)
    return bool(np.array_equal(values, degrees, equal_nan=True))


def _identity(table: Table) -> str:
    """The column of texts that tells each row from the others, "" if there is none."""
    import numpy as np

    texts = [name for name in table.colnames if table[name].dtype.kind == "U" and table[name].ndim == 1]
    likely = [name for name in texts if str(table[name].meta.get("ucd", "")).lower().startswith(("meta.id", "id"))]
    likely += [name for name in texts if name.lower() in _NAMES]
    for name in dict.fromkeys(likely):
        values = np.ma.filled(np.ma.asarray(table[name]), "")
        if len(np.unique(values)) == len(values) and (values != "").all():
            return str(name)
    return ""


def _free(table: Table, name: str) -> str:
    """A name that no column has, whatever its case."""
    taken = {title.lower() for title in table.colnames}
    return next(each for each in (name, *(f"{name}_{n}" for n in range(2, 999))) if each not in taken)


def _as_declared(table: Table) -> Table:
    """The table without rows; columns of ASCII texts are told apart from others, since the standard wants ``char``."""
    import numpy as np

    empty = table[:0]
    for name in table.colnames:
        column = table[name]
        if column.dtype.kind == "U" and column.ndim == 1:
            values = np.ma.filled(np.ma.asarray(column), "").tolist()
            if all(map(str.isascii, values)):
                meta, words = dict(column.meta), column.description
                empty[name] = np.zeros(0, dtype="S1")
                empty[name].meta.update(meta)
                empty[name].description = words
    return empty
