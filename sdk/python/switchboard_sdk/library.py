"""Knowledge bases, their documents, and direct retrieval."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from kit.wire.library import (
    ChangedDocument,
    CorrectDocument,
    CreateKnowledgeBase,
    Document,
    DocumentMetadata,
    DocumentVersion,
    Facets,
    KnowledgeBase,
    MoveDocument,
    Outline,
    Share,
    ShareWith,
    UploadAccepted,
)
from kit.wire.search import QueryRequest, SearchFilters, SearchResult
from switchboard_sdk.pages import every
from switchboard_sdk.transport import Call, Transport, checked, write

BASES = "/api/v1/knowledge-bases"
DOCUMENTS = "/api/v1/documents"
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

    async def facets(self, knowledge_base_id: UUID | None = None) -> Facets:
        """Values for filters with their counts; None: over all that the caller can see."""
        path = f"{BASES}/{knowledge_base_id}/facets" if knowledge_base_id else f"{DOCUMENTS}/facets"
        return await self._transport.read(Facets, Call("GET", path))


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

    async def find(self, document_id: UUID) -> Document:
        """By its id alone, in whatever knowledge base."""
        return await self._transport.read(Document, Call("GET", f"{DOCUMENTS}/{document_id}"))

    def everywhere(self, *, shared: bool = False) -> AsyncIterator[Document]:
        """All that the caller can see; `shared`: only what others have shared with them."""
        return every(self._transport, Document, DOCUMENTS, {"shared": "true"} if shared else None)

    async def query(
        self, query: str, *, top_k: int = 12, filters: SearchFilters | None = None
    ) -> SearchResult:
        """Direct retrieval over all that the caller can see, no model."""
        body = checked(QueryRequest, query=query, top_k=top_k, filters=filters)
        return await self._transport.read(SearchResult, write("POST", f"{DOCUMENTS}/query", body))

    async def outline(self, document_id: UUID) -> Outline:
        """The headings of the source, with their anchors."""
        return await self._transport.read(Outline, Call("GET", f"{DOCUMENTS}/{document_id}/outline"))

    async def correct(
        self, knowledge_base_id: UUID, document_id: UUID, *, edition: int | None = None, **fields: Any
    ) -> ChangedDocument:
        """`fields` are those of CorrectDocument; None gives one back to the document. With `edition`, what
        somebody else has changed since is not overwritten."""
        headers = {"If-Match": f'"{edition}"'} if edition is not None else None
        body, path = checked(CorrectDocument, **fields), _path(knowledge_base_id, document_id)
        return await self._transport.read(
            ChangedDocument, write("PATCH", path, body, nulls=True, headers_too=headers)
        )

    async def move(
        self,
        knowledge_base_id: UUID,
        document_id: UUID,
        *,
        to: UUID | None = None,
        path: str | None = None,
    ) -> ChangedDocument:
        """To another knowledge base, to another path, or both."""
        body = checked(MoveDocument, knowledge_base_id=to, path=path)
        call = write("POST", f"{_path(knowledge_base_id, document_id)}/move", body)
        return await self._transport.read(ChangedDocument, call)

    def versions(self, knowledge_base_id: UUID, document_id: UUID) -> AsyncIterator[DocumentVersion]:
        """Those that the caller may open, the newest first."""
        path = f"{_path(knowledge_base_id, document_id)}/versions"
        return every(self._transport, DocumentVersion, path)

    async def restore(
        self, knowledge_base_id: UUID, document_id: UUID, version: int, *, key: str = ""
    ) -> ChangedDocument:
        """The bytes of that version become the newest one; follow the job."""
        path = f"{_path(knowledge_base_id, document_id)}/versions/{version}/restore"
        return await self._transport.read(ChangedDocument, write("POST", path, key=key))

    def shares(self, knowledge_base_id: UUID, document_id: UUID) -> AsyncIterator[Share]:
        return every(self._transport, Share, f"{_path(knowledge_base_id, document_id)}/shares")

    async def share(self, knowledge_base_id: UUID, document_id: UUID, whom: ShareWith) -> Share:
        """Again does nothing."""
        call = write("POST", f"{_path(knowledge_base_id, document_id)}/shares", whom)
        return await self._transport.read(Share, call)

    async def unshare(self, knowledge_base_id: UUID, document_id: UUID, whom: ShareWith) -> None:
        """Again does nothing."""
        named = whom.model_dump(mode="json", exclude_none=True)
        params = {name: str(value).lower() if value is True else str(value) for name, value in named.items()}
        path = f"{_path(knowledge_base_id, document_id)}/shares"
        await self._transport.send(write("DELETE", path, params=params))

    async def delete(self, knowledge_base_id: UUID, document_id: UUID) -> None:
        await self._transport.send(write("DELETE", f"{BASES}/{knowledge_base_id}/documents/{document_id}"))

    async def content(
        self, document_id: UUID, *, original: bool = False, quote: str = "", version: int | None = None
    ) -> Content:
        """Its page, where `quote` is marked, or the file as it was sent; the access is checked again."""
        asked = {"format": "original" if original else "page", "quote": quote}
        asked |= {"version": str(version)} if version is not None else {}
        call = Call("GET", f"{DOCUMENTS}/{document_id}/content", params=asked, accept="*/*")
        response = await self._transport.send(call)
        return Content(response.content, response.headers.get("Content-Type", "application/octet-stream"))


def _path(knowledge_base_id: UUID, document_id: UUID) -> str:
    return f"{BASES}/{knowledge_base_id}/documents/{document_id}"
