"""Files that no document refers to, and documents whose file is gone."""

from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import and_, or_, select, tuple_

from kit.clock import Clock
from platform_api.library.models import DocumentRow, DocumentVersionRow
from platform_api.library.tasks.findings import MISSING, ORPHANS, Findings
from ports.blobs import Blobs
from ports.db import Database

GRACE = timedelta(hours=1)
"""A file may wait so long for the commit that refers to it."""
_PREFIXES = ("originals", "read")
_BATCH = 500
log = structlog.get_logger()


class LeftoverFiles:
    def __init__(self, database: Database, blobs: Blobs, clock: Clock) -> None:
        self._database = database
        self._blobs = blobs
        self._clock = clock

    async def sweep(self, findings: Findings) -> None:
        """Orphans are deleted after a while; what is missing is told."""
        before = self._clock.now() - GRACE
        kept: set[str] = set()
        for prefix in _PREFIXES:
            batch: list[str] = []
            async for stored in self._blobs.list(prefix):
                kept.add(stored.key)
                if stored.changed_at < before:
                    batch.append(stored.key)
                if len(batch) >= _BATCH:
                    await self._sweep(findings, batch)
                    batch = []
            await self._sweep(findings, batch)
        await self._missing(findings, kept)

    async def _sweep(self, findings: Findings, keys: list[str]) -> None:
        if not keys:
            return
        row = DocumentVersionRow
        async with self._database.begin() as session:
            used = await session.execute(
                select(row.blob_key, row.read_key).where(or_(row.blob_key.in_(keys), row.read_key.in_(keys)))
            )
            referred = {key for pair in used for key in pair}
        for key in keys:
            if key not in referred:
                await self._blobs.delete(key)
                findings.add(_owner_of(key), ORPHANS)

    async def _missing(self, findings: Findings, kept: set[str]) -> None:
        """Of what can be opened or is to be read; older versions may have been cleared away."""
        row, version = DocumentRow, DocumentVersionRow
        mine = or_(version.version == row.version, version.version == row.published_version)
        after = (UUID(int=0), 0)
        while True:
            key = tuple_(version.document_id, version.version)
            statement = (
                select(version)
                .join(row, and_(row.id == version.document_id, mine))
                .where(key > tuple_(*after), version.created_at < self._clock.now() - GRACE)
                .order_by(key)
                .limit(_BATCH)
            )
            async with self._database.begin() as session:
                versions = (await session.scalars(statement)).all()
            for one in versions:
                after = (one.document_id, one.version)
                if one.blob_key not in kept:
                    findings.add(one.organisation_id, MISSING)
                    log.error("library.file_missing", document_id=str(one.document_id), version=one.version)
            if len(versions) < _BATCH:
                return


def _owner_of(key: str) -> UUID | None:
    parts = key.split("/")
    try:
        return UUID(parts[1])
    except (ValueError, IndexError):
        return None
