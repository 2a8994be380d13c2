"""A source cut into what can be quoted: sentences, list items under their lead-in, rows under their header.

The layout is that of `knowledge.document.Block`: lists have one line per item, tables one line per row with
cells joined by " | "; Markdown's own marks are understood, too, since other tools' chunks come as they are.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

UnitKind = Literal["sentence", "item", "row", "heading"]
Span = tuple[int, int]

_LINE = re.compile(r"[^\n]+")
_ITEM = re.compile(r"(\s*)(?:[-*+•·‣]|\(?\d{1,3}[.)]|\(?[a-z][.)])\s+(?=\S)")
_HEADING = re.compile(r"\s*#{1,6}\s+")
_RULE = re.compile(r"[\s|:=+-]*$")
_END = re.compile(r"[.!?…]+[\"'”’)\]*_]*(?:\s*\[\d{1,3}\])*(?=\s|$)")
_STARTS_SENTENCE = re.compile(r"\s*[\"'“‘(\[*_`]*[^\W_a-z]")
_ABBREVIATION = re.compile(  # a full stop after these ends no sentence; after "etc." and "p.m." it may
    r"(?:\b(?:e\.g|i\.e|vs|cf|approx|mr|mrs|ms|dr|prof|st|no|nos|ltd|dept|est|ext|fig|vol|"
    r"jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)|(?<!\.)\b[a-z]|(?:\b[a-z]\.)+(?<![ap]\.)[a-z])\.$",
    re.IGNORECASE,
)
_LONGEST_ABBREVIATION = 12
_LONGEST_HEADING = 90


@dataclass(frozen=True, slots=True)
class Unit:
    """One statement of a source.

    span: its own characters. lead: the span of the lead-in (of an item) or header (of a row) that it needs to
    be understood. whole: the item that a sentence belongs to. cells: of a row, in order; `labels` are the
    header's cells.
    """

    kind: UnitKind
    span: Span
    lead: Span | None = None
    whole: Span | None = None
    cells: tuple[Span, ...] = ()
    labels: tuple[Span, ...] = ()
    question: bool = False


def split_sentences(text: str) -> list[str]:
    """The sentences of an answer in order, each as written, trimmed; list items and lines end a sentence.

    Citation markers `[n]` stay with the sentence before them.
    """
    return [text[start:end] for start, end in sentence_spans(text)]


def sentence_spans(text: str) -> list[Span]:
    """Where the sentences are; bullets and numbers of items are left out."""
    return [span for line in _blocks(text) for span in _sentences(text, *_content(text, line))]


def units_of(text: str) -> list[Unit]:
    """What can be quoted from a source, in order."""
    units: list[Unit] = []
    lines = list(_blocks(text))
    at = 0
    while at < len(lines):
        if _is_row(text, lines[at]):
            stop = _run(text, lines, at, _is_row)
            units += _table(text, lines[at:stop])
        elif _ITEM.match(text, *lines[at]):
            stop = _run(text, lines, at, lambda text, line: bool(_ITEM.match(text, *line)))
            units += _list(text, lines[at:stop], _lead_in(text, units))
        else:
            stop = at + 1
            units += _paragraph(text, lines[at])
        at = stop
    return units


def _blocks(text: str) -> Iterator[Span]:
    """Paragraphs (soft line breaks joined), and single lines of lists, tables and headings."""
    start = end = -1
    for match in _LINE.finditer(text):
        line = match.span()
        if not match.group().strip():
            continue
        glued = start >= 0 and text.count("\n", end, line[0]) == 1
        if glued and not _stands_alone(text, line) and not _stands_alone(text, (start, end)):
            end = line[1]
            continue
        if start >= 0:
            yield start, end
        start, end = line
    if start >= 0:
        yield start, end


def _stands_alone(text: str, line: Span) -> bool:
    return bool(_ITEM.match(text, *line) or _HEADING.match(text, *line)) or _is_row(text, line)


def _run(text: str, lines: list[Span], at: int, belongs: Callable[[str, Span], bool]) -> int:
    stop = at + 1
    while stop < len(lines) and belongs(text, lines[stop]):
        stop += 1
    return stop


def _is_row(text: str, line: Span) -> bool:
    return "|" in text[slice(*line)]


def _content(text: str, line: Span) -> Span:
    mark = _ITEM.match(text, *line) or _HEADING.match(text, *line)
    return _trim(text, mark.end() if mark else line[0], line[1])


def _trim(text: str, start: int, end: int) -> Span:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _sentences(text: str, start: int, end: int) -> Iterator[Span]:
    begin = start
    for match in _END.finditer(text, start, end):
        if match.group()[0] == "." and _abbreviates(text, begin, match.start() + 1):
            continue
        if match.end() < end and not _STARTS_SENTENCE.match(text, match.end(), end):
            continue
        yield _trim(text, begin, match.end())
        begin = match.end()
    rest = _trim(text, begin, end)
    if rest[0] < rest[1]:
        yield rest


def _abbreviates(text: str, begin: int, stop: int) -> bool:
    return bool(_ABBREVIATION.search(text, max(begin, stop - _LONGEST_ABBREVIATION), stop))


def _paragraph(text: str, line: Span) -> Iterator[Unit]:
    heading = _HEADING.match(text, *line) or _looks_like_heading(text, line)
    for span in _sentences(text, *_content(text, line)):
        asks = text[span[0] : span[1]].rstrip("\"'”’)*_ ").endswith("?")
        yield Unit("heading" if heading else "sentence", span, question=asks)


def _looks_like_heading(text: str, line: Span) -> bool:
    start, end = _trim(text, *line)
    return end - start <= _LONGEST_HEADING and text[end - 1] not in ".!:;,)" and "\n" not in text[start:end]


def _lead_in(text: str, units: list[Unit]) -> Span | None:
    """The sentence or item before a list, where it announces one."""
    last = units[-1] if units else None
    return last.span if last and text[last.span[0] : last.span[1]].rstrip("*_ ").endswith(":") else None


def _list(text: str, lines: list[Span], lead: Span | None) -> Iterator[Unit]:
    leads: list[tuple[int, Span | None]] = [(-1, lead)]
    for line in lines:
        mark = _ITEM.match(text, *line)
        depth = len(mark[1]) if mark else 0
        while len(leads) > 1 and leads[-1][0] >= depth:
            leads.pop()
        whole = _content(text, line)
        for span in _sentences(text, *whole):
            yield Unit("item", span, leads[-1][1], whole, question=text[span[0] : span[1]].endswith("?"))
        if text[whole[0] : whole[1]].rstrip("*_ ").endswith(":"):
            leads.append((depth, whole))


def _table(text: str, lines: list[Span]) -> Iterator[Unit]:
    rows = [line for line in lines if not _RULE.match(text[slice(*line)])]
    header, labels = (rows[0], _cells(text, rows[0])) if len(rows) > 1 else (None, ())
    for line in rows[1:] if header else rows:
        yield Unit(
            "row", _trim(text, *line), header and _trim(text, *header), None, _cells(text, line), labels
        )


def _cells(text: str, line: Span) -> tuple[Span, ...]:
    """The cells between the bars; empty ones inside keep their place as empty spans."""
    start, end = _trim(text, *line)
    bounds = [start - 1, *(at for at in range(start, end) if text[at] == "|"), end]
    cells = [_trim(text, left + 1, right) for left, right in pairwise(bounds)]
    if text[start] == "|":
        cells = cells[1:]
    return tuple(cells[:-1] if text[end - 1] == "|" else cells)
