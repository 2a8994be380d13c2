"""Builds the ASGI app from the ports that it is given; nothing else wires."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, Protocol, cast
from uuid import UUID

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from access.grants import GrantStore
from access.tokens import Minter, SigningKey
from kit.clock import Clock
from platform_api import api
from platform_api.account.service import Linking
from platform_api.agents.definitions import load as load_agents
from platform_api.agents.framework import FrameworkRuntime
from platform_api.agents.invoking import Invoking
from platform_api.channels.service import ChannelState, Outgoing
from platform_api.chat.checks import Means
from platform_api.chat.nearness import Nearness
from platform_api.chat.service import Chat
from platform_api.chat.stored import StoredVectors
from platform_api.edge import provide
from platform_api.edge.body_limit import BodyLimit
from platform_api.edge.openapi import publish
from platform_api.edge.problems import install
from platform_api.edge.public_routes import check_guarded
from platform_api.edge.rates import AnonymousRates, RequestRates
from platform_api.edge.request_context import RequestContext
from platform_api.examples import EXAMPLES
from platform_api.health.endpoints import Health
from platform_api.identity import Identity
from platform_api.identity.grants import Grants
from platform_api.identity.principals import GUARDS, OWN_ISSUER, Tokens
from platform_api.interactions import Interactions
from platform_api.interactions.one_shots import OneShots
from platform_api.leads.service import ManualLeads
from platform_api.library.service.dead_letters import DeadLetters
from platform_api.library.service.documents import Documents
from platform_api.library.service.editing import Editing
from platform_api.library.service.flushing import Flushing
from platform_api.library.service.job_views import Jobs
from platform_api.library.service.moving import Moving
from platform_api.library.service.reconciling import Reconciling
from platform_api.library.service.scopes import Scopes
from platform_api.library.service.shares import Shares
from platform_api.library.service.source_gatherers import Gatherers
from platform_api.library.service.sources import Sources
from platform_api.library.service.upload import Uploads
from platform_api.library.settings import LibrarySettings
from platform_api.llm.build import build_router
from platform_api.llm.frames import render
from platform_api.llm.invocations import Invocations
from platform_api.llm.judge import build_judges
from platform_api.platform_ports import PlatformPorts, changes_of, intake_of
from platform_api.toolbox.connections.accounts import Accounts
from platform_api.toolbox.connections.broker import Broker
from platform_api.toolbox.connections.connecting import Connecting
from platform_api.toolbox.connections.credentials import Credentials
from platform_api.toolbox.connections.sign_ins import Addresses, SignIns
from platform_api.toolbox.gateway import HttpToolGateway
from platform_api.toolbox.probing import Probing, Remembering
from platform_api.toolbox.registry import RegistryWatch, seed_registry
from platform_api.toolbox.service.figures import Figures
from platform_api.toolbox.service.servers import ToolServers
from platform_api.toolbox.service.tools import AdminTools
from platform_api.toolbox.settings import ToolboxSettings
from ports.db import Database
from ports.queue import Queue
from ports.redis import CacheScopes
from ports.redis.rates import open_limits

__all__ = ["Background", "PlatformPorts", "WrongShape", "build_app"]


class WrongShape(RuntimeError):
    """A setting that belongs to the all-in-one shape is on in another one."""


class Background(Protocol):
    """Something of ours that runs beside the requests."""

    def start(self) -> None: ...
    async def stop(self) -> None: ...


def build_app(ports: PlatformPorts) -> FastAPI:
    """Raises WrongShape or UnguardedRoute rather than start unsafely."""
    if ports.identity_settings.dev_sign_in and ports.shape != "all-in-one":
        raise WrongShape("SWITCHBOARD_IDENTITY__DEV_SIGN_IN works with `switchboard up` only: turn it off.")
    # Its pages need nothing from outside: the reference works on a laptop without a network.
    app = FastAPIOffline(
        title="Switchboard",
        version="0.1.0",
        summary="Ask the company's documents; answers carry checked citations.",
        description=_DESCRIPTION,
        redoc_url=None,
        static_url="/docs/assets",
        # The name of the function is the name of the operation in generated clients.
        generate_unique_id_function=api.operation_name,
    )
    app.router.lifespan_context = _lifespan(ports, _provide_services(app, ports))
    app.router.routes += api.TABLE.routes
    if ports.identity_settings.dev_sign_in:
        app.router.routes += api.DEV_TABLE.routes
    install(app)
    publish(app, EXAMPLES)
    # The last added is the outermost.
    app.add_middleware(BodyLimit)
    app.add_middleware(AnonymousRates, app.state.provided[RequestRates])
    app.add_middleware(RequestContext)
    check_guarded(app, GUARDS)
    return app


def _lifespan(
    ports: PlatformPorts, background: Sequence[Background]
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        await seed_registry(ports.database, ports.release, ports.server_addresses)
        async with AsyncExitStack() as stack:
            for one in background:
                one.start()
                stack.push_async_callback(one.stop)
            yield

    return lifespan


def _provide_services(app: FastAPI, ports: PlatformPorts) -> Sequence[Background]:
    """Everything that an endpoint can ask for; what has to be started is returned."""
    ports.trusted.replace(OWN_ISSUER, ports.signing_key.jwks())
    provide(app, Clock, ports.clock)
    provide(app, Database, ports.database)
    provide(app, Queue, ports.queue)
    provide(app, Health, _health(ports))
    rates = RequestRates(ports.rate_settings, open_limits(ports.redis_url, ports.clock, "platform"))
    provide(app, RequestRates, rates)
    _provide_identity(app, ports)
    _provide_library(app, ports)
    gateway = _provide_toolbox(app, ports)
    interactions = _provide_interactions(app, ports)
    _provide_invoking(app, ports, gateway, interactions)
    # Stopped the other way round: nothing new is begun, then turns end, then what they work with.
    chat = _provide_chat(app, ports, gateway, interactions)
    return [rates, gateway, _provide_connections(app, ports, interactions), *chat, interactions]


def _provide_identity(app: FastAPI, ports: PlatformPorts) -> None:
    provide(app, SigningKey, ports.signing_key)
    provide(app, Minter, ports.minter)
    provide(app, Tokens, Tokens.trusting(ports.trusted, ports.clock))
    identity = Identity(ports.database, ports.clock, ports.identity_settings)
    provide(app, Identity, identity)
    provide(app, Linking, Linking(identity, ports.identity_settings, ports.clock))
    provide(app, ChannelState, ChannelState(ports.vault, ports.clock))
    provide(app, Outgoing, Outgoing(ports.database, ports.clock))
    provide(app, ManualLeads, ManualLeads(ports.vault, ports.clock))


def _provide_interactions(app: FastAPI, ports: PlatformPorts) -> Interactions:
    """Whoever goes on with answers says so by `interactions.hears`."""
    identity: Identity = app.state.provided[Identity]
    interactions = Interactions(ports.database, ports.queue, ports.vault, identity, ports.clock)
    provide(app, Interactions, interactions)
    provide(app, OneShots, OneShots(interactions, ports.clock))
    return interactions


def _provide_library(app: FastAPI, ports: PlatformPorts) -> None:
    settings = ports.library_settings
    scopes = Scopes.load(settings.scopes)
    intake = intake_of(ports, scopes)
    gatherers = Gatherers(ports.sources_settings, settings, ports.resolver, ports.outbound_settings)
    sources = Sources(
        ports.database,
        ports.queue,
        gatherers,
        intake,
        settings=ports.sources_settings,
        clock=ports.clock,
    )
    provide(app, Sources, sources)
    provide(app, Uploads, Uploads(ports.database, intake, settings, ports.clock))
    changes = changes_of(ports, surely=False)
    provide(app, Documents, Documents(ports.database, ports.blobs, ports.queue, changes, ports.search))
    editing = Editing(
        database=ports.database,
        blobs=ports.blobs,
        queue=ports.queue,
        settings=settings,
        scopes=scopes,
        clock=ports.clock,
    )
    provide(app, Editing, editing)
    provide(app, Moving, Moving(ports.database, ports.queue, changes, settings, ports.clock))
    provide(app, Shares, Shares(ports.database, ports.queue, changes, settings))
    provide(app, LibrarySettings, settings)
    jobs = Jobs(ports.database, ports.queue, ports.clock)
    provide(app, Jobs, jobs)
    provide(app, DeadLetters, DeadLetters(ports.queue, ports.clock))
    provide(app, Flushing, Flushing(CacheScopes(ports.redis)))
    provide(app, Reconciling, Reconciling(ports.queue, jobs, ports.clock))


def _provide_toolbox(app: FastAPI, ports: PlatformPorts) -> HttpToolGateway:
    grants = Grants(ports.database, cast(GrantStore, ports.redis), ports.clock)
    gateway = HttpToolGateway(ports.gateway_url, ports.minter, grants, ports.toolbox_settings)
    provide(app, Grants, grants)
    provide(app, HttpToolGateway, gateway)
    provide(app, RegistryWatch, RegistryWatch(ports.database))
    probing = Probing(ports.gateway_url, ports.minter)
    provide(app, Remembering, Remembering(ports.gateway_url, ports.minter))
    provide(app, ToolServers, ToolServers(ports.database, probing, ports.clock))
    provide(app, AdminTools, AdminTools(ports.clock))
    provide(app, Figures, Figures(ports.clock))
    provide(app, ToolboxSettings, ports.toolbox_settings)
    return gateway


def _provide_connections(app: FastAPI, ports: PlatformPorts, interactions: Interactions) -> Broker:
    broker = Broker(
        ports.database,
        ports.vault,
        ports.minter,
        ports.clock,
        settings=ports.connections_settings,
        outbound=ports.outbound_settings,
        resolver=ports.resolver,
    )
    broker.connecting.hears(interactions.connected)
    provide(app, Addresses, broker.addresses)
    provide(app, Accounts, broker.accounts)
    provide(app, Connecting, broker.connecting)
    provide(app, Credentials, broker.credentials)
    provide(app, SignIns, broker.sign_ins)
    return broker


def _provide_invoking(
    app: FastAPI, ports: PlatformPorts, gateway: HttpToolGateway, interactions: Interactions
) -> None:
    invoking = Invoking(ports.database, gateway, interactions, ports.toolbox_settings.call_timeout_s)
    interactions.hears(invoking.go_on)
    provide(app, Invoking, invoking)


def _provide_chat(
    app: FastAPI, ports: PlatformPorts, gateway: HttpToolGateway, interactions: Interactions
) -> list[Background]:
    invocations = Invocations(ports.database)
    agents = load_agents(ports.agent_settings, {"not_found": render("not_found")})
    patience = ports.chat_settings.vectors_timeout_s
    vectors = StoredVectors(ports.finders, patience) if ports.finders else None
    nearness = Nearness(vectors, patience) if vectors else None
    models = build_router(ports.llm_settings, invocations, nearness)
    judges = build_judges(ports.judge_settings, ports.llm_settings, invocations)
    chat = Chat(
        database=ports.database,
        queue=ports.queue,
        redis=ports.redis,
        redis_blocking=ports.redis_blocking,
        runtime=FrameworkRuntime(models, gateway, agents, ports.agent_settings),
        settings=ports.chat_settings,
        means=Means(vectors, judges, own_model=ports.llm_settings.provider == "extractive"),
        asks=interactions,
    )
    interactions.hears(chat.go_on)
    provide(app, Chat, chat)
    return [models, *([judges] if judges else []), invocations, chat]


def _health(ports: PlatformPorts) -> Health:
    return Health(
        required={"database": ports.database.ready},
        useful={"redis": cast(Any, ports.redis).ping, "index": lambda: ports.index.known(_NOBODYS)},
    )


_NOBODYS = UUID(int=0)
"""A document that does not exist: to ask the index about it is to see that it answers."""
_DESCRIPTION = """\
Every error is `application/problem+json` (RFC 9457) with `code`, `detail`, `hint` and `request_id`.
Lists page by `cursor`. Uploads and other writes accept `Idempotency-Key`.
Sign in with `Authorization: Bearer <API key or token>`.
"""
