"""A few pages of an invented handbook as search results."""

from uuid import UUID, uuid5

from kit.wire.search import ChunkMetadata, FoundChunk, SearchResult
from knowledge.verify import Source, source_of

_SPACE = UUID(int=2)

_ANNUAL = [
    "Full-time employees earn 20 days of annual leave each year.",
    "Unused leave carries over up to 10 days.",
    "It expires at the end of March.",
]
LEAVE = f"""Annual leave

{" ".join(_ANNUAL)}

Can I sell my leave?

Leave cannot be sold back to the company.

You can use sick leave for:

- Doctor appointments
- Mental health care
- Caring for a family member"""

TRAVEL = """Travel

Ask Priya Raman at travel@harbour.example before you book a flight.

Receipts are required for expenses over $75.

Step | Who does it | How long
Agency completes documents | Agency contact | 3 weeks
Legal reviews the agreement | Legal team | 10 days"""

OLD_TRAVEL = """Travel (2019)

Receipts are required for expenses over $25. Taxis are booked by the front desk."""

OFFICE = """Office

The office opens at 8 a.m. on weekdays. Visitors sign in at the front desk."""


def found(text: str, title: str, score: float = 0.7) -> FoundChunk:
    return FoundChunk(
        chunk_id=uuid5(_SPACE, text),
        content=text,
        score=score,
        metadata=ChunkMetadata(
            source_url=f"https://handbook.example/{title.lower().replace(' ', '-')}",
            source_hash="0" * 64,
            page_title=title,
            section_title=title,
            service_scope="general",
            chunk_index=0,
            doc_id=uuid5(_SPACE, title),
        ),
    )


def result(*chunks: FoundChunk, degraded: list[str] | None = None) -> SearchResult:
    return SearchResult(chunks=list(chunks), total_results=len(chunks), query_time_ms=1.0, degraded=degraded)


def sources(*pages: tuple[str, str]) -> list[Source]:
    return [source_of(found(text, title)) for text, title in pages]


HANDBOOK = [(LEAVE, "Leave"), (TRAVEL, "Travel"), (OFFICE, "Office")]
