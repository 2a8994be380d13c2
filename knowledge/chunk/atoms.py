"""Blocks as pieces that are never torn: a block that fits, else its sentences, items, rows or lines."""

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from knowledge.chunk.tokens import CountTokens
from knowledge.document import Block
from knowledge.sentences import sentences

_TOP_ITEM = re.compile(r"^(?:-|\d+\.) ?", re.MULTILINE)
_WORD = re.compile(r"\S+\s*|\s+")
MAX_HEADER_SHARE = 3
_STEPS = 20


@dataclass(frozen=True, slots=True)
class Placed:
    """A block and where it stands in the document's text."""

    block: Block
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.block.text)


@dataclass(frozen=True, slots=True)
class Atom:
    """header: the header row that a part of a table repeats when it begins here.
    leads: announces what follows ("You need:"), so it should not end a chunk."""

    start: int
    end: int
    tokens: int
    page: int | None
    header: str = ""
    header_tokens: int = 0
    leads: bool = False


def atoms(placed: Placed, limit: int, count: CountTokens) -> list[Atom]:
    """The block in pieces of at most `limit` tokens, in order, covering all of its text but spaces."""
    block = placed.block
    whole = count(block.text)
    if whole <= limit:
        leads = block.kind == "heading" or (block.kind == "paragraph" and block.text.endswith(":"))
        return [Atom(placed.start, placed.end, whole, block.page, leads=leads)]
    if block.kind == "table":
        return _table_atoms(placed, limit, count)
    parts = _items(block.text) if block.kind == "list" else _sentences(block.text)
    return list(_fitting(placed, parts, limit, count))


def sentence_atoms(placed: Placed, limit: int, count: CountTokens) -> list[Atom]:
    """A paragraph as its sentences, though it might fit as a whole."""
    return list(_fitting(placed, _sentences(placed.block.text), limit, count))


def fine_atoms(placed: Placed, limit: int, count: CountTokens) -> list[Atom]:
    """The block in small steps for windows that slide; rows and items whole, as long as they fit at all."""
    block = placed.block
    if block.kind == "table":
        return _table_atoms(placed, limit, count)
    if block.kind == "list":
        return list(_fitting(placed, _items(block.text), limit, count))
    return list(_fitting(placed, [(0, len(block.text))], max(limit // _STEPS, 1), count))


def _table_atoms(placed: Placed, limit: int, count: CountTokens) -> list[Atom]:
    rows = _lines(placed.block.text)
    header = placed.block.text[rows[0][0] : rows[0][1]]
    header_tokens = count(header)
    if header_tokens * MAX_HEADER_SHARE > limit:
        # Repeating such a header would leave no room for rows.
        return list(_fitting(placed, rows, limit, count))
    first = Atom(placed.start, placed.start + rows[0][1], header_tokens, placed.block.page, leads=True)
    rest = _fitting(placed, rows[1:], limit - header_tokens, count)
    return [first] + [
        Atom(atom.start, atom.end, atom.tokens, atom.page, header, header_tokens) for atom in rest
    ]


def _fitting(
    placed: Placed, parts: Iterable[tuple[int, int]], limit: int, count: CountTokens
) -> Iterator[Atom]:
    for start, end in parts:
        for a, b in within(placed.block.text, start, end, limit, count):
            yield Atom(placed.start + a, placed.start + b, count(placed.block.text[a:b]), placed.block.page)


def within(text: str, start: int, end: int, limit: int, count: CountTokens) -> Iterator[tuple[int, int]]:
    """A part that is still too long is cut at lines, then sentences, then words, then anywhere."""
    if count(text[start:end]) <= limit:
        yield start, end
        return
    for cut in (_lines, _sentences):
        finer = [(start + a, start + b) for a, b in cut(text[start:end])]
        if len(finer) > 1:
            for a, b in finer:
                yield from within(text, a, b, limit, count)
            return
    yield from _words(text, start, end, limit, count)


def _words(text: str, start: int, end: int, limit: int, count: CountTokens) -> Iterator[tuple[int, int]]:
    begin, used = start, 0
    for word in _WORD.finditer(text, start, end):
        cost = max(count(word.group()), 1)
        if used and used + cost > limit:
            yield _trimmed(text, begin, word.start())
            begin, used = word.start(), 0
        while cost > limit:
            # One "word" without any space: a key, a picture in base64, a language without spaces.
            yield begin, begin + limit
            begin += limit
            cost = max(count(text[begin : word.end()]), 1) if begin < word.end() else 0
        used += cost
    if text[begin:end].strip():
        yield _trimmed(text, begin, end)


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    return start, start + len(text[start:end].rstrip())


def _lines(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in re.finditer(r"[^\n]+", text)]


def _items(text: str) -> list[tuple[int, int]]:
    """Top-level items with everything that is nested in them."""
    starts = [match.start() for match in _TOP_ITEM.finditer(text)]
    bounds = sorted({0, *starts, len(text)})
    return [(a, a + len(text[a:b].rstrip("\n"))) for a, b in itertools.pairwise(bounds)]


def _sentences(text: str) -> list[tuple[int, int]]:
    return list(sentences(text, 0, len(text)))
