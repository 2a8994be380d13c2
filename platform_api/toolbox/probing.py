"""What the platform asks of the gateway: what a server lists now, since it speaks MCP to nobody's server
(SPEC 9), and what is remembered of a person's approvals."""

from typing import TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from access.principal import Principal
from access.services import PLATFORM
from access.tokens import Minter
from kit.wire.interactions import AskRemembered, Remembered
from kit.wire.internal import Probed, ProbeServer
from kit.wire.tools import RegisteredServer
from platform_api.toolbox.errors import GatewayFailed, ToolsUnavailable
from ports.http import client

_AUDIENCE = "gateway"
_WITHIN_S = 20.0
"""The gateway gives a server 10 s."""
_OK, _AWAY = 200, 503
Shape = TypeVar("Shape", bound=BaseModel)
_ANSWER_LIMIT = 16 * 1024 * 1024


class Probing:
    """gateway_url: without a path."""

    def __init__(self, gateway_url: str, minter: Minter) -> None:
        self._link = GatewayLink(gateway_url, minter)

    async def probe(self, principal: Principal, server: RegisteredServer) -> Probed:
        """For this admin. A server that cannot be reached is an answer with a `problem`.

        Raises ToolsUnavailable, GatewayFailed, where the gateway itself does not answer.
        """
        asked = ProbeServer(
            server=server, organisation_id=principal.organisation_id, user_id=principal.id
        ).model_dump_json()
        return await self._link.ask("definitions", asked, Probed)


class Remembering:
    """What the gateway remembers of a person's approvals; it alone keeps and applies them."""

    def __init__(self, gateway_url: str, minter: Minter) -> None:
        self._link = GatewayLink(gateway_url, minter)

    async def ask(self, principal: Principal, forget: str | None = None) -> Remembered:
        """Raises ToolsUnavailable, GatewayFailed."""
        asked = AskRemembered(
            organisation_id=principal.organisation_id, user_id=principal.id, forget=forget
        ).model_dump_json()
        return await self._link.ask("approvals", asked, Remembered)


class GatewayLink:
    """The platform's own questions to the gateway, as itself."""

    def __init__(self, gateway_url: str, minter: Minter) -> None:
        self._url = f"{gateway_url.rstrip('/')}/internal/v1/"
        self._minter = minter

    async def ask(self, what: str, body: str, shape: type[Shape]) -> Shape:
        """Raises ToolsUnavailable, GatewayFailed."""
        answer = await self._post(what, body)
        try:
            return shape.model_validate_json(answer)
        except ValidationError as error:
            raise GatewayFailed("The tool gateway's answer is not of the agreed form.") from error

    async def _post(self, what: str, body: str) -> bytes:
        headers = {
            "Authorization": f"Bearer {self._minter.mint(PLATFORM, _AUDIENCE)}",
            "Content-Type": "application/json",
        }
        try:
            async with (
                client(_WITHIN_S) as http,
                http.stream("POST", self._url + what, content=body, headers=headers) as response,
            ):
                if response.status_code == _AWAY:
                    raise ToolsUnavailable(retry_after=5)
                if response.status_code != _OK:
                    raise GatewayFailed(f"The tool gateway answered {response.status_code}.")
                return await _limited(response)
        except httpx.HTTPError as error:
            raise ToolsUnavailable("The tool gateway does not answer.", retry_after=5) from error


async def _limited(response: httpx.Response) -> bytes:
    found = bytearray()
    async for part in response.aiter_bytes():
        found += part
        if len(found) > _ANSWER_LIMIT:
            raise GatewayFailed(f"The list of tools is larger than {_ANSWER_LIMIT // 1024 // 1024} MB.")
    return bytes(found)
