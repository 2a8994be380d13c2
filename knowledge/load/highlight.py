"""Marks a quote in a loaded document, so that the page shows the place that a citation speaks of.

The quote is found as words: white space, list markers and cell borders between them may differ. Marks are two
Unicode noncharacters in the text of the blocks, which the page turns into elements after escaping; they stand
around parts of one line and one cell, so that elements nest.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from knowledge.document import BLOCK_SEPARATOR, Block, LoadedDocument
from knowledge.load.outline import CELL_SEPARATOR

BEGIN, END = "\ufdd0", "\ufdd1"
_NOT_OURS = str.maketrans({BEGIN: "\ufffd", END: "\ufffd"})
_APART = re.compile(r"[\s|]+")
_WORD = re.compile(r"[^\s|]+")
_MARKERS = re.compile(r"^ *(?:-|\d+\.)(?=\s)", re.MULTILINE)
_MARKER = re.compile(r" *(?:-|\d+\.) ?")
_MOST_WORDS = 400


def highlighted(document: LoadedDocument, quote: str) -> LoadedDocument:
    """The document with marks around the first place where the quote stands, else without any."""
    blocks = tuple(replace(block, text=block.text.translate(_NOT_OURS)) for block in document.blocks)
    clean = replace(document, blocks=blocks)
    span = find(clean.text, quote.translate(_NOT_OURS))
    return replace(clean, blocks=tuple(_marked(blocks, *span))) if span else clean


def find(text: str, quote: str) -> tuple[int, int] | None:
    """Where the words of the quote stand in the text: as they are written, else whatever their case.

    In a time that grows with the text only: as a pattern, a quote of thirty hyphens takes for ever.
    """
    bare, unmarked = _without_markers(text), _without_markers(quote)
    pairs = ((text, quote), (bare, quote), (bare, unmarked))
    tries = [*pairs, *((_small(one), _small(other)) for one, other in pairs)]
    return next((span for one, other in tries if (span := _span(one, other))), None)


def _span(text: str, quote: str) -> tuple[int, int] | None:
    wanted = " ".join(_WORD.findall(quote)[:_MOST_WORDS])
    words = _APART.sub(" ", text).lstrip()
    first = words.find(wanted) if wanted else -1
    if first < 0:
        return None
    last = first + len(wanted) - 1
    return _place(text, words, first), _place(text, words, last) + 1


def _place(text: str, words: str, at: int) -> int:
    """Where a character of `words` (those of the text, one space between) stands in the text."""
    number, begins = words.count(" ", 0, at), words.rfind(" ", 0, at) + 1
    word = next(islice(_WORD.finditer(text), number, None))
    return word.start() + at - begins


def _without_markers(text: str) -> str:
    """Spaces instead of the markers of list items."""
    return _MARKERS.sub(lambda marker: " " * len(marker[0]), text)


def _small(text: str) -> str:
    """In small letters, each in its place: a few become two characters and stay as they are."""
    small = text.lower()
    return small if len(small) == len(text) else "".join(map(_small_letter, text))


def _small_letter(letter: str) -> str:
    small = letter.lower()
    return small if len(small) == 1 else letter


def _marked(blocks: tuple[Block, ...], start: int, end: int) -> Iterator[Block]:
    at = 0
    for block in blocks:
        first, last = max(start - at, 0), min(end - at, len(block.text))
        yield replace(block, text=_around(block, first, last)) if first < last else block
        at += len(block.text) + len(BLOCK_SEPARATOR)


def _around(block: Block, start: int, end: int) -> str:
    """Marks in each line and cell on its own."""
    parts: list[str] = []
    at = 0
    for line in block.text.split("\n"):
        cells = line.split(CELL_SEPARATOR) if block.kind == "table" else [line]
        marked: list[str] = []
        for cell in cells:
            marked.append(_cell(block, cell, start - at, end - at))
            at += len(cell) + len(CELL_SEPARATOR)
        at += 1 - len(CELL_SEPARATOR)
        parts.append(CELL_SEPARATOR.join(marked))
    return "\n".join(parts)


def _cell(block: Block, text: str, start: int, end: int) -> str:
    marker = _MARKER.match(text) if block.kind == "list" else None
    first, last = max(start, marker.end() if marker else 0), min(end, len(text))
    if first >= last or not text[first:last].strip():
        return text
    return f"{text[:first]}{BEGIN}{text[first:last]}{END}{text[last:]}"
