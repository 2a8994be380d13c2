"""What a sentence is held against, and what came of it."""

from dataclasses import dataclass
from uuid import UUID

from kit.wire.search import FoundChunk


@dataclass(frozen=True, slots=True)
class Source:
    """A chunk as the verifier reads it. url: opens the document at the section; page: 1-based."""

    chunk_id: UUID
    doc_id: UUID
    text: str
    title: str
    section: str
    url: str
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a sentence is said by one of the sources (SPEC 7).

    confidence: 0-1; 1.0 for the source's own words.
    quote: always `source.text[start:end]`; "" with `source` None where nothing comes near.
    reasons: why the confidence is not higher, best known first; empty for the source's own words.
    """

    supported: bool
    confidence: float
    quote: str
    start: int
    end: int
    source: Source | None
    reasons: tuple[str, ...]


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
    )
