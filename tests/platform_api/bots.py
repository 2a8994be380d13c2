"""Bots in the tests: asking with the key of one channel, for people as that channel knows them."""

from typing import Any

from httpx import AsyncClient, Response

from tests.platform_api.people import People


class Bot:
    """In its own name, or with `as_` for somebody of its channel."""

    def __init__(self, client: AsyncClient, key: str) -> None:
        self._client = client
        self.key = key

    @classmethod
    async def of(cls, people: People, client: AsyncClient, channel: str = "slack") -> "Bot":
        made = await people.ada.post("/api/v1/admin/bots", json={"channel": channel})
        assert made.status_code == 201, made.text
        return cls(client, made.json()["key"])

    async def ask(self, method: str, path: str, body: Any = None, *, as_: str | None = None) -> Response:
        headers = {"Authorization": f"Bearer {self.key}"} | ({"X-Act-As": as_} if as_ else {})
        return await self._client.request(method, path, json=body, headers=headers)
