"""Markdown as Slack shows it: nobody is pinged, nothing is cut off without a word, tables stay tables.

Slack's own Markdown blocks read what we write, apart from tables in a stream and from what Slack itself
reads as a mention. Limits as published for Block Kit: 12,000 characters of Markdown in a message, one
table of 100 rows and 20 columns.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token

from bot.core.plain import opens, shortened, visible

LONGEST = 12_000
"""Characters of Markdown in one message."""
ROWS, COLUMNS, CELL = 100, 20, 1_000
_JOINER = "\u2060"
_ENTITY = re.compile(r"<(?=[@!#])")
_BROADCAST = re.compile(r"@(?=(?:channel|here|everyone)\b)", re.IGNORECASE)
_reader = MarkdownIt("commonmark").enable("table")


@dataclass(frozen=True, slots=True)
class Prose:
    """Markdown without tables."""

    text: str


@dataclass(frozen=True, slots=True)
class Table:
    """Cells as plain text; the first row is the head."""

    rows: tuple[tuple[str, ...], ...]

    def as_text(self) -> str:
        """For where Slack shows no tables: the columns aligned in a block of code."""
        widths = [max(len(cell) for cell in column) for column in zip(*self.rows, strict=True)]
        lines = (
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in self.rows
        )
        return "```\n" + "\n".join(lines) + "\n```"


def neutral(text: str) -> str:
    """The same to read, but no mention of anybody, whoever wrote it: a word joiner parts what Slack looks
    for. Characters that hide or turn text around are gone."""
    return _BROADCAST.sub(f"@{_JOINER}", _ENTITY.sub(f"<{_JOINER}", visible(text)))


def escaped(text: str) -> str:
    """For Slack's own markup (`mrkdwn`): shown as it is, without format, links or mentions."""
    shown = neutral(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([*_~`])", rf"{_JOINER}\1", shown)


def linked(url: str, label: str) -> str:
    """In Slack's own markup; the label alone where the address is none that a browser opens."""
    return f"<{_address(url)}|{escaped(label)}>" if opens(url) else escaped(label)


def markdown_link(url: str, label: str) -> str:
    """In Markdown; the label alone where the address is none that a browser opens."""
    shown = neutral(label).replace("[", "(").replace("]", ")")
    return f"[{shown}]({_address(url).replace('(', '%28').replace(')', '%29')})" if opens(url) else shown


def parts_of(markdown: str) -> list[Prose | Table]:
    """The answer's Markdown, neutral, its tables apart."""
    text = neutral(markdown)
    lines = text.splitlines()
    parts: list[Prose | Table] = []
    done = 0
    for first, last, table in _tables(text):
        parts += _prose(lines[done:first])
        parts.append(table)
        done = last
    return parts + _prose(lines[done:])


def pieces(markdown: str, limit: int = LONGEST) -> list[str]:
    """Neutral Markdown in pieces of at most `limit`, cut between paragraphs where that can be, else between
    lines, words, characters. A fence that is cut is closed and opened again."""
    text = neutral(markdown)
    found: list[str] = []
    fence = ""
    while len(text) > limit:
        cut = _cut(text, limit - len(_closing(fence)) - len("\n```"), len(fence) + 1)
        piece, text = text[:cut].rstrip("\n"), text[cut:].lstrip("\n")
        still = _fence_after(piece, fence)
        found.append(piece + _closing(still))
        text = f"{still}\n{text}" if still else text
        fence = still
    return [*found, text] if text or not found else found


def _closing(fence: str) -> str:
    return "\n```" if fence else ""


def _fence_after(piece: str, before: str) -> str:
    """The opening line of the fence in which the piece ends; "" where it ends in none."""
    fence = ""
    for line in piece.splitlines():
        if line.lstrip().startswith("```"):
            fence = "" if fence else _opening(line)
    return fence


def _opening(line: str) -> str:
    """With its language, where it is one: a fence that is opened again must stay short."""
    found = re.match(r"```\s*([\w+#.-]{0,20})\s*$", line.strip())
    return f"```{found[1]}" if found else "```"


def _cut(text: str, limit: int, least: int) -> int:
    """Behind `least`: a piece is more than the fence that was opened again."""
    for mark in ("\n\n", "\n", " "):
        found = text.rfind(mark, max(least, limit // 4), limit)
        if found > 0:
            return found + len(mark)
    return limit


def _prose(lines: Sequence[str]) -> list[Prose | Table]:
    text = "\n".join(lines).strip("\n")
    return [Prose(text)] if text.strip() else []


def _tables(text: str) -> Iterator[tuple[int, int, Table]]:
    """(first line, line after the last, table), those that Slack's table block can hold."""
    tokens = _reader.parse(text)
    for number, token in enumerate(tokens):
        if token.type != "table_open" or token.map is None or token.level:
            continue
        rows = tuple(_rows(tokens[number:]))
        if rows and len(rows) <= ROWS and len(rows[0]) <= COLUMNS:
            yield token.map[0], token.map[1], Table(rows)


def _rows(tokens: Sequence[Token]) -> Iterator[tuple[str, ...]]:
    row: list[str] = []
    for token in tokens:
        if token.type == "table_close":
            return
        if token.type == "tr_open":
            row = []
        elif token.type == "inline":
            row.append(shortened(_said(token), CELL))
        elif token.type == "tr_close":
            yield tuple(row)


def _said(token: Token) -> str:
    children = token.children or []
    return "".join(child.content if child.type != "softbreak" else " " for child in children)


def _address(url: str) -> str:
    return url.replace("|", "%7C").replace(">", "%3E").replace("<", "%3C").replace(" ", "%20")
