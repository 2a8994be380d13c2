"""A stream that a client keeps open to hear what changes: GET in a session, or subscriptions/listen."""

import asyncio
import json
from types import TracebackType
from typing import Any, Self

import httpx

from access.principal import Principal
from kit.wire import mcp
from tests.tools.gateway.wire import CLIENT
from tests.tools.world import Gate


class Stream:
    def __init__(
        self,
        gate: Gate,
        principal: Principal,
        *,
        stateless: bool,
        uris: list[str] | None = None,
        tasks: list[str] | None = None,
        url: str = "",
    ) -> None:
        self._url = f"{url or gate.url}/mcp"
        self._token = {"authorization": f"Bearer {gate.token(principal)}"}
        self._stateless = stateless
        self._uris = uris or []
        self._tasks = tasks or []
        self._messages: list[dict[str, Any]] = []
        self._news = asyncio.Condition()
        self.session = ""

    async def __aenter__(self) -> Self:
        self._client = httpx.AsyncClient(timeout=30, trust_env=False, verify=False)
        if self._stateless:
            self._task = asyncio.create_task(self._listen())
            await self.until("notifications/subscriptions/acknowledged")
            return self
        await self._begin()
        self._opened = asyncio.Event()
        self._task = asyncio.create_task(self._get())
        await asyncio.wait_for(self._opened.wait(), 20)
        for uri in self._uris:
            await self.say("resources/subscribe", {"uri": uri})
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._client.aclose()

    def heard(self, method: str) -> list[dict[str, Any]]:
        return [message for message in self._messages if message.get("method") == method]

    async def until(self, method: str) -> dict[str, Any]:
        async with asyncio.timeout(20), self._news:
            await self._news.wait_for(lambda: self.heard(method) or self._task.done())
        if not self.heard(method):
            self._task.result()
            raise AssertionError(f"the stream ended without {method}: {self._messages}")
        return self.heard(method)[0]

    async def say(self, method: str, params: dict[str, Any], id: int | None = 1) -> Any:
        message: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": params}
        headers = self._token | {"content-type": "application/json"}
        if self.session:
            headers[mcp.SESSION_HEADER] = self.session
        sent = message | ({"id": id} if id is not None else {})
        response = await self._client.post(self._url, json=sent, headers=headers)
        assert response.status_code in (200, 202), response.text
        self.session = response.headers.get(mcp.SESSION_HEADER, self.session)
        return response.json() if response.content else None

    async def _begin(self) -> None:
        about = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": CLIENT}
        await self.say("initialize", about)
        await self.say("notifications/initialized", {}, id=None)

    async def _get(self) -> None:
        headers = self._token | {"accept": "text/event-stream", mcp.SESSION_HEADER: self.session}
        async with self._client.stream("GET", self._url, headers=headers) as response:
            assert response.status_code == 200
            self._opened.set()
            await self._read(response)

    async def _listen(self) -> None:
        wanted = {
            "toolsListChanged": True,
            "promptsListChanged": True,
            "resourceSubscriptions": self._uris,
            "taskIds": self._tasks,
        }
        can: dict[str, Any] = {"extensions": {mcp.TASKS_EXTENSION: {}}} if self._tasks else {}
        params = mcp.stateless_params({"notifications": wanted}, CLIENT, capabilities=can)
        headers = mcp.stateless_headers("subscriptions/listen") | self._token
        body = mcp.request("subscriptions/listen", params)
        async with self._client.stream("POST", self._url, content=body, headers=headers) as response:
            await self._read(response)

    async def _read(self, response: httpx.Response) -> None:
        try:
            async for line in response.aiter_lines():
                # pings are comments
                if line.startswith("data:") and line[5:].strip():
                    self._messages.append(json.loads(line[5:]))
                    async with self._news:
                        self._news.notify_all()
        finally:
            async with self._news:
                self._news.notify_all()
