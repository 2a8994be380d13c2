"""What a tools/call costs in the gateway, against a policy-free relay in the same run (SPEC 14).

`python -m tests.bench.gateway_bench [--calls 2000] [--rounds 3]` prints CPU per call of the gateway's
process and of the relay's, at 1, 16 and 64 calls at once, and their ratio. Upstream is a bare ASGI
echo in a third process; every process is one uvicorn worker with uvloop and httptools.
"""

import argparse
import asyncio
import json
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
import psutil
import uvicorn
import uvloop
from starlette.types import Receive, Scope, Send

from access.jwks import TrustedKeys
from access.tokens import Minter, SigningKey
from kit.clock import SystemClock
from kit.wire import mcp
from kit.wire.internal import AuditAccepted
from tests.tools.upstreams import Echo, server, tool
from tests.tools.world import MAYA, HeldPlatform, registry_of
from tools.gateway.app import build_gateway
from tools.gateway.settings import GatewaySettings

CLIENT = {"name": "bench", "version": "1"}
TEXT = "t" * 20
PORT = "port:"


class Forgetful(Echo):
    """An echo that keeps nothing, so that its memory stays flat."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await super().__call__(scope, receive, send)
        self.received.clear()


class Relay:
    """No policy at all: the body goes on, the answer comes back."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._session: aiohttp.ClientSession | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._session is None:
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        body = (await receive())["body"]
        headers = {name.decode(): value.decode() for name, value in scope["headers"] if name != b"host"}
        async with self._session.post(self._upstream, data=body, headers=headers) as response:
            answer = await response.read()
        kind = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": response.status, "headers": kind})
        await send({"type": "http.response.body", "body": answer})


class Forgetting(HeldPlatform):
    """Takes records without keeping them: what the platform does with them is not the gateway's cost."""

    async def events(self, records: Sequence[bytes]) -> AuditAccepted:
        return AuditAccepted(accepted=len(records), repeated=0)


class NoGrants:
    """The caller's keys travel inline here."""

    async def get(self, name: str) -> bytes | None:
        return None

    async def set(self, name: str, value: str, *, ex: int) -> object:
        return None


def gateway(upstream: str, folder: Path) -> Any:
    platform_key, own = SigningKey.generate(), SigningKey.generate()
    trusted = TrustedKeys()
    trusted.replace("platform", platform_key.jwks())
    registry = registry_of([server(tool("echo.say"), address=upstream)])
    app = build_gateway(
        GatewaySettings(),
        platform=Forgetting(registry),
        signing_key=own,
        trusted=trusted,
        redis=NoGrants(),
        spool_folder=folder,
        clock=SystemClock(),
    )
    return Minting(app, Minter(platform_key, "platform", SystemClock()))


class Minting:
    """The gateway, and a page where the bench gets its tokens from."""

    def __init__(self, app: Any, minter: Minter) -> None:
        self._app = app
        self._minter = minter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != "/token":
            await self._app(scope, receive, send)
            return
        token = self._minter.mint(MAYA, "gateway").encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": token})


def serve(role: str, upstream: str, folder: str) -> None:
    app = {
        "echo": Forgetful,
        "relay": lambda: Relay(upstream),
        "gateway": lambda: gateway(upstream, Path(folder)),
    }[role]()
    lifespan = "off" if role == "relay" else "on"
    listening = socket.create_server(("127.0.0.1", 0))
    sys.stdout.write(f"{PORT}{listening.getsockname()[1]}\n")
    sys.stdout.flush()
    config = uvicorn.Config(app, log_level="error", lifespan=lifespan, loop="uvloop", http="httptools")
    uvloop.run(uvicorn.Server(config).serve(sockets=[listening]))


@contextmanager
def process(role: str, upstream: str, folder: str) -> Iterator[tuple[psutil.Process, str]]:
    command = [sys.executable, "-m", "tests.bench.gateway_bench", "--serve", role]
    command += ["--upstream", upstream, "--folder", folder]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        port = next(line for line in child.stdout if line.startswith(PORT)).removeprefix(PORT).strip()
        try:
            yield psutil.Process(child.pid), f"http://127.0.0.1:{port}/mcp"
        finally:
            child.terminate()


async def load(url: str, headers: dict[str, str], calls: int, at_once: int) -> int:
    """How many of the calls went wrong."""
    params = mcp.stateless_params({"name": "echo.say", "arguments": {"text": TEXT}}, CLIENT)
    body = mcp.request("tools/call", params)
    wrong = 0

    async def caller(session: aiohttp.ClientSession) -> None:
        nonlocal wrong
        for _ in range(calls // at_once):
            async with session.post(url, data=body, headers=headers) as response:
                wrong += b'"text":"t' not in (await response.read()).replace(b" ", b"")

    connector = aiohttp.TCPConnector(limit=at_once)
    async with aiohttp.ClientSession(connector=connector) as session, asyncio.TaskGroup() as tasks:
        for _ in range(at_once):
            tasks.create_task(caller(session))
    return wrong


async def credential(url: str) -> dict[str, str]:
    headers = mcp.stateless_headers("tools/call", "echo.say")
    async with aiohttp.ClientSession() as session, session.get(url.replace("/mcp", "/token")) as response:
        return headers | {"authorization": f"Bearer {await response.text()}"}


def measured(
    who: psutil.Process, url: str, gateway_url: str, calls: int, at_once: int
) -> tuple[float, float]:
    """CPU and wall time per call, in microseconds."""

    async def run() -> int:
        return await load(url, await credential(gateway_url), calls, at_once)

    before, began = who.cpu_times(), time.perf_counter()
    wrong = asyncio.run(run())
    took, after = time.perf_counter() - began, who.cpu_times()
    if wrong:
        raise SystemExit(f"{wrong} of {calls} calls went wrong")
    cpu = after.user + after.system - before.user - before.system
    return cpu / calls * 1e6, took / calls * 1e6


def main(calls: int, rounds: int) -> None:
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory())
        _, echo = stack.enter_context(process("echo", "", folder))
        relay, relay_url = stack.enter_context(process("relay", echo, folder))
        gate, gate_url = stack.enter_context(process("gateway", echo, folder))
        report = {}
        for at_once in (1, 16, 64):
            measured(gate, gate_url, gate_url, 200, at_once)
            measured(relay, relay_url, gate_url, 200, at_once)
            # interleaved, so that a noisy machine is noisy for both
            pairs = [
                (
                    measured(gate, gate_url, gate_url, calls, at_once),
                    measured(relay, relay_url, gate_url, calls, at_once),
                )
                for _ in range(rounds)
            ]
            ours, theirs = (statistics.median(pair[side][0] for pair in pairs) for side in (0, 1))
            report[at_once] = {"gateway_us": ours, "relay_us": theirs, "ratio": ours / theirs}
            print(
                f"{at_once:3} at once: gateway {ours:6.0f} µs, relay {theirs:6.0f} µs, {ours / theirs:.2f}×"
            )
        print(json.dumps(report))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--serve")
    parser.add_argument("--upstream", default="")
    parser.add_argument("--folder", default="")
    given = parser.parse_args()
    if given.serve:
        serve(given.serve, given.upstream, given.folder)
    else:
        main(given.calls, given.rounds)
