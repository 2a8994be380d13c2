"""A client that goes away: its call is cancelled, all the way to the tool server."""

import asyncio
from types import TracebackType

from starlette.types import Receive

_LOOK_AFTER_S = 0.05


class ClientLeft(Exception):
    """There is nobody to answer."""


class UnlessClientLeaves:
    """`with` around the work for one request. Looks only after 50 ms: most calls are over by then,
    and watching each of them would cost a quarter of what a call costs.

    Raises ClientLeft in place of the cancellation that it caused itself.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._left = False
        self._watcher: asyncio.Task[None] | None = None

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        self._work = asyncio.current_task(loop)
        self._look = loop.call_later(_LOOK_AFTER_S, self._watch)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._look.cancel()
        if self._watcher is not None:
            self._watcher.cancel()
        if self._left and kind is asyncio.CancelledError and self._work is not None:
            self._work.uncancel()
            raise ClientLeft from error

    def _watch(self) -> None:
        self._watcher = asyncio.create_task(self._until_gone())

    async def _until_gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._left = True
        if self._work is not None:
            self._work.cancel()
