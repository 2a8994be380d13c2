"""Generations on a Qdrant server: a collection each, its embedder in the metadata; an alias names one."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import msgspec
import structlog
from qdrant_client import AsyncQdrantClient, models

from knowledge.embed.spec import EmbedderSpec
from knowledge.index import fields
from knowledge.index.generation import Generation, described, first_choice, generation_of, is_collection
from knowledge.index.port import GenerationGone, Index
from knowledge.index.server_store import SERVER_ERRORS, TIMEOUT_S, ServerStore, is_missing, unavailable
from knowledge.index.stored import StoredIndex

ALIAS = "chunks-current"
_SPEC = "embedder"
Result = TypeVar("Result")
_log = structlog.get_logger()


def connect(url: str, api_key: str, spec: EmbedderSpec) -> "ServerGenerations":
    """spec: the embedder of the first generation where the server has none yet."""
    return ServerGenerations(AsyncQdrantClient(url=url, api_key=api_key or None, timeout=TIMEOUT_S), spec)


class ServerGenerations:
    """`Generations` over a server. Nothing about the current one is kept: other processes switch it, too."""

    def __init__(self, client: AsyncQdrantClient, spec: EmbedderSpec) -> None:
        self._client = client
        self._first = spec
        self._described: dict[str, Generation] = {}
        self._stores: dict[str, StoredIndex] = {}

    async def current(self) -> Generation:
        return await self._generation(await self._named() or await self._begin())

    async def all(self) -> Sequence[Generation]:
        current = await self.current()
        found = [await self._generation(name) for name in await self._names() if name != current.name]
        return [current, *found]

    async def index(self, generation: Generation) -> Index:
        made = self._stores.get(generation.name)
        if made is None:
            store = ServerStore(self._client, generation.name)
            made = self._stores[generation.name] = StoredIndex(store, generation.embedder)
        return made

    async def build(self, spec: EmbedderSpec) -> Generation:
        # First what is current, or an empty collection would be taken for what an earlier release left.
        await self.current()
        return await self._make(spec)

    async def _make(self, spec: EmbedderSpec) -> Generation:
        wanted = generation_of(spec)
        metadata = {_SPEC: msgspec.to_builtins(spec)}
        await ServerStore(self._client, wanted.name, spec.dimensions, metadata).prepare()
        return await self._generation(wanted.name)

    async def switch(self, generation: Generation) -> None:
        if generation.name not in await self._names():
            raise GenerationGone(f"There is no collection {generation.name}.")
        steps: list[models.AliasOperations] = []
        if await self._named():
            steps.append(models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=ALIAS)))
        alias = models.CreateAlias(collection_name=generation.name, alias_name=ALIAS)
        steps.append(models.CreateAliasOperation(create_alias=alias))
        # In one request: the server does both or none.
        await self._ask(lambda: self._client.update_collection_aliases(steps))
        _log.info("index.switched", generation=generation.name)

    async def drop(self, generation: Generation) -> None:
        if generation.name == (await self.current()).name:
            raise ValueError("The current generation cannot be dropped.")
        await self._ask(lambda: self._client.delete_collection(generation.name))
        self._described.pop(generation.name, None)
        self._stores.pop(generation.name, None)
        _log.info("index.dropped", generation=generation.name)

    async def close(self) -> None:
        await self._client.close()

    async def _begin(self) -> str:
        """No alias yet: the server is empty, or an earlier release used it, which had none."""
        name = first_choice(await self._names(), generation_of(self._first).name)
        if name == generation_of(self._first).name:
            await self._make(self._first)
        await self.switch(await self._generation(name))
        # Whoever came first has named it.
        return await self._named() or name

    async def _named(self) -> str:
        answer = await self._ask(self._client.get_aliases)
        return next((each.collection_name for each in answer.aliases if each.alias_name == ALIAS), "")

    async def _names(self) -> list[str]:
        answer = await self._ask(self._client.get_collections)
        return [each.name for each in answer.collections if is_collection(each.name)]

    async def _generation(self, name: str) -> Generation:
        """A generation never changes, so it is asked for once."""
        if name not in self._described:
            info = await self._ask(lambda: self._client.get_collection(name))
            metadata: dict[str, Any] = info.config.metadata or {}
            self._described[name] = described(name, _dimensions(info), metadata.get(_SPEC))
        return self._described[name]

    async def _ask(self, call: Callable[[], Awaitable[Result]]) -> Result:
        try:
            async with asyncio.timeout(TIMEOUT_S):
                return await call()
        except SERVER_ERRORS as error:
            if is_missing(error):
                raise GenerationGone("There is no such collection any more.") from error
            raise unavailable(error) from error


def _dimensions(info: models.CollectionInfo) -> int:
    vectors = info.config.params.vectors
    dense = vectors.get(fields.DENSE) if isinstance(vectors, dict) else vectors
    return dense.size if dense else 0
