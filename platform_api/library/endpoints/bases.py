"""Knowledge bases: list, create, search, facets (SPEC 3)."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from kit.errors import NotFound
from kit.wire.base import Page
from kit.wire.library import CreateKnowledgeBase, FacetQuery, Facets, KnowledgeBase
from kit.wire.search import QueryRequest, SearchResult
from platform_api.edge import PageQuery, UnitOfWork, provided, raises
from platform_api.edge.idempotency import IdempotencyKey, once
from platform_api.identity import CurrentPrincipal
from platform_api.library.errors import (
    NameTaken,
)
from platform_api.library.service import bases
from platform_api.library.service.documents import Documents
from platform_api.library.settings import LibrarySettings

router = APIRouter(prefix="/api/v1", tags=["library"])
_Documents = Annotated[Documents, Depends(provided(Documents))]
_Settings = Annotated[LibrarySettings, Depends(provided(LibrarySettings))]


@router.get("/knowledge-bases", summary="List knowledge bases")
async def list_knowledge_bases(
    principal: CurrentPrincipal, session: UnitOfWork, page: PageQuery, settings: _Settings
) -> Page[KnowledgeBase]:
    """The organisation's, those of the caller's departments, and the caller's own; where the caller may add
    documents, with their quota."""
    return await bases.list_bases(session, principal, page, settings)


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
async def get_facets(
    principal: CurrentPrincipal, session: UnitOfWork, base_id: UUID, asked: Annotated[FacetQuery, Query()]
) -> Facets:
    """Which values there are and how many documents have each, counting only what the caller can see."""
    return await bases.facets(session, principal, base_id, asked)


@router.get("/documents/facets", summary="Values for filters everywhere")
async def get_facets_everywhere(
    principal: CurrentPrincipal, session: UnitOfWork, asked: Annotated[FacetQuery, Query()]
) -> Facets:
    """As in one knowledge base, over all that the caller can see, what is shared with them included."""
    return await bases.facets(session, principal, None, asked)
