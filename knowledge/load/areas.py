"""A grid of cells as a person sees it: titles, notes and tables, parted by empty rows and columns."""

import itertools
import re
from collections.abc import Iterable, Iterator

from knowledge.load.outline import Outline

Row = list[str]

_NUMBER = re.compile(r"^[^\w\s]{0,2}\s?\d[\d,.\s]*\s?(?:%|[A-Z]{3}|[€$£¥])?$|^\d{4}-\d\d-\d\d|^[A-Z]{3} \d")


def add_grid(rows: Iterable[Row], outline: Outline) -> None:
    for area in _with_headers(part for rough in _areas(rows) for part in _side_by_side(rough)):
        if all(_filled(row) <= 1 for row in area):
            outline.paragraph("\n".join(" ".join(row) for row in area))
        else:
            _add_area(area, outline)


def _add_area(area: list[Row], outline: Outline) -> None:
    """A title or note above the real header row is text, not a header; so is a note below the last row."""
    start, end = 0, len(area)
    while start < end - 1 and _filled(area[start]) == 1:
        start += 1
    while end > start + 2 and _is_note(area[end - 1]):
        end -= 1
    outline.paragraph("\n".join(" ".join(row) for row in area[:start]))
    outline.table(area[start:end])
    outline.paragraph("\n".join(" ".join(row) for row in area[end:]))


def _is_note(row: Row) -> bool:
    """One long text at the left, such as a source or a remark."""
    return _filled(row) == 1 and bool(row[0]) and len(row[0]) > 40


def _areas(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Blocks of rows that empty rows separate."""
    area: list[Row] = []
    for row in rows:
        if any(row):
            area.append(row)
        elif area:
            yield area
            area = []
    if area:
        yield area


def _side_by_side(area: list[Row]) -> Iterator[list[Row]]:
    """Tables beside each other, where a column that is empty in all rows has two columns on both sides."""
    used = sorted({column for row in area for column, value in enumerate(row) if value})
    starts = [used[0]] + [column for before, column in itertools.pairwise(used) if column > before + 1]
    bounds = list(zip(starts, [*starts[1:], used[-1] + 1], strict=True))
    parts = [[row[start:end] for row in area] for start, end in bounds]
    if len(parts) == 1 or not all(_is_table(part) for part in parts):
        yield area
        return
    for part in parts:
        yield [row for row in part if any(row)]


def _is_table(part: list[Row]) -> bool:
    """Two columns at least, a header of words that fills them, and rows below."""
    rows = [row for row in part if any(row)]
    width = len({column for row in rows for column, value in enumerate(row) if value})
    while len(rows) > 2 and _filled(rows[0]) == 1:
        rows = rows[1:]
    return width >= 2 and len(rows) >= 2 and _filled(rows[0]) == width and not any(map(_is_number, rows[0]))


def _with_headers(areas: Iterable[list[Row]]) -> Iterator[list[Row]]:
    """Rows after a gap that go on like the table above it belong to that table and its header."""
    above: list[Row] = []
    for area in areas:
        if above and _goes_on(above, area):
            above += area
            continue
        if above:
            yield above
        above = area
    if above:
        yield above


def _goes_on(above: list[Row], area: list[Row]) -> bool:
    """The header above is words, its rows have numbers, and the first row here has them where they do."""
    if len(above) < 2 or len(above[-1]) != len(area[0]):
        return False
    numbers = _numbers(above[-1])
    return bool(numbers) and numbers == _numbers(area[0]) and not _numbers(above[0])


def _numbers(row: Row) -> set[int]:
    return {column for column, value in enumerate(row) if _is_number(value)}


def _is_number(value: str) -> bool:
    return _NUMBER.match(value) is not None


def _filled(row: Row) -> int:
    return sum(1 for value in row if value)
