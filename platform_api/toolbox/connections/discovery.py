"""Finding a server's authorization server and what it can do.

RFC 9728 (protected resource metadata, by WWW-Authenticate or well-known), RFC 8414 and OpenID Connect
Discovery with every place that they name, and Microsoft Entra, which has no RFC 8414 document, does not say
that it does PKCE though it does, and refuses the `resource` parameter. Every address is opened through the
guard: what a server names may lead anywhere (SPEC 13).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast
from urllib.parse import SplitResult, urlsplit

import msgspec
import structlog

from kit.wire.mcp import request
from platform_api.toolbox.connections.errors import SignInUnusable
from ports.http import AddressRefused, Fetched, Fetcher, FetchFailed, FetchLimits, Guard

_LIMITS = FetchLimits(max_bytes=256 * 1024, redirects=2, within_s=10.0)
_AGENT = "Switchboard (+https://switchboard.dev)"
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_ENTRA_HOSTS = frozenset(
    {"login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn"}
)
_METADATA = re.compile(r'(?:^|[\s,])resource_metadata\s*=\s*(?:"([^"]{1,2000})"|([^\s,"]{1,2000}))')
# Our page names the origin in a header of its own, where `;` and `,` part directives.
_UNPLAIN = re.compile(r"[^\x21-\x7e]|[\"'\\]|//[^/?#]*[;,@]")
_DEFAULT_AUTH = ("client_secret_basic",)  # RFC 8414, 2
_log = structlog.get_logger()


class Found(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of an authorization server; kept as JSON beside the sign-in."""

    issuer: str
    token_endpoint: str
    authorization_endpoint: str = ""
    revocation_endpoint: str = ""
    registration_endpoint: str = ""
    auth_methods: tuple[str, ...] = _DEFAULT_AUTH
    scopes: tuple[str, ...] = ()
    """What the resource asks for; else nothing in particular."""
    resource: str = ""
    """The RFC 8707 parameter; empty where it must not be sent."""
    says_issuer: bool = False
    """It names itself in its answers, always (RFC 9207)."""
    takes_documents: bool = False
    """A client id may be the address of a metadata document (CIMD)."""
    entra: bool = False


class Finder:
    """One for the process; closed by its owner."""

    def __init__(self, guard: Guard) -> None:
        self.fetcher = Fetcher(guard, _AGENT, _LIMITS)

    async def find(self, address: str, issuer: str | None, entra: bool | None) -> Found:
        """`issuer` None: as the server at `address` says. `entra` None: by the issuer's host.

        Raises SignInUnusable, AddressRefused.
        """
        resource = await self._resource(address)
        chosen = issuer or _only(resource)
        named = _texts(resource.get("authorization_servers"))
        if named and chosen not in named:
            raise SignInUnusable("The server names another authorization server than this issuer.")
        is_entra = entra if entra is not None else _host(chosen) in _ENTRA_HOSTS
        metadata = await self._server(chosen)
        return _found(metadata, chosen, resource, address, is_entra)

    async def aclose(self) -> None:
        await self.fetcher.aclose()

    async def _resource(self, address: str) -> dict[str, Any]:
        """The protected resource's metadata, or nothing where it has none."""
        if not address.startswith(("http://", "https://")):
            return {}
        for url in [*await self._told(address), *_resource_places(address)]:
            metadata = await self._json(url)
            if metadata is None:
                continue
            if not _covers(str(metadata.get("resource", "")), address):
                raise SignInUnusable("The metadata at the server is about another resource.")
            return metadata
        return {}

    async def _told(self, address: str) -> list[str]:
        """What an unauthorised request is told."""
        body = request("ping", {})
        headers = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
        try:
            answer = await self.fetcher.fetch(address, headers=headers, data=body, wants=_nothing)
        except FetchFailed:
            return []
        named = _METADATA.search(answer.headers.get("www-authenticate", ""))
        if answer.status != 401 or named is None:
            return []
        url = named[1] or named[2]
        # another host could make us ask for, and believe, what the server never said
        return [url] if _origin(url) == _origin(address) else []

    async def _server(self, issuer: str) -> dict[str, Any]:
        secure(issuer)
        for url in _server_places(issuer):
            metadata = await self._json(url)
            if metadata is None:
                continue
            if metadata.get("issuer") != issuer:
                raise SignInUnusable("The metadata of the authorization server is another issuer's.")
            return metadata
        raise SignInUnusable(
            "The authorization server publishes no metadata.",
            hint="Check the issuer: RFC 8414 or OpenID Connect Discovery metadata is read from there.",
        )

    async def _json(self, url: str) -> dict[str, Any] | None:
        try:
            secure(url)
            answer = await self.fetcher.fetch(
                url, headers={"accept": "application/json"}, may_follow=lambda to: _origin(to) == _origin(url)
            )
        except FetchFailed as error:
            _log.info("connections.metadata_not_read", host=_host(url), why=error.why)
            return None
        return _object(answer)


def secure(url: str) -> str:
    """The same, where it may be opened at all: https, or this machine where the settings allow it.

    Raises AddressRefused.
    """
    if not url.startswith("https://") and not (url.startswith("http://") and _host(url) in _LOOPBACK):
        raise AddressRefused("Sign-in needs https.", hint="Give the server's https address.")
    return url


def _found(
    metadata: Mapping[str, Any], issuer: str, resource: Mapping[str, Any], address: str, entra: bool
) -> Found:
    pkce = entra or "S256" in _texts(metadata.get("code_challenge_methods_supported"))
    if metadata.get("authorization_endpoint") and not pkce:
        raise SignInUnusable("The authorization server does not say that it does PKCE with S256.")
    if not metadata.get("token_endpoint"):
        raise SignInUnusable("The authorization server names no token endpoint.")
    return Found(
        issuer=issuer,
        token_endpoint=_endpoint(metadata, "token_endpoint"),
        authorization_endpoint=_endpoint(metadata, "authorization_endpoint"),
        revocation_endpoint=_endpoint(metadata, "revocation_endpoint"),
        registration_endpoint=_endpoint(metadata, "registration_endpoint"),
        auth_methods=_texts(metadata.get("token_endpoint_auth_methods_supported"))
        or ("client_secret_basic",),
        scopes=_texts(resource.get("scopes_supported")),
        resource="" if entra else str(resource.get("resource", "") or address),
        says_issuer=metadata.get("authorization_response_iss_parameter_supported") is True,
        takes_documents=metadata.get("client_id_metadata_document_supported") is True,
        entra=entra,
    )


def _endpoint(metadata: Mapping[str, Any], name: str) -> str:
    value = metadata.get(name)
    if not value:
        return ""
    if not isinstance(value, str) or _UNPLAIN.search(value) or urlsplit(value).fragment:
        raise SignInUnusable(f"The authorization server's {name} is no address.")
    return secure(value)


def _only(resource: Mapping[str, Any]) -> str:
    named = _texts(resource.get("authorization_servers"))
    if not named:
        raise SignInUnusable(
            "The server does not say where one signs in.", hint="Give the issuer in the request."
        )
    return named[0]


def _resource_places(address: str) -> Iterator[str]:
    """RFC 9728, 3.1: with the path, then without."""
    parts = urlsplit(address)
    well_known = f"{parts.scheme}://{parts.netloc}/.well-known/oauth-protected-resource"
    path = parts.path.rstrip("/")
    if path:
        yield well_known + path
    yield well_known


def _server_places(issuer: str) -> Iterator[str]:
    """RFC 8414, 3.1 and 5; OpenID Connect Discovery, 4."""
    parts = urlsplit(issuer)
    origin, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
    yield f"{origin}/.well-known/oauth-authorization-server{path}"
    yield f"{origin}/.well-known/openid-configuration{path}"
    if path:
        yield f"{origin}{path}/.well-known/openid-configuration"


def _covers(resource: str, address: str) -> bool:
    """The same, or a part of the same server above it: tokens are for the resource as a whole."""
    if _origin(resource) != _origin(address):
        return False
    above, below = urlsplit(resource).path.rstrip("/"), urlsplit(address).path.rstrip("/")
    return below == above or below.startswith(above + "/")


def _nothing(status: int, headers: object) -> bool:
    return False


def _object(answer: Fetched) -> dict[str, Any] | None:
    if answer.status != 200:
        return None
    try:
        found: Any = msgspec.json.decode(answer.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return cast(dict[str, Any], found) if isinstance(found, dict) else None


def _texts(value: Any) -> tuple[str, ...]:
    given = cast(list[Any], value) if isinstance(value, list) else []
    return tuple(one for one in given[:100] if isinstance(one, str) and len(one) <= 500)


def _parts(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:
        return None


def _host(url: str) -> str:
    parts = _parts(url)
    return (parts.hostname or "") if parts else ""


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = _parts(url)
    if parts is None:
        return ("", "", None)
    default = {"https": 443, "http": 80}.get(parts.scheme)
    return (parts.scheme, parts.hostname or "", parts.port or default)
