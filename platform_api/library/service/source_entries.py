"""What a source held when it was last looked at: what has changed since, and what is gone."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from knowledge.gather import Found, Mark
from platform_api.library.models import DocumentRow, SourceEntryRow, SourceRunRow
from platform_api.library.service.intake import worth_retrying

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Looked:
    """One path after it was looked at. `marks`: whether it need not be read again until it changes."""

    found: Found
    outcome: str
    document_id: UUID | None = None
    code: str = ""
    detail: str = ""
    marks: bool = False


async def marks_of(session: AsyncSession, source_id: UUID) -> tuple[dict[str, Mark], dict[str, UUID]]:
    """By path: what the gatherer should know, and the document, where there is one."""
    entry, document = SourceEntryRow, DocumentRow
    statement = (
        select(entry, document)
        .outerjoin(document, and_(document.id == entry.document_id, document.source_id == source_id))
        .where(entry.source_id == source_id)
    )
    marks: dict[str, Mark] = {}
    documents: dict[str, UUID] = {}
    rows: Sequence[Any] = (await session.execute(statement)).all()
    for row, held in rows:
        lost = row.document_id is not None and held is None
        # What failed for a passing reason, and what somebody deleted here, is asked for as if it were new.
        again = lost or (held is not None and held.status == "failed" and worth_retrying(held))
        marks[row.path] = Mark(
            etag="" if again else row.etag,
            last_modified=None if again else row.last_modified,
            sha256="" if again else row.sha256,
            address=row.address,
            depth=row.depth,
            held=held is not None,
        )
        if held is not None:
            documents[row.path] = held.id
    return marks, documents


async def save(
    session: AsyncSession, run: SourceRunRow, looked: Sequence[Looked], now: datetime
) -> dict[str, int]:
    """How many of each outcome this adds to the run; one that was looked at twice counts once."""
    before = await _before(session, run, [one.found.path for one in looked])
    latest = {one.found.path: one for one in looked}
    rows = [_row(one, run, now) for one in latest.values()]
    for start in range(0, len(rows), _AT_ONCE):
        await _upsert(session, rows[start : start + _AT_ONCE])
    return dict(Counter(one.outcome for path, one in latest.items() if path not in before))


async def _upsert(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    statement = insert(SourceEntryRow).values(rows)
    new = statement.excluded
    fields: dict[str, Any] = {name: new[name] for name in rows[0] if name not in ("source_id", "path")}
    fields["failures"] = (SourceEntryRow.failures + 1) * new["failures"]
    fields["document_id"] = func.coalesce(new["document_id"], SourceEntryRow.document_id)
    await session.execute(statement.on_conflict_do_update(index_elements=["source_id", "path"], set_=fields))


async def _before(session: AsyncSession, run: SourceRunRow, paths: Sequence[str]) -> frozenset[str]:
    """Those that this run has counted already: it was killed before it could say where it stood."""
    row = SourceEntryRow
    statement = select(row.path).where(
        row.source_id == run.source_id, row.run_id == run.id, row.path.in_(paths)
    )
    return frozenset(await session.scalars(statement))


def _row(one: Looked, run: SourceRunRow, now: datetime) -> dict[str, Any]:
    found = one.found
    return {
        "source_id": run.source_id,
        "path": found.path,
        "organisation_id": run.organisation_id,
        "document_id": one.document_id,
        "url": found.url,
        "address": found.address,
        "etag": found.etag if one.marks else "",
        "last_modified": found.last_modified if one.marks else None,
        "sha256": found.sha256 if one.marks else "",
        "depth": found.depth,
        "outcome": one.outcome,
        "code": one.code,
        "detail": one.detail[:1000],
        "failures": int(one.outcome == "failed"),
        "run_id": run.id,
        "seen_at": now,
    }


async def touch(session: AsyncSession, source_id: UUID, documents: Sequence[UUID], now: datetime) -> None:
    """Unchanged: remember when we looked. One that somebody is changing will know it anyway."""
    row = DocumentRow
    free = (
        select(row.id)
        .where(row.id.in_(documents), row.source_id == source_id)
        .order_by(row.id)
        .with_for_update(skip_locked=True)
    )
    await session.execute(update(row).where(row.id.in_(free)).values(last_crawled_at=now))


@dataclass(frozen=True, slots=True)
class Vanished:
    """Entries whose documents are to go: path and document."""

    entries: Sequence[tuple[str, UUID]]
    held: int
    """How many documents the source has in all."""


async def vanished(session: AsyncSession, source_id: UUID, run_id: UUID, *, lists_all: bool) -> Vanished:
    entry, document = SourceEntryRow, DocumentRow
    gone = entry.outcome == "gone"
    if lists_all:
        gone = or_(gone, entry.run_id != run_id)
    statement = (
        select(entry.path, document.id, gone.label("gone"))
        .join(document, and_(document.id == entry.document_id, document.source_id == source_id))
        .where(entry.source_id == source_id)
        .order_by(entry.path)
    )
    rows = (await session.execute(statement)).all()
    return Vanished([(path, document_id) for path, document_id, is_gone in rows if is_gone], len(rows))


async def forget_one(session: AsyncSession, source_id: UUID, path: str) -> None:
    entry = SourceEntryRow
    await session.execute(delete(entry).where(entry.source_id == source_id, entry.path == path))


async def forget(session: AsyncSession, source_id: UUID, run_id: UUID, *, lists_all: bool) -> None:
    """Entries without a document that are no longer there."""
    entry = SourceEntryRow
    gone = entry.outcome == "gone"
    if lists_all:
        gone = or_(gone, entry.run_id != run_id)
    await session.execute(delete(entry).where(entry.source_id == source_id, gone))
