"""The chain of policies around every call, outermost first (SPEC 9). Adding a policy is one line here."""

from access.tokens import Minter
from kit.clock import Clock
from tools.gateway.call import Handler
from tools.gateway.callers import Callers
from tools.gateway.pins import Pins
from tools.gateway.registry import RegistryHolder
from tools.gateway.spool import Spool
from tools.gateway.upstreams.connections import Connections
from tools.gateway.wrappers.audit import audited
from tools.gateway.wrappers.authenticate import authenticated
from tools.gateway.wrappers.authorise import authorised
from tools.gateway.wrappers.forward import forward
from tools.gateway.wrappers.meter import metered
from tools.gateway.wrappers.pinned import pinned
from tools.gateway.wrappers.time_limit import time_limited
from tools.gateway.wrappers.validate import validated


def build_chain(
    *,
    spool: Spool,
    clock: Clock,
    callers: Callers,
    holder: RegistryHolder,
    pins: Pins,
    connections: Connections,
    minter: Minter,
) -> Handler:
    """Read from the last line up: the call goes in at `metered` and comes to `forward`."""
    handler = forward(connections, minter)
    handler = time_limited(handler)
    handler = validated(handler)
    handler = pinned(handler, pins)
    handler = authorised(handler, holder)
    handler = authenticated(handler, callers)
    handler = audited(handler, spool, clock)
    return metered(handler)
