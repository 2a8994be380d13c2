"""Text as lines and sentences: paragraphs, items of lists, rows of tables, and what ends a sentence in them.

The layout is that of `knowledge.document.Block`: lists have one line per item, tables one line per row with
cells joined by " | "; Markdown's own marks are understood, too, since other tools' chunks come as they are.
"""

import re
from collections.abc import Iterator

Span = tuple[int, int]

ITEM = re.compile(r"(\s*)(?:[-*+•·‣]|\(?\d{1,3}[.)]|\(?[a-z][.)])\s+(?=\S)")
HEADING = re.compile(r"\s*#{1,6}\s+")
_LINE = re.compile(r"[^\n]+")
# Not from within a run of marks, and a run is not read again: "!!!!…" would take time squared.
_END = re.compile(r"(?<![.!?…])[.!?…]++[\"'”’)\]*_]*+(?:\s*\[\d{1,3}\])*(?=\s|$)")
_STARTS_SENTENCE = re.compile(r"\s*[\"'“‘(\[*_`]*[^\W_a-z]")
_ABBREVIATION = re.compile(  # a full stop after these ends no sentence; after "etc." and "p.m." it may
    r"(?:\b(?:e\.g|i\.e|vs|cf|approx|mr|mrs|ms|dr|prof|st|no|nos|ltd|dept|est|ext|fig|vol|"
    r"jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)|(?<!\.)\b[a-z]|(?:\b[a-z]\.)+(?<![ap]\.)[a-z])\.$",
    re.IGNORECASE,
)
_LONGEST_ABBREVIATION = 12


def split_sentences(text: str) -> list[str]:
    """The sentences of an answer in order, each as written, trimmed; list items and lines end a sentence.

    Citation markers `[n]` stay with the sentence before them.
    """
    return [text[start:end] for start, end in sentence_spans(text)]


def sentence_spans(text: str) -> list[Span]:
    """Where the sentences are; bullets and numbers of items are left out."""
    return [span for line in text_lines(text) for span in sentences(text, *content(text, line))]


def text_lines(text: str) -> Iterator[Span]:
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
    return bool(ITEM.match(text, *line) or HEADING.match(text, *line)) or is_row(text, line)


def is_row(text: str, line: Span) -> bool:
    """A line of a table."""
    return text.find("|", *line) >= 0


def content(text: str, line: Span) -> Span:
    """The line without its bullet, number or heading mark."""
    mark = ITEM.match(text, *line) or HEADING.match(text, *line)
    return trim(text, mark.end() if mark else line[0], line[1])


def trim(text: str, start: int, end: int) -> Span:
    """The span without the spaces at its ends."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def sentences(text: str, start: int, end: int) -> Iterator[Span]:
    """The sentences between two places of one paragraph, item or row."""
    begin = start
    for match in _END.finditer(text, start, end):
        if match.group()[0] == "." and _abbreviates(text, begin, match.start() + 1):
            continue
        if match.end() < end and not _STARTS_SENTENCE.match(text, match.end(), end):
            continue
        yield trim(text, begin, match.end())
        begin = match.end()
    rest = trim(text, begin, end)
    if rest[0] < rest[1]:
        yield rest


def _abbreviates(text: str, begin: int, stop: int) -> bool:
    return bool(_ABBREVIATION.search(text, max(begin, stop - _LONGEST_ABBREVIATION), stop))
