"""Texts of people, files and records in each format: shown, never obeyed."""

from __future__ import annotations

import csv
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoa.catalogue.diagrams import cause_bars
from stoa.catalogue.plots import figure_of, head, save
from stoa.csvcells import guarded, unguarded
from stoa.publish.latex import bibtex_value, latex, typewriter, url
from stoa.publish.markdown import code, markdown
from stoa.show.html import text as as_html

HOSTILE = [
    r"\input{/etc/passwd}",
    "50 % of $x_1 & #2",
    "}} @article{evil,",
    "<script>alert(1)</script>",
    "[click](javascript:alert(1))",
    "![x](http://example.org/x.png)",
    "# no heading",
    "`code` ``more``",
    "a | b | c",
    "line\nbreak \x1b[31m red",
    "&lt;b&gt;",
    "$\\frac{1}{0$",
    "1. first",
    "http://example.org/?a=1",
    "~~gone~~ *bold* _italic_",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_latex_obeys_nothing_of_a_text(text: str) -> None:
    made = latex(text)
    bare = re.sub(r"\\(?:text\w+|ensuremath\{[^}]*\})(?:\{\})?|\\[&%$#_{}]", "", made)
    assert re.findall(r"[\\&%$#_{}~^<>|]", bare) == []
    assert "\n" not in made
    assert made.isprintable()


@given(st.text())
def test_latex_and_bibtex_keep_their_braces_in_balance(text: str) -> None:
    for made in (latex(text), bibtex_value(text), typewriter(text), url(text)):
        bare = re.sub(r"\\[{}]", "", made)
        assert bare.count("{") == bare.count("}")
        assert "\n" not in made


def test_an_address_cannot_end_its_command() -> None:
    assert url(r"https://x.org/a}\input{b c") == r"\url{https://x.org/a%7D%5Cinput%7Bb%20c}"


def test_greek_letters_and_the_minus_of_print_are_printed() -> None:
    assert latex("\u03b1 \u2212 3") == r"\ensuremath{\alpha} \ensuremath{-} 3"


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_shows_a_text_as_it_is(text: str) -> None:
    made = markdown(text)
    assert re.findall(r"(?<!\\)(?:[`*_\[\]<>|~&$]|^[#+=-]|://)", made.replace("\\\\", "")) == []
    assert not re.match(r"\d+\.", made)
    assert "\n" not in made


@given(st.text())
def test_code_in_markdown_ends_where_it_should(text: str) -> None:
    made = code(text)
    fence = re.match(r"`+", made)
    assert fence
    inner = made[len(fence[0]) : -len(fence[0])]
    assert made.endswith(fence[0])
    assert fence[0] not in re.findall(r"`+", inner)


@pytest.mark.parametrize("text", HOSTILE)
def test_html_shows_a_text_as_it_is(text: str) -> None:
    tags: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            tags.append(tag)

    Reader().feed(f"<p>{as_html(text)}</p>")
    assert tags == ["p"]


@given(st.text())
def test_cells_of_csv_come_back_and_begin_no_formula(text: str) -> None:
    made = guarded(text)
    assert unguarded(made) == text
    assert not made.startswith(("=", "@", "\t", "\r"))


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\x00")), min_size=2))
def test_a_row_of_csv_comes_back(cells: list[str]) -> None:
    written = io.StringIO()
    csv.writer(written).writerow([guarded(cell) for cell in cells])
    assert [unguarded(cell) for cell in next(csv.reader(io.StringIO(written.getvalue())))] == cells


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
@pytest.mark.parametrize("text", [*HOSTILE, "$", "$$", r"$\undefined$", "5 $ and 6 $ \\", "\u03b1 \u4e2d \U0001f600"])
def test_a_figure_takes_no_text_for_mathematics(tmp_path: Path, suffix: str, text: str) -> None:
    figure = figure_of((3, 2))
    axes = figure.add_subplot()
    axes.plot([1], [1], label=text)
    axes.legend()
    axes.set_xlabel(text)
    head(figure, text)
    save(figure, tmp_path / f"x.{suffix}")
    cause_bars(tmp_path / f"c.{suffix}", {text: 1}, title=text)
    assert (tmp_path / f"c.{suffix}").stat().st_size > 500
