"""Texts of header cards."""

from __future__ import annotations

import pytest

from stoa.meta import cards
from stoa.meta.header import Header, read


@pytest.mark.parametrize(
    ("field", "text"),
    [
        (b" 'HZ24    '           / name of the source", "HZ24"),
        (b" 'it''s'", "it's"),
        (b" 'a / b'   / a slash within", "a / b"),
        (b" 'O'Brien'", "O'Brien"),
        (b" '        '", ""),
        (b" '  leading'", "  leading"),
        (b" 'never closed", "never closed"),
        (b"                  300 / pixels", "300"),
        (b" 007", "7"),
        (b" +5", "5"),
        (b" -12", "-12"),
        (b"   1.510000000000E+02", "151.0"),
        (b"  -5.555555555556E-05", "-5.555555555556e-05"),
        (b" 1.5D3", "1500.0"),
        (b" .5", "0.5"),
        (b" - 1.5 E 2", "-150.0"),
        (b" 1E999", "inf"),
        (b" -1D999", "-inf"),
        (b"                    T /Standard FITS", "T"),
        (b" (1.0, 2.0)", "(1.0, 2.0)"),
        (b"", ""),
        (b"      / no value at all", ""),
        (b" 1_000", "1_000"),
        (b" 'caf\xe9'", "caf?"),
        (b" 'bell\x07'", "bell\\x07"),
        (b" 'ALMA    '   \x0c", "ALMA"),
    ],
)
def test_a_value_becomes_text(field: bytes, text: str) -> None:
    assert cards.value_text(field) == text


def test_of_a_keyword_that_comes_twice_the_first_counts(header) -> None:
    assert Header(header("OBJECT  = 'first'", "OBJECT  = 'second'")).text("OBJECT") == "first"


def test_a_keyword_that_is_not_there_is_empty(header) -> None:
    assert Header(header("OBJECT  = 'M83'")).text("TELESCOP") == ""


def test_a_card_without_value_indicator_has_no_value(header) -> None:
    assert Header(header("OBJECT    M83")).text("OBJECT") == ""


def test_continued_strings_are_joined(header) -> None:
    found = Header(header("FILNAM01= 'uid___A001_&'", "CONTINUE  'X1_&' / of", "CONTINUE  'X2' / three", "NAXIS   = 0"))
    assert found.text("FILNAM01") == "uid___A001_X1_X2"
    assert found.text("NAXIS") == "0"


def test_a_continuation_with_a_value_indicator_is_one(header) -> None:
    raw = header("CUNIT1  = 'deg     '", "CONTINUE= '/x'", "CUNIT2  = 'deg'")
    assert list(cards.cards(raw)) == [("CUNIT1", "deg/x"), ("CUNIT2", "deg")]
    assert [Header(raw).text(keyword) for keyword in ("CUNIT1", "CUNIT2", "CONTINUE")] == ["deg/x", "deg", ""]


def test_keywords_in_small_letters_or_out_of_their_columns_are_found(header) -> None:
    found = Header(header("object  = 'M83'", "BPA= 5.5", " SPW    = '17'"))
    assert [found.text(keyword) for keyword in ("OBJECT", "BPA", "SPW")] == ["M83", "5.5", "17"]


def test_cards_lists_what_has_a_value_in_order(header) -> None:
    raw = header("NAXIS   = 2", "COMMENT = no value", "HISTORY x", "", "HIERARCH ESO TEL = 'UT1' / unit", "B = 3")
    assert list(cards.cards(raw)) == [("NAXIS", "2"), ("ESO TEL", "UT1"), ("B", "3")]


def test_commentary_gives_the_texts(header) -> None:
    raw = header("HISTORY one", "COMMENT two", "HISTORY   three")
    assert list(cards.commentary(raw, "HISTORY")) == ["one", "  three"]


@pytest.mark.parametrize(
    ("ends", "place"),
    [
        ("END", 80),
        ("END\0", 80),
        ("END / x", 80),
        ("ENDING  = 3", -1),
        ("END-OBS = 3", -1),
        ("END     = 3", -1),
        ("HISTORY  END", -1),
    ],
)
def test_the_end_is_a_card_of_its_own(ends: str, place: int, header) -> None:
    assert cards.find_end(header(ends, end=False), is_all=True) == place


def test_a_loose_end_waits_for_a_real_one_as_long_as_text_follows(header) -> None:
    loose, real = header("END / x", "N = 1", end=False), header("END / x", "N = 1")
    assert (cards.find_end(loose), cards.find_end(real)) == (-1, 240)
    assert cards.find_end(loose + b"\0\0\xff\x80" + header()) == 80


def test_what_stands_behind_the_end_means_nothing(tmp_path, image) -> None:
    path = image("x.fits")
    data = path.read_bytes()
    end = data.index(b"END".ljust(80)) + 80
    path.write_bytes(data[:end] + b"SPW     = '17'".ljust(80) + data[end + 80 :])
    assert read(path).header.text("SPW") == ""
