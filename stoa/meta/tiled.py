"""The header of the image inside a tile-compressed extension (FITS Standard 4.0, section 10.1)."""

from __future__ import annotations

import re

from stoa.meta.cards import BLOCK, CARD, keywords

_TABLE = re.compile(
    rb"(?:XTENSION|BITPIX|NAXIS\d*|PCOUNT|GCOUNT|TFIELDS|THEAP|CHECKSUM|DATASUM"
    rb"|T(?:TYPE|FORM|UNIT|NULL|SCAL|ZERO|DISP|BCOL|DIM|CTYP|CUNI|CRPX|CRVL|CDLT|RPOS)\d+) *"
)
_COMPRESSION = re.compile(
    rb"(?:ZIMAGE|ZCMPTYPE|ZMASKCMP|ZQUANTIZ|ZDITHER0|ZBLANK|ZSCALE|ZZERO|(?:ZTILE|ZNAME|ZVAL)\d+) *"
)
_IMAGE = re.compile(rb"(?:ZSIMPLE|ZTENSION|ZBITPIX|ZNAXIS\d*|ZEXTEND|ZBLOCKED|ZPCOUNT|ZGCOUNT|ZHECKSUM|ZDATASUM) *")
_IMAGE_NAMES = {b"ZTENSION": b"XTENSION", b"ZHECKSUM": b"CHECKSUM"}
_DEFAULT_NAME = b"'COMPRESSED_IMAGE'"


def image_header(raw: bytes) -> bytes:
    """The cards of the uncompressed image, in the order of the table's header, padded to whole blocks.

    What describes the table and the compression is left out; ``ZNAXIS1`` becomes ``NAXIS1``, and so on.
    """
    kept = []
    for number, key in enumerate(keywords(raw)):
        card = raw[CARD * number : CARD * (number + 1)]
        if _IMAGE.fullmatch(key):
            kept.append(_image_name(key) + card[8:])
        elif not (_TABLE.fullmatch(key) or _COMPRESSION.fullmatch(key) or _is_default_name(card)):
            kept.append(card)
    cards = b"".join(kept)
    return cards.ljust(len(cards) + -len(cards) % BLOCK)


def _image_name(key: bytes) -> bytes:
    return _IMAGE_NAMES.get(key) or key[1:].ljust(8)


def _is_default_name(card: bytes) -> bool:
    return card[:10] == b"EXTNAME = " and card[10:].lstrip().startswith(_DEFAULT_NAME)
