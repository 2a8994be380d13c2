"""The all-in-one as a child process, for commands that need a platform for a while: demo, eval, bench."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

READY_WITHIN_S = 60.0
STOP_WITHIN_S = 15.0


@dataclass(frozen=True, slots=True)
class Running:
    """`ready_s`: seconds from the start of the process to its first ready answer."""

    base_url: str
    pid: int
    data: Path
    ready_s: float


@asynccontextmanager
async def running(data: Path, port: int | None = None, *, sample: bool = False) -> AsyncGenerator[Running]:
    """Start `switchboard up` on `data`, yield when it is ready, stop it at the end.

    `port` None takes a free one; `sample` loads the sample handbook. Raises RuntimeError with the end
    of the log where it does not come up.
    """
    chosen = port or free_port()
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    log = data / "console.log"
    started = asyncio.get_running_loop().time()
    log.touch(mode=0o600)  # what is printed there includes API keys
    with log.open("ab") as out:
        process = await asyncio.create_subprocess_exec(
            *_command(data, chosen, sample), stdout=out, stderr=out, start_new_session=True
        )
    try:
        url = f"http://127.0.0.1:{chosen}"
        await _wait_until_ready(url, process, log)
        yield Running(url, process.pid, data, asyncio.get_running_loop().time() - started)
    finally:
        await _stop(process)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _command(data: Path, port: int, sample: bool) -> list[str]:
    handbook = "--sample" if sample else "--no-sample"
    return [sys.executable, "-m", "launch", "up", "--data", str(data), "--port", str(port), handbook]


async def _wait_until_ready(url: str, process: asyncio.subprocess.Process, log: Path) -> None:
    async with httpx.AsyncClient(timeout=2) as client:
        try:
            async with asyncio.timeout(READY_WITHIN_S):
                while not await _is_ready(client, url):
                    if process.returncode is not None:
                        raise RuntimeError(f"The platform stopped while starting.\n{_tail(log)}")
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise RuntimeError(
                f"The platform was not ready in {READY_WITHIN_S:.0f} s.\n{_tail(log)}"
            ) from None


async def _is_ready(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(f"{url}/health/ready")).status_code == 200
    except httpx.HTTPError:
        return False


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), STOP_WITHIN_S)
    except TimeoutError:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:])
