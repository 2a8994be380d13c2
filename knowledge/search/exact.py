"""What of a question is meant letter by letter: quoted phrases."""

import re
from collections.abc import Sequence
from dataclasses import replace

from knowledge.embed.text import embedding_text
from knowledge.search.fusion import Ranked, best_first

_QUOTED = re.compile(
    r'"([^"]{2,200})"|“([^”]{2,200})”|„([^“”]{2,200})[“”]|«([^»]{2,200})»|「([^」]{1,200})」'
)
PHRASE = 0.15
"""What holds a quoted phrase gains, in the scale of scores."""


def phrases_of(query: str) -> list[str]:
    """What stands between quotation marks, in the form in which it is compared."""
    found = (_plain("".join(map(str, match.groups("")))) for match in _QUOTED.finditer(query))
    return [phrase for phrase in found if phrase]


def preferring(phrases: Sequence[str], ranked: Sequence[Ranked]) -> list[Ranked]:
    """Those that hold all the phrases, as they are written, gain PHRASE."""
    raised = [_raised(item) if _holds(item, phrases) else item for item in ranked]
    return sorted(raised, key=best_first)


def _raised(item: Ranked) -> Ranked:
    return replace(item, score=min(1.0, item.score + PHRASE))


def _holds(item: Ranked, phrases: Sequence[str]) -> bool:
    text = _plain(embedding_text(item.hit.stored.chunk))
    return all(phrase in text for phrase in phrases)


def _plain(text: str) -> str:
    return " ".join(text.casefold().replace("’", "'").split())
