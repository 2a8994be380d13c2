"""Documents: upload, list, read, delete, open the source (SPEC 3)."""

from typing import Annotated, Any, Literal
from urllib.parse import quote as percent_encoded
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from kit.errors import NotFound
from kit.wire.base import Page
from kit.wire.library import Document, Outline, UploadAccepted
from kit.wire.search import QueryRequest, SearchResult
from platform_api.edge import PageQuery, UnitOfWork, provided, raises
from platform_api.edge.idempotency import IdempotencyKey
from platform_api.identity import CurrentPrincipal
from platform_api.library.errors import (
    BadFileName,
    BadUpload,
    DocumentTooLarge,
    NoSuchVersion,
    NotReadable,
    NotReady,
    NotYours,
    QuotaExceeded,
    TooManyFiles,
    UnknownGroup,
    UnknownScope,
    UnknownStrategy,
    UnsupportedDocument,
)
from platform_api.library.sending import UPLOAD_BODY, sent
from platform_api.library.service.documents import Documents
from platform_api.library.service.upload import Uploads

router = APIRouter(prefix="/api/v1", tags=["library"])
_Documents = Annotated[Documents, Depends(provided(Documents))]
_Uploads = Annotated[Uploads, Depends(provided(Uploads))]

_CONTENT: dict[str, Any] = {
    "description": "A page with an anchor at each section, or the file.",
    "content": {"text/html": {}},
}
_PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"
_UPLOAD_ERRORS = raises(
    NotFound,
    NotYours,
    BadUpload,
    DocumentTooLarge,
    TooManyFiles,
    UnsupportedDocument,
    UnknownGroup,
    UnknownScope,
    UnknownStrategy,
    QuotaExceeded,
    BadFileName,
)


@router.post(
    "/knowledge-bases/{base_id}/documents",
    status_code=202,
    summary="Upload documents",
    responses=_UPLOAD_ERRORS,
    openapi_extra=UPLOAD_BODY,
)
async def upload_documents(
    principal: CurrentPrincipal, uploads: _Uploads, base_id: UUID, request: Request, key: IdempotencyKey
) -> UploadAccepted:
    """A ZIP archive is taken as the files in it. Each file is queued, unchanged (the same bytes and metadata
    are there already, or could not be read before) or refused with the reason. Where every file is refused,
    the answer is that problem. The job tells when they can be found."""
    await uploads.check(principal, base_id)
    async with sent(request, uploads.max_files) as form:
        return await uploads.accept(principal, base_id, form.files, form.metadata, key)


@router.get("/knowledge-bases/{base_id}/documents", summary="List documents", responses=raises(NotFound))
async def list_documents(
    principal: CurrentPrincipal, documents: _Documents, session: UnitOfWork, base_id: UUID, page: PageQuery
) -> Page[Document]:
    """Those that the caller can see, newest first."""
    return await documents.list(session, principal, base_id, page)


@router.get(
    "/knowledge-bases/{base_id}/documents/{doc_id}",
    summary="Read about a document",
    responses=raises(NotFound),
)
async def get_document(  # noqa: PLR0917  FastAPI fills these by name
    principal: CurrentPrincipal,
    documents: _Documents,
    session: UnitOfWork,
    base_id: UUID,
    doc_id: UUID,
    response: Response,
) -> Document:
    """Its state and what is known about it; its content is at /api/v1/documents/{doc_id}/content. The ETag
    names its edition, for `If-Match`."""
    document = await documents.get(session, principal, base_id, doc_id)
    response.headers["ETag"] = f'"{document.edition}"'
    return document


@router.delete(
    "/knowledge-bases/{base_id}/documents/{doc_id}",
    status_code=204,
    summary="Delete a document",
    responses=raises(NotFound, NotYours),
)
async def delete_document(
    principal: CurrentPrincipal, documents: _Documents, session: UnitOfWork, base_id: UUID, doc_id: UUID
) -> None:
    """When this answers, no search, list or citation shows it any more."""
    await documents.delete(session, principal, base_id, doc_id)


@router.get("/documents", summary="List documents everywhere")
async def list_documents_everywhere(
    principal: CurrentPrincipal,
    documents: _Documents,
    session: UnitOfWork,
    page: PageQuery,
    shared: Annotated[bool, Query(description="Only what others have shared with the caller.")] = False,
) -> Page[Document]:
    """Those that the caller can see in whatever knowledge base, newest first."""
    return await documents.everywhere(session, principal, page, shared=shared)


@router.post("/documents/query", summary="Search everywhere without a model")
async def query_documents(
    principal: CurrentPrincipal, documents: _Documents, session: UnitOfWork, request: QueryRequest
) -> SearchResult:
    """As in one knowledge base, over all that the caller can see, what is shared with them included."""
    return await documents.query(session, principal, None, request)


@router.get(
    "/documents/{doc_id}",
    summary="Read about a document by its id alone",
    responses=raises(NotFound),
)
async def get_document_anywhere(
    principal: CurrentPrincipal, documents: _Documents, session: UnitOfWork, doc_id: UUID
) -> Document:
    """For who knows only the id: from a citation, or a share."""
    return await documents.get(session, principal, None, doc_id)


@router.get(
    "/documents/{doc_id}/outline",
    summary="List the sections of the source",
    responses=raises(NotFound, NotReady, NotReadable),
)
async def get_outline(principal: CurrentPrincipal, documents: _Documents, doc_id: UUID) -> Outline:
    """Its headings in order; each `anchor` is a place in its page."""
    return await documents.outline(principal, doc_id)


@router.get(
    "/documents/{doc_id}/content",
    summary="Open the source",
    response_class=Response,
    responses=raises(NotFound, NotReady, NotReadable, NoSuchVersion)
    | {
        200: {
            "description": "A page with an anchor at each section, or the original file.",
            "content": {"text/html": {}},
        }
    },
)
async def get_content(  # noqa: PLR0917  FastAPI fills these by name
    principal: CurrentPrincipal,
    documents: _Documents,
    doc_id: UUID,
    format: Annotated[
        Literal["page", "original"], Query(description="`original`: the file as sent.")
    ] = "page",
    quote: Annotated[
        str, Query(max_length=4000, description="Marked in the page; `#quote` leads to it.")
    ] = "",
    version: Annotated[
        int | None, Query(ge=1, le=2**31 - 1, description="An older one that you may open.")
    ] = None,
) -> Response:
    """What a citation opens; the access is checked again each time, and the reading is recorded."""
    source = await documents.content(principal, doc_id, format, quote=quote, version=version)
    headers = {"Content-Security-Policy": _PAGE_POLICY, "Cache-Control": "private, no-cache"}
    if source.file_name is not None:
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{percent_encoded(source.file_name)}"
    return Response(source.data, media_type=source.content_type, headers=headers)
