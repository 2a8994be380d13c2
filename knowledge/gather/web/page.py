"""What an HTML page says about itself and where it links to. Its text is for the loader, not for us.

By its tags, in one pass, without a tree: building one takes hours for a page of nothing but nested tags, and
this runs in the worker, not in the process that reads documents.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import unescape

from knowledge.gather.web.robots import AGENT, NOTHING_SAID, Directives, directives

LARGEST = 5 * 1024 * 1024
MOST_LINKS = 2000
# Possessive, and no "<" outside of quotes: every start is given up at the next tag at the latest.
_TAG = re.compile(
    r"<!--.*?(?:-->|\Z)"
    r"|<(?P<raw>script|style|textarea|title|template|xmp)\b.*?(?:</(?P=raw)\b|\Z)"
    r"|<(?P<name>a|area|base|link|meta|body)(?P<said>(?:\s(?:[^<>\"']++|\"[^\"]*+\"|'[^']*+')*+)?+)/?>",
    re.IGNORECASE | re.DOTALL,
)
_ATTRIBUTE = re.compile(
    r"(?P<name>[^\s\"'<>/=]++)(?:\s*+=\s*+(?:\"(?P<double>[^\"]*+)\"|'(?P<single>[^']*+)'|(?P<bare>[^\s\"'<>]++)))?+"
)
_LONGEST = 20_000
"""Characters of one tag that are looked at."""


@dataclass(frozen=True, slots=True)
class PageHead:
    """Links as written, in order, without those marked nofollow; `base` for resolving them."""

    links: tuple[str, ...] = ()
    base: str | None = None
    canonical: str | None = None
    robots: Directives = NOTHING_SAID


def head_of(data: bytes) -> PageHead:
    """Of the first 5 MB."""
    page = _Page()
    for tag in _TAG.finditer(data[:LARGEST].decode("utf-8", "replace")):
        if tag["name"]:
            page.read(tag["name"].lower(), _attributes(tag["said"]))
    return PageHead(tuple(page.links), page.base, page.canonical, page.robots)


def _attributes(said: str) -> Mapping[str, str]:
    """The first of each name counts, as in browsers."""
    found: dict[str, str] = {}
    for one in _ATTRIBUTE.finditer(said[:_LONGEST]):
        value = one["double"] or one["single"] or one["bare"] or ""
        found.setdefault(one["name"].lower(), unescape(value).strip())
    return found


@dataclass(slots=True)
class _Page:
    """What was seen so far."""

    links: dict[str, None] = field(default_factory=dict[str, None])
    base: str | None = None
    canonical: str | None = None
    robots: Directives = NOTHING_SAID
    in_body: bool = False

    def read(self, name: str, said: Mapping[str, str]) -> None:
        href, rel = said.get("href", ""), said.get("rel", "").lower().split()
        if name == "body":
            self.in_body = True
        elif name == "meta":
            self._read_meta(said)
        elif name == "base":
            self.base = self.base or href or None
        elif name == "link":
            # Only in the head: what people write into a page must not send us elsewhere.
            if "canonical" in rel and not self.in_body:
                self.canonical = self.canonical or href or None
        elif href and not href.startswith("#") and "nofollow" not in rel and len(self.links) < MOST_LINKS:
            self.links[href] = None

    def _read_meta(self, said: Mapping[str, str]) -> None:
        if said.get("name", "").lower() in ("robots", AGENT.lower()):
            self.robots |= directives(said.get("content", ""))
