"""Parts of pages that need nothing else: no script, no font, no picture from elsewhere; every text escaped."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

from stoa.show.words import count, safe

if TYPE_CHECKING:
    from stoa.workspace.pictures import Picture

MOST_ROWS = 500
"""Rows of a table, where nothing else is given."""

STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.15rem; margin-top: 2rem; border-bottom: 1px solid #ccc; }
table { border-collapse: collapse; font-size: 13px; } th, td { padding: .15rem .6rem; text-align: left; }
th { border-bottom: 1px solid #888; } tr:nth-child(even) td { background: #f4f4f4; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
pre { background: #f4f4f4; padding: .6rem; overflow-x: auto; font-size: 12px; } .wide { overflow-x: auto; }
figure { margin: 1.2rem 0; } figure img { max-width: 100%; } figcaption { font-size: 13px; } .note { color: #555; }
td { max-width: 26rem; overflow-wrap: break-word; } td img { display: block; width: 80px; }
 nav { margin: 1rem 0; } nav a { margin-right: .8rem; }
@media print {
  body { max-width: none; margin: 0; font-size: 11px; } table { font-size: 9px; } thead { display: table-header-group; }
  tr, figure, pre { break-inside: avoid; } h2 { break-after: avoid; } .wide { overflow: visible; }
  pre { white-space: pre-wrap; } nav { display: none; }
}
"""

POLICY = "default-src 'none'; img-src data: 'self'; style-src 'unsafe-inline'"
"""Content-Security-Policy of a page: whatever is in it, nothing is run and nothing is fetched from elsewhere."""


def document(title: str, note: str, parts: Iterable[str]) -> str:
    """A whole page.

    Parameters
    ----------
    parts
        HTML, made by the other functions of this module.
    """
    return "".join((
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n',
        '<meta name="viewport" content="width=device-width">\n',
        f"<title>{text(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{text(title)}</h1>\n",
        f'<p class="note">{text(note)}</p>\n', *parts, "</body>\n</html>\n",
    ))  # fmt: skip


def bullets(words: Iterable[str]) -> str:
    """A list, one item for each text."""
    return "<ul>\n" + "".join(f"<li>{text(word)}</li>\n" for word in words) + "</ul>\n"


def table(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    numbers: Sequence[str] = (),
    pictures: Sequence[str] = (),
    most: int = MOST_ROWS,
    rest: str = "`--json` has them",
) -> str:
    """A table of texts.

    Parameters
    ----------
    numbers
        Headings of columns that are aligned on the right.
    pictures
        For each row the address of a picture that comes first, "" for none; () for a table without pictures.
    most
        Rows after which the table ends and says how many are left out.
    rest
        Where those are.
    """
    marks = ['class="n"' if heading in numbers else "" for heading in headings]
    shown = pictures or [""] * len(rows)
    lines = [
        "<tr>" + (_picture(picture) if pictures else "")
        + "".join(_cell("td", mark, cell) for mark, cell in zip(marks, row, strict=True)) + "</tr>\n"
        for row, picture in zip(rows[:most], shown, strict=False)
    ]  # fmt: skip
    head = ("<th></th>" if pictures else "") + "".join(
        _cell("th", mark, heading) for mark, heading in zip(marks, headings, strict=True)
    )
    left_out = f"{count(len(rows) - most, 'more row')} left out; {rest}."
    more = f'<p class="note">{text(left_out)}</p>\n'
    return (
        f'<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{"".join(lines)}</tbody></table></div>\n'
        + (more if len(rows) > most else "")
    )  # fmt: skip


def picture_address(picture: Picture) -> str:
    """A small picture as an address that holds it."""
    kind = "jpeg" if picture.suffix == ".jpg" else "png"
    return f"data:image/{kind};base64,{b64encode(picture.content).decode()}"


def _picture(address: str) -> str:
    return f'<td><img alt="" loading="lazy" src="{escape(address)}"></td>' if address else "<td></td>"


def _cell(kind: str, mark: str, words: str) -> str:
    return f"<{f'{kind} {mark}'.strip()}>{text(words)}</{kind}>"


def text(words: str) -> str:
    """A text that a browser shows as it is; control characters are visible."""
    return escape(safe(words))
