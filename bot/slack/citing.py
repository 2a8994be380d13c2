"""Citations in Slack: `[n]` becomes a link that opens the source at its section (SPEC 1 J1, 7)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from bot.core.citing import address, confidence, marked, place, together
from bot.core.plain import opens
from bot.slack.blocks import CONTEXT, Block, context, listed, shown, within
from bot.slack.text import linked, markdown_link
from kit.wire.chat import Citation

LISTED = 3_400
"""Characters of sources in one message."""
_LONGEST = 500
_A_LINE = 3
"""Numbers with their addresses in one line: a line stays below `CONTEXT`."""


def with_links(markdown: str, urls: Mapping[int, str], before: str = "") -> str:
    """Neutral Markdown, its markers as numbered links. `before`: as of `core.citing.marked`."""

    def link(n: int) -> str | None:
        return markdown_link(urls[n], marker(n)) if n in urls else None

    return marked(markdown, link, before)


def marker(n: int) -> str:
    """Round brackets: square ones inside a link's label are not read alike everywhere."""
    return f"({n})"


def sources_of(citations: Sequence[Citation]) -> list[Block]:
    """*Sources*, one place a line: (1) (3) Title › Section, p. 2 · high confidence."""
    if not citations:
        return []
    lines = within(source_lines(citations), LISTED)
    return [context(*listed(["*Sources*", *lines], CONTEXT))]


def are_listed(citations: Iterable[Citation]) -> bool:
    """All of them, in one message."""
    lines = source_lines(citations)
    return within(lines, LISTED) == lines


def source_lines(citations: Iterable[Citation]) -> list[str]:
    return [line for found in together(citations) for line in _lines(found)]


def _lines(found: Sequence[Citation]) -> Iterator[str]:
    """Where one stands alone, its name is the link; of several, their numbers are."""
    if len(found) == 1:
        yield _line(found[0])
        return
    numbers = [linked(_opened(each), marker(each.n)) for each in found]
    for at in range(0, len(numbers), _A_LINE):
        some = " ".join(numbers[at : at + _A_LINE])
        yield f"{some} {shown(place(found[0]), 200)} · {confidence(found[0].confidence)}"


def _line(citation: Citation) -> str:
    label, url = place(citation), _opened(citation)
    name = linked(url, label) if url else shown(label, 200)
    return f"{marker(citation.n)} {name} · {confidence(citation.confidence)}"


def _opened(citation: Citation) -> str:
    url = address(citation)
    return url if opens(url) and len(url) <= _LONGEST else ""


def source_markdown(citation: Citation) -> str:
    return f"{marker(citation.n)} {markdown_link(address(citation), place(citation))}"
