"""Calls of session-era servers that wait for a person: kept open here, found again from any replica.

The `requestState` that the client brings back names this replica and the call, under a MAC that covers
the principal, the server and the request. Another replica hands the answer over by the bus and relays
what follows.
"""

import asyncio
import hashlib
import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import msgspec
from msgspec import UNSET, Raw

from access.tokens import SigningKey
from kit.errors import SwitchboardError, UpstreamFailed
from kit.wire.mcp import Answer, RpcError
from tools.gateway.bus import Bus
from tools.gateway.upstreams.running import Running
from tools.gateway.upstreams.talk import Ask

WAITS_S = 600.0
"""SPEC 5: so long does a server of the older era wait for a person."""
_PREFIX = "swb1."
_EACH = 20
"""Calls of one principal that may wait at once."""
_encode = msgspec.json.Encoder().encode


class InputExpired(SwitchboardError):
    status = 410
    code = "input_expired"
    title = "This question has expired"
    default_hint = "Call the tool again: it will ask again."


@dataclass(slots=True)
class _Parked:
    running: Running
    who: str
    expires: asyncio.TimerHandle


class Parking:
    def __init__(self, key: SigningKey, bus: Bus, waits_s: float = WAITS_S) -> None:
        self._secret = hashlib.sha256(b"mcp-parked" + key.private.private_bytes_raw()).digest()
        self._bus = bus
        self._waits_s = waits_s
        self._parked: dict[str, _Parked] = {}
        self._inboxes: dict[str, asyncio.Queue[dict[str, Any]]] = {}
        self._relayed: dict[str, asyncio.Task[None]] = {}
        self._ending: set[asyncio.Task[None]] = set()
        bus.on("parked.resume", self._resume_for_another)
        bus.on("parked.drop", self._drop_for_another)
        bus.on("parked.said", self._said_by_another)

    async def first(self, running: Running, ask: Ask, server: str) -> Answer:
        """The first leg of a call. Raises what the request raises."""
        return await self._leg(running, ask, _about(ask, server))

    def owns(self, ask: Ask) -> bool:
        return str(ask.params.get("requestState", "")).startswith(_PREFIX)

    async def resume(self, ask: Ask, server: str) -> Answer:
        """The next leg. Raises InputExpired: the call is gone, was answered, or is somebody else's."""
        about = _about(ask, server)
        replica, id = self._opened(str(ask.params["requestState"]), ask.who, about)
        responses = ask.params.get("inputResponses")
        given = cast(dict[str, Any], responses) if isinstance(responses, dict) else {}
        if replica != self._bus.replica:
            return await self._relay(replica, id, ask, about, given)
        return await self._resume(id, ask, about, given)

    async def close(self) -> None:
        for id in list(self._parked):
            await self._end(id, "The gateway stops.")
        for task in (*self._relayed.values(), *self._ending):
            task.cancel()

    async def _resume(self, id: str, ask: Ask, server: str, given: Mapping[str, Any]) -> Answer:
        parked = self._parked.pop(id, None)
        if parked is None:
            raise InputExpired("The server no longer waits for this answer.")
        parked.expires.cancel()
        await parked.running.resume(ask, given)
        return await self._leg(parked.running, ask, server)

    async def _leg(self, running: Running, ask: Ask, server: str) -> Answer:
        try:
            answer = await running.leg(ask)
        except BaseException:
            # also the time limit, and a client that went away
            self._finish(running.cancel("The call was cancelled."))
            raise
        return answer or self._park(running, ask.who, server)

    def _park(self, running: Running, who: str, server: str) -> Answer:
        id = secrets.token_hex(16)
        loop = asyncio.get_running_loop()
        expires = loop.call_later(
            self._waits_s, lambda: self._finish(self._end(id, "Nobody answered in time."))
        )
        self._parked[id] = _Parked(running, who, expires)
        self._make_room(who)
        wanted = {
            key: {"method": method, "params": params} for key, (_, method, params) in running.wanted.items()
        }
        result = {
            "resultType": "input_required",
            "inputRequests": wanted,
            "requestState": self._sealed(id, who, server),
        }
        return Answer("2.0", result=Raw(_encode(result)))

    def _make_room(self, who: str) -> None:
        """Each holds a connection open: beyond so many of one principal, the oldest is given up."""
        theirs = [id for id, parked in self._parked.items() if parked.who == who]
        for id in theirs[:-_EACH]:
            self._finish(self._end(id, "Too many calls wait for this person."))

    async def _end(self, id: str, reason: str) -> None:
        parked = self._parked.pop(id, None)
        if parked is not None:
            parked.expires.cancel()
            await parked.running.cancel(reason)

    def _finish(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.ensure_future(work)
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    # --- across replicas

    async def _relay(self, replica: str, id: str, ask: Ask, server: str, given: Mapping[str, Any]) -> Answer:
        """Never asks twice: the answer is used up where it arrives."""
        inbox_id = secrets.token_hex(16)
        inbox = self._inboxes[inbox_id] = asyncio.Queue()
        told = {
            "id": id,
            "inbox": inbox_id,
            "to": self._bus.replica,
            "server": server,
            "given": given,
            "who": ask.who,
            "token": ask.token,
            "capabilities": ask.capabilities,
            "progress": ask.progress,
        }
        try:
            if not await self._bus.send(replica, "parked.resume", **told):
                raise InputExpired("The server no longer waits for this answer.")
            return await self._relayed_answer(inbox, ask)
        except asyncio.CancelledError:
            await asyncio.shield(self._bus.send(replica, "parked.drop", inbox=inbox_id))
            raise
        finally:
            del self._inboxes[inbox_id]

    async def _relayed_answer(self, inbox: asyncio.Queue[dict[str, Any]], ask: Ask) -> Answer:
        while True:
            said = await inbox.get()
            if "method" in said:
                if ask.tell is not None:
                    await ask.tell(said["method"], said["params"])
            elif "result" in said:
                return Answer("2.0", result=Raw(said["result"].encode()))
            elif "error" in said:
                return Answer("2.0", error=RpcError(**said["error"]))
            elif said.get("expired"):
                raise InputExpired("The server no longer waits for this answer.")
            else:
                raise UpstreamFailed(str(said.get("detail", "This tool's server failed.")))

    async def _said_by_another(self, told: dict[str, Any]) -> None:
        inbox = self._inboxes.get(told["inbox"])
        if inbox is not None:
            inbox.put_nowait(told["said"])

    async def _resume_for_another(self, told: dict[str, Any]) -> None:
        inbox = told["inbox"]
        task = asyncio.create_task(self._serve(told))
        self._relayed[inbox] = task
        task.add_done_callback(lambda _: self._relayed.pop(inbox, None))

    async def _drop_for_another(self, told: dict[str, Any]) -> None:
        task = self._relayed.get(told["inbox"])
        if task is not None:
            task.cancel()

    async def _serve(self, told: dict[str, Any]) -> None:
        async def say(said: dict[str, Any]) -> None:
            await self._bus.send(told["to"], "parked.said", inbox=told["inbox"], said=said)

        async def tell(method: str, params: dict[str, Any]) -> None:
            await say({"method": method, "params": params})

        ask = Ask(
            "tools/call",
            {},
            told["token"],
            told["who"],
            capabilities=told["capabilities"],
            progress=told["progress"],
            tell=tell,
        )
        try:
            answer = await self._resume(told["id"], ask, told["server"], told["given"])
        except InputExpired:
            await say({"expired": True})
        except SwitchboardError as error:
            await say({"detail": error.detail})
        else:
            await say(_portable(answer))

    # --- requestState

    def _sealed(self, id: str, who: str, server: str) -> str:
        head = f"{self._bus.replica}.{id}".encode()
        return _PREFIX + urlsafe_b64encode(head + b"." + self._mac(head, who, server)).decode()

    def _opened(self, state: str, who: str, server: str) -> tuple[str, str]:
        try:
            whole = urlsafe_b64decode(state.removeprefix(_PREFIX).encode("ascii"))
            replica, id, mac = whole.split(b".", 2)
        except (Base64Error, ValueError) as error:
            raise InputExpired("The server does not wait for this answer.") from error
        if not hmac.compare_digest(mac, self._mac(replica + b"." + id, who, server)):
            raise InputExpired("The server does not wait for this answer.")
        return replica.decode(), id.decode()

    def _mac(self, head: bytes, who: str, server: str) -> bytes:
        return hmac.digest(self._secret, b"\0".join((head, who.encode(), server.encode())), "sha256")


def _about(ask: Ask, server: str) -> str:
    """Which request of which server: the next leg is authorised and recorded as what it says it is, so it
    may be nothing else than the one that waits."""
    asked = {key: value for key, value in ask.params.items() if key not in ("inputResponses", "requestState")}
    said = msgspec.json.encode([server, ask.method, asked], order="sorted")
    return hashlib.sha256(said).hexdigest()


def _portable(answer: Answer) -> dict[str, Any]:
    if answer.error is not UNSET:
        error = answer.error
        return {"error": {"code": error.code, "message": error.message, "data": error.data}}
    return {"result": bytes(answer.result).decode() if answer.result is not UNSET else "null"}
