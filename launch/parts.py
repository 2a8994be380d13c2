"""The pieces that a process works with, made from the settings; the same for both shapes."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from access.jwks import TrustedKeys
from access.tokens import Minter, SigningKey
from kit.clock import Clock
from kit.wire.contact import ISSUER as CONTACT
from knowledge.embed import EmbedderSpec, EmbedderUnavailable, EmbedSettings, make_embedder, wanted
from knowledge.index import Index, IndexUnavailable
from knowledge.index.following import FollowingIndex
from knowledge.index.generation import Generations
from knowledge.index.remote import connect_generations
from knowledge.index.server import connect_server
from knowledge.index.settings import QdrantSettings
from knowledge.search import CachedSearch, Current, Search, Searching, SearchSettings
from knowledge.search.finder import Finders
from knowledge.search.rerank import RerankerUnavailable, RerankSettings, make_reranker
from launch.keys import load_or_create
from ports.db import Database, DatabaseSettings
from ports.redis import CacheDoor, Redis, connect, connect_blocking
from tools import servers

MODELS_UNAVAILABLE = (EmbedderUnavailable, RerankerUnavailable)
"""A model that the settings name cannot be used; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Our issuers' keys, and whom we trust."""

    platform: SigningKey
    gateway: SigningKey
    contact: SigningKey
    trusted: TrustedKeys

    @classmethod
    def of(cls, folder: Path) -> "Keys":
        platform = load_or_create(folder / "platform.pem")
        gateway = load_or_create(folder / "gateway.pem")
        contact = load_or_create(folder / "contact.pem")
        trusted = TrustedKeys()
        for issuer, key in (("platform", platform), ("gateway", gateway), (CONTACT, contact)):
            trusted.replace(issuer, key.jwks())
        return cls(platform, gateway, contact, trusted)

    def minter(self, clock: Clock) -> Minter:
        return Minter(self.platform, "platform", clock)

    def gateway_minter(self, clock: Clock) -> Minter:
        """For the gateway's own calls of the platform."""
        return Minter(self.gateway, "gateway", clock)

    def contact_minter(self, clock: Clock) -> Minter:
        """For what the contact server tells the platform."""
        return Minter(self.contact, CONTACT, clock)


@dataclass(frozen=True, slots=True)
class Stores:
    database: Database
    redis: Redis
    redis_blocking: Redis
    redis_url: str

    async def close(self) -> None:
        await self.redis.aclose()
        await self.redis_blocking.aclose()
        await self.database.close()


def open_stores(database_url: str, redis_url: str) -> Stores:
    """Addresses are given, since an embedded engine has its own; the rest is as set."""
    database = Database(database_url, DatabaseSettings().pool_size)
    return Stores(database, connect(redis_url), connect_blocking(redis_url), redis_url)


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What finds chunks: the index in its generations, and the search over the current one.

    wanted: the embedder that the settings name; re-indexing makes it the index's own where it is not.
    """

    wanted: EmbedderSpec
    generations: Generations
    index: Index
    search: Searching
    finders: Finders


async def find_with(
    generations: Generations, spec: EmbedderSpec, public_url: str = "", *, searched: bool = True
) -> Knowledge:
    """`public_url` stands where the settings have none. The embedder is made now where the index answers.

    searched: False where nobody asks the search anything: no reranker is loaded for it.
    Raises one of MODELS_UNAVAILABLE where the settings name a model that cannot be used.
    """
    settings, embed = SearchSettings(), EmbedSettings()
    if public_url and "public_url" not in settings.model_fields_set:
        settings = settings.model_copy(update={"public_url": public_url})
    current = Current(generations, lambda found: make_embedder(found, embed))
    with suppress(IndexUnavailable):
        await current.anew()
    reranker = await asyncio.to_thread(make_reranker, RerankSettings()) if searched else None
    search = Search.following(current, settings, reranker)
    return Knowledge(spec, generations, FollowingIndex(generations), search, current)


def remembering(knowledge: Knowledge, door: CacheDoor) -> Knowledge:
    """The same, with a search that answers from the cache what was asked before."""
    search = knowledge.search
    return replace(knowledge, search=CachedSearch(search, door)) if isinstance(search, Search) else knowledge


@asynccontextmanager
async def embedded_knowledge(folder: Path, public_url: str) -> AsyncGenerator[Knowledge]:
    """The embedder and the embedded index in `folder`, which this process owns meanwhile."""
    # lazy: qdrant-edge loads its engine on import; a process with a Qdrant server does without
    from knowledge.index.edge_generations import open_generations

    spec = wanted(EmbedSettings())
    generations = await asyncio.to_thread(open_generations, folder, spec)
    try:
        yield await find_with(generations, spec, public_url)
    finally:
        await generations.close()


@asynccontextmanager
async def remote_knowledge(
    qdrant: QdrantSettings, socket: str, *, searched: bool = True
) -> AsyncGenerator[Knowledge]:
    """The embedder, with a Qdrant server or else the index process behind `socket`; searched: as there."""
    spec = wanted(EmbedSettings())
    if qdrant.url:
        generations = connect_server(qdrant.url, spec, qdrant.api_key.get_secret_value())
    else:
        generations = connect_generations(Path(socket))
    try:
        yield await find_with(generations, spec, searched=searched)
    finally:
        await generations.close()


def release() -> list[dict[str, object]]:
    """The first-party tool servers, with the definitions that this release approves."""
    return json.loads((Path(servers.__file__).parent / "release.json").read_text())
