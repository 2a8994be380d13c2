"""Microsoft Graph as far as mail needs it, with its shapes and errors: drafts, one send for each, a search by
extended property, ids that move with the message unless immutable ones are asked for."""

import re
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, cast
from uuid import uuid4

from aiohttp import web

from tests.loopback import listening

_FILTER = re.compile(r"singleValueExtendedProperties/any\(p:p/id eq '([^']+)' and p/value eq '([^']+)'\)")


@dataclass
class Mailbox:
    """troubles: answers given instead of working, oldest first, to requests of that kind (find, create, mark,
    send); (status, headers, done): `done` — it works first, and the answer is lost on the way."""

    messages: dict[str, dict[str, Any]] = field(default_factory=dict)
    mime: dict[str, EmailMessage] = field(default_factory=dict)
    sent: list[EmailMessage] = field(default_factory=list)
    troubles: dict[str, list[tuple[int, dict[str, str], bool]]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    url: str = ""

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/v1.0/users/{user}/messages", self._troubled("find", self._find))
        app.router.add_post("/v1.0/users/{user}/messages", self._troubled("create", self._create))
        app.router.add_patch("/v1.0/users/{user}/messages/{id}", self._troubled("mark", self._mark))
        app.router.add_post("/v1.0/users/{user}/messages/{id}/send", self._troubled("send", self._send))
        return app

    def _troubled(self, kind: str, work: Any) -> Any:
        async def answer(request: web.Request) -> web.StreamResponse:
            self.calls.append(kind)
            if request.headers.get("authorization") != "Bearer token":
                return _error(401, "InvalidAuthenticationToken")
            waiting = self.troubles.get(kind)
            if not waiting:
                return await work(request)
            status, headers, done = waiting.pop(0)
            if done:
                await work(request)
            if status == 0:
                cast(Any, request.transport).abort()
                return web.Response()
            return _error(status, "generalException", headers)

        return answer

    async def _find(self, request: web.Request) -> web.Response:
        match = _FILTER.fullmatch(request.query["$filter"])
        assert match is not None, "Graph answers 400 to a filter that it does not know"
        wanted = {"id": match[1], "value": match[2]}
        found = [one for one in self.messages.values() if wanted in one["singleValueExtendedProperties"]]
        return web.json_response({"@odata.context": "…", "value": [_shown(one) for one in found]})

    async def _create(self, request: web.Request) -> web.Response:
        assert request.content_type == "text/plain"
        mime = message_from_bytes(b64decode(await request.read(), validate=True), policy=default)
        message_id = f"AAkALg{uuid4().hex}="
        self.mime[message_id] = cast(EmailMessage, mime)
        self.messages[message_id] = {
            "id": message_id,
            "isDraft": True,
            "internetMessageId": f"<{uuid4().hex}@graph.test>",
            "conversationId": str(mime["References"] or uuid4().hex),
            "sentDateTime": None,
            "singleValueExtendedProperties": [],
        }
        return web.json_response(_shown(self.messages[message_id]), status=201)

    async def _mark(self, request: web.Request) -> web.Response:
        message = self.messages.get(request.match_info["id"])
        if message is None:
            return _error(404, "ErrorItemNotFound")
        message.update(await request.json())
        return web.json_response(_shown(message))

    async def _send(self, request: web.Request) -> web.Response:
        message = self.messages.get(request.match_info["id"])
        if message is None or not message["isDraft"]:
            return _error(404, "ErrorItemNotFound")
        message["isDraft"] = False
        message["sentDateTime"] = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        self.sent.append(self.mime[message["id"]])
        return web.Response(status=202)


def _shown(message: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in message.items() if name != "singleValueExtendedProperties"}


def _error(status: int, code: str, headers: dict[str, str] | None = None) -> web.Response:
    body = {"error": {"code": code, "message": "gary.guest@example.org is not …", "innerError": {}}}
    return web.json_response(body, status=status, headers=headers)


@asynccontextmanager
async def running() -> AsyncIterator[Mailbox]:
    mailbox = Mailbox()
    async with listening(mailbox.app()) as url:
        mailbox.url = f"{url}/v1.0"
        yield mailbox
