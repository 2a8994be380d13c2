"""CSV and its relatives: the separator is found by what makes the rows agree."""

import csv
import io
from collections import Counter

from knowledge.document import LoadedDocument
from knowledge.load.areas import add_grid
from knowledge.load.errors import UnreadableDocument
from knowledge.load.outline import MAX_TABLE_CELLS, Outline

CONTENT_TYPE = "text/csv"
_SEPARATORS = ",;\t|"
_SAMPLE = 50_000
_MAX_CELL = 1_000_000


def load_csv(source: str) -> LoadedDocument:
    """Raises UnreadableDocument: corrupt, too_complex."""
    text, declared = _declared(source.removeprefix("\ufeff").replace("\x00", ""))
    outline = Outline()
    add_grid(_rows(text, declared or _separator(text)), outline)
    return LoadedDocument("", CONTENT_TYPE, outline.blocks())


def _declared(text: str) -> tuple[str, str]:
    """Excel's first line "sep=;" names the separator and is not data."""
    first, _, rest = text.partition("\n")
    mark = first.strip().strip('"')
    return (rest, mark[4]) if len(mark) == 5 and mark.lower().startswith("sep=") else (text, "")


def _separator(text: str) -> str:
    """The one by which most rows have the same number of cells, and more than one."""
    sample = text[:_SAMPLE]
    return max(_SEPARATORS, key=lambda separator: _agreement(sample, separator))


def _agreement(sample: str, separator: str) -> tuple[float, int]:
    try:
        rows = [row for row in csv.reader(io.StringIO(sample, newline=""), delimiter=separator) if row]
    except csv.Error:
        return 0.0, 0
    widths = Counter(len(row) for row in rows[:-1] or rows)
    width, often = widths.most_common(1)[0] if widths else (1, 0)
    return (often / max(len(rows), 1), width) if width > 1 else (0.0, width)


def _rows(text: str, separator: str) -> list[list[str]]:
    rows: list[list[str]] = []
    cells = 0
    csv.field_size_limit(_MAX_CELL)
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
            cells += len(row)
            if cells > MAX_TABLE_CELLS:
                raise UnreadableDocument(
                    "too_complex", f"It holds more than {MAX_TABLE_CELLS:,} cells, which is the limit."
                )
            rows.append([value.strip() for value in row])
    except csv.Error as error:
        raise UnreadableDocument("corrupt", "It is named as CSV, but its rows cannot be read.") from error
    return rows
