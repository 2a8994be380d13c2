"""What a request to a server carries where it is not our own token: nothing, or what the platform keeps for
this person there (SPEC 9).

In memory only, for as long as the platform says (60 s at most), by organisation, person, server and its
address: what was meant for one place is not sent to another of the same name. Our own signed token never goes
to such a server, and a caller's own never goes anywhere.
"""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import msgspec

from kit.wire.connections import AskToken
from kit.wire.interactions import EXPIRES_META, KIND_META
from kit.wire.mcp import URL_NEEDED, RpcError
from kit.wire.tools import RegisteredServer
from tools.gateway.call import Call, Reply, ServerRefused
from tools.gateway.callers import Caller
from tools.gateway.catalogue import OfferedTool, address_of
from tools.gateway.platform import AccountNeeded, PlatformLink
from tools.gateway.states import StateExpired, StateRefused, States, kind_of

KEY = "connect_account"
CONNECT_META = "switchboard/connect"
_ASKED_S = 600.0
_REMEMBERED = 10_000
_URL_ERRORS_SINCE = "2025-11-25"
_NOTHING: Mapping[str, str] = {}
_Whose = tuple[UUID | None, UUID | None, str, str]


@dataclass(frozen=True, slots=True)
class Held:
    """`digest`: how to name it to the platform where the server refuses it."""

    headers: Mapping[str, str] = field(repr=False)
    digest: str = ""
    until: float = 0.0


NONE = Held(_NOTHING)


class Credentials:
    def __init__(self, platform: PlatformLink) -> None:
        self._platform = platform
        self._held: OrderedDict[_Whose, Held] = OrderedDict()
        self._asking: dict[tuple[_Whose, str | None], asyncio.Task[Held]] = {}

    async def of(self, caller: Caller, tool: OfferedTool) -> Held:
        """For the caller at the tool's server. Raises AccountNeeded, SignInUnavailable, Unavailable."""
        if tool.credential == "none":
            return NONE
        return await self._of(_whose(caller, tool))

    async def lent(self, caller: Caller, tool: OfferedTool) -> Mapping[str, str] | None:
        """What goes instead of our own token; None: nothing does. Raises as `of`."""
        if tool.credential == "switchboard":
            return None
        return (await self.of(caller, tool)).headers

    async def again(self, caller: Caller, tool: OfferedTool, refused: Held) -> Held:
        """After a 401: another one, made once for all calls that wait. Raises as `of`."""
        whose = _whose(caller, tool)
        held = self._held.get(whose)
        if held is not None and held.digest != refused.digest and held.until > time.monotonic():
            return held
        self._held.pop(whose, None)
        return await self._once(whose, refused.digest)

    async def for_listing(self, server: RegisteredServer) -> Mapping[str, str] | None:
        """To compare and probe definitions, for nobody in particular; None: our own token. Raises as `of`."""
        if server.credential == "switchboard":
            return None
        if server.credential == "none" or server.organisation_id is None:
            return _NOTHING
        return (await self._of((server.organisation_id, None, server.name, address_of(server)))).headers

    async def _of(self, whose: _Whose) -> Held:
        held = self._held.get(whose)
        if held is not None and held.until > time.monotonic():
            return held
        return await self._once(whose, None)

    async def _once(self, whose: _Whose, rejected: str | None) -> Held:
        # whoever was refused does not take the answer to a question that does not say so
        asked = (whose, rejected)
        task = self._asking.get(asked)
        if task is None:
            task = self._asking[asked] = asyncio.create_task(self._ask(whose, rejected))
            task.add_done_callback(lambda done: self._finished(asked, done))
        return await asyncio.shield(task)

    def _finished(self, asked: tuple[_Whose, str | None], done: asyncio.Task[Held]) -> None:
        self._asking.pop(asked, None)
        if not done.cancelled():
            done.exception()  # retrieved, also where every waiter has gone away

    async def _ask(self, whose: _Whose, rejected: str | None) -> Held:
        organisation_id, user_id, server, _ = whose
        if organisation_id is None:
            return NONE
        wanted = AskToken(organisation_id=organisation_id, user_id=user_id, rejected=rejected)
        given = await self._platform.upstream_token(server, wanted)
        token = given.value.removeprefix("Bearer ")
        held = Held(
            {given.header: given.value},
            hashlib.sha256(token.encode()).hexdigest(),
            time.monotonic() + given.expires_in,
        )
        self._held[whose] = held
        if len(self._held) > _REMEMBERED:
            self._held.popitem(last=False)
        return held


def _whose(caller: Caller, tool: OfferedTool) -> _Whose:
    return caller.principal.organisation_id, caller.principal.id, tool.server, tool.address


class Connect:
    """The question that a call ends with where the person has to connect an account first."""

    def __init__(self, states: States) -> None:
        self._states = states

    def resumed(self, call: Call) -> None:
        """Takes our answer out of what the client brings back; what was under way goes on.

        Raises AccountNeeded where the person said no.
        """
        state = call.resumption.get("requestState")
        if not isinstance(state, str) or kind_of(state) != "connect":
            return
        try:
            held = self._states.open(call, "connect", state)
        except (StateRefused, StateExpired):
            # it holds nothing that counts: the call is made as if for the first time
            call.resumption = {}
            return
        answers: Any = call.resumption.get("inputResponses")
        answer: Any = answers.get(KEY) if isinstance(answers, dict) else None  # pyright: ignore[reportUnknownMemberType,reportUnknownVariableType]  # JSON
        call.resumption = held["resumption"]
        if isinstance(answer, dict) and answer.get("action") in ("decline", "cancel"):  # pyright: ignore[reportUnknownMemberType]  # JSON
            raise AccountNeeded("The account was not connected.", held["server"], held["url"])

    def asked(self, call: Call, needed: AccountNeeded) -> Reply:
        """By the client's means. Raises AccountNeeded or ServerRefused for one that cannot ask."""
        question = {
            "mode": "url",
            "url": needed.url,
            "message": needed.detail,
            "elicitationId": uuid4().hex,
        }
        if not _can_ask(call):
            if call.in_session and call.revision < _URL_ERRORS_SINCE:
                raise needed
            raise ServerRefused(RpcError(URL_NEEDED, needed.detail, {"elicitations": [question]}))
        meta = {KIND_META: KEY, CONNECT_META: {"server": needed.server}, EXPIRES_META: _ASKED_S}
        held = {"resumption": dict(call.resumption), "server": needed.server, "url": needed.url}
        result = {
            "resultType": "input_required",
            "inputRequests": {KEY: {"method": "elicitation/create", "params": {**question, "_meta": meta}}},
            "requestState": self._states.seal(call, "connect", held, _ASKED_S),
        }
        return Reply(msgspec.json.encode(result), needs_input=True)


def _can_ask(call: Call) -> bool:
    """Whether the client opens addresses for its person: it said so, and can be sent a question."""
    declared = call.capabilities.get("elicitation")
    return isinstance(declared, dict) and "url" in declared and not (call.in_session and call.tell is None)
