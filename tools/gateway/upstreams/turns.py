"""Large answers are read in turns, so that a server that sends megabytes takes the event loop from nobody."""

import asyncio
from collections import deque
from weakref import WeakKeyDictionary

FREE = 128 * 1024
"""Bytes of an answer that come as quickly as they can."""
_PIECE = 64 * 1024
_EVERY_S = 0.002
_SELDOM_S = 0.016
_TOO_OFTEN = 3


class Turns:
    """One for all servers of a process. What is beyond `FREE` comes a piece at a time, some 30 MB a second
    altogether; each piece holds the event loop for some 30 µs.
    """

    def __init__(self, every_s: float = _EVERY_S) -> None:
        self._every_s = every_s
        self.room = memoryview(bytearray(_PIECE))
        """Where what one read brings stands until it is parsed. Filling what the event loop allots anew
        for each read costs as much again."""
        self._waiting: deque[asyncio.Transport | asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def wait(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        """Nothing more is read until it is this connection's turn."""
        transport.pause_reading()
        self._enter(transport, loop)

    async def turn(self) -> None:
        """The same for who reads by itself: its turn has come when this returns."""
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        self._enter(turn, loop)
        await turn

    def _enter(
        self, waiting: "asyncio.Transport | asyncio.Future[None]", loop: asyncio.AbstractEventLoop
    ) -> None:
        self._waiting.append(waiting)
        if self._timer is None:
            self._timer = loop.call_later(self._every_s, self._next, loop)

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        while self._waiting and not _goes_on(self._waiting.popleft()):
            pass
        if self._waiting:
            self._timer = loop.call_later(self._every_s, self._next, loop)


def _goes_on(waiting: "asyncio.Transport | asyncio.Future[None]") -> bool:
    """False: whoever waited has left."""
    if isinstance(waiting, asyncio.Future):
        if waiting.done():
            return False
        waiting.set_result(None)
        return True
    if waiting.is_closing():
        return False
    waiting.resume_reading()
    return True


class Measure:
    """Of one server: at what pace its large answers are read. One whose answers went over the limit again and
    again is read at an eighth of the pace, together with all such servers, until a large one of its fits.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._usual, self._slow = turns_of(loop), _slow_turns_of(loop)
        self._over = 0
        self.room = self._usual.room

    def went_over(self) -> None:
        self._over += 1

    def fitted(self) -> None:
        self._over = 0

    @property
    def turns(self) -> Turns:
        return self._usual if self._over < _TOO_OFTEN else self._slow


_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, Turns] = WeakKeyDictionary()
_slow_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, Turns] = WeakKeyDictionary()


def turns_of(loop: asyncio.AbstractEventLoop) -> Turns:
    """The one of this event loop."""
    found = _turns.get(loop)
    if found is None:
        found = _turns[loop] = Turns()
    return found


def _slow_turns_of(loop: asyncio.AbstractEventLoop) -> Turns:
    found = _slow_turns.get(loop)
    if found is None:
        found = _slow_turns[loop] = Turns(_SELDOM_S)
    return found
