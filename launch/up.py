"""`switchboard up`: everything in one process and its engines, on one port, with data in one folder (SPEC 2).

The parts speak the same protocols as when they run apart: the agent calls tools over MCP through the
gateway, the gateway asks the platform over HTTP, people and bots use the API.
"""

import asyncio
import os
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, cast

import httpx
import structlog
import typer
import uvicorn
from switchboard_sdk import ApiError

from access.grants import GrantStore
from kit import logs, telemetry
from launch import contact
from launch.engines import EngineError, RunningEngine, start_postgres, start_valkey
from launch.front_door import FrontDoor
from launch.kept_worker import KeptWorker
from launch.migrate import upgrade
from launch.parts import MODELS_UNAVAILABLE, Keys, embedded_knowledge, open_stores
from launch.platform import platform_ports
from launch.separate import (
    Missing,
    OwnSignals,
    Refused,
    asked_to_stop,
    http_config,
    loop_factory,
    settle_memory,
)
from launch.shape import DEFAULT_DATA, DEFAULT_PORT
from launch.vault import load as load_vault
from launch.welcome import HOSTS, welcome
from platform_api.app import PlatformPorts, build_app
from platform_api.identity.dev_people import ensure_dev_people
from platform_api.worker import build_worker
from ports.db import DatabaseSettings
from ports.redis import CacheDoor, RedisSettings
from tools.gateway.app import Gateway, build_gateway
from tools.gateway.platform import HttpPlatform
from tools.gateway.settings import GatewaySettings
from tools.gateway.upstreams.commands import FILE as COMMANDS_FILE
from tools.servers.contact.building import Contact
from tools.servers.contact.settings import ContactSettings
from tools.servers.docs.server import build_docs_server

_log = structlog.get_logger()
_PLATFORM_TIMEOUT_S = 30.0
_LAST_SHIPMENT_S = 2.0


def command(app: typer.Typer) -> None:
    @app.command("up", help="Start everything here: one port, one folder, no account.")
    def up(
        data: Annotated[Path, typer.Option(help="The folder for all data.")] = DEFAULT_DATA,
        port: Annotated[
            int, typer.Option(min=1, max=65535, help="Served on http://localhost:PORT.")
        ] = DEFAULT_PORT,
        sample: Annotated[
            bool, typer.Option(help="Load the sample handbook; its hosts take bookings.")
        ] = True,
    ) -> None:
        raise typer.Exit(run(data.absolute(), port, sample))


@dataclass(frozen=True, slots=True)
class Engines:
    """Where the stores are: addresses from the settings, or engines that we started."""

    database_url: str
    redis_url: str
    started: tuple[RunningEngine, ...]

    def stop(self) -> None:
        for engine in self.started:
            engine.stop()


def run(data: Path, port: int, sample: bool) -> int:
    """Blocks until stopped; the exit status is for the shell."""
    # Whatever is written here, by us or by a library, is for our own user only.
    os.umask(0o077)
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    logs.configure(logs.LogSettings(), "up", data / "up.log")
    telemetry.configure(telemetry.TelemetrySettings(), "up")
    try:
        listener = reserve(port)
    except OSError:
        print(f"Port {port} is taken. Choose another: make up PORT={port + 1}", file=sys.stderr)
        return 1
    print("Starting… (Ctrl-C stops it)", flush=True)
    with listener:
        try:
            engines = start_engines(data)
        except EngineError as error:
            print(error, file=sys.stderr)
            return 1
        try:
            # Before the loop: Alembic makes a loop of its own.
            upgrade(engines.database_url)
            return _serve(engines, data, listener, sample)
        except (Missing, Refused, *MODELS_UNAVAILABLE) as error:
            print(error, file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            # Before the server was there to take the signal.
            return 0
        finally:
            engines.stop()
            print("Stopped.", flush=True)


def reserve(port: int) -> socket.socket:
    """The port, held before anything else is started. Raises OSError where it is taken."""
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
    except OSError:
        listener.close()
        raise
    return listener


def start_engines(data: Path) -> Engines:
    """Postgres and Valkey, at the same time, each only where no address is set. Raises EngineError."""
    database_url, redis_url = DatabaseSettings().url, RedisSettings().url
    with ThreadPoolExecutor(2) as pool:
        postgres = None if database_url else pool.submit(start_postgres, data)
        valkey = None if redis_url else pool.submit(start_valkey, data)
    started = tuple(each.result() for each in (postgres, valkey) if each)
    return Engines(
        database_url or (postgres.result().url if postgres else ""),
        redis_url or (valkey.result().url if valkey else ""),
        started,
    )


def _serve(engines: Engines, data: Path, listener: socket.socket, sample: bool) -> int:
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(_main(engines, data, listener, sample))


async def _main(engines: Engines, data: Path, listener: socket.socket, sample: bool) -> int:
    port = listener.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    async with AsyncExitStack() as stack:
        knowledge = await stack.enter_async_context(
            embedded_knowledge(data / "index", f"http://localhost:{port}")
        )
        stores = open_stores(engines.database_url, engines.redis_url)
        stack.push_async_callback(stores.close)
        keys = Keys.of(data / "keys")
        ports = platform_ports(
            stores,
            knowledge,
            keys,
            blobs=data / "blobs",
            gateway_url=url,
            addresses={"docs": "inproc:docs", "contact": "inproc:contact"},
            vault=load_vault(data / "keys"),
            all_in_one=True,
        )
        stack.push_async_callback(ports.preparer.close)
        client = await stack.enter_async_context(httpx.AsyncClient(timeout=_PLATFORM_TIMEOUT_S))
        platform = HttpPlatform(url, client, keys.gateway_minter(ports.clock))
        reports = contact.reports_to(url, client, keys, ports.clock)
        meetings = await stack.enter_async_context(
            contact.composed(
                keys,
                stores.database,
                stores.redis,
                reports,
                ports.clock,
                data=data,
                sample_hosts=HOSTS if sample else None,
            )
        )
        gateway = _gateway(ports, keys, data, platform, engines.redis_url, meetings)
        await ensure_dev_people(stores.database)
        return await _run(ports, gateway, meetings, data, listener, sample)


def _gateway(  # noqa: PLR0917  what it is made of
    ports: PlatformPorts,
    keys: Keys,
    data: Path,
    platform: HttpPlatform,
    redis_url: str,
    meetings: Contact,
) -> Gateway:
    redis = cast(GrantStore, ports.redis)
    door = CacheDoor(ports.redis)
    docs = build_docs_server(ports.search, ports.index, keys.trusted, redis, ports.clock, door=door)
    settings = GatewaySettings()
    if not settings.commands_file:
        settings = settings.model_copy(update={"commands_file": str(data / COMMANDS_FILE)})
    return build_gateway(
        settings,
        platform=platform,
        signing_key=keys.gateway,
        trusted=keys.trusted,
        redis=ports.redis,
        redis_url=redis_url,
        spool_folder=data / "gateway",
        clock=ports.clock,
        apps={"docs": docs, "contact": contact.served(meetings, keys, ports.redis)},
    )


async def _run(  # noqa: PLR0917  what runs
    ports: PlatformPorts,
    gateway: Gateway,
    meetings: Contact,
    data: Path,
    listener: socket.socket,
    sample: bool,
) -> int:
    """Serve until a signal. The gateway starts when the port answers: it asks the platform over it."""
    door = FrontDoor(build_app(ports), gateway)
    server = OwnSignals(http_config(door, finish_s=10))
    stopping = asyncio.create_task(asked_to_stop().wait())
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    if not await _listening(server, serving):
        print(f"The start failed. Read {data / 'up.log'}.", file=sys.stderr)
        return 1
    worker, finisher = KeptWorker(lambda: build_worker(ports)), KeptWorker(meetings.worker)
    working = asyncio.create_task(_both(worker, finisher))
    await gateway.start()
    door.open()
    settle_memory()
    welcoming = asyncio.create_task(_welcome(f"http://localhost:{listener.getsockname()[1]}", data, sample))
    try:
        await asyncio.wait((stopping, serving, working), return_when=asyncio.FIRST_COMPLETED)
        asked, ended = stopping.done(), "worker" if working.done() else "server"
    finally:
        gateway.drain()
        stopping.cancel()
        welcoming.cancel()
        # While the platform still answers; what is left waits on disk.
        with suppress(TimeoutError):
            await asyncio.wait_for(gateway.shipper.ship(), _LAST_SHIPMENT_S)
        server.should_exit = True
        await asyncio.gather(worker.stop(), finisher.stop())
        await asyncio.gather(serving, working, welcoming, return_exceptions=True)
        await gateway.stop()
    if asked:
        return 0
    print(f"The {ended} ended by itself, so the rest was stopped. Read {data / 'up.log'}.", file=sys.stderr)
    return 1


async def _both(worker: KeptWorker, finisher: KeptWorker) -> None:
    """Ends, as one that cannot be kept running does, with the first of the two. Raises WorkerGone."""
    async with asyncio.TaskGroup() as group:
        group.create_task(worker.run())
        group.create_task(finisher.run())


async def _listening(server: uvicorn.Server, serving: "asyncio.Task[None]") -> bool:
    while not server.started:
        if serving.done():
            return False
        await asyncio.sleep(0.01)
    return True


async def _welcome(url: str, data: Path, sample: bool) -> None:
    try:
        await welcome(url, data, sample=sample, sample_hosts=sample and not ContactSettings().hosts)
    except ApiError as error:
        _log.warning("launch.welcome_failed", detail=error.problem.detail, hint=error.problem.hint)
