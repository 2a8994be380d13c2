"""Plain text: paragraphs, lists, underlined headings."""

import itertools
import re

from knowledge.document import LoadedDocument
from knowledge.load.outline import Outline

CONTENT_TYPE = "text/plain"

_UNDERLINE = re.compile(r"^\s*([=\-~^*#])\1{2,}\s*$")
_BULLET = re.compile(r"^\s*(?:[-*•‣◦–]|\d{1,3}[.)])\s+\S")
_LEVELS = {"=": 1, "#": 1, "*": 1, "-": 2, "~": 3, "^": 3}
_MAX_TITLE = 120


def load_text(source: str) -> LoadedDocument:
    """Paragraphs are separated by empty lines; a line underlined with ===, --- or ~~~ is a heading."""
    outline = Outline()
    add_text(source, outline)
    return LoadedDocument(outline.first_heading(), CONTENT_TYPE, outline.blocks())


def add_text(source: str, outline: Outline) -> None:
    for group in _paragraphs(source):
        _add_group(group, outline)


def _paragraphs(source: str) -> list[list[str]]:
    lines = source.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n\n").split("\n")
    groups = itertools.groupby(lines, key=lambda line: bool(line.strip()))
    return [list(group) for filled, group in groups if filled]


def _add_group(lines: list[str], outline: Outline) -> None:
    pending: list[str] = []
    for position, line in enumerate(lines):
        mark = _UNDERLINE.match(line)
        if mark is None:
            pending.append(line)
        elif pending and len(pending[-1].strip()) <= _MAX_TITLE and lines[position - 1] is pending[-1]:
            title = pending.pop()
            _add_plain(pending, outline)
            pending = []
            outline.heading(title, _LEVELS[mark.group(1)])
    _add_plain(pending, outline)


def _add_plain(lines: list[str], outline: Outline) -> None:
    items = [position for position, line in enumerate(lines) if _BULLET.match(line)]
    if not items:
        outline.paragraph("\n".join(lines))
        return
    outline.paragraph("\n".join(lines[: items[0]]))
    entries = itertools.pairwise([*items, len(lines)])
    outline.items([_item(lines[start:end]) for start, end in entries])


def _item(lines: list[str]) -> str:
    text = " ".join(" ".join(lines).split())
    return re.sub(r"^[*•‣◦–]\s+", "- ", text)
