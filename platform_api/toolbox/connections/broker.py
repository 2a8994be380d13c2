"""The broker put together; runs beside the requests and is stopped after them."""

from access.tokens import Minter
from kit.clock import Clock
from kit.sealing import KeyRing
from platform_api.toolbox.connections.accounts import Accounts
from platform_api.toolbox.connections.connecting import Connecting
from platform_api.toolbox.connections.courier import Carrier, Courier, InProcess, NoCarrier
from platform_api.toolbox.connections.credentials import Credentials
from platform_api.toolbox.connections.discovery import Finder
from platform_api.toolbox.connections.settings import ConnectionsSettings
from platform_api.toolbox.connections.sign_ins import Addresses, SignIns
from platform_api.toolbox.connections.vault import Vault
from ports.db import Database
from ports.http import Guard, OutboundSettings, Resolver


class Broker:
    """ring None: this deployment keeps no credentials; what needs some says so."""

    def __init__(
        self,
        database: Database,
        ring: KeyRing | None,
        minter: Minter,
        clock: Clock,
        *,
        settings: ConnectionsSettings,
        outbound: OutboundSettings,
        resolver: Resolver,
    ) -> None:
        vault = Vault(ring)
        self.addresses = Addresses(settings)
        self._finder = Finder(Guard(outbound, resolver))
        fetcher = self._finder.fetcher
        self.connecting = Connecting(
            database,
            vault,
            fetcher,
            addresses=self.addresses,
            clock=clock,
            answer_within_s=settings.answer_within_s,
        )
        carrier: Carrier = NoCarrier()
        if ring is not None and settings.refresh_apart:
            carrier = Courier(database.url, ring, outbound)
        elif ring is not None:
            carrier = InProcess(database, ring, fetcher, clock)
        self.credentials = Credentials(
            database,
            vault,
            self.connecting,
            carrier,
            minter=minter,
            clock=clock,
            settings=settings,
        )
        self.accounts = Accounts(database, vault, fetcher)
        self.sign_ins = SignIns(database, vault, self._finder, self.addresses, clock)

    def start(self) -> None:
        """Nothing: what is needed is made with the first use."""

    async def stop(self) -> None:
        """Refreshes under way are finished."""
        await self.credentials.stop()
        await self._finder.aclose()
