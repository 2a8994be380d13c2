"""Audit events: what is written down about a call (SPEC 12)."""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec
from ulid import ULID

from kit.clock import Clock
from kit.wire.internal import AuditEvent
from tools.gateway.call import Call
from tools.gateway.callers import Caller
from tools.gateway.platform import GATEWAY

ANONYMOUS = "anonymous"


def event(
    clock: Clock, type: str, data: Mapping[str, Any], *, caller: Caller | None, trace_id: str | None = None
) -> AuditEvent:
    """`caller` None: nobody is signed in, so organisation_id is empty."""
    return _event(
        clock,
        type,
        data,
        organisation_id=str(caller.principal.organisation_id) if caller else "",
        actor=str(caller.principal.id) if caller else ANONYMOUS,
        trace_id=trace_id,
    )


def own_event(clock: Clock, type: str, data: Mapping[str, Any]) -> AuditEvent:
    """Of the gateway itself."""
    return _event(
        clock,
        type,
        data,
        organisation_id=str(GATEWAY.organisation_id),
        actor=str(GATEWAY.id),
        trace_id=None,
    )


def _event(
    clock: Clock,
    type: str,
    data: Mapping[str, Any],
    *,
    organisation_id: str,
    actor: str,
    trace_id: str | None,
) -> AuditEvent:
    now = clock.now()
    # model_construct: the fields are ours, and checking them again costs as much as writing them
    return AuditEvent.model_construct(
        id=str(ULID()),
        at=now.isoformat(),
        kind="audit",
        type=type,
        organisation_id=organisation_id,
        actor=actor,
        trace_id=trace_id,
        data=dict(data),
    )


def sanitised(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Which fields, how much, and a digest by which equal calls are known; never the values."""
    encoded = msgspec.json.encode(arguments)
    return {
        "fields": sorted(arguments)[:50],
        "bytes": len(encoded),
        "sha256": hashlib.sha256(encoded).hexdigest()[:32],
    }


def trace_id_of(call: Call) -> str | None:
    """From `traceparent` (W3C Trace Context): 00-<32 hex>-<16 hex>-<2 hex>."""
    parts = call.trace.get("traceparent", "").split("-")
    return parts[1] if len(parts) == 4 else None
