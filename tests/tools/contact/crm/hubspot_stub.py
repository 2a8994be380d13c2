"""HubSpot's contacts API as far as leads need it, with its shapes and errors."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from aiohttp import web

from tests.loopback import listening

TOKEN = "pat-na1-test"
UPSERT = "/crm/v3/objects/contacts/batch/upsert"


@dataclass
class Account:
    """troubles: (status, headers, body, done) instead of an answer, oldest first; status 0: the connection
    goes. done: it works first."""

    contacts: dict[str, dict[str, str]] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    troubles: list[tuple[int, dict[str, str], Any, bool]] = field(default_factory=list)
    calls: int = 0
    url: str = ""

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post(UPSERT, self._answer)
        return app

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.calls += 1
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return web.json_response(error("INVALID_AUTHENTICATION"), status=401)
        if not self.troubles:
            return await self._upsert(request)
        status, headers, body, done = self.troubles.pop(0)
        if done:
            await self._upsert(request)
        if status == 0:
            cast(Any, request.transport).abort()
            return web.Response()
        return web.json_response(body, status=status, headers=headers)

    async def _upsert(self, request: web.Request) -> web.Response:
        body = await request.json()
        await asyncio.sleep(0)
        return web.json_response(
            {"status": "COMPLETE", "results": [self._one(entry) for entry in body["inputs"]]}
        )

    def _one(self, entry: dict[str, Any]) -> dict[str, Any]:
        assert set(entry) == {"idProperty", "id", "properties"}
        assert entry["idProperty"] == "email"
        email, now = entry["id"].lower(), datetime.now(UTC).isoformat()
        new = email not in self.contacts
        self.contacts.setdefault(email, {}).update(entry["properties"])
        self.ids.setdefault(email, str(501 + len(self.ids)))
        shown = {"id": self.ids[email], "properties": self.contacts[email], "new": new}
        return {**shown, "createdAt": now, "updatedAt": now, "archived": False}


def error(category: str, **others: Any) -> dict[str, Any]:
    """As HubSpot writes them; the message may repeat what was sent."""
    said = "Property values were not valid: gary.guest@example.org"
    return {"status": "error", "message": said, "correlationId": "c-1", "category": category, **others}


@asynccontextmanager
async def running() -> AsyncIterator[Account]:
    account = Account()
    async with listening(account.app()) as url:
        account.url = url
        yield account
