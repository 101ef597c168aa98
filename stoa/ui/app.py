"""The entry script: what every page has."""

from __future__ import annotations

import streamlit as st

from stoa.ui.identity import who

st.set_page_config(page_title="STOA", layout="wide")
st.title("STOA")
st.text(f"{who().name} may {', '.join(sorted(who().may))}")
