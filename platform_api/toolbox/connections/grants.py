"""Asking a token endpoint, and building what is asked: client authentication, requests and PKCE by Authlib.

Authlib's parts that make and read messages are used, not its HTTP clients, nor MSAL: those send by
themselves, through connections that no guard checks, and decide by themselves when a refresh token is used
again. What is sent here is sent once (see refreshing.py).
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlencode

import httpx
import msgspec
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749 import parameters
from authlib.oauth2.rfc7636 import challenge as pkce
from pydantic import SecretStr

from ports.http import AddressRefused, Fetcher, FetchFailed, FetchLimits

_LIMIT = 64 * 1024
_LONGEST_TOKEN = 16_000
_LONGEST_LIFE_S = 365 * 86_400
# A connection that was kept open may be closed just as we write: whether it was heard would be unknown.
_FORM = {
    "content-type": "application/x-www-form-urlencoded",
    "accept": "application/json",
    "connection": "close",
}
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105  # a name
JWT = "urn:ietf:params:oauth:token-type:jwt"


class Refused(Exception):
    """The endpoint understood and said no; what was sent is not used up. `code`: RFC 6749, 5.2."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Unsent(Exception):
    """Nothing has reached the endpoint."""


class Uncertain(Exception):
    """It may have been done or not: no answer, or none that can be read."""


@dataclass(frozen=True, slots=True)
class Client:
    """We, at one authorization server."""

    id: str
    auth: str = "none"
    secret: SecretStr | None = None


@dataclass(frozen=True, slots=True)
class Tokens:
    """`expires_in` None: it does not say. `scopes` None: those that were asked for."""

    access: SecretStr
    refresh: SecretStr | None = None
    expires_in: int | None = None
    scopes: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """`form` holds secrets: it has no repr."""

    endpoint: str
    client: Client
    form: Mapping[str, str] = field(repr=False)
    within_s: float = 15.0


async def exchange(fetcher: Fetcher, asked: TokenRequest) -> Tokens:
    """One POST, never repeated. Raises Refused, Unsent, Uncertain."""
    status, body = await post(fetcher, asked)
    said = _object(body)
    if status == 200 and said is not None:
        return _tokens(said)
    error = said.get("error") if said else None
    if 400 <= status < 500 and isinstance(error, str):
        raise Refused(error if error.isascii() and error.isprintable() and len(error) < 60 else "unknown")
    raise Uncertain


async def post(fetcher: Fetcher, asked: TokenRequest) -> tuple[int, bytes]:
    """Also for revocation (RFC 7009). Raises Unsent, Uncertain."""
    headers, body = _prepared(asked)
    limits = FetchLimits(max_bytes=_LIMIT, redirects=0, within_s=asked.within_s)
    try:
        answer = await fetcher.fetch(
            asked.endpoint, headers=headers, data=body.encode(), wants=_everything, limits=limits
        )
    except AddressRefused as error:
        raise Unsent from error
    except FetchFailed as error:
        raise (Unsent if isinstance(error.__cause__, _NOT_SENT) else Uncertain) from error
    return answer.status, answer.body


def authorization_url(endpoint: str, client_id: str, verifier: str, **asked: Any) -> str:
    """`asked`: redirect_uri, scope, state, and what else the server wants; None is left out."""
    build = cast(Any, parameters).prepare_grant_uri  # untyped
    challenge: str = cast(Any, pkce).create_s256_code_challenge(verifier)
    return build(endpoint, client_id, "code", code_challenge=challenge, code_challenge_method="S256", **asked)


def new_verifier() -> str:
    """RFC 7636, 4.1: 43 characters of 256 random bits."""
    return secrets.token_urlsafe(32)


def choose_auth(offered: tuple[str, ...], has_secret: bool) -> str:
    """The method for the token endpoint, of those that it offers and we know."""
    if not has_secret:
        return "none"
    return "client_secret_basic" if "client_secret_basic" in offered else "client_secret_post"


def _prepared(asked: TokenRequest) -> tuple[dict[str, str], str]:
    secret = asked.client.secret.get_secret_value() if asked.client.secret else ""
    # RFC 6749, 2.3.1: both parts are form-encoded before they become HTTP's Basic
    basic = asked.client.auth == "client_secret_basic"
    who = (_encoded(asked.client.id), _encoded(secret)) if basic else (asked.client.id, secret)
    auth = cast(Any, ClientAuth)(*who, asked.client.auth)  # untyped
    _, headers, body = auth.prepare("POST", asked.endpoint, dict(_FORM), urlencode(asked.form))
    return headers, body


def _encoded(text: str) -> str:
    return urlencode({"": text})[1:]


def _everything(status: int, headers: httpx.Headers) -> bool:
    return True


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        said: Any = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return cast(dict[str, Any], said) if isinstance(said, dict) else None


def _tokens(said: Mapping[str, Any]) -> Tokens:
    access, kind = said.get("access_token"), str(said.get("token_type", "bearer")).lower()
    if not _usable(access) or kind != "bearer":
        raise Uncertain
    refresh, scope = said.get("refresh_token"), said.get("scope")
    return Tokens(
        access=SecretStr(str(access)),
        refresh=SecretStr(str(refresh)) if _usable(refresh) else None,
        expires_in=_seconds(said.get("expires_in")),
        scopes=tuple(scope.split()[:100]) if isinstance(scope, str) else None,
    )


def _usable(token: object) -> bool:
    """It becomes a header: nothing in it may end one."""
    return (
        isinstance(token, str)
        and 0 < len(token) <= _LONGEST_TOKEN
        and token.isascii()
        and token.isprintable()
        and " " not in token
    )


def _seconds(value: Any) -> int | None:
    # Entra's v1 endpoints send a string
    try:
        return max(0, min(int(value), _LONGEST_LIFE_S)) if value is not None else None
    except (ValueError, TypeError, OverflowError):
        return None
