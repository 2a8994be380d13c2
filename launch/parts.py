"""The pieces that a process works with, made from the settings; the same for both shapes."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from access.jwks import TrustedKeys
from access.tokens import Minter, SigningKey
from kit.clock import Clock
from knowledge.embed import Embedder, EmbedderSpec, EmbedSettings, make_embedder, wanted
from knowledge.index import Index
from knowledge.index.remote import connect_remote
from knowledge.index.server import connect_server
from knowledge.index.settings import QdrantSettings
from knowledge.search import Search, SearchSettings
from launch.keys import load_or_create
from ports.db import Database, DatabaseSettings
from ports.redis import Redis, connect, connect_blocking
from tools import servers


@dataclass(frozen=True, slots=True)
class Keys:
    """Both issuers' keys, and whom we trust."""

    platform: SigningKey
    gateway: SigningKey
    trusted: TrustedKeys

    @classmethod
    def of(cls, folder: Path) -> "Keys":
        platform = load_or_create(folder / "platform.pem")
        gateway = load_or_create(folder / "gateway.pem")
        trusted = TrustedKeys()
        trusted.replace("platform", platform.jwks())
        trusted.replace("gateway", gateway.jwks())
        return cls(platform, gateway, trusted)

    def minter(self, clock: Clock) -> Minter:
        return Minter(self.platform, "platform", clock)

    def gateway_minter(self, clock: Clock) -> Minter:
        """For the gateway's own calls of the platform."""
        return Minter(self.gateway, "gateway", clock)


@dataclass(frozen=True, slots=True)
class Stores:
    database: Database
    redis: Redis
    redis_blocking: Redis

    async def close(self) -> None:
        await self.redis.aclose()
        await self.redis_blocking.aclose()
        await self.database.close()


def open_stores(database_url: str, redis_url: str) -> Stores:
    """Addresses are given, since an embedded engine has its own; the rest is as set."""
    database = Database(database_url, DatabaseSettings().pool_size)
    return Stores(database, connect(redis_url), connect_blocking(redis_url))


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What finds chunks: the embedder, the one index and the search over both."""

    spec: EmbedderSpec
    embedder: Embedder
    index: Index
    search: Search


def find_with(index: Index, spec: EmbedderSpec, embedder: Embedder, public_url: str = "") -> Knowledge:
    """`public_url` stands where the settings have none."""
    settings = SearchSettings()
    if public_url and "public_url" not in settings.model_fields_set:
        settings = settings.model_copy(update={"public_url": public_url})
    return Knowledge(spec, embedder, index, Search(index, embedder, settings))


@asynccontextmanager
async def embedded_knowledge(folder: Path, public_url: str) -> AsyncGenerator[Knowledge]:
    """The embedder and the embedded index in `folder`, which this process owns meanwhile."""
    # lazy: qdrant-edge loads its engine on import; a process with a Qdrant server does without
    from knowledge.index.edge import open_edge

    spec, embedder = await asyncio.to_thread(_wanted_embedder)
    index = await asyncio.to_thread(open_edge, folder, embedder.version, embedder.dimensions)
    try:
        yield find_with(index, spec, embedder, public_url)
    finally:
        await index.close()


@asynccontextmanager
async def remote_knowledge(qdrant: QdrantSettings, socket: str) -> AsyncGenerator[Knowledge]:
    """The embedder, with a Qdrant server or else the index process behind `socket`."""
    spec, embedder = await asyncio.to_thread(_wanted_embedder)
    if qdrant.url:
        key = qdrant.api_key.get_secret_value()
        index = connect_server(qdrant.url, embedder.version, embedder.dimensions, key)
    else:
        index = connect_remote(Path(socket))
    try:
        yield find_with(index, spec, embedder)
    finally:
        await index.close()


def _wanted_embedder() -> tuple[EmbedderSpec, Embedder]:
    settings = EmbedSettings()
    spec = wanted(settings)
    return spec, make_embedder(spec, settings)


def release() -> list[dict[str, object]]:
    """The first-party tool servers, with the definitions that this release approves."""
    return json.loads((Path(servers.__file__).parent / "release.json").read_text())
