"""A source cut into what can be quoted: sentences, list items under their lead-in, rows under their header.

The layout is that of `knowledge.document.Block`: lists have one line per item, tables one line per row with
cells joined by " | "; Markdown's own marks are understood, too, since other tools' chunks come as they are.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from knowledge.sentences import HEADING, ITEM, Span, content, is_row, sentences, text_lines, trim

UnitKind = Literal["sentence", "item", "row", "heading"]

_RULE = re.compile(r"[\s|:=+-]*$")
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


def units_of(text: str) -> list[Unit]:
    """What can be quoted from a source, in order."""
    units: list[Unit] = []
    lines = list(text_lines(text))
    at = 0
    while at < len(lines):
        if is_row(text, lines[at]):
            stop = _run(text, lines, at, is_row)
            units += _table(text, lines[at:stop])
        elif ITEM.match(text, *lines[at]):
            stop = _run(text, lines, at, lambda text, line: bool(ITEM.match(text, *line)))
            units += _list(text, lines[at:stop], _lead_in(text, units))
        else:
            stop = at + 1
            units += _paragraph(text, lines[at])
        at = stop
    return units


def _run(text: str, lines: list[Span], at: int, belongs: Callable[[str, Span], bool]) -> int:
    stop = at + 1
    while stop < len(lines) and belongs(text, lines[stop]):
        stop += 1
    return stop


def _paragraph(text: str, line: Span) -> Iterator[Unit]:
    heading = HEADING.match(text, *line) or _looks_like_heading(text, line)
    for span in sentences(text, *content(text, line)):
        asks = text[span[0] : span[1]].rstrip("\"'”’)*_ ").endswith("?")
        yield Unit("heading" if heading else "sentence", span, question=asks)


def _looks_like_heading(text: str, line: Span) -> bool:
    start, end = trim(text, *line)
    return end - start <= _LONGEST_HEADING and text[end - 1] not in ".!:;,)" and "\n" not in text[start:end]


def _lead_in(text: str, units: list[Unit]) -> Span | None:
    """The sentence or item before a list, where it announces one."""
    last = units[-1] if units else None
    return last.span if last and text[last.span[0] : last.span[1]].rstrip("*_ ").endswith(":") else None


def _list(text: str, lines: list[Span], lead: Span | None) -> Iterator[Unit]:
    leads: list[tuple[int, Span | None]] = [(-1, lead)]
    for line in lines:
        mark = ITEM.match(text, *line)
        depth = len(mark[1]) if mark else 0
        while len(leads) > 1 and leads[-1][0] >= depth:
            leads.pop()
        whole = content(text, line)
        for span in sentences(text, *whole):
            yield Unit("item", span, leads[-1][1], whole, question=text[span[0] : span[1]].endswith("?"))
        if text[whole[0] : whole[1]].rstrip("*_ ").endswith(":"):
            leads.append((depth, whole))


def _table(text: str, lines: list[Span]) -> Iterator[Unit]:
    rows = [line for line in lines if not _RULE.match(text[slice(*line)])]
    header, labels = (rows[0], _cells(text, rows[0])) if len(rows) > 1 else (None, ())
    for line in rows[1:] if header else rows:
        yield Unit("row", trim(text, *line), header and trim(text, *header), None, _cells(text, line), labels)


def _cells(text: str, line: Span) -> tuple[Span, ...]:
    """The cells between the bars; empty ones inside keep their place as empty spans."""
    start, end = trim(text, *line)
    bounds = [start - 1, *(at for at in range(start, end) if text[at] == "|"), end]
    cells = [trim(text, left + 1, right) for left, right in pairwise(bounds)]
    if text[start] == "|":
        cells = cells[1:]
    return tuple(cells[:-1] if text[end - 1] == "|" else cells)
