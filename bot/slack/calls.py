"""Calls of Slack's Web API: each with a time limit, patient with limits of rate, and not at all with a Slack
that is away (a breaker), apart from what must arrive."""

import asyncio
import random
import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final, Protocol, cast
from urllib.parse import urlsplit

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

log = structlog.get_logger()
CALL_S: Final = 10.0
ARRIVES_WITHIN_S: Final = 120.0
"""How long we try to bring what somebody waits for; then it is left for later."""
LONGEST_PAUSE_S: Final = 60.0
_REMEMBERED = 5_000
OPENS_AFTER, OPEN_S = 5, 5.0
REPEATABLE: Final = frozenset(
    {
        "assistant.threads.setStatus",
        "assistant.threads.setSuggestedPrompts",
        "assistant.threads.setTitle",
        "auth.test",
        "chat.delete",
        "chat.stopStream",
        "chat.update",
        "conversations.open",
        "conversations.replies",
        "users.info",
        "views.publish",
    }
)
"""Twice is like once. chat.postMessage is, too, with a `client_msg_id`."""
READS: Final = frozenset({"users.info", "conversations.replies"})
"""Slack takes their arguments in the address only."""
PASSING: Final = frozenset(
    {"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"}
)
AWAY: Final = "away"
"""No answer, or none in time; `uncertain` says whether it may have been done all the same."""


class SlackTrouble(Exception):
    """`code` is Slack's own, or AWAY."""

    def __init__(
        self, method: str, code: str, *, retry_after: float | None = None, uncertain: bool = False
    ) -> None:
        super().__init__(f"{method}: {code}")
        self.method = method
        self.code = code
        self.retry_after = retry_after
        self.uncertain = uncertain

    @property
    def passing(self) -> bool:
        """It may well work in a moment."""
        return self.code in PASSING or self.code == AWAY


class Tokens(Protocol):
    """Where the bot's token of a workspace comes from."""

    async def token(self, team: str) -> str:
        """Raises SlackTrouble (`not_installed`)."""
        ...

    async def bot_user(self, team: str) -> str:
        """Who we are there; "" where nobody knows. Raises SlackTrouble."""
        ...

    async def expired(self, team: str, token: str) -> bool:
        """Slack says so of that one. Whether there is another now. Raises SlackTrouble."""
        ...


class Breaker:
    """Opens after several calls in a row without an answer; then every call fails at once for a while."""

    def __init__(self) -> None:
        self._failed = 0
        self._until = 0.0

    @property
    def open_for_s(self) -> float:
        return max(0.0, self._until - time.monotonic())

    def answered(self) -> None:
        self._failed = 0

    def silent(self) -> None:
        self._failed += 1
        if self._failed >= OPENS_AFTER:
            self._until = time.monotonic() + OPEN_S


class Slack:
    """One for the process, over one pool of connections. `within_s` says how long a call may be repeated;
    0: once."""

    def __init__(self, tokens: Tokens, base_url: str) -> None:
        self._tokens = tokens
        self._base_url = base_url
        self._breaker = Breaker()
        self._session: aiohttp.ClientSession | None = None
        self._ended: OrderedDict[tuple[str, str], None] = OrderedDict()

    def note_ended(self, channel: str, ts: str) -> None:
        """That message of ours is final."""
        self._ended[channel, ts] = None
        if len(self._ended) > _REMEMBERED:
            self._ended.popitem(last=False)

    async def left_over(self, team: str, channel: str, thread: str, after: str) -> str:
        """A message of ours there that nobody has ended, where Slack's answer with its ts was lost; "" for
        none, or where we may not look."""
        try:
            found = await self.call(
                team,
                "conversations.replies",
                within_s=5.0,
                channel=channel,
                ts=thread,
                oldest=after,
                limit=50,
            )
        except SlackTrouble as trouble:
            log.info("slack.not_looked", code=trouble.code)
            return ""
        token_owner = await self._tokens.bot_user(team)
        for message in reversed(list(found.get("messages", ()))):
            ts = str(message.get("ts", ""))
            ours = message.get("user") == token_owner or message.get("bot_user_id") == token_owner
            if ours and ts > after and (channel, ts) not in self._ended:
                return ts
        return ""

    @property
    def session(self) -> aiohttp.ClientSession:
        """Made by the loop that uses it."""
        if self._session is None or self._session.closed:
            connector = aiohttp.TCPConnector(limit=100)
            timeout = aiohttp.ClientTimeout(total=CALL_S)
            self._session = aiohttp.ClientSession(connector=connector, timeout=timeout)
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def call(
        self, team: str, method: str, *, within_s: float = 0.0, **fields: Any
    ) -> Mapping[str, Any]:
        """Raises SlackTrouble."""
        until = time.monotonic() + within_s
        attempt = 0
        while True:
            attempt += 1
            try:
                return await self._once(team, method, fields)
            except SlackTrouble as trouble:
                pause = self._pause(trouble, attempt, fields)
                if pause is None or time.monotonic() + pause > until:
                    raise
            await asyncio.sleep(pause)

    async def respond(self, url: str, payload: Mapping[str, Any]) -> None:
        """To a `response_url`. Raises SlackTrouble."""
        if not self._is_slacks(url):
            raise SlackTrouble("response_url", "not_slack")
        try:
            async with asyncio.timeout(CALL_S), self.session.post(url, json=dict(payload)) as response:
                if response.status != 200:
                    raise SlackTrouble("response_url", f"http_{response.status}")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise SlackTrouble("response_url", AWAY, uncertain=True) from error

    def _is_slacks(self, url: str) -> bool:
        parts = urlsplit(url)
        own = urlsplit(self._base_url)
        if parts.scheme == "https" and parts.hostname == "hooks.slack.com":
            return True
        return own.hostname != "slack.com" and parts[:2] == own[:2]

    def _pause(self, trouble: SlackTrouble, attempt: int, fields: Mapping[str, Any]) -> float | None:
        safe = trouble.method in REPEATABLE or "client_msg_id" in fields
        if not trouble.passing or (trouble.uncertain and not safe):
            return None
        if trouble.retry_after is not None:
            return trouble.retry_after if trouble.retry_after <= LONGEST_PAUSE_S else None
        backoff = min(5.0, 0.3 * 2 ** (attempt - 1)) * random.uniform(0.75, 1.25)  # noqa: S311 (no secret)
        return max(self._breaker.open_for_s, backoff)

    async def _once(self, team: str, method: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        if self._breaker.open_for_s:
            raise SlackTrouble(method, AWAY)
        # Its own handlers would repeat what must not be repeated.
        token = await self._tokens.token(team)
        client: Any = AsyncWebClient(
            token=token,
            base_url=self._base_url,
            session=self.session,
            retry_handlers=[],
        )
        try:
            async with asyncio.timeout(CALL_S):
                if method in READS:
                    response = await client.api_call(method, http_verb="GET", params=dict(fields))
                else:
                    response = await client.api_call(method, json=dict(fields))
        except SlackApiError as error:
            trouble = self._refused(method, error)
            if trouble.code == "token_expired" and await self._tokens.expired(team, token):
                return await self._once(team, method, fields)
            raise trouble from error
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            self._breaker.silent()
            uncertain = not isinstance(error, aiohttp.ClientConnectorError)
            raise SlackTrouble(method, AWAY, uncertain=uncertain) from error
        self._breaker.answered()
        data: Any = response.data
        return cast(dict[str, Any], data) if isinstance(data, dict) else {}

    def _refused(self, method: str, error: SlackApiError) -> SlackTrouble:
        response: Any = error.response
        status = int(getattr(response, "status_code", None) or getattr(response, "status", 0) or 0)
        headers: Mapping[str, str] = getattr(response, "headers", {}) or {}
        data: Any = getattr(response, "data", {})
        code = str(data.get("error", "")) if isinstance(data, dict) else ""  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType] (JSON)
        if status == 429 or code in ("ratelimited", "rate_limited"):
            self._breaker.answered()
            return SlackTrouble(method, "ratelimited", retry_after=_seconds(headers.get("Retry-After")))
        if status >= 500 or not code:
            self._breaker.silent()
            return SlackTrouble(method, AWAY, uncertain=True)
        self._breaker.answered()
        return SlackTrouble(method, code, uncertain=code in PASSING)


def _seconds(text: str | None) -> float:
    try:
        return max(0.1, float(text or 1))
    except ValueError:
        return 1.0
