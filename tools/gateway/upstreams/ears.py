"""The stand-alone stream of a session with a server: much of what is sent there belongs to a call.

Servers ask and log on it though a call is what they do it for. While a call runs, and a while after, it
is listened to; what comes goes to the call of that principal that began last. A server allows one such
stream a session, so with several replicas the one that came first hears.
"""

import asyncio
from collections import OrderedDict

import structlog

from kit.errors import SwitchboardError
from tools.gateway.upstreams.running import Running
from tools.gateway.upstreams.sessions import HttpSessions
from tools.gateway.upstreams.talk import Ask, read_message

_IDLE_S = 30.0
_REFUSED_S = 300.0
_LISTENED = 2_000
_log = structlog.get_logger()


class Ears:
    def __init__(self, sessions: HttpSessions) -> None:
        self._sessions = sessions
        self._running: dict[str, list[Running]] = {}
        self._listening: OrderedDict[str, asyncio.Task[None]] = OrderedDict()
        self._refused_until: dict[str, float] = {}

    def belongs_to(self, ask: Ask, running: Running) -> None:
        """From now on this is the call that what comes belongs to."""
        self._running.setdefault(ask.who, []).append(running)
        running.done.add_done_callback(lambda _: self._ended(ask.who, running))

    def close(self) -> None:
        for task in self._listening.values():
            task.cancel()

    async def listen(self, ask: Ask) -> None:
        """Before the call, so that nothing of it is missed. Raises Unavailable, UpstreamFailed."""
        loop = asyncio.get_running_loop()
        if ask.who in self._listening or loop.time() < self._refused_until.get(ask.who, 0.0):
            return
        if not (await self._sessions.of(ask)).id:
            return
        if len(self._listening) >= _LISTENED:
            self._listening.popitem(last=False)[1].cancel()
        task = self._listening[ask.who] = asyncio.create_task(self._until_idle(ask))
        task.add_done_callback(lambda done: self._stopped(ask.who, done))

    async def _until_idle(self, ask: Ask) -> None:
        hearing = asyncio.create_task(self._hear(ask))
        try:
            while not hearing.done():
                await asyncio.wait([hearing], timeout=_IDLE_S)
                if not self._running.get(ask.who):
                    return
        finally:
            hearing.cancel()
            await asyncio.gather(hearing, return_exceptions=True)

    async def _hear(self, ask: Ask) -> None:
        async def heard(data: bytes) -> None:
            if data and (running := self._running.get(ask.who)) and read_message(data).method:
                await running[-1].overheard(data)

        try:
            session = await self._sessions.of(ask)
            came = await self._sessions.get_stream(ask, session, heard)
            if came.status == 200:
                return
        except SwitchboardError as error:
            _log.info("gateway.no_stand_alone_stream", error=error.code)
        if len(self._refused_until) >= _LISTENED:
            self._refused_until.clear()
        # it has none, or another replica holds it
        self._refused_until[ask.who] = asyncio.get_running_loop().time() + _REFUSED_S

    def _ended(self, who: str, running: Running) -> None:
        left = self._running.get(who, [])
        if running in left:
            left.remove(running)
        if not left:
            self._running.pop(who, None)

    def _stopped(self, who: str, task: asyncio.Task[None]) -> None:
        if self._listening.get(who) is task:
            del self._listening[who]
