"""Markdown as Teams shows it: nobody is pinged, nothing becomes markup, tables stay readable.

Teams reads a flavour of Markdown with pieces of HTML in it, and no tables. A mention needs an entity beside
the text, which we never send; its tag is taken apart all the same.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

_JOINER: Final = "\u2060"
_INVISIBLE: Final = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\0]")
_TAG: Final = re.compile(r"<(?=[A-Za-z/!?])")
_MENTION: Final = re.compile(r"<(?=/?at\b)", re.IGNORECASE)
_IMAGE: Final = re.compile(r"!(?=\[)")
_ADDRESS: Final = re.compile(r"\]\((?!https?://|mailto:)")
_CODE: Final = re.compile(r"(`[^`]*`)")
_RULER: Final = re.compile(r"\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*")
_HELD: Final = 2_000
"""Characters of a line that wait at most for its end."""
COLUMN: Final = 60


@dataclass(slots=True)
class Flow:
    """Neutral Markdown piece by piece; what was given out once stands at the beginning of all that follows.

    What comes out in the end does not depend on where the pieces were cut.
    """

    shown: str = ""
    _pending: str = ""
    _fence: str = ""
    _table: list[str] = field(default_factory=list[str])
    _inside: bool = False
    """Some of the line is given out."""

    def feed(self, text: str) -> None:
        self._pending += _INVISIBLE.sub("", text).replace("\r\n", "\n")
        while "\n" in self._pending:
            line, _, self._pending = self._pending.partition("\n")
            self._line(f"{line}\n")
        self._half_line()

    def rest(self) -> str:
        """All of it; nothing follows."""
        line, self._pending = self._pending, ""
        if line:
            self._line(line)
        self._flush()
        if self._fence:
            # An open fence would take in whatever is written below.
            self.shown = f"{self.shown.rstrip()}\n{self._fence}"
            self._fence = ""
        return self.shown

    def _line(self, line: str) -> None:
        if not self._inside and not self._fence and line.lstrip().startswith("|"):
            self._table.append(line)
            return
        self._flush()
        fence = "" if self._inside else _fence_of(line)
        if self._fence:
            self.shown += _MENTION.sub(f"<{_JOINER}", line)
            if fence and fence.startswith(self._fence) and not line.strip().strip(fence[0]):
                self._fence = ""
        elif fence:
            self.shown += _TAG.sub("&lt;", line)
            self._fence = fence
        else:
            self.shown += neutral(line)
        self._inside = False

    def _half_line(self) -> None:
        """Whole words of a line that is neither a table nor code, as far as its code spans are closed."""
        line = self._pending
        if self._fence or (not self._inside and (not line.strip() or line.lstrip()[0] in "|`~")):
            return
        cut = max(line.rfind(" "), line.rfind("\t")) + 1
        while cut and line.count("`", 0, cut) % 2:
            cut = max(line.rfind(" ", 0, cut - 1), line.rfind("\t", 0, cut - 1)) + 1
        if not line[:cut].strip():
            return
        self._flush()
        self.shown += neutral(line[:cut])
        self._pending, self._inside = line[cut:], True

    def _flush(self) -> None:
        if self._table:
            lines, self._table = self._table, []
            self.shown += _table_of(lines)


def converted(markdown: str) -> str:
    flow = Flow()
    flow.feed(markdown)
    return flow.rest()


def neutral(line: str) -> str:
    """One line, or its beginning up to a space outside of code."""
    parts = _CODE.split(line)
    return "".join(
        _MENTION.sub(f"<{_JOINER}", part) if at % 2 else _plain(part) for at, part in enumerate(parts)
    )


def escaped(text: str) -> str:
    """Somebody's words as words: no markup at all."""
    plain = _TAG.sub("&lt;", _INVISIBLE.sub("", text))
    return re.sub(r"([\\`*_~\[\]|#])", r"\\\1", plain)


def pieces(text: str, most: int) -> list[str]:
    """Of at most so many bytes of JSON each, cut between paragraphs where that can be, else lines, words. A
    fence that is cut is closed and opened again."""
    found: list[str] = []
    while _weight(text) > most:
        cut = _cut(text, _characters(text, most - 16))
        piece, text = text[:cut].rstrip("\n"), text[cut:].lstrip("\n")
        if fence := _open_fence(piece):
            piece, text = f"{piece}\n{fence}", f"{fence}\n{text}"
        found.append(piece)
    return [*found, text]


def _plain(part: str) -> str:
    return _ADDRESS.sub("] (", _IMAGE.sub("", _TAG.sub("&lt;", part)))


def _fence_of(line: str) -> str:
    # A fence of backticks has none behind it: that is a span of code.
    found = re.match(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})", line)
    return found[1] if found else ""


def _table_of(lines: Sequence[str]) -> str:
    """Its columns aligned, as code: Teams shows no tables in Markdown."""
    if len(lines) < 2 or not _RULER.fullmatch(lines[1].strip()):
        return "".join(map(neutral, lines))
    rows = [_cells(line) for line in (lines[0], *lines[2:])]
    width = max(map(len, rows))
    rows = [row + [""] * (width - len(row)) for row in rows]
    widths = [min(COLUMN, max(map(len, column))) for column in zip(*rows, strict=True)]
    drawn = [
        "  ".join(cell.ljust(room) for cell, room in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    drawn.insert(1, "  ".join("-" * room for room in widths))
    body = _MENTION.sub(f"<{_JOINER}", "\n".join(drawn)).replace("```", "'''")
    return f"```\n{body}\n```\n"


def _cells(line: str) -> list[str]:
    inner = line.strip().removeprefix("|")
    if inner.endswith("|") and not inner.endswith("\\|"):
        inner = inner[:-1]
    cells = re.split(r"(?<!\\)\|", inner)
    return [re.sub(r"[*`]", "", cell.replace("\\|", "|")).strip() for cell in cells]


def _weight(text: str) -> int:
    """Bytes, as JSON writes it."""
    return len(json.dumps(text, ensure_ascii=False).encode()) - 2


def _characters(text: str, most: int) -> int:
    """How many of the first ones are surely no heavier than that; at least one."""
    count = min(len(text), most)
    while count > 1 and (weight := _weight(text[:count])) > most:
        count = max(1, min(count - 1, count * most // weight))
    return count


def _cut(text: str, most: int) -> int:
    for mark in ("\n\n", "\n", " "):
        found = text.rfind(mark, most // 4, most)
        if found > 0:
            return found + len(mark)
    return most


def _open_fence(piece: str) -> str:
    fence = ""
    for line in piece.splitlines():
        found = _fence_of(line)
        if not fence:
            fence = found
        elif found.startswith(fence):
            fence = ""
    return fence
