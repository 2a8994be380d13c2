"""The processes that the gateway's bench starts, and how one is asked."""

import os
import sys
from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE, Popen

from kit.wire import mcp
from tests.bench.gateway_roles import LIMIT, PORT, TOKEN_PATH
from tests.tools.conformance import TOOLS
from tools.gateway.upstreams.http1 import Http1Client
from tools.gateway.upstreams.port import UpstreamAnswer

FASTMCP = TOOLS / "fastmcp"
CLIENT = {"name": "bench", "version": "1"}
CALL = {"name": "echo.say", "arguments": {"text": "t" * 20}}


@dataclass(frozen=True)
class Child:
    """A process in the middle, or at the end."""

    pid: int
    url: str

    def cpu_s(self) -> float:
        """Of all its threads, in nanoseconds from the scheduler: psutil counts in hundredths."""
        total = 0
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
        return total / 1e9


def child(role: str, *more: str) -> AbstractContextManager[Child]:
    return _started("tests.bench.gateway_roles", role, *more)


def fastmcp(upstream: str) -> AbstractContextManager[Child]:
    """Its proxy, from the folder of foreign tools."""
    paths = [str(FASTMCP), os.getcwd()]
    return _started("tests.bench.gateway_fastmcp", f"{upstream}/mcp", PYTHONPATH=os.pathsep.join(paths))


@contextmanager
def _started(module: str, *arguments: str, **more: str) -> Generator[Child]:
    command = [sys.executable, "-m", module, *arguments]
    with Popen(command, stdout=PIPE, text=True, env={**os.environ, **more}) as process:
        assert process.stdout
        try:
            port = next(line for line in process.stdout if line.startswith(PORT)).removeprefix(PORT).strip()
            yield Child(process.pid, f"http://127.0.0.1:{port}")
        finally:
            process.terminate()


@contextmanager
def abusers(url: str) -> Generator[Popen[str]]:
    """Who calls broken servers through the gateway there, as they are told (tests.bench.gateway_abuse)."""
    command = [sys.executable, "-m", "tests.bench.gateway_abuse", url]
    with Popen(command, stdin=PIPE, stdout=PIPE, text=True, env=os.environ) as process:
        try:
            yield process
        finally:
            process.terminate()


async def asked(child: Child, body: bytes, headers: Mapping[str, str], path: str = "/mcp") -> UpstreamAnswer:
    client = Http1Client(child.url + path, LIMIT)
    try:
        return await client.call(body, headers)
    finally:
        await client.close()


async def credential(gateway: Child) -> dict[str, str]:
    token = (await asked(gateway, b"", {}, TOKEN_PATH)).body.decode()
    return {"authorization": f"Bearer {token}"}


def stateless(
    method: str, params: Mapping[str, object], name: str | None = None
) -> tuple[dict[str, str], bytes]:
    whole = mcp.stateless_params(dict(params), CLIENT)
    return mcp.stateless_headers(method, name), mcp.request(method, whole)
