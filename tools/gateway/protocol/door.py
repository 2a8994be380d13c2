"""The door: one POST is one message, of either era (MCP 2026-07-28 and 2025-11-25, transports).

Which era is told by the `MCP-Protocol-Version` header: a revision with sessions, or none, means
sessions; everything else is held against 2026-07-28, whose errors name what we serve.
"""

import re
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

import structlog
from starlette.types import Receive, Scope, Send

from kit.errors import SwitchboardError, TooMany, Unauthenticated
from kit.wire.mcp import (
    HEADER_MISMATCH,
    HTTP_STATUS,
    INTERNAL_ERROR,
    INVALID_REQUEST,
    METHOD_HEADER,
    REVISION_HEADER,
    SESSION_REVISIONS,
    STATELESS,
    UNAUTHENTICATED,
    RequestId,
    RpcError,
)
from tools.gateway.deadlines import Deadlines
from tools.gateway.protocol import answers
from tools.gateway.protocol.asking import Cancelled
from tools.gateway.protocol.envelope import Malformed, Message, parse
from tools.gateway.protocol.era import Refused, Where
from tools.gateway.protocol.http import (
    Asked,
    Headers,
    HttpRefused,
    asked,
    error_body,
    read_body,
    result_body,
    send_nothing,
)
from tools.gateway.protocol.in_session import SessionEra
from tools.gateway.protocol.leaving import ClientLeft, UnlessClientLeaves
from tools.gateway.protocol.naming import names_of
from tools.gateway.protocol.outlet import Outlet
from tools.gateway.protocol.sessions import SessionGone
from tools.gateway.protocol.stateless import StatelessEra, unsupported
from tools.gateway.settings import GatewaySettings
from tools.gateway.strangers import Strangers

_ALLOW = [(b"allow", b"POST, GET, DELETE")]
_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})
_HOST = re.compile(r"[A-Za-z0-9._-]{1,255}(:\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:\d{1,5})?")
Said = tuple[int, bytes, Headers]
"""Status, body, headers."""
_EVERYWHERE = Where(None)
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Door:
    """Serves MCP for all servers, or for the one that the path names."""

    settings: GatewaySettings
    stateless: StatelessEra
    in_session: SessionEra
    strangers: Strangers
    timer: Deadlines = field(default_factory=Deadlines)

    async def __call__(self, scope: Scope, receive: Receive, send: Send, server: str | None = None) -> None:
        id: RequestId | None = None
        outlet = Outlet(send, streams=False)
        try:
            request = asked(scope)
            if not request.passed or self.strangers.shut:
                await self._let_in(scope, request)
            outlet.streams = "text/event-stream" in request.get("accept")
            query: bytes = scope.get("query_string", b"")
            where = Where(server, names_of(query)) if server is not None or query else _EVERYWHERE
            if request.method == "DELETE":
                await self.in_session.end(request, where)
                return await send_nothing(send, 204)
            if request.method == "GET":
                with UnlessClientLeaves(receive, self.timer):
                    await self.in_session.listen(request, where, outlet)
                return await outlet.finish(200, b"")
            body = await read_body(request, receive, self.settings.body_limit, self.timer)
            message = parse(body, self.settings.depth_limit)
            id = message.id
            with UnlessClientLeaves(receive, self.timer, outlet.left):
                status, body, headers = await self._answer(request, message, where, outlet)
            await outlet.finish(status, body, headers)
        except ClientLeft:
            return None
        except Cancelled:
            # there is no answer to a cancelled request; the stream just ends
            await outlet.begin()
            await outlet.finish(200, b"")
        except HttpRefused as error:
            told = error_body(id, RpcError(INVALID_REQUEST, error.message))
            await outlet.finish(error.status, told, error.headers)
        except Malformed as error:
            await outlet.finish(400, error_body(error.id, RpcError(error.code, error.message)))
        except Refused as error:
            await _send_error(outlet, id, error.error, error.status)
        except SessionGone:
            await _send_error(outlet, id, RpcError(INVALID_REQUEST, "Session not found"), 404)
        except SwitchboardError as error:
            await self._send_switchboard_error(scope, outlet, id, error)
        except Exception:
            _log.exception("gateway.failed")
            told = RpcError(INTERNAL_ERROR, "Something went wrong on our side.")
            await _send_error(outlet, id, told, 500)
        finally:
            outlet.close()

    async def _answer(self, request: Asked, message: Message, where: Where, outlet: Outlet) -> Said:
        revision = request.get(REVISION_HEADER)
        stateless = bool(revision) and revision not in SESSION_REVISIONS
        if not stateless:
            _of_one_mind(request, message)
        if message.id is None or not message.method:
            return await self._take_note(request, message, where, revision if stateless else None)
        if stateless:
            result = await self.stateless.answer(request, message, where, outlet)
            return 200, result_body(message.id, result), ()
        result, headers = await self.in_session.answer(request, message, where, outlet)
        return 200, result_body(message.id, result), headers

    async def _take_note(self, request: Asked, message: Message, where: Where, revision: str | None) -> Said:
        """Of the session era: answers to what we asked, and cancellations. The other era has neither."""
        if revision is None:
            await self.in_session.note(request, message, where)
            return 202, b"", ()
        await self.stateless.methods.caller(request)
        if not message.method:
            raise Refused(INVALID_REQUEST, "The body must be a request or a notification.")
        if revision != STATELESS:
            raise unsupported(revision)
        return 202, b"", ()

    def _check(self, request: Asked) -> None:
        """Raises HttpRefused for what no revision of MCP sends."""
        if request.method not in ("POST", "DELETE", "GET"):
            raise HttpRefused(405, "Send a POST, or a GET to listen in a session.", _ALLOW)
        if (origin := request.get("origin")) and not self._may_come_from(origin):
            raise HttpRefused(403, "Pages of this origin may not call; an admin can allow it.")
        if request.method == "DELETE":
            return
        accept = request.get("accept")
        if request.method == "GET":
            self._check_listening(request, accept)
            return
        if not _is_json(request.get("content-type")):
            raise HttpRefused(415, "The body must be application/json.")
        if accept and not any(known in accept for known in ("json", "*/*", "application/*")):
            raise HttpRefused(406, "Accept application/json: that is what answers come in.")

    def _check_listening(self, request: Asked, accept: str) -> None:
        revision = request.get(REVISION_HEADER)
        if revision and revision not in SESSION_REVISIONS:
            raise HttpRefused(405, "This revision listens by subscriptions/listen.", [(b"allow", b"POST")])
        if "text/event-stream" not in accept:
            raise HttpRefused(406, "Accept text/event-stream: a GET is for listening in a session.")

    def _may_come_from(self, origin: str) -> bool:
        """Against DNS rebinding: a browser page is let in by name only, or from this machine."""
        if origin in self.settings.allowed_origins:
            return True
        try:
            return urlsplit(origin).hostname in _THIS_MACHINE
        except ValueError:
            return False

    async def _let_in(self, scope: Scope, request: Asked) -> None:
        """Raises HttpRefused, and TooManyFailedSignIns."""
        self._check(request)
        request.passed = True
        await self.strangers.let_in(scope, request.get("authorization"))

    async def _counted(self, scope: Scope, error: Unauthenticated) -> SwitchboardError:
        """What to say, which is another thing beyond the limit of the caller's address."""
        credential = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        try:
            await self.strangers.refused(scope, credential.decode("latin-1"))
        except TooMany as beyond:
            return beyond
        return error

    async def _send_switchboard_error(
        self, scope: Scope, outlet: Outlet, id: RequestId | None, error: SwitchboardError
    ) -> None:
        if isinstance(error, Unauthenticated):
            error = await self._counted(scope, error)
        told = answers.rpc_error(error) or RpcError(INTERNAL_ERROR, error.detail, {"hint": error.hint})
        headers: list[tuple[bytes, bytes]] = []
        if told.code == UNAUTHENTICATED:
            headers.append((b"www-authenticate", self._challenge(scope)))
        if error.retry_after is not None:
            headers.append((b"retry-after", b"%d" % max(1, round(error.retry_after))))
        status = error.status if isinstance(error, TooMany) else None
        await _send_error(outlet, id, told, status, headers)

    def _challenge(self, scope: Scope) -> bytes:
        """RFC 9728: where a client learns how to sign in."""
        # the path as it was decoded may hold quotes and line ends
        where = f"{base_url(self.settings, scope)}/.well-known/oauth-protected-resource{quote(scope['path'])}"
        return f'Bearer resource_metadata="{where}"'.encode("latin-1", "replace")


def _is_json(content_type: str) -> bool:
    if content_type == "application/json":
        return True
    return content_type.partition(";")[0].strip().lower() == "application/json"


def base_url(settings: GatewaySettings, scope: Scope) -> str:
    """Where clients reach us: as configured, else as this request did."""
    if settings.public_url:
        return settings.public_url.rstrip("/")
    host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "localhost")
    return f"{scope.get('scheme', 'http')}://{host if _HOST.fullmatch(host) else 'localhost'}"


def _of_one_mind(request: Asked, message: Message) -> None:
    """The session era has no routing headers, but a proxy in front may decide by them all the same: what
    it read must not differ from what we do. Raises Refused."""
    if request.twice:
        told = f"{', '.join(sorted(request.twice))} came more than once."
        raise Refused(HEADER_MISMATCH, told, status=400)
    if message.method and request.has(METHOD_HEADER) and request.get(METHOD_HEADER) != message.method:
        told = f"The {METHOD_HEADER} header differs from the body's method."
        raise Refused(HEADER_MISMATCH, told, status=400)


async def _send_error(
    outlet: Outlet, id: RequestId | None, error: RpcError, status: int | None, headers: Headers = ()
) -> None:
    await outlet.finish(status or HTTP_STATUS.get(error.code, 200), error_body(id, error), headers)
