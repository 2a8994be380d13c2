"""Documents into chunks, texts into vectors, in children of this process."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

import msgspec

from knowledge.document import LoadedDocument
from knowledge.embed.port import Marked, Vectors
from knowledge.embed.spec import EmbedderSpec
from knowledge.prepare.embedding import EmbeddingChild
from knowledge.prepare.messages import CutTask, Read, ReadTask
from knowledge.prepare.process import command_of
from knowledge.prepare.readers import Readers
from knowledge.prepare.settings import PrepareSettings

PACKAGED = EmbedderSpec()


class Preparer:
    """Reads documents and embeds texts in persistent children that end when idle.

    reading, embedding: replace the children's programs (tests).
    """

    def __init__(
        self,
        settings: PrepareSettings | None = None,
        reading: Sequence[str] | None = None,
        embedding: Sequence[str] | None = None,
    ) -> None:
        self._settings = settings or PrepareSettings()
        self._readers = Readers(self._settings, reading or _reading(self._settings))
        self._embedding = embedding
        self._embedders: dict[EmbedderSpec, EmbeddingChild] = {}

    @property
    def pids(self) -> list[int]:
        """Process ids of the running children."""
        embedders = (child.pid for child in self._embedders.values())
        return [*self._readers.pids, *(pid for pid in embedders if pid is not None)]

    async def read(
        self, data: bytes, name: str, doc_id: UUID, *, title: str | None = None, strategy: str | None = None
    ) -> Read:
        """Parse and cut; a slow file holds up neither other files for long nor any embedding.

        Raises UnreadableDocument (too_complex where time or memory ran out, or where the file killed its
        reader twice) and PreparationFailed.
        """
        task = ReadTask(data, name, doc_id, title, strategy)
        return await self._readers.read(task, partial(self.embed, PACKAGED))

    async def cut(
        self,
        document: LoadedDocument,
        doc_id: UUID,
        *,
        title: str | None = None,
        strategy: str | None = None,
    ) -> Read:
        """Cut again what was read before; what has not changed keeps its chunk id. Raises as `read`."""
        task = CutTask(document, doc_id, title, strategy)
        return await self._readers.read(task, partial(self.embed, PACKAGED))

    async def embed(self, spec: EmbedderSpec, texts: Sequence[str]) -> Vectors:
        """One row per text, by a local model in a child of its own. Raises PreparationFailed."""
        return await self.embed_marked(spec, [Marked(text, ()) for text in texts])

    async def embed_marked(self, spec: EmbedderSpec, texts: Sequence[Marked]) -> Vectors:
        """For each text its own row, then one for each span. Raises PreparationFailed."""
        child = self._embedders.get(spec)
        if child is None:
            command = self._embedding or _embedding(self._settings, spec)
            child = self._embedders[spec] = EmbeddingChild(self._settings, command)
        return await child.embed(texts)

    async def close(self) -> None:
        """End the children; later work starts new ones."""
        await self._readers.close()
        for child in self._embedders.values():
            await child.close()


def _reading(settings: PrepareSettings) -> list[str]:
    return command_of("knowledge.prepare.reading_child", "--memory-mb", str(settings.memory_mb))


def _embedding(settings: PrepareSettings, spec: EmbedderSpec) -> list[str]:
    return command_of(
        "knowledge.prepare.embedding_child",
        *("--memory-mb", str(settings.memory_mb)),
        *("--threads", str(settings.threads)),
        *("--spec", msgspec.json.encode(spec).decode()),
    )
