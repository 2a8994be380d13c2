"""What people change of a document: corrections, place, shares, versions (SPEC 3)."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Path, Query
from pydantic import ValidationError

from kit.errors import BadRequest, Invalid, NotFound
from kit.wire.base import Page
from kit.wire.library import (
    ChangedDocument,
    CorrectDocument,
    DocumentVersion,
    MoveDocument,
    Share,
    ShareWith,
)
from platform_api.edge import UnitOfWork, provided, raises
from platform_api.edge.idempotency import IdempotencyKey
from platform_api.identity import CurrentPrincipal
from platform_api.library.errors import (
    BadFileName,
    DocumentChanged,
    NobodyFound,
    NoSuchVersion,
    NotYours,
    PathTaken,
    QuotaExceeded,
    TooManyShares,
    TooWide,
    UnknownGroup,
    UnknownScope,
    UnknownStrategy,
)
from platform_api.library.service.editing import Editing
from platform_api.library.service.moving import Moving
from platform_api.library.service.shares import Shares

_DOCUMENT = "/knowledge-bases/{base_id}/documents/{doc_id}"
router = APIRouter(prefix="/api/v1", tags=["library"])
_Editing = Annotated[Editing, Depends(provided(Editing))]
_Moving = Annotated[Moving, Depends(provided(Moving))]
_Shares = Annotated[Shares, Depends(provided(Shares))]


async def _edition(
    if_match: Annotated[
        str | None, Header(description="The ETag of the document as the caller knows it.")
    ] = None,
) -> int | None:
    if if_match is None or if_match == "*":
        return None
    text = if_match.strip().removeprefix("W/").strip('"')
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise BadRequest("`If-Match` is not an ETag of a document.", hint="Send the ETag that GET answered.")
    return int(text)


Edition = Annotated[int | None, Depends(_edition)]


async def _leaving(
    user_id: Annotated[UUID | None, Query()] = None,
    email: Annotated[str | None, Query(min_length=3, max_length=320)] = None,
    group: Annotated[str | None, Query(min_length=1, max_length=120)] = None,
    everyone: Annotated[bool | None, Query()] = None,
) -> ShareWith:
    named = {"user_id": user_id, "email": email, "group": group, "everyone": everyone or None}
    try:
        return ShareWith.model_validate({name: value for name, value in named.items() if value is not None})
    except ValidationError as error:
        raise Invalid("Name exactly one of: user_id, email, group, everyone.") from error


@router.patch(
    _DOCUMENT,
    summary="Correct what is known about a document",
    responses=raises(NotFound, NotYours, UnknownScope, UnknownStrategy, DocumentChanged),
)
async def correct_document(  # noqa: PLR0917  FastAPI fills these by name
    principal: CurrentPrincipal,
    editing: _Editing,
    base_id: UUID,
    doc_id: UUID,
    request: CorrectDocument,
    edition: Edition,
) -> ChangedDocument:
    """Title, tags, type, scope, privacy level, date, or how it is cut. A correction wins over what the
    document says, also when it is read again; null takes one back. A new title is read again."""
    return await editing.correct(principal, base_id, doc_id, request, edition)


@router.post(
    _DOCUMENT + "/move",
    summary="Move a document",
    responses=raises(NotFound, NotYours, BadFileName, PathTaken, QuotaExceeded, DocumentChanged),
)
async def move_document(  # noqa: PLR0917  FastAPI fills these by name
    principal: CurrentPrincipal,
    moving: _Moving,
    base_id: UUID,
    doc_id: UUID,
    request: MoveDocument,
    edition: Edition,
) -> ChangedDocument:
    """To another knowledge base, whose readers can then read it, or to another path. Shares stay."""
    return await moving.move(principal, base_id, doc_id, request, edition)


@router.get(_DOCUMENT + "/versions", summary="List the versions of a document", responses=raises(NotFound))
async def list_versions(
    principal: CurrentPrincipal, editing: _Editing, session: UnitOfWork, base_id: UUID, doc_id: UUID
) -> Page[DocumentVersion]:
    """The published one, and those that were for the caller when they were sent; the newest first."""
    return await editing.versions(session, principal, base_id, doc_id)


@router.post(
    _DOCUMENT + "/versions/{version}/restore",
    status_code=202,
    summary="Bring an older version back",
    responses=raises(NotFound, NotYours, NoSuchVersion, QuotaExceeded),
)
async def restore_version(  # noqa: PLR0917  FastAPI fills these by name
    principal: CurrentPrincipal,
    editing: _Editing,
    base_id: UUID,
    doc_id: UUID,
    version: Annotated[int, Path(ge=1, le=2**31 - 1)],
    key: IdempotencyKey,
) -> ChangedDocument:
    """Its bytes become the newest version; who may see the document stays as it is."""
    return await editing.restore(principal, base_id, doc_id, version, key)


@router.get(
    _DOCUMENT + "/shares", summary="List with whom a document is shared", responses=raises(NotFound, NotYours)
)
async def list_shares(
    principal: CurrentPrincipal, shares: _Shares, session: UnitOfWork, base_id: UUID, doc_id: UUID
) -> Page[Share]:
    """For who may change the document."""
    return await shares.list(session, principal, base_id, doc_id)


@router.post(
    _DOCUMENT + "/shares",
    status_code=201,
    summary="Share a document",
    responses=raises(NotFound, NotYours, NobodyFound, UnknownGroup, TooWide, TooManyShares),
)
async def share_document(
    principal: CurrentPrincipal, shares: _Shares, base_id: UUID, doc_id: UUID, request: ShareWith
) -> Share:
    """With a person (by id or e-mail), a group or department, or everyone: they see it in lists and searches
    when this answers, and keep it when it is read again. Again does nothing."""
    return await shares.add(principal, base_id, doc_id, request)


@router.delete(
    _DOCUMENT + "/shares",
    status_code=204,
    summary="Take a share back",
    responses=raises(NotFound, NotYours, NobodyFound),
)
async def unshare_document(
    principal: CurrentPrincipal,
    shares: _Shares,
    base_id: UUID,
    doc_id: UUID,
    request: Annotated[ShareWith, Depends(_leaving)],
) -> None:
    """Exactly one of `user_id`, `email`, `group`, `everyone`. Gone everywhere when this answers, unless they
    may see the document in another way. Again does nothing."""
    await shares.remove(principal, base_id, doc_id, request)
