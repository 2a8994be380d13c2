"""`switchboard tool NAME --stdio`: a tool server for one client of this machine.

With an index in the settings (a Qdrant server, or the socket of `switchboard index`) the server itself runs
here; without one, the running platform's server is asked, through its gateway and under its policy. Both
act as the person whose API key stands in SWITCHBOARD_TOKEN, and as nobody else.
"""

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any, cast

import httpx

from access.grants import FetchGrant, keys_of
from access.tokens import Verified, principal_of
from kit.clock import SystemClock
from kit.errors import SwitchboardError, Unauthenticated, Unavailable
from kit.wire import mcp
from knowledge.index.settings import QdrantSettings
from launch import contact, separate
from launch.cli.connect import DEFAULT_URL
from launch.shape import ShapeSettings
from ports.db import DatabaseSettings
from tools.gateway.platform import HttpPlatform, PlatformLink
from tools.servers.alone import Who, serve_alone
from tools.servers.contact import server as contact_server
from tools.servers.docs import server as docs
from tools.servers.serving import Asker, ToolCall, failed, serve_stdio

_TIMEOUT_S = 40.0
_CLIENT = {"name": "switchboard-stdio", "version": "1"}
_MANIFESTS = {"docs": docs.manifest, "contact": contact_server.manifest}
_CAN: Mapping[str, Any] = {"elicitation": {"form": {}}}
"""What a tool asks goes on to the client, in whichever way its revision asks people."""


async def run(name: str) -> None:
    """Until stdin ends. Raises separate.Missing, also for a key that the platform does not know."""
    token = separate.needed(
        os.environ.get("SWITCHBOARD_TOKEN", ""), "TOKEN", "an API key; the server acts as its person."
    )
    shape = ShapeSettings()
    async with httpx.AsyncClient(timeout=_TIMEOUT_S) as client:
        if _is_here(name, shape):
            await _alone(name, shape, client, token)
        else:
            url = os.environ.get("SWITCHBOARD_URL", DEFAULT_URL)
            relay = Relay(f"{url.rstrip('/')}/servers/{name}/mcp", client, token)
            await serve_stdio(_MANIFESTS[name](), relay.listed, relay.called)


def _is_here(name: str, shape: ShapeSettings) -> bool:
    """Whether the settings say where the server's own backend is."""
    if name == "docs":
        return bool(QdrantSettings().url or shape.index_socket)
    return bool(DatabaseSettings().url)


async def _alone(name: str, shape: ShapeSettings, client: httpx.AsyncClient, token: str) -> None:
    url = separate.needed(shape.platform_url, "SHAPE__PLATFORM_URL", "where the api answers")
    platform = HttpPlatform(url, client, separate.keys(shape).gateway_minter(SystemClock()))
    who = person_of(platform, token)
    try:
        await who()
    except Unauthenticated as error:
        raise separate.Refused(f"SWITCHBOARD_TOKEN: {error.detail} {error.hint}") from error
    if name == "docs":
        async with separate.knowledge(shape) as found:
            await serve_alone(docs.manifest(), docs.tools_of(found.search, found.index), who)
        return
    # What it leaves unfinished is the consumer's, which runs with the deployment's own contact server.
    async with contact.apart(shape, None) as (server, _):
        await serve_alone(contact_server.manifest(), server.tools, who, server.states)


def person_of(platform: PlatformLink, token: str) -> Who:
    """Whose key it is; asked again when the platform's word has run out."""
    known: Asker | None = None
    until = 0.0

    async def who() -> Asker:
        nonlocal known, until
        if known is None or time.monotonic() >= until:
            known = None  # a key that was withdrawn must not go on by what was known of it
            asked = time.monotonic()
            resolved = await platform.resolve(token)
            until = asked + resolved.cache_s
            known = await _asker(resolved.claims, platform.grant)
        return known

    return who


async def _asker(claims: Mapping[str, Any], fetch: FetchGrant) -> Asker:
    verified = Verified(
        principal_of(claims), tuple(claims.get("keys") or ()), claims.get("grant"), "stdio", "platform", 0.0
    )
    return Asker(verified.principal, await keys_of(verified, _NoStore(), fetch))


class _NoStore:
    """Grants are asked of the platform: this process has no Redis."""

    async def get(self, name: str) -> None:
        return None

    async def set(self, name: str, value: str, *, ex: int) -> None:
        return None


class _NoSuchTool(Exception):
    pass


class Relay:
    """The running platform's server, as its gateway lets this person use it."""

    def __init__(self, url: str, client: httpx.AsyncClient, token: str) -> None:
        self._url = url
        self._client = client
        self._token = token

    async def listed(self) -> Sequence[Mapping[str, Any]]:
        """Raises Unauthenticated, Unavailable."""
        return (await self._ask("tools/list", {})).get("tools", [])

    async def called(self, call: ToolCall) -> Mapping[str, Any] | None:
        params = {"name": call.name, "arguments": dict(call.arguments), **call.resumption}
        try:
            return await self._ask("tools/call", params)
        except _NoSuchTool:
            return None
        except SwitchboardError as error:
            return failed(error)

    async def _ask(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Raises Unauthenticated, Unavailable, _NoSuchTool."""
        headers = mcp.stateless_headers(method, params.get("name")) | {
            "authorization": f"Bearer {self._token}",
            "accept": "application/json",
        }
        body = mcp.request(method, mcp.stateless_params(params, _CLIENT, capabilities=_CAN))
        try:
            response = await self._client.post(self._url, content=body, headers=headers)
            told: Any = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise Unavailable(f"{self._url} does not answer.", retry_after=2) from error
        if response.status_code == 401:
            raise Unauthenticated(hint="Set SWITCHBOARD_TOKEN to an API key of this platform.")
        if "result" in told:
            return told["result"]
        error = cast(dict[str, Any], told.get("error") or {})
        if error.get("code") == mcp.INVALID_PARAMS:
            raise _NoSuchTool
        raise Unavailable(str(error.get("message", "No answer.")), retry_after=2)
