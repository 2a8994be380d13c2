"""The processes apart: each may be killed at any moment, and is started again as an orchestrator would."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx

from launch.child import free_port
from launch.engines import RunningEngine, start_postgres, start_valkey
from launch.migrate import upgrade

ENGINES = ("postgres", "valkey")
PROCESSES = ("index", "api", "worker")
_LOOK_EVERY_S = 0.1
_READY_WITHIN_S = 120.0
_START = {"postgres": start_postgres, "valkey": start_valkey}


class Fleet:
    """Postgres, Valkey, index, api and worker over one data folder, until `close`."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._engines: dict[str, RunningEngine] = {}
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._port = free_port()
        self._keeper: asyncio.Task[None] | None = None
        self.socket = data / "index.sock"
        self.blobs = data / "blobs"
        self.url = f"http://127.0.0.1:{self._port}"

    @property
    def database_url(self) -> str:
        return self._engines["postgres"].url

    async def start(self) -> None:
        for name in ENGINES:
            self._engines[name] = await asyncio.to_thread(_START[name], self._data)
        await asyncio.to_thread(upgrade, self.database_url)
        for name in PROCESSES:
            await self._spawn(name)
        self._keeper = asyncio.create_task(self._keep())
        await self.ready()

    async def kill(self, name: str) -> None:
        """SIGKILL; whoever looks after it starts it again."""
        if name in self._engines:
            with suppress(ProcessLookupError):
                os.kill(self._engines[name].pid, signal.SIGKILL)
            return
        process = self._processes[name]
        if process.returncode is None:
            process.kill()
            await process.wait()
        await self._spawn(name)

    async def ready(self) -> None:
        """Until api, Postgres, Valkey and the index all answer."""
        async with asyncio.timeout(_READY_WITHIN_S), httpx.AsyncClient(timeout=2, trust_env=False) as client:
            while not await self._is_ready(client):
                await asyncio.sleep(_LOOK_EVERY_S)

    async def close(self) -> None:
        if self._keeper:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        for process in self._processes.values():
            if process.returncode is None:
                process.terminate()
        for process in self._processes.values():
            try:
                await asyncio.wait_for(process.wait(), 30)
            except TimeoutError:
                process.kill()
                await process.wait()
        for engine in self._engines.values():
            await asyncio.to_thread(engine.stop)

    async def _is_ready(self, client: httpx.AsyncClient) -> bool:
        with suppress(httpx.HTTPError, ValueError):
            answer = await client.get(f"{self.url}/health/ready")
            return answer.status_code == 200 and answer.json().get("status") == "ready"
        return False

    async def _keep(self) -> None:
        """What ended by itself, since something that it needs was away, comes again."""
        while True:
            await asyncio.sleep(1.0)
            for name, process in list(self._processes.items()):
                if process.returncode is not None:
                    await self._spawn(name)
            for name, engine in list(self._engines.items()):
                if not engine.running:
                    await asyncio.to_thread(engine.stop)  # closes what is left of it
                    self._engines[name] = await asyncio.to_thread(_START[name], self._data)

    async def _spawn(self, name: str) -> None:
        commands = {
            "index": ("index", "--folder", str(self._data / "index"), "--socket", str(self.socket)),
            "api": ("api", "--port", str(self._port)),
            "worker": ("worker",),
        }
        with (self._data / f"{name}.log").open("ab") as log:
            self._processes[name] = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "launch", *commands[name]),
                env={**os.environ, **self._settings()},
                stdout=log,
                stderr=log,
            )

    def _settings(self) -> dict[str, str]:
        shape = {
            "PLATFORM_URL": self.url,
            "GATEWAY_URL": "http://127.0.0.1:9",  # nobody asks a question here
            "DOCS_URL": "http://127.0.0.1:9/mcp",
            "KEYS_FOLDER": str(self._data / "keys"),
            "BLOBS_FOLDER": str(self.blobs),
            "SPOOL_FOLDER": str(self._data / "spool"),
            "INDEX_SOCKET": str(self.socket),
        }
        return {f"SWITCHBOARD_SHAPE__{name}": value for name, value in shape.items()} | {
            "SWITCHBOARD_DB__URL": self._engines["postgres"].url,
            "SWITCHBOARD_REDIS__URL": self._engines["valkey"].url,
        }


@asynccontextmanager
async def fleet(data: Path) -> AsyncGenerator[Fleet]:
    data.mkdir(mode=0o711, parents=True, exist_ok=True)
    running = Fleet(data)
    try:
        await running.start()
        yield running
    finally:
        await running.close()
