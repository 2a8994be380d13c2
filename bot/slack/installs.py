"""Which workspaces have installed us, with their tokens: sealed in the platform's channel state (SPEC 6).

`install/<team>`, or `install/<enterprise>` for a whole Grid organisation. Tokens that expire are renewed
before they do, by whichever replica comes first.
"""

import asyncio
import time
from dataclasses import dataclass, replace
from typing import Any, Final

import structlog
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from switchboard_sdk import ApiError, Switchboard

from bot.slack.calls import AWAY, SlackTrouble
from bot.slack.settings import SlackSettings

log = structlog.get_logger()
KEY: Final = "install/"
LOOKED_UP_S: Final = 60.0
RENEWED_BEFORE_S: Final = 1800.0
_CALL_S: Final = 10
_LONG_AGO: Final = 1.0
_WAIT_FOR_OTHERS: Final = 5


@dataclass(frozen=True, slots=True)
class Install:
    """expires_at: seconds since 1970, 0 for never."""

    team: str
    bot_token: str
    refresh_token: str = ""
    expires_at: float = 0.0
    bot_user: str = ""
    version: int = 0

    @property
    def renews(self) -> bool:
        return bool(self.refresh_token) and time.time() > self.expires_at - RENEWED_BEFORE_S

    def value(self) -> dict[str, Any]:
        return {
            "team": self.team,
            "bot_token": self.bot_token,
            "refresh_token": self.refresh_token,
            "expires_at": self.expires_at,
            "bot_user": self.bot_user,
        }


class OAuthClient(AsyncWebClient):
    """Sends the app's secret in the body: the SDK's own way uses what aiohttp is about to take away."""

    async def oauth_v2_access(self, **given: Any) -> Any:
        itself: Any = self
        return await itself.api_call(
            "oauth.v2.access", data={name: one for name, one in given.items() if one is not None}
        )


class OneWorkspace:
    """The token of the settings; only its own workspace is served."""

    def __init__(self, settings: SlackSettings) -> None:
        self._token = settings.bot_token.get_secret_value()
        self._api_url = settings.api_url
        self._allowed: frozenset[str] = frozenset(settings.workspaces)
        self._own: frozenset[str] | None = None
        self._bot_user = ""
        self._asking = asyncio.Lock()

    async def token(self, team: str) -> str:
        """Raises SlackTrouble."""
        if team not in self._allowed and team not in await self._mine():
            raise SlackTrouble("auth", "not_installed")
        return self._token

    async def bot_user(self, team: str) -> str:
        """Raises SlackTrouble."""
        await self._mine()
        return self._bot_user

    async def expired(self, team: str, token: str) -> bool:
        """What the settings give does not change."""
        return False

    async def _mine(self) -> frozenset[str]:
        async with self._asking:
            if self._own is None:
                client: Any = AsyncWebClient(token=self._token, base_url=self._api_url, timeout=_CALL_S)
                try:
                    answer: Any = (await client.auth_test()).data
                except (SlackClientError, OSError, TimeoutError) as error:
                    raise SlackTrouble("auth.test", AWAY) from error
                self._bot_user = str(answer.get("user_id", ""))
                self._own = frozenset(
                    str(answer[name]) for name in ("team_id", "enterprise_id") if answer.get(name)
                )
            return self._own


class Installs:
    """Several workspaces."""

    def __init__(self, settings: SlackSettings, switchboard: Switchboard) -> None:
        self._settings = settings
        self._state = switchboard.channel_state
        self._known: dict[str, tuple[float, Install]] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    def allowed(self, team: str, enterprise: str = "") -> bool:
        return bool({team, enterprise} & set(self._settings.workspaces))

    async def token(self, team: str) -> str:
        """Raises SlackTrouble: `not_installed`, or AWAY where the platform is."""
        return (await self._current(team)).bot_token

    async def bot_user(self, team: str) -> str:
        """Raises SlackTrouble."""
        return (await self._current(team)).bot_user

    async def expired(self, team: str, token: str) -> bool:
        """Raises SlackTrouble."""
        async with self._locks.setdefault(team, asyncio.Lock()):
            known = await self._read(team)
            if known.bot_token == token:
                if not known.refresh_token:
                    return False
                known = await self._renewed(replace(known, expires_at=_LONG_AGO))
            self._known[team] = (time.monotonic() + LOOKED_UP_S, known)
            return known.bot_token != token

    async def _current(self, team: str) -> Install:
        async with self._locks.setdefault(team, asyncio.Lock()):
            until, known = self._known.get(team, (0.0, None))
            if known is None or time.monotonic() > until:
                known = await self._read(team)
            if known.renews:
                known = await self._renewed(known)
            self._known[team] = (time.monotonic() + LOOKED_UP_S, known)
            return known

    async def keep(self, install: Install) -> None:
        """Raises ApiError."""
        await self._state.put("slack", KEY + install.team, install.value())
        self._known.pop(install.team, None)
        log.info("slack.installed", team=install.team)

    async def forget(self, team: str) -> None:
        """Raises ApiError."""
        self._known.pop(team, None)
        await self._state.remove("slack", KEY + team)
        log.info("slack.uninstalled", team=team)

    async def _read(self, team: str) -> Install:
        try:
            entry = await self._state.get("slack", KEY + team)
        except ApiError as error:
            raise SlackTrouble("install", AWAY) from error
        if entry is None or not self._still_allowed(team):
            raise SlackTrouble("install", "not_installed")
        value = entry.value
        return Install(
            team,
            str(value["bot_token"]),
            str(value.get("refresh_token", "")),
            float(value.get("expires_at", 0)),
            str(value.get("bot_user", "")),
            entry.version,
        )

    def _still_allowed(self, team: str) -> bool:
        return team in self._settings.workspaces

    async def _renewed(self, install: Install) -> Install:
        """A refresh token works once: who reserves the version renews, the others read what came of it."""
        try:
            await self._state.put("slack", KEY + install.team, install.value(), version=install.version)
        except ApiError as error:
            if error.problem.code != "state_changed":
                return self._old(install)
            return await self._of_others(install)
        return await self._exchanged(install)

    async def _of_others(self, install: Install) -> Install:
        for _ in range(_WAIT_FOR_OTHERS):
            read = await self._read(install.team)
            if not read.renews:
                return read
            await asyncio.sleep(1.0)
        return self._old(install)

    async def _exchanged(self, install: Install) -> Install:
        client = OAuthClient(base_url=self._settings.api_url, timeout=_CALL_S)
        try:
            answer = await client.oauth_v2_access(
                client_id=self._settings.client_id,
                client_secret=self._settings.client_secret.get_secret_value(),
                grant_type="refresh_token",
                refresh_token=install.refresh_token,
            )
        except (SlackApiError, SlackClientError, OSError, TimeoutError) as error:
            log.warning("slack.not_renewed", team=install.team, error=type(error).__name__)
            return self._old(install)
        fresh = replace(installed(install.team, answer.data), bot_user=install.bot_user)
        try:
            await self._state.put("slack", KEY + install.team, fresh.value())
        except ApiError as error:
            # This process goes on with it; the next one has to install again.
            log.error("slack.renewed_token_not_kept", team=install.team, code=error.problem.code)
        return fresh

    def _old(self, install: Install) -> Install:
        """While it lives."""
        if time.time() >= install.expires_at:
            raise SlackTrouble("install", AWAY)
        return install


def installed(team: str, answer: Any) -> Install:
    """Of what oauth.v2.access says."""
    lives = float(answer.get("expires_in") or 0)
    return Install(
        team,
        str(answer["access_token"]),
        str(answer.get("refresh_token") or ""),
        time.time() + lives if lives else 0.0,
        str(answer.get("bot_user_id") or ""),
    )
