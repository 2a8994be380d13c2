"""Fetches. Every read of somebody's data starts at `visible`, `visible_bases` or `visible_jobs`."""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Select,
    Text,
    and_,
    any_,
    bindparam,
    case,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from access.principal import Principal
from kit.errors import NotFound
from kit.wire.library import Facet, FacetQuery
from platform_api.edge import PageRequest, keyset
from platform_api.library.models import (
    DocumentAccessRow,
    DocumentRow,
    DocumentVersionRow,
    JobErrorRow,
    JobItemRow,
    JobRow,
    KnowledgeBaseRow,
)

# Asked for each document that is read: made once, since making a statement costs as much as asking it.
_HELD_KEYS = select(DocumentAccessRow.access_key, DocumentAccessRow.shared).where(
    DocumentAccessRow.document_id == bindparam("document")
)


def visible(principal: Principal) -> Select[DocumentRow]:
    """The documents that the principal's access keys open, within the limits of their token."""
    held = literal(list(principal.access_keys), ARRAY(Text))
    opened = exists().where(
        DocumentAccessRow.document_id == DocumentRow.id,
        DocumentAccessRow.organisation_id == principal.organisation_id,
        DocumentAccessRow.access_key == any_(held),
    )
    statement = select(DocumentRow).where(DocumentRow.organisation_id == principal.organisation_id, opened)
    chosen = principal.limits.knowledge_base_ids
    return statement if chosen is None else statement.where(DocumentRow.knowledge_base_id.in_(chosen))


def visible_bases(principal: Principal) -> Select[KnowledgeBaseRow]:
    """The organisation's, those of the principal's departments, and their own."""
    row = KnowledgeBaseRow
    owned = [row.owner_type == "org"]
    # In a shared place nothing but what everyone there may see (SPEC 6).
    if principal.limits.audience == "private":
        owned.append(and_(row.owner_type == "department", row.owner_id.in_(principal.groups)))
        owned.append(and_(row.owner_type == "user", row.owner_id == str(principal.id)))
    statement = select(row).where(row.organisation_id == principal.organisation_id, or_(*owned))
    chosen = principal.limits.knowledge_base_ids
    return statement if chosen is None else statement.where(row.id.in_(chosen))


def visible_jobs(principal: Principal) -> Select[JobRow]:
    """A job is its creator's: it names the files that they sent."""
    return select(JobRow).where(
        JobRow.organisation_id == principal.organisation_id, JobRow.created_by == principal.id
    )


async def base(session: AsyncSession, principal: Principal, base_id: UUID) -> KnowledgeBaseRow:
    """Raises NotFound."""
    statement = visible_bases(principal).where(KnowledgeBaseRow.id == base_id)
    found = (await session.scalars(statement)).one_or_none()
    if found is None:
        raise NotFound
    return found


async def document(
    session: AsyncSession,
    principal: Principal,
    document_id: UUID,
    base_id: UUID | None = None,
    *,
    fresh: bool = False,
) -> DocumentRow:
    """Raises NotFound, whether it is not there or not for this principal. Fresh: also where we have it."""
    statement = visible(principal).where(DocumentRow.id == document_id)
    statement = statement.execution_options(populate_existing=fresh)
    if base_id is not None:
        statement = statement.where(DocumentRow.knowledge_base_id == base_id)
    found = (await session.scalars(statement)).one_or_none()
    if found is None:
        raise NotFound
    return found


async def base_of(session: AsyncSession, principal: Principal, document_id: UUID) -> KnowledgeBaseRow:
    """The one that a visible document is in, whether or not it is listed for them. Raises NotFound."""
    found = await document(session, principal, document_id)
    return await session.get_one(KnowledgeBaseRow, found.knowledge_base_id)


async def locked_document(
    session: AsyncSession, principal: Principal, document_id: UUID, base_id: UUID
) -> DocumentRow:
    """The same, held until the transaction ends. Raises NotFound."""
    await document(session, principal, document_id, base_id)
    await session.execute(select(DocumentRow.id).where(DocumentRow.id == document_id).with_for_update())
    # Again: while we waited for the row it may have gone, or have been taken from us.
    return await document(session, principal, document_id, base_id, fresh=True)


async def everywhere(
    session: AsyncSession, principal: Principal, page: PageRequest, *, shared: bool
) -> Sequence[DocumentRow]:
    """All that the principal can see, in whatever knowledge base; `shared`: what others gave them."""
    statement = visible(principal)
    if shared:
        held = literal(list(principal.access_keys), ARRAY(Text))
        given = exists().where(
            DocumentAccessRow.document_id == DocumentRow.id,
            DocumentAccessRow.organisation_id == principal.organisation_id,
            DocumentAccessRow.access_key == any_(held),
            DocumentAccessRow.shared,
            DocumentAccessRow.given_by != principal.id,
        )
        statement = statement.where(given)
    return (await session.scalars(keyset(statement, page, DocumentRow.created_at, DocumentRow.id))).all()


async def documents(
    session: AsyncSession, principal: Principal, base_id: UUID, page: PageRequest
) -> Sequence[DocumentRow]:
    statement = visible(principal).where(DocumentRow.knowledge_base_id == base_id)
    return (await session.scalars(keyset(statement, page, DocumentRow.created_at, DocumentRow.id))).all()


async def documents_at(
    session: AsyncSession,
    principal: Principal,
    base_id: UUID,
    paths: Sequence[str],
    source_id: UUID | None = None,
) -> dict[str, tuple[DocumentRow, DocumentVersionRow]]:
    """Those of the paths that the principal can see there, with the latest version; their own win.

    A source knows only what is from itself, and people only what people sent: neither overwrites the other.
    """
    statement = (
        visible(principal)
        .where(
            DocumentRow.knowledge_base_id == base_id,
            DocumentRow.path.in_(paths),
            DocumentRow.source_id.is_not_distinct_from(source_id),
        )
        .add_columns(DocumentVersionRow)
        .join(
            DocumentVersionRow,
            and_(
                DocumentVersionRow.document_id == DocumentRow.id,
                DocumentVersionRow.version == DocumentRow.version,
            ),
        )
        .order_by(DocumentRow.created_by == principal.id)
        .execution_options(populate_existing=True)
    )
    rows: Sequence[Any] = (await session.execute(statement)).all()
    return {document.path: (document, version) for document, version in rows}


async def counts(session: AsyncSession, principal: Principal, base_ids: Sequence[UUID]) -> dict[UUID, int]:
    """How many documents the principal can see in each."""
    seen = visible(principal).where(DocumentRow.knowledge_base_id.in_(base_ids)).subquery()
    rows = await session.execute(
        select(seen.c.knowledge_base_id, func.count()).group_by(seen.c.knowledge_base_id)
    )
    return {row[0]: row[1] for row in rows}


async def facet(
    session: AsyncSession, principal: Principal, base_id: UUID | None, field: str, asked: FacetQuery
) -> list[Facet]:
    """The values of one field and how many visible, published documents that fit have each."""
    fitting = [DocumentRow.published_version.is_not(None), *_fitting(asked)]
    if base_id is not None:
        fitting.append(DocumentRow.knowledge_base_id == base_id)
    seen = visible(principal).where(*fitting).subquery()
    column = func.unnest(seen.c.tags) if field == "tags" else seen.c[field]
    value = column.label("value")
    rows = await session.execute(
        select(value, func.count().label("count")).group_by(value).order_by(func.count().desc(), value)
    )
    return [Facet(value=text, count=count) for text, count in rows]


def _fitting(asked: FacetQuery) -> Iterator[ColumnElement[bool]]:
    """As the index filters: `after` included, `before` excluded, all of the tags."""
    for name in ("service_scope", "doc_type", "source", "privacy_level"):
        value: str | None = getattr(asked, name)
        if value is not None:
            yield getattr(DocumentRow, name) == value
    if asked.tags:
        yield DocumentRow.tags.bool_op("@>")(literal(asked.tags, ARRAY(Text)))
    if asked.after:
        yield DocumentRow.last_modified >= asked.after
    if asked.before:
        yield DocumentRow.last_modified < asked.before


async def job(session: AsyncSession, principal: Principal, job_id: UUID) -> JobRow:
    """Raises NotFound."""
    found = (await session.scalars(visible_jobs(principal).where(JobRow.id == job_id))).one_or_none()
    if found is None:
        raise NotFound
    return found


async def jobs(session: AsyncSession, principal: Principal, page: PageRequest) -> Sequence[JobRow]:
    statement = keyset(visible_jobs(principal), page, JobRow.created_at, JobRow.id)
    return (await session.scalars(statement)).all()


async def job_errors(session: AsyncSession, job_ids: Sequence[UUID], each: int) -> Sequence[JobErrorRow]:
    """The first `each` of each job. Of jobs that were fetched through `visible_jobs`."""
    number = func.row_number().over(partition_by=JobErrorRow.job_id, order_by=JobErrorRow.id)
    numbered = (
        select(JobErrorRow.id, number.label("number")).where(JobErrorRow.job_id.in_(job_ids)).subquery()
    )
    first = select(numbered.c.id).where(numbered.c.number <= each)
    statement = select(JobErrorRow).where(JobErrorRow.id.in_(first)).order_by(JobErrorRow.id)
    return (await session.scalars(statement)).all()


async def job_items(
    session: AsyncSession, job_id: UUID, states: Sequence[str], limit: int
) -> Sequence[JobItemRow]:
    """Those in the first state first. Of a job that was fetched through `visible_jobs`."""
    row = JobItemRow
    rank = case({state: place for place, state in enumerate(states)}, value=row.state)
    statement = select(row).where(row.job_id == job_id, row.state.in_(states))
    return (await session.scalars(statement.order_by(rank, row.path, row.document_id).limit(limit))).all()


async def job_stages(session: AsyncSession, job_ids: Sequence[UUID]) -> dict[UUID, dict[str, int]]:
    """Job → stage → how many of its documents are at it now."""
    row = JobItemRow
    counted = select(row.job_id, row.stage, func.count()).where(
        row.job_id.in_(job_ids), row.state == "running"
    )
    found: dict[UUID, dict[str, int]] = {}
    for job_id, stage, number in await session.execute(counted.group_by(row.job_id, row.stage)):
        found.setdefault(job_id, {})[stage] = number
    return found


async def set_keys(session: AsyncSession, document: DocumentRow, keys: frozenset[str]) -> None:
    """From this commit on, exactly these keys and those of its shares open the document."""
    row = DocumentAccessRow
    await session.execute(delete(row).where(row.document_id == document.id, row.shared.is_(False)))
    await add_keys(session, [document], keys)


async def add_keys(session: AsyncSession, documents: Sequence[DocumentRow], keys: frozenset[str]) -> None:
    """Of documents that have none, but for those of their shares."""
    rows = [
        {"document_id": document.id, "organisation_id": document.organisation_id, "access_key": key}
        for document in documents
        for key in sorted(keys)
    ]
    if rows:
        await session.execute(insert(DocumentAccessRow), rows)


async def keys_of(session: AsyncSession, document_id: UUID) -> frozenset[str]:
    """All that open the document now: its own and those of its shares."""
    statement = select(DocumentAccessRow.access_key).where(DocumentAccessRow.document_id == document_id)
    return frozenset(await session.scalars(statement))


async def held_keys(session: AsyncSession, document_id: UUID) -> tuple[frozenset[str], frozenset[str]]:
    """Those that came with its upload, and those of its shares."""
    rows = (await session.execute(_HELD_KEYS, {"document": document_id})).all()
    return frozenset(key for key, shared in rows if not shared), frozenset(
        key for key, shared in rows if shared
    )


async def own_keys_of(session: AsyncSession, document_id: UUID) -> frozenset[str]:
    """Those that came with its upload, without its shares."""
    row = DocumentAccessRow
    statement = select(row.access_key).where(row.document_id == document_id, row.shared.is_(False))
    return frozenset(await session.scalars(statement))


def opened_versions(principal: Principal, document: DocumentRow) -> Select[DocumentVersionRow]:
    """Of a document that was fetched through `visible`: the published version, and those that were for the
    principal when they were sent. What was for fewer people stays theirs when a later version is for more."""
    row = DocumentVersionRow
    held = literal(list(principal.access_keys), ARRAY(Text))
    return select(row).where(
        row.document_id == document.id,
        row.organisation_id == principal.organisation_id,
        or_(row.access_keys.op("&&")(held), row.version == document.published_version),
    )


def versions_of(document_id: UUID) -> Select[DocumentVersionRow]:
    """Of a document that was fetched through `visible`, or by a task of ours."""
    return select(DocumentVersionRow).where(DocumentVersionRow.document_id == document_id)
