"""Sentences and titles as every channel says them. Plain text: a channel escapes it for its own markup."""

from collections.abc import Mapping, Sequence
from typing import Final

from bot.core.plain import shortened

_SENTENCES: Final = 550
PROMPTS: Final = 4
_TITLE, _PROMPT = 60, 200
_SAMPLES: Final = (
    ("What can you do?", "What can you do?"),
    ("What do the documents cover?", "What are the documents that you can search about?"),
)
_MISSING: Final[Mapping[str, str]] = {
    "docs": "the documents",
    "dense": "search by meaning",
    "embedder": "search by meaning",
    "reranker": "the fine ranking",
    "graph": "the knowledge graph",
    "kg": "the knowledge graph",
    "verify": "the check of every sentence",
}


def sentences(*texts: str) -> str:
    """On one line; one that ends without a mark gets its full stop."""
    lines = [" ".join(text.split()) for text in texts]
    whole = " ".join(line if line[-1] in ".!?:…" else f"{line}." for line in lines if line)
    return shortened(whole, _SENTENCES)


def missing(degraded: Sequence[str]) -> str:
    """What an answer did without (turn.completed's `degraded`), in words."""
    named = dict.fromkeys(_MISSING.get(part, part) for part in degraded)
    return f"Not available for this answer: {shortened(', '.join(named), 300)}."


def prompts(titles: Sequence[str]) -> list[tuple[str, str]]:
    """(title, message) of what might be asked, after the titles of what the person can see: at most four."""
    named = [title for title in dict.fromkeys(" ".join(title.split()) for title in titles) if title]
    about = [
        (f"About “{shortened(title, _TITLE)}”", f"What does “{shortened(title, _PROMPT)}” say?")
        for title in named[: PROMPTS - 1]
    ]
    return [*about, *_SAMPLES][:PROMPTS]
