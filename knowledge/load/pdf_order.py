"""The order in which a person reads the words of a page: rows, and columns one after the other."""

import itertools
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from knowledge.load.pdf_pages import Word

# A gap wider than this, in sizes of the type, parts two pieces of one row.
_GAP = 0.9
_MIN_COLUMN_LINES = 4
_MIN_WORDS_A_LINE = 2.5
_MAX_PIECES = 3000
_MAX_DEPTH = 6


@dataclass(slots=True)
class Piece:
    """Words of one row that stand close together."""

    words: list[Word]

    @property
    def x0(self) -> float:
        return self.words[0].x0

    @property
    def x1(self) -> float:
        return max(word.x1 for word in self.words)

    @property
    def top(self) -> float:
        return min(word.top for word in self.words)

    @property
    def bottom(self) -> float:
        return max(word.bottom for word in self.words)


Row = list[Piece]


def flows(words: list[Word]) -> list[list[Row]]:
    """Stretches of rows to be read from top to bottom, one stretch after the other."""
    pieces = [piece for row in _rows(words) for piece in _pieces(row)]
    return [_as_rows(flow) for flow in _ordered(pieces, 0) if flow]


def _rows(words: Iterable[Word]) -> list[list[Word]]:
    """Words at one height; what has no size stands for something else than text and is alone."""
    everything = list(words)
    rows = _rows_of_text([word for word in everything if word.size])
    rows += [[word] for word in everything if not word.size]
    return sorted(rows, key=lambda row: row[0].bottom)


def _rows_of_text(words: list[Word]) -> list[list[Word]]:
    sizes = Counter(word.size for word in words for _ in word.text)
    usual = sizes.most_common(1)[0][0] if sizes else 0.0
    rows = _by_height([word for word in words if word.size > 0.75 * usual])
    alone: list[Word] = []
    for word in words:
        if word.size <= 0.75 * usual:
            # A raised or lowered letter belongs to the row that it touches.
            row = next((row for row in rows if _touches(word, row)), None)
            (alone if row is None else row).append(word)
    return [sorted(row, key=lambda word: word.x0) for row in [*rows, *_by_height(alone)]]


def _touches(small: Word, row: list[Word]) -> bool:
    middle = (small.top + small.bottom) / 2
    return any(
        (word.top < middle < word.bottom and -word.size < small.x0 - word.x1 < 0.5 * word.size)
        or (word.top < middle < word.bottom and -word.size < word.x0 - small.x1 < 0.5 * word.size)
        for word in row
    )


def _by_height(words: list[Word]) -> list[list[Word]]:
    rows: list[list[Word]] = []
    for word in sorted(words, key=lambda word: (word.bottom, word.x0)):
        if rows and abs(word.bottom - rows[-1][0].bottom) <= 0.35 * max(word.size, rows[-1][0].size, 4):
            rows[-1].append(word)
        else:
            rows.append([word])
    return rows


def _pieces(row: list[Word]) -> list[Piece]:
    pieces = [Piece([row[0]])]
    for before, word in itertools.pairwise(row):
        if word.x0 - before.x1 > _GAP * max(word.size, 4):
            pieces.append(Piece([word]))
        else:
            pieces[-1].words.append(word)
    return pieces


def _as_rows(pieces: list[Piece]) -> list[Row]:
    """Pieces of one flow that stand at the same height are one row again."""
    words = {id(word): piece for piece in pieces for word in piece.words}
    rows: list[Row] = []
    for row in _rows(word for piece in pieces for word in piece.words):
        together = list({id(words[id(word)]): words[id(word)] for word in row}.values())
        if rows and any(piece in rows[-1] for piece in together):
            continue
        rows.append(sorted(together, key=lambda piece: piece.x0))
    return rows


@dataclass(frozen=True, slots=True)
class _Columns:
    above: list[Piece]
    left: list[Piece]
    right: list[Piece]
    below: list[Piece]


def _ordered(pieces: list[Piece], depth: int) -> list[list[Piece]]:
    if len(pieces) < 2 * _MIN_COLUMN_LINES or len(pieces) > _MAX_PIECES or depth > _MAX_DEPTH:
        return [pieces]
    found = _best_columns(pieces)
    if found is None:
        return [pieces]
    parts = (found.above, found.left, found.right, found.below)
    return [flow for part in parts for flow in _ordered(part, depth + 1) if flow]


def _best_columns(pieces: list[Piece]) -> _Columns | None:
    """The gutter beside which most lines stand; of several columns the leftmost first."""
    ordered = sorted(pieces, key=lambda piece: (piece.top, piece.x0))
    best: tuple[int, _Columns] | None = None
    for gutter in _gutters(pieces):
        for band in _bands(ordered, gutter):
            columns = _split(ordered, band, gutter)
            if columns is not None and (best is None or len(band) > best[0]):
                best = (len(band), columns)
    return best[1] if best else None


def _gutters(pieces: list[Piece]) -> list[float]:
    """Places where several pieces begin, just left of them."""
    starts = Counter(round(piece.x0 / 2) for piece in pieces)
    often = [start for start, count in starts.most_common(20) if count >= _MIN_COLUMN_LINES]
    leftmost = min(piece.x0 for piece in pieces)
    return sorted(start * 2 - 3.0 for start in often if start * 2 - 3.0 > leftmost)


def _bands(ordered: list[Piece], gutter: float) -> list[list[Piece]]:
    """Runs of pieces, from the top, of which none crosses the gutter."""
    bands: list[list[Piece]] = [[]]
    for piece in ordered:
        if piece.x0 < gutter < piece.x1:
            bands.append([])
        else:
            bands[-1].append(piece)
    return [band for band in bands if len(band) >= 2 * _MIN_COLUMN_LINES]


def _split(ordered: list[Piece], band: list[Piece], gutter: float) -> _Columns | None:
    left = [piece for piece in band if piece.x1 <= gutter]
    right = [piece for piece in band if piece.x0 >= gutter]
    if not (_is_column(left) and _is_column(right)) or not _beside(left, right):
        return None
    # What stands above both columns, such as a short title on the left, is read before them.
    chosen = {id(piece) for piece in band}
    top = min(piece.top for piece in band)
    others = [piece for piece in ordered if id(piece) not in chosen]
    above = [piece for piece in others if piece.top < top]
    return _Columns(above, left, right, [piece for piece in others if piece.top >= top])


def _is_column(pieces: list[Piece]) -> bool:
    """Running text, not labels, numbers or the cells of a table."""
    if len(pieces) < _MIN_COLUMN_LINES:
        return False
    width = max(piece.x1 for piece in pieces) - min(piece.x0 for piece in pieces)
    words = sum(len(piece.words) for piece in pieces) / len(pieces)
    filled = sum(piece.x1 - piece.x0 for piece in pieces) / len(pieces)
    return words >= _MIN_WORDS_A_LINE and filled >= 0.45 * width


def _beside(left: list[Piece], right: list[Piece]) -> bool:
    top = max(min(piece.top for piece in side) for side in (left, right))
    bottom = min(max(piece.bottom for piece in side) for side in (left, right))
    shorter = min(max(p.bottom for p in side) - min(p.top for p in side) for side in (left, right))
    return bottom - top >= 0.5 * shorter
