"""Calls of the Bot Connector: each with a time limit, patient with throttling, to Microsoft's hosts alone.

The interface: `POST /v3/conversations/{id}/activities`, `PUT` and `DELETE …/activities/{id}`, members,
`POST /v3/conversations`. Throttling is 429 with Retry-After; 412, 500, 502 and 504 are to be repeated
(learn.microsoft.com, "Optimize your bot with rate limiting").
"""

import asyncio
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol, cast
from urllib.parse import quote, urlsplit

import aiohttp
import structlog

from bot.teams.happened import Where, Who
from bot.teams.sending import Activity, TeamsTrouble

log = structlog.get_logger()
CALL_S: Final = 15.0
ARRIVES_WITHIN_S: Final = 120.0
"""How long we try to bring what somebody waits for; then it is left for later."""
LONGEST_PAUSE_S: Final = 60.0
AWAY: Final = "away"
"""No answer, or none in time."""
FORBIDDEN_HOST: Final = "ServiceUrlNotAllowed"


class Tokens(Protocol):
    async def token(self) -> str:
        """Our own, for the connector; "" where it wants none (playground). Raises TeamsTrouble."""
        ...


class Hosts:
    """Which services get our tokens. entries: hosts (https), or origins as they are."""

    def __init__(self, entries: list[str], *, loopback: bool = False) -> None:
        self._hosts = {entry.lower() for entry in entries if "://" not in entry}
        self._origins = {entry.lower().rstrip("/") for entry in entries if "://" in entry}
        self._loopback = loopback

    def allow(self, url: str) -> bool:
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").lower(), parts.port
        except ValueError:
            return False
        if parts.username or parts.password:
            return False
        if f"{parts.scheme}://{parts.netloc}".lower() in self._origins:
            return True
        if self._loopback and host in ("localhost", "127.0.0.1", "::1"):
            return True
        return parts.scheme == "https" and port in (None, 443) and self._named(host)

    def _named(self, host: str) -> bool:
        below = (each for each in self._hosts if each.startswith("."))
        return host in self._hosts or any(host.endswith(each) for each in below)


class Connector:
    """One for the process."""

    def __init__(self, tokens: Tokens, hosts: Hosts) -> None:
        self._tokens = tokens
        self._hosts = hosts
        self._session: aiohttp.ClientSession | None = None

    def chat(self, where: Where) -> "Conversation":
        return Conversation(self, where)

    @property
    def session(self) -> aiohttp.ClientSession:
        """Made by the loop that uses it."""
        if self._session is None or self._session.closed:
            timeout = aiohttp.ClientTimeout(total=CALL_S)
            connector = aiohttp.TCPConnector(limit=100)
            self._session = aiohttp.ClientSession(connector=connector, timeout=timeout)
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def member(self, where: Where, mri: str) -> Mapping[str, Any]:
        """{id, name, aadObjectId, email, userPrincipalName, tenantId, userRole}. Raises TeamsTrouble."""
        path = f"v3/conversations/{_part(where.conversation)}/members/{_part(mri)}"
        return await self.call(where.service_url, "GET", path, within_s=4.0)

    async def direct(self, where: Where, who: Who) -> Where:
        """The 1:1 chat with somebody whom we have met in `where`. Raises TeamsTrouble."""
        body = {
            "isGroup": False,
            "bot": {"id": where.bot},
            "members": [{"id": who.mri}],
            "tenantId": where.tenant,
            "channelData": {"tenant": {"id": where.tenant}},
        }
        made = await self.call(where.service_url, "POST", "v3/conversations", body, within_s=20.0)
        identity = str(made.get("id", ""))
        if not identity:
            raise TeamsTrouble("NoConversation", status=502)
        return Where(where.service_url, identity, "personal", where.tenant, where.bot)

    async def call(
        self, service_url: str, method: str, path: str, body: Activity | None = None, *, within_s: float = 0.0
    ) -> Mapping[str, Any]:
        """Repeats what has certainly not been done, and PUT, DELETE, GET also else. Raises TeamsTrouble."""
        if not self._hosts.allow(service_url):
            raise TeamsTrouble(FORBIDDEN_HOST, status=403)
        url = f"{service_url.rstrip('/')}/{path}"
        until, attempt = time.monotonic() + within_s, 0
        while True:
            attempt += 1
            try:
                return await self._once(method, url, body)
            except TeamsTrouble as trouble:
                pause = _pause(trouble, attempt, safe=method != "POST")
                if pause is None or time.monotonic() + pause > until:
                    raise
            await asyncio.sleep(pause)

    async def _once(self, method: str, url: str, body: Activity | None) -> Mapping[str, Any]:
        token = await self._tokens.token()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            async with (
                asyncio.timeout(CALL_S),
                self.session.request(
                    method, url, json=body, headers=headers, allow_redirects=False
                ) as response,
            ):
                found = await _json(response)
                if response.status >= 300:
                    raise _refused(response, found)
                return found
        except (aiohttp.ClientError, TimeoutError) as error:
            never = isinstance(error, aiohttp.ClientConnectorError)
            raise TeamsTrouble(AWAY, uncertain=not never) from error


@dataclass(frozen=True, slots=True)
class Conversation:
    """`sending.Chat`."""

    connector: Connector
    where: Where

    async def send(self, activity: Activity, *, within_s: float = 0.0) -> str:
        sent = await self._call("POST", "", self._addressed(activity), within_s)
        return str(sent.get("id", ""))

    async def replace(self, activity_id: str, activity: Activity, *, within_s: float = 0.0) -> None:
        await self._call("PUT", activity_id, {**self._addressed(activity), "id": activity_id}, within_s)

    async def remove(self, activity_id: str, *, within_s: float = 0.0) -> None:
        await self._call("DELETE", activity_id, None, within_s)

    def _addressed(self, activity: Activity) -> dict[str, Any]:
        where = self.where
        return {
            "from": {"id": where.bot},
            "conversation": {
                "id": where.conversation,
                "conversationType": where.kind,
                "isGroup": not where.direct,
                "tenantId": where.tenant,
            },
            "channelId": "msteams",
            "serviceUrl": where.service_url,
            **activity,
        }

    async def _call(
        self, method: str, activity_id: str, body: Activity | None, within_s: float
    ) -> Mapping[str, Any]:
        path = f"v3/conversations/{_part(self.where.conversation)}/activities"
        if activity_id:
            path += f"/{_part(activity_id)}"
        return await self.connector.call(self.where.service_url, method, path, body, within_s=within_s)


def _part(text: str) -> str:
    return quote(text, safe="")


def _pause(trouble: TeamsTrouble, attempt: int, *, safe: bool) -> float | None:
    if not trouble.passing or (trouble.uncertain and not safe):
        return None
    if trouble.retry_after is not None:
        return trouble.retry_after if trouble.retry_after <= LONGEST_PAUSE_S else None
    return min(5.0, 0.3 * 2 ** (attempt - 1)) * random.uniform(0.75, 1.25)  # noqa: S311 (no secret)


async def _json(response: aiohttp.ClientResponse) -> Mapping[str, Any]:
    try:
        found: Any = await response.json(content_type=None)
    except (ValueError, UnicodeDecodeError):
        return {}
    return cast(dict[str, Any], found) if isinstance(found, dict) else {}


def _refused(response: aiohttp.ClientResponse, found: Mapping[str, Any]) -> TeamsTrouble:
    error: Any = found.get("error")
    told = cast(dict[str, Any], error) if isinstance(error, dict) else {}
    code = str(told.get("code") or f"http_{response.status}")
    retry_after = _seconds(response.headers.get("Retry-After")) if response.status == 429 else None
    trouble = TeamsTrouble(code, status=response.status, retry_after=retry_after)
    trouble.detail = str(told.get("message", ""))
    return trouble


def _seconds(text: str | None) -> float:
    try:
        return max(0.1, float(text or 1))
    except ValueError:
        return 1.0
