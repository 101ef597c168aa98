from __future__ import annotations

import time

import pytest

from stoa.errors import StoaError
from stoa.ui import links


def token(address: str) -> str:
    return address.split("/")[3]


def test_a_link_stands_for_what_was_signed():
    assert links.signed("image", token(links.sign("image", "alma:a/b.fits", "12ab"))) == ("alma:a/b.fits", "12ab")


def test_a_link_of_one_kind_is_no_link_of_another():
    made = token(links.sign("thumb", "alma:a.fits", "", "small"))
    for kind in ("image", "product", "table"):
        with pytest.raises(StoaError, match="not made by this dashboard"):
            links.signed(kind, made)


@pytest.mark.parametrize("change", [lambda t: t[:-1], lambda t: "x" + t, lambda t: t.swapcase(), lambda t: ""])
def test_a_forged_link_is_refused(change):
    with pytest.raises(StoaError):
        links.signed("image", change(token(links.sign("image", "alma:a.fits", ""))))


def test_a_link_of_another_start_is_refused(monkeypatch):
    made = token(links.sign("image", "alma:a.fits", ""))
    monkeypatch.setattr(links, "_KEY", b"another start")
    with pytest.raises(StoaError):
        links.signed("image", made)


@pytest.mark.parametrize("kind", sorted(links.VALID_S))
def test_links_hold_for_their_time_and_end(kind, monkeypatch):
    made, now = token(links.sign(kind, "products:a", "", "")), time.time()
    monkeypatch.setattr(time, "time", lambda: now + links.VALID_S[kind] - 1)
    assert links.signed(kind, made)
    monkeypatch.setattr(time, "time", lambda: now + links.VALID_S[kind] + links.ROUND_S + 2)
    with pytest.raises(StoaError, match="has expired"):
        links.signed(kind, made)


def test_addresses_of_pixels_stay_the_same_so_that_browsers_keep_them(monkeypatch):
    now = 1_800_000_000
    monkeypatch.setattr(time, "time", lambda: now - now % links.ROUND_S + 5)
    first = links.sign("image", "alma:a.fits", "")
    monkeypatch.setattr(time, "time", lambda: now - now % links.ROUND_S + links.ROUND_S - 5)
    assert links.sign("image", "alma:a.fits", "") == first


def test_tables_are_kept_until_newer_ones_need_the_room(monkeypatch):
    monkeypatch.setattr(links, "MOST_OFFERED", 2)
    made = [links.offer(f"{n}.fits", "application/fits", bytes([n])) for n in range(3)]
    keys = [links.signed("table", token(address))[0] for address in made]
    assert [links.taken(key).content for key in keys[1:]] == [b"\x01", b"\x02"]
    with pytest.raises(StoaError, match="not kept any more"):
        links.taken(keys[0])
