"""Installing us into a workspace (OAuth): Bolt leads through it, our store decides who may."""

import hashlib
import secrets
import time
from collections.abc import Sequence
from logging import Logger, getLogger
from typing import Any, Final

import structlog
from slack_bolt.error import BoltError
from slack_bolt.oauth.async_oauth_flow import AsyncOAuthFlow
from slack_bolt.oauth.async_oauth_settings import AsyncOAuthSettings
from slack_sdk.errors import SlackClientError
from slack_sdk.oauth.installation_store.async_installation_store import AsyncInstallationStore
from slack_sdk.oauth.installation_store.models.installation import Installation
from slack_sdk.oauth.state_store.async_state_store import AsyncOAuthStateStore
from slack_sdk.web.async_client import AsyncWebClient
from switchboard_sdk import ApiError, Switchboard

from bot.slack.installs import Install, Installs, OAuthClient
from bot.slack.settings import SlackSettings

log = structlog.get_logger()
STATE: Final = "seen/oauth/"
STATE_S: Final = 600
_TIMEOUT_S: Final = 10


class OnceStates(AsyncOAuthStateStore):
    """A state counts once, within ten minutes, at any replica; only its hash is kept."""

    def __init__(self, switchboard: Switchboard) -> None:
        self._state = switchboard.channel_state

    @property
    def logger(self) -> Logger:
        return getLogger(__name__)

    async def async_issue(self, *args: Any, **kwargs: Any) -> str:
        state = secrets.token_urlsafe(32)
        await self._state.put("slack", _key(state), {}, version=0, expires_in_s=STATE_S)
        return state

    async def async_consume(self, state: str) -> bool:
        entry = await self._state.get("slack", _key(state))
        if entry is None or entry.value.get("used"):
            return False
        try:
            await self._state.put(
                "slack", _key(state), {"used": True}, version=entry.version, expires_in_s=STATE_S
            )
        except ApiError as error:
            log.warning("slack.state_used_twice", code=error.problem.code)
            return False
        return True


class OnlyAllowed(AsyncInstallationStore):
    """Keeps an installation only of a workspace that the settings name; of any other the token is revoked."""

    def __init__(self, installs: Installs, settings: SlackSettings) -> None:
        self._installs = installs
        self._settings = settings

    @property
    def logger(self) -> Logger:
        return getLogger(__name__)

    async def async_save(self, installation: Installation) -> None:
        """Raises BoltError, which the person reads."""
        team = installation.enterprise_id if installation.is_enterprise_install else installation.team_id
        if not team or not installation.bot_token:
            raise BoltError("Slack did not say which workspace this is.")
        if not self._installs.allowed(team):
            log.warning("slack.installation_refused", team=team)
            await self._revoke(installation.bot_token)
            raise BoltError(
                "This workspace is not one of those that may install Switchboard here. An admin of the "
                "deployment adds its id to SWITCHBOARD_SLACK__WORKSPACES."
            )
        try:
            await self._installs.keep(_install(team, installation))
        except ApiError as error:
            raise BoltError(f"{error.problem.detail} {error.problem.hint}") from error

    async def _revoke(self, token: str) -> None:
        client: Any = AsyncWebClient(token=token, base_url=self._settings.api_url, timeout=_TIMEOUT_S)
        try:
            await client.auth_revoke()
        except (SlackClientError, OSError, TimeoutError) as error:
            log.warning("slack.not_revoked", error=type(error).__name__)


def flow(
    settings: SlackSettings, installs: Installs, switchboard: Switchboard, scopes: Sequence[str]
) -> AsyncOAuthFlow:
    return AsyncOAuthFlow(
        client=OAuthClient(base_url=settings.api_url, timeout=_TIMEOUT_S),
        settings=AsyncOAuthSettings(
            client_id=settings.client_id,
            client_secret=settings.client_secret.get_secret_value(),
            scopes=list(scopes),
            installation_store=OnlyAllowed(installs, settings),
            state_store=OnceStates(switchboard),
            state_expiration_seconds=STATE_S,
        ),
    )


def _install(team: str, installation: Installation) -> Install:
    expires_at = float(installation.bot_token_expires_at or 0)
    return Install(
        team,
        installation.bot_token or "",
        installation.bot_refresh_token or "",
        expires_at if expires_at > time.time() else 0.0,
        installation.bot_user_id or "",
    )


def _key(state: str) -> str:
    return STATE + hashlib.sha256(state.encode()).hexdigest()
