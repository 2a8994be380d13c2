"""Two replicas of the gateway behind a proxy that hands each request to the next one.

In this process by default; as processes of their own where one of them is to be killed:
`python -m tests.tools.replicas CONFIG PORT`.
"""

import asyncio
import itertools
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.types import ASGIApp, Receive, Scope, Send

from access.jwks import TrustedKeys
from access.tokens import Minter, SigningKey
from kit.clock import SystemClock
from kit.wire.tools import Registry
from ports.http import OutboundSettings
from ports.redis import connect
from tests.clocks import MovedClock
from tests.tools.bridged import SETTINGS
from tests.tools.upstreams import lifespan
from tests.tools.world import Gate, HeldPlatform, served
from tools.gateway.app import Gateway, build_gateway
from tools.gateway.platform import PlatformLink


def replica(
    registry: Registry,
    folder: Path,
    redis: Any,
    own: SigningKey,
    platform: SigningKey,
    clock: Any,
    link: PlatformLink | None = None,
    apps: Mapping[str, ASGIApp] | None = None,
    outbound: OutboundSettings | None = None,
) -> Gateway:
    trusted = TrustedKeys()
    trusted.replace("platform", platform.jwks())
    trusted.replace("gateway", own.jwks())
    return build_gateway(
        SETTINGS,
        platform=link or HeldPlatform(registry),
        signing_key=own,
        trusted=trusted,
        redis=redis,
        spool_folder=folder,
        clock=clock,
        apps=apps,
        outbound=outbound,
    )


@dataclass
class RoundRobin:
    """Hands each request to the next of `targets`: ASGI apps, or addresses. Dead ones are passed over."""

    targets: list[Any]
    hits: list[int] = field(default_factory=list[int])

    def __post_init__(self) -> None:
        self._next = itertools.count()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await lifespan(receive, send)
            return
        number = next(self._next) % len(self.targets)
        self.hits.append(number)
        target = self.targets[number]
        if isinstance(target, str):
            await self._forward(number, scope, receive, send)
        else:
            await target(scope, receive, send)

    async def _forward(self, number: int, scope: Scope, receive: Receive, send: Send) -> None:
        body = (await receive()).get("body", b"")
        headers = [(name, value) for name, value in scope["headers"] if name != b"host"]
        for step in range(len(self.targets)):
            target = self.targets[(number + step) % len(self.targets)]
            try:
                async with (
                    httpx.AsyncClient(timeout=30, trust_env=False, verify=False) as client,
                    client.stream(
                        scope["method"], target + scope["path"], content=body, headers=headers
                    ) as response,
                ):
                    await _copied(response, send)
                    return
            except httpx.ConnectError:
                continue


async def _copied(response: httpx.Response, send: Send) -> None:
    kept = [(name, value) for name, value in response.headers.raw if name.lower() != b"transfer-encoding"]
    await send({"type": "http.response.start", "status": response.status_code, "headers": kept})
    async for part in response.aiter_raw():
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


@asynccontextmanager
async def two_replicas(
    registry: Registry, folder: Path, redis: Any, apps: Mapping[str, ASGIApp] | None = None
) -> AsyncGenerator[tuple[Gate, RoundRobin]]:
    """The gate's url is the proxy's; both speak to one platform."""
    held = HeldPlatform(registry)
    own, platform, clock = SigningKey.generate(), SigningKey.generate(), MovedClock()
    async with AsyncExitStack() as stack:
        gateways: list[ASGIApp] = []
        for number in range(2):
            place = folder / f"replica{number}"
            gateway = replica(registry, place, redis, own, platform, clock, held, apps)
            await gateway.start()
            stack.push_async_callback(gateway.stop)
            gateways.append(gateway)
        proxy = RoundRobin(gateways)
        url = await stack.enter_async_context(served(proxy))
        first: Any = gateways[0]
        yield Gate(first, held, clock, url, folder, own, Minter(platform, "platform", clock)), proxy


@dataclass
class Child:
    url: str
    process: asyncio.subprocess.Process

    async def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()


@asynccontextmanager
async def two_processes(
    registry: Registry, folder: Path, redis_url: str
) -> AsyncGenerator[tuple[Gate, list[Child]]]:
    own, platform, clock = SigningKey.generate(), SigningKey.generate(), MovedClock()
    children: list[Child] = []
    try:
        for name in ("replica0", "replica1"):
            child = await _child(registry, folder / name, redis_url, own, platform)
            children.append(child)
        async with served(RoundRobin([child.url for child in children])) as url:
            unused: Any = None
            minter = Minter(platform, "platform", clock)
            yield Gate(unused, HeldPlatform(registry), clock, url, folder, own, minter), children
    finally:
        for child in children:
            if child.process.returncode is None:
                await child.kill()


async def _child(
    registry: Registry, folder: Path, redis_url: str, own: SigningKey, platform: SigningKey
) -> Child:
    folder.mkdir()
    config = {
        "registry": registry.model_dump(mode="json"),
        "folder": str(folder / "spool"),
        "redis": redis_url,
        "own": own.private.private_bytes_raw().hex(),
        "platform": platform.private.private_bytes_raw().hex(),
    }
    path = folder / "config.json"
    path.write_text(json.dumps(config))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.tools.replicas",
        str(path),
        stdout=asyncio.subprocess.PIPE,
        env=os.environ,
    )
    assert process.stdout is not None
    async with asyncio.timeout(50):
        while line := await process.stdout.readline():
            if line.startswith(b"listening "):
                return Child(f"http://127.0.0.1:{int(line.split()[1])}", process)
    raise RuntimeError("the replica did not start")


def _key(text: str) -> SigningKey:
    return SigningKey.of(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(text)))


async def _run(config: dict[str, Any]) -> None:
    redis = connect(config["redis"], 5.0)
    registry = Registry.model_validate(config["registry"])
    keys = (_key(config["own"]), _key(config["platform"]))
    gateway = replica(registry, Path(config["folder"]), redis, *keys, SystemClock())
    server = uvicorn.Server(uvicorn.Config(gateway, host="127.0.0.1", port=0, log_level="warning"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    print("listening", server.servers[0].sockets[0].getsockname()[1], flush=True)
    await serving


if __name__ == "__main__":
    asyncio.run(_run(json.loads(Path(sys.argv[1]).read_text())))
