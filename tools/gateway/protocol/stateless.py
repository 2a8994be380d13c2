"""The stateless era, 2026-07-28: every request stands alone, and its headers equal its body."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kit.wire.mcp import (
    CAPABILITIES_META,
    HEADER_MISMATCH,
    INVALID_PARAMS,
    METHOD_HEADER,
    METHOD_NOT_FOUND,
    NAME_HEADER,
    REVISION_HEADER,
    REVISION_META,
    REVISIONS,
    STATELESS,
    UNSUPPORTED_REVISION,
    decode_header,
)
from tools.gateway.protocol import answers
from tools.gateway.protocol.envelope import Message
from tools.gateway.protocol.era import Methods, Refused, mapping
from tools.gateway.protocol.http import Asked


@dataclass(frozen=True, slots=True)
class StatelessEra:
    methods: Methods

    async def answer(self, request: Asked, message: Message, server: str | None) -> bytes:
        """The result. Raises Refused and kit.errors.SwitchboardError."""
        meta = _agreed(request, message)
        if message.method == "tools/call":
            return await self.methods.call(request, message, server, revision=STATELESS, meta=meta)
        caller = await self.methods.caller(request)
        match message.method:
            case "tools/list":
                return self.methods.list(caller, message, server, stateless=True)
            case "server/discover":
                return answers.DISCOVERED
            case _:
                raise Refused(METHOD_NOT_FOUND, "Method not found")


def unsupported(revision: str) -> Refused:
    data = {"supported": list(REVISIONS), "requested": revision}
    return Refused(UNSUPPORTED_REVISION, "Unsupported protocol version", data)


def _agreed(request: Asked, message: Message) -> Mapping[str, Any]:
    """The `_meta`, after header and body have been held against each other."""
    if request.twice:
        raise Refused(HEADER_MISMATCH, f"{', '.join(sorted(request.twice))} came more than once.")
    meta = mapping(message.params.get("_meta"))
    missing = [key for key in (REVISION_META, CAPABILITIES_META) if key not in meta]
    if missing:
        raise Refused(INVALID_PARAMS, f"params._meta lacks {', '.join(missing)}.")
    revision = request.get(REVISION_HEADER)
    if revision != meta[REVISION_META]:
        raise Refused(HEADER_MISMATCH, f"The {REVISION_HEADER} header differs from params._meta.")
    if request.get(METHOD_HEADER) != message.method:
        raise Refused(HEADER_MISMATCH, f"The {METHOD_HEADER} header differs from the body's method.")
    if message.method == "tools/call" and not _same_name(request, message.params.get("name")):
        raise Refused(HEADER_MISMATCH, f"The {NAME_HEADER} header differs from the body's name.")
    if revision != STATELESS:
        raise unsupported(revision)
    return meta


def _same_name(request: Asked, name: Any) -> bool:
    return name is None or (request.has(NAME_HEADER) and decode_header(request.get(NAME_HEADER)) == name)
