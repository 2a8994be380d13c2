"""A platform and a gateway as processes of their own, to be killed and started again with what they keep:
Postgres, Redis, the spool's folder and their keys. `python -m tests.tools.restarted CONFIG`.
"""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import httpx
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from access.jwks import TrustedKeys
from access.principal import Principal, permissions_of
from access.tokens import Minter, SigningKey
from kit.clock import SystemClock
from kit.wire.interactions import ConsumedOneShot, ConsumeOneShot, OpenedOneShot, OpenOneShot
from kit.wire.tools import Registry
from platform_api.app import build_app
from platform_api.identity.dev_people import DEV_PEOPLE, ORGANISATION_ID, ensure_dev_people
from ports.db import Database
from ports.redis import connect
from tests.clocks import MovedClock
from tests.platform_api.people import platform_ports
from tests.tools.replicas import RoundRobin, replica
from tests.tools.world import Gate, HeldPlatform, served
from tools.gateway.platform import HttpPlatform

Role = Literal["platform", "gateway"]
MAYA = Principal(
    ORGANISATION_ID,
    DEV_PEOPLE["maya"].id,
    name="maya",
    roles=frozenset({"User"}),
    permissions=permissions_of(["User"]),
)


class Mixed(HeldPlatform):
    """The registry as the test wrote it, approvals from the platform itself."""

    def approving(self, real: HttpPlatform) -> "Mixed":
        self._real = real
        return self

    async def open_one_shot(self, wanted: OpenOneShot) -> OpenedOneShot:
        return await self._real.open_one_shot(wanted)

    async def consume_one_shot(self, id: str, wanted: ConsumeOneShot) -> ConsumedOneShot:
        return await self._real.consume_one_shot(id, wanted)


@dataclass
class Deployment:
    """`gate.url` stays the same, whichever process answers behind it."""

    gate: Gate
    platform: str
    _config: dict[str, Any]
    _folder: Path
    _minter: Minter
    _running: dict[Role, asyncio.subprocess.Process] = field(
        default_factory=dict[Role, asyncio.subprocess.Process]
    )

    def token(self) -> str:
        """Maya's, good for longer than the processes take to start."""
        return self._minter.mint(MAYA, "gateway", lifetime_s=1800)

    async def start(self, *roles: Role) -> None:
        for role, process in zip(
            roles, await asyncio.gather(*(self._start(role) for role in roles)), strict=True
        ):
            self._running[role] = process

    async def kill(self, *roles: Role) -> None:
        for role in roles:
            process = self._running.pop(role)
            process.send_signal(signal.SIGKILL)
            await process.wait()

    async def restart(self, *roles: Role) -> None:
        await self.kill(*roles)
        await self.start(*roles)

    async def respond(self, id: str, action: str, who: str = "maya") -> httpx.Response:
        """Over REST, as any other channel would."""
        principal = Principal(ORGANISATION_ID, DEV_PEOPLE[who].id)
        token = self._minter.mint(principal, "platform", lifetime_s=600)
        async with httpx.AsyncClient(timeout=30, trust_env=False, verify=False) as client:
            return await client.post(
                f"{self.platform}/api/v1/interactions/{id}/respond",
                json={"action": action},
                headers={"Authorization": f"Bearer {token}"},
            )

    async def _start(self, role: Role) -> asyncio.subprocess.Process:
        path = self._folder / f"{role}.json"
        path.write_text(json.dumps(self._config | {"role": role}))
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.tools.restarted",
            str(path),
            stdout=asyncio.subprocess.PIPE,
            env=os.environ,
        )
        assert process.stdout is not None
        async with asyncio.timeout(100):
            while line := await process.stdout.readline():
                if line.startswith(b"listening"):
                    return process
        raise RuntimeError(f"the {role} did not start")


@asynccontextmanager
async def deployment(
    registry: Registry, folder: Path, database_url: str, redis_url: str
) -> AsyncGenerator[Deployment]:
    own, platform, clock = SigningKey.generate(), SigningKey.generate(), MovedClock()
    ports = _free_ports(2)
    config = {
        "registry": registry.model_dump(mode="json"),
        "folder": str(folder),
        "redis": redis_url,
        "database": database_url,
        "own": own.private.private_bytes_raw().hex(),
        "platform": platform.private.private_bytes_raw().hex(),
        "ports": {"platform": ports[0], "gateway": ports[1]},
    }
    minter = Minter(platform, "platform", clock)
    async with served(RoundRobin([f"http://127.0.0.1:{ports[1]}"])) as url:
        unused: Any = None
        gate = Gate(unused, HeldPlatform(registry), clock, url, folder, own, minter)
        made = Deployment(gate, f"http://127.0.0.1:{ports[0]}", config, folder, minter)
        try:
            await made.start("platform", "gateway")
            yield made
        finally:
            await made.kill(*made._running)  # pyright: ignore[reportPrivateUsage] # this is its maker


def _free_ports(count: int) -> Sequence[int]:
    """Kept over a restart: clients and the other process know the address."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _key(text: str) -> SigningKey:
    return SigningKey.of(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(text)))


async def _platform(config: dict[str, Any]) -> Any:
    database, redis = Database(config["database"], pool_size=5), connect(config["redis"], 5.0)
    key, trusted = _key(config["platform"]), TrustedKeys()
    trusted.replace("gateway", _key(config["own"]).jwks())
    nothing: Any = None
    ports = platform_ports(
        database,
        redis,
        Path(config["folder"]) / "platform",
        index=nothing,
        search=nothing,
        trusted=trusted,
        signing_key=key,
        minter=Minter(key, "platform", SystemClock()),
    )
    await ensure_dev_people(database)
    return build_app(ports)


async def _gateway(config: dict[str, Any], client: httpx.AsyncClient) -> Any:
    own, registry = _key(config["own"]), Registry.model_validate(config["registry"])
    url = f"http://127.0.0.1:{config['ports']['platform']}"
    real = HttpPlatform(url, client, Minter(own, "gateway", SystemClock()))
    return replica(
        registry,
        Path(config["folder"]) / "gateway",
        connect(config["redis"], 5.0),
        own,
        _key(config["platform"]),
        SystemClock(),
        Mixed(registry).approving(real),
    )


async def _run(config: dict[str, Any]) -> None:
    role: Role = config["role"]
    async with httpx.AsyncClient(timeout=20, trust_env=False, verify=False) as client:
        app = await (_platform(config) if role == "platform" else _gateway(config, client))
        port = config["ports"][role]
        server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning"))
        serving = asyncio.create_task(server.serve())
        while not server.started:
            if serving.done():
                serving.result()
                raise RuntimeError("the port is taken")
            await asyncio.sleep(0.01)
        print("listening", flush=True)
        await serving


if __name__ == "__main__":
    asyncio.run(_run(json.loads(Path(sys.argv[1]).read_text())))
