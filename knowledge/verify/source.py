"""What a sentence is held against, and what came of it."""

from dataclasses import dataclass, field
from functools import lru_cache
from uuid import UUID

from kit.wire.search import FoundChunk
from knowledge.embed.vectors import SentenceVectors
from knowledge.verify.features import Features
from knowledge.verify.meaning import meaning_of
from knowledge.verify.objection import Objection
from knowledge.verify.words import words_of


@dataclass(frozen=True, slots=True)
class Source:
    """A chunk as the verifier reads it.

    url: opens the document at the section; page: 1-based. sentences: the vectors stored with the chunk;
    without them meaning is judged by words alone.
    """

    chunk_id: UUID
    doc_id: UUID
    text: str
    title: str
    section: str
    url: str
    page: int | None = None
    sentences: SentenceVectors | None = field(default=None, compare=False, repr=False)
    status: str = ""
    """What the document says of itself, such as outdated; "" where it holds."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a sentence is said by one of the sources (SPEC 7).

    confidence: 0-1; 1.0 for the source's own words.
    quote: always `source.text[start:end]`; "" with `source` None where nothing comes near.
    reasons: why the confidence is not higher, heaviest first; empty for the source's own words.
    layer: which layer decided: "verbatim", "meaning", or the one whose objection forbids support (agree.py).
    against: the objections as data. features: what the model weighed; None where it was not asked.
    """

    supported: bool
    confidence: float
    quote: str
    start: int
    end: int
    source: Source | None
    reasons: tuple[str, ...]
    layer: str = "meaning"
    against: tuple[Objection, ...] = ()
    features: Features | None = None


def source_of(chunk: FoundChunk) -> Source:
    """The source in a result of docs.search."""
    about = chunk.metadata
    return Source(
        chunk.chunk_id,
        about.doc_id,
        chunk.content,
        about.page_title,
        about.section_title,
        about.source_url,
        about.page,
        status=about.status or "",
    )


@lru_cache(maxsize=4096)
def _stems(text: str) -> frozenset[str]:
    return frozenset(meaning_of(words_of(text)).content)


def said_above(source: Source) -> frozenset[str]:
    """What title and heading say: a sentence may name it where the passage only means it."""
    return _stems(f"{source.title} {source.section}")


def names_in(source: Source) -> frozenset[str]:
    return _names(source.text)


@lru_cache(maxsize=4096)
def _names(text: str) -> frozenset[str]:
    return meaning_of(words_of(text)).names
