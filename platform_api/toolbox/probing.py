"""What a server lists now, asked through the gateway: the platform speaks MCP to nobody's server (SPEC 9)."""

import httpx
from pydantic import ValidationError

from access.principal import Principal
from access.services import PLATFORM
from access.tokens import Minter
from kit.wire.internal import Probed, ProbeServer
from kit.wire.tools import RegisteredServer
from platform_api.toolbox.errors import GatewayFailed, ToolsUnavailable
from ports.http import client

_AUDIENCE = "gateway"
_WITHIN_S = 20.0
"""The gateway gives a server 10 s."""
_OK = 200
_ANSWER_LIMIT = 16 * 1024 * 1024


class Probing:
    """gateway_url: without a path."""

    def __init__(self, gateway_url: str, minter: Minter) -> None:
        self._url = f"{gateway_url.rstrip('/')}/internal/v1/definitions"
        self._minter = minter

    async def probe(self, principal: Principal, server: RegisteredServer) -> Probed:
        """For this admin. A server that cannot be reached is an answer with a `problem`.

        Raises ToolsUnavailable, GatewayFailed, where the gateway itself does not answer.
        """
        asked = ProbeServer(
            server=server, organisation_id=principal.organisation_id, user_id=principal.id
        ).model_dump_json()
        body = await self._post(asked)
        try:
            return Probed.model_validate_json(body)
        except ValidationError as error:
            raise GatewayFailed("The tool gateway's answer is not of the agreed form.") from error

    async def _post(self, body: str) -> bytes:
        headers = {
            "Authorization": f"Bearer {self._minter.mint(PLATFORM, _AUDIENCE)}",
            "Content-Type": "application/json",
        }
        try:
            async with (
                client(_WITHIN_S) as http,
                http.stream("POST", self._url, content=body, headers=headers) as response,
            ):
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
