# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false, reportMissingParameterType=false
# pyright: reportIncompatibleMethodOverride=false
# (the vendor's SDK has no usable types)
"""Where botbuilder 4.17.1 does not do what we need, and what we do instead.

- It refuses most bad tokens by exceptions of all kinds (HTTP 500), looks for an unknown key at most once an
  hour and then fails with IndexError, and fetches keys with blocking HTTP: `Keys`.
- It takes tokens of the emulator and of other bots ("skills") from issuers that are built in:
  `Authentication` takes those of the channel's issuer alone.
- It reads the whole activity before it looks at the token: `_envelope`.
- It opens connections for clients that we do not use, and asks for tokens in the event loop: `Adapter`,
  `Credentials`.
"""

import asyncio
import json
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, cast

import aiohttp
import structlog
from botbuilder.core.cloud_adapter_base import CloudAdapterBase
from botbuilder.core.invoke_response import InvokeResponse
from botbuilder.core.turn_context import TurnContext
from botbuilder.schema import Activity
from botframework.connector.auth import (
    AuthenticationConfiguration,
    AuthenticationConstants,
    ClaimsIdentity,
    PasswordServiceClientCredentialFactory,
)
from botframework.connector.auth._parameterized_bot_framework_authentication import (
    _ParameterizedBotFrameworkAuthentication,  # pyright: ignore[reportPrivateUsage] (the factory hides nothing else)
)
from botframework.connector.auth.authenticate_request_result import AuthenticateRequestResult
from botframework.connector.auth.connector_factory import ConnectorFactory
from botframework.connector.auth.jwt_token_extractor import JwtTokenExtractor
from jwt.algorithms import RSAAlgorithm
from msal import ConfidentialClientApplication

from bot.teams.calls import AWAY
from bot.teams.sending import Away, NotAllowed, TeamsTrouble
from bot.teams.settings import TeamsSettings

log = structlog.get_logger()
REFRESHED_EVERY_S: Final = 86_400.0
LOOKS, LOOKS_S = 3, 60.0
"""For keys that we do not know: at once, but not more often than so many times in so many seconds."""
KEYS_S: Final = 10.0
TOKEN_SPARE_S: Final = 300.0
_ENVELOPE: Final = {
    "type": "type",
    "id": "id",
    "name": "name",
    "service_url": "serviceUrl",
    "channel_id": "channelId",
}
INVOKE_RESPONSE: Final = CloudAdapterBase._INVOKE_RESPONSE_KEY  # pyright: ignore[reportPrivateUsage] (no other name)


class _Key:
    def __init__(self, public_key: Any, endorsements: list[str]) -> None:
        self.public_key = public_key
        self.endorsements = endorsements


class Keys:
    """The issuer's, in place of the vendor's own (`JwtTokenExtractor.metadataCache`)."""

    def __init__(self, metadata_url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = metadata_url
        self._clock = clock
        self._keys: dict[str, _Key] = {}
        self._fetched = float("-inf")
        self._looks: deque[float] = deque(maxlen=LOOKS)
        self._lock = asyncio.Lock()

    async def get(self, key_id: str | None) -> _Key:
        """Raises NotAllowed, Away."""
        if not key_id:
            raise NotAllowed("no key is named")
        if key_id not in self._keys or self._clock() - self._fetched > REFRESHED_EVERY_S:
            await self._refreshed(key_id)
        if key_id not in self._keys:
            raise NotAllowed("an unknown key")
        return self._keys[key_id]

    async def _refreshed(self, key_id: str) -> None:
        async with self._lock:
            now = self._clock()
            old = now - self._fetched > REFRESHED_EVERY_S
            often = len(self._looks) == LOOKS and now - self._looks[0] < LOOKS_S
            if (key_id in self._keys and not old) or often:
                return
            self._looks.append(now)
            try:
                self._keys = await self._fetch()
            except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError) as error:
                log.warning("teams.keys_away", error=type(error).__name__)
                if key_id not in self._keys:
                    raise Away from error
                return
            self._fetched = now

    async def _fetch(self) -> dict[str, _Key]:
        timeout = aiohttp.ClientTimeout(total=KEYS_S)
        async with aiohttp.ClientSession(timeout=timeout, raise_for_status=True) as session:
            async with session.get(self._url, allow_redirects=False) as response:
                where = str((await response.json(content_type=None))["jwks_uri"])
            async with session.get(where, allow_redirects=False) as response:
                found = (await response.json(content_type=None))["keys"]
        return {str(key["kid"]): _key(key) for key in found if key.get("kty") == "RSA"}


def _key(found: Mapping[str, Any]) -> _Key:
    return _Key(RSAAlgorithm.from_jwk(json.dumps(dict(found))), list(found.get("endorsements", ())))


class _NoClients(ConnectorFactory):
    """What we send goes over `bot.teams.calls`."""

    async def create(self, service_url: str, audience: str) -> Any:
        return object()


class Authentication(_ParameterizedBotFrameworkAuthentication):
    def __init__(self, settings: TeamsSettings, keys: Keys) -> None:
        super().__init__(
            True,
            settings.login_url,
            settings.scope,
            settings.issuer,
            settings.oauth_url,
            settings.metadata_url,
            settings.metadata_url,
            "",
            PasswordServiceClientCredentialFactory(settings.app_id, "", settings.tenant),
            AuthenticationConfiguration(),
            cast(Any, None),
        )
        JwtTokenExtractor.metadataCache[settings.metadata_url] = keys

    async def authenticate_request(self, activity: Activity, auth_header: str) -> AuthenticateRequestResult:
        """Raises NotAllowed, Away."""
        if not activity.service_url:
            # Without it the vendor would not compare the token's claim with anything.
            raise NotAllowed("no serviceUrl")
        try:
            identity = await self._government_channel_validation_authenticate_channel_token(
                auth_header, activity.service_url, activity.channel_id
            )
        except (NotAllowed, Away):
            raise
        except Exception as error:
            # Whatever it raises, of whichever kind: this token opens nothing.
            raise NotAllowed(type(error).__name__) from error
        if identity is None:
            raise NotAllowed("not a bearer token")
        return _allowed(identity)

    async def create_user_token_client(self, claims_identity: ClaimsIdentity) -> Any:
        return None


def anonymous() -> AuthenticateRequestResult:
    """For the playground alone."""
    return _allowed(ClaimsIdentity({}, True, AuthenticationConstants.ANONYMOUS_AUTH_TYPE))


def _allowed(identity: ClaimsIdentity) -> AuthenticateRequestResult:
    result = AuthenticateRequestResult()
    result.claims_identity = identity
    result.audience = ""
    result.caller_id = ""
    result.connector_factory = _NoClients()
    return result


class Adapter(CloudAdapterBase):
    """`CloudAdapter.process` serialises an invoke's body twice, so every card action would answer HTTP 500:
    here `process_activity` is called, and the body is given back as it is."""

    def __init__(self, settings: TeamsSettings, keys: Keys) -> None:
        super().__init__(Authentication(settings, keys))
        self._open = settings.playground

    async def receive(
        self, header: str, body: Mapping[str, Any], logic: Callable[[TurnContext], Awaitable[None]]
    ) -> InvokeResponse | None:
        """Raises NotAllowed, Away."""
        activity = _envelope(body)
        if self._open:
            allowed = anonymous()
        else:
            allowed = await self.bot_framework_authentication.authenticate_request(activity, header)
        return await self.process_activity(allowed, activity, logic)


def _envelope(body: Mapping[str, Any]) -> Activity:
    """What the vendor decides by. `Activity().deserialize` of all of it would be done before anybody knows
    who sent it: a second of computing for a megabyte, and an exception for each date that is none."""
    given = {ours: body.get(theirs) for ours, theirs in _ENVELOPE.items()}
    texts: dict[str, Any] = {ours: value for ours, value in given.items() if isinstance(value, str)}
    return Activity(**texts)


class Credentials:
    """`calls.Tokens` by MSAL, whose HTTP blocks: in a thread, one at a time."""

    def __init__(self, settings: TeamsSettings) -> None:
        self._settings = settings
        self._app: ConfidentialClientApplication | None = None
        self._token = ""
        self._until = float("-inf")
        self._lock = asyncio.Lock()

    async def token(self) -> str:
        if not self._settings.app_id:
            return ""
        async with self._lock:
            if time.monotonic() > self._until:
                await self._renewed()
        return self._token

    async def _renewed(self) -> None:
        asked = time.monotonic()
        try:
            found = await asyncio.to_thread(self._acquired)
        except Exception as error:
            # MSAL lets through whatever its HTTP library raises.
            log.warning("teams.no_token", error=type(error).__name__)
            raise TeamsTrouble(AWAY) from error
        if "access_token" not in found:
            log.error("teams.token_refused", error=str(found.get("error", ""))[:100])
            raise TeamsTrouble("TokenRefused", status=401)
        self._token = str(found["access_token"])
        self._until = asked + max(30.0, float(found.get("expires_in", 3600)) - TOKEN_SPARE_S)

    def _acquired(self) -> dict[str, Any]:
        settings = self._settings
        if self._app is None:
            tenant = settings.tenant or AuthenticationConstants.DEFAULT_CHANNEL_AUTH_TENANT
            self._app = ConfidentialClientApplication(
                settings.app_id,
                client_credential=settings.credential,
                authority=f"{settings.login_url.rstrip('/')}/{tenant}",
                # Else the public cloud is asked whether a sovereign one exists.
                instance_discovery=False,
                timeout=KEYS_S,
            )
        scope = settings.scope if settings.scope.endswith("/.default") else f"{settings.scope}/.default"
        return cast(dict[str, Any], self._app.acquire_token_for_client([scope]) or {})
