"""The app's icons, drawn by us: two lines of a switchboard, joined by a cord. PNG (RFC 2083)."""

import struct
import zlib
from collections.abc import Callable
from functools import cache
from math import hypot
from typing import Final

COLOUR, OUTLINE = 192, 32
"""Pixels, as Teams wants them (learn.microsoft.com, "App icons for Teams")."""
_BACK: Final = (31, 58, 95)
_WHITE: Final = (255, 255, 255)
_FINE: Final = 2
"""Samples in each direction of a pixel."""
_JACKS: Final = [(x / 8, y / 8) for y in (2.4, 5.6) for x in (2, 4, 6)]
_HOLE, _RING, _CORD = 0.05, 0.085, 0.032
Pixel = tuple[int, int, int, int]


@cache
def colour() -> bytes:
    """White on our blue, to all edges: Teams cuts it round itself."""

    def pixel(part: float) -> Pixel:
        mixed = [round(back + (white - back) * part) for back, white in zip(_BACK, _WHITE, strict=True)]
        return mixed[0], mixed[1], mixed[2], 255

    return _png(COLOUR, pixel, 1.0)


@cache
def outline() -> bytes:
    """White on nothing."""
    return _png(OUTLINE, lambda part: (*_WHITE, round(255 * part)), 1.25)


def _png(size: int, pixel: Callable[[float], Pixel], scale: float) -> bytes:
    rows = b"".join(
        b"\0" + b"".join(bytes(pixel(_part(x, y, size, scale))) for x in range(size)) for y in range(size)
    )
    head = struct.pack(">IIBBBBB", size, size, 8, 6, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _part(x: int, y: int, size: int, scale: float) -> float:
    """How much of the pixel is drawn, 0 to 1."""
    steps = [(step + 0.5) / _FINE for step in range(_FINE)]
    hits = sum(
        _drawn(((x + dx) / size - 0.5) / scale + 0.5, ((y + dy) / size - 0.5) / scale + 0.5)
        for dx in steps
        for dy in steps
    )
    return hits / _FINE**2


def _drawn(x: float, y: float) -> bool:
    if not 0.2 < y < 0.8:
        return False
    if any(_HOLE < hypot(x - jack_x, y - jack_y) < _RING for jack_x, jack_y in _JACKS):
        return True
    return _to_cord(x, y) < _CORD


def _to_cord(x: float, y: float) -> float:
    """From the first jack above to the last one below."""
    (ax, ay), (bx, by) = _JACKS[0], _JACKS[-1]
    along = ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2)
    part = min(1.0, max(0.0, along))
    return hypot(x - ax - part * (bx - ax), y - ay - part * (by - ay))
