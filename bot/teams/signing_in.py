"""Single sign-on: what proves which address an Entra account has, so that the platform links it (SPEC 6).

Teams hands us a token for our own application (learn.microsoft.com, "Enable SSO for bots"). Its signature,
audience, tenant and person are checked here; what counts afterwards is only the platform's word: it links by
an address where it trusts that tenant, and offers a code everywhere else.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import httpx
import jwt
import structlog
from switchboard_sdk import ApiError, Switchboard

from bot.teams.happened import Who

log = structlog.get_logger()
Json = dict[str, Any]
CONNECTION: Final = "switchboard"
KEYS_S: Final = 3_600.0
_AGAIN_S: Final = 60.0
_FETCH_S: Final = 3.0
_OAUTH: Final = "application/vnd.microsoft.card.oauth"


class Rejected(ValueError):
    """Its text is for the log."""


class Wanted(Protocol):
    """Of the settings."""

    @property
    def app_id(self) -> str: ...
    @property
    def sso_resource(self) -> str: ...
    @property
    def login_url(self) -> str: ...
    @property
    def served(self) -> frozenset[str]: ...


def oauth_card(settings: Wanted, text: str, sign_in_url: str) -> Json | None:
    """The attachment that makes Teams hand over a token; None without single sign-on. `sign_in_url` is for
    whoever has not agreed to that."""
    if not settings.sso_resource:
        return None
    content = {
        "text": text,
        "connectionName": CONNECTION,
        "tokenExchangeResource": {"id": settings.app_id, "uri": settings.sso_resource},
        "buttons": [{"type": "signin", "title": "Sign in", "value": sign_in_url}],
    }
    return {"contentType": _OAUTH, "content": content}


@dataclass(slots=True)
class _Keys:
    by_id: dict[str, jwt.PyJWK]
    at: float


class SigningIn:
    """One for the process."""

    def __init__(self, switchboard: Switchboard, settings: Wanted) -> None:
        self._switchboard = switchboard
        self._settings = settings
        self._keys: dict[str, _Keys] = {}

    async def exchanged(self, who: Who, value: Mapping[str, Any]) -> tuple[int, Json | None]:
        """(HTTP status, body) for signin/tokenExchange. 412 makes Teams show its sign-in button."""
        try:
            claims = await self._checked(who, str(value.get("token") or ""))
            await self._linked(who, claims)
        except (Rejected, jwt.PyJWTError, httpx.HTTPError, ApiError) as error:
            log.warning(
                "teams.sign_in_refused", who=who.identity, error=type(error).__name__, why=str(error)[:200]
            )
            return 412, {
                "id": value.get("id"),
                "connectionName": value.get("connectionName"),
                "failureDetail": "This sign-in could not be checked.",
            }
        return 200, None

    async def verified(self, who: Who) -> tuple[int, Json | None]:
        """After the sign-in page: whether the platform knows the person now."""
        try:
            link = await self._switchboard.links.request(who.identity, name=who.name[:200])
        except ApiError as error:
            log.warning("teams.sign_in_troubled", code=error.problem.code)
            return 412, None
        return (200 if link.linked else 412), None

    async def _linked(self, who: Who, claims: Mapping[str, Any]) -> None:
        """Raises ApiError, Rejected."""
        name = str(claims.get("name") or who.name)[:200]
        link = await self._switchboard.links.request(who.identity, name=name, email=_address(claims))
        if not link.linked:
            raise Rejected("the platform does not trust this tenant's addresses, or knows no such address")

    async def _checked(self, who: Who, token: str) -> Mapping[str, Any]:
        """The claims. Raises Rejected, jwt.PyJWTError, httpx.HTTPError."""
        settings = self._settings
        if not settings.sso_resource or who.tenant not in settings.served:
            raise Rejected("no single sign-on for this tenant")
        kid = str(jwt.get_unverified_header(token).get("kid") or "")
        key = await self._key(who.tenant, kid)
        claims = jwt.decode(
            token,
            key,
            algorithms=["RS256"],
            audience=[settings.app_id, settings.sso_resource],
            options={"require": ["exp", "iss", "aud", "tid", "oid"]},
            leeway=60,
        )
        if claims["iss"] not in (
            f"{settings.login_url}/{who.tenant}/v2.0",
            f"https://sts.windows.net/{who.tenant}/",
        ):
            raise Rejected("another issuer")
        if claims["tid"] != who.tenant or claims["oid"] != who.user:
            raise Rejected("another person's token")
        return claims

    async def _key(self, tenant: str, kid: str) -> jwt.PyJWK:
        keys = self._keys.get(tenant)
        age = time.monotonic() - keys.at if keys else KEYS_S
        # A key that is not known may be new; but nobody makes us ask all the time.
        if keys is None or age >= KEYS_S or (kid not in keys.by_id and age >= _AGAIN_S):
            keys = await self._fetched(tenant)
            self._keys[tenant] = keys
        if kid not in keys.by_id:
            raise Rejected("signed by an unknown key")
        return keys.by_id[kid]

    async def _fetched(self, tenant: str) -> _Keys:
        url = f"{self._settings.login_url}/{tenant}/discovery/v2.0/keys"
        async with httpx.AsyncClient(timeout=_FETCH_S) as client:
            response = (await client.get(url)).raise_for_status()
        try:
            found = jwt.PyJWKSet.from_dict(response.json())
        except ValueError as error:
            raise Rejected("the issuer's keys cannot be read") from error
        return _Keys({key.key_id: key for key in found.keys if key.key_id}, time.monotonic())


def _address(claims: Mapping[str, Any]) -> str | None:
    """The sign-in name of a member: an admin of the tenant gave it. A guest's is somebody else's, and the
    claim `email` is whatever the account says."""
    name = str(claims.get("preferred_username") or claims.get("upn") or "")
    guest = "#ext#" in name.lower() or str(claims.get("acct", 0)) == "1"
    foreign = str(claims.get("idp") or "") not in ("", str(claims["iss"]))
    return name if "@" in name and not guest and not foreign else None
