"""Audit records: what is written down about a call (SPEC 12)."""

import hashlib
import secrets
from base64 import b32hexencode
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from kit.clock import Clock
from tools.gateway.call import Call
from tools.gateway.callers import Caller
from tools.gateway.platform import GATEWAY

ANONYMOUS = "anonymous"
# base32hex and Crockford's base32 differ in their letters only
_CROCKFORD = bytes.maketrans(b"0123456789ABCDEFGHIJKLMNOPQRSTUV", b"0123456789ABCDEFGHJKMNPQRSTVWXYZ")
_encode = msgspec.json.Encoder().encode


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """kit.wire.internal.AuditEvent, written by msgspec: this is on the path of every call."""

    id: str
    at: str
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
    return Record(ulid(now), now.isoformat(), "audit", type, organisation_id, actor, data, trace_id)


def own_record(clock: Clock, type: str, data: Mapping[str, Any]) -> Record:
    """Of the gateway itself."""
    now = clock.now()
    organisation_id, actor = str(GATEWAY.organisation_id), str(GATEWAY.id)
    return Record(ulid(now), now.isoformat(), "audit", type, organisation_id, actor, data)


def ulid(now: datetime) -> str:
    """48 bits of milliseconds and 80 random ones, in Crockford's base32 (26 characters, sortable)."""
    moment = int(now.timestamp() * 1000).to_bytes(6)
    # 20 bytes are 32 digits without padding; the last 26 hold our 16 bytes
    whole = b"\0\0\0\0" + moment + secrets.token_bytes(10)
    return b32hexencode(whole).translate(_CROCKFORD)[-26:].decode()


def sanitised(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Which fields, how much, and a digest by which equal calls are known; never the values."""
    encoded = _encode(arguments)
    return {
        "fields": sorted(arguments)[:50],
        "bytes": len(encoded),
        "sha256": hashlib.sha256(encoded).hexdigest()[:32],
    }


def trace_id_of(call: Call) -> str | None:
    """From `traceparent` (W3C Trace Context): 00-<32 hex>-<16 hex>-<2 hex>."""
    parts = call.trace.get("traceparent", "").split("-")
    return parts[1] if len(parts) == 4 else None
