"""A client that goes away: its call is cancelled, all the way to the tool server."""

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType

from starlette.types import Receive

from tools.gateway.deadlines import Deadlines

_LOOK_AFTER_S = 0.05


class ClientLeft(Exception):
    """There is nobody to answer."""


class UnlessClientLeaves:
    """`with` around the work for one request. Looks only after 50 ms: most calls are over by then,
    and watching each of them would cost a quarter of what a call costs.

    `given_up`: returns when a client that went away will not come back either.
    Raises ClientLeft in place of the cancellation that it caused itself.
    """

    __slots__ = ("_given_up", "_left", "_receive", "_tick", "_timer", "_watcher", "_work")

    def __init__(
        self, receive: Receive, timer: Deadlines, given_up: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        self._given_up = given_up
        self._receive = receive
        self._timer = timer
        self._left = False
        self._watcher: asyncio.Task[None] | None = None

    def __enter__(self) -> None:
        self._work = self._timer.task()
        self._tick = self._timer.watch(self, _LOOK_AFTER_S)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.forget(self, self._tick)
        if self._watcher is not None:
            self._watcher.cancel()
        if self._left and kind is asyncio.CancelledError:
            self._work.uncancel()
            raise ClientLeft from error

    def passed(self) -> None:
        self._watcher = asyncio.create_task(self._until_gone())

    async def _until_gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if self._given_up is not None:
            await self._given_up()
        self._left = True
        self._work.cancel()
