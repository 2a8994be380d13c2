"""Builds the gateway from what it is given; nothing else wires."""

import asyncio
import time
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import structlog
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from access.grants import GrantStore
from access.jwks import TrustedKeys
from access.tokens import Minter, SigningKey
from kit.clock import Clock
from ports.http import Guard, OutboundSettings
from ports.redis import Redis
from ports.redis.rates import Limiter, Limits, open_limits
from tools.gateway.approvals import Approvals
from tools.gateway.approvals_kept import KeptApprovals
from tools.gateway.bus import Bus
from tools.gateway.call import Handler
from tools.gateway.callers import Callers
from tools.gateway.chain import Policies, build_chain
from tools.gateway.credentials import Credentials
from tools.gateway.internal import internal_routes
from tools.gateway.listing import Listing
from tools.gateway.pages import pages
from tools.gateway.pins import Pins
from tools.gateway.platform import PlatformLink
from tools.gateway.probing import Probing
from tools.gateway.protocol.asking import Asking, InFlight
from tools.gateway.protocol.door import Door
from tools.gateway.protocol.era import Methods
from tools.gateway.protocol.in_session import SessionEra
from tools.gateway.protocol.kept_streams import KeptStreams
from tools.gateway.protocol.notices import Notices
from tools.gateway.protocol.sessions import Sessions
from tools.gateway.protocol.shared import SharedThings
from tools.gateway.protocol.stateless import StatelessEra
from tools.gateway.protocol.task_methods import TaskMethods
from tools.gateway.protocol.tasks import Tasks
from tools.gateway.recording import own_record
from tools.gateway.registry import RegistryHolder
from tools.gateway.settings import GatewaySettings
from tools.gateway.shipping import Shipper
from tools.gateway.spool import Spool, SpoolUnavailable
from tools.gateway.states import States
from tools.gateway.strangers import Strangers
from tools.gateway.upstreams.commands import Commands
from tools.gateway.upstreams.connections import Connections
from tools.gateway.upstreams.openapi import Apis
from tools.gateway.upstreams.parking import Parking
from tools.gateway.upstreams.peers import Peers
from tools.gateway.upstreams.processes import Processes

ISSUER = "gateway"
_SERVER_PATH = "/servers/"
_DOOR_PATH = "/mcp"
_REGISTRY = "gateway-registry"
_LAST_SHIPMENT_S = 5.0
_log = structlog.get_logger()


def build_gateway(
    settings: GatewaySettings,
    *,
    platform: PlatformLink,
    signing_key: SigningKey,
    trusted: TrustedKeys,
    redis: Redis,
    spool_folder: Path,
    clock: Clock,
    apps: Mapping[str, ASGIApp] | None = None,
    redis_url: str | None = None,
    policies: Policies | None = None,
    outbound: OutboundSettings | None = None,
) -> "Gateway":
    """The gateway as an ASGI app. `apps`: tool servers in this process, for addresses `inproc:<name>`.

    `redis_url`: where calls are counted for all replicas; without it each counts for itself.
    `spool_folder` also holds the last good registry. One process per folder.
    """
    minter = Minter(signing_key, ISSUER, clock)
    guard = Guard(outbound or OutboundSettings())
    connections = Connections(apps or {}, settings.result_limit, settings.upstream_client, guard)
    holder = RegistryHolder(
        platform, spool_folder / "registry.json", settings.registry_poll_s, settings.registry_wait_s
    )
    spool = Spool(spool_folder, settings.spool_limit_bytes)

    async def announce(type: str, data: Mapping[str, Any]) -> None:
        spool.write(own_record(clock, type, data))

    bus = Bus(redis)
    parking = Parking(signing_key, bus, settings.input_wait_s)
    commands = Commands(settings.commands, Path(settings.commands_file) if settings.commands_file else None)
    processes = Processes(commands, settings.result_limit)
    apis = Apis(lambda: holder.current.everything, guard, settings.result_limit)
    peers = Peers(connections, processes, apis, redis, parking)
    credentials = Credentials(platform)
    listing = Listing(minter, credentials)
    pins = Pins(holder, peers, listing, announce, settings.definitions_check_s)
    callers = Callers(platform, trusted, cast(GrantStore, redis), clock, settings.key_cache_s)
    limits = open_limits(redis_url, clock, "gateway")
    states = States(signing_key, clock)
    kept = KeptApprovals(redis, settings.approvals_remembered_hours * 3600, clock)
    approvals = Approvals(
        states=states,
        platform=platform,
        kept=kept,
        limiter=limits.limiter,
        spool=spool,
        clock=clock,
        per_min=settings.approvals_per_min,
    )
    chain = build_chain(
        settings=settings,
        policies=policies or Policies(),
        approvals=approvals,
        states=states,
        spool=spool,
        clock=clock,
        callers=callers,
        holder=holder,
        pins=pins,
        limiter=limits.limiter,
        peers=peers,
        minter=minter,
        credentials=credentials,
    )
    door, notices = _door(
        settings=settings,
        signing_key=signing_key,
        redis=redis,
        clock=clock,
        bus=bus,
        chain=chain,
        callers=callers,
        limiter=limits.limiter,
        holder=holder,
        peers=peers,
        minter=minter,
        pins=pins,
        credentials=credentials,
    )
    shipper = Shipper(spool, platform, settings.spool_ship_s)
    return Gateway(
        settings=settings,
        door=door,
        holder=holder,
        pins=pins,
        spool=spool,
        shipper=shipper,
        peers=peers,
        bus=bus,
        limits=limits,
        notices=notices,
        signing_key=signing_key,
        internal=internal_routes(callers, Probing(peers, listing, guard, lambda: holder.current), kept),
    )


def _door(
    *,
    settings: GatewaySettings,
    signing_key: SigningKey,
    redis: Redis,
    clock: Clock,
    bus: Bus,
    chain: Handler,
    callers: Callers,
    limiter: Limiter,
    holder: RegistryHolder,
    peers: Peers,
    minter: Minter,
    pins: Pins,
    credentials: Credentials,
) -> tuple[Door, Notices]:
    """Both eras of MCP, before the chain."""
    shared = SharedThings(holder, peers, minter, pins, credentials)
    notices = Notices(holder, peers, minter, shared, settings.user_streams_at_once, credentials=credentials)
    tasks = Tasks(signing_key, peers, redis)
    methods = Methods(chain, callers, holder, pins, shared, tasks=tasks)
    of_tasks = TaskMethods(methods, tasks)
    sessions = Sessions(signing_key, redis, clock, settings.session_hours * 3600, bus)
    asking, in_flight = Asking(bus, settings.input_wait_s), InFlight(bus)
    streams = KeptStreams(
        redis,
        signing_key,
        bus,
        kept_s=settings.stream_kept_s,
        open_s=settings.input_wait_s + settings.stream_kept_s,
        most=settings.user_streams_at_once,
    )
    door = Door(
        settings,
        StatelessEra(methods, notices, of_tasks),
        SessionEra(methods, sessions, asking, in_flight, notices, streams, of_tasks),
        Strangers(callers, limiter, clock, settings.address_refusals_per_min),
    )
    return door, notices


class Gateway:
    """ASGI: MCP at /mcp and /servers/{name}/mcp, and the pages beside it.

    Runs its own background work between `start` and `stop`, which the ASGI lifespan calls; where it
    is mounted in another app, that app's lifespan calls them.
    """

    def __init__(
        self,
        *,
        settings: GatewaySettings,
        door: Door,
        holder: RegistryHolder,
        pins: Pins,
        spool: Spool,
        shipper: Shipper,
        peers: Peers,
        bus: Bus,
        limits: Limits,
        notices: Notices,
        signing_key: SigningKey,
        internal: Sequence[Route],
    ) -> None:
        self.holder = holder
        self.pins = pins
        self.shipper = shipper
        self._settings = settings
        self._door = door
        self._spool = spool
        self._peers = peers
        self._bus = bus
        self._limits = limits
        self._notices = notices
        self._pages = pages(settings, signing_key, self._missing, internal)
        self._tasks: list[asyncio.Task[None]] = []
        self._draining = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path: str = scope["path"]
            if path == _DOOR_PATH:
                return await self._door(scope, receive, send)
            if path.startswith(_SERVER_PATH) and path.endswith(_DOOR_PATH):
                name = path[len(_SERVER_PATH) : -len(_DOOR_PATH)]
                return await self._door(scope, receive, send, name)
            return await self._pages(scope, receive, send)
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        return None

    async def start(self) -> None:
        """Raises Unavailable where another gateway owns the spool's folder."""
        began = time.perf_counter()
        self._spool.open()
        await self._bus.start()
        await self._limits.start()
        await self.holder.start()
        self._tasks = [
            self._background(self.holder.run(), _REGISTRY),
            self._background(self.pins.run(), "gateway-definitions"),
            self._background(self.shipper.run(), "gateway-shipping"),
            self._background(self._sync(), "gateway-fsync"),
        ]
        _log.info("gateway.started", ms=round((time.perf_counter() - began) * 1000))

    async def stop(self) -> None:
        """Ships what is left, if the platform answers; the rest waits on disk for the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        try:
            await asyncio.wait_for(self.shipper.ship(), _LAST_SHIPMENT_S)
        except TimeoutError:
            _log.warning("gateway.spool_left_for_the_next_start")
        self._notices.close()
        await self._peers.close()
        await self._bus.stop()
        await self._limits.close()
        self._spool.close()

    def drain(self) -> None:
        """Not ready from now on, and nobody listens any more; calls are taken and finished all the same."""
        self._draining = True
        for task in self._tasks:
            if task.get_name() == _REGISTRY:
                # it waits at the platform, which would wait for it where both are one process
                task.cancel()
        self._notices.hang_up()

    def _missing(self) -> str | None:
        if self._draining:
            return "This gateway is being stopped."
        if not self.holder.loaded:
            return "No registry yet: neither the platform nor the disk has one."
        try:
            self._spool.check()
        except SpoolUnavailable as error:
            return error.detail
        return None

    def _background(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(_report)
        return task

    async def _sync(self) -> None:
        while True:
            await asyncio.sleep(self._settings.spool_fsync_s)
            await asyncio.to_thread(self._spool.sync)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self.start()
        except Exception as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            raise
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.stop()
        await send({"type": "lifespan.shutdown.complete"})


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("gateway.background_work_ended", task=task.get_name(), error=repr(error))
