"""Knowledge bases, documents, retrieval without a model, jobs (SPEC 3)."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

from kit.errors import NotFound
from kit.wire.base import Page
from kit.wire.library import CreateKnowledgeBase, Document, Facets, Job, KnowledgeBase, UploadAccepted
from kit.wire.search import QueryRequest, SearchResult
from platform_api.edge import PageQuery, UnitOfWork, event_stream, provided, raises
from platform_api.edge.idempotency import IdempotencyKey, once
from platform_api.identity import CurrentPrincipal
from platform_api.library.errors import (
    BadFileName,
    BadUpload,
    DocumentTooLarge,
    JobFinished,
    NameTaken,
    NotReadable,
    NotReady,
    NotYours,
    TooManyFiles,
    UnknownGroup,
    UnsupportedDocument,
)
from platform_api.library.sending import UPLOAD_BODY, sent
from platform_api.library.service import bases
from platform_api.library.service.documents import Documents
from platform_api.library.service.jobs import Jobs
from platform_api.library.service.upload import Uploads

router = APIRouter(prefix="/api/v1", tags=["library"])
_Documents = Annotated[Documents, Depends(provided(Documents))]
_Uploads = Annotated[Uploads, Depends(provided(Uploads))]
_Jobs = Annotated[Jobs, Depends(provided(Jobs))]

_CONTENT: dict[str, Any] = {
    "description": "A page with an anchor at each section, or the file.",
    "content": {"text/html": {}},
}
_EVENTS: dict[str, Any] = {
    "description": "Server-sent events, each a Job.",
    "content": {"text/event-stream": {}},
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
    BadFileName,
)


@router.get("/knowledge-bases", summary="List knowledge bases")
async def list_knowledge_bases(
    principal: CurrentPrincipal, session: UnitOfWork, page: PageQuery
) -> Page[KnowledgeBase]:
    """The organisation's, those of the caller's departments, and the caller's own."""
    return await bases.list_bases(session, principal, page)


@router.post(
    "/knowledge-bases",
    status_code=201,
    summary="Create a personal knowledge base",
    responses=raises(NameTaken),
)
async def create_knowledge_base(
    principal: CurrentPrincipal, session: UnitOfWork, request: CreateKnowledgeBase, key: IdempotencyKey
) -> KnowledgeBase:
    """Only the caller sees it and what is in it."""
    return await once(
        session,
        principal,
        key,
        f"knowledge-base/{request.name}",
        shape=KnowledgeBase,
        work=lambda: bases.create_personal(session, principal, request),
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
    """Each file is queued, unchanged (the same bytes and metadata are there already) or refused with the
    reason. Where every file is refused, the answer is that problem. The job tells when they can be found."""
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
async def get_document(
    principal: CurrentPrincipal, documents: _Documents, session: UnitOfWork, base_id: UUID, doc_id: UUID
) -> Document:
    """Its state and what is known about it; its content is at /api/v1/documents/{doc_id}/content."""
    return await documents.get(session, principal, base_id, doc_id)


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


@router.post("/knowledge-bases/{base_id}/query", summary="Search without a model", responses=raises(NotFound))
async def query_knowledge_base(
    principal: CurrentPrincipal,
    documents: _Documents,
    session: UnitOfWork,
    base_id: UUID,
    request: QueryRequest,
) -> SearchResult:
    """The passages that fit best, with scores between 0 and 1: the same as the tool `docs.search`."""
    return await documents.query(session, principal, base_id, request)


@router.get("/knowledge-bases/{base_id}/facets", summary="Values for filters", responses=raises(NotFound))
async def get_facets(principal: CurrentPrincipal, session: UnitOfWork, base_id: UUID) -> Facets:
    """Which values there are and how many documents have each, counting only what the caller can see."""
    return await bases.facets(session, principal, base_id)


@router.get(
    "/documents/{doc_id}/content",
    summary="Open the source",
    response_class=Response,
    responses=raises(NotFound, NotReady, NotReadable)
    | {
        200: {
            "description": "A page with an anchor at each section, or the original file.",
            "content": {"text/html": {}},
        }
    },
)
async def get_content(
    principal: CurrentPrincipal,
    documents: _Documents,
    doc_id: UUID,
    format: Annotated[
        Literal["page", "original"], Query(description="`original`: the file as sent.")
    ] = "page",
) -> Response:
    """What a citation opens; the access is checked again each time, and the reading is recorded."""
    source = await documents.content(principal, doc_id, format)
    headers = {"Content-Security-Policy": _PAGE_POLICY, "Cache-Control": "private, no-cache"}
    if source.file_name is not None:
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(source.file_name)}"
    return Response(source.data, media_type=source.content_type, headers=headers)


@router.get("/jobs", summary="List my jobs")
async def list_jobs(
    principal: CurrentPrincipal, jobs: _Jobs, session: UnitOfWork, page: PageQuery
) -> Page[Job]:
    """The caller's own, newest first."""
    return await jobs.list(session, principal, page)


@router.get("/jobs/{job_id}", summary="Read a job", responses=raises(NotFound))
async def get_job(principal: CurrentPrincipal, jobs: _Jobs, session: UnitOfWork, job_id: UUID) -> Job:
    """How far it is, and what went wrong with which document."""
    return await jobs.get(session, principal, job_id)


@router.get(
    "/jobs/{job_id}/events",
    summary="Follow a job",
    response_class=StreamingResponse,
    responses={**raises(NotFound), 200: _EVENTS},
)
async def follow_job(
    principal: CurrentPrincipal, jobs: _Jobs, session: UnitOfWork, job_id: UUID
) -> StreamingResponse:
    """The job as it is now and then each change, until it is finished."""
    await jobs.get(session, principal, job_id)
    return event_stream(_encoded(jobs.watch(principal, job_id)))


async def _encoded(states: AsyncIterator[Job | None]) -> AsyncIterator[bytes]:
    async for job in states:
        yield format_sse_event(data_str=job.dump(), event="job") if job else KEEPALIVE_COMMENT


@router.post("/jobs/{job_id}/cancel", summary="Cancel a job", responses=raises(NotFound, JobFinished))
async def cancel_job(principal: CurrentPrincipal, jobs: _Jobs, session: UnitOfWork, job_id: UUID) -> Job:
    """What is published already stays; the rest is not read."""
    return await jobs.cancel(session, principal, job_id)
