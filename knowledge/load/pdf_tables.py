"""Tables on a page of a PDF: by the lines that rule them, else by words that stand in columns."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from knowledge.load.pdf_order import Row
from knowledge.load.pdf_pages import Box, RawPage, Stroke, Word

# Strokes this close are one ruling, drawn twice or as a thin box.
_SNAP = 3.0
_MAX_LINES = 300
MIN_COLUMNS = 3
MIN_ROWS = 3
# Rows of one table do not stand further apart than this, in points.
_MAX_ROW_GAP = 16.0


@dataclass(frozen=True, slots=True)
class PdfTable:
    """box: left, top, right, bottom."""

    box: Box
    rows: list[list[str]]


def ruled_tables(page: RawPage) -> list[PdfTable]:
    """At least two rows and two columns, and not mostly empty: frames and form boxes are no tables."""
    grids = (_grid(strokes) for strokes in _connected(_merged(page.strokes)))
    words = [word for word in page.words if not word.turned]
    tables = [
        _Filled(xs, ys, strokes).table(words) for xs, ys, strokes in grids if len(xs) > 2 and len(ys) > 2
    ]
    return [table for table in tables if _is_table(table.rows)]


def _is_table(rows: list[list[str]]) -> bool:
    cells = [value for row in rows for value in row]
    filled_columns = sum(any(column) for column in zip(*rows, strict=True))
    filled_rows = sum(any(row) for row in rows)
    return filled_rows >= 2 and filled_columns >= 2 and sum(map(bool, cells)) * 2 >= len(cells)


def _merged(strokes: Iterable[Stroke]) -> list[Stroke]:
    """Strokes of the same ruling as one."""
    merged: list[Stroke] = []
    for upright, group in itertools.groupby(
        sorted(strokes, key=lambda stroke: (stroke.upright, stroke.at)), key=lambda stroke: stroke.upright
    ):
        cluster: list[Stroke] = []
        for stroke in group:
            if cluster and stroke.at - cluster[-1].at > _SNAP:
                merged += _joined(upright, cluster)
                cluster = []
            cluster.append(stroke)
        merged += _joined(upright, cluster)
    return merged


def _joined(upright: bool, cluster: list[Stroke]) -> list[Stroke]:
    at = sum(stroke.at for stroke in cluster) / len(cluster)
    spans: list[list[float]] = []
    for stroke in sorted(cluster, key=lambda stroke: stroke.start):
        if spans and stroke.start <= spans[-1][1] + _SNAP:
            spans[-1][1] = max(spans[-1][1], stroke.end)
        else:
            spans.append([stroke.start, stroke.end])
    return [Stroke(upright, at, start, end) for start, end in spans]


def _connected(strokes: list[Stroke]) -> list[list[Stroke]]:
    """Groups of rulings that cross or touch each other."""
    upright = [stroke for stroke in strokes if stroke.upright][:_MAX_LINES]
    level = [stroke for stroke in strokes if not stroke.upright][:_MAX_LINES]
    group = {index: index for index in range(len(upright) + len(level))}

    def root(index: int) -> int:
        while group[index] != index:
            group[index] = group[group[index]]
            index = group[index]
        return index

    for (a, vertical), (b, horizontal) in itertools.product(
        enumerate(upright), enumerate(level, start=len(upright))
    ):
        if _touch(vertical, horizontal):
            group[root(a)] = root(b)
    found: dict[int, list[Stroke]] = {}
    for index, stroke in enumerate([*upright, *level]):
        found.setdefault(root(index), []).append(stroke)
    return [strokes for strokes in found.values() if len(strokes) > 3]


def _touch(vertical: Stroke, horizontal: Stroke) -> bool:
    return (
        vertical.start - _SNAP <= horizontal.at <= vertical.end + _SNAP
        and horizontal.start - _SNAP <= vertical.at <= horizontal.end + _SNAP
    )


def _grid(strokes: list[Stroke]) -> tuple[list[float], list[float], list[Stroke]]:
    """The columns' and rows' bounds; a table open at its sides ends where its rulings do."""
    across = [stroke for stroke in strokes if not stroke.upright]
    down = [stroke for stroke in strokes if stroke.upright]
    if not across or not down:
        return [], [], strokes
    xs = [*(s.at for s in down), min(s.start for s in across), max(s.end for s in across)]
    ys = [*(s.at for s in across), min(s.start for s in down), max(s.end for s in down)]
    return _distinct(xs), _distinct(ys), strokes


def _distinct(values: list[float]) -> list[float]:
    kept: list[float] = []
    for value in sorted(values):
        if not kept or value - kept[-1] > _SNAP:
            kept.append(value)
    return kept


class _Filled:
    """A grid with the words in it; fields of the grid without a ruling between them are one cell."""

    def __init__(self, xs: list[float], ys: list[float], strokes: list[Stroke]) -> None:
        self._xs, self._ys = xs, ys
        self._rulings: dict[tuple[bool, int], list[Stroke]] = {}
        for stroke in strokes:
            bounds = xs if stroke.upright else ys
            nearest = min(range(len(bounds)), key=lambda index: abs(bounds[index] - stroke.at))
            self._rulings.setdefault((stroke.upright, nearest), []).append(stroke)

    def table(self, words: Sequence[Word]) -> PdfTable:
        rows, columns = len(self._ys) - 1, len(self._xs) - 1
        corner = self._corners(rows, columns)
        texts: dict[tuple[int, int], list[Word]] = {}
        for word in words:
            place = self._place(word)
            if place is not None:
                texts.setdefault(corner[place], []).append(word)
        shown = {place: _lines_of(inside) for place, inside in texts.items()}
        # A cell over several rows says its text in each, so that every row can stand alone.
        cells = [
            [
                shown.get(corner[row, column], "") if corner[row, column][1] == column else ""
                for column in range(columns)
            ]
            for row in range(rows)
        ]
        return PdfTable((self._xs[0], self._ys[0], self._xs[-1], self._ys[-1]), cells)

    def _corners(self, rows: int, columns: int) -> dict[tuple[int, int], tuple[int, int]]:
        """Field → the top left field of its cell."""
        corner: dict[tuple[int, int], tuple[int, int]] = {}
        for row, column in itertools.product(range(rows), range(columns)):
            if row and not self._ruled(False, row, self._xs[column], self._xs[column + 1]):
                corner[row, column] = corner[row - 1, column]
            elif column and not self._ruled(True, column, self._ys[row], self._ys[row + 1]):
                corner[row, column] = corner[row, column - 1]
            else:
                corner[row, column] = (row, column)
        return corner

    def _ruled(self, upright: bool, index: int, start: float, end: float) -> bool:
        middle = (start + end) / 2
        return any(stroke.start <= middle <= stroke.end for stroke in self._rulings.get((upright, index), []))

    def _place(self, word: Word) -> tuple[int, int] | None:
        column = _between(self._xs, (word.x0 + word.x1) / 2)
        row = _between(self._ys, (word.top + word.bottom) / 2)
        return None if row is None or column is None else (row, column)


def _between(bounds: list[float], value: float) -> int | None:
    return next((i for i, (a, b) in enumerate(itertools.pairwise(bounds)) if a <= value < b), None)


def _lines_of(words: list[Word]) -> str:
    lines: list[list[Word]] = []
    for word in sorted(words, key=lambda word: (word.bottom, word.x0)):
        if lines and word.bottom - lines[-1][0].bottom <= 0.4 * max(word.size, 4):
            lines[-1].append(word)
        else:
            lines.append([word])
    # A cell is narrow: its text is wrapped, not divided into lines.
    return " ".join(word.text for line in lines for word in sorted(line, key=lambda word: word.x0))


def inside(word: Word, box: Box) -> bool:
    middle_x, middle_y = (word.x0 + word.x1) / 2, (word.top + word.bottom) / 2
    return box[0] <= middle_x <= box[2] and box[1] <= middle_y <= box[3]


def aligned_table(rows: list[Row]) -> tuple[PdfTable, int] | None:
    """A table without rulings with which `rows` begin, and how many rows it takes; wrapped cells are joined.

    It has three columns and three rows at least, and nearly every row fills its columns.
    """
    if len(rows[0]) < MIN_COLUMNS:
        return None
    columns = _columns(list(itertools.takewhile(lambda row: len(row) >= 2, rows)))
    if len(columns) < MIN_COLUMNS:
        return None
    cells: list[list[str]] = []
    taken = 0
    for row in rows:
        if taken and row[0].top - rows[taken - 1][0].bottom > _MAX_ROW_GAP:
            break
        texts = _by_column(row, columns)
        if not texts or (len(texts) == 1 and 0 in texts):
            break
        if len(texts) > 1:
            cells.append([texts.get(column, "") for column in range(len(columns))])
        else:
            # A wrapped cell goes on alone below its row.
            cells[-1] = [f"{old} {texts.get(column, '')}".strip() for column, old in enumerate(cells[-1])]
        taken += 1
    if not _is_regular(cells, len(columns)):
        return None
    bottom = max(piece.bottom for piece in rows[taken - 1])
    return PdfTable((columns[0][0], rows[0][0].top, columns[-1][1], bottom), cells), taken


def _by_column(row: Row, columns: list[tuple[float, float]]) -> dict[int, str]:
    """Column → text; empty where a piece belongs to no single column, or two to the same."""
    texts: dict[int, str] = {}
    for piece in row:
        touched = [n for n, (start, end) in enumerate(columns) if piece.x0 < end and piece.x1 > start]
        if len(touched) != 1 or touched[0] in texts:
            return {}
        texts[touched[0]] = " ".join(word.text for word in piece.words)
    return texts


def _is_regular(cells: list[list[str]], columns: int) -> bool:
    """Lines of running text may happen to have wide gaps, too: their parts are long."""
    full = sum(sum(map(bool, row)) >= columns - 1 for row in cells)
    texts = [value for row in cells for value in row if value]
    return len(cells) >= MIN_ROWS and full * 10 >= len(cells) * 7 and sum(map(len, texts)) <= 40 * len(texts)


def _columns(rows: list[Row]) -> list[tuple[float, float]]:
    """Where pieces of several rows overlap is a column."""
    found: list[list[float]] = []
    for start, end in sorted((piece.x0, piece.x1) for row in rows for piece in row):
        if found and start < found[-1][1] + 1:
            found[-1][1] = max(found[-1][1], end)
        else:
            found.append([start, end])
    return [(start, end) for start, end in found]
