"""The lines and tables of a PDF page in reading order, without what only belongs to the paper."""

import itertools
import re
from collections import Counter
from dataclasses import dataclass, replace

from knowledge.load.pdf_order import Row, flows
from knowledge.load.pdf_pages import RawPage, Word
from knowledge.load.pdf_tables import PdfTable, aligned_table, inside, ruled_tables

_MARGIN = 0.1
_PAGE_NUMBER = re.compile(
    r"^[\W_]*(?:page|seite|p\.?)?[\W_]*(?:\d{1,4}|[ivxlc]{1,7})(?:\s*(?:of|/|\||von|de)\s*\d{1,4})?[\W_]*$",
    re.I,
)
# An entry of a table of contents: its heading comes again where it belongs.
_LEADER = re.compile(r"(?:\. ?){4,}\s*(?:\d{1,4}|[ivxlc]{1,7})$")
# More of a page under pictures, with fewer letters, is a scan.
_SCAN_COVERS = 0.5
_SCAN_LETTERS = 40
# Rows that are looked at together for a table without rulings.
_MAX_ROWS = 400


@dataclass(frozen=True, slots=True)
class Line:
    text: str
    size: float
    bold: bool
    x0: float
    top: float
    bottom: float
    page: int
    column: int = 0
    table: PdfTable | None = None
    mono: bool = False


@dataclass(frozen=True, slots=True)
class PdfPage:
    """lines: in reading order; a table is a line of its own at its place."""

    number: int
    height: float
    lines: list[Line]
    has_pictures: bool = False
    is_picture: bool = False


def page_of(raw: RawPage) -> PdfPage:
    tables = ruled_tables(raw)
    free = [word for word in raw.words if not any(inside(word, table.box) for table in tables)]
    # A table takes part in the order as a word as wide as itself at its upper edge.
    marks = {f"\x00{number}": table for number, table in enumerate(tables)}
    places = [
        Word(mark, table.box[0], table.box[2], table.box[1], table.box[1] + 1, 0.0, False)
        for mark, table in marks.items()
    ]
    lines: list[Line] = []
    for number, flow in enumerate(flows([word for word in free if not word.turned] + places)):
        lines += _lines(flow, marks, raw.number, number)
    turned = [flow for turn in (1, 2, 3) for flow in flows([word for word in free if word.turned == turn])]
    for number, flow in enumerate(turned, start=1000):
        lines += _lines(flow, {}, raw.number, number)
    letters = sum(len(word.text) for word in raw.words)
    return PdfPage(
        number=raw.number,
        height=raw.height,
        lines=lines,
        has_pictures=raw.pictured > 0,
        is_picture=raw.pictured > _SCAN_COVERS and letters < _SCAN_LETTERS,
    )


def _lines(flow: list[Row], marks: dict[str, PdfTable], page: int, column: int) -> list[Line]:
    lines: list[Line] = []
    position = 0
    while position < len(flow):
        row = flow[position]
        found = _table_at(flow, position, marks)
        if found is None:
            lines.append(_line([word for piece in row for word in piece.words], page, column))
            position += 1
            continue
        table, taken = found
        lines.append(Line("", 0.0, False, table.box[0], table.box[1], table.box[3], page, column, table))
        position += taken
    return lines


def _table_at(flow: list[Row], position: int, marks: dict[str, PdfTable]) -> tuple[PdfTable, int] | None:
    ruled = marks.get(flow[position][0].words[0].text)
    if ruled is not None:
        return ruled, 1
    rows = itertools.takewhile(lambda row: row[0].words[0].text not in marks, flow[position:])
    return aligned_table(list(itertools.islice(rows, _MAX_ROWS)))


def _line(words: list[Word], page: int, column: int) -> Line:
    sizes: Counter[float] = Counter()
    bold = letters = 0
    for word in words:
        sizes[round(word.size * 2) / 2] += len(word.text)
        bold += len(word.text) if word.bold else 0
        letters += len(word.text)
    size, low = sizes.most_common(1)[0][0], max(word.bottom for word in words)
    return Line(
        text=" ".join(_shown(word, size, low) for word in words),
        size=size,
        bold=bold * 10 >= letters * 9,
        x0=words[0].x0,
        top=min(word.top for word in words),
        bottom=max(word.bottom for word in words),
        page=page,
        column=column,
        mono=all(word.mono for word in words),
    )


def _shown(word: Word, size: float, low: float) -> str:
    """The small raised number of a note is not read as a number of the text."""
    raised = word.size <= 0.75 * size and word.bottom < low - 0.1 * size
    return f"[{word.text}]" if raised and word.text.isdigit() else word.text


def drop_running_lines(pages: list[PdfPage]) -> list[PdfPage]:
    """Without page numbers, tables of contents, and headers and footers that repeat on many pages."""
    seen: Counter[tuple[str, int]] = Counter()
    for page in pages:
        seen.update({_place(line, page) for line in page.lines if _in_margin(line, page)})
    # Left and right pages have different heads, chapters too.
    often = max(3, len(pages) * 0.25) if len(pages) > 2 else 2
    running = {place for place, count in seen.items() if count >= often}

    shift = _numbering(pages)

    def stays(line: Line, page: PdfPage) -> bool:
        if line.table is not None:
            return True
        if _LEADER.search(line.text):
            return False
        if not _in_margin(line, page):
            return True
        counted = shift is not None and page.number + shift in _outer_numbers(line)
        return not (counted or _place(line, page) in running or _PAGE_NUMBER.match(line.text))

    return [replace(page, lines=[line for line in page.lines if stays(line, page)]) for page in pages]


def _numbering(pages: list[PdfPage]) -> int | None:
    """The printed page numbers less ours, where most pages carry one: heads change, numbers go on."""
    shifts: Counter[int] = Counter()
    for page in pages:
        numbers = {n for line in page.lines if _in_margin(line, page) for n in _outer_numbers(line)}
        shifts.update(number - page.number for number in numbers)
    shift, count = shifts.most_common(1)[0] if shifts else (0, 0)
    return shift if count >= max(3, len(pages) * 0.5) else None


def _outer_numbers(line: Line) -> set[int]:
    """The numbers with which a line begins and ends."""
    words = line.text.split()
    return (
        {int(word) for word in (words[0], words[-1]) if word.isdecimal() and len(word) < 5}
        if words
        else set()
    )


def _in_margin(line: Line, page: PdfPage) -> bool:
    return line.bottom < page.height * _MARGIN or line.top > page.height * (1 - _MARGIN)


def _place(line: Line, page: PdfPage) -> tuple[str, int]:
    """What it says, numbers aside, and at which edge."""
    return re.sub(r"\d+", "#", line.text.lower()), int(line.top > page.height / 2)
