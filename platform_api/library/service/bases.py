"""Knowledge bases: the organisation's and the departments' appear on first use, personal ones on request."""

from collections.abc import Iterable
from uuid import UUID, uuid4

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from access.principal import Principal
from kit.wire.base import Page
from kit.wire.library import CreateKnowledgeBase, FacetQuery, Facets, KnowledgeBase
from platform_api.edge import PageRequest, keyset, page_of
from platform_api.library import repository
from platform_api.library.errors import NameTaken
from platform_api.library.models import KnowledgeBaseRow
from platform_api.library.service.permissions import may_add
from platform_api.library.service.quota import Quota, quotas
from platform_api.library.settings import LibrarySettings

ORGANISATION_BASE = "Everyone"
FACETS = ("service_scope", "doc_type", "source", "tags", "privacy_level")


async def list_bases(
    session: AsyncSession, principal: Principal, page: PageRequest, settings: LibrarySettings
) -> Page[KnowledgeBase]:
    """What the principal can see, with how many documents they can see in each, and how many they may add."""
    principal.require("query_kb")
    await ensure_shared(session, principal)
    statement = keyset(
        repository.visible_bases(principal), page, KnowledgeBaseRow.created_at, KnowledgeBaseRow.id
    )
    rows = (await session.scalars(statement)).all()
    counts = await repository.counts(session, principal, [row.id for row in rows])
    limits = await quotas(session, principal, [row for row in rows if may_add(principal, row)], settings)
    return page_of(
        rows,
        page,
        lambda row: (row.created_at, row.id),
        lambda row: shown(row, counts.get(row.id, 0), limits.get(row.id)),
    )


async def create_personal(
    session: AsyncSession, principal: Principal, request: CreateKnowledgeBase
) -> KnowledgeBase:
    """Raises NameTaken."""
    principal.require("upload_docs")
    made = await _insert(session, principal, [("user", str(principal.id), request.name)])
    if not made:
        raise NameTaken(f"You already have a knowledge base called '{request.name}'.")
    row = await repository.base(session, principal, made[0])
    return shown(row, 0)


async def ensure_shared(session: AsyncSession, principal: Principal) -> None:
    """One for the organisation and one per department of the principal. Idempotent."""
    wanted = [("org", str(principal.organisation_id), ORGANISATION_BASE)]
    wanted += [("department", group, group) for group in sorted(principal.groups)]
    existing = await session.scalars(repository.visible_bases(principal))
    present = {(row.owner_type, row.owner_id, row.name) for row in existing}
    missing = [one for one in wanted if one not in present]
    if missing:
        await _insert(session, principal, missing)


async def facets(
    session: AsyncSession, principal: Principal, base_id: UUID | None, asked: FacetQuery
) -> Facets:
    """base_id: None for all that the principal can see. Raises NotFound."""
    principal.require("query_kb")
    if base_id is not None:
        await repository.base(session, principal, base_id)
    values = {name: await repository.facet(session, principal, base_id, name, asked) for name in FACETS}
    return Facets(**values)


async def _insert(
    session: AsyncSession, principal: Principal, bases: Iterable[tuple[str, str, str]]
) -> list[UUID]:
    rows = [
        {
            "id": uuid4(),
            "organisation_id": principal.organisation_id,
            "owner_type": owner_type,
            "owner_id": owner_id,
            "name": name,
        }
        for owner_type, owner_id, name in bases
    ]
    statement = insert(KnowledgeBaseRow).values(rows).on_conflict_do_nothing()
    return list(await session.scalars(statement.returning(KnowledgeBaseRow.id)))


def shown(row: KnowledgeBaseRow, documents: int, quota: Quota | None = None) -> KnowledgeBase:
    return KnowledgeBase.model_validate(
        {
            "id": row.id,
            "name": row.name,
            "owner_type": row.owner_type,
            "owner_id": row.owner_id,
            "documents": documents,
            "quota": quota.shown if quota else None,
            "created_at": row.created_at,
        }
    )
