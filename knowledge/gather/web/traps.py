"""Sites without end: calendars, sessions in addresses, paths that grow, every order of every filter.

A sitemap's own addresses are exempt: somebody listed them.
"""

import hashlib
import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

DEEPEST = 15
MOST_PARAMETERS = 5
QUERIES_PER_PATH = 50
DATES_PER_PLACE = 24
NUMBERS_PER_PLACE = 1000
_REPEATS = 3
_DATED_WORDS = re.compile(
    r"(calendar|kalender|agenda|events?|schedule|archive|date|day|week|month|year|tribe)", re.IGNORECASE
)
_DATE = re.compile(r"(?:19|20|21)\d\d(?:[-/_.]?\d{1,2}){0,2}")
_NUMBER = re.compile(r"\d+")


@dataclass(slots=True)
class Traps:
    """Counts, per kind of address, how many were let through."""

    counts: Counter[str] = field(default_factory=Counter[str])

    @classmethod
    def of(cls, state: dict[str, Any]) -> "Traps":
        return cls(Counter(state))

    def state(self) -> dict[str, int]:
        return dict(self.counts)

    def catch(self, url: str) -> bool:
        """Whether a new address looks like one of an endless number. Counts it where not."""
        split = urlsplit(url)
        segments = [part for part in split.path.split("/") if part]
        if len(segments) > DEEPEST or _grows(segments) or split.query.count("&") >= MOST_PARAMETERS:
            return True
        return any(self._full(kind, limit) for kind, limit in _kinds(split.path, split.query))

    def _full(self, kind: str, limit: int) -> bool:
        # Short, since all of them are kept from step to step.
        kind = hashlib.blake2b(kind.encode(), digest_size=8).hexdigest()
        if self.counts[kind] >= limit:
            return True
        self.counts[kind] += 1
        return False


def _grows(segments: list[str]) -> bool:
    """A segment three times, or a pair of them twice in a row: a relative link that leads into itself."""
    if any(count >= _REPEATS for count in Counter(segments).values()):
        return True
    pairs = list(pairwise(segments))
    return any(pairs[at] == pairs[at + 2] for at in range(len(pairs) - 2))


def _kinds(path: str, query: str) -> list[tuple[str, int]]:
    whole = f"{path}?{query}" if query else path
    kinds: list[tuple[str, int]] = []
    if query:
        kinds.append((f"query {path}", QUERIES_PER_PATH))
    if _DATE.search(whole) and _DATED_WORDS.search(whole):
        kinds.append((f"date {_NUMBER.sub('#', _DATE.sub('#', whole))}", DATES_PER_PLACE))
    elif _NUMBER.search(whole):
        kinds.append((f"number {_NUMBER.sub('#', whole)}", NUMBERS_PER_PLACE))
    return kinds
