"""Compares the database with the index and the blob store, and repairs: the database is the truth (SPEC 7).

Access comes first: what the index shows to others than the database does is set right at once. What is
being worked on is left to those who do.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from access.keys import AccessKeys
from access.principal import Principal
from kit.clock import Clock
from kit.errors import Unauthenticated
from kit.wire.library import AcceptedDocument
from knowledge.index import Held
from platform_api.identity import Identity
from platform_api.library import repository
from platform_api.library.models import (
    DocumentAccessRow,
    DocumentRow,
    JobItemRow,
    JobRow,
)
from platform_api.library.service.index_changes import IndexChanges
from platform_api.library.service.jobs import (
    Outcome,
    Reason,
    add_results,
    cancelled,
    close_job,
    open_job,
    set_stage,
)
from platform_api.library.service.reconciling import RECONCILE, RECONCILE_ASKED
from platform_api.library.service.reopening import redefer
from platform_api.library.tasks.findings import (
    AGAIN,
    CHECKED,
    GHOSTS,
    KEYS,
    Findings,
)
from platform_api.library.tasks.leftover_files import LeftoverFiles
from platform_api.library.tasks.stranded import Stranded, at_work
from ports.blobs import Blobs
from ports.db import Database
from ports.queue import Queue, Tasks

_EVERY_S = 3600
_WITHIN_S = 3000.0
_BATCH = 500
_UNNAMED = "(a document that is no longer for you)"
log = structlog.get_logger()


@dataclass(slots=True)
class Comparison:
    """One run. seen: documents that the index holds. suspects: those to look at a second time."""

    findings: Findings = field(default_factory=Findings)
    seen: set[UUID] = field(default_factory=set[UUID])
    suspects: set[UUID] = field(default_factory=set[UUID])


class Reconcile:
    def __init__(
        self, database: Database, blobs: Blobs, queue: Queue, changes: IndexChanges, clock: Clock
    ) -> None:
        self._database = database
        self._queue = queue
        self._changes = changes
        self._index = changes.index
        self._clock = clock
        self._identity = Identity(database, clock)
        self._stranded = Stranded(database, queue, clock)
        self._files = LeftoverFiles(database, blobs, clock)

    def register(self, tasks: Tasks) -> None:
        tasks.every(_EVERY_S, RECONCILE, self.periodic, timeout_s=_WITHIN_S)
        tasks.add(RECONCILE_ASKED, self.asked, attempts=3, timeout_s=_WITHIN_S, dead=self.given_up)

    async def periodic(self, _: dict[str, Any]) -> None:
        await self.run()

    async def asked(self, args: dict[str, Any]) -> None:
        job_id, organisation_id = UUID(args["job_id"]), UUID(args["organisation_id"])
        async with self._database.begin() as session:
            if await cancelled(session, job_id):
                return
            await set_stage(session, job_id, "comparing")
        findings = await self.run()
        report = findings.of(organisation_id)
        async with self._database.begin() as session:
            await session.execute(update(JobRow).where(JobRow.id == job_id).values(report=report))
            await close_job(session, job_id, self._clock.now())

    async def given_up(self, args: dict[str, Any], reason: str) -> None:
        error = "reconcile", Reason("internal", "The comparison failed. Try it again, or ask the operator.")
        async with self._database.begin() as session:
            await close_job(session, UUID(args["job_id"]), self._clock.now(), error)
        log.warning("library.reconcile_given_up", reason=reason)

    async def run(self) -> Findings:
        """Raises IndexUnavailable, and what the database raises; what was repaired until then stays so."""
        comparison = Comparison()
        await self._stranded.rescue(comparison.findings)
        await self._index_against_rows(comparison)
        await self._rows_against_index(comparison)
        await self._files.sweep(comparison.findings)
        found = comparison.findings.all()
        log.info("library.reconciled", **found)
        return comparison.findings

    # What the index holds.

    async def _index_against_rows(self, comparison: Comparison) -> None:
        await self._look(comparison, None)
        if comparison.suspects:
            # Something may have been published between our two looks at it: only what is wrong twice is.
            await self._look(comparison, frozenset(comparison.suspects))

    async def _look(self, comparison: Comparison, again: frozenset[UUID] | None) -> None:
        batch: dict[UUID, Held] = {}
        async for document_id, held in self._index.inventory():
            comparison.seen.add(document_id)
            if again is None or document_id in again:
                batch[document_id] = held
            if len(batch) >= _BATCH:
                await self._compare(comparison, batch, second=again is not None)
                batch = {}
        await self._compare(comparison, batch, second=again is not None)

    async def _compare(self, comparison: Comparison, batch: dict[UUID, Held], *, second: bool) -> None:
        if not batch:
            return
        async with self._database.begin() as session:
            documents = {row.id: row for row in await session.scalars(_rows(batch))}
            keys = await _keys(session, list(batch))
            busy = await at_work(session, self._queue, list(batch))
        wrong: list[DocumentRow] = []
        for document_id, held in batch.items():
            row = documents.get(document_id)
            if row is None:
                organisation_id = _organisation_of(held)
                await self._changes.remove(organisation_id, document_id)
                comparison.findings.add(organisation_id, GHOSTS)
                continue
            if not second:
                comparison.findings.add(row.organisation_id, CHECKED)
            if held.chunks and held.keys != keys.get(document_id, frozenset()):
                await self._align(row.organisation_id, document_id)
                comparison.findings.add(row.organisation_id, KEYS)
            if document_id in busy or _agree(row, held):
                continue
            if second:
                wrong.append(row)
            else:
                comparison.suspects.add(document_id)
        await self._mend(comparison.findings, wrong)

    async def _align(self, organisation_id: UUID, document_id: UUID) -> None:
        async with self._database.begin() as session:
            document = await session.get(DocumentRow, document_id, with_for_update=True)
            keys = await repository.keys_of(session, document_id) if document else frozenset[str]()
            opened = AccessKeys(keys) if keys else None
            await self._changes.set_access(organisation_id, document_id, opened)

    async def _mend(self, findings: Findings, wrong: Sequence[DocumentRow]) -> None:
        for row in wrong:
            if row.published_version is None:
                # Publishing was broken off, and nobody will go on with it.
                await self._changes.remove(row.organisation_id, row.id)
                findings.add(row.organisation_id, GHOSTS)
        await self._publish_again(findings, [row for row in wrong if row.published_version is not None])

    # What should be in the index.

    async def _rows_against_index(self, comparison: Comparison) -> None:
        after = UUID(int=0)
        while True:
            row = DocumentRow
            published = row.published_version.is_not(None) & (row.chunks > 0)
            statement = select(row).where(published, row.id > after).order_by(row.id).limit(_BATCH)
            async with self._database.begin() as session:
                rows = (await session.scalars(statement)).all()
                missing = [one for one in rows if one.id not in comparison.seen]
                busy = await at_work(session, self._queue, [one.id for one in missing])
            # Published since we looked: then it is known by now.
            lost = [one for one in missing if one.id not in busy and not await self._index.known(one.id)]
            for one in missing:
                comparison.findings.add(one.organisation_id, CHECKED)
            await self._publish_again(comparison.findings, lost)
            if len(rows) < _BATCH:
                return
            after = rows[-1].id

    async def _publish_again(self, findings: Findings, rows: Sequence[DocumentRow]) -> None:
        """One job for each sender, so that each sees what happens to their documents."""
        by_sender: dict[tuple[UUID, UUID], list[DocumentRow]] = {}
        for row in rows:
            by_sender.setdefault((row.organisation_id, row.created_by), []).append(row)
            findings.add(row.organisation_id, AGAIN)
        for (organisation_id, sender), theirs in by_sender.items():
            principal = Principal(organisation_id=organisation_id, id=sender)
            seen = await self._seen_by(sender, theirs)
            async with self._database.begin() as session:
                now = self._clock.now()
                job_id = await open_job(session, principal, "repair", now, stage="queued")
                await add_results(session, job_id, [_outcome(row, named=row.id in seen) for row in theirs])
                await close_job(session, job_id, now)
                items = await session.scalars(select(JobItemRow).where(JobItemRow.job_id == job_id))
                for item in items.all():
                    await redefer(session, self._queue, item, again=True)

    async def _seen_by(self, sender: UUID, rows: Sequence[DocumentRow]) -> frozenset[UUID]:
        """Those that the sender still sees: what the others are called now, their job must not tell."""
        try:
            principal = (await self._identity.person(sender)).principal
        except Unauthenticated:
            return frozenset()
        seen = repository.visible(principal).where(DocumentRow.id.in_([row.id for row in rows]))
        async with self._database.begin() as session:
            return frozenset(row.id for row in await session.scalars(seen))


def _rows(batch: dict[UUID, Held]) -> Any:
    return select(DocumentRow).where(DocumentRow.id.in_(list(batch)))


async def _keys(session: AsyncSession, document_ids: Sequence[UUID]) -> dict[UUID, frozenset[str]]:
    row = DocumentAccessRow
    found = await session.execute(
        select(row.document_id, row.access_key).where(row.document_id.in_(document_ids))
    )
    keys: dict[UUID, set[str]] = {}
    for document_id, key in found:
        keys.setdefault(document_id, set()).add(key)
    return {document_id: frozenset(held) for document_id, held in keys.items()}


def _agree(row: DocumentRow, held: Held) -> bool:
    whole = held.chunks == row.chunks and not held.pending
    return row.published_version is not None and whole and held.version == row.published_version


def _outcome(row: DocumentRow, *, named: bool) -> Outcome:
    name = row.path if named else _UNNAMED
    shown = AcceptedDocument(id=row.id, path=name, title=name, status="queued")
    return Outcome(shown, name, row.published_version or row.version)


def _organisation_of(held: Held) -> UUID | None:
    """A document that is gone has only its keys left to tell whose it was."""
    for key in held.keys:
        kind, _, rest = key.partition(":")
        if kind in ("o", "g"):
            return UUID(rest.partition("/")[0])
    return None
