"""The one anchor algorithm (docs/reference/anchors.md): fixed, because saved citation links depend on it."""

import unicodedata

MAX_SLUG = 80
EMPTY_SLUG = "section"


def slug(heading: str) -> str:
    """The anchor if no other heading has it: NFKC, small letters, no punctuation, hyphens for spaces."""
    folded = unicodedata.normalize("NFKC", heading).lower()
    kept = "".join(ch for ch in folded if ch.isalnum() or ch in "-_" or ch.isspace() or _is_mark(ch))
    hyphenated = "-".join(kept.split())
    return hyphenated[:MAX_SLUG].strip("-") or EMPTY_SLUG


def _is_mark(ch: str) -> bool:
    # Vowel signs of Indic and other scripts are marks, not letters: without them words would collide.
    return unicodedata.category(ch).startswith("M")


class Anchors:
    """Hands out the anchors of one document, in order; a repeat gets -1, -2, …"""

    def __init__(self) -> None:
        self._used: set[str] = set()
        self._next: dict[str, int] = {}

    def take(self, heading: str) -> str:
        base = slug(heading)
        if base not in self._used:
            return self._claim(base)
        number = self._next.get(base, 1)
        while f"{base}-{number}" in self._used:
            number += 1
        self._next[base] = number + 1
        return self._claim(f"{base}-{number}")

    def _claim(self, anchor: str) -> str:
        self._used.add(anchor)
        return anchor
