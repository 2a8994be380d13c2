"""robots.txt (RFC 9309) and what pages say about themselves to robots."""

import re
from dataclasses import dataclass

from protego import Protego

AGENT = "SwitchboardBot"
LARGEST = 500 * 1024


class RobotsTxt:
    """What the site allows us; an empty text allows everything."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._parsed = Protego.parse(text)

    def allows(self, url: str) -> bool:
        return self._parsed.can_fetch(url, AGENT)

    @property
    def delay_s(self) -> float:
        """At most an hour."""
        return min(max(0.0, float(self._parsed.crawl_delay(AGENT) or 0.0)), 3600.0)

    @property
    def sitemaps(self) -> list[str]:
        return list(self._parsed.sitemaps)


@dataclass(frozen=True, slots=True)
class Directives:
    """`noindex`: do not keep the page; `nofollow`: do not use its links."""

    noindex: bool = False
    nofollow: bool = False

    def __or__(self, other: "Directives") -> "Directives":
        return Directives(self.noindex or other.noindex, self.nofollow or other.nofollow)


NOTHING_SAID = Directives()
_WITH_VALUES = ("unavailable_after", "max-snippet", "max-image-preview", "max-video-preview")


def directives(text: str) -> Directives:
    """Of a robots meta tag or an X-Robots-Tag header; parts for another robot's name do not count."""
    said: set[str] = set()
    ours = True
    for word in re.split(r"[,\n]", text.lower()):
        name, colon, rest = word.strip().partition(":")
        if colon and name not in _WITH_VALUES:
            ours, name = name == AGENT.lower(), rest.strip()
        if ours:
            said.add(name)
    return Directives(bool(said & {"noindex", "none"}), bool(said & {"nofollow", "none"}))
