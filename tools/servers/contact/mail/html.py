"""HTML that may be sent, and its plain twin."""

import re
from html.parser import HTMLParser
from typing import Final

_HEADINGS: Final = {"h1", "h2", "h3", "h4"}
_BREAKS: Final = _HEADINGS | {"blockquote", "br", "div", "hr", "li", "ol", "p", "pre", "table", "tr", "ul"}
_INLINE: Final = {"a", "b", "code", "em", "i", "s", "span", "strong", "sub", "sup", "u"}
_TAGS: Final = _BREAKS | _INLINE | {"tbody", "td", "th", "thead"}
_ATTRIBUTES: Final = {"a": {"href", "title"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}}
_SCHEMES: Final = {"http", "https", "mailto", "tel"}
_SPACES = re.compile(r"[^\S\n]+")
_LINES = re.compile(r"\n{3,}")


def sanitise(html: str) -> str:
    """Text and its structure. No script, style, form, frame, nor image: a picture from outside tells its
    server who reads the letter, and when."""
    # lazy: needed only where something is sent
    import nh3

    return nh3.clean(
        html, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes=_SCHEMES, link_rel="noopener noreferrer"
    )


def plain(html: str) -> str:
    """What a reader without HTML sees; a link's address stands behind its words."""
    reader = _Reader()
    reader.feed(sanitise(html))
    reader.close()
    lines = (line.strip() for line in _SPACES.sub(" ", "".join(reader.parts)).split("\n"))
    return _LINES.sub("\n\n", "\n".join(lines)).strip() + "\n"


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._links: list[tuple[str, int]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BREAKS:
            self.parts.append("\n")
        if tag == "li":
            self.parts.append("- ")
        if tag == "a":
            self._links.append((dict(attrs).get("href") or "", len(self.parts)))

    def handle_endtag(self, tag: str) -> None:
        if tag in _BREAKS and tag != "br":
            self.parts.append("\n")
        if tag == "a" and self._links:
            address, begun = self._links.pop()
            if address and address != "".join(self.parts[begun:]).strip():
                self.parts.append(f" ({address})")

    def handle_data(self, data: str) -> None:
        self.parts.append(data.replace("\n", " "))
