"""What the processes have in common when they run apart: addresses from the settings, one HTTP server."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any

import typer
import uvicorn
from starlette.types import ASGIApp

from kit import logs, telemetry
from knowledge.index.settings import QdrantSettings
from launch.http_head import BoundedHead
from launch.parts import MODELS_UNAVAILABLE, Keys, Knowledge, Stores, open_stores, remote_knowledge
from launch.shape import ShapeSettings
from ports.db import DatabaseSettings
from ports.redis import RedisIsACluster, RedisSettings, refuse_cluster

# Objects made before the collector looks for cycles: 700 by default, a few calls' worth.
_YOUNG = 20_000
Port = Annotated[int, typer.Option(help="The port to serve on.")]
Host = Annotated[str, typer.Option(help="The address to serve on.")]


class Missing(Exception):
    """A setting without which this process cannot run apart."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"SWITCHBOARD_{name} is not set: {why}")


class Refused(Exception):
    """What was set is not taken: a sentence, and the next step."""


def needed(value: str, name: str, why: str) -> str:
    """Raises Missing where the value is empty."""
    if not value:
        raise Missing(name, why)
    return value


def begin(process: str, work: Coroutine[Any, Any, None]) -> None:
    """Run one process to its end; a missing setting or model becomes a sentence and exit status 2."""
    os.umask(0o077)  # spool and originals are for our own user only
    logs.configure(logs.LogSettings(), process)
    telemetry.configure(telemetry.TelemetrySettings(), process)
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(work)
    except (Missing, Refused, RedisIsACluster, *MODELS_UNAVAILABLE) as refusal:
        print(refusal, file=sys.stderr)
        if isinstance(refusal, Missing) and not process.startswith("bot"):
            print("Or run everything in one: switchboard up", file=sys.stderr)
        raise typer.Exit(2) from None


def keys(shape: ShapeSettings) -> Keys:
    folder = needed(shape.keys_folder, "SHAPE__KEYS_FOLDER", "the folder with the signing keys")
    return Keys.of(Path(folder))


@asynccontextmanager
async def stores() -> AsyncGenerator[Stores]:
    database_url = needed(DatabaseSettings().url, "DB__URL", "the address of Postgres")
    redis_url = needed(RedisSettings().url, "REDIS__URL", "the address of Redis")
    await refuse_cluster(redis_url)
    opened = open_stores(database_url, redis_url)
    try:
        yield opened
    finally:
        await opened.close()


@asynccontextmanager
async def knowledge(shape: ShapeSettings, *, searched: bool = True) -> AsyncGenerator[Knowledge]:
    """A Qdrant server, or the process that owns the embedded index: never a second owner.

    searched: False for a process that only writes (see find_with).
    """
    qdrant = QdrantSettings()
    if not qdrant.url and not shape.index_socket:
        raise Missing(
            "QDRANT__URL",
            "processes that run apart cannot share the embedded index. Set the address of a Qdrant server,\n"
            "or start `switchboard index` and set SWITCHBOARD_SHAPE__INDEX_SOCKET.",
        )
    async with remote_knowledge(qdrant, shape.index_socket, searched=searched) as found:
        yield found


async def serve(app: ASGIApp, host: str, port: int) -> None:
    """Until SIGTERM or SIGINT; requests under way are finished."""
    await uvicorn.Server(http_config(app, finish_s=20, host=host, port=port)).serve()


def http_config(app: ASGIApp, *, finish_s: int, host: str = "127.0.0.1", port: int = 8000) -> uvicorn.Config:
    """How each of our processes serves HTTP; `finish_s` is what requests under way get at the end."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=BoundedHead,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=finish_s,
    )


class OwnSignals(uvicorn.Server):
    """Leaves the signals to us: its own way ends the process before others are stopped."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


def asked_to_stop() -> asyncio.Event:
    asked = asyncio.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signum, asked.set)
    return asked


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    with suppress(ImportError):  # no wheel on some platforms
        import uvloop

        return uvloop.new_event_loop
    return None


def settle_memory() -> None:
    """After the start: what is there stays, so the collector need not look at it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 20, 50)
