"""Asking a server for what it lists, for ourselves and not for a caller: pins and probes."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from access.services import GATEWAY
from access.tokens import Minter
from kit.errors import UpstreamFailed
from kit.wire.mcp import Answer
from kit.wire.tools import RegisteredServer
from tools.gateway.credentials import Credentials
from tools.gateway.upstreams.talk import Ask

_PAGES = 50
Answers = Callable[[Ask], Awaitable[Answer]]
"""Whoever speaks to the server."""


class _Listed(msgspec.Struct, rename="camel"):
    tools: list[dict[str, Any]]
    next_cursor: str | None = None


class Listing:
    """With the gateway's own token, made out to the server, or what is kept for the server."""

    def __init__(self, minter: Minter, credentials: Credentials) -> None:
        self._minter = minter
        self._credentials = credentials

    async def ask(
        self, server: RegisteredServer, method: str, params: Mapping[str, Any], who: str = ""
    ) -> Ask:
        """`who`: whose session; the gateway's own unless said otherwise. Raises as Credentials.of."""
        lent = await self._credentials.for_listing(server)
        token = self._minter.mint(GATEWAY, server.audience) if lent is None else ""
        own = f"{server.organisation_id}/{GATEWAY.id}" if server.organisation_id else str(GATEWAY.id)
        return Ask(method, params, token, who or own, repeatable=True, credential=lent)

    async def tools(
        self, server: RegisteredServer, answers: Answers, who: str = "", most_bytes: int | None = None
    ) -> list[dict[str, Any]]:
        """Every page of tools/list. Raises Unavailable, UpstreamFailed."""
        tools: list[dict[str, Any]] = []
        cursor: str | None = None
        size = 0
        for _ in range(_PAGES):
            params = {"cursor": cursor} if cursor else {}
            result: Any = (await answers(await self.ask(server, "tools/list", params, who))).result
            page = _page(result)
            size += len(result)
            if most_bytes is not None and size > most_bytes:
                raise UpstreamFailed(f"This tool's server lists more than {most_bytes} bytes.")
            tools += page.tools
            cursor = page.next_cursor
            if not cursor:
                return tools
        raise UpstreamFailed("This tool's server lists tools without an end.")


def _page(result: Any) -> _Listed:
    try:
        return msgspec.json.decode(result, type=_Listed)
    except (msgspec.MsgspecError, TypeError, RecursionError) as error:
        raise UpstreamFailed("This tool's server does not list its tools.") from error
