"""HTTP to others: one way to make a client, so that each has limits and a time-out.

`client` is for peers that our own settings name. Every address that a user, a document or a tool names
goes through `Fetcher` (or `guarded_client`), behind the `Guard` (SPEC 13).
"""

from ports.http.client import blocking_client, client
from ports.http.errors import AddressRefused, FetchFailed
from ports.http.fetch import Fetched, Fetcher, FetchLimits
from ports.http.guard import Guard, Resolver, system_resolver
from ports.http.guarded import guarded_client
from ports.http.settings import OutboundSettings

__all__ = [
    "AddressRefused",
    "FetchFailed",
    "FetchLimits",
    "Fetched",
    "Fetcher",
    "Guard",
    "OutboundSettings",
    "Resolver",
    "blocking_client",
    "client",
    "guarded_client",
    "system_resolver",
]
