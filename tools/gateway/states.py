"""The one envelope for `requestState` that the gateway gives out, and what a tool server's question may say.

A client brings a `requestState` back with its answers (MCP 2026-07-28), to any replica. What is in it is
sealed under a key that all replicas derive from their signing key, and opens for the same caller, session,
endpoint, tool, arguments and pinned definition only. It can be replayed while it lives: whoever must not
act twice on it keeps an id inside, which is used up elsewhere.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

import msgspec

from access.tokens import SigningKey
from kit.clock import Clock
from kit.sealing import KeyRing, SealBroken
from kit.wire.interactions import EXPIRES_META, KIND_META
from kit.wire.tools import RELEASE
from tools.gateway.call import Call
from tools.gateway.catalogue import OfferedTool

Kind = Literal["approval", "approved", "second", "connect", "foreign"]
"""What was asked: approval, by this client; what an approved tool then asks; approval by a second person;
to connect an account; what a tool server keeps for itself."""
OUR_META = "switchboard/"
SERVER_META = "switchboard/server"
"""In the `_meta` of a question: which server asks it. None: the gateway does."""
Reason = Literal["forged", "caller", "session", "route", "tool", "arguments"]
_PREFIX = "swb2."
# beyond it two integers may be one float
_EXACT = 2**53
_OWN_KINDS = ("form", "choice")
_encode = msgspec.json.Encoder().encode
_names = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class StateRefused(Exception):
    """`reason`: what differs from when it was given out; for the record, not for the client."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


class StateExpired(Exception):
    """Ours and this call's, but older than it may be."""


@dataclass(frozen=True, slots=True)
class _Bound:
    """What a state belongs to."""

    organisation: str
    caller: str
    session: str
    route: str
    server: str
    """Its key: two organisations may have servers of one name."""
    tool: str
    digest: str


class States:
    """`seal` what must come back with the answer, `open` it again."""

    def __init__(self, key: SigningKey, clock: Clock) -> None:
        secret = hashlib.sha256(b"mcp-states" + key.private.private_bytes_raw()).digest()
        self._ring = KeyRing.from_secret(secret)
        self._clock = clock

    def seal(self, call: Call, kind: Kind, held: Mapping[str, Any], expires_s: float) -> str:
        """`held` is JSON. Opens for the next leg of this call only."""
        until = self._clock.now().timestamp() + expires_s
        inside = _encode({"bound": _list(_bound(call)), "until": until, "held": held})
        return f"{_PREFIX}{kind}.{self._ring.seal(inside, _about(kind))}"

    def open(self, call: Call, kind: Kind, state: str) -> dict[str, Any]:
        """What was held. Raises StateRefused, StateExpired."""
        if kind_of(state) != kind:
            raise StateRefused("forged")
        try:
            inside = self._ring.open(state.removeprefix(f"{_PREFIX}{kind}."), _about(kind))
        except SealBroken as error:
            raise StateRefused("forged") from error
        told = cast(dict[str, Any], msgspec.json.decode(inside))
        _same(_Bound(*told["bound"]), _bound(call))
        if told["until"] <= self._clock.now().timestamp():
            raise StateExpired
        return told["held"]


def kind_of(state: str) -> str | None:
    """What a state says it is; None: it is not from here."""
    if not state.startswith(_PREFIX):
        return None
    return state[len(_PREFIX) :].partition(".")[0]


def digest_of(call: Call) -> str:
    """Of what would be done: server and its address, tool, pinned definition, arguments, as sha256 in hex.

    The same for equal JSON: the order of keys says nothing, and 1.0 is 1, as in JSON Schema.
    """
    tool = call.known_tool()
    whose = [tool.server_key, tool.address, tool.own_name, tool.policy.definition_hash, call.method]
    text = json.dumps([*whose, _canonical(call.arguments)], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def session_of(call: Call) -> str:
    """The conversation that a call belongs to, or the client's MCP session; empty: neither."""
    told = call.known_caller().principal.limits.session_id
    return str(told) if told else call.session


def foreign_question(result: bytes, tool: OfferedTool) -> dict[str, Any]:
    """A server's `input_required`, decoded, as it may go on: under the server's name, and without any mark
    by which our own questions are known. Our own servers may still say `form` or `choice`, and how
    long they wait."""
    told = cast(dict[str, Any], msgspec.json.decode(result))
    ours = tool.policy.approved_by == RELEASE
    waits = _waits(told) if ours else None
    _unmark(told, ours=ours)
    wanted = told.get("inputRequests")
    for asked in cast(dict[str, Any], wanted).values() if isinstance(wanted, dict) else ():
        params = cast(dict[str, Any], asked).get("params") if isinstance(asked, dict) else None
        if isinstance(params, dict):
            _unmark_question(cast(dict[str, Any], params), tool.server, ours=ours, waits=waits)
    return told


def foreign_result(result: bytes, tool: OfferedTool) -> bytes:
    """A server's result without marks that only we make: an error of ours names where to approve."""
    told = cast(dict[str, Any], msgspec.json.decode(result))
    _unmark(told, ours=tool.policy.approved_by == RELEASE)
    return msgspec.json.encode(told)


def marked(meta: msgspec.Raw) -> bool:
    """Whether a result's `_meta` has any mark of ours."""
    try:
        names = _names(meta)
    except msgspec.MsgspecError:
        return False
    return any(map(_ours, names))


def _waits(told: Mapping[str, Any]) -> Any:
    """Of the whole result: MCP's Python SDK takes everything out of the `_meta` of a question in it."""
    meta = told.get("_meta")
    return cast(dict[str, Any], meta).get(EXPIRES_META) if isinstance(meta, dict) else None


def _unmark_question(params: dict[str, Any], server: str, *, ours: bool, waits: Any) -> None:
    meta = params.get("_meta")
    given = cast(dict[str, Any], meta) if isinstance(meta, dict) else {}
    kind = given.get(KIND_META)
    kept = {name: value for name, value in given.items() if not _ours(name)}
    if ours and kind in _OWN_KINDS:
        kept[KIND_META] = kind
    if waits is not None:
        kept[EXPIRES_META] = waits
    params["_meta"] = kept | {SERVER_META: server}


def _unmark(told: dict[str, Any], *, ours: bool) -> None:
    meta = told.get("_meta")
    if isinstance(meta, dict) and not ours:
        told["_meta"] = {n: value for n, value in cast(dict[str, Any], meta).items() if not _ours(n)}


def _ours(name: str) -> bool:
    return name.lower().startswith(OUR_META)


def _about(kind: Kind) -> bytes:
    return f"mcp-state.{kind}".encode()


def _bound(call: Call) -> _Bound:
    caller, tool = call.known_caller(), call.known_tool()
    return _Bound(
        organisation=caller.organisation_id,
        caller=caller.actor,
        session=session_of(call),
        route=call.server or "",
        server=tool.server_key,
        tool=tool.own_name,
        digest=digest_of(call),
    )


def _list(bound: _Bound) -> list[str]:
    return [getattr(bound, name) for name in _Bound.__slots__]


def _same(then: _Bound, now: _Bound) -> None:
    reasons: list[tuple[Reason, bool]] = [
        ("caller", (then.organisation, then.caller) == (now.organisation, now.caller)),
        ("session", then.session == now.session),
        ("route", then.route == now.route),
        ("tool", (then.server, then.tool) == (now.server, now.tool)),
        ("arguments", then.digest == now.digest),
    ]
    for reason, same in reasons:
        if not same:
            raise StateRefused(reason)


def _canonical(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return int(value)
    if isinstance(value, dict):
        return {name: _canonical(inner) for name, inner in cast(dict[str, Any], value).items()}
    if isinstance(value, list):
        return [_canonical(inner) for inner in cast(list[Any], value)]
    return value
