"""Audit records: what is written down about a call (SPEC 12)."""

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from kit.clock import Clock
from tools.gateway.call import Call
from tools.gateway.callers import Caller
from tools.gateway.platform import GATEWAY

ANONYMOUS = "anonymous"
_NAMES, _NAME = 50, 64
_PARENT = 55
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_encode = msgspec.json.Encoder().encode


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """kit.wire.internal.AuditEvent, written by msgspec: this is on the path of every call."""

    id: str
    at: datetime
    kind: str
    type: str
    organisation_id: str
    actor: str
    data: Mapping[str, Any]
    trace_id: str | None = None

    def line(self) -> bytes:
        return _encode(self) + b"\n"


def record(
    clock: Clock, type: str, data: Mapping[str, Any], *, caller: Caller | None, trace_id: str | None = None
) -> Record:
    """`caller` None: nobody is signed in, so organisation_id is empty."""
    now = clock.now()
    organisation_id, actor = (caller.organisation_id, caller.actor) if caller else ("", ANONYMOUS)
    return Record(ulid(now), now, "audit", type, organisation_id, actor, data, trace_id)


def own_record(clock: Clock, type: str, data: Mapping[str, Any]) -> Record:
    """Of the gateway itself."""
    now = clock.now()
    organisation_id, actor = str(GATEWAY.organisation_id), str(GATEWAY.id)
    return Record(ulid(now), now, "audit", type, organisation_id, actor, data)


class Ulids:
    """48 bits of milliseconds and 80 others, in Crockford's base32 (26 characters, sortable).

    60 of the 80 are random per process, 20 count: as unique as random ones, at a tenth of their price.
    """

    def __init__(self) -> None:
        self._process = _digits(secrets.randbits(60), 12)
        self._count = secrets.randbits(20)
        self._millisecond = -1
        self._time = ""

    def next(self, at_s: float) -> str:
        """at_s: epoch seconds."""
        millisecond = int(at_s * 1000)
        if millisecond != self._millisecond:
            self._millisecond = millisecond
            self._time = "".join([_PAIRS[millisecond >> place & 1023] for place in (40, 30, 20, 10, 0)])
        self._count = count = (self._count + 1) & 0xFFFFF
        return self._time + self._process + _PAIRS[count >> 10] + _PAIRS[count & 1023]


def _digits(value: int, width: int) -> str:
    return "".join(_CROCKFORD[value >> 5 * place & 31] for place in reversed(range(width)))


_PAIRS = [high + low for high in _CROCKFORD for low in _CROCKFORD]
_next_id = Ulids().next


def ulid(now: datetime) -> str:
    return _next_id(now.timestamp())


def sanitised(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Which fields, how much, and a digest by which equal calls are known; never the values.

    The names are cut, too: a caller makes them up, and what is refused is on record without any limit.
    """
    encoded = _encode(arguments)
    return {
        "fields": [name[:_NAME] for name in sorted(arguments)[:_NAMES]],
        "bytes": len(encoded),
        "sha256": hashlib.sha256(encoded).hexdigest()[:32],
    }


def trace_id_of(call: Call) -> str | None:
    """From `traceparent` (W3C Trace Context): 00-<32 hex>-<16 hex>-<2 hex>."""
    parent = call.trace.get("traceparent", "")
    return parent[3:35] if len(parent) == _PARENT else None
