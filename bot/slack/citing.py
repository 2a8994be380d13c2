"""Citations: `[n]` in an answer becomes a link that opens the source at its section (SPEC 1 J1, 7)."""

import re
from collections.abc import Iterable, Mapping, Sequence

from bot.slack.blocks import CONTEXT, Block, context, listed, shown, within
from bot.slack.text import linked, markdown_link, opens
from kit.wire.chat import Citation

LISTED = 3_400
"""Characters of sources in one message."""
_CODE = re.compile(r"(```.*?(?:```|\Z)|`[^`\n]*`)", re.DOTALL)
MARK = re.compile(r"(?<!\w)\[(\d{1,3})\](?!\()")
_QUOTED = re.compile(r"(?<=/content)\?quote=[^#]*")
_LONG = 500
_CONFIDENCE = ((0.95, "very high"), (0.85, "high"), (0.6, "moderate"))


def numbered(citations: Iterable[Citation]) -> dict[int, Citation]:
    """One a number, in order."""
    found: dict[int, Citation] = {}
    for citation in citations:
        found.setdefault(citation.n, citation)
    return dict(sorted(found.items()))


def addresses(citations: Iterable[Citation], *, short: bool = False) -> dict[int, str]:
    found = numbered(citations)
    return {n: _unquoted(each.url) if short else address(each) for n, each in found.items()}


def address(citation: Citation) -> str:
    """At the section; the quote to mark there only while the address stays short enough for a message."""
    return citation.url if len(citation.url) <= _LONG else _unquoted(citation.url)


def _unquoted(url: str) -> str:
    return _QUOTED.sub("", url)


def with_links(markdown: str, urls: Mapping[int, str], before: str = "") -> str:
    """Neutral Markdown, its markers as numbered links; in code they are left alone. `before`: the last
    character of what came before."""
    parts = _CODE.split(markdown)
    return "".join(
        part if at % 2 else _marked(part, urls, parts[at - 1][-1:] if at else before)
        for at, part in enumerate(parts)
    )


def unknown(markdown: str, urls: Mapping[int, str], before: str = "") -> int:
    """Where the first marker stands whose citation is not known; -1: nowhere."""
    at = 0
    for number, part in enumerate(_CODE.split(markdown)):
        if number % 2 == 0:
            lead = before if at == 0 else ""
            for found in MARK.finditer(lead + part):
                if int(found[1]) not in urls:
                    return at + found.start() - len(lead)
        at += len(part)
    return -1


def marker(n: int) -> str:
    """Round brackets: square ones inside a link's label are not read alike everywhere."""
    return f"({n})"


def without_marks(text: str) -> str:
    return re.sub(r"\s*\[\d{1,3}\](?!\()", "", text)


def sources_of(citations: Sequence[Citation]) -> list[Block]:
    """*Sources*, one a line: (1) Title › Section, p. 2 · high confidence."""
    found = list(numbered(citations).values())
    if not found:
        return []
    lines = within([source_line(citation) for citation in found], LISTED)
    return [context(*listed(["*Sources*", *lines], CONTEXT))]


def are_listed(citations: Iterable[Citation]) -> bool:
    """All of them, in one message."""
    lines = [source_line(citation) for citation in numbered(citations).values()]
    return within(lines, LISTED) == lines


def source_line(citation: Citation) -> str:
    url = address(citation)
    label = place(citation)
    name = linked(url, label) if opens(url) and len(url) <= 1_000 else shown(label, 200)
    return f"{marker(citation.n)} {name} · {confidence(citation.confidence)}"


def source_markdown(citation: Citation) -> str:
    return f"{marker(citation.n)} {markdown_link(address(citation), place(citation))}"


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
    return line if len(line) <= 90 else f"{line[:89].rstrip()}…"


def _marked(text: str, urls: Mapping[int, str], before: str) -> str:
    def link(found: re.Match[str]) -> str:
        n = int(found[1])
        return markdown_link(urls[n], marker(n)) if n in urls else found[0]

    return MARK.sub(link, before + text)[len(before) :]
