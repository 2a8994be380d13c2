"""The session era, 2024-11-05 to 2025-11-25: `initialize` first, then `Mcp-Session-Id`."""

from dataclasses import dataclass

from kit.errors import Unauthenticated
from kit.wire.mcp import INVALID_REQUEST, METHOD_NOT_FOUND, SESSION_HEADER, SESSION_REVISIONS
from tools.gateway.callers import Caller
from tools.gateway.protocol import answers
from tools.gateway.protocol.envelope import Message
from tools.gateway.protocol.era import Methods, Refused, mapping
from tools.gateway.protocol.http import Asked, Headers
from tools.gateway.protocol.sessions import Sessions


@dataclass(frozen=True, slots=True)
class SessionEra:
    methods: Methods
    sessions: Sessions

    async def answer(self, request: Asked, message: Message, server: str | None) -> tuple[bytes, Headers]:
        """The result and headers. Raises Refused, SessionGone and kit.errors.SwitchboardError."""
        if message.method == "initialize":
            return self._begin(await self.methods.caller(request), message)
        if message.method == "tools/call":
            return await self._call(request, message, server), ()
        caller = await self.methods.caller(request)
        await self._revision(request, caller)
        match message.method:
            case "tools/list":
                return self.methods.list(caller, message, server, stateless=False), ()
            case "ping":
                return answers.EMPTY, ()
            case _:
                raise Refused(METHOD_NOT_FOUND, "Method not found", status=200)

    async def end(self, request: Asked) -> None:
        """Raises SessionGone, Unauthenticated."""
        caller = await self.methods.caller(request)
        await self.sessions.end(request.get(SESSION_HEADER), caller.principal)

    def _begin(self, caller: Caller, message: Message) -> tuple[bytes, Headers]:
        wanted = message.params.get("protocolVersion")
        revision = wanted if wanted in SESSION_REVISIONS else SESSION_REVISIONS[0]
        session = self.sessions.begin(caller.principal, revision)
        return answers.initialised(revision), [(SESSION_HEADER.encode(), session.encode())]

    async def _call(self, request: Asked, message: Message, server: str | None) -> bytes:
        try:
            revision = await self._revision(request, await self.methods.caller(request))
        except Unauthenticated:
            # into the chain all the same: it refuses, and records that it did
            revision = SESSION_REVISIONS[0]
        meta = mapping(message.params.get("_meta"))
        return await self.methods.call(request, message, server, revision=revision, meta=meta)

    async def _revision(self, request: Asked, caller: Caller) -> str:
        session = request.get(SESSION_HEADER)
        if not session:
            raise Refused(
                INVALID_REQUEST,
                "There is no session: send `initialize` first, or use revision 2026-07-28.",
                status=400,
            )
        return await self.sessions.revision(session, caller.principal)
