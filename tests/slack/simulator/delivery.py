"""How events, interactions and commands reach the app: over its sockets, or as signed HTTP."""

import asyncio
import hashlib
import hmac
import json
import time
import urllib.parse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import aiohttp
from aiohttp import WSMsgType, web

from tests.slack.simulator.world import Delivered, Json

if TYPE_CHECKING:
    from tests.slack.simulator.server import Slack

ACK_S = 3.0
RETRY_S = (0.0, 1.0, 2.0)
"""Slack's pauses are nothing, a minute, five minutes."""
REASON = "timeout"


class Door(Protocol):
    @property
    def waiting(self) -> int:
        """Deliveries that are not acknowledged yet."""
        ...

    async def deliver(self, kind: str, payload: Json) -> Delivered: ...
    async def close(self) -> None: ...


class Sockets:
    """Socket Mode. `kind` is events_api, interactive or slash_commands; only events come again."""

    def __init__(self, slack: "Slack") -> None:
        self._slack = slack
        self._tickets: set[str] = set()
        self._open: list[web.WebSocketResponse] = []
        self._acks: dict[str, asyncio.Future[Json]] = {}
        self._connected = asyncio.Event()
        self.hellos = 0
        self.waiting = 0
        self.ack_s = ACK_S
        self.retry_s: Sequence[float] = RETRY_S

    def ticket(self) -> str:
        ticket = self._slack.numbers.id("ticket-")
        self._tickets.add(ticket)
        return ticket

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """A ticket opens one connection."""
        if request.query.get("ticket", "") not in self._tickets:
            raise web.HTTPUnauthorized
        self._tickets.remove(request.query["ticket"])
        socket = web.WebSocketResponse(autoping=True)
        await socket.prepare(request)
        await socket.send_json(self._hello())
        self._open.append(socket)
        self._connected.set()
        self._slack.changed()
        try:
            async for message in socket:
                if message.type == WSMsgType.TEXT:
                    self._heard(message.json())
        finally:
            self._forget(socket)
        return socket

    def _hello(self) -> Json:
        self.hellos += 1
        return {
            "type": "hello",
            "num_connections": len(self._open) + 1,
            "debug_info": {"host": "applink-1", "build_number": 1, "approximate_connection_time": 18060},
            "connection_info": {"app_id": "A0SWITCH"},
        }

    def _heard(self, message: Json) -> None:
        ack = self._acks.get(message.get("envelope_id", ""))
        if ack is not None and not ack.done():
            ack.set_result(message.get("payload") or {})

    def _forget(self, socket: web.WebSocketResponse) -> None:
        if socket in self._open:
            self._open.remove(socket)
        if not self._open:
            self._connected.clear()

    @property
    def connected(self) -> int:
        return len(self._open)

    async def ready(self) -> None:
        """Until the app is connected."""
        async with asyncio.timeout(30):
            await self._connected.wait()

    async def deliver(self, kind: str, payload: Json) -> Delivered:
        """Returns when it is acknowledged, or has been sent for the last time."""
        delivered = Delivered(kind, payload, time.monotonic())
        retries = self.retry_s if kind == "events_api" else ()
        self.waiting += 1
        try:
            for attempt, pause in enumerate([0.0, *retries]):
                await asyncio.sleep(pause)
                if await self._send(delivered, attempt):
                    break
        finally:
            self.waiting -= 1
            self._slack.changed()
        return delivered

    async def _send(self, delivered: Delivered, attempt: int) -> bool:
        await self.ready()
        envelope = self._envelope(delivered, attempt)
        ack = self._acks[envelope["envelope_id"]] = asyncio.get_running_loop().create_future()
        delivered.attempts = attempt + 1
        try:
            await self._open[-1].send_json(envelope)
            delivered.answer = await asyncio.wait_for(ack, self.ack_s)
        except (TimeoutError, ConnectionError, IndexError):
            return False
        finally:
            del self._acks[envelope["envelope_id"]]
        delivered.acked, delivered.status = time.monotonic(), 200
        return True

    def _envelope(self, delivered: Delivered, attempt: int) -> Json:
        envelope: Json = {
            "envelope_id": self._slack.numbers.id("envelope-"),
            "type": delivered.kind,
            "payload": delivered.payload,
            "accepts_response_payload": delivered.kind != "events_api",
        }
        if attempt:
            envelope |= {"retry_attempt": attempt, "retry_reason": REASON}
        return envelope

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Slack asks the app to come back on a new connection, and leaves this one."""
        for socket in list(self._open):
            await socket.send_json(
                {"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-1"}}
            )
            self._forget(socket)

    async def cut(self) -> None:
        """Every connection breaks, without a word."""
        for socket in list(self._open):
            transport = getattr(socket, "_req", None)
            self._forget(socket)
            if transport is not None and transport.transport is not None:
                transport.transport.abort()

    async def close(self) -> None:
        for socket in list(self._open):
            await socket.close()


class SignedHttp:
    """The Request URL: one address for events, interactions and commands, each signed."""

    def __init__(self, slack: "Slack", url: str, secret: str) -> None:
        self._slack, self._url, self._secret = slack, url, secret
        self._session = aiohttp.ClientSession()
        self.waiting = 0
        self.ack_s = ACK_S
        self.retry_s: Sequence[float] = RETRY_S

    async def deliver(self, kind: str, payload: Json) -> Delivered:
        delivered = Delivered(kind, payload, time.monotonic())
        retries = self.retry_s if kind == "events_api" else ()
        self.waiting += 1
        try:
            for attempt, pause in enumerate([0.0, *retries]):
                await asyncio.sleep(pause)
                headers, body = self.request(kind, payload, attempt)
                if await self.send(delivered, headers, body):
                    break
                delivered.attempts += 1
        finally:
            self.waiting -= 1
            self._slack.changed()
        return delivered

    def request(
        self,
        kind: str,
        payload: Json,
        attempt: int = 0,
        *,
        at: float | None = None,
        secret: str | None = None,
    ) -> tuple[dict[str, str], bytes]:
        """Headers and body; another time or secret makes an old or a forged request."""
        body, content = _body(kind, payload)
        stamp = str(int(time.time() if at is None else at))
        signed = hmac.new((secret or self._secret).encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256)
        headers = {
            "Content-Type": content,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": f"v0={signed.hexdigest()}",
        }
        if attempt:
            headers |= {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": "http_timeout"}
        return headers, body

    async def send(self, delivered: Delivered, headers: dict[str, str], body: bytes) -> bool:
        """Whether it was acknowledged."""
        patience = aiohttp.ClientTimeout(total=self.ack_s)
        try:
            async with self._session.post(
                self._url, data=body, headers=headers, timeout=patience
            ) as response:
                text, delivered.status = await response.text(), response.status
        except (TimeoutError, aiohttp.ClientError):
            return False
        if delivered.status // 100 != 2:
            return False
        delivered.acked = time.monotonic()
        delivered.answer = _answer(text)
        return True

    async def close(self) -> None:
        await self._session.close()


def _body(kind: str, payload: Json) -> tuple[bytes, str]:
    if kind == "events_api":
        return json.dumps(payload).encode(), "application/json"
    form: dict[str, Any] = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
    return urllib.parse.urlencode(form).encode(), "application/x-www-form-urlencoded"


def _answer(text: str) -> Json:
    """A JSON body, or a text that is shown."""
    if text.startswith("{"):
        return json.loads(text)
    return {"text": text} if text else {}
