"""The connected tool servers, by address."""

import asyncio
from collections.abc import Iterable, Mapping

import structlog
from starlette.types import ASGIApp

from kit.errors import Unavailable
from ports.http import AddressRefused, Guard, OutboundSettings
from tools.gateway.upstreams.http import Client, HttpUpstream
from tools.gateway.upstreams.inproc import InProcessUpstream
from tools.gateway.upstreams.port import Upstream
from tools.gateway.upstreams.reach import GUARDED

IN_PROCESS = "inproc:"
_log = structlog.get_logger()


class Connections:
    """One upstream per address, made on first use and kept; `keep` closes the ones no longer named."""

    def __init__(
        self,
        apps: Mapping[str, ASGIApp],
        result_limit: int,
        client: Client = "own",
        guard: Guard | None = None,
    ) -> None:
        """guard: for addresses that begin with `guarded:`; without one nothing private is opened for them."""
        self._apps = apps
        self._limit = result_limit
        self._client: Client = client
        self._guard = guard or Guard(OutboundSettings())
        self._open: dict[str, Upstream] = {}
        self._opening = asyncio.Lock()

    async def to(self, address: str) -> Upstream:
        """Raises Unavailable where nothing of that address can be reached."""
        found = self._open.get(address)
        if found is not None:
            return found
        async with self._opening:
            if address not in self._open:
                made = self._make(address)
                await made.start()
                self._open[address] = made
            return self._open[address]

    async def apart(self, address: str) -> Upstream:
        """One that nobody else uses, for one look; to be closed by the caller. Raises as `to`."""
        made = self._make(address)
        await made.start()
        return made

    async def keep(self, addresses: Iterable[str]) -> None:
        for address in set(self._open) - set(addresses):
            await self._open.pop(address).close()

    async def close(self) -> None:
        await self.keep(())

    def _make(self, address: str) -> Upstream:
        if not address.startswith(IN_PROCESS):
            return _over_http(address, self._limit, self._client, self._guard)
        app = self._apps.get(address.removeprefix(IN_PROCESS))
        if app is None:
            _log.error("gateway.no_such_app_in_this_process", address=address)
            raise Unavailable("This tool's server is not running.", retry_after=5)
        return InProcessUpstream(app, self._limit)


def _over_http(address: str, result_limit: int, client: Client, guard: Guard) -> HttpUpstream:
    url = address.removeprefix(GUARDED)
    try:
        if url == address:
            return HttpUpstream(address, result_limit, client)
        target = guard.target(url)
        return HttpUpstream(
            url, result_limit, client, lambda peer: guard.permits(target.host, target.port, peer)
        )
    except (ValueError, AddressRefused) as error:
        _log.error("gateway.server_address_unusable", why=str(error))
        raise Unavailable("This tool's server cannot be reached.", retry_after=30) from error
