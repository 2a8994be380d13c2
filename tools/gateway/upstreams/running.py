"""One request to a server of the session era, which may ask its client something before it answers.

In the terms of 2026-07-28 such a question ends the first call with `input_required`; the answer comes
with the next one. So the request runs in a task of its own and outlives the call that began it.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from kit.errors import SwitchboardError, UpstreamFailed
from kit.wire.mcp import METHOD_NOT_FOUND, Answer, RequestId, request
from tools.gateway.upstreams.port import Heard
from tools.gateway.upstreams.talk import Ask, answer_in, read_message

ASKABLE = {"elicitation/create": "elicitation", "sampling/createMessage": "sampling", "roots/list": "roots"}
"""What a server may ask, and the capability of the client that it needs."""
_GATHER_S = 0.02
_encode = msgspec.json.Encoder().encode


class Link(Protocol):
    """A session with a server: how messages get there."""

    @property
    def capabilities(self) -> Mapping[str, Any]:
        """The server's, as it said them last; nothing before that."""
        ...

    async def request(self, ask: Ask, id: str, body: bytes, heard: Heard) -> None:
        """Returns when everything that belongs to the request was heard. Raises Unavailable, …"""
        ...

    async def tell(self, ask: Ask, body: bytes) -> None:
        """A notification or a response. Raises Unavailable, UpstreamFailed."""
        ...


class Running:
    """`wanted`: what the server waits for, by a key of ours: its id, method and params."""

    def __init__(self, link: Link, ask: Ask, id: str) -> None:
        self.wanted: dict[str, tuple[RequestId, str, dict[str, Any]]] = {}
        self._link = link
        self._ask: Ask = ask
        self._id = id
        self._answer: Answer | None = None
        self._asked = 0
        self._news = asyncio.Event()
        self._task = asyncio.create_task(self._run(ask))

    @property
    def done(self) -> asyncio.Task[None]:
        """Finished when the server has answered, or never will."""
        return self._task

    async def overheard(self, data: bytes) -> None:
        """A request or notification that came beside the call's own stream."""
        await self._heard(data)

    async def leg(self, ask: Ask) -> Answer | None:
        """The answer, or None where the server waits for input. Raises what the request raised."""
        self._take(ask)
        while True:
            await self._news.wait()
            self._news.clear()
            if self._task.done() and (error := self._failure()) is not None:
                raise error
            if self._answer is not None:
                return self._answer
            if self.wanted:
                # questions that are asked at once are put to the person at once
                await asyncio.sleep(_GATHER_S)
                return self._answer

    async def resume(self, ask: Ask, responses: Mapping[str, Any]) -> None:
        """Raises Unavailable, UpstreamFailed. A key that is not waited for is ignored."""
        self._take(ask)
        for key in [key for key in self.wanted if key in responses]:
            id, _, _ = self.wanted.pop(key)
            await self._respond(id, {"result": responses[key]})
        if self.wanted:
            self._news.set()

    async def cancel(self, reason: str) -> None:
        """The server is told; never raises."""
        if self._task.done():
            return
        params = {"requestId": self._id, "reason": reason}
        try:
            async with asyncio.timeout(2.0):
                await self._link.tell(self._ask, notification("notifications/cancelled", params))
        except (SwitchboardError, TimeoutError):
            pass
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def _take(self, ask: Ask) -> None:
        # another replica's next leg comes without the person's credential: it is kept off the bus
        if ask.credential is None and self._ask.credential is not None:
            ask.credential = self._ask.credential
        self._ask = ask

    def _failure(self) -> BaseException | None:
        if self._task.cancelled():
            return UpstreamFailed("The call was cancelled.")
        error = self._task.exception()
        if error is None and self._answer is None:
            return UpstreamFailed("This tool's server broke off its answer.")
        return error

    async def _run(self, ask: Ask) -> None:
        meta: dict[str, Any] = dict(ask.trace)
        if ask.progress is not None:
            # many clients share the session: what they call their progress is not unique there
            meta["progressToken"] = self._id
        params = {**ask.params, "_meta": meta} if meta else ask.params
        body = request(ask.method, params, self._id)
        try:
            await self._link.request(ask, self._id, body, self._heard)
        finally:
            self._news.set()

    async def _heard(self, data: bytes) -> None:
        message = read_message(data)
        if not message.method:
            if message.id == self._id:
                self._answer = answer_in(data)
                self._news.set()
        elif message.id is None:
            await self._told(message.method, message.params)
        else:
            await self._wants(message.id, message.method, message.params)

    async def _told(self, method: str, params: dict[str, Any]) -> None:
        if method == "notifications/progress":
            if params.get("progressToken") != self._id:
                return
            params = params | {"progressToken": self._ask.progress}
        if self._ask.tell is not None:
            await self._ask.tell(method, params)

    async def _wants(self, id: RequestId, method: str, params: dict[str, Any]) -> None:
        if method == "ping":
            return await self._respond(id, {"result": {}})
        capability = ASKABLE.get(method)
        if capability is None or capability not in self._ask.capabilities:
            told = {"code": METHOD_NOT_FOUND, "message": f"This client cannot answer {method}."}
            return await self._respond(id, {"error": told})
        self._asked += 1
        self.wanted[f"{capability}-{self._asked}"] = (id, method, params)
        self._news.set()
        return None

    async def _respond(self, id: RequestId, said: Mapping[str, Any]) -> None:
        await self._link.tell(self._ask, _encode({"jsonrpc": "2.0", "id": id, **said}))


def notification(method: str, params: Mapping[str, Any]) -> bytes:
    return _encode({"jsonrpc": "2.0", "method": method, "params": params})
