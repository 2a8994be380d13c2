"""Where no tool server is, whatever the registry says or a name resolves to: what a machine answers about
itself to whoever asks from it (credentials of the cloud), and all else that is link-local.
"""

import socket
from ipaddress import IPv6Address, ip_address
from typing import Any

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


def bounded_socket(about: Any) -> socket.socket:
    """For aiohttp: a socket for one entry of getaddrinfo. Raises OSError for what is out of bounds."""
    family, kind, protocol, _, target = about
    if out_of_bounds(str(target[0])):
        raise OSError("No tool server is at a link-local address.")
    return socket.socket(family, kind, protocol)
