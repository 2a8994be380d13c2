"""Reading and deleting documents, retrieval without a model, and the source behind a citation."""

import asyncio
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

import msgspec
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from access.principal import Principal
from kit.wire.base import Page
from kit.wire.library import Document, Outline, OutlineEntry
from kit.wire.search import QueryRequest, SearchRequest, SearchResult
from knowledge.document import LoadedDocument
from knowledge.load import render_html
from knowledge.search import Searching
from platform_api import audit
from platform_api.edge import PageRequest, page_of
from platform_api.library import repository
from platform_api.library.errors import NoSuchVersion, NotReadable, NotReady
from platform_api.library.models import DocumentRow, DocumentVersionRow
from platform_api.library.service.index_changes import IndexChanges
from platform_api.library.service.managed import managed
from ports.blobs import Blobs
from ports.db import Database
from ports.queue import Queue

REMOVE = "library.remove"


@dataclass(frozen=True, slots=True)
class Source:
    """The content behind a citation: our page of it, or the original as a file to keep."""

    data: bytes
    content_type: str
    file_name: str | None = None


class Documents:
    def __init__(
        self, database: Database, blobs: Blobs, queue: Queue, changes: IndexChanges, search: Searching
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._queue = queue
        self._changes = changes
        self._search = search

    async def list(
        self, session: AsyncSession, principal: Principal, base_id: UUID, page: PageRequest
    ) -> Page[Document]:
        """Raises NotFound."""
        principal.require("query_kb")
        await repository.base(session, principal, base_id)
        rows = await repository.documents(session, principal, base_id, page)
        return page_of(rows, page, lambda row: (row.created_at, row.id), shown)

    async def everywhere(
        self, session: AsyncSession, principal: Principal, page: PageRequest, *, shared: bool
    ) -> Page[Document]:
        """All that the principal can see; `shared`: only what others have given them."""
        principal.require("query_kb")
        rows = await repository.everywhere(session, principal, page, shared=shared)
        return page_of(rows, page, lambda row: (row.created_at, row.id), shown)

    async def get(
        self, session: AsyncSession, principal: Principal, base_id: UUID | None, document_id: UUID
    ) -> Document:
        """Raises NotFound."""
        principal.require("query_kb")
        return shown(await repository.document(session, principal, document_id, base_id))

    async def delete(
        self, session: AsyncSession, principal: Principal, base_id: UUID, document_id: UUID
    ) -> None:
        """Gone from every list, search and page when this returns; its bytes follow. Raises NotFound."""
        await managed(session, principal, base_id, document_id)
        await self.take_away(session, principal, base_id, document_id)

    async def take_away(
        self, session: AsyncSession, principal: Principal, base_id: UUID, document_id: UUID
    ) -> None:
        """The same for a caller who holds the row and has seen to the right to do this."""
        # Before the commit: a document that is briefly nobody's is better than a deleted one that is found.
        await self._changes.set_access(principal.organisation_id, document_id, None)
        blobs = await _blob_keys(session, document_id)
        await session.execute(delete(DocumentRow).where(DocumentRow.id == document_id))
        organisation_id = str(principal.organisation_id)
        args = {"organisation_id": organisation_id, "document_id": str(document_id), "blobs": blobs}
        await self._queue.defer(session, REMOVE, args, lock=f"document:{document_id}")
        details = {"knowledge_base_id": str(base_id), "document_id": str(document_id)}
        await audit.record(session, principal, "document.deleted", details)

    async def query(
        self, session: AsyncSession, principal: Principal, base_id: UUID | None, request: QueryRequest
    ) -> SearchResult:
        """docs.search within one knowledge base, or in all that the principal can see. Raises NotFound."""
        principal.require("query_kb")
        bases = principal.limits.knowledge_base_ids
        if base_id is not None:
            await repository.base(session, principal, base_id)
            bases = frozenset({base_id})
        await session.commit()  # the search needs no transaction, so it holds no connection
        asked = SearchRequest(query=request.query, top_k=request.top_k, filters=request.filters)
        return await self._search.search(principal.access_keys, asked, bases)

    async def content(
        self,
        principal: Principal,
        document_id: UUID,
        format: Literal["page", "original"],
        *,
        quote: str = "",
        version: int | None = None,
    ) -> Source:
        """The published version, or another that the principal may open; the quote is marked in its page.

        Raises NotFound, NotReady, NotReadable, NoSuchVersion.
        """
        document, opened = await self._opened(principal, document_id, version, format)
        if format == "original" or opened.read_key is None:
            name = document.path.rpartition("/")[2]
            kind = opened.content_type or document.content_type
            return Source(await self._blobs.get(opened.blob_key), kind, name)
        data = await self._blobs.get(opened.read_key)
        page = await asyncio.to_thread(_page, data, document.title, quote)
        return Source(page, "text/html; charset=utf-8")

    async def outline(self, principal: Principal, document_id: UUID) -> Outline:
        """The headings of the published version, with their anchors. Raises as `content`."""
        document, opened = await self._opened(principal, document_id, None, "outline")
        headings: list[OutlineEntry] = []
        if opened.read_key:
            data = await self._blobs.get(opened.read_key)
            headings = await asyncio.to_thread(_headings, data)
        return Outline(document_id=document.id, title=document.title, headings=headings)

    async def _opened(
        self, principal: Principal, document_id: UUID, number: int | None, format: str
    ) -> tuple[DocumentRow, DocumentVersionRow]:
        principal.require("query_kb")
        async with self._database.begin() as session:
            document = await repository.document(session, principal, document_id)
            version = await _version(session, principal, document, number)
            details = {"document_id": str(document_id), "version": version.version, "format": format}
            await audit.record(session, principal, "document.read", details)
        return document, version


def _page(data: bytes, title: str, quote: str) -> bytes:
    return render_html(msgspec.json.decode(data, type=LoadedDocument), title, quote).encode()


def _headings(data: bytes) -> list[OutlineEntry]:
    blocks = msgspec.json.decode(data, type=LoadedDocument).blocks
    return [
        OutlineEntry(level=block.level, title=block.text, anchor=block.anchor, page=block.page)
        for block in blocks
        if block.kind == "heading"
    ]


async def _version(
    session: AsyncSession, principal: Principal, document: DocumentRow, number: int | None
) -> DocumentVersionRow:
    wanted = document.published_version if number is None else number
    found = repository.opened_versions(principal, document).where(DocumentVersionRow.version == wanted)
    version = await session.scalar(found)
    if version is None and number is not None:
        raise NoSuchVersion(f"This document has no version {number} that you can see.")
    if version is None:
        raise NotReadable if document.status == "failed" else NotReady
    return version


async def _blob_keys(session: AsyncSession, document_id: UUID) -> list[str]:
    row = DocumentVersionRow
    found = await session.scalars(repository.versions_of(document_id))
    keys = [key for version in found for key in (version.blob_key, version.read_key) if key]
    await session.execute(delete(row).where(row.document_id == document_id))
    return keys


def shown(row: DocumentRow) -> Document:
    return Document.model_validate(
        {
            "id": row.id,
            "knowledge_base_id": row.knowledge_base_id,
            "path": row.path,
            "title": row.title,
            "status": row.status,
            "error": row.error,
            "version": row.version,
            "content_type": row.content_type,
            "size": row.size,
            "source": row.source,
            "source_url": row.source_url,
            "service_scope": row.service_scope,
            "scope_reason": row.scope_reason,
            "doc_type": row.doc_type,
            "tags": row.tags,
            "privacy_level": row.privacy_level,
            "last_modified": row.last_modified,
            "corrected": sorted(row.corrected),
            "chunks": row.chunks,
            "edition": row.edition,
            "created_at": row.created_at,
            "updated_at": row.updated_at,
        }
    )
