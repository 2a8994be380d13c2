"""The chain of policies around every call, outermost first (SPEC 9). Adding a policy is one line here."""

from dataclasses import dataclass

from access.tokens import Minter
from kit.clock import Clock
from ports.redis.rates import Limiter
from tools.gateway.approvals import Approvals
from tools.gateway.bounds import BoundsOf
from tools.gateway.call import Handler
from tools.gateway.callers import Callers
from tools.gateway.credentials import Credentials
from tools.gateway.pins import Pins
from tools.gateway.registry import RegistryHolder
from tools.gateway.settings import GatewaySettings
from tools.gateway.spool import Spool
from tools.gateway.states import States
from tools.gateway.upstreams.peers import Peers
from tools.gateway.wrappers.approval import approved
from tools.gateway.wrappers.audit import audited
from tools.gateway.wrappers.authenticate import authenticated
from tools.gateway.wrappers.authorise import authorised
from tools.gateway.wrappers.breaker import broken
from tools.gateway.wrappers.budget import budgeted
from tools.gateway.wrappers.bulkhead import in_bulkhead
from tools.gateway.wrappers.forward import forward
from tools.gateway.wrappers.meter import metered
from tools.gateway.wrappers.pinned import pinned
from tools.gateway.wrappers.rate_limit import rate_limited
from tools.gateway.wrappers.redact import redacted
from tools.gateway.wrappers.retry import retried
from tools.gateway.wrappers.screen import Screening, screened
from tools.gateway.wrappers.time_limit import time_limited
from tools.gateway.wrappers.validate import validated


@dataclass(frozen=True, slots=True)
class Policies:
    """What is decided outside the gateway; None: nothing is asked."""

    screening: Screening | None = None


def build_chain(
    *,
    settings: GatewaySettings,
    policies: Policies,
    approvals: Approvals | None,
    states: States,
    spool: Spool,
    clock: Clock,
    callers: Callers,
    holder: RegistryHolder,
    pins: Pins,
    limiter: Limiter,
    peers: Peers,
    minter: Minter,
    credentials: Credentials,
) -> Handler:
    """Read from the last line up: the call goes in at `metered` and comes to `forward`."""
    handler = forward(peers, minter, states, credentials)
    handler = redacted(handler)
    handler = screened(handler, policies.screening)
    handler = in_bulkhead(
        handler, settings.server_calls_at_once, settings.calls_at_once, settings.user_calls_at_once
    )
    handler = retried(handler)
    handler = time_limited(handler)
    handler = broken(handler, clock)
    handler = budgeted(handler)
    handler = rate_limited(handler, BoundsOf(settings), limiter)
    handler = approved(handler, approvals)
    handler = validated(handler)
    handler = pinned(handler, pins)
    handler = authorised(handler, holder, pins)
    handler = authenticated(handler, callers)
    handler = audited(handler, spool, clock)
    return metered(handler)
