"""Files that somebody sends us: fetched from Microsoft's file hosts alone, never larger than allowed."""

import asyncio
from typing import Final

import aiohttp

from bot.teams.calls import Connector, Hosts
from bot.teams.happened import File

FETCHED_WITHIN_S: Final = 120.0


class NotFetched(Exception):
    """Its text is a sentence for the person."""


class Files:
    """largest: bytes."""

    def __init__(self, connector: Connector, hosts: Hosts, largest: int) -> None:
        self._connector = connector
        self._hosts = hosts
        self._largest = largest

    async def fetch(self, file: File) -> bytes:
        """Raises NotFetched."""
        if not self._hosts.allow(file.url):
            raise NotFetched("It is not stored with Microsoft, and I fetch files from nowhere else.")
        # The address itself is the permission: no token of ours goes there, and no redirect is followed.
        timeout = aiohttp.ClientTimeout(total=FETCHED_WITHIN_S)
        try:
            async with (
                asyncio.timeout(FETCHED_WITHIN_S),
                self._connector.session.get(file.url, allow_redirects=False, timeout=timeout) as response,
            ):
                return await self._body(response)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise NotFetched("Teams did not give it to me. Please send it again.") from error

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        if response.status in (401, 403, 404, 410):
            raise NotFetched("The link to it has run out. Please send it again.")
        if response.status != 200:
            raise NotFetched("Teams did not give it to me. Please send it again.")
        if (response.content_length or 0) > self._largest:
            raise self._too_large()
        data = bytearray()
        async for piece in response.content.iter_chunked(1 << 16):
            data += piece
            if len(data) > self._largest:
                raise self._too_large()
        return bytes(data)

    def _too_large(self) -> NotFetched:
        return NotFetched(f"It is larger than {self._largest // 1024**2} MB, which is the most that I take.")
