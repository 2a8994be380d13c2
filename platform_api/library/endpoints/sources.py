"""Sources: folders, repositories and web sites that are read on a schedule (SPEC 3, 7)."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from kit.errors import Invalid, NotFound
from kit.wire.base import Page
from kit.wire.sources import CreateSource, Source, SourceRun, UpdateSource
from platform_api.edge import PageQuery, UnitOfWork, provided, raises
from platform_api.identity import CurrentPrincipal
from platform_api.library.errors import (
    NotYours,
    ServerPathForbidden,
    SourceNotRunning,
    SourceTaken,
    TooManySources,
    UnknownGroup,
    UnknownScope,
)
from platform_api.library.service.sources import Sources

router = APIRouter(prefix="/api/v1/knowledge-bases/{base_id}/sources", tags=["library"])
_Sources = Annotated[Sources, Depends(provided(Sources))]
_Delete = Annotated[
    Literal["keep", "delete"], Query(description="Its documents: `keep` them as they are, or `delete` them.")
]
_Force = Annotated[bool, Query(description="Remove what is gone, even if that is more than half.")]


@router.post(
    "",
    status_code=201,
    summary="Add a source",
    responses=raises(
        NotFound,
        NotYours,
        Invalid,
        ServerPathForbidden,
        SourceTaken,
        TooManySources,
        UnknownGroup,
        UnknownScope,
    ),
)
async def create_source(
    principal: CurrentPrincipal, sources: _Sources, base_id: UUID, request: CreateSource
) -> Source:
    """A web site, a repository or a folder of the server. Its first run begins at once; it runs as whoever
    added it, for as long as they may."""
    return await sources.create(principal, base_id, request)


@router.get("", summary="List sources", responses=raises(NotFound, NotYours))
async def list_sources(
    principal: CurrentPrincipal, sources: _Sources, session: UnitOfWork, base_id: UUID, page: PageQuery
) -> Page[Source]:
    """For whoever manages the knowledge base, newest first, each with its last run."""
    return await sources.list(session, principal, base_id, page)


@router.get("/{source_id}", summary="Read about a source", responses=raises(NotFound, NotYours))
async def get_source(
    principal: CurrentPrincipal, sources: _Sources, session: UnitOfWork, base_id: UUID, source_id: UUID
) -> Source:
    """Its schedule, its state and its last run."""
    return await sources.get(session, principal, base_id, source_id)


@router.patch("/{source_id}", summary="Pause, resume or reschedule", responses=raises(NotFound, NotYours))
async def update_source(  # noqa: PLR0917  FastAPI fills these by name
    principal: CurrentPrincipal,
    sources: _Sources,
    session: UnitOfWork,
    base_id: UUID,
    source_id: UUID,
    request: UpdateSource,
) -> Source:
    """`{"paused": true}` ends the run that is under way; `{"paused": false}` also starts again what was
    stopped."""
    return await sources.update(session, principal, base_id, source_id, request)


@router.delete(
    "/{source_id}", status_code=204, summary="Delete a source", responses=raises(NotFound, NotYours)
)
async def delete_source(  # noqa: PLR0917  FastAPI fills these by name
    principal: CurrentPrincipal,
    sources: _Sources,
    session: UnitOfWork,
    base_id: UUID,
    source_id: UUID,
    documents: _Delete = "keep",
) -> None:
    """It runs no more. With `documents=delete` its documents go too, within moments."""
    await sources.delete(session, principal, base_id, source_id, documents)


@router.post(
    "/{source_id}/sync",
    status_code=202,
    summary="Start a run now",
    responses=raises(NotFound, NotYours, SourceNotRunning),
)
async def sync_source(  # noqa: PLR0917  FastAPI fills these by name
    principal: CurrentPrincipal,
    sources: _Sources,
    session: UnitOfWork,
    base_id: UUID,
    source_id: UUID,
    force: _Force = False,
) -> SourceRun:
    """The run that is under way, where there is one. Its job tells how far it is."""
    return await sources.sync(session, principal, base_id, source_id, force=force)


@router.get("/{source_id}/runs", summary="Read the log of a source", responses=raises(NotFound, NotYours))
async def list_source_runs(  # noqa: PLR0917  FastAPI fills these by name
    principal: CurrentPrincipal,
    sources: _Sources,
    session: UnitOfWork,
    base_id: UUID,
    source_id: UUID,
    page: PageQuery,
) -> Page[SourceRun]:
    """What each run read, skipped, removed and could not read, newest first."""
    return await sources.runs(session, principal, base_id, source_id, page)
