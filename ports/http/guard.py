"""Which addresses may be opened when somebody else names them (SPEC 13, OWASP SSRF).

Two looks: at the text of the URL, and at every address that its host has, just before connecting to one of
exactly those addresses. The first is for a good error; the second is what protects.
"""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import httpx

from ports.http.errors import AddressRefused
from ports.http.settings import OutboundSettings

Address = IPv4Address | IPv6Address
Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""(host, port) → IP addresses in text. Raises OSError where there are none."""

_LONGEST = 2048
_RESOLVE_WITHIN_S = 5.0
_DEFAULT_PORTS = {"http": 80, "https": 443}
_NUMERIC_LABEL = re.compile(r"(?:[0-9]+|0[xX][0-9a-fA-F]*)\Z")
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?\Z")

# Not even where an operator allows the network: they hand out the machine's own credentials, or are no
# address of one machine at all.
_NEVER = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "169.254.0.0/16",  # link-local: the metadata services of AWS, Azure, GCP, ECS
        "100.100.100.200/32",  # Alibaba
        "168.63.129.16/32",  # Azure's wire server
        "192.0.0.192/32",  # Oracle
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/128",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
        "fd00:ec2::/32",  # AWS
        "fd20:ce::/32",  # GCP
    )
)
_NEVER_NAMED = frozenset({"metadata", "metadata.google.internal", "metadata.goog", "instance-data"})
# Beside what `is_global` leaves out, whatever the version of Python.
_NOT_PUBLIC = tuple(
    ip_network(text)
    for text in (
        "100.64.0.0/10",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "2001::/23",  # Teredo, ORCHID and other tunnels
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
    )
)
_UNICAST = ip_network("2000::/3")
_NAT64 = ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a URL leads, as it will be connected to."""

    scheme: str
    host: str
    port: int


async def system_resolver(host: str, port: int) -> Sequence[str]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


class Guard:
    """Says no to everything but public web addresses and what the operator allowed."""

    def __init__(self, settings: OutboundSettings, resolver: Resolver = system_resolver) -> None:
        self._resolver = resolver
        self._ports = frozenset(settings.ports)
        self._hosts = tuple(_allowed(entry) for entry in settings.allowed_hosts)
        self._networks = tuple(ip_network(entry, strict=False) for entry in settings.allowed_networks)

    def target(self, url: str) -> Target:
        """What the text alone says. Raises AddressRefused."""
        try:
            target = _parsed(url)
        except ValueError as error:
            raise AddressRefused("This is no address that we can open.") from error
        self._check_port(target.host, target.port)
        return target

    async def check(self, url: str) -> Target:
        """Whether the URL could be opened now; connecting looks again. Raises AddressRefused."""
        target = self.target(url)
        await self.addresses(target.host, target.port)
        return target

    def permits(self, host: str, port: int, address: str) -> bool:
        """Whether a connection that was made for this host may be to this IP address."""
        try:
            found = ip_address(address)
        except ValueError:
            return False
        return self._may(found, self._names(host, port))

    async def addresses(self, host: str, port: int) -> list[Address]:
        """All addresses of the host, if every one of them may be connected to. Raises AddressRefused."""
        host = host.rstrip(".").lower()
        self._check_port(host, port)
        if host in _NEVER_NAMED:
            raise _refused()
        found = await self._resolve(host, port)
        named = self._names(host, port)
        if not found or not all(self._may(address, named) for address in found):
            raise _refused()
        return found

    async def _resolve(self, host: str, port: int) -> list[Address]:
        try:
            return [ip_address(host)]
        except ValueError:
            pass
        try:
            async with asyncio.timeout(_RESOLVE_WITHIN_S):
                texts = await self._resolver(host, port)
            return [ip_address(text) for text in dict.fromkeys(texts)]
        except (OSError, UnicodeError, ValueError) as error:
            raise _refused() from error

    def _check_port(self, host: str, port: int) -> None:
        if port not in self._ports and not self._names(host, port, exactly=True):
            raise AddressRefused(
                f"Port {port} may not be opened.",
                hint="Use an address with a usual port, or ask an operator to name host:port in "
                "SWITCHBOARD_OUTBOUND__ALLOWED_HOSTS.",
            )

    def _names(self, host: str, port: int, *, exactly: bool = False) -> bool:
        """Whether the operator allowed this host by name; `exactly`: with this port."""
        return any(
            _matches(host, pattern) and (allowed == port or (allowed is None and not exactly))
            for pattern, allowed in self._hosts
        )

    def _may(self, address: Address, named: bool) -> bool:
        inner = _embedded(address)
        if any(each in network for each in (address, inner) for network in _NEVER):
            return False
        if named or any(inner in network or address in network for network in self._networks):
            return True
        return _is_public(inner)


def _refused() -> AddressRefused:
    return AddressRefused("This address does not lead to a web site that we may open.")


def _parsed(url: str) -> Target:
    """Raises ValueError."""
    # Two parsers that read such characters differently are how a check is talked round.
    if len(url) > _LONGEST or not url.isprintable() or any(one in url for one in ' \\<>"'):
        raise ValueError("characters")
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ValueError("not a URL") from error
    host = parsed.raw_host.decode("ascii").rstrip(".").lower()
    authority = re.split(r"[/?#]", url.partition("//")[2], maxsplit=1)[0]
    if parsed.scheme not in _DEFAULT_PORTS or "@" in authority or parsed.userinfo:
        raise ValueError("scheme or credentials")
    _check_host(host)
    port = parsed.port or _DEFAULT_PORTS[parsed.scheme]
    return Target(parsed.scheme, host, port)


def _check_host(host: str) -> None:
    """A name, or an address in its one usual form: 0177.1 and 2130706433 are addresses, too, to some."""
    if ":" in host:
        if IPv6Address(host).scope_id is not None:
            raise ValueError("a zone")
    elif _NUMERIC_LABEL.match(host.rpartition(".")[2]):
        IPv4Address(host)
    elif not _HOST.match(host) or ".." in host:
        raise ValueError("host")


def _allowed(entry: str) -> tuple[str, int | None]:
    host, _, port = entry.strip().lower().rpartition(":")
    if host and port.isdigit() and (":" not in host or host.endswith("]")):
        return host.strip("[]"), int(port)
    return entry.strip().lower().strip("[]"), None


def _matches(host: str, pattern: str) -> bool:
    if pattern.startswith("*."):
        return host.endswith(pattern[1:]) and len(host) > len(pattern) - 1
    return host == pattern


def _embedded(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, where it does."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address not in _UNICAST:
        return False
    if any(address in network for network in _NOT_PUBLIC):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved
