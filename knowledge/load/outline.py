"""Collects the blocks of a document as a loader meets them."""

import re

from knowledge.document import Block, BlockKind
from knowledge.load.anchors import Anchors
from knowledge.load.errors import UnreadableDocument

MAX_TEXT = 20_000_000
MAX_TABLE_CELLS = 1_000_000
CELL_SEPARATOR = " | "
EMPTY_CELL = "–"
INDENT = "  "

# Control characters other than tab and newline, byte order marks, soft hyphens, zero-width spaces and the
# like: invisible to the reader, yet they break matching of words. Lone surrogates cannot be stored.
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\u00ad\u200b\u2060\ufeff\ufffe\uffff\ud800-\udfff]")
_SPACES = re.compile(r"[^\S\n]+")


def tidy(text: str) -> str:
    """Runs of spaces become one, invisible characters go, lines are stripped, empty lines dropped."""
    spaced = _SPACES.sub(" ", _INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))
    return "\n".join(line for raw in spaced.split("\n") if (line := raw.strip()))


def one_line(text: str) -> str:
    return " ".join(_INVISIBLE.sub("", text).split())


def cell(text: str) -> str:
    """A table cell on one line; inner lines are joined so that they stay apart."""
    joined = ""
    for line in tidy(text).split("\n"):
        glue = " " if not joined or joined[-1] in ".,:;!?" else "; "
        joined = f"{joined}{glue}{line}" if joined else line
    return joined.replace(CELL_SEPARATOR, " / ")


class Outline:
    """Add blocks in reading order; empty ones are ignored, headings get their anchors."""

    def __init__(self) -> None:
        self._blocks: list[Block] = []
        self._anchors = Anchors()
        self._length = 0
        self._cells = 0

    def heading(self, text: str, level: int, page: int | None = None) -> None:
        line = one_line(text)
        if line:
            self._add(Block("heading", line, min(max(level, 1), 6), page, self._anchors.take(line)))

    def paragraph(self, text: str, page: int | None = None) -> None:
        self._plain("paragraph", tidy(text), page)

    def items(self, lines: list[str], page: int | None = None) -> None:
        """Lines are complete: indentation, marker, text."""
        self._plain("list", "\n".join(line for line in lines if line.strip()), page)

    def code(self, text: str, language: str = "", page: int | None = None) -> None:
        lines = _INVISIBLE.sub("", text.expandtabs(4)).rstrip().split("\n")
        # An empty line inside would look like the gap between two blocks.
        kept = "\n".join(line.rstrip() for line in lines if line.strip())
        if kept:
            self._add(Block("code", kept, 0, page, language=language))

    def table(self, rows: list[list[str]], page: int | None = None) -> None:
        """The first row is the header; empty rows and columns that are empty everywhere go."""
        self._cells += sum(len(row) for row in rows)
        if self._cells > MAX_TABLE_CELLS:
            raise UnreadableDocument(
                "too_complex", f"Its tables hold more than {MAX_TABLE_CELLS:,} cells, which is the limit."
            )
        # Many cells may share one long text: it is counted before it is written out.
        self._bounded(self._length + sum(len(value) for row in rows for value in row))
        self._plain("table", "\n".join(table_lines(rows)), page)

    def blocks(self) -> tuple[Block, ...]:
        return tuple(self._blocks)

    def first_heading(self) -> str:
        """The text of the first level-1 heading, else of a heading that opens the document, else ''."""
        headings = [block for block in self._blocks if block.kind == "heading"]
        top = next((block.text for block in headings if block.level == 1), "")
        return top or (headings[0].text if headings and headings[0] is self._blocks[0] else "")

    def _plain(self, kind: BlockKind, text: str, page: int | None) -> None:
        if text.strip():
            self._add(Block(kind, text, 0, page))

    def _add(self, block: Block) -> None:
        self._length += len(block.text)
        self._bounded(self._length)
        self._blocks.append(block)

    def _bounded(self, length: int) -> None:
        if length > MAX_TEXT:
            raise UnreadableDocument(
                "too_complex", f"It holds more than {MAX_TEXT:,} characters of text, which is the limit."
            )


def table_lines(rows: list[list[str]]) -> list[str]:
    """One line per row that says something, cells joined by ' | '."""
    cells = [[cell(value) for value in row] for row in rows]
    used = {column for row in cells for column, value in enumerate(row) if value}
    return [_row([value for column, value in enumerate(row) if column in used]) for row in cells if any(row)]


def _row(cells: list[str]) -> str:
    """Empty cells at the end go; others are shown, so that the columns can still be counted."""
    while cells and not cells[-1]:
        cells.pop()
    return CELL_SEPARATOR.join(value or EMPTY_CELL for value in cells)
