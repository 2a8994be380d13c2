"""The knowledge engines for tests: the embedded index, the packaged embedder, and a reader in process."""

import asyncio
from functools import cache
from uuid import UUID

from knowledge.embed import Embedder, packaged
from knowledge.prepare import Prepared
from knowledge.prepare.child import prepare
from knowledge.prepare.messages import Task, prepared


@cache
def embedder() -> Embedder:
    """One for the test process: making it takes a second."""
    return packaged()


class ReaderInProcess:
    """Reads, cuts and embeds by the child's own code, without the process.

    tests/knowledge/prepare proves the process; one test of the library goes through it.
    """

    async def prepare(
        self,
        data: bytes,
        name: str,
        doc_id: UUID,
        known: frozenset[UUID] = frozenset(),
        title: str | None = None,
    ) -> Prepared:
        task = Task(data, name, doc_id, list(known), title)
        return prepared(await asyncio.to_thread(prepare, task, embedder()))
