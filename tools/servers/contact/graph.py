"""Microsoft Graph with a token of its own, for the calendar and for mail; the one home of MSAL here."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote

import httpx
from pydantic import Field, SecretStr

from kit.clock import Clock, SystemClock
from kit.errors import Unavailable, UpstreamFailed
from kit.settings import Settings
from ports.http.client import client

Token = Callable[[], Awaitable[str]]
_EARLY_S = 300.0
_TOKEN_WITHIN_S = 5.0


class GraphSettings(Settings):
    """The application by which calendars and mail are reached in Microsoft Graph."""

    section = "graph"

    tenant_id: str = Field(default="", description="The Entra tenant.")
    client_id: str = Field(default="", description="The application's id there.")
    client_secret: SecretStr = Field(default=SecretStr(""), description="A secret of the application.")
    base_url: str = Field(default="https://graph.microsoft.com/v1.0", description="Another cloud's address.")
    authority: str = Field(default="https://login.microsoftonline.com", description="Who gives tokens.")
    scope: str = Field(default="https://graph.microsoft.com/.default", description="What tokens are for.")


class GraphRefused(UpstreamFailed):
    """Entra gives us no token: the application, its secret or its consent is wrong."""

    code = "graph_refused"
    title = "Microsoft does not let us in"
    default_hint = "Ask an admin to check SWITCHBOARD_GRAPH__… and the application's permissions in Entra."
    retryable = False


class EntraToken:
    """Client credentials (MSAL), kept until five minutes before they end."""

    def __init__(self, settings: GraphSettings, clock: Clock | None = None) -> None:
        self._settings = settings
        self._clock = clock or SystemClock()
        self._token = ""
        self._until = 0.0
        self._one = asyncio.Lock()

    async def __call__(self) -> str:
        """Raises Unavailable, GraphRefused."""
        async with self._one:
            now = self._clock.now().timestamp()
            if now >= self._until:
                given = await self._ask()
                self._token = str(given["access_token"])
                self._until = now + max(0.0, float(given.get("expires_in", 0)) - _EARLY_S)
            return self._token

    async def _ask(self) -> Mapping[str, Any]:
        try:
            # MSAL speaks HTTP synchronously, with limits of its own
            given = await asyncio.to_thread(self._ask_entra)
        except Exception as reason:
            raise Unavailable("Microsoft's sign-in does not answer.") from reason
        if "access_token" not in given:
            raise GraphRefused(f"Microsoft's sign-in answered '{given.get('error', 'nothing')}'.")
        return given

    def _ask_entra(self) -> Mapping[str, Any]:
        # lazy: 150 ms, for whoever has chosen Graph
        from msal import ConfidentialClientApplication

        settings = self._settings
        application: Any = ConfidentialClientApplication(
            settings.client_id,
            client_credential=settings.client_secret.get_secret_value(),
            authority=f"{settings.authority}/{settings.tenant_id}",
            instance_discovery=False,
            timeout=_TOKEN_WITHIN_S,
        )
        try:
            return application.acquire_token_for_client([settings.scope]) or {}
        finally:
            # once an hour: no connection is kept for that
            application.http_client.close()


class Graph:
    """Calls of Graph. Any answer below 500 but 429 comes back as it is."""

    def __init__(self, base_url: str, token: Token, timeout_s: float) -> None:
        self._base_url = base_url.rstrip("/")
        self._token = token
        self._timeout_s = timeout_s
        self._client = client(timeout_s)

    async def call(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        content: bytes | None = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Raises kit.errors.Unavailable (with Retry-After) for 429, 5xx and silence; GraphRefused."""
        try:
            async with asyncio.timeout(self._timeout_s):
                sent = {"authorization": f"Bearer {await self._token()}", **(headers or {})}
                response = await self._client.request(
                    method,
                    f"{self._base_url}{path}",
                    json=json,
                    content=content,
                    params=params,
                    headers=sent,
                )
        except (httpx.HTTPError, TimeoutError) as reason:
            raise Unavailable("Microsoft Graph does not answer.") from reason
        if response.status_code == 429 or response.status_code >= 500:
            raise Unavailable(
                "Microsoft Graph cannot do it now.", retry_after=wait_of(response.headers.get("retry-after"))
            )
        return response

    async def close(self) -> None:
        await self._client.aclose()


def open_graph(settings: GraphSettings, timeout_s: float, clock: Clock | None = None) -> Graph:
    """One for each port: they wait differently long."""
    return Graph(settings.base_url, EntraToken(settings, clock), timeout_s)


def wait_of(header: str | None) -> float | None:
    """Seconds of a Retry-After; None where it names a date, or nothing."""
    return float(header) if header and header.isdecimal() else None


def segment(text: str) -> str:
    """One part of a path, whatever it holds."""
    return quote(text, safe="")
