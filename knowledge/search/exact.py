"""What of a question is meant letter by letter: quoted phrases, codes."""

import re
from collections.abc import Sequence
from dataclasses import replace

from knowledge.embed.text import embedding_text
from knowledge.search.fusion import Ranked, Weights

_QUOTED = re.compile(
    r'"([^"]{2,200})"|“([^”]{2,200})”|„([^“”]{2,200})[“”]|«([^»]{2,200})»|「([^」]{1,200})」'
)
# HR-12, E0382, v1.2.3, snake_case, a.b.c: letters joined to digits or to each other by signs.
_CODE = re.compile(
    r"^(?=\S*[^\W\d_])(?=\S*\d)[\w.:/#-]+$|^[^\W\d]+(?:_[^\W_]+)+$|^[^\W\d_]+(?:\.[^\W\d_]+)+\(?\)?$"
)
_FEW = 3
_MOST_MEANING = 0.4
PHRASE = 0.15
"""What holds a quoted phrase gains, in the scale of scores."""


def weights_for(query: str, weights: Weights) -> Weights:
    """A code or an identifier with at most two words beside it says little to an embedder: words lead."""
    words = query.split()
    if len(words) > _FEW or not any(_CODE.match(word.strip("?!,;()")) for word in words):
        return weights
    total = weights.dense + weights.sparse
    dense = min(weights.dense, _MOST_MEANING * total) if weights.sparse else weights.dense
    return Weights(dense, total - dense)


def phrases_of(query: str) -> list[str]:
    """What stands between quotation marks, in the form in which it is compared."""
    found = (next(filter(None, groups)) for groups in _QUOTED.findall(query))
    return [phrase for phrase in map(_plain, found) if phrase]


def preferring(phrases: Sequence[str], ranked: Sequence[Ranked]) -> list[Ranked]:
    """Those that hold all the phrases, as they are written, gain PHRASE."""
    raised = [
        replace(one, score=min(1.0, one.score + PHRASE)) if _holds(one, phrases) else one for one in ranked
    ]
    return sorted(raised, key=lambda item: (-item.score, item.hit.chunk_id.int))


def _raised(item: Ranked) -> Ranked:
    return replace(item, score=min(1.0, item.score + PHRASE))


def _holds(item: Ranked, phrases: Sequence[str]) -> bool:
    text = _plain(embedding_text(item.hit.stored.chunk))
    return all(phrase in text for phrase in phrases)


def _plain(text: str) -> str:
    return " ".join(text.casefold().replace("’", "'").split())
