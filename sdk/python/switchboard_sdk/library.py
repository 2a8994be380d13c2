"""Knowledge bases, their documents, and direct retrieval."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from kit.wire.library import (
    CreateKnowledgeBase,
    Document,
    DocumentMetadata,
    Facets,
    KnowledgeBase,
    UploadAccepted,
)
from kit.wire.search import QueryRequest, SearchFilters, SearchResult
from switchboard_sdk.pages import every
from switchboard_sdk.transport import Call, Transport, checked, write

BASES = "/api/v1/knowledge-bases"
UPLOAD_S = 300.0


@dataclass(frozen=True, slots=True)
class NamedFile:
    """`name` is the document's identity in its knowledge base; a relative path with "/" is welcome."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Content:
    """A document as the platform shows it."""

    data: bytes
    content_type: str


class KnowledgeBases:
    """All methods raise ApiError."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def all(self) -> AsyncIterator[KnowledgeBase]:
        return every(self._transport, KnowledgeBase, BASES)

    async def create(self, name: str) -> KnowledgeBase:
        """A personal one."""
        body = checked(CreateKnowledgeBase, name=name)
        return await self._transport.read(KnowledgeBase, write("POST", BASES, body))

    async def query(
        self,
        knowledge_base_id: UUID,
        query: str,
        *,
        top_k: int = 12,
        filters: SearchFilters | None = None,
    ) -> SearchResult:
        """Direct retrieval, no model."""
        body = checked(QueryRequest, query=query, top_k=top_k, filters=filters)
        return await self._transport.read(
            SearchResult, write("POST", f"{BASES}/{knowledge_base_id}/query", body)
        )

    async def facets(self, knowledge_base_id: UUID) -> Facets:
        return await self._transport.read(Facets, Call("GET", f"{BASES}/{knowledge_base_id}/facets"))


class Documents:
    """All methods raise ApiError."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def upload(
        self,
        knowledge_base_id: UUID,
        files: Sequence[NamedFile],
        metadata: DocumentMetadata | None = None,
        *,
        key: str = "",
    ) -> UploadAccepted:
        """One request; follow its job to see when the documents can be found. For many files: `folders`."""
        fields = {"metadata": metadata.model_dump_json(exclude_none=True)} if metadata else None
        call = write(
            "POST",
            f"{BASES}/{knowledge_base_id}/documents",
            files=[("file", (file.name, file.data, "application/octet-stream")) for file in files],
            fields=fields,
            answer_s=UPLOAD_S,
            key=key,
        )
        return await self._transport.read(UploadAccepted, call)

    def all(self, knowledge_base_id: UUID) -> AsyncIterator[Document]:
        return every(self._transport, Document, f"{BASES}/{knowledge_base_id}/documents")

    async def get(self, knowledge_base_id: UUID, document_id: UUID) -> Document:
        path = f"{BASES}/{knowledge_base_id}/documents/{document_id}"
        return await self._transport.read(Document, Call("GET", path))

    async def delete(self, knowledge_base_id: UUID, document_id: UUID) -> None:
        await self._transport.send(write("DELETE", f"{BASES}/{knowledge_base_id}/documents/{document_id}"))

    async def content(self, document_id: UUID) -> Content:
        """The source; the platform checks the access again."""
        call = Call("GET", f"/api/v1/documents/{document_id}/content", accept="*/*")
        response = await self._transport.send(call)
        return Content(response.content, response.headers.get("Content-Type", "application/octet-stream"))
