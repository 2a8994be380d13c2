"""A small world for the gateway: people, a handbook in the real engine, a platform that a test holds."""

import asyncio
import hashlib
import json
import ssl
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID, uuid4, uuid5

import httpx2
import numpy as np
import uvicorn
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from pydantic import SecretStr
from starlette.types import ASGIApp

from access.jwks import TrustedKeys
from access.keys import AccessKeys, group_key, organisation_key
from access.principal import Principal, permissions_of
from access.tokens import Minter, SigningKey, claims_of
from kit.clock import SystemClock
from kit.errors import Unauthenticated, Unavailable
from kit.wire.connections import AskToken, UpstreamToken
from kit.wire.interactions import ConsumedOneShot, ConsumeOneShot, OpenedOneShot, OpenOneShot
from kit.wire.internal import AuditAccepted, AuditEvent, ResolvedPrincipal
from kit.wire.tools import RegisteredServer, Registry
from knowledge.index import Index, IndexedChunk
from knowledge.index.edge import open_edge
from knowledge.search import Search
from ports.http import OutboundSettings
from tests.clocks import MovedClock
from tests.knowledge.index.samples import chunk, facts
from tests.tools.one_shots import OneShots
from tools.gateway.app import Gateway, build_gateway
from tools.gateway.platform import AccountNeeded, EventsRefused
from tools.gateway.settings import GatewaySettings
from tools.servers.docs.server import build_docs_server

ORGANISATION = uuid4()
RELEASE = Path("tools/servers/release.json")


def person(name: str, *groups: str, role: str = "User") -> Principal:
    return Principal(
        organisation_id=ORGANISATION,
        id=uuid5(ORGANISATION, name),
        name=name,
        groups=frozenset(groups),
        roles=frozenset({role}),
        permissions=permissions_of([role]),
    )


MAYA = person("maya", "operations")
TOM = person("tom", "finance")


class HashedWords:
    """An embedder whose vectors are word counts in buckets: similar words, similar vectors."""

    version = "hashed-words-1"
    dimensions = 64

    def embed(self, texts: Sequence[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
        rows = np.full((len(texts), self.dimensions), 1e-3, dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.lower().split():
                row[int(hashlib.md5(word.strip(".,?").encode()).hexdigest(), 16) % self.dimensions] += 1
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def count_tokens(self, text: str) -> int:
        return len(text.split())


def a_chunk(text: str, *, knowledge_base_id: UUID, title: str, url: str) -> IndexedChunk:
    doc_id = uuid5(ORGANISATION, url)
    described = facts(
        doc_id,
        organisation_id=ORGANISATION,
        knowledge_base_id=knowledge_base_id,
        source_url=url,
        owner_id=str(ORGANISATION),
    )
    made = replace(chunk(doc_id, text), page_title=title)
    return IndexedChunk(made, described, HashedWords().embed([text])[0].tolist())


SHARED = a_chunk(
    "Staff take 25 days of annual leave per year.",
    knowledge_base_id=uuid5(ORGANISATION, "kb-org"),
    title="Leave for all",
    url="https://example.test/leave",
)
OPERATIONS = a_chunk(
    "Operations staff on night shift take 30 days of annual leave per year.",
    knowledge_base_id=uuid5(ORGANISATION, "kb-operations"),
    title="Night shift",
    url="https://example.test/night",
)
FINANCE = a_chunk(
    "Finance staff take no annual leave in the closing week of the year.",
    knowledge_base_id=uuid5(ORGANISATION, "kb-finance"),
    title="Closing week",
    url="https://example.test/closing",
)


async def publish_handbook(index: Index) -> None:
    for indexed, key in (
        (SHARED, organisation_key(ORGANISATION)),
        (OPERATIONS, group_key(ORGANISATION, "operations")),
        (FINANCE, group_key(ORGANISATION, "finance")),
    ):
        await index.publish(indexed.chunk.doc_id, [indexed], AccessKeys([key]))


def released(address: str = "inproc:docs") -> Registry:
    """Of our own servers the one that runs in these worlds."""
    ours = [server for server in json.loads(RELEASE.read_text()) if server["name"] == "docs"]
    return registry_of([RegisteredServer(address=address, **server) for server in ours])


def registry_of(servers: Sequence[RegisteredServer]) -> Registry:
    text = "".join(server.model_dump_json() for server in servers)
    return Registry(version=hashlib.sha256(text.encode()).hexdigest(), servers=list(servers))


# made once: to make one takes longer than most requests
_UNCHECKED = ssl.create_default_context()


@dataclass
class HeldPlatform:
    """The internal contract in memory: a test sets what it answers and reads what it was told."""

    current: Registry
    people: dict[str, Principal] = field(default_factory=dict)
    events_taken: dict[str, AuditEvent] = field(default_factory=dict)
    repeated: int = 0
    resolved: int = 0
    down: bool = False
    refuses: str | None = None
    slow: asyncio.Event | None = None
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    one_shots: OneShots = field(default_factory=OneShots)

    async def registry(self, etag: str | None, wait_s: float = 0.0) -> Registry | None:
        self._up()
        until = time.monotonic() + wait_s
        while etag == self.current.version and time.monotonic() < until:
            await asyncio.sleep(0.02)
            self._up()
        return None if etag == self.current.version else self.current

    async def resolve(self, api_key: str) -> ResolvedPrincipal:
        self._up()
        self.resolved += 1
        self.asked.set()
        if self.slow:
            await self.slow.wait()
        if api_key not in self.people:
            raise Unauthenticated("This API key is not valid.")
        principal = self.people[api_key]
        return ResolvedPrincipal(claims=claims_of(principal, principal.access_keys), cache_s=60)

    async def events(self, records: Sequence[bytes]) -> AuditAccepted:
        self._up()
        batch = [AuditEvent.model_validate_json(record) for record in records]
        if self.refuses and any(event.type == self.refuses for event in batch):
            raise EventsRefused(422)
        before = len(self.events_taken)
        self.events_taken.update({event.id: event for event in batch})
        accepted = len(self.events_taken) - before
        self.repeated += len(batch) - accepted
        return AuditAccepted(accepted=accepted, repeated=len(batch) - accepted)

    async def grant(self, hash: str) -> list[str] | None:
        self._up()
        return None

    async def open_one_shot(self, wanted: OpenOneShot) -> OpenedOneShot:
        self._up()
        return await self.one_shots.open_one_shot(wanted)

    async def consume_one_shot(self, id: str, wanted: ConsumeOneShot) -> ConsumedOneShot:
        self._up()
        return await self.one_shots.consume_one_shot(id, wanted)

    async def upstream_token(self, server: str, wanted: AskToken) -> UpstreamToken:
        self._up()
        raise AccountNeeded("Nobody has an account here.", server, "https://platform.test/connect")

    def _up(self) -> None:
        if self.down:
            raise Unavailable("The platform does not answer.")

    def told(self, type: str) -> list[AuditEvent]:
        return [event for event in self.events_taken.values() if event.type == type]


METRICS_TOKEN = "metrics-token"


@dataclass
class Gate:
    """A running gateway, and the keys to make tokens for it."""

    gateway: Gateway
    platform: HeldPlatform
    clock: MovedClock
    url: str
    folder: Path
    own_key: SigningKey
    _minter: Minter

    def token(self, principal: Principal, audience: str = "gateway") -> str:
        return self._minter.mint(principal, audience)

    @asynccontextmanager
    async def client(
        self,
        credential: str | Principal,
        mode: str = "auto",
        path: str = "/mcp",
        timeout_s: float = 10,
        **callbacks: Any,
    ) -> AsyncIterator[Client]:
        """The Python SDK's client, which nobody here wrote."""
        token = self.token(credential) if isinstance(credential, Principal) else credential
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx2.AsyncClient(
            headers=headers, timeout=timeout_s, verify=_UNCHECKED, trust_env=False
        ) as http:
            transport = streamable_http_client(f"{self.url}{path}", http_client=http)
            async with Client(transport, mode=mode, **callbacks) as client:
                yield client

    async def metrics(self) -> str:
        """As Prometheus reads them."""
        async with httpx2.AsyncClient(verify=_UNCHECKED, trust_env=False) as http:
            headers = {"Authorization": f"Bearer {METRICS_TOKEN}"}
            answer = await http.get(f"{self.url}/metrics", headers=headers)
            answer.raise_for_status()
            return answer.text

    async def audited(self, type: str = "tool.call") -> list[dict[str, Any]]:
        """What the platform has been told, after everything that waits was sent."""
        await self.gateway.shipper.ship()
        return [event.data for event in self.platform.told(type)]


@contextmanager
def handbook() -> Iterator[Index]:
    """The index of the real engine with the handbook in it, in memory where the machine allows."""
    shared = Path("/dev/shm")
    embedder = HashedWords()
    with TemporaryDirectory(dir=shared if shared.is_dir() else None) as folder:
        index = open_edge(Path(folder), embedder.version, embedder.dimensions)
        asyncio.run(publish_handbook(index))
        yield index
        asyncio.run(index.close())


@asynccontextmanager
async def running_gateway(
    folder: Path,
    redis: Any,
    index: Index,
    *,
    registry: Registry | None = None,
    apps: dict[str, ASGIApp] | None = None,
    platform: HeldPlatform | None = None,
    settings: GatewaySettings | None = None,
    redis_url: str | None = None,
    outbound: OutboundSettings | None = None,
    metrics_token: str = METRICS_TOKEN,
) -> AsyncIterator[Gate]:
    platform_key, own_key = SigningKey.generate(), SigningKey.generate()
    trusted, clock = TrustedKeys(), MovedClock()
    trusted.replace("platform", platform_key.jwks())
    trusted.replace("gateway", own_key.jwks())
    held = platform or HeldPlatform(registry or released())
    docs = build_docs_server(Search(index, HashedWords()), index, trusted, redis, SystemClock())
    gateway = build_gateway(
        (settings or GatewaySettings()).model_copy(update={"metrics_token": SecretStr(metrics_token)}),
        platform=held,
        signing_key=own_key,
        trusted=trusted,
        redis=redis,
        redis_url=redis_url,
        apps={"docs": docs, **(apps or {})},
        spool_folder=folder / "gateway",
        clock=clock,
        outbound=outbound,
    )
    async with served(gateway) as url:
        minter = Minter(platform_key, "platform", clock)
        yield Gate(gateway, held, clock, url, folder, own_key, minter)


class Prompt(uvicorn.Server):
    """Uvicorn that is told when to end, where its own looks every 0.1 s, three times until it is gone."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ended = asyncio.Event()

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self.ended.wait()

    async def shutdown(self, sockets: Any = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        while self.server_state.connections or self.server_state.tasks:
            await asyncio.sleep(0.002)
        await asyncio.gather(*(server.wait_closed() for server in self.servers))
        await self.lifespan.shutdown()


@asynccontextmanager
async def served(app: ASGIApp, port: int = 0) -> AsyncIterator[str]:
    """A real uvicorn on loopback, on a free port where none is named."""
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", lifespan="on", ws="none")
    server = Prompt(config)
    task = asyncio.create_task(server._serve())
    while not server.started:
        if task.done():
            task.result()
            raise RuntimeError("the server did not start")
        await asyncio.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.ended.set()
        await task
