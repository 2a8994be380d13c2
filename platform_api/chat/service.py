"""Turns: accept, run apart from whoever asked, let anyone of the person's clients follow."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from uuid import UUID, uuid4

import structlog

from access.principal import Principal
from kit.wire.chat import ChatRequest
from platform_api.agents.port import AgentRuntime
from platform_api.chat import metrics, repository
from platform_api.chat.acceptance import TURN, Acceptance, Accepted
from platform_api.chat.checks import Means
from platform_api.chat.errors import ShuttingDown
from platform_api.chat.following import Following
from platform_api.chat.log import Batches, Entry, TurnLog
from platform_api.chat.mirror import Mirror
from platform_api.chat.settings import ChatSettings
from platform_api.chat.sweeper import Sweeper
from platform_api.chat.turn import Asks, TurnRunner
from platform_api.interactions.asking import Answered
from ports.db import Database
from ports.queue import Queue
from ports.redis import Redis

_REMEMBERED = 256
"""Logs of ended turns that are kept, so that a late follower here needs no Redis."""
log = structlog.get_logger()


class Chat:
    """One per process. `start` before the first turn, `stop` to let the running ones end."""

    def __init__(
        self,
        *,
        database: Database,
        queue: Queue,
        redis: Redis,
        redis_blocking: Redis,
        runtime: AgentRuntime,
        settings: ChatSettings | None = None,
        means: Means | None = None,
        asks: Asks | None = None,
    ) -> None:
        """means: what checking a sentence may use beside the rules. asks: keeps what tools ask people;
        without it such a turn fails."""
        self._means = means or Means()
        self._settings = settings or ChatSettings()
        self.keepalive_s = self._settings.keepalive_s
        self._database = database
        self._runtime = runtime
        self._owner = uuid4()
        self._mirror = Mirror(redis, redis_blocking, self._settings.stream_ttl_s)
        self._acceptance = Acceptance(database, self._settings, self._owner)
        self._runner = TurnRunner(database, queue, runtime, self._settings, self._owner, self._means, asks)
        self._following = Following(database, self._mirror)
        self._sweeper = Sweeper(database, queue, self._mirror)
        self._logs: OrderedDict[UUID, TurnLog] = OrderedDict()
        self._running: dict[UUID, asyncio.Task[None]] = {}
        self._copies: set[asyncio.Task[None]] = set()
        self._rounds: list[asyncio.Task[None]] = []
        self._stopping = False

    def start(self) -> None:
        rounds = (
            (self._settings.heartbeat_s, self._renew),
            (self._settings.sweep_every_s, self._sweeper.sweep),
        )
        self._rounds = [asyncio.create_task(_every(seconds, work)) for seconds, work in rounds]

    async def stop(self) -> None:
        """Running turns get a while, then they end as interrupted."""
        self._stopping = True
        tasks = set(self._running.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=self._settings.drain_s)
            await _cancelled(*late)
        if self._copies:
            await asyncio.wait(set(self._copies), timeout=1.0)
        await _cancelled(*self._copies, *self._rounds)
        self._means.close()

    async def ask(
        self, principal: Principal, request: ChatRequest, request_id: str, key: str | None = None
    ) -> tuple[UUID, UUID]:
        """Begin a turn (or find the one of the same idempotency key): (session id, turn id).

        Raises SessionNotFound, UnknownAgent, SessionBusy, IdempotencyKeyReused, ShuttingDown, Forbidden.
        """
        principal.require("use_agent")
        if self._stopping:
            raise ShuttingDown(retry_after=2)
        self._runtime.check(request.agent)
        accepted = await self._acceptance.accept(principal, request, request_id, key)
        if isinstance(accepted, Accepted):
            self._begin(accepted)
        return accepted.session_id, accepted.turn_id

    async def go_on(self, answered: Answered) -> None:
        """Hears that a person has answered: the turn that waited goes on as another one, begun once however
        often this is heard. Returns when it has begun. Raises ShuttingDown.
        """
        if answered.resume.get("of") != TURN:
            return
        if self._stopping:
            raise ShuttingDown(retry_after=2)
        accepted = await self._acceptance.go_on(answered)
        if accepted is not None:
            self._begin(accepted)

    async def attached(self, principal: Principal, session_id: UUID, turn_id: UUID) -> None:
        """To ask before a stream begins. Raises Forbidden; TurnNotFound where this person has no such one."""
        principal.require("use_agent")
        await self._following.end_of(principal, session_id, turn_id)

    def follow(self, principal: Principal, session_id: UUID, turn_id: UUID, after: int = 0) -> Batches:
        """The events after number `after`, ending with the terminal one. Leaving does not stop the turn.

        Ask `attached` or `ask` first: what runs in this process is found by its id alone.
        """
        here = self._logs.get(turn_id)
        if here:
            return here.follow(after, self.keepalive_s)
        return self._following.follow(principal, session_id, turn_id, after)

    async def end(self, principal: Principal, session_id: UUID, turn_id: UUID) -> Entry:
        """Wait for the terminal event."""
        last: Entry | None = None
        async for batch in self.follow(principal, session_id, turn_id):
            last = batch[-1] if batch else last
        assert last is not None, "a follower always gets the end"
        return last

    def _begin(self, accepted: Accepted) -> None:
        turn = TurnLog(accepted.turn_id)
        self._remember(turn)
        task = asyncio.create_task(self._runner.run(accepted, turn), name=f"turn-{accepted.turn_id}")
        self._running[accepted.turn_id] = task
        metrics.running.set(len(self._running))
        task.add_done_callback(lambda _: self._ended(accepted.turn_id))
        copy = asyncio.create_task(self._mirror.copy(turn))
        self._copies.add(copy)
        copy.add_done_callback(self._copies.discard)

    def _remember(self, turn: TurnLog) -> None:
        self._logs[turn.turn_id] = turn
        while len(self._logs) > _REMEMBERED + len(self._running):
            oldest = next(one for one, kept in self._logs.items() if kept.ended.is_set())
            del self._logs[oldest]

    def _ended(self, turn_id: UUID) -> None:
        del self._running[turn_id]
        metrics.running.set(len(self._running))

    async def _renew(self) -> None:
        if self._running:
            async with self._database.begin() as db:
                await repository.extend(db, self._owner, list(self._running), self._settings.lease_s)


async def _every(seconds: float, work: Callable[[], Awaitable[object]]) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await work()
        except Exception as error:
            log.warning("chat.round_failed", error=type(error).__name__)


async def _cancelled(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    for task in tasks:
        with suppress(asyncio.CancelledError):
            await task
