"""`switchboard gateway`: the MCP gateway, apart from the platform."""

from pathlib import Path

import httpx
import typer

from kit.clock import SystemClock
from launch import separate
from launch.shape import ShapeSettings
from ports.redis import RedisSettings, connect
from tools.gateway.app import build_gateway
from tools.gateway.platform import HttpPlatform
from tools.gateway.settings import GatewaySettings

_PLATFORM_TIMEOUT_S = 30.0


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
    redis = connect(redis_url)
    try:
        async with httpx.AsyncClient(timeout=_PLATFORM_TIMEOUT_S) as client:
            gateway = build_gateway(
                GatewaySettings(),
                platform=HttpPlatform(platform_url, client, keys.gateway_minter(clock)),
                signing_key=keys.gateway,
                trusted=keys.trusted,
                redis=redis,
                redis_url=redis_url,
                spool_folder=Path(spool),
                clock=clock,
            )
            await separate.serve(gateway, host, port)
    finally:
        await redis.aclose()
