"""Citations as every channel shows them: which number opens what, and what its source is called (SPEC 1)."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final
from uuid import UUID

from kit.wire.chat import Citation

CODE: Final = re.compile(r"(```.*?(?:```|\Z)|`[^`\n]*`)", re.DOTALL)
MARK: Final = re.compile(r"(?<!\w)\[(\d{1,3})\](?!\()")
_QUOTED: Final = re.compile(r"(?<=/content)\?quote=[^#]*")
_LONG: Final = 500
_NAME: Final = 90
_CONFIDENCE: Final = ((0.95, "very high"), (0.85, "high"), (0.6, "moderate"))


def numbered(citations: Iterable[Citation]) -> dict[int, Citation]:
    """One a number, in order."""
    found: dict[int, Citation] = {}
    for citation in citations:
        found.setdefault(citation.n, citation)
    return dict(sorted(found.items()))


def together(citations: Iterable[Citation]) -> list[list[Citation]]:
    """Those of one place and one confidence stand in one line, by their first number."""
    lines: dict[tuple[UUID, str, str], list[Citation]] = {}
    for citation in numbered(citations).values():
        key = (citation.doc_id, place(citation), confidence(citation.confidence))
        lines.setdefault(key, []).append(citation)
    return list(lines.values())


def addresses(citations: Iterable[Citation], *, short: bool = False) -> dict[int, str]:
    """{number: address}. short: none of them with the quote that is to be marked there."""
    found = numbered(citations)
    return {n: unquoted(each.url) if short else address(each) for n, each in found.items()}


def address(citation: Citation) -> str:
    """At the section; the quote to mark there only while the address stays short enough for a message."""
    return citation.url if len(citation.url) <= _LONG else unquoted(citation.url)


def unquoted(url: str) -> str:
    return _QUOTED.sub("", url)


def marked(markdown: str, link: Callable[[int], str | None], before: str = "") -> str:
    """`[n]` replaced by what `link` says (None: it stays); in code they are left alone. `before`: the last
    character of what came before."""
    parts = CODE.split(markdown)
    return "".join(
        part if at % 2 else _replaced(part, link, parts[at - 1][-1:] if at else before)
        for at, part in enumerate(parts)
    )


def unknown(markdown: str, urls: Mapping[int, str], before: str = "") -> int:
    """Where the first marker stands whose citation is not known; -1: nowhere."""
    at = 0
    for number, part in enumerate(CODE.split(markdown)):
        if number % 2 == 0:
            lead = before if at == 0 else ""
            for found in MARK.finditer(lead + part):
                if int(found[1]) not in urls:
                    return at + found.start() - len(lead)
        at += len(part)
    return -1


def without_marks(text: str) -> str:
    return re.sub(r"\s*\[\d{1,3}\](?!\()", "", text)


def place(citation: Citation) -> str:
    """Title › section, p. 3"""
    title, section = _line(citation.title) or "Source", _line(citation.section)
    where = f"{title} › {section}" if section and section != title else title
    return f"{where}, p. {citation.page}" if citation.page else where


def confidence(value: float) -> str:
    word = next((word for least, word in _CONFIDENCE if value >= least), "low")
    return f"{word} confidence"


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _NAME else f"{line[: _NAME - 1].rstrip()}…"


def _replaced(text: str, link: Callable[[int], str | None], before: str) -> str:
    def linked(found: re.Match[str]) -> str:
        made = link(int(found[1]))
        return found[0] if made is None else made

    return MARK.sub(linked, before + text)[len(before) :]
