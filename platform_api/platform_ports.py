"""Everything outside that the platform works with, as `launch` hands it to app and worker."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from access.jwks import TrustedKeys
from access.tokens import Minter, SigningKey
from kit.clock import Clock, SystemClock
from kit.sealing import KeyRing
from knowledge.index import Index
from knowledge.index.vectorising import Vectorising
from knowledge.prepare import Preparer
from knowledge.search import Searching
from knowledge.search.finder import Finders
from platform_api.agents.definitions import AgentSettings
from platform_api.chat.settings import ChatSettings
from platform_api.edge.rates import RateSettings
from platform_api.identity.settings import IdentitySettings
from platform_api.leads.settings import LeadsSettings
from platform_api.library.service.index_changes import IndexChanges
from platform_api.library.service.intake import Intake
from platform_api.library.service.scopes import Scopes
from platform_api.library.settings import LibrarySettings
from platform_api.library.sources_settings import SourcesSettings
from platform_api.library.tasks.reindex import Reindexing
from platform_api.llm.judge_settings import JudgeSettings
from platform_api.llm.settings import LlmSettings
from platform_api.toolbox.connections.settings import ConnectionsSettings
from platform_api.toolbox.settings import ToolboxSettings
from ports.blobs import Blobs
from ports.db import Database
from ports.http import OutboundSettings, Resolver, system_resolver
from ports.queue import Queue
from ports.redis import CacheScopes, Redis


@dataclass(frozen=True, slots=True)
class PlatformPorts:
    """Everything outside that the platform works with; made by `launch`, faked by nobody."""

    database: Database
    redis: Redis
    """For commands; answers within 50 ms or fails."""
    redis_blocking: Redis
    """For reads that wait (XREAD BLOCK)."""
    queue: Queue
    blobs: Blobs
    index: Index
    search: Searching
    preparer: Preparer
    """Used by the worker; starts its children only when there is something to read."""
    vectoriser: Vectorising
    """Used by the worker: chunks into vectors, those that are known from the cache."""
    signing_key: SigningKey
    minter: Minter
    """Issuer `platform`, over `signing_key`."""
    trusted: TrustedKeys
    """Holds at least the keys of issuer `gateway`; our own are added here."""
    gateway_url: str
    """Where the gateway's `/mcp` answers, without the path."""
    release: Sequence[Mapping[str, object]] = ()
    """The first-party tool servers of this release, as in `tools/servers/release.json`."""
    server_addresses: Mapping[str, str] = field(default_factory=dict[str, str])
    """name → http(s)://…/mcp or inproc:<name>, for the servers of `release`."""
    shape: Literal["all-in-one", "separate"] = "separate"
    identity_settings: IdentitySettings = field(default_factory=IdentitySettings)
    library_settings: LibrarySettings = field(default_factory=LibrarySettings)
    sources_settings: SourcesSettings = field(default_factory=SourcesSettings)
    outbound_settings: OutboundSettings = field(default_factory=OutboundSettings)
    resolver: Resolver = system_resolver
    """For addresses that people, documents and tools name; every answer is checked."""
    toolbox_settings: ToolboxSettings = field(default_factory=ToolboxSettings)
    connections_settings: ConnectionsSettings = field(default_factory=ConnectionsSettings)
    llm_settings: LlmSettings = field(default_factory=LlmSettings)
    judge_settings: JudgeSettings = field(default_factory=JudgeSettings)
    agent_settings: AgentSettings = field(default_factory=AgentSettings)
    leads_settings: LeadsSettings = field(default_factory=LeadsSettings)
    chat_settings: ChatSettings = field(default_factory=ChatSettings)
    rate_settings: RateSettings = field(default_factory=RateSettings)
    redis_url: str | None = None
    """Where requests are counted; None: by this process alone."""
    finders: Finders | None = None
    """The index with the embedder of its vectors; without it sentences are checked by words alone."""
    reindexing: Reindexing | None = None
    """None where the index has one embedder for ever (tests)."""
    vault: KeyRing | None = None
    """Seals what people answer and the credentials they lend; None: neither can be kept."""
    clock: Clock = field(default_factory=SystemClock)


def changes_of(ports: PlatformPorts, *, surely: bool) -> IndexChanges:
    """surely: for jobs; see IndexChanges."""
    return IndexChanges(ports.index, CacheScopes(ports.redis), surely=surely)


def intake_of(ports: PlatformPorts, scopes: Scopes) -> Intake:
    """The one door for documents, which uploads (app) and sources (worker) share."""
    return Intake(
        database=ports.database,
        blobs=ports.blobs,
        queue=ports.queue,
        # Each change of access that it makes is made again by the job that publishes the new version.
        changes=changes_of(ports, surely=False),
        settings=ports.library_settings,
        scopes=scopes,
        clock=ports.clock,
    )
