"""`switchboard gateway`: the MCP gateway, apart from the platform."""

import asyncio
from pathlib import Path

import httpx
import typer

from kit.clock import SystemClock
from launch import separate
from launch.shape import ShapeSettings
from ports.redis import RedisSettings, connect, refuse_cluster
from tools.gateway.app import Gateway, build_gateway
from tools.gateway.platform import HttpPlatform
from tools.gateway.settings import GatewaySettings

_PLATFORM_TIMEOUT_S = 30.0
# What a tool gets at most unless its definition says otherwise, and a little
_FINISH_S = 35


def command(app: typer.Typer) -> None:
    @app.command("gateway", help="Serve the MCP gateway (apart from the others).")
    def gateway(host: separate.Host = "127.0.0.1", port: separate.Port = 8001) -> None:
        separate.begin("gateway", run(host, port))


async def run(host: str, port: int) -> None:
    """Until a signal. Raises separate.Missing."""
    shape, clock = ShapeSettings(), SystemClock()
    keys = separate.keys(shape)
    platform_url = separate.needed(shape.platform_url, "SHAPE__PLATFORM_URL", "where the api answers")
    spool = separate.needed(shape.spool_folder, "SHAPE__SPOOL_FOLDER", "a folder of this replica's own")
    redis_url = separate.needed(RedisSettings().url, "REDIS__URL", "the address of Redis")
    await refuse_cluster(redis_url)
    redis, settings = connect(redis_url), GatewaySettings()
    try:
        async with httpx.AsyncClient(timeout=_PLATFORM_TIMEOUT_S) as client:
            gateway = build_gateway(
                settings,
                platform=HttpPlatform(platform_url, client, keys.gateway_minter(clock)),
                signing_key=keys.gateway,
                trusted=keys.trusted,
                redis=redis,
                redis_url=redis_url,
                spool_folder=Path(spool),
                clock=clock,
            )
            await _serve(gateway, host, port, settings.drain_s)
    finally:
        await redis.aclose()


async def _serve(gateway: Gateway, host: str, port: int, drain_s: float) -> None:
    """Until a signal; then it is not ready for `drain_s`, and calls under way are finished."""
    server = separate.OwnSignals(separate.http_config(gateway, finish_s=_FINISH_S, host=host, port=port))
    asked = separate.asked_to_stop()
    separate.settle_memory()
    serving, stopping = asyncio.create_task(server.serve()), asyncio.create_task(asked.wait())
    await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not serving.done():
        gateway.drain()
        await asyncio.wait((serving,), timeout=drain_s)
        server.should_exit = True
    await serving
