"""Files that somebody sends us: fetched from Slack alone, never larger than allowed."""

import asyncio
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from bot.slack.calls import Slack, Tokens
from bot.slack.happened import File

HOSTS: Final = ("files.slack.com", "slack-files.com")
FETCHED_WITHIN_S: Final = 120.0


class NotFetched(Exception):
    """Its text is a sentence for the person."""


class Files:
    """own_host: of the Web API where it is not Slack's own (a test's)."""

    def __init__(self, slack: Slack, tokens: Tokens, largest: int, own_host: str = "") -> None:
        self._slack = slack
        self._tokens = tokens
        self._largest = largest
        self._own_host = own_host

    async def fetch(self, team: str, file: File) -> bytes:
        """Raises NotFetched, SlackTrouble."""
        if not self._allowed(file.url):
            raise NotFetched("It is not stored in Slack, and I fetch files from nowhere else.")
        if file.size > self._largest:
            raise self._too_large()
        # No redirects: the token would travel with them.
        headers = {"Authorization": f"Bearer {await self._tokens.token(team)}"}
        try:
            async with (
                asyncio.timeout(FETCHED_WITHIN_S),
                self._slack.session.get(
                    file.url,
                    headers=headers,
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(total=FETCHED_WITHIN_S),
                ) as response,
            ):
                return await self._body(response, file)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise NotFetched("Slack did not give it to me. Please send it again.") from error

    async def _body(self, response: aiohttp.ClientResponse, file: File) -> bytes:
        # Without the right to read it, Slack answers with its sign-in page.
        page = "text/html" in response.headers.get("Content-Type", "") and "html" not in file.mimetype
        if response.status != 200 or page:
            raise NotFetched("Slack did not give it to me. Please send it again.")
        data = bytearray()
        async for piece in response.content.iter_chunked(1 << 16):
            data += piece
            if len(data) > self._largest:
                raise self._too_large()
        return bytes(data)

    def _too_large(self) -> NotFetched:
        return NotFetched(f"It is larger than {self._largest // 1024**2} MB, which is the most that I take.")

    def _allowed(self, url: str) -> bool:
        parts = urlsplit(url)
        if self._own_host and parts.netloc == self._own_host:
            return True
        return parts.scheme == "https" and parts.hostname in HOSTS
