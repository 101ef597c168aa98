"""Tables of the pages: selectable, without positions that outlive their rows, and with files of what they show."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd
import streamlit as st

from stoa.errors import StoaError
from stoa.show.steps import STEP_COLUMN, step_in_words
from stoa.show.symbols import with_symbol
from stoa.show.table import Table as Shown  # beside that of astropy
from stoa.show.words import clock, safe
from stoa.sources.files import content
from stoa.ui import desk, picking, sent
from stoa.ui.asking import problem_box

if TYPE_CHECKING:
    from astropy.table import Table

ROWS = "stoa rows"
"""Where the session keeps what the rows of each selectable table are."""

UNWRITTEN = "stoa unwritten"
"""Where the session keeps why a table could not be written, until the page has said so."""

JOB = ("target", "group")
"""The columns that name a job."""

FORMATS = {
    "CSV": (".csv", "text/csv"),
    "VOTable": (".vot", "application/x-votable+xml"),
    "FITS": (".fits", "image/fits"),
}
"""Label -> suffix and media type of the files of a table."""

UNITS = {"duration_s": "s", "memory_mb": "Mbyte", "freq_ghz": "GHz", "ra_deg": "deg", "dec_deg": "deg"}

HEADINGS = {
    "duration_s": "took (s)", "memory_mb": "peak (MB)", "freq_ghz": "freq (GHz)", "ra_deg": "RA (deg)",
    "dec_deg": "Dec (deg)", "params": "set", "group": "image group", "started": "started (UTC)",
}  # fmt: skip

WIDE: dict[str, int] = {"group": 170, "cause": 380, "text": 300, "when": 150}
"""Widths of columns whose texts may be long, in pixels."""

MOST_ROWS = 10_000
"""Rows of a table that go to the browser; a hundred thousand would be ten megabytes at each click on a filter."""

Mode = Literal["multi-row", "single-row"]


def digest(frame: pd.DataFrame, identity: Sequence[str] = JOB) -> str:
    """What the rows of a table are, and in which order, in a few letters."""
    names = (column.astype(str) for column in (frame[name] for name in identity))
    lines = "\n".join("\t".join(parts) for parts in zip(*names, strict=True))
    return blake2b(lines.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def selectable(
    frame: pd.DataFrame,
    key: str,
    *,
    identity: Sequence[str] = JOB,
    columns: Sequence[str] = (),
    mode: Mode = "multi-row",
    height: int = 420,
    config: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """Show a table, of a very long one its first rows, and give the rows that are selected.

    Streamlit keeps a selection as positions under the widget's key, also when other rows come to these positions. The
    key therefore holds a digest of the rows: when they change, nothing is selected any more. Rows that were picked in
    an application on the desktop are selected at first.

    Parameters
    ----------
    identity
        The columns that name a row; their values are what actions are given.
    columns
        The columns to show, in this order; () shows all.
    """
    whole, frame = len(frame), frame.head(MOST_ROWS)
    if whole > len(frame):
        st.caption(f"The first {len(frame)} of {whole} rows; the filters bring others here, and Export has them all.")
    shown = cells(frame[list(columns)] if columns else frame)
    mark = st.session_state[f"{ROWS} {key}"] = digest(frame, identity)
    number, picked = picking.positions(frame, key, mark)
    default: Any = {"selection": {"rows": picked if mode == "multi-row" else picked[:1]}} if number else None
    event: Any = st.dataframe(
        shown, key=f"{key} {mark}" + (f" {number}" if number else ""), on_select="rerun", selection_mode=mode,
        selection_default=default, hide_index=True, height=min(height, 37 + 35 * max(len(frame), 1)), placeholder="",
        column_config={**_headings(shown), **(config or {})},
    )  # fmt: skip
    return frame.iloc[[row for row in event.selection.rows if row < len(frame)]]


def plain(frame: pd.DataFrame, *, height: int = 300, config: Mapping[str, Any] | None = None) -> None:
    """Show a table of which nothing is selected."""
    shown = cells(frame)
    st.dataframe(
        shown, hide_index=True, height=min(height, 37 + 35 * max(len(frame), 1)), placeholder="",
        column_config={**_headings(shown), **(config or {})},
    )  # fmt: skip


def cells(frame: pd.DataFrame) -> pd.DataFrame:
    """A table as it is shown: statuses with their symbols, times to the second, control characters visible."""
    shown = frame.copy(deep=False)
    for name in frame.columns:
        column = frame[name]
        if name in ("status", "state"):
            shown[name] = _mapped(column, with_symbol)
        elif str(name).startswith(STEP_COLUMN):
            shown[name] = _mapped(column, step_in_words)
        elif name in ("started", "time", "when"):
            shown[name] = _mapped(column, _moment)
        elif not pd.api.types.is_any_real_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
            shown[name] = _mapped(column, _text)
    return shown


def _mapped(column: pd.Series, change: Callable[[Any], Any]) -> pd.Series:
    """A column with every value changed; of a category each value once."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        new = {old: change(old) for old in column.cat.categories}
        return column.map(new) if len(set(new.values())) == len(new) else column.astype(object).map(new)
    return column.map(change)


def _text(value: Any) -> Any:
    return safe(value) if isinstance(value, str) else value


def _moment(value: Any) -> str:
    return clock(str(value), 16).replace("T", " ").removesuffix("Z") if value else ""


def _headings(shown: pd.DataFrame) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in shown.columns:
        heading = HEADINGS.get(name, name)
        if pd.api.types.is_float_dtype(shown[name]):
            found[name] = st.column_config.NumberColumn(heading, format="%.5g")
        elif heading != name or name in WIDE:
            found[name] = st.column_config.Column(heading, width=WIDE.get(name))
    return found


def places(frame: pd.DataFrame, chosen: pd.DataFrame) -> list[int]:
    """Where selected rows are in their table, counted from 0."""
    return [int(place) for place in frame.index.get_indexer(chosen.index)] if len(chosen) else []


def export(
    frame: pd.DataFrame, name: str, *, units: Mapping[str, str] | None = None, key: str = "",
    selected: Sequence[int] = (),
) -> None:  # fmt: skip
    """A menu that writes a table as CSV, VOTable or FITS, each made when it is asked for, or sends it to TOPCAT.

    Parameters
    ----------
    key
        That of `selectable`, if rows of the table can be selected: then rows that are picked in TOPCAT are told.
    selected
        The rows that are selected now, which can be selected in TOPCAT, too.
    """
    made = partial(to_table, frame, name, units or {})
    _files(made, partial(_about, frame, name, key), name, key or name, len(frame), selected)


def export_table(table: Table, name: str, *, key: str = "", pair: str = "", selected: Sequence[int] = ()) -> None:
    """The same for a table of astropy, with its units and descriptions."""

    def about() -> sent.Sent:
        named = {title: list(map(str, table[title])) for title in JOB if title in table.colnames}
        return _about(pd.DataFrame(named), name, key, pair)

    made = lambda *, ascii_only: _escaped(table) if ascii_only else table  # noqa: E731 - the other one is a partial
    _files(made, about, name, key or name, len(table), selected)


def _about(frame: pd.DataFrame, name: str, key: str, pair: str = "") -> sent.Sent:
    """What the rows of a table that is sent now are about."""
    columns = {title: tuple(frame[title].astype(str)) if title in frame else () for title in JOB}
    if not pair and "pair" in frame and frame["pair"].nunique() == 1:
        pair = str(frame["pair"].iloc[0])
    return sent.Sent(
        id=sent.new_id(), name=_file_name(name), where=key, digest=_mark(key), pair=pair,
        targets=columns["target"], groups=columns["group"],
    )  # fmt: skip


def _mark(key: str) -> str:
    return str(st.session_state.get(f"{ROWS} {key}", ""))


def _files(
    made: Callable[..., Table], about: Callable[[], sent.Sent], name: str, key: str, rows: int, selected: Sequence[int]
) -> None:
    with st.popover("Export", disabled=not rows, help=f"{rows} rows" if rows else "There is no row to export."):
        problem = st.session_state.pop(f"{UNWRITTEN} {key}", None)
        if problem is not None:
            problem_box(problem)
        hand = partial(_handed_over, made, key)  # before the page is drawn again: it takes a while with a long table
        for label, (suffix, media) in FORMATS.items():
            save = partial(desk.save, f"{_file_name(name)}{suffix}", media)
            st.button(label, key=f"export {key} {label}", width="stretch", on_click=hand, args=(suffix, save))
        why = "" if desk.can_send() else desk.NO_WAY
        st.button(
            "Send to TOPCAT", key=f"send {key}", width="stretch", disabled=bool(why), help=why or None,
            on_click=hand, args=(".fits", lambda file: desk.send_table(about(), file)),
        )  # fmt: skip
        if selected:
            label = f"Select in TOPCAT ({len(selected)})"
            st.button(
                label, key=f"select {key}", width="stretch", disabled=bool(why), on_click=_select,
                args=(hand, about, key, selected),
            )  # fmt: skip


def _select(hand: Callable[..., None], about: Callable[[], sent.Sent], key: str, selected: Sequence[int]) -> None:
    """Select rows of a table in TOPCAT, which gets the table first if it has not had it."""
    if known := desk.sent_as(key, _mark(key)):
        desk.select(known, selected)
        return
    table = about()

    def give(file: bytes) -> None:
        desk.send_table(table, file)
        desk.select(table.id, selected)

    hand(".fits", give)


def _handed_over(made: Callable[..., Table], key: str, suffix: str, hand: Callable[[bytes], None]) -> None:
    """Make a file and give it to the browser; where it cannot be written the page says so, and no file comes."""
    try:
        file = content(made(ascii_only=suffix == ".fits"), suffix)
    except StoaError as problem:
        st.session_state[f"{UNWRITTEN} {key}"] = problem
        return
    hand(file)


def _file_name(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "@+-_." else "_" for letter in name)[:120]


def to_table(frame: pd.DataFrame, name: str, units: Mapping[str, str], *, ascii_only: bool = False) -> Table:
    """A data frame as a table of astropy: texts as they are recorded, numbers with units, absent values masked."""
    import numpy as np
    from astropy.table import MaskedColumn, Table

    found = {**UNITS, **units}
    columns = []
    for title in frame.columns:
        column = frame[title]
        if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
            data = column.to_numpy(dtype=column.dtype.type if not column.isna().any() else float)
            mask = column.isna().to_numpy()
            columns.append(MaskedColumn(data, name=title, mask=mask, unit=found.get(title) or None))
            continue
        texts = ["" if value is None or value is pd.NA or value != value else str(value) for value in column]
        columns.append(MaskedColumn(np.array(texts, dtype=str), name=title))
    table = Table(columns, meta={"name": name})
    return _escaped(table) if ascii_only else table


def _escaped(table: Table) -> Table:
    """A table whose texts are in ASCII, as FITS wants them; other letters become escapes."""
    made = table.copy(copy_data=False)
    for title in made.colnames:
        if made[title].dtype.kind == "U" and not _is_ascii(made[title]):
            made[title] = [str(text).encode("ascii", "backslashreplace").decode() for text in made[title]]
    return made


def _is_ascii(column: Any) -> bool:
    """Whether all texts of a column are ASCII, told from their code points at once."""
    import numpy as np

    letters = np.ascontiguousarray(np.ma.getdata(np.ma.asarray(column)))
    return not letters.size or not letters.dtype.itemsize or int(letters.view(np.uint32).max()) < 128


def from_shown(shown: Shown) -> pd.DataFrame:
    """A table that was made for the terminal as a data frame of texts."""
    return pd.DataFrame(list(shown.rows), columns=[column.heading for column in shown.columns])
