"""Where no tool server is, whatever the registry says or a name resolves to: what a machine answers about
itself to whoever asks from it (credentials of the cloud), and all else that is link-local.
"""

import socket
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from typing import Any

GUARDED = "guarded:"
"""Before the address of a server that an organisation named, not the operator: it may only be where the
outbound guard lets anybody's address be (SPEC 13)."""
Reach = Callable[[str], bool]
"""Whether a connection may end at this IP address."""
# Metadata services that are not link-local: Azure's, Alibaba's, Amazon's over IPv6.
_METADATA = frozenset(map(ip_address, ("168.63.129.16", "100.100.100.200", "fd00:ec2::254")))


def out_of_bounds(address: str) -> bool:
    """`address`: an IP address; anything else is not out of bounds, it has to be resolved first."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return ip.is_link_local or ip in _METADATA


def anywhere(address: str) -> bool:
    """For servers that the operator answers for: everywhere but out of bounds."""
    return not out_of_bounds(address)


def bounded_sockets(reach: Reach) -> Callable[[Any], socket.socket]:
    """For aiohttp: makes a socket for one entry of getaddrinfo. Raises OSError for what is out of reach."""

    def bounded_socket(about: Any) -> socket.socket:
        family, kind, protocol, _, target = about
        if out_of_bounds(str(target[0])) or not reach(str(target[0])):
            raise OSError("No tool server may be at this address.")
        return socket.socket(family, kind, protocol)

    return bounded_socket
