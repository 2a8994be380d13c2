"""What session-era clients are asked and tell during a call, whichever replica hears it.

`input_required` becomes requests to the client on the stream of its call; its answers come as requests
of their own, perhaps to another replica, which brings them back by the bus. Cancellations alike.
"""

import asyncio
import secrets
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, cast

import msgspec

from kit.errors import SwitchboardError, TooMany
from kit.wire.mcp import RequestId
from tools.gateway.bus import Bus
from tools.gateway.protocol.envelope import Message
from tools.gateway.protocol.outlet import Outlet

_ASK = "switchboard-"
_EACH = 20
_encode = msgspec.json.Encoder().encode


class ClientDeclined(SwitchboardError):
    status = 422
    code = "input_declined"
    title = "The client did not give what the tool asked for"
    default_hint = "Call the tool again with a client that can answer."


class InputNotGiven(SwitchboardError):
    status = 408
    code = "input_not_given"
    title = "Nobody answered what the tool asked in time"
    default_hint = "Call the tool again: it will ask again."


class TooManyQuestions(TooMany):
    code = "too_many_questions"
    title = "Too many calls wait for your answer"
    default_hint = "Answer one of them, then call again."


class Questions:
    """How many calls wait for each person: every one holds a connection open, for minutes."""

    def __init__(self, most: int = _EACH) -> None:
        self._most = most
        self._of: dict[str, int] = {}

    @contextmanager
    def of(self, who: str) -> Generator[None]:
        """Raises TooManyQuestions."""
        theirs = self._of.get(who, 0)
        if theirs >= self._most:
            raise TooManyQuestions(f"{self._most} calls wait for your answer already.", retry_after=30)
        self._of[who] = theirs + 1
        try:
            yield
        finally:
            self._of[who] -= 1
            if not self._of[who]:
                del self._of[who]


class Asking:
    """`waits_s`: how long a person may think."""

    def __init__(self, bus: Bus, waits_s: float) -> None:
        self._bus = bus
        self._waits_s = waits_s
        self._asked: dict[str, tuple[str, asyncio.Future[dict[str, Any]]]] = {}
        bus.on("client.answered", self._answered_elsewhere)

    async def ask(self, outlet: Outlet, session: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Everything at once; by key what the client answered. Raises ClientDeclined, InputNotGiven."""
        keys = list(wanted)
        try:
            async with asyncio.timeout(self._waits_s):
                answers = await asyncio.gather(*(self._one(outlet, session, wanted[key]) for key in keys))
        except TimeoutError as error:
            raise InputNotGiven("Nobody answered in time.") from error
        return dict(zip(keys, answers, strict=True))

    async def answered(self, session: str, message: Message) -> None:
        """A response that came from the client, for a question of some replica."""
        if not isinstance(message.id, str) or not message.id.startswith(_ASK):
            return
        said: dict[str, Any] = (
            {"error": message.error} if message.error is not None else {"result": message.result}
        )
        if self._take(message.id, session, said):
            return
        replica = message.id.removeprefix(_ASK).partition("-")[0]
        if replica != self._bus.replica:
            await self._bus.send(replica, "client.answered", id=message.id, session=session, said=said)

    async def _one(self, outlet: Outlet, session: str, wanted: Any) -> Any:
        method: str = str(wanted.get("method"))
        params: Any = wanted.get("params") or {}
        id = f"{_ASK}{self._bus.replica}-{secrets.token_hex(12)}"
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._asked[id] = (session, future)
        try:
            await outlet.say(_encode({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))
            said = await future
        finally:
            self._asked.pop(id, None)
        if "error" not in said:
            return said["result"]
        if method == "elicitation/create":
            return {"action": "cancel"}
        raise ClientDeclined(f"The client refused {method}.")

    def _take(self, id: str, session: str, said: dict[str, Any]) -> bool:
        """Only in the session that was asked."""
        asked = self._asked.get(id)
        if asked is None or asked[0] != session or asked[1].done():
            return False
        asked[1].set_result(said)
        return True

    async def _answered_elsewhere(self, told: dict[str, Any]) -> None:
        self._take(str(told["id"]), str(told["session"]), cast(dict[str, Any], told["said"]))


class Cancelled(Exception):
    """The client cancelled this request: there is nothing to answer."""


class InFlight:
    """Requests of the session era that run here, so that a cancellation finds them."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._running: dict[tuple[str, RequestId], asyncio.Task[Any]] = {}
        self._cancelled: set[tuple[str, RequestId]] = set()
        bus.on("client.cancelled", self._cancelled_elsewhere)

    def running(self, session: str, id: RequestId) -> "Running":
        """Raises Cancelled. A request whose id is in use already is not cancellable, and cancels nothing."""
        return Running(self, (session, id))

    def enter(self, key: tuple[str, RequestId]) -> bool:
        """Whether it can be cancelled by this id."""
        task = asyncio.current_task()
        if key in self._running or task is None:
            return False
        self._running[key] = task
        return True

    def leave(self, key: tuple[str, RequestId]) -> "asyncio.Task[Any] | None":
        """The task, where it was cancelled by its client."""
        task = self._running.pop(key)
        if key not in self._cancelled:
            return None
        self._cancelled.discard(key)
        return task

    async def cancel(self, session: str, id: Any) -> None:
        if isinstance(id, bool) or not isinstance(id, int | str):
            return
        if not self._cancel(session, id):
            await self._bus.broadcast("client.cancelled", session=session, id=id)

    def _cancel(self, session: str, id: RequestId) -> bool:
        task = self._running.get((session, id))
        if task is None:
            return False
        if (session, id) not in self._cancelled:
            self._cancelled.add((session, id))
            task.cancel()
        return True

    async def _cancelled_elsewhere(self, told: dict[str, Any]) -> None:
        self._cancel(str(told["session"]), told["id"])


class Running:
    """`with` around one request. A class, since a generator's price shows on the path of every call."""

    __slots__ = ("_entered", "_in_flight", "_key")

    def __init__(self, in_flight: InFlight, key: tuple[str, RequestId]) -> None:
        self._in_flight = in_flight
        self._key = key

    def __enter__(self) -> None:
        self._entered = self._in_flight.enter(self._key)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._entered:
            return
        task = self._in_flight.leave(self._key)
        if task is not None and kind is asyncio.CancelledError:
            task.uncancel()
            raise Cancelled from None
