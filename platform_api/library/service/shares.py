"""Shares: a share adds an access key to a document, at once and for all its versions to come (SPEC 3, 6).

Who may share is whoever may change the document. With whom: any person of the organisation, found by exact
address or id; groups that one belongs to; everyone, where the settings allow it (decision 0020).
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import Select, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from access.keys import group_key, organisation_key, user_key
from access.principal import Principal
from kit.errors import Invalid
from kit.wire.base import Page
from kit.wire.library import Share, ShareWith
from platform_api import audit
from platform_api.identity.directory import Colleague, colleague, colleagues
from platform_api.library.errors import NobodyFound, TooManyShares, TooWide, UnknownGroup
from platform_api.library.models import DocumentAccessRow, DocumentRow
from platform_api.library.service.index_changes import IndexChanges
from platform_api.library.service.managed import ACCESS, announce, managed, narrow, widen
from platform_api.library.settings import LibrarySettings
from ports.db import Database
from ports.queue import Queue

MOST = 200
_ROW = DocumentAccessRow


class Shares:
    def __init__(
        self, database: Database, queue: Queue, changes: IndexChanges, settings: LibrarySettings
    ) -> None:
        self._database = database
        self._queue = queue
        self._changes = changes
        self._settings = settings

    async def list(
        self, session: AsyncSession, principal: Principal, base_id: UUID, document_id: UUID
    ) -> Page[Share]:
        """All of them, the newest first. Raises NotFound, Forbidden."""
        document, _ = await managed(session, principal, base_id, document_id)
        rows = (
            await session.scalars(_shares_of(document).order_by(_ROW.given_at.desc(), _ROW.access_key))
        ).all()
        return Page(items=await _shown(session, principal, rows))

    async def add(self, principal: Principal, base_id: UUID, document_id: UUID, request: ShareWith) -> Share:
        """Again does nothing. Raises NotFound, Forbidden, Invalid, TooManyShares."""
        async with self._database.begin() as session:
            document, _ = await managed(session, principal, base_id, document_id)
            key = await self._key(session, principal, request)
            self._check_width(principal, key)
            if await _give(session, principal, document, key):
                await announce(self._queue, session, ACCESS, document_id)
                await _record(session, principal, "document.shared", document, key)
            rows = (await session.scalars(_shares_of(document).where(_ROW.access_key == key))).all()
            shown = await _shown(session, principal, rows)
        await widen(self._database, self._changes, document_id)
        return shown[0]

    async def remove(
        self, principal: Principal, base_id: UUID, document_id: UUID, request: ShareWith
    ) -> None:
        """Gone everywhere when this returns; again does nothing. Raises NotFound, Forbidden, Invalid."""
        async with self._database.begin() as session:
            document, _ = await managed(session, principal, base_id, document_id)
            key = await self._key(session, principal, request, leaving=True)
            taken = await session.scalar(
                delete(_ROW)
                .where(_ROW.document_id == document.id, _ROW.shared, _ROW.access_key == key)
                .returning(_ROW.access_key)
            )
            if taken is None:
                return
            await narrow(session, self._changes, document)
            await announce(self._queue, session, ACCESS, document_id)
            await _record(session, principal, "document.unshared", document, key)

    async def _key(
        self, session: AsyncSession, principal: Principal, request: ShareWith, *, leaving: bool = False
    ) -> str:
        """The access key of whom the request names. Leaving: what is taken back needs no right to give."""
        given = request.model_fields_set
        if len(given) != 1 or getattr(request, next(iter(given))) is None:
            raise Invalid("Name exactly one of: user_id, email, group, everyone.")
        if request.everyone:
            return organisation_key(principal.organisation_id)
        if request.group is not None:
            known = leaving or request.group in principal.groups or principal.may("manage_org_kb")
            if not known:
                raise UnknownGroup(f"You do not belong to: {request.group}.")
            return group_key(principal.organisation_id, request.group)
        if leaving and request.user_id:
            return user_key(request.user_id)
        person = await colleague(session, principal, user_id=request.user_id, email=request.email)
        if person is None:
            raise NobodyFound
        return user_key(person.id)

    def _check_width(self, principal: Principal, key: str) -> None:
        allowed = self._settings.share_with_everyone
        if not key.startswith("o:") or allowed == "anyone":
            return
        if allowed == "nobody" or not principal.may("manage_org_kb"):
            raise TooWide


async def _give(session: AsyncSession, principal: Principal, document: DocumentRow, key: str) -> bool:
    """Whether it is new. Raises TooManyShares."""
    count = await session.scalar(select(func.count()).select_from(_shares_of(document).subquery()))
    given = await session.scalar(
        insert(_ROW)
        .values(
            document_id=document.id,
            organisation_id=document.organisation_id,
            access_key=key,
            shared=True,
            given_by=principal.id,
        )
        .on_conflict_do_nothing()
        .returning(_ROW.access_key)
    )
    if given is not None and (count or 0) >= MOST:
        raise TooManyShares(f"A document can be shared with {MOST} people and groups.")
    return given is not None


def _shares_of(document: DocumentRow) -> Select[DocumentAccessRow]:
    return select(_ROW).where(_ROW.document_id == document.id, _ROW.shared)


async def _shown(
    session: AsyncSession, principal: Principal, rows: Sequence[DocumentAccessRow]
) -> list[Share]:
    ids = {UUID(row.access_key[2:]) for row in rows if row.access_key.startswith("u:")}
    people = await colleagues(session, principal, ids) if ids else {}
    return [_share(row, people) for row in rows]


def _share(row: DocumentAccessRow, people: Mapping[UUID, Colleague]) -> Share:
    by, at = row.given_by, row.given_at
    kind, _, rest = row.access_key.partition(":")
    if kind == "o":
        return Share(kind="everyone", name="everyone", given_by=by, given_at=at)
    if kind == "g":
        return Share(kind="group", name=rest.partition("/")[2], given_by=by, given_at=at)
    person = people.get(UUID(rest))
    name, email = (person.name, person.email) if person else ("", None)
    return Share(kind="person", user_id=UUID(rest), name=name, email=email, given_by=by, given_at=at)


async def _record(
    session: AsyncSession, principal: Principal, type: str, document: DocumentRow, key: str
) -> None:
    details = {
        "document_id": str(document.id),
        "knowledge_base_id": str(document.knowledge_base_id),
        "with": key,
    }
    await audit.record(session, principal, type, details)
