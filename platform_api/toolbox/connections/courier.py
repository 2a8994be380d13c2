"""A small process that carries refresh tokens, so that a crash of the api loses no answer.

Between an authorization server's answer and our commit the new refresh token is nowhere but in memory. The
api runs a lot that can end it (load, tools' answers, deployments); this process does nothing else, is in a
session of its own, and finishes what it has begun when the api that started it is gone.

Spoken over its stdin and stdout, one JSON object a line: first the settings, then requests {id, refresh},
answered by {id, outcome, code}. Secrets go through the pipe: never in arguments, environment or files.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Protocol
from uuid import UUID

import msgspec
from pydantic import SecretStr

from kit import logs
from kit.clock import Clock, SystemClock
from kit.errors import SwitchboardError, Unavailable
from kit.sealing import KeyRing
from platform_api.toolbox.connections.grants import Client, TokenRequest
from platform_api.toolbox.connections.refreshing import Done, Refresh, carry_out
from platform_api.toolbox.connections.vault import Owner
from ports.db import Database
from ports.http import Fetcher, Guard, OutboundSettings

_AGENT = "Switchboard (+https://switchboard.dev)"
_LINE = 256 * 1024
_IDLE_S = 120.0
_GRACE_S = 20.0
_UNAVAILABLE = "unavailable"


class Carrier(Protocol):
    async def carry(self, refresh: Refresh) -> Done:
        """Raises Unavailable where nothing was sent."""
        ...

    async def stop(self) -> None: ...


class NoCarrier:
    """Where no credentials are kept."""

    async def carry(self, refresh: Refresh) -> Done:
        raise Unavailable("This deployment keeps no credentials.")

    async def stop(self) -> None:
        return None


class InProcess:
    """In the caller's own process: for tests, and for one process that nobody kills."""

    def __init__(self, database: Database, ring: KeyRing, fetcher: Fetcher, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._ring = ring
        self._fetcher = fetcher
        self._running: set[asyncio.Task[Done]] = set()

    async def carry(self, refresh: Refresh) -> Done:
        # who waits may go away; what was sent is stored all the same
        task = asyncio.create_task(carry_out(self._database, self._ring, self._fetcher, self._clock, refresh))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def stop(self) -> None:
        await asyncio.gather(*self._running, return_exceptions=True)


class Courier:
    """Starts the process with the first refresh; it ends by itself after two quiet minutes."""

    def __init__(self, database_url: str, ring: KeyRing, outbound: OutboundSettings) -> None:
        self._settings = {
            "database_url": database_url,
            "keys": ring.handed_over(),
            "outbound": outbound.model_dump(mode="json"),
        }
        self._process: asyncio.subprocess.Process | None = None
        self._waiting: dict[int, asyncio.Future[Done]] = {}
        self._reader: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._last = 0

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    async def carry(self, refresh: Refresh) -> Done:
        """`lost` where the process dies on the way: how far it came stands in the row.

        Raises Unavailable where it cannot be started.
        """
        async with self._starting:
            pipe = await self._pipe()
            self._last += 1
            id, answer = self._last, asyncio.get_running_loop().create_future()
            self._waiting[id] = answer
            pipe.write(_line({"id": id, "refresh": packed(refresh)}))
        with suppress(ConnectionError):
            await pipe.drain()
        return await asyncio.shield(answer)

    async def stop(self) -> None:
        """What is under way is finished, within a limit, by the process on its own."""
        if self._process is None or self._process.stdin is None:
            return
        self._process.stdin.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), _GRACE_S)
        if self._reader is not None:
            await asyncio.gather(self._reader, return_exceptions=True)

    async def _pipe(self) -> asyncio.StreamWriter:
        if self._process is None or self._process.returncode is not None or not self._reads():
            await self._start()
        assert self._process is not None  # just started
        assert self._process.stdin is not None  # a pipe was asked for
        return self._process.stdin

    def _reads(self) -> bool:
        return self._reader is not None and not self._reader.done()

    async def _start(self) -> None:
        try:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                __name__,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=_LINE,
                start_new_session=True,
            )
        except OSError as error:
            raise Unavailable(
                "The process that refreshes tokens cannot be started.", retry_after=5
            ) from error
        assert self._process.stdin is not None  # asked for above
        self._process.stdin.write(_line(self._settings))
        self._reader = asyncio.create_task(self._read(self._process))

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None  # asked for above
        while line := await process.stdout.readline():
            said = msgspec.json.decode(line)
            answer = self._waiting.pop(said["id"], None)
            if answer is None or answer.done():
                continue
            if said["outcome"] == _UNAVAILABLE:
                answer.set_exception(Unavailable("The database is not available.", retry_after=5))
            else:
                answer.set_result(Done(said["outcome"], said["code"]))
        await process.wait()
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_result(Done("lost"))
        self._waiting.clear()


def packed(refresh: Refresh) -> dict[str, Any]:
    """With its secrets: for the pipe only."""
    asked, client = refresh.request, refresh.request.client
    secret = client.secret.get_secret_value() if client.secret else None
    return {
        "connection_id": refresh.connection_id,
        "claim": refresh.claim,
        "owner": [refresh.owner.organisation_id, refresh.owner.user_id, refresh.owner.server],
        "endpoint": asked.endpoint,
        "client": [client.id, client.auth, secret],
        "form": dict(asked.form),
        "within_s": asked.within_s,
        "resendable": refresh.resendable,
        "held": refresh.held,
    }


def unpacked(told: Mapping[str, Any]) -> Refresh:
    organisation, user, server = told["owner"]
    id, auth, secret = told["client"]
    client = Client(id, auth, SecretStr(secret) if secret is not None else None)
    return Refresh(
        UUID(told["connection_id"]),
        UUID(told["claim"]),
        Owner(UUID(organisation), UUID(user) if user else None, server),
        TokenRequest(told["endpoint"], client, told["form"], told["within_s"]),
        told["resendable"],
        told["held"],
    )


def _line(said: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode(said) + b"\n"


class _Process:
    """The other end."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._database = Database(settings["database_url"], pool_size=4)
        self._ring = KeyRing.parse(settings["keys"])
        self._fetcher = Fetcher(Guard(OutboundSettings.model_validate(settings["outbound"])), _AGENT)
        self._running: set[asyncio.Task[None]] = set()

    async def serve(self, lines: asyncio.StreamReader) -> None:
        """Until nobody asks any more, and what was asked is done."""
        while self._running or lines.at_eof() is False:
            try:
                line = await asyncio.wait_for(lines.readline(), _IDLE_S)
            except TimeoutError:
                if self._running:
                    continue
                break
            if not line:
                break
            said = msgspec.json.decode(line)
            task = asyncio.create_task(self._one(said["id"], unpacked(said["refresh"])))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        await asyncio.gather(*self._running)
        await self._fetcher.aclose()
        await self._database.close()

    async def _one(self, id: int, refresh: Refresh) -> None:
        try:
            done = await carry_out(self._database, self._ring, self._fetcher, SystemClock(), refresh)
            said = {"id": id, "outcome": done.outcome, "code": done.code}
        except SwitchboardError:
            said = {"id": id, "outcome": _UNAVAILABLE, "code": ""}
        with suppress(OSError):  # nobody is there to hear it
            os.write(1, _line(said))


async def _main() -> None:
    lines = asyncio.StreamReader(limit=_LINE)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    if settings := await lines.readline():
        await _Process(msgspec.json.decode(settings)).serve(lines)


if __name__ == "__main__":
    # Whoever stops the api may signal all that it started: what was begun is finished first.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    logs.configure(logs.LogSettings(), "courier")  # to stderr: stdout is spoken for
    asyncio.run(_main())
