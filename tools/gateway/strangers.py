"""Who comes with a credential that is not valid, or with none, is counted by address (SPEC 11).

An address beyond its limit gets 429, before anything is written about it; whoever there has a valid
credential is served all the same: an office shares one address.
"""

from math import ceil

from starlette.types import Scope

from kit.clock import Clock, epoch
from kit.errors import TooMany, Unauthenticated
from ports.redis.rates import Bound, Bounds, Limiter, address_of
from tools.gateway.callers import Callers

_REMEMBERED = 10_000


class TooManyFailedSignIns(TooMany):
    code = "too_many_failed_sign_ins"
    title = "Too many requests of your address had no valid credential"
    default_hint = "Wait for the time in Retry-After, or send a valid token or API key: those are served."


class Strangers:
    """`most`: refusals of one address within a minute, of requests without a credential and with a wrong one
    each."""

    def __init__(self, callers: Callers, limiter: Limiter, clock: Clock, most: int) -> None:
        self._callers = callers
        self._limiter = limiter
        self._now = epoch(clock)
        self._most = most
        self.shut: dict[str, float] = {}
        """Addresses beyond their limit, and until when. Empty nearly always: asked on every request."""

    async def let_in(self, scope: Scope, authorization: str) -> None:
        """Raises TooManyFailedSignIns where the address is beyond its limit and the credential not valid."""
        wait_s = self.shut.get(_key(scope, authorization), 0.0) - self._now()
        if wait_s <= 0:
            return
        try:
            await self._callers.of(authorization)
        except Unauthenticated as error:
            raise _refusal(wait_s) from error

    async def refused(self, scope: Scope, authorization: str) -> None:
        """Counts one. Raises TooManyFailedSignIns."""
        key = _key(scope, authorization)
        taken = await self._limiter.take(Bounds((Bound("stranger", key, self._most),)))
        if taken.refused_by is not None:
            self._shut(key, self._now() + taken.wait_s)
            raise _refusal(taken.wait_s)

    def _shut(self, key: str, until: float) -> None:
        now = self._now()
        if len(self.shut) >= _REMEMBERED:
            self.shut.clear()
        elif len(self.shut) % 100 == 0:
            self.shut = {each: end for each, end in self.shut.items() if end > now}
        self.shut[key] = until


def _refusal(wait_s: float) -> TooManyFailedSignIns:
    return TooManyFailedSignIns(
        "Too many requests without a valid credential.", retry_after=max(1, ceil(wait_s))
    )


def _key(scope: Scope, authorization: str) -> str:
    """Apart, so that wrong guesses do not take from newcomers the answer that says how to sign in."""
    return f"{'wrong' if authorization else 'none'}/{address_of(scope.get('client'))}"
