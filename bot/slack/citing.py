"""Citations in Slack: `[n]` becomes a link that opens the source at its section (SPEC 1 J1, 7)."""

from collections.abc import Iterable, Mapping, Sequence

from bot.core.citing import address, confidence, marked, numbered, place
from bot.core.plain import opens
from bot.slack.blocks import CONTEXT, Block, context, listed, shown, within
from bot.slack.text import linked, markdown_link
from kit.wire.chat import Citation

LISTED = 3_400
"""Characters of sources in one message."""


def with_links(markdown: str, urls: Mapping[int, str], before: str = "") -> str:
    """Neutral Markdown, its markers as numbered links. `before`: as of `core.citing.marked`."""

    def link(n: int) -> str | None:
        return markdown_link(urls[n], marker(n)) if n in urls else None

    return marked(markdown, link, before)


def marker(n: int) -> str:
    """Round brackets: square ones inside a link's label are not read alike everywhere."""
    return f"({n})"


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
