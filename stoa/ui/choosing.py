"""One name that a page is about: it is in the address, and a row of a table chooses it."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from stoa.ui.filters import URL


def one(rows: pd.DataFrame, column: str, label: str, key: str) -> str:
    """The name in the field of this key, which a newly selected row replaces; "" where nothing is chosen.

    Parameters
    ----------
    rows
        The selected rows of a table; one or none.
    column
        The column that holds the name.
    """
    picked = str(rows.iloc[0][column]) if len(rows) else ""
    last = f"stoa last {key}"
    if picked and picked != st.session_state.get(last):
        st.session_state[key] = picked
    st.session_state[last] = picked
    return str(st.text_input(label, key=key, bind=URL, width=420)).strip()
