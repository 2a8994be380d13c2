"""docs.search and verify.quote, as contracted (SPEC 8, tool contracts), and the facets of a query."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from kit.wire.base import Request, Wire

DEFAULT_TOP_K = 12
DEFAULT_THRESHOLD = 0.85


class SearchFilters(Request):
    after: datetime | None = None
    before: datetime | None = None
    section: Annotated[str, Field(max_length=300)] | None = None
    doc_type: Annotated[str, Field(max_length=50)] | None = None
    source: Annotated[str, Field(max_length=20)] | None = None
    privacy_level: Annotated[str, Field(max_length=50)] | None = None
    tags: Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=20)] | None = None


class QueryRequest(Request):
    """POST /api/v1/knowledge-bases/{id}/query"""

    cleaned = True

    query: Annotated[str, Field(min_length=1, max_length=2000)]
    top_k: Annotated[int, Field(ge=1, le=50)] = DEFAULT_TOP_K
    filters: SearchFilters | None = None


class SearchRequest(QueryRequest):
    """docs.search in"""

    service_scope: Annotated[str, Field(max_length=50)] = "all"


class ChunkMetadata(Wire):
    source_url: str
    source_hash: str
    etag: str | None = None
    page_title: str
    section_title: str
    service_scope: str
    chunk_index: int
    last_modified: datetime | None = None
    last_crawled_at: datetime | None = None
    doc_id: UUID
    page: int | None = None
    status: str | None = None
    """What the document says of itself, such as outdated or draft; absent where it holds."""


class AlsoIn(Wire):
    """Another place that says the same, word for word."""

    chunk_id: UUID
    doc_id: UUID
    page_title: str
    section_title: str
    source_url: str


class FoundChunk(Wire):
    chunk_id: UUID
    content: str
    score: Annotated[float, Field(ge=0, le=1)]
    metadata: ChunkMetadata
    also_in: list[AlsoIn] | None = None
    """Where else the same text stands; only what the asker may see. Absent where it stands once."""


class SearchResult(Wire):
    """docs.search out"""

    chunks: list[FoundChunk]
    total_results: int
    query_time_ms: float
    cache_hit: bool = False
    degraded: list[str] | None = None


class VerifyRequest(Request):
    """verify.quote in"""

    sentences: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=2000)]], Field(min_length=1, max_length=64)
    ]
    chunks: Annotated[list[UUID], Field(min_length=1, max_length=64)]
    threshold: Annotated[float, Field(ge=0, le=1)] = DEFAULT_THRESHOLD


class VerifiedQuote(Wire):
    sentence: str
    source_url: str
    page_title: str
    section_title: str
    quote: str
    confidence: float
    chunk_id: UUID


class VerifyResult(Wire):
    """verify.quote out; `verified` is aligned with the sentences asked."""

    verified: list[bool]
    citations: list[VerifiedQuote]
    unverified_sentences: list[str]
