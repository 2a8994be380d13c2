"""A tool server over HTTP that asks for OAuth: the Python SDK's server, its check of tokens in front."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings

from launch.child import free_port
from tests.platform_api.toolbox.connections.authorization_server import AuthorizationServer
from tests.tools.world import served


class Live:
    """The tokens that the authorization server takes for good."""

    def __init__(self, issuer: AuthorizationServer) -> None:
        self._issuer = issuer
        self.seen: set[str] = set()

    async def verify_token(self, token: str) -> AccessToken | None:
        self.seen.add(token)
        if token not in self._issuer.live:
            return None
        return AccessToken(token=token, client_id="switchboard", scopes=[])


class Notes:
    """The server, whose tool can change under our feet."""

    def __init__(self, issuer: AuthorizationServer, live: Live) -> None:
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}/mcp"
        # the authorization server knows one resource only, so its tokens do not name it
        auth: Any = AuthSettings(
            issuer_url=issuer.issuer, resource_server_url=self.address, validate_token_resource=False
        )
        self._server: MCPServer[Any] = MCPServer("notes", token_verifier=live, auth=auth)
        self._server.add_tool(newest, name="newest_note", description="Reads the newest note.")

    def change(self, description: str) -> None:
        self._server.remove_tool("newest_note")
        self._server.add_tool(newest, name="newest_note", description=description)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        security = TransportSecuritySettings(enable_dns_rebinding_protection=False)
        app = self._server.streamable_http_app(
            transport_security=security, json_response=True, stateless_http=True
        )
        async with served(app, self.port):
            yield


def newest() -> str:
    return "Buy milk."
