"""Tables of a project: astropy's, with a display for notebooks, and as pandas and Arrow have them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.table import Column, Table

from stoa.errors import StoaError
from stoa.show.notebook import MOST_ROWS, fragment, paragraphs, records
from stoa.show.words import count, number

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

MOST_COLUMNS = 24
"""Columns of a table in a notebook; it says how many more there are."""

_MISSING = "install the extra `parquet`: `pip install 'stoa-tracking[parquet]'`"


class RecordTable(Table):  # type: ignore[misc]  # astropy carries no types
    """An astropy table with a display of its own; all that astropy does with tables works."""

    @property
    def table(self) -> Table:
        """The same columns as a plain astropy table."""
        return Table(self, copy=False)

    def to_pandas(self, index: Any = None, use_nullable_int: Any = True) -> pd.DataFrame:  # noqa: FBT002 - astropy's
        """The table as a data frame, as astropy makes it; the units are left out.

        Raises
        ------
        StoaError
            If pandas is not installed.
        """
        try:
            import pandas  # noqa: F401, ICN001 - only asked for
        except ImportError:
            raise StoaError("a data frame needs pandas, which is not installed", _MISSING) from None
        return super().to_pandas(index=index, use_nullable_int=use_nullable_int)

    def to_arrow(self) -> pa.Table:
        """The table as Arrow has it; masked values are null, a column's unit and description are its metadata.

        Raises
        ------
        StoaError
            If pyarrow is not installed.
        """
        try:
            import pyarrow as pa
        except ImportError:
            raise StoaError("an Arrow table needs pyarrow, which is not installed", _MISSING) from None
        arrays = [pa.array(list(_plain(self[name]))) for name in self.colnames]
        fields = [
            pa.field(name, array.type, metadata=_about(self[name]) or None)
            for name, array in zip(self.colnames, arrays, strict=True)
        ]
        return pa.Table.from_arrays(arrays, schema=pa.schema(fields))

    def _repr_html_(self) -> str:
        names = [name for name in self.colnames if not _is_empty(self[name])]
        shown = names[:MOST_COLUMNS]
        rows = [[_cell(self[name][row]) for name in shown] for row in range(min(len(self), MOST_ROWS))]
        headings = [_heading(self[name]) for name in shown]
        numbers = [_heading(self[name]) for name in shown if self[name].dtype.kind in "iuf"]
        notes = [count(len(self), "row")]
        if left := len(names) - len(shown):
            notes.append(f"{count(left, 'more column')} left out; `colnames` has the names")
        if empty := len(self.colnames) - len(names):
            notes.append(f"{count(empty, 'column')} without any value left out")
        made = records(headings, rows, numbers=numbers, total=len(self)) if len(self) else ""
        return fragment([made, paragraphs(["; ".join(notes)])])


def _is_empty(column: Any) -> bool:
    """Whether no row of a column has a value; a table without rows has all its columns."""
    if not len(column):
        return False
    return bool(np.all(getattr(column, "mask", False)) or (column.dtype.kind in "US" and not np.any(column != "")))


def _heading(column: Any) -> str:
    return f"{column.name} [{column.unit}]" if column.unit else str(column.name)


def _cell(value: Any) -> str:
    if value is np.ma.masked:
        return ""
    plain = value.item() if isinstance(value, np.generic) else value
    return number(plain, 6) if isinstance(plain, float) else str(plain)


def _plain(column: Column) -> Iterator[Any]:
    """Values as Python has them; None where one is masked."""
    for value in column:
        if value is np.ma.masked:
            yield None
        elif isinstance(value, np.ndarray):
            yield value.tolist()
        else:
            yield value.item() if isinstance(value, np.generic) else value


def _about(column: Column) -> dict[str, str]:
    facts = {"unit": str(column.unit or ""), "description": str(column.description or "")}
    return {name: text for name, text in facts.items() if text}
