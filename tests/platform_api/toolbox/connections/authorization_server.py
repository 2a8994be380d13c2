"""An authorization server and a protected tool server, over real HTTP on loopback.

It rotates refresh tokens and punishes reuse: a refresh token that comes a second time revokes the whole
family, as RFC 9700 asks. Its habits can be set, to be like others that there are.
"""

import asyncio
import base64
import hashlib
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

from aiohttp import web

from tests.loopback import listening


@dataclass
class Family:
    """All that came of one consent."""

    client_id: str
    scope: str
    refresh: str = ""
    """The one that is good."""
    used: set[str] = field(default_factory=set[str])
    access: set[str] = field(default_factory=set[str])
    revoked: bool = False


@dataclass
class AuthorizationServer:
    url: str = ""
    path: str = ""
    """The issuer's: `/tenant/v2.0`, perhaps."""
    rotates: bool = True
    lives_s: int = 3600
    entra: bool = False
    oauth_metadata: bool = True
    """RFC 8414; else OpenID Connect's only."""
    registers: bool = False
    takes_documents: bool = False
    says_issuer: bool = True
    pkce: tuple[str, ...] = ("S256",)
    claimed_issuer: str | None = None
    overrides: dict[str, Any] = field(default_factory=dict[str, Any])
    clients: dict[str, str | None] = field(default_factory=dict[str, "str | None"])
    redirects: dict[str, list[str]] = field(default_factory=dict[str, "list[str]"])
    codes: dict[str, dict[str, str]] = field(default_factory=dict[str, "dict[str, str]"])
    families: list[Family] = field(default_factory=list[Family])
    seen: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    """The forms that came to the token endpoint, and `client`."""
    revocations: list[str] = field(default_factory=list[str])
    reuses: int = 0
    fails: list[str] = field(default_factory=list[str])
    """What the next requests of a token come to: 500, slow, garbage, or an error code."""
    after_commit: asyncio.Event | None = None
    """Cleared: answers are kept back after they were made."""

    @property
    def issuer(self) -> str:
        return self.url + self.path

    @property
    def live(self) -> set[str]:
        """Access tokens that are good."""
        return {token for family in self.families if not family.revoked for token in family.access}

    def authorise(self, url: str, **changes: str) -> str:
        """A person agrees: where the browser is sent back to. Raises AssertionError for a bad request."""
        parts = urlsplit(url)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        assert asked["response_type"] == "code"
        assert asked["client_id"] in self.clients or asked["client_id"].startswith("http")
        registered = self.redirects.get(asked["client_id"])
        assert registered is None or asked["redirect_uri"] in registered
        assert not (self.entra and "resource" in asked), "AADSTS9010010"
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        back = {"code": code, "state": asked["state"]} | ({"iss": self.issuer} if self.says_issuer else {})
        return f"{asked['redirect_uri']}?{urlencode(back | changes)}"

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/{tail:.*}", self._get)
        app.router.add_post(f"{self.path}/token", self._token)
        app.router.add_post(f"{self.path}/revoke", self._revoke)
        app.router.add_post(f"{self.path}/register", self._register)
        return app

    async def _get(self, request: web.Request) -> web.Response:
        where = [f"{self.path}/.well-known/openid-configuration"]
        if self.oauth_metadata:
            where.append(f"/.well-known/oauth-authorization-server{self.path}")
        if request.path not in where:
            return web.Response(status=404)
        said: dict[str, Any] = {
            "issuer": self.claimed_issuer or self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "revocation_endpoint": f"{self.issuer}/revoke",
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
            "authorization_response_iss_parameter_supported": self.says_issuer,
        }
        if self.pkce and not self.entra:
            said["code_challenge_methods_supported"] = list(self.pkce)
        if self.registers:
            said["registration_endpoint"] = f"{self.issuer}/register"
        if self.takes_documents:
            said["client_id_metadata_document_supported"] = True
        return web.json_response(said | self.overrides)

    async def _register(self, request: web.Request) -> web.Response:
        asked = await request.json()
        id = f"client-{len(self.clients)}"
        self.clients[id] = None
        self.redirects[id] = asked["redirect_uris"]
        return web.json_response({"client_id": id, **asked}, status=201)

    async def _token(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        client = self._client(request, form)
        self.seen.append(form | {"client": client or ""})
        how = self.fails.pop(0) if self.fails else ""
        if how == "500":
            return web.Response(status=500, text="oops")
        if how == "garbage":
            return web.Response(text="<html>")
        if how and how != "slow":
            return _error(how)
        if client is None:
            return _error("invalid_client", 401)
        if self.entra and "resource" in form:
            return _error("invalid_target")
        answer = self._granted(form, client)
        if self.after_commit is not None:
            await self.after_commit.wait()
        return answer

    def _client(self, request: web.Request, form: dict[str, str]) -> str | None:
        basic = request.headers.get("authorization", "")
        if basic.startswith("Basic "):
            id, _, secret = base64.b64decode(basic[6:]).decode().partition(":")
            id, secret = unquote_plus(id), unquote_plus(secret)
        else:
            id, secret = form.get("client_id", ""), form.get("client_secret", "")
        if id.startswith("http") and self.takes_documents:
            return id
        known = self.clients.get(id, "-")
        return id if known != "-" and (known or "") == secret else None

    def _granted(self, form: dict[str, str], client: str) -> web.Response:
        grant = form["grant_type"]
        if grant == "authorization_code":
            return self._by_code(form, client)
        if grant == "refresh_token":
            return self._by_refresh(form, client)
        family = Family(client, form.get("scope", ""))
        self.families.append(family)
        return self._issue(family, refresh=False)

    def _by_code(self, form: dict[str, str], client: str) -> web.Response:
        asked = self.codes.pop(form.get("code", ""), None)
        challenge = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        made = base64.urlsafe_b64encode(challenge).rstrip(b"=").decode()
        if (
            asked is None
            or asked["client_id"] != client
            or asked["redirect_uri"] != form.get("redirect_uri")
            or asked.get("code_challenge") != made
            or asked.get("code_challenge_method") != "S256"
        ):
            return _error("invalid_grant")
        family = Family(client, asked.get("scope", ""))
        self.families.append(family)
        return self._issue(family)

    def _by_refresh(self, form: dict[str, str], client: str) -> web.Response:
        given = form.get("refresh_token", "")
        family = next((one for one in self.families if given in one.used or given == one.refresh), None)
        if family is None or family.client_id != client:
            return _error("invalid_grant")
        if given in family.used:
            self.reuses += 1
            family.revoked = True
        if family.revoked:
            return _error("invalid_grant")
        return self._issue(family)

    def _issue(self, family: Family, *, refresh: bool = True) -> web.Response:
        access = f"at-{secrets.token_urlsafe(24)}"
        family.access.add(access)
        said: dict[str, Any] = {"access_token": access, "token_type": "Bearer", "expires_in": self.lives_s}
        if refresh and (self.rotates or not family.refresh):
            if family.refresh:
                family.used.add(family.refresh)
            family.refresh = f"rt-{secrets.token_urlsafe(24)}"
            said["refresh_token"] = family.refresh
        return web.json_response(said)

    async def _revoke(self, request: web.Request) -> web.Response:
        form = await request.post()
        token = str(form["token"])
        self.revocations.append(token)
        for family in self.families:
            if token in family.access or token == family.refresh:
                family.revoked = True
        return web.Response()


def _error(code: str, status: int = 400) -> web.Response:
    return web.json_response({"error": code}, status=status)


@dataclass
class ToolServer:
    """The protected resource: says where one signs in, and knows the tokens of `issuer`."""

    issuer: AuthorizationServer
    url: str = ""
    told: str | None = None
    """Another resource_metadata than its own."""
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])
    challenges: bool = True

    @property
    def address(self) -> str:
        return f"{self.url}/mcp"

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/mcp", self._mcp)
        app.router.add_get("/.well-known/oauth-protected-resource/mcp", self._described)
        return app

    async def _mcp(self, request: web.Request) -> web.Response:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token in self.issuer.live:
            return web.json_response({"jsonrpc": "2.0", "id": 1, "result": {}})
        told = self.told or f"{self.url}/.well-known/oauth-protected-resource/mcp"
        challenge = f'Bearer resource_metadata="{told}"' if self.challenges else "Bearer"
        return web.Response(status=401, headers={"www-authenticate": challenge})

    async def _described(self, _: web.Request) -> web.Response:
        said = {"resource": self.address, "authorization_servers": [self.issuer.issuer]}
        return web.json_response(said | {"scopes_supported": ["notes.read", "notes.write"]} | self.metadata)


@asynccontextmanager
async def serving(issuer: AuthorizationServer) -> AsyncIterator[ToolServer]:
    """Both, each on a port of its own."""
    tool_server = ToolServer(issuer)
    async with listening(issuer.app()) as issuer.url, listening(tool_server.app()) as tool_server.url:
        yield tool_server
