"""So many at once; the others wait, in their order."""

import asyncio
from collections import deque


class Places:
    """`most` at once. `full`: as many wait already, for whoever bounds the queue, too."""

    def __init__(self, most: int) -> None:
        self.taken = 0
        self._most = most
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def full(self) -> bool:
        return self.taken >= self._most and len(self._waiting) >= self._most

    @property
    def here(self) -> int:
        return self.taken + sum(not turn.done() for turn in self._waiting)

    def entered(self) -> bool:
        """Where a place is free; else `enter` waits for one."""
        if self.taken >= self._most:
            return False
        self.taken += 1
        return True

    async def enter(self) -> None:
        if self.entered():
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave()  # the place was ours already
            raise

    def leave(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.taken -= 1
