"""What people changed of a document reaches the index: who may see it, and what is known about it.

Each reads what the rows say now, under the document's lock, so it may run late, twice or in any order.
"""

import asyncio
from typing import Any
from uuid import UUID

import msgspec

from access.keys import AccessKeys
from kit.clock import Clock
from knowledge.document import LoadedDocument
from knowledge.index import IndexedChunk
from platform_api.library import repository
from platform_api.library.models import DocumentRow, DocumentVersionRow, KnowledgeBaseRow
from platform_api.library.service.facts import describe, describe_row, facts_of
from platform_api.library.service.generation import hold_generation
from platform_api.library.service.index_changes import IndexChanges
from platform_api.library.service.managed import ACCESS, DESCRIBE, reach_index
from platform_api.library.service.scopes import Scopes
from ports.blobs import Blobs
from ports.db import Database
from ports.queue import Tasks

_ATTEMPTS = 8
_BACKOFF_S = 2.0


class ChangeTasks:
    def __init__(
        self, database: Database, blobs: Blobs, changes: IndexChanges, *, scopes: Scopes, clock: Clock
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._changes = changes
        self._index = changes.index
        self._scopes = scopes
        self._clock = clock

    def register(self, tasks: Tasks) -> None:
        tasks.add(ACCESS, self.reach, attempts=_ATTEMPTS, backoff_s=_BACKOFF_S)
        tasks.add(DESCRIBE, self.describe, attempts=_ATTEMPTS, backoff_s=_BACKOFF_S)

    async def reach(self, args: dict[str, Any]) -> None:
        """The index opens the document to whom the rows open it."""
        await reach_index(self._database, self._changes, UUID(args["document_id"]))

    async def describe(self, args: dict[str, Any]) -> None:
        """Row and index say what is known now; chunks and vectors stay as they are."""
        document_id = UUID(args["document_id"])
        read = await self._read(document_id)
        if read is None:
            return
        number, loaded = read
        async with self._database.begin() as session:
            await hold_generation(session)
            document = await session.get(DocumentRow, document_id, with_for_update=True)
            if document is None or document.published_version != number:
                return  # what is published now was described when it was
            version = await session.get_one(DocumentVersionRow, (document_id, number))
            base = await session.get_one(KnowledgeBaseRow, document.knowledge_base_id)
            described = describe(document, version, loaded, self._scopes)
            describe_row(document, described)
            facts = facts_of(base, document, version, described, self._clock.now())
            keys = AccessKeys(await repository.keys_of(session, document_id))
            known = await self._index.known(document_id)
            stored = await self._index.fetch(keys, sorted(known))
            pieces = sorted((one.chunk for one in stored), key=lambda chunk: chunk.chunk_index)
            if pieces:
                chunks = [IndexedChunk(chunk, facts, None) for chunk in pieces]
                await self._changes.publish(document.organisation_id, document_id, chunks, keys)

    async def _read(self, document_id: UUID) -> tuple[int, LoadedDocument] | None:
        async with self._database.begin() as session:
            document = await session.get(DocumentRow, document_id)
            number = document.published_version if document else None
            version = await session.get(DocumentVersionRow, (document_id, number)) if number else None
        if version is None or version.read_key is None:
            return None
        data = await self._blobs.get(version.read_key)
        return version.version, await asyncio.to_thread(msgspec.json.decode, data, type=LoadedDocument)
