"""A tool that asks before it answers: what it asks, and what it needs again when the answer comes.

The state goes to the client and comes back with the answers (MCP 2026-07-28, `requestState`), to any
replica. It is sealed under a key that all replicas derive from one secret, and opens for the same person,
the same tool and the same arguments, for as long as the question lives. It is not used up by being opened:
a tool keys what it does by an id of its own inside.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, cast

import msgspec

from access.principal import Principal
from kit.clock import Clock
from kit.errors import Conflict, Invalid, Unavailable
from kit.sealing import KeyRing, SealBroken
from kit.wire.interactions import EXPIRES_META, KIND_META

LIVES_S: Final = 86_400.0
"""How long a question waits for its answer: what is asked today may be answered tomorrow."""
Action = Literal["accept", "decline", "cancel"]
_ACTIONS: Final = frozenset({"accept", "decline", "cancel"})


class AnswerLate(Conflict):
    """The state of the question has expired, is another call's, or was never ours."""

    status = 410
    code = "answer_late"
    title = "This question is not waiting for an answer any more"
    default_hint = "Nothing was done. Ask again from the start."


@dataclass(frozen=True, slots=True)
class Elicitation:
    """One form: `fields` are flat JSON schemas by name, with title and description (SPEC 5)."""

    message: str
    fields: Mapping[str, Mapping[str, Any]]
    required: tuple[str, ...] = ()
    kind: Literal["form", "choice"] = "form"

    def request(self) -> dict[str, Any]:
        """As MCP puts it."""
        schema = {
            "type": "object",
            "properties": {name: dict(schema) for name, schema in self.fields.items()},
            "required": list(self.required),
        }
        meta = {KIND_META: self.kind}
        params = {"mode": "form", "message": self.message, "requestedSchema": schema, "_meta": meta}
        return {"method": "elicitation/create", "params": params}


@dataclass(frozen=True, slots=True)
class Asks:
    """state: JSON; whatever the tool needs again. Kept nowhere but with the client, sealed."""

    requests: Mapping[str, Elicitation]
    state: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Response:
    """content is as the client sent it: a gateway or platform in between has checked it, a bare one not."""

    action: Action
    content: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Resumed:
    responses: Mapping[str, Response]
    state: Mapping[str, Any]


class States:
    """`secret`: the same for all replicas."""

    def __init__(self, secret: bytes, clock: Clock) -> None:
        self._ring = KeyRing.from_secret(hashlib.sha256(b"tool-states" + secret).digest())
        self._clock = clock

    def seal(self, principal: Principal, tool: str, arguments: Mapping[str, Any], held: Any) -> str:
        until = self._clock.now().timestamp() + LIVES_S
        inside = msgspec.json.encode({"until": until, "held": held})
        return self._ring.seal(inside, _about(principal, tool, arguments))

    def open(
        self, principal: Principal, tool: str, arguments: Mapping[str, Any], state: str
    ) -> dict[str, Any]:
        """What was held. Raises AnswerLate."""
        try:
            inside = self._ring.open(state, _about(principal, tool, arguments))
        except SealBroken as error:
            raise AnswerLate from error
        told = cast(dict[str, Any], msgspec.json.decode(inside))
        if told["until"] <= self._clock.now().timestamp():
            raise AnswerLate
        return told["held"]


def resumption(
    states: States | None,
    principal: Principal,
    tool: str,
    arguments: Mapping[str, Any],
    given: Mapping[str, Any],
) -> Resumed | None:
    """None: the call begins. Raises AnswerLate, Invalid."""
    if not given:
        return None
    state: Any = given.get("requestState")
    if states is None or not isinstance(state, str):
        raise AnswerLate
    held = states.open(principal, tool, arguments, state)
    responses: Any = given.get("inputResponses") or {}
    return Resumed({str(key): _response(one) for key, one in responses.items()}, held)


def input_required(
    states: States | None, principal: Principal, tool: str, arguments: Mapping[str, Any], asks: Asks
) -> dict[str, Any]:
    """The MCP result. Raises Unavailable where the server was built without states."""
    if states is None:
        raise Unavailable("This server cannot ask anything.")
    return {
        "resultType": "input_required",
        "_meta": {EXPIRES_META: LIVES_S},
        "inputRequests": {key: one.request() for key, one in asks.requests.items()},
        "requestState": states.seal(principal, tool, arguments, dict(asks.state)),
    }


def _response(given: Any) -> Response:
    told = cast(dict[str, Any], given) if isinstance(given, dict) else {}
    action: Any = told.get("action")
    content: Any = told.get("content") or {}
    if action not in _ACTIONS or not isinstance(content, dict):
        raise Invalid("This is no answer to what was asked: action is accept, decline or cancel.")
    return Response(action, cast(dict[str, Any], content))


def _about(principal: Principal, tool: str, arguments: Mapping[str, Any]) -> bytes:
    said = json.dumps(arguments, sort_keys=True, separators=(",", ":"))
    bound = [str(principal.organisation_id), principal.kind, str(principal.id), tool, said]
    return hashlib.sha256("\n".join(bound).encode()).digest()
