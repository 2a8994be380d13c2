"""The gateway in front of full-featured servers of either era."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from access.principal import Principal
from kit.wire.mcp import definition_hash
from kit.wire.tools import RegisteredServer, RegisteredTool
from knowledge.index import Index
from tests.tools.everything import Era, Told, app_of, everything
from tests.tools.upstreams import lifespan
from tests.tools.world import MAYA, Gate, registry_of, running_gateway, served
from tools.gateway.settings import GatewaySettings

SETTINGS = GatewaySettings(registry_poll_s=3600, definitions_check_s=3600)


def registered(name: str, address: str, definitions: list[dict[str, Any]], **more: Any) -> RegisteredServer:
    tools = [
        RegisteredTool(
            name=definition["name"],
            definition=definition,
            definition_hash=definition_hash(definition),
            approved_by="test",
            category="test",
            risk="read",
            cost_tier="free",
            privacy_compatible=True,
        )
        for definition in definitions
    ]
    shares: Any = ["prompts", "resources"]
    return RegisteredServer(
        name=name, address=address, audience=f"server:{name}", tools=tools, **({"shares": shares} | more)
    )


def definitions() -> list[dict[str, Any]]:
    """Of all the tools of `everything`, as a server lists them."""
    listed = asyncio.run(everything().list_tools())
    return [tool.model_dump(by_alias=True, exclude_none=True, mode="json") for tool in listed]


DEFINITIONS = definitions()


@asynccontextmanager
async def behind_the_gateway(
    folder: Path, redis: Any, index: Index, era: Era, told: Told | None = None, **more: Any
) -> AsyncGenerator[tuple[Gate, str]]:
    """The gate, and where the server itself answers."""
    async with served(app_of(everything(told), era)) as url:
        registry = registry_of([registered("everything", f"{url}/mcp", DEFINITIONS)])
        async with running_gateway(
            folder, redis, index, registry=registry, settings=SETTINGS, **more
        ) as gate:
            yield gate, f"{url}/mcp"


def signed_in(gate: Gate, principal: Principal = MAYA, path: str = "/mcp") -> ASGIApp:
    """The gateway for clients that cannot sign in: every request comes from one person."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await lifespan(receive, send)
            return
        token = (b"authorization", f"Bearer {gate.token(principal)}".encode())
        target = path if scope["path"] == "/mcp" else scope["path"]
        await gate.gateway({**scope, "headers": [*scope["headers"], token], "path": target}, receive, send)

    return app
