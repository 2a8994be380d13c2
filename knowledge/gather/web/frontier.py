"""The pages still to visit, in order, each once."""

import hashlib
import re
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any, cast

from knowledge.gather.web.addresses import Site
from knowledge.gather.web.traps import Traps

_EXAMPLES = 20
MOST_SEEN = 50_000
"""So many addresses of a site are remembered, or five for each that may wait; others are passed over."""
_NO_DOCUMENTS = re.compile(
    r"\.(css|js|mjs|map|png|jpe?g|gif|svg|webp|avif|ico|bmp|tiff?|woff2?|ttf|otf|eot|mp[34]|m4[av]|avi|mov|mkv"
    r"|webm|ogg|wav|flac|zip|t?gz|bz2|xz|7z|rar|tar|iso|dmg|exe|msi|deb|rpm|apk|jar|bin|rss|atom)\Z",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Link:
    """`url` is the page's identity, `address` what the site itself links to."""

    url: str
    address: str
    depth: int
    attempts: int = 0

    def state(self) -> list[Any]:
        return [self.url, self.address, self.depth, self.attempts]


@dataclass(slots=True)
class Frontier:
    """Bounded: what would never be visited within the page limit is not kept."""

    site: Site
    most: int
    max_depth: int
    waiting: deque[Link] = field(default_factory=deque[Link])
    seen: set[str] = field(default_factory=set[str])
    traps: Traps = field(default_factory=Traps)
    passed_over: Counter[str] = field(default_factory=Counter[str])
    examples: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    def add(self, url: str, base: str | None, depth: int, *, listed: bool = False) -> Link | None:
        """`listed`: the site or we ourselves name it, so that it is no trap. None where it is not wanted."""
        page = self.site.canonical(url, base)
        if page is None or not self.site.holds(page) or self._not_new(page):
            return None
        if depth > self.max_depth:
            return self._pass_over(page, "too_deep")
        if _NO_DOCUMENTS.search(page):
            return None
        if not listed and self.traps.catch(page):
            return self._pass_over(page, "trap")
        if len(self.waiting) >= self.most:
            return self._pass_over(page, "page_limit")
        link = Link(page, self.site.canonical(url, base, keep_slash=True) or page, depth)
        self.waiting.append(link)
        return link

    def pop(self) -> Link | None:
        return self.waiting.popleft() if self.waiting else None

    def again(self, link: Link, most: int) -> bool:
        """After all the others, up to `most` times."""
        link.attempts += 1
        if link.attempts <= most:
            self.waiting.append(link)
        return link.attempts <= most

    def first(self, link: Link) -> None:
        self.waiting.appendleft(link)

    def state(self) -> dict[str, Any]:
        return {
            "waiting": [link.state() for link in self.waiting],
            "seen": sorted(self.seen),
            "traps": self.traps.state(),
            "passed_over": dict(self.passed_over),
            "examples": self.examples,
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.waiting = deque(Link(*entry) for entry in cast(list[list[Any]], state["waiting"]))
        self.seen = set(state["seen"])
        self.traps = Traps.of(state["traps"])
        self.passed_over = Counter(state["passed_over"])
        self.examples = [(url, code) for url, code in cast(list[list[str]], state["examples"])]

    def _not_new(self, page: str) -> bool:
        short = hashlib.blake2b(page.encode(), digest_size=8).hexdigest()
        if short in self.seen:
            return True
        if len(self.seen) >= max(MOST_SEEN, 5 * self.most):
            self._pass_over(page, "page_limit")
            return True
        self.seen.add(short)
        return False

    def _pass_over(self, url: str, code: str) -> None:
        self.passed_over[code] += 1
        if len(self.examples) < _EXAMPLES:
            self.examples.append((url, code))
